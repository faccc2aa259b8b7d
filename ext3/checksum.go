package ext3

import (
	"github.com/vmdkfs/vmdkfs/layer"
)

// The checksums of metadata_csum, and of uninit_bg before it. Source: the
// kernel's documentation, "Checksums".
const (
	checksumCRC32C = 1 // s_checksum_type

	superChecksumAt = 0x3FC
	descChecksumAt  = 0x1E
	inodeAccessAt   = 0x08 // i_atime, of the inode of an attribute's value
	inodeSumLoAt    = 0x7C
	inodeSumHiAt    = 0x82
	xattrChecksumAt = 0x10

	dirTailSize = 12   // at the end of a leaf: an entry without a name
	dirTailType = 0xDE // its file type
	dxNodeAt    = 0x08 // of the count and limit in a node of a hashed directory
	dxRootAt    = 0x20 // and in its root
	dxEntrySize = 8
)

// maxChecksumWarnings is how many mismatches are kept: the first ones tell
// where the damage is, and an image full of them must not fill the memory.
const maxChecksumWarnings = 100

// mismatch deals with a checksum that is not what it should be: an error when
// the file system was opened with Strict, else a warning, once for each place.
// The object is asked for its name only then.
func (f *FS) mismatch(object func() string, off int64, got, want uint32) error {
	if got == want {
		return nil
	}
	err := layer.Errorf(layer.ErrCorrupt, layerName, object(), off, "its checksum is %#x, not %#x", got, want)
	if f.strict {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, known := f.mismatches[off]; known {
		return nil
	}
	if f.mismatches == nil {
		f.mismatches = make(map[int64]struct{})
	}
	switch n := len(f.mismatches); {
	case n < maxChecksumWarnings:
		f.warnings = append(f.warnings, err)
	case n == maxChecksumWarnings:
		f.warnings = append(f.warnings, layer.Errorf(layer.ErrCorrupt, layerName, "", noOffset, "more checksums fail"))
	default:
		return nil
	}
	f.mismatches[off] = struct{}{}
	return nil
}

// hasChecksums reports whether metadata has checksums.
func (f *FS) hasChecksums() bool { return f.super.roCompat(roCompatMetadataCsum) }

// checksumSeed returns what all checksums of the file system start with.
func (s *superblock) checksumSeed() uint32 {
	if s.incompat(incompatCsumSeed) {
		return s.sChecksumSeed()
	}
	uuid := s.sUUID()
	return crc32c(^uint32(0), uuid[:])
}

// checkSuper verifies the superblock.
func (f *FS) checkSuper() error {
	if !f.hasChecksums() {
		return nil
	}
	if t := f.super.sChecksumType(); t != checksumCRC32C {
		return unsupported("superblock", "checksums of type %d", t)
	}
	return f.mismatch(func() string { return "superblock" }, superblockOffset, le.Uint32(f.super[superChecksumAt:]), crc32c(^uint32(0), f.super[:superChecksumAt]))
}

// checkDescriptor verifies the descriptor of a group.
func (f *FS) checkDescriptor(group uint32, desc []byte, at int64) error {
	var sum uint16
	switch {
	case f.hasChecksums():
		sum = uint16(sumWithout(crc32cNumber(f.seed, group), desc, descChecksumAt, 2))
	case f.super.roCompat(roCompatGDTCsum):
		uuid := f.super.sUUID()
		sum = crc16(crc16(crc16(^uint16(0), uuid[:]), le.AppendUint32(nil, group)), desc[:descChecksumAt])
		sum = crc16(sum, desc[descChecksumAt+2:])
	default:
		return nil
	}
	return f.mismatch(func() string { return descriptorName(group) }, at, uint32(le.Uint16(desc[descChecksumAt:])), uint32(sum))
}

// inodeSeed returns what the checksums of an inode and of its own metadata
// start with.
func (f *FS) inodeSeed(number, generation uint32) uint32 {
	return crc32cNumber(crc32cNumber(f.seed, number), generation)
}

// checkInode verifies an inode. Its checksum has 16 bits where the inode has no
// field for the others.
func (f *FS) checkInode(number uint32, raw rawInode, at int64) error {
	if !f.hasChecksums() {
		return nil
	}
	sum := sumWithout(f.inodeSeed(number, raw.iGeneration()), raw[:goodOldInodeSize], inodeSumLoAt, 2)
	got := uint32(le.Uint16(raw[inodeSumLoAt:]))
	if rest := raw[goodOldInodeSize:]; raw.extraISize() >= 4 {
		const hi = inodeSumHiAt - goodOldInodeSize
		sum = sumWithout(sum, rest, hi, 2)
		got |= uint32(le.Uint16(rest[hi:])) << 16
	} else {
		sum = crc32c(sum, rest) & 0xFFFF
	}
	return f.mismatch(func() string { return inodeName(number) }, at, got, sum)
}

// checkExtentNode verifies a node of an extent tree: its checksum follows the
// room for its entries.
func (i *Inode) checkExtentNode(node extentNode, at int64) error {
	end := extentEntrySize * (1 + node.ehMax())
	if !i.fsys.hasChecksums() || at == noOffset || end+4 > len(node) {
		return nil // the root lies in the inode, and is covered by its checksum
	}
	sum := crc32c(i.fsys.inodeSeed(i.Number, i.Generation), node[:end])
	return i.fsys.mismatch(func() string { return "extent node of " + inodeName(i.Number) }, at, le.Uint32(node[end:]), sum)
}

// checkXattrBlock verifies a block of attributes.
func (f *FS) checkXattrBlock(object func() string, number uint64, block []byte) error {
	if !f.hasChecksums() {
		return nil
	}
	sum := sumWithout(crc32c(f.seed, le.AppendUint64(nil, number)), block, xattrChecksumAt, 4)
	return f.mismatch(object, f.offset(number), le.Uint32(block[xattrChecksumAt:]), sum)
}

// checkDirBlock verifies a block of a directory: a leaf by its last entry,
// which is made for it, or a node of the index by what follows its entries.
func (i *Inode) checkDirBlock(b dirBlock) error {
	if !i.fsys.hasChecksums() {
		return nil
	}
	object := func() string { return "block of directory " + inodeName(i.Number) }
	seed := i.fsys.inodeSeed(i.Number, i.Generation)
	if at := dxCountLimit(b.data); i.Flags&flagHashIndex != 0 && at > 0 {
		limit, count := int(le.Uint16(b.data[at:])), int(le.Uint16(b.data[at+2:]))
		tail := at + limit*dxEntrySize
		if count > limit || tail+8 > len(b.data) {
			return i.fsys.mismatch(object, b.physical, 0, 1) // no place for a checksum
		}
		sum := crc32c(crc32c(seed, b.data[:at+count*dxEntrySize]), b.data[tail:tail+4])
		return i.fsys.mismatch(object, b.physical, le.Uint32(b.data[tail+4:]), crc32cZeros(sum, 4))
	}
	body, tail := b.data[:len(b.data)-dirTailSize], b.data[len(b.data)-dirTailSize:]
	got := ^crc32c(seed, body) // no tail, no match
	if le.Uint32(tail[0:4]) == 0 && le.Uint16(tail[4:6]) == dirTailSize && tail[7] == dirTailType {
		got = le.Uint32(tail[8:12])
	}
	return i.fsys.mismatch(object, b.physical, got, crc32c(seed, body))
}

// dxCountLimit returns where a block of a hashed directory has the limit and
// the count of its index entries, or 0 for a leaf. A node begins with an empty
// entry as long as the block; the root with "." and "..", the second of which
// takes the rest of it.
func dxCountLimit(block []byte) int {
	if len(block) < dxRootAt+dxEntrySize {
		return 0
	}
	size := int64(len(block))
	switch recordLength(le.Uint16(block[4:6]), size) {
	case len(block):
		if le.Uint32(block[0:4]) == 0 {
			return dxNodeAt
		}
	case 12:
		if recordLength(le.Uint16(block[12+4:]), size) == len(block)-12 && le.Uint32(block[24:28]) == 0 && block[29] == 8 {
			return dxRootAt
		}
	}
	return 0
}
