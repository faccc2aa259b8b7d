package iso

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
)

// Where the structures of UDF lie that have a fixed place, in sectors. Those of
// ISO 9660 before them leave room: 16 sectors of system area, and some volume
// descriptors.
const (
	mainSequence    = 32  // of volume descriptors
	reserveSequence = 48  // a copy of it
	sequenceSize    = 16  // at least (UDF 2.2.3.1)
	integrityStart  = 64  // two sectors: the descriptor, and a terminator
	anchorStart     = 256 // ECMA-167 3/8.4.2.1
	partitionStart  = 257
	fileSetSize     = 2 // sectors at the start of the partition: the descriptor, and a terminator
)

// recognition is the sequence that tells a UDF volume, behind the volume
// descriptors of ISO 9660 (ECMA-167 2/8.3.1, 3/9.1).
var recognition = [...]string{"BEA01", "NSR03", "TEA01"}

// udfLayout is where the parts of UDF lie, in sectors.
type udfLayout struct {
	entries       uint32 // file entries, by serial number
	allocations   uint32 // allocation extent descriptors, behind them
	manifestEntry uint32 // the file entry of the manifest, behind the data
	end           uint32 // of the partition
	files, dirs   uint32
	uniqueID      uint64 // the next
}

// block returns a sector as a block of the partition.
func block(sector uint32) uint32 { return sector - partitionStart }

func (m *image) writeRecognition(w io.Writer) error {
	for _, id := range recognition {
		var sector [sectorSize]byte
		copy(sector[1:], id)
		sector[6] = 1
		if _, err := w.Write(sector[:]); err != nil {
			return err
		}
	}
	return nil
}

// writeSealed writes descriptors, each in a sector of its own; the first lies
// at a block.
func writeSealed(w io.Writer, at uint32, descriptors []sealed) error {
	for i, d := range descriptors {
		if err := writeSector(w, at+uint32(i), d); err != nil {
			return err
		}
	}
	return nil
}

// A sealed is a descriptor whose tag is to be filled in.
type sealed struct {
	tag  uint16
	data []byte // with room for the tag
}

func writeSector(w io.Writer, at uint32, d sealed) error {
	seal(d.data, d.tag, at)
	if _, err := w.Write(d.data); err != nil {
		return err
	}
	return writeZeros(w, sectorSize-int64(len(d.data)))
}

// terminatorDescriptor ends a sequence (ECMA-167 3/10.9).
func terminatorDescriptor() sealed { return sealed{tagTerminating, make([]byte, 512)} }

// writeSequence writes the volume descriptor sequence that begins at a sector.
func (m *image) writeSequence(w io.Writer, at uint32) error {
	list := []sealed{
		{tagPrimaryVolume, m.primaryVolume()},
		{tagImplementationUse, m.implementationUse()},
		{tagPartition, m.partition()},
		{tagLogicalVolume, m.logicalVolume()},
		{tagUnallocatedSpace, beginZeros(8)}, // number 4 and no extent; the number follows
		terminatorDescriptor(),
	}
	for i, d := range list[:len(list)-1] {
		binary.LittleEndian.PutUint32(d.data[tagSize:], uint32(i)) // volume descriptor sequence number
	}
	if err := writeSealed(w, at, list); err != nil {
		return err
	}
	return writeZeros(w, int64(sequenceSize-len(list))*sectorSize)
}

// beginZeros returns a descriptor with n zeros behind its tag.
func beginZeros(n int) []byte { return make([]byte, tagSize+n) }

// volumeSetID returns a name of the set that begins with 16 hexadecimal digits
// which hardly any other volume has (UDF 2.2.2.5). Equal images have equal ones.
func (m *image) volumeSetID() string {
	sum := crc32.ChecksumIEEE(fmt.Appendf(nil, "%s %d %d", m.label, m.sectors, m.data))
	return fmt.Sprintf("%08x%08x%s", uint32(m.date/1e6), sum, m.label)
}

// primaryVolume returns the primary volume descriptor (ECMA-167 3/10.1).
func (m *image) primaryVolume() []byte {
	le := binary.LittleEndian
	b := beginZeros(8) // sequence number, to come; primary volume 0
	b = appendDstring(b, m.label, 32)
	for _, v := range []uint16{1, 1, 2, 2} { // volume 1 of 1; interchange level, and the highest
		b = le.AppendUint16(b, v)
	}
	b = le.AppendUint32(b, 1) // CS0 is the one character set
	b = le.AppendUint32(b, 1)
	b = appendDstring(b, m.volumeSetID(), 128)
	b = appendCharset(appendCharset(b))
	b = append(b, make([]byte, 8+8)...) // no abstract, no copyright notice
	b = appendEntity(b, entityOurs)     // the application
	b = appendTimestamp(b, m.date)
	b = appendEntity(b, entityOurs)
	return append(b, make([]byte, 64+4+2+22)...)
}

// implementationUse returns the volume descriptor that repeats the label for
// programs which know no logical volumes (UDF 2.2.7).
func (m *image) implementationUse() []byte {
	b := appendEntity(beginZeros(4), entityVolume)
	b = appendDstring(appendCharset(b), m.label, 128)
	b = append(b, make([]byte, 3*36)...)
	b = appendEntity(b, entityOurs)
	return append(b, make([]byte, 128)...)
}

