package ext3

import (
	"hash/crc32"
	"math/bits"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// crc32c continues the kernel's crc32c, which unlike the usual one inverts
// neither its start nor its end.
func crc32c(sum uint32, data []byte) uint32 {
	return ^crc32.Update(^sum, castagnoli, data)
}

// crc32cByte is crc32c of one byte. Few of them cost less this way, as they
// need not be in memory that is allocated.
func crc32cByte(sum uint32, c byte) uint32 { return castagnoli[byte(sum)^c] ^ sum>>8 }

// crc32cNumber is crc32c of a number as it lies on the disk.
func crc32cNumber(sum, n uint32) uint32 {
	for range 4 {
		sum, n = crc32cByte(sum, byte(n)), n>>8
	}
	return sum
}

// crc32cZeros is crc32c of n zeros.
func crc32cZeros(sum uint32, n int) uint32 {
	for range n {
		sum = crc32cByte(sum, 0)
	}
	return sum
}

// sumWithout continues a crc32c over data, in which the n bytes at the given
// place, those of the checksum itself, count as zeros.
func sumWithout(sum uint32, data []byte, at, n int) uint32 {
	return crc32c(crc32cZeros(crc32c(sum, data[:at]), n), data[at+n:])
}

// crc32be continues the kernel's crc32_be, the checksum of version 1: the
// polynomial of IEEE 802.3, most significant bit first and not inverted. It is
// the common CRC-32 of the same bits mirrored, which the processor computes.
func crc32be(sum uint32, data []byte) uint32 {
	mirrored := make([]byte, len(data))
	for i, c := range data {
		mirrored[i] = bits.Reverse8(c)
	}
	return bits.Reverse32(^crc32.Update(^bits.Reverse32(sum), crc32.IEEETable, mirrored))
}

// crc16 continues the checksum of uninit_bg: CRC-16 as in Modbus.
func crc16(sum uint16, data []byte) uint16 {
	for _, c := range data {
		sum ^= uint16(c)
		for range 8 {
			carry := sum & 1
			sum >>= 1
			if carry != 0 {
				sum ^= 0xA001
			}
		}
	}
	return sum
}
