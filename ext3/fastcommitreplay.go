package ext3

import (
	"bytes"

	"github.com/vmdkfs/vmdkfs/internal/extent"
)

// fastChanges are what fast commits changed, in the terms of those who read:
// they do not change any more.
type fastChanges struct {
	inodes map[uint32]rawInode     // newer than those on the disk
	maps   map[uint32][]extent.Run // of files, over those of their inodes
	dirs   map[uint32]*fastDir
}

// A fastReplay is the file system while fast commits are replayed. What it does
// is what the kernel's replay does, in fs/ext4/fast_commit.c, with its oddities:
// they are what a mount shows. Only the clock is left alone: the kernel gives a
// directory whose names it changes, and an inode whose links it counts, the time
// of the replay, and here both keep the time that they had.
type fastReplay struct {
	fastChanges
	fsys   *FS                     // as it is without them
	ranges map[uint32][]blockRange // of each file, in the order of their records
	wanted map[fastName]struct{}   // every name in the records
	// emptied are the inodes of directories that were made and removed by
	// fast commits: a block that the kernel gave them is still in their maps.
	emptied map[uint32]struct{}
	// unnamed are new directories that got no name, with that name, in whose
	// first block the kernel finds a wrong checksum.
	unnamed map[uint32]fastName
}

// replayFastCommits returns what fast commits change in f, or nil.
func (f *FS) replayFastCommits(tags []fastTag) (*fastChanges, error) {
	if len(tags) == 0 {
		return nil, nil
	}
	r := &fastReplay{
		fastChanges: fastChanges{inodes: make(map[uint32]rawInode), maps: make(map[uint32][]extent.Run),
			dirs: make(map[uint32]*fastDir)},
		fsys: f, ranges: make(map[uint32][]blockRange), wanted: make(map[fastName]struct{}),
		emptied: make(map[uint32]struct{}), unnamed: make(map[uint32]fastName),
	}
	for _, t := range tags {
		switch t.tag {
		case fcTagCreat, fcTagLink, fcTagUnlink:
			parent, _, name := t.dentry()
			if err := checkName(name); err != nil {
				return nil, err
			}
			r.wanted[fastName{parent, string(name)}] = struct{}{}
		}
	}
	for _, t := range tags {
		if err := r.replay(t); err != nil {
			return nil, err
		}
	}
	for number, ranges := range r.ranges {
		r.maps[number] = patches(ranges, f.geo.blockSize)
	}
	for _, d := range r.dirs {
		d.finish()
	}
	return &r.fastChanges, nil
}

// replay does what one record says.
func (r *fastReplay) replay(t fastTag) error {
	switch t.tag {
	case fcTagInode:
		return r.replaceInode(t.number(), t.rawInode())
	case fcTagAddRange, fcTagDelRange:
		return r.mapRange(t.number(), t.blockRange())
	case fcTagCreat:
		return r.create(t.dentry())
	case fcTagLink:
		return r.link(t.dentry())
	default: // fcTagUnlink
		return r.unlink(t.dentry())
	}
}

// raw returns an inode's bytes as they are now, not to be changed.
func (r *fastReplay) raw(number uint32) (rawInode, error) {
	if raw, ok := r.inodes[number]; ok {
		return raw, nil
	}
	if number < r.fsys.geo.firstInode && number != rootInode {
		return nil, corrupt(journalObject, noOffset, "a fast commit has the inode %d", number)
	}
	raw, at, err := r.fsys.rawInode(number)
	if err != nil {
		return nil, err
	}
	if raw.iLinksCount() != 0 {
		if err := r.fsys.checkInode(number, raw, at); err != nil {
			return nil, err
		}
	}
	return raw, nil
}

// own returns an inode's bytes to be changed.
func (r *fastReplay) own(number uint32) (rawInode, error) {
	raw, err := r.raw(number)
	if err != nil {
		return nil, err
	}
	if _, owned := r.inodes[number]; !owned {
		raw = bytes.Clone(raw)
		r.inodes[number] = raw
	}
	return raw, nil
}

