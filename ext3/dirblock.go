package ext3

import (
	"iter"

	"github.com/vmdkfs/vmdkfs/internal/cache"
)

// A dirBlock is one block of a directory, with its place in the source. The
// data lies in the cache.
type dirBlock struct {
	data     []byte
	physical int64
}

// entries yields the entries in use, without "." and "..", and an error for
// each place that could not be read; it goes on after it.
func (i *Inode) entries() iter.Seq2[rawDirent, error] {
	return i.fsys.fast.entries(i.Number, i.diskEntries())
}

// diskEntries yields those that are in the directory's blocks.
func (i *Inode) diskEntries() iter.Seq2[rawDirent, error] {
	return func(yield func(rawDirent, error) bool) {
		blocks := i.dirBlocks()
		if i.Flags&flagInlineData != 0 {
			blocks = i.inlineBlocks()
		}
		for b, err := range blocks {
			if err != nil {
				if !yield(rawDirent{}, err) {
					return
				}
				continue
			}
			for e, err := range i.blockEntries(b) {
				if !yield(e, err) {
					return
				}
			}
		}
	}
}

// dirObject is what errors call the directory.
func (i *Inode) dirObject() string { return "directory " + inodeName(i.Number) }

// dirBlocks yields the blocks of a directory, each valid until the next, and an
// error for each that cannot be read and for each hole: a directory has none.
func (i *Inode) dirBlocks() iter.Seq2[dirBlock, error] {
	return func(yield func(dirBlock, error) bool) {
		fail := func(at int64, err error) bool { return yield(dirBlock{}, failed(i.dirObject(), at, err)) }
		blockSize := i.fsys.geo.blockSize
		if i.Length == 0 || i.Length%blockSize != 0 || i.Length/blockSize > int64(i.fsys.geo.blocks) {
			fail(noOffset, corrupt(i.dirObject(), noOffset, "%d bytes long", i.Length))
			return
		}
		end := int64(0)
		var h cache.Hold
		defer h.Release()
		for e, err := range i.blocks().Extents() {
			if err != nil {
				fail(noOffset, err)
				return
			}
			if e.Offset > end && !fail(noOffset, corrupt(i.dirObject(), noOffset, "a hole at %d", end)) {
				return
			}
			end = e.Offset + e.Length
			for at := e.Physical; at < e.Physical+e.Length; at += blockSize {
				data, err := i.fsys.blockFor(&h, uint64(at/blockSize))
				if err != nil {
					if !fail(at, err) {
						return
					}
					continue
				}
				block := dirBlock{data, at}
				if !yield(block, i.checkDirBlock(block)) {
					return
				}
			}
		}
		if end < i.Length {
			fail(noOffset, corrupt(i.dirObject(), noOffset, "a hole at %d", end))
		}
	}
}

// blockEntries yields the entries in use of one block. An entry that
// contradicts itself ends the block, as nothing behind it can be found.
func (i *Inode) blockEntries(b dirBlock) iter.Seq2[rawDirent, error] {
	return func(yield func(rawDirent, error) bool) {
		data := b.data
		for at := 0; at < len(data); {
			bad := func(format string, args ...any) {
				yield(rawDirent{}, corrupt(i.dirObject(), b.physical+int64(at), "entry: "+format, args...))
			}
			if len(data)-at < direntHeader {
				bad("%d bytes are left of its block", len(data)-at)
				return
			}
			e := data[at:]
			recLen, nameLen := recordLength(le.Uint16(e[4:6]), i.fsys.geo.blockSize), int(e[6])
			if !i.fsys.super.incompat(incompatFiletype) {
				nameLen = int(le.Uint16(e[6:8])) // name_len was 16 bits, before types took its upper half
			}
			switch {
			case recLen < direntHeader+4 || recLen%4 != 0 || recLen > len(e):
				bad("%d bytes long, with %d left of its block", recLen, len(e))
				return
			case nameLen > maxNameLength || direntHeader+nameLen > recLen:
				bad("a name of %d bytes in %d", nameLen, recLen)
				return
			}
			raw := rawDirent{name: e[direntHeader:][:nameLen], number: le.Uint32(e[0:4]), fileType: e[7]}
			at += recLen
			if raw.number == 0 || string(raw.name) == "." || string(raw.name) == ".." {
				continue
			}
			if !yield(raw, nil) {
				return
			}
		}
	}
}

// recordLength decodes rec_len, whose values 0 and 65535 stand for a whole
// block of 64 KiB, which 16 bits cannot hold.
func recordLength(raw uint16, blockSize int64) int {
	if blockSize < 1<<16 {
		return int(raw)
	}
	if raw == 0 || raw == 0xFFFF {
		return int(blockSize)
	}
	return int(raw&^3) | int(raw&3)<<16
}
