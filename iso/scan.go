package iso

import (
	"iter"

	"github.com/vmdkfs/vmdkfs/internal/extent"
	"github.com/vmdkfs/vmdkfs/layer"
)

// pieceSize is how much of a directory is read at once, in whole sectors:
// some hundred records.
const pieceSize = 32 << 10

func (d *directory) corrupt(off int64, format string, args ...any) error {
	return layer.Errorf(layer.ErrCorrupt, layerName, "directory record", off, format, args...)
}

// A foundRecord is a record with its offset in the image.
type foundRecord struct {
	data record
	off  int64
}

// records yields the records of the directory, without "." and "..", which it
// checks, and the errors of those that cannot be read.
func (d *directory) records() iter.Seq2[foundRecord, error] {
	return func(yield func(foundRecord, error) bool) {
		for pos := int64(0); pos < d.size; pos += pieceSize {
			off := d.start + pos
			piece, err := d.fs.read("directory", off, min(pieceSize, d.size-pos))
			if err != nil {
				yield(foundRecord{}, err)
				return
			}
			for len(piece) > 0 {
				sector := piece[:min(sectorSize, len(piece))]
				if !d.sector(sector, off, yield) {
					return
				}
				piece, off = piece[len(sector):], off+int64(len(sector))
			}
		}
	}
}

// sector yields the records of one sector at off. It returns whether to go on.
func (d *directory) sector(b []byte, off int64, yield func(foundRecord, error) bool) bool {
	for len(b) > 0 && b[0] != 0 {
		r := checkRecord(b)
		if r == nil {
			return yield(foundRecord{}, d.corrupt(off, "length %d of %d", b[0], len(b)))
		}
		switch {
		case r.isSelf():
		case r.isParent():
			if err := d.checkParent(r, off); err != nil {
				yield(foundRecord{}, err)
				return false
			}
		case !yield(foundRecord{r, off}, nil):
			return false
		}
		b, off = b[len(r):], off+int64(len(r))
	}
	return true
}

// checkParent checks that ".." is the directory which lists this one. With
// that, and each directory listed once, no walk goes round in circles or meets
// a directory twice.
func (d *directory) checkParent(r record, off int64) error {
	if d.parent == nil {
		return nil
	}
	block := r.block()
	if d.moved {
		a, err := d.fs.attributes(r, off)
		if err != nil {
			return err
		}
		block = a.parent
	}
	if block != d.parent.block {
		return d.corrupt(off, "the directory at block %d belongs in that at block %d, and is listed at block %d", d.block, block, d.parent.block)
	}
	return nil
}

// fileRecords are the records of one file: several when it has several
// sections (ECMA-119 6.5.1).
type fileRecords struct {
	first foundRecord
	runs  []extent.Run
	size  int64
	err   error // why the data cannot be read
}

// add adds a record, and reports whether the file is whole.
func (f *fileRecords) add(r foundRecord, d *directory) (whole bool, err error) {
	if f.first.data != nil && string(f.first.data.id()) != string(r.data.id()) {
		err = d.corrupt(f.first.off, "a file's last section is missing")
		*f = fileRecords{}
	}
	if f.first.data == nil {
		f.first = r
	}
	v := d.fs
	if n := int64(r.data.size()); n > 0 {
		f.runs = append(f.runs, extent.Run{Offset: f.size, Length: n, Physical: v.address(r.data)})
		f.size += n // no overflow: a record is longer than the 32 bits that it adds
	}
	switch {
	case r.data.interleaved():
		f.err = layer.Errorf(layer.ErrUnsupported, layerName, "file", r.off, "interleaved data")
	case v.setSize > 1 && r.data.volume() != v.sequence:
		f.err = layer.Errorf(layer.ErrIncomplete, layerName, "file", r.off, "its data is in volume %d of the set", r.data.volume())
	}
	return !r.data.goesOn(), err
}