// inode returns an inode as it is now, or nil for one that is deleted: the
// kernel passes over what a record wants of that.
func (r *fastReplay) inode(number uint32) (*Inode, error) {
	raw, err := r.raw(number)
	if err != nil || raw.iLinksCount() == 0 {
		return nil, err
	}
	return r.fsys.decodeInode(number, raw, noOffset)
}

// replaceInode replaces an inode but for its map, which the records of ranges
// change. Only inline data come with the inode. As on the disk, the map may be
// one that the inode's former owner left; where that had none, there is room for
// extents now.
//
// An inode without links was open when it was deleted. The kernel refuses to
// mount a file system with such a record; nothing is lost without it.
func (r *fastReplay) replaceInode(number uint32, newer rawInode) error {
	if number == rootInode {
		return corrupt(journalObject, noOffset, "a fast commit has the inode %d", number)
	}
	raw, err := r.own(number)
	if err != nil {
		return err
	}
	block := [60]byte(raw.iBlock())
	copy(raw, newer)
	switch {
	case raw.iFlags()&flagExtents != 0:
		if le.Uint16(block[0:2]) != extentMagic {
			initExtentRoot(block[:])
		}
		fallthrough
	case raw.iFlags()&flagInlineData == 0:
		copy(raw.iBlock(), block[:])
	}
	if raw.iLinksCount() == 0 {
		r.free(number)
	}
	return nil
}

// initExtentRoot makes a tree without entries of i_block.
func initExtentRoot(block []byte) {
	clear(block[:extentEntrySize])
	le.PutUint16(block[0:2], extentMagic)
	le.PutUint16(block[4:6], uint16(len(block)/extentEntrySize-1))
}

// mapRange changes the map of a file. The ranges of a file that was inline
// come before the record that says that it is not any more: the kernel finds no
// place for them, and the file reads as zeros.
func (r *fastReplay) mapRange(number uint32, b blockRange) error {
	inode, err := r.inode(number)
	if inode == nil || err != nil {
		return err
	}
	if inode.Flags&flagInlineData != 0 || b.length == 0 {
		return nil
	}
	if err := needExtents(inode); err != nil {
		return err
	}
	if b.end() > maxFileBlocks {
		return corrupt(journalObject, noOffset, "a fast commit has %d blocks at block %d of inode %d", b.length, b.first, number)
	}
	if !b.hole && !r.fsys.geo.holds(b.start, b.length) {
		return corrupt(journalObject, noOffset, "a fast commit gives the %d blocks at %d to inode %d", b.length, b.start, number)
	}
	r.ranges[number] = append(r.ranges[number], b)
	return nil
}

// needExtents refuses an inode whose blocks are about to change, and that has a
// map of blocks. The kernel takes that for extents, and destroys it: what should
// be read then is not known.
func needExtents(inode *Inode) error {
	if inode.Flags&flagExtents != 0 {
		return nil
	}
	return unsupported(journalObject, "a fast commit changes blocks of %s, which has no extents", inodeName(inode.Number))
}

// maxFileBlocks is how many blocks of a file ee_block can number.
const maxFileBlocks = 1 << 32

// link gives an inode a name. One that is there stays what it is.
func (r *fastReplay) link(parent, number uint32, name []byte) error {
	inode, err := r.inode(number)
	if inode == nil || err != nil {
		return err
	}
	return r.addName(parent, inode, name)
}

// addName adds an entry and counts it.
func (r *fastReplay) addName(parent uint32, inode *Inode, name []byte) error {
	if err := r.nameParent(parent); err != nil {
		return err
	}
	d, err := r.dir(parent)
	if d == nil || err != nil {
		return err
	}
	if _, exists := d.entry(name); exists {
		return nil
	}
	d.set(name, inode.Number, direntTypes[inode.RawMode>>12])
	return r.setLinks(inode.Number, inode.Links+1)
}

