package iso

import "encoding/binary"

const (
	// sectorSize is the size of a logical sector in bytes (ECMA-119 6.1.2).
	// Descriptors are one sector each, and records never cross from one to
	// the next.
	sectorSize = 2048
	// systemSectors is how many sectors the format leaves unused at the start
	// (ECMA-119 6.2.1).
	systemSectors = 16

	layerName = "iso" // in errors
)

// sectors returns how many sectors n bytes take.
func sectors(n int64) int64 {
	whole := n / sectorSize
	if n%sectorSize != 0 {
		whole++
	}
	return whole
}

// putBoth16 stores v little-endian and then big-endian (ECMA-119 7.2.3).
func putBoth16(b []byte, v uint16) {
	binary.LittleEndian.PutUint16(b, v)
	binary.BigEndian.PutUint16(b[2:], v)
}

// putBoth32 stores v little-endian and then big-endian (ECMA-119 7.3.3).
func putBoth32(b []byte, v uint32) {
	binary.LittleEndian.PutUint32(b, v)
	binary.BigEndian.PutUint32(b[4:], v)
}

// appendBoth32 appends v as putBoth32 stores it.
func appendBoth32(b []byte, v uint32) []byte {
	b = binary.LittleEndian.AppendUint32(b, v)
	return binary.BigEndian.AppendUint32(b, v)
}

// Of a number in both orders the little-endian half is read: some writers
// left the other one empty.

func le16(b []byte) uint16 { return binary.LittleEndian.Uint16(b) }
func le32(b []byte) uint32 { return binary.LittleEndian.Uint32(b) }