// partition returns the descriptor of the one partition: all that follows the
// anchor (ECMA-167 3/10.5).
func (m *image) partition() []byte {
	const allocated, readOnly = 1, 1
	le := binary.LittleEndian
	b := le.AppendUint16(beginZeros(4), allocated)
	b = le.AppendUint16(b, 0) // its number
	b = appendEntity(b, entityNSR)
	b = append(b, make([]byte, 128)...) // no space bitmaps
	b = le.AppendUint32(b, readOnly)
	b = le.AppendUint32(b, partitionStart)
	b = le.AppendUint32(b, m.udf.end-partitionStart)
	b = appendEntity(b, entityOurs)
	return append(b, make([]byte, 128+156)...)
}

// logicalVolume returns the descriptor of the volume on the partition (ECMA-167
// 3/10.6).
func (m *image) logicalVolume() []byte {
	le := binary.LittleEndian
	b := appendCharset(beginZeros(4))
	b = appendDstring(b, m.label, 128)
	b = le.AppendUint32(b, sectorSize)
	b = appendEntity(b, entityDomain)
	b = appendLongAD(b, fileSetSize*sectorSize, 0, 0) // the file set
	b = le.AppendUint32(b, 6)                         // bytes of the partition maps
	b = le.AppendUint32(b, 1)                         // how many they are
	b = appendEntity(b, entityOurs)
	b = append(b, make([]byte, 128)...)
	b = le.AppendUint32(b, 2*sectorSize)
	b = le.AppendUint32(b, integrityStart)
	return append(b, 1, 6, 1, 0, 0, 0) // type 1: partition 0 of volume 1
}

// writeIntegrity writes the logical volume integrity descriptor, which says
// that the volume was closed (ECMA-167 3/10.10, UDF 2.2.6).
func (m *image) writeIntegrity(w io.Writer) error {
	const closed = 1
	le := binary.LittleEndian
	b := appendTimestamp(beginZeros(0), m.date)
	b = le.AppendUint32(b, closed)
	b = append(b, make([]byte, 8)...) // no further extent
	b = le.AppendUint64(b, m.udf.uniqueID)
	b = append(b, make([]byte, 24)...)
	b = le.AppendUint32(b, 1)                        // partitions
	b = le.AppendUint32(b, 46)                       // bytes behind the two tables
	b = le.AppendUint32(b, 0)                        // free blocks
	b = le.AppendUint32(b, m.udf.end-partitionStart) // blocks
	b = appendEntity(b, entityOurs)
	b = le.AppendUint32(b, m.udf.files)
	b = le.AppendUint32(b, m.udf.dirs)
	for range 3 { // to read at least, to write at least, and at most
		b = le.AppendUint16(b, udfRevision)
	}
	return writeSealed(w, integrityStart, []sealed{{tagIntegrity, b}, terminatorDescriptor()})
}

// writeAnchor writes the descriptor that tells where the two sequences lie
// (ECMA-167 3/10.2).
func writeAnchor(w io.Writer, at uint32) error {
	b := beginZeros(0)
	for _, start := range []uint32{mainSequence, reserveSequence} {
		b = binary.LittleEndian.AppendUint32(b, sequenceSize*sectorSize)
		b = binary.LittleEndian.AppendUint32(b, start)
	}
	return writeSector(w, at, sealed{tagAnchor, append(b, make([]byte, 480)...)})
}

// writeFileSet writes the descriptor of the tree (ECMA-167 4/14.1).
func (m *image) writeFileSet(w io.Writer) error {
	le := binary.LittleEndian
	b := appendTimestamp(beginZeros(0), m.date)
	for _, v := range []uint16{3, 3} { // interchange level, and the highest
		b = le.AppendUint16(b, v)
	}
	for _, v := range []uint32{1, 1, 0, 0} { // character sets; number of the file set, and of its descriptor
		b = le.AppendUint32(b, v)
	}
	b = appendDstring(appendCharset(b), m.label, 128)
	b = appendDstring(appendCharset(b), m.label, 32)
	b = append(b, make([]byte, 32+32)...) // no copyright notice, no abstract
	b = appendLongAD(b, sectorSize, block(m.entrySector(m.root)), 0)
	b = appendEntity(b, entityDomain)
	b = append(b, make([]byte, 16+16+32)...)
	return writeSealed(w, 0, []sealed{{tagFileSet, b}, terminatorDescriptor()})
}

// appendLongAD appends a long_ad: an extent of the partition (ECMA-167
// 4/14.14.2). The low half of an entry's unique ID goes with it (UDF 2.3.4.3).
func appendLongAD(b []byte, size, block, uniqueID uint32) []byte {
	le := binary.LittleEndian
	b = le.AppendUint32(b, size)
	b = le.AppendUint32(b, block)
	b = le.AppendUint16(b, 0) // partition
	b = le.AppendUint16(b, 0) // flags
	return le.AppendUint32(b, uniqueID)
}
