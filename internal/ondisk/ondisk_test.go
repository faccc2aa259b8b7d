package ondisk

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

// A readerAt answers every read with what it holds.
type readerAt struct {
	n   int
	err error
}

func (r readerAt) ReadAt(p []byte, _ int64) (int, error) { return min(r.n, len(p)), r.err }

func TestReadFull(t *testing.T) {
	for _, c := range []struct {
		source readerAt
		want   error
	}{
		{readerAt{4, nil}, nil},
		{readerAt{4, io.EOF}, nil},            // full at the very end
		{readerAt{4, iotest.ErrTimeout}, nil}, // full all the same
		{readerAt{3, io.EOF}, io.ErrUnexpectedEOF},
		{readerAt{3, nil}, io.ErrUnexpectedEOF}, // against the contract of io.ReaderAt
		{readerAt{0, iotest.ErrTimeout}, iotest.ErrTimeout},
	} {
		require.Equal(t, c.want, ReadFull(c.source, make([]byte, 4), 0))
	}
	require.Error(t, ReadFull(readerAt{4, nil}, make([]byte, 4), -1))
}

func TestRead(t *testing.T) {
	data := bytes.Repeat([]byte("0123456789abcdef"), chunk/8) // two chunks
	r := bytes.NewReader(data)
	for _, n := range []int64{0, 1, chunk - 1, chunk, chunk + 1, int64(len(data)) - 3} {
		got, err := Read(r, 3, n)
		require.NoError(t, err)
		require.True(t, bytes.Equal(data[3:3+n], got))
	}
	for _, c := range [][2]int64{{0, int64(len(data)) + 1}, {0, math.MaxInt64}, {5, math.MaxInt64}, {-1, 1}, {0, -1}} {
		_, err := Read(r, c[0], c[1])
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	}
	_, err := Read(readerAt{0, errors.New("disk")}, 0, 5)
	require.EqualError(t, err, "disk")
}

func TestArithmetic(t *testing.T) {
	n, ok := Mul(1<<31, 1<<31)
	require.True(t, ok)
	require.Equal(t, int64(1)<<62, n)
	for _, c := range [][2]uint64{{1 << 32, 1 << 31}, {1 << 32, 1 << 32}, {math.MaxUint64, math.MaxUint64}} {
		_, ok := Mul(c[0], c[1])
		require.False(t, ok)
	}
	require.True(t, Within(0, 0, 0))
	require.True(t, Within(5, 5, 10))
	for _, c := range [][3]int64{{5, 6, 10}, {11, 0, 10}, {-1, 1, 10}, {1, -1, 10}, {1, math.MaxInt64, 10}, {math.MaxInt64, math.MaxInt64, 10}} {
		require.False(t, Within(c[0], c[1], c[2]))
	}
}

func TestCursor(t *testing.T) {
	c := NewCursor([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17}, binary.BigEndian)
	require.EqualValues(t, 1, c.U8())
	require.EqualValues(t, 0x0203, c.U16())
	require.EqualValues(t, 0x04050607, c.U32())
	require.Equal(t, uint64(0x08090A0B0C0D0E0F), c.U64())
	require.Equal(t, 15, c.Pos())
	require.Equal(t, 2, c.Len())
	require.NoError(t, c.Err())
	require.Zero(t, c.U32()) // one too many: from here on all is zero
	require.Zero(t, c.U8())
	require.Zero(t, c.U16())
	require.Zero(t, c.U64())
	require.Nil(t, c.Bytes(1))
	require.ErrorIs(t, c.Err(), io.ErrUnexpectedEOF)
	require.ErrorContains(t, c.Err(), "4 bytes at 15 of 17")
	require.Error(t, func() error { c := NewCursor(nil, binary.LittleEndian); c.Skip(-1); return c.Err() }())
}
