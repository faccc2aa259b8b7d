package lvm

import (
	"encoding/binary"

	"github.com/vmdkfs/vmdkfs/layer"
)

const arrayHeaderSize = 24

// An arrayBlock holds some values of an array: struct array_block in the
// kernel's drivers/md/persistent-data/dm-array.c.
type arrayBlock block

func (a *arrayBlock) entries() uint32   { return binary.LittleEndian.Uint32(a[8:]) }
func (a *arrayBlock) valueSize() uint32 { return binary.LittleEndian.Uint32(a[12:]) }

// arrayPerBlock is how many values of 8 bytes a full block has.
const arrayPerBlock = (blockSize - arrayHeaderSize) / 8

// An array is count numbers of 8 bytes, in blocks that a btree finds.
type array struct {
	*btree
	count uint64
}

// each calls f for every number, until it returns false.
func (a array) each(f func(i, value uint64) bool) error {
	for first := uint64(0); first < a.count; first += arrayPerBlock {
		index := first / arrayPerBlock
		value, err := a.get(index)
		if err != nil {
			return err
		}
		if value == nil {
			return a.fail(layer.ErrCorrupt, a.root, "the array has no block %d", index)
		}
		number := binary.LittleEndian.Uint64(value)
		b, err := a.read(number, arrayXOR, 16)
		if err != nil {
			return err
		}
		want := min(a.count-first, arrayPerBlock)
		part := (*arrayBlock)(b)
		if part.valueSize() != 8 || uint64(part.entries()) < want || part.entries() > arrayPerBlock {
			return a.fail(layer.ErrCorrupt, number, "array block of %d values of %d bytes, where %d of 8 are expected", part.entries(), part.valueSize(), want)
		}
		for i := range want {
			if !f(first+i, binary.LittleEndian.Uint64(part[arrayHeaderSize+8*i:])) {
				return nil
			}
		}
	}
	return nil
}