// create gives a new inode, which its own record precedes, its first name. The
// kernel sets its links to 1, even those of a directory, and does not count the
// parent's.
func (r *fastReplay) create(parent, number uint32, name []byte) error {
	inode, err := r.inode(number)
	if inode == nil || err != nil {
		return err
	}
	if inode.RawMode&modeType == modeDir {
		if above, err := r.inode(parent); above == nil || err != nil {
			return err
		}
		known := r.dirs[number] != nil
		stale, err := r.newDir(inode)
		if err != nil {
			return err
		}
		if stale {
			if _, made := r.emptied[number]; !known && !made {
				r.unnamed[number] = fastName{parent, string(name)}
			}
			return nil
		}
	}
	return r.nameNew(parent, inode, name)
}

// nameNew gives a new inode its name.
func (r *fastReplay) nameNew(parent uint32, inode *Inode, name []byte) error {
	if err := r.addName(parent, inode, name); err != nil {
		return err
	}
	return r.setLinks(inode.Number, 1)
}

// newDir makes an empty directory of an inode, and reports whether its map has
// the first block of a directory that was removed. The kernel then gives it no
// name, so that an empty one is lost.
func (r *fastReplay) newDir(inode *Inode) (stale bool, err error) {
	if inode.Flags&flagInlineData == 0 {
		if err := needExtents(inode); err != nil {
			return false, err
		}
		run, err := inode.mapper().Map(0)
		if err != nil {
			return false, err
		}
		_, emptied := r.emptied[inode.Number]
		stale = emptied || run.Source != extent.Hole
	}
	r.dirs[inode.Number] = &fastDir{fresh: true, names: make(map[string]rawDirent)}
	return stale, nil
}

// nameParent names a new directory after all, as it has something in it: here
// the kernel fails, by the checksum of that first block, and refuses to mount.
// Without checksums, or when it had read that block before, it goes on, and all
// that is in the directory is lost with it.
func (r *fastReplay) nameParent(number uint32) error {
	n, ok := r.unnamed[number]
	if !ok || !r.fsys.hasChecksums() {
		return nil
	}
	delete(r.unnamed, number)
	inode, err := r.inode(number)
	if inode == nil || err != nil {
		return err
	}
	return r.nameNew(n.parent, inode, []byte(n.name))
}

// unlink takes a name away, and deletes the inode with its last link. The
// kernel treats directories no different: one that was removed keeps the link
// of its "." and is lost, and its parent keeps the link of its "..".
func (r *fastReplay) unlink(parent, number uint32, name []byte) error {
	inode, err := r.inode(number)
	if inode == nil || err != nil {
		return err
	}
	d, err := r.dir(parent)
	if d == nil || err != nil {
		return err
	}
	entry, exists := d.entry(name)
	if !exists {
		return nil
	}
	if entry.number == number { // else it is another's name by now
		d.set(name, 0, 0)
	}
	if err := r.setLinks(number, inode.Links-1); err != nil {
		return err
	}
	if inode.Links == 1 {
		r.free(number)
	}
	return nil
}

// free empties an inode whose last link is gone, for its next owner.
func (r *fastReplay) free(number uint32) {
	raw := r.inodes[number]
	clear(raw.iBlock())
	if raw.iFlags()&flagExtents != 0 {
		initExtentRoot(raw.iBlock())
	}
	if d := r.dirs[number]; d != nil && d.fresh && raw.iFlags()&flagInlineData == 0 {
		r.emptied[number] = struct{}{} // the kernel did not count its block, and does not free it
	} else {
		delete(r.emptied, number)
	}
	delete(r.ranges, number)
	delete(r.dirs, number)
	delete(r.unnamed, number)
}

func (r *fastReplay) setLinks(number uint32, links uint16) error {
	raw, err := r.own(number)
	if err != nil {
		return err
	}
	le.PutUint16(raw[0x1A:], links) // i_links_count
	return nil
}
