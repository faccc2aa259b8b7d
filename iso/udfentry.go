package iso

import (
	"encoding/binary"
	"io"
	"strings"
)

const (
	// entryHeader is how much of a file entry is before its extended
	// attributes and allocation descriptors (ECMA-167 4/14.9).
	entryHeader = 176

	// maxExtent is how many bytes one allocation descriptor tells of: whole
	// blocks, and as many as 30 bits allow (ECMA-167 4/14.14.1.1).
	maxExtent = (1<<30 - 1) &^ (sectorSize - 1)

	shortADSize = 8
	// goesOn marks an allocation descriptor that tells of further ones
	// (ECMA-167 4/14.14.1.1, extent type 3).
	goesOn = 3 << 30

	// allocationHeader is that of an allocation extent descriptor (ECMA-167
	// 4/14.5).
	allocationHeader = tagSize + 8

	// entryADs and allocationADs are how many allocation descriptors there is
	// room for.
	entryADs      = (sectorSize - entryHeader) / shortADSize
	allocationADs = (sectorSize - allocationHeader) / shortADSize

	// maxUDFLinks is what a file entry can count.
	maxUDFLinks = 1<<16 - 1

	// firstUniqueID is the first that is not the root's or a reserved one (UDF
	// 3.2.1.1).
	firstUniqueID = 16
)

// The types of a file (ECMA-167 4/14.6.6).
var udfTypes = map[uint32]byte{
	modeDir: 4, modeRegular: 5, modeBlock: 6, modeChar: 7, modeFifo: 9, modeSocket: 10, modeSymlink: 12,
}

// inUDF reports whether UDF has the node: a symbolic link's target must fit in
// its file entry, where Linux reads it from, and no component of it be longer
// than any name.
func inUDF(n *node) bool {
	target := n.target()
	if len(target) <= maxUDFName {
		return true
	}
	for name := range strings.SplitSeq(target, "/") {
		if len(name) > maxUDFName {
			return false
		}
	}
	return entryHeader+len(appendPath(nil, target)) <= sectorSize
}

// entrySector returns where a node's file entry lies.
func (m *image) entrySector(n *node) uint32 {
	if m.isManifest(n) {
		return m.udf.manifestEntry
	}
	return m.udf.entries + n.serial - 1
}

// isManifest reports whether n is the manifest, which is known last.
func (m *image) isManifest(n *node) bool { return m.manifest != nil && m.manifest.file == n }

// uniqueID returns the number by which UDF knows a file.
func (m *image) uniqueID(n *node) uint64 {
	if n.parent == nil {
		return 0
	}
	return firstUniqueID + uint64(n.serial)
}

// An extents is where the bytes of a file or directory lie: in one piece.
type extents struct {
	size  int64
	start uint32 // sector
	max   int64  // bytes of one extent
}

func (m *image) extents(n *node) extents {
	if n.isDir() {
		return extents{int64(n.dir.udf.size), n.dir.udf.start, m.maxExtent}
	}
	return extents{n.size, n.start, m.maxExtent}
}

// count returns how many allocation descriptors they take.
func (e extents) count() int64 { return (e.size + e.max - 1) / e.max }

// allocations returns how many allocation extent descriptors they take.
func (e extents) allocations() int64 {
	n := e.count()
	if n <= entryADs {
		return 0
	}
	n -= entryADs - 1
	// Each but the last holds one fewer, as its last place tells of the next.
	return (n - 1 + allocationADs - 2) / (allocationADs - 1)
}

// appendADs appends the descriptors from the first on, as many as there is room
// for; next is the block of those that are left then. It returns the first that
// has not been appended.
func (e extents) appendADs(b []byte, first int64, room int, next uint32) ([]byte, int64) {
	le := binary.LittleEndian
	end := e.count()
	if end-first > int64(room) {
		end = first + int64(room) - 1
	}
	for i := first; i < end; i++ {
		b = le.AppendUint32(b, uint32(min(e.max, e.size-i*e.max)))
		b = le.AppendUint32(b, block(e.start)+uint32(i*e.max/sectorSize))
	}
	if end < e.count() {
		b = le.AppendUint32(b, goesOn|sectorSize)
		b = le.AppendUint32(b, next)
	}
	return b, end
}

