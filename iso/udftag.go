package iso

import "encoding/binary"

// The tags of UDF's descriptors (ECMA-167 3/7.2.1, 4/7.2.1).
const (
	tagPrimaryVolume      = 1
	tagAnchor             = 2
	tagImplementationUse  = 4
	tagPartition          = 5
	tagLogicalVolume      = 6
	tagUnallocatedSpace   = 7
	tagTerminating        = 8
	tagIntegrity          = 9
	tagFileSet            = 256
	tagFileIdentifier     = 257
	tagAllocationExtent   = 258
	tagFileEntry          = 261
	tagExtendedAttributes = 262
)

const (
	tagSize = 16

	// descriptorVersion is that of the third edition of ECMA-167, on which UDF
	// 2.00 and later are built.
	descriptorVersion = 3
)

// beginTag appends room for a descriptor's tag.
func beginTag(b []byte) []byte { return append(b, make([]byte, tagSize)...) }

// seal fills in the tag of the descriptor that b holds, whole, and which is
// stored at the given block: of the volume, or of the partition (ECMA-167
// 3/7.2).
func seal(b []byte, id uint16, block uint32) {
	le := binary.LittleEndian
	le.PutUint16(b, id)
	le.PutUint16(b[2:], descriptorVersion)
	le.PutUint16(b[8:], crc16(b[tagSize:]))
	le.PutUint16(b[10:], uint16(len(b)-tagSize))
	le.PutUint32(b[12:], block)
	b[4] = 0
	var sum byte
	for _, c := range b[:tagSize] {
		sum += c
	}
	b[4] = sum
}

// crcTable is that of the polynomial x^16 + x^12 + x^5 + 1 (ECMA-167 3/7.2.6).
var crcTable = func() (table [256]uint16) {
	for i := range table {
		crc := uint16(i) << 8
		for range 8 {
			carry := crc&0x8000 != 0
			if crc <<= 1; carry {
				crc ^= 0x1021
			}
		}
		table[i] = crc
	}
	return table
}()

func crc16(b []byte) uint16 {
	var crc uint16
	for _, c := range b {
		crc = crc<<8 ^ crcTable[byte(crc>>8)^c]
	}
	return crc
}
