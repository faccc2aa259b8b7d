package ondisk

import (
	"bytes"
	"encoding/binary"
	"math/big"
	"testing"
)

// FuzzArithmetic compares with numbers that cannot overflow.
func FuzzArithmetic(f *testing.F) {
	f.Add(uint64(1<<32), uint64(1<<31), int64(1<<63-1))
	f.Add(uint64(1<<63), uint64(0), int64(-1))
	f.Fuzz(func(t *testing.T, a, b uint64, size int64) {
		product := new(big.Int).Mul(new(big.Int).SetUint64(a), new(big.Int).SetUint64(b))
		n, ok := Mul(a, b)
		if ok != product.IsInt64() || ok && n != product.Int64() {
			t.Fatalf("%d*%d is %d, %v", a, b, n, ok)
		}
		off, length := int64(a), int64(b)
		end := new(big.Int).Add(big.NewInt(off), big.NewInt(length))
		if within := off >= 0 && length >= 0 && end.Cmp(big.NewInt(size)) <= 0; Within(off, length, size) != within {
			t.Fatalf("%d bytes at %d of %d: %v", length, off, size, !within)
		}
	})
}

// FuzzCursor: whatever is asked for, no more is given than there is, in order.
func FuzzCursor(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9}, []byte{1, 2, 4, 8, 200, 0})
	f.Fuzz(func(t *testing.T, data, sizes []byte) {
		c, at := NewCursor(data, binary.BigEndian), 0
		for _, n := range sizes {
			size := int(int8(n))
			b := c.Bytes(size)
			if c.Err() != nil {
				if b != nil || size >= 0 && size <= len(data)-at {
					t.Fatalf("%d of %d at %d: %v", size, len(data), at, c.Err())
				}
				break
			}
			if !bytes.Equal(b, data[at:at+size]) {
				t.Fatalf("%d at %d: %x", size, at, b)
			}
			if at += size; c.Pos() != at || c.Len() != len(data)-at {
				t.Fatalf("at %d with %d left", c.Pos(), c.Len())
			}
		}
	})
}
