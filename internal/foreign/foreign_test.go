package foreign

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
	"github.com/vmdkfs/vmdkfs/layer"
)

// Golden images are compared with what qemu-img reads by the tests of the root
// package.

// changed returns an image with bytes replaced.
func changed(image []byte, off int, b ...byte) []byte {
	c := bytes.Clone(image)
	copy(c[off:], b)
	return c
}

func TestQcow2Errors(t *testing.T) {
	v3 := testimg.Load(t, "vm/v3.qcow2.gz")
	big := bytes.Repeat([]byte{0xff}, 8)
	for _, test := range []struct {
		image []byte
		kind  error
		want  string
	}{
		{[]byte("no"), layer.ErrFormat, ""},
		{v3[:40], layer.ErrCorrupt, "header"},
		{v3[:100], layer.ErrCorrupt, "header"},
		{changed(v3, 7, 1), layer.ErrUnsupported, "version 1"},
		{changed(v3, 7, 4), layer.ErrUnsupported, "version 4"},
		{changed(v3, 8, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 4), layer.ErrUnsupported, "backing file"},
		{changed(v3, 8, big...), layer.ErrUnsupported, "impossible name"},
		{changed(v3, 8, 0, 0, 0, 0, 0x70, 0, 0, 4, 0, 0, 0, 4), layer.ErrUnsupported, "whose name cannot be read"},
		{changed(v3, 23, 8), layer.ErrCorrupt, "clusters of 2^8 bytes"},
		{changed(v3, 23, 22), layer.ErrCorrupt, "clusters of 2^22 bytes"},
		{changed(v3, 24, big...), layer.ErrCorrupt, "a disk of"},
		{changed(v3, 24, make([]byte, 8)...), layer.ErrCorrupt, "a disk of 0 bytes"},
		{changed(v3, 25, 1), layer.ErrCorrupt, "an L1 table of 1 entries, where the disk needs"},
		{changed(v3, 35, 1), layer.ErrUnsupported, "encrypted"},
		{changed(v3, 36, 0xff, 0xff, 0xff, 0xff), layer.ErrCorrupt, "outside the file"},
		{changed(v3, 40, big...), layer.ErrCorrupt, "outside the file"},
		{changed(v3, 40, make([]byte, 8)...), layer.ErrCorrupt, "outside the file"},
		{changed(v3, 79, 2), layer.ErrCorrupt, "marked it as corrupt"},
		{changed(v3, 79, 4), layer.ErrUnsupported, "another file"},
		{changed(v3, 79, 16), layer.ErrUnsupported, "extended L2"},
		{changed(v3, 72, 0x80), layer.ErrUnsupported, "unknown incompatible features 0x8000000000000000"},
		{changed(v3, 103, 96), layer.ErrCorrupt, "a header of 96 bytes"},
		{changed(v3, 104, 2), layer.ErrUnsupported, "method 2"},
	} {
		_, _, err := Open(bytes.NewReader(test.image), int64(len(test.image)), "x.qcow2")
		require.ErrorIs(t, err, test.kind, test.want)
		require.ErrorContains(t, err, test.want)
	}
}

// A table or a cluster outside the file is an error of the bytes that it has,
// and of no others.
func TestQcow2Damage(t *testing.T) {
	v3 := testimg.Load(t, "vm/v3.qcow2.gz")
	l1 := binary.BigEndian.Uint64(v3[40:])
	l2 := binary.BigEndian.Uint64(v3[l1:]) & 0x00fffffffffffe00
	for name, image := range map[string][]byte{
		"cluster outside":     changed(v3, int(l2), 0x80, 0, 0x70, 0, 0, 0, 0, 0),
		"compressed, outside": changed(v3, int(l2), 0x40, 0, 0x70, 0, 0, 0, 0, 0),
		"compressed garbage":  changed(v3, int(l2), 0x40, 0, 0, 0, 0, 0, 0, 8),
	} {
		d, _, err := Open(bytes.NewReader(image), int64(len(image)), "x.qcow2")
		require.NoError(t, err)
		_, err = d.ReadAt(make([]byte, 512), 0)
		require.ErrorIs(t, err, layer.ErrCorrupt, name)
		_, err = d.ReadAt(make([]byte, 512), 6143*512)
		require.NoError(t, err, name)
	}
	outside := changed(v3, int(l1), 0x80, 0, 0x70, 0, 0, 0, 0, 0)
	d, _, err := Open(bytes.NewReader(outside), int64(len(outside)), "x.qcow2")
	require.NoError(t, err)
	_, err = d.ReadAt(make([]byte, 512), 0)
	require.ErrorIs(t, err, layer.ErrCorrupt)
	for _, err := range d.Extents() {
		require.ErrorIs(t, err, layer.ErrCorrupt)
	}
	_, err = d.ReadAt(make([]byte, 1), -1)
	require.Error(t, err)
	n, err := d.ReadAt(make([]byte, 512), d.Size())
	require.Equal(t, io.EOF, err)
	require.Zero(t, n)
}

type failing struct {
	io.ReaderAt
	left int
}

var errBroken = errors.New("broken cable")

func (f *failing) ReadAt(p []byte, off int64) (int, error) {
	if f.left--; f.left < 0 {
		return 0, errBroken
	}
	return f.ReaderAt.ReadAt(p, off)
}

// A source that cannot be read is no damage of the image.
func TestReadFailures(t *testing.T) {
	for _, name := range []string{"vm/v3.qcow2.gz", "vm/compressed.qcow2.gz", "vm/fixed.vhd.gz"} {
		image := testimg.Load(t, name)
		for n := 0; n < math.MaxInt16; n++ {
			r := &failing{bytes.NewReader(image), n}
			d, _, err := Open(r, int64(len(image)), "x")
			if err == nil {
				_, err = d.ReadAt(make([]byte, 128<<10), 0)
			}
			if r.left >= 0 {
				require.NoError(t, err)
				break
			}
			require.ErrorIs(t, err, errBroken)
			require.NotErrorIs(t, err, layer.ErrCorrupt)
		}
	}
}

func TestFixedVHD(t *testing.T) {
	image := testimg.Load(t, "vm/fixed.vhd.gz")
	damaged := changed(image, len(image)-512+30, 'x')
	_, _, err := Open(bytes.NewReader(damaged), int64(len(damaged)), "x.vhd")
	require.ErrorIs(t, err, layer.ErrCorrupt)
	for _, other := range [][]byte{image[:len(image)-1], image[512:], changed(image, len(image)-512+63, 3), make([]byte, 600)} {
		_, _, err = Open(bytes.NewReader(other), int64(len(other)), "x.vhd")
		require.ErrorIs(t, err, layer.ErrFormat)
	}
}
