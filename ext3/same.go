package ext3

import (
	"bytes"
	"context"
	"io/fs"

	"github.com/vmdkfs/vmdkfs/internal/twin"
)

// Same compares the file system with another version of it, an *FS, by their
// inode tables and the blocks of their directories, which it reads in large
// pieces. The function that it returns reports for two entries of one name, one
// from a directory of each, whether the inode and its attributes are the same in
// both, but for the time of access, and all that lies in it; for nil and nil it
// does so for the roots. It answers no where it does not know. It is nil when
// other is no version of this file system.
//
// The content of a file counts as the same while its inode is: see
// [layer.Unix.Stamped].
func (f *FS) Same(ctx context.Context, other any) (func(a, b fs.DirEntry) bool, error) {
	g, ok := other.(*FS)
	if !ok || !f.isVersionOf(g) {
		return nil, nil
	}
	s := &sameness{a: f, b: g, tree: twin.New()}
	for group := range f.geo.groups {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		s.group(group)
	}
	if err := s.directories(ctx); err != nil {
		return nil, err
	}
	return twin.Entries(s.tree, rootInode, func(x, y *dirent) (uint32, bool) {
		return x.number, x.fsys == f && y.fsys == g && x.number == y.number
	}), nil
}

// isVersionOf reports whether g is the same file system at another time, and
// both are read without fast commits or checksums that could make a difference.
func (f *FS) isVersionOf(g *FS) bool {
	return f.super.sUUID() == g.super.sUUID() && f.geo == g.geo && f.seed == g.seed &&
		f.super.sFeatureCompat() == g.super.sFeatureCompat() &&
		f.super.sFeatureIncompat()&^incompatRecover == g.super.sFeatureIncompat()&^incompatRecover &&
		f.super.sFeatureROCompat() == g.super.sFeatureROCompat() &&
		f.super.sEncoding() == g.super.sEncoding() &&
		f.fast == nil && g.fast == nil && !f.strict && !g.strict
}

// A sameness is two versions of a file system, and what they are found to have
// in common.
type sameness struct {
	a, b   *FS
	tree   *twin.Tree
	spans  []twin.Part[dirSpan]
	inline []uint32 // directories that the inode holds itself
}

// group compares the inode tables of a group. What cannot be read is not the
// same.
func (s *sameness) group(group uint32) {
	tableA, err := s.a.inodeTable(group)
	if err != nil {
		return
	}
	tableB, err := s.b.inodeTable(group)
	if err != nil || tableA != tableB {
		return
	}
	geo := &s.a.geo
	first := group*geo.inodesPerGroup + 1
	count := min(s.a.usedInodes(group), s.b.usedInodes(group), geo.inodes-first+1)
	perPart := uint32(twin.PartSize / geo.inodeSize)
	bufA, bufB := make([]byte, twin.PartSize), make([]byte, twin.PartSize)
	for done := uint32(0); done < count; done += perPart {
		n := min(perPart, count-done)
		off := s.a.offset(tableA) + int64(done)*geo.inodeSize
		partA, partB := bufA[:int64(n)*geo.inodeSize], bufB[:int64(n)*geo.inodeSize]
		if twin.Read(s.a.device, s.b.device, partA, partB, off) == nil {
			s.inodes(first+done, partA, partB, off)
		}
	}
}

// usedInodes returns how many inodes of a group may be in use: those behind
// them have never been written.
func (f *FS) usedInodes(group uint32) uint32 {
	const inodeUninit = 0x1 // EXT4_BG_INODE_UNINIT
	all := f.geo.inodesPerGroup
	if !f.super.roCompat(roCompatGDTCsum) && !f.super.roCompat(roCompatMetadataCsum) {
		return all
	}
	block := f.descriptorBlock(group)
	raw, err := f.block(block)
	if err != nil {
		return 0
	}
	at := int64(group) % (f.geo.blockSize / f.geo.descSize) * f.geo.descSize
	desc := raw[at : at+f.geo.descSize]
	if le.Uint16(desc[0x12:0x14])&inodeUninit != 0 {
		return 0
	}
	unused := uint32(le.Uint16(desc[0x1C:0x1E])) // bg_itable_unused_lo
	if f.geo.descSize >= 64 {
		unused |= uint32(le.Uint16(desc[0x32:0x34])) << 16
	}
	return all - min(unused, all)
}

// inodes compares a part of an inode table, whose first inode is given.
func (s *sameness) inodes(first uint32, partA, partB []byte, off int64) {
	size := int(s.a.geo.inodeSize)
	all := bytes.Equal(partA, partB)
	for at := 0; at+size <= len(partA); at += size {
		number := first + uint32(at/size)
		raw, rawB := rawInode(partA[at:at+size]), rawInode(partB[at:at+size])
		if raw.iLinksCount() == 0 || !all && !sameInode(raw, rawB) {
			continue
		}
		i, err := s.a.decodeInode(number, raw, off+int64(at))
		if err != nil || !i.Unix().Stamped(i.Modify) {
			continue // it must be looked at
		}
		switch i.RawMode & modeType {
		case modeDir:
			s.directory(i)
		case modeRegular, modeSymlink, modeChar, modeBlock, modeFIFO, modeSocket:
			s.tree.AddFile(number)
		}
	}
}

// sameInode reports whether two inodes are the same but for the time of access
// and the checksum.
func sameInode(a, b rawInode) bool {
	if bytes.Equal(a, b) {
		return true
	}
	// i_atime, l_i_checksum_lo, i_checksum_hi, i_atime_extra
	at := 0
	for _, skip := range [...]struct{ from, to int }{{0x8, 0xC}, {0x7C, 0x7E}, {0x82, 0x84}, {0x8C, 0x90}} {
		if skip.to > len(a) {
			break
		}
		if !bytes.Equal(a[at:skip.from], b[at:skip.from]) {
			return false
		}
		at = skip.to
	}
	return bytes.Equal(a[at:], b[at:])
}
