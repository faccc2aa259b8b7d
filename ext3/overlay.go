package ext3

import (
	"cmp"
	"errors"
	"io"
	"iter"
	"slices"

	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/layer"
)

// A device is the source with the size that it was opened with. What lies past
// its end, of a disk that was copied short, is missing and not corrupt.
type device struct {
	source io.ReaderAt
	size   int64
}

func (d *device) ReadAt(p []byte, off int64) (int, error) {
	if !ondisk.Within(off, int64(len(p)), d.size) {
		return 0, layer.Errorf(layer.ErrIncomplete, layerName, "", off, "%d bytes are beyond the end of the source, at %d", len(p), d.size)
	}
	if err := ondisk.ReadFull(d.source, p, off); err != nil {
		return 0, err
	}
	return len(p), nil
}

// An overlay is a device some of whose blocks are newer in its journal. It
// keeps their places, not their bytes: a journal of any size costs 32 bytes a
// block.
type overlay struct {
	source    io.ReaderAt
	log       io.ReaderAt
	blockSize int64
	writes    []journalWrite // ordered by block, one for each
}

func newOverlay(source io.ReaderAt, l *journalLog, writes []journalWrite) *overlay {
	return &overlay{source: source, log: l.content, blockSize: l.blockSize, writes: slices.Clone(writes)}
}

// next returns the index of the first write that is not before byte off.
func (o *overlay) next(off int64) int {
	i, _ := slices.BinarySearchFunc(o.writes, uint64(off/o.blockSize), func(w journalWrite, b uint64) int { return cmp.Compare(w.block, b) })
	return i
}

// blockAt returns the byte at which the block of write i begins, or end when
// there is no such write or it is further on.
func (o *overlay) blockAt(i int, end int64) int64 {
	if i >= len(o.writes) || o.writes[i].block > uint64(end/o.blockSize) {
		return end
	}
	return min(end, int64(o.writes[i].block)*o.blockSize)
}

// touches reports whether any byte of an extent of a file is newer in the
// journal.
func (o *overlay) touches(e layer.Extent) bool {
	end := e.Physical + e.Length
	return o.blockAt(o.next(e.Physical), end) < end
}

// ReadAt implements io.ReaderAt. Neighbours in the log are read at once.
func (o *overlay) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, errors.New("negative offset")
	}
	end := off + int64(len(p))
	for at, i := off, o.next(off); at < end; {
		if plain := o.blockAt(i, end); plain > at {
			if err := ondisk.ReadFull(o.source, p[at-off:plain-off], at); err != nil {
				return int(at - off), err
			}
			at = plain
			continue
		}
		n := 1
		for i+n < len(o.writes) && o.writes[i+n].block == o.writes[i].block+uint64(n) && o.writes[i+n].at == o.writes[i].at+uint32(n) {
			n++
		}
		stop := min(end, int64(o.writes[i].block+uint64(n))*o.blockSize)
		skip := at - int64(o.writes[i].block)*o.blockSize
		if err := ondisk.ReadFull(o.log, p[at-off:stop-off], int64(o.writes[i].at)*o.blockSize+skip); err != nil {
			return int(at - off), failed(journalObject, noOffset, err)
		}
		for _, w := range o.writes[i : i+n] {
			if w.escaped {
				restoreMagic(p, int64(w.block)*o.blockSize-off)
			}
		}
		at, i = stop, i+n
	}
	return len(p), nil
}

// restoreMagic puts the journal's magic back where a block begins with it: at
// the given index of p, which may be outside of it.
func restoreMagic(p []byte, at int64) {
	for k, c := range be.AppendUint32(nil, jbd2Magic) {
		if i := at + int64(k); i >= 0 && i < int64(len(p)) {
			p[i] = c
		}
	}
}

// split yields an extent of a file in parts, so that those which are newer in
// the journal have no place in the source.
func (o *overlay) split(e layer.Extent) iter.Seq[layer.Extent] {
	return func(yield func(layer.Extent) bool) {
		end := e.Physical + e.Length
		for at, i := e.Physical, o.next(e.Physical); at < end; {
			part := layer.Extent{Offset: e.Offset + at - e.Physical, Source: e.Source, Physical: at}
			stop := o.blockAt(i, end)
			if stop <= at {
				part.Physical = -1
				stop = min(end, int64(o.writes[i].block+1)*o.blockSize)
				i++
			}
			part.Length = stop - at
			if !yield(part) {
				return
			}
			at = stop
		}
	}
}
