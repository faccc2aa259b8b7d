package lvm

import "hash/crc32"

// checksumSeed is what LVM2 begins a CRC with (INITIAL_CRC in
// lib/misc/crc.h).
const checksumSeed = 0xf597a6cf

// checksum returns LVM2's CRC of the concatenation of parts: CRC-32 with the
// IEEE polynomial, without the inversion before and after that hash/crc32
// does and that is undone here.
func checksum(parts ...[]byte) uint32 {
	crc := ^uint32(checksumSeed)
	for _, p := range parts {
		crc = crc32.Update(crc, crc32.IEEETable, p)
	}
	return ^crc
}