// appendEntry appends a node's file entry, without what follows in its sector.
// The first of its allocation extent descriptors, if it needs any, lies at
// sector next.
func (m *image) appendEntry(b []byte, n *node, next uint32) []byte {
	le := binary.LittleEndian
	start, at := len(b), block(m.entrySector(n))
	const short, embedded = 0, 3 // kinds of allocation
	ext, data, kind := m.extents(n), []byte(nil), uint16(short)
	if n.kind() == modeSymlink {
		data, kind = appendPath(nil, n.target()), embedded
		ext = extents{max: 1}
	}
	mode := n.attr.mode

	b = beginTag(b)
	b = append(b, 0, 0, 0, 0, 4, 0, 0, 0, 1, 0, 0, udfTypes[n.kind()]) // ICB tag of strategy 4: one entry (ECMA-167 4/14.6)
	b = append(b, make([]byte, 6)...)                                  // no parent ICB
	b = le.AppendUint16(b, kind|udfFlags(mode))
	b = le.AppendUint32(b, n.attr.uid)
	b = le.AppendUint32(b, n.attr.gid)
	b = le.AppendUint32(b, udfPermissions(mode))
	b = le.AppendUint16(b, m.udfLinks(n))
	b = append(b, make([]byte, 6)...) // records: none
	size := ext.size
	if kind == embedded {
		size = int64(len(data))
	}
	b = le.AppendUint64(b, uint64(size))
	b = le.AppendUint64(b, uint64(sectors(ext.size)))
	for _, t := range []instant{n.atime, n.mtime, n.ctime} {
		b = appendTimestamp(b, t)
	}
	b = le.AppendUint32(b, 1)          // checkpoint
	b = append(b, make([]byte, 16)...) // no further extended attributes
	b = appendEntity(b, entityOurs)
	b = le.AppendUint64(b, m.uniqueID(n))
	lengths := len(b)
	b = append(b, make([]byte, 8)...)
	if k := n.kind(); k == modeBlock || k == modeChar {
		b = appendDevice(b, n, at)
	}
	le.PutUint32(b[lengths:], uint32(len(b)-lengths-8))
	described := len(b)
	if kind == embedded {
		b = append(b, data...)
	} else {
		b, _ = ext.appendADs(b, 0, entryADs, block(next))
	}
	le.PutUint32(b[lengths+4:], uint32(len(b)-described))
	seal(b[start:], tagFileEntry, at)
	return b
}

// udfFlags returns the flags of an ICB tag for the bits above the permissions
// (ECMA-167 4/14.6.8).
func udfFlags(mode uint32) uint16 {
	var flags uint16
	for _, f := range [...]struct {
		mode uint32
		flag uint16
	}{{modeSetuid, 1 << 6}, {modeSetgid, 1 << 7}, {modeSticky, 1 << 8}} {
		if mode&f.mode != 0 {
			flags |= f.flag
		}
	}
	return flags
}

// udfPermissions returns the permissions of a mode: five bits for each of
// others, group and owner (ECMA-167 4/14.9.5). Those to change attributes and
// to delete are nobody's: the volume is read-only.
func udfPermissions(mode uint32) uint32 {
	return mode&7 | mode>>3&7<<5 | mode>>6&7<<10
}

// udfLinks returns how many file identifiers name a node: of a directory, the
// one in its parent (or its own, in the root) and those of the directories in
// it.
func (m *image) udfLinks(n *node) uint16 {
	links := uint32(1)
	if n.isDir() {
		links += n.subdirectories()
	} else if n.more != nil && n.more.link != nil {
		links = n.more.link.names
	}
	return uint16(min(links, maxUDFLinks))
}

// appendDevice appends the extended attributes of a device: a header (ECMA-167
// 4/14.10.1) and the device specification (4/14.10.7, UDF 3.3.4.4).
func appendDevice(b []byte, n *node, at uint32) []byte {
	const headerSize, specificationSize, entitySize = 24, 24, 32
	const total = headerSize + specificationSize + entitySize
	le := binary.LittleEndian
	start := len(b)
	b = beginTag(b)
	b = le.AppendUint32(b, total) // no attributes of implementations
	b = le.AppendUint32(b, total) // nor of applications
	seal(b[start:], tagExtendedAttributes, at)
	major, minor := n.device()
	for _, v := range []uint32{12, 1, specificationSize + entitySize, entitySize, major, minor} { // type, subtype, sizes
		b = le.AppendUint32(b, v)
	}
	return appendEntity(b, entityOurs)
}

// writeEntries writes the file entries of all nodes but the manifest's, in the
// order of their serial numbers.
func (m *image) writeEntries(w io.Writer) error {
	var b []byte
	next := m.udf.allocations
	for n := range m.root.all() {
		if n.owner() != n || m.isManifest(n) {
			continue
		}
		b = b[:0]
		if inUDF(n) {
			b = m.appendEntry(b, n, next)
		}
		if _, err := w.Write(b); err != nil {
			return err
		}
		if err := writeZeros(w, sectorSize-int64(len(b))); err != nil {
			return err
		}
		next += uint32(m.extents(n).allocations())
	}
	return nil
}

// writeAllocations writes the allocation extent descriptors of all nodes.
func (m *image) writeAllocations(w io.Writer) error {
	at := m.udf.allocations
	for n := range m.root.all() {
		e := m.extents(n)
		if n.owner() != n || m.isManifest(n) || e.allocations() == 0 {
			continue
		}
		_, first := e.appendADs(nil, 0, entryADs, 0)
		for first < e.count() {
			b := append(beginTag(nil), make([]byte, 8)...) // no previous one is told of
			b, first = e.appendADs(b, first, allocationADs, block(at+1))
			binary.LittleEndian.PutUint32(b[tagSize+4:], uint32(len(b)-allocationHeader))
			if err := writeSector(w, block(at), sealed{tagAllocationExtent, b}); err != nil {
				return err
			}
			at++
		}
	}
	return nil
}
