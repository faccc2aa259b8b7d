package lvm

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
	"github.com/vmdkfs/vmdkfs/layer"
)

func TestChecksum(t *testing.T) {
	// Computed by hand from the definition, one bit at a time.
	crc := uint32(checksumSeed)
	for _, c := range []byte("LVM2 001") {
		crc ^= uint32(c)
		for range 8 {
			crc = crc>>1 ^ 0xedb88320&-(crc&1)
		}
	}
	require.Equal(t, crc, checksum([]byte("LVM2 001")))
	require.Equal(t, crc, checksum([]byte("LVM2"), []byte(" 001")))
	require.Equal(t, uint32(checksumSeed), checksum())
}

// The text may begin anywhere in the ring, and go round its end.
func TestReadTextWraps(t *testing.T) {
	text := vgText("vg", 'g', 1, "a")
	const size = 4096
	p := onePV('a', text)
	for at := int64(areaHeaderSize); at < size; at += 7 {
		data := make([]byte, 8192+size)
		p.writeArea(data, testArea{offset: 8192, size: size, at: at})
		got, ignored, err := readText(memory("pv", data), Area{8192, size})
		require.NoError(t, err)
		require.False(t, ignored)
		require.Equal(t, text, string(got))
	}
}

func TestReadTextFull(t *testing.T) {
	text := vgText("vg", 'g', 1, "a")
	text += strings.Repeat(" ", 4096-areaHeaderSize-len(text))
	p := onePV('a', text)
	p.areas = []testArea{{offset: 4096, size: 4096, at: 2048}}
	got, _, err := readText(p.pv(), Area{4096, 4096})
	require.NoError(t, err)
	require.Equal(t, text, string(got))
}

func TestReadTextErrors(t *testing.T) {
	le := binary.LittleEndian
	area := Area{4096, 12 << 10}
	for name, c := range map[string]struct {
		change func(area []byte)
		broken bool // leave the checksum as it is
		kind   error
		text   string
	}{
		"header checksum": {func(a []byte) { a[500]++ }, true, layer.ErrCorrupt, "header has checksum 0x"},
		"magic":           {func(a []byte) { a[4] = 'x' }, false, layer.ErrCorrupt, "magic"},
		"version":         {func(a []byte) { a[20] = 2 }, false, layer.ErrUnsupported, "version 2"},
		"start":           {func(a []byte) { a[25]++ }, false, layer.ErrCorrupt, "header is that of an area at"},
		"too large":       {func(a []byte) { a[35]++ }, false, layer.ErrCorrupt, "header says"},
		"negative":        {func(a []byte) { a[39] = 128 }, false, layer.ErrCorrupt, "header says"},
		"too small":       {func(a []byte) { le.PutUint64(a[32:], 511) }, false, layer.ErrCorrupt, "header says 511 bytes"},
		"text in header":  {func(a []byte) { le.PutUint64(a[40:], 511) }, false, layer.ErrCorrupt, "at 511"},
		"text beyond":     {func(a []byte) { le.PutUint64(a[40:], 12<<10) }, false, layer.ErrCorrupt, "at 12288"},
		"no text":         {func(a []byte) { le.PutUint64(a[48:], 0) }, false, layer.ErrCorrupt, "text of 0 bytes"},
		"long text":       {func(a []byte) { le.PutUint64(a[48:], 12<<10-511) }, false, layer.ErrCorrupt, "text of 11777 bytes"},
		"text checksum":   {func(a []byte) { a[600]++ }, true, layer.ErrCorrupt, "text has checksum 0x"},
	} {
		data := onePV('a', vgText("vg", 'g', 1, "a")).image()
		c.change(data[area.Offset:][:area.Size])
		if !c.broken {
			sealArea(data, area.Offset)
		}
		_, _, err := readText(memory("sda2", data), area)
		require.ErrorIs(t, err, c.kind, name)
		require.ErrorContains(t, err, c.text, name)
		require.ErrorContains(t, err, "sda2", name)
	}
}

func TestReadTextShort(t *testing.T) {
	pv := onePV('a', vgText("vg", 'g', 1, "a")).pv()
	pv.Size = 4096
	_, _, err := readText(pv, Area{4096, 12 << 10})
	require.ErrorIs(t, err, layer.ErrIncomplete)
	pv.Size = 8192
	_, _, err = readText(pv, Area{4096, 12 << 10})
	require.ErrorIs(t, err, layer.ErrIncomplete)

	// A source that fails, or ends before it should.
	pv = onePV('a', vgText("vg", 'g', 1, "a")).pv()
	whole := pv.Reader
	failed := errors.New("bad sector")
	for _, limit := range []int64{4096, 4096 + areaHeaderSize} {
		pv.Reader = until{whole, limit, failed}
		_, _, err = readText(pv, Area{4096, 12 << 10})
		require.ErrorIs(t, err, failed)
		require.NotErrorIs(t, err, layer.ErrCorrupt)
	}
}

// A text that would not fit into memory is refused before it is read.
func TestReadTextLimit(t *testing.T) {
	le := binary.LittleEndian
	data := onePV('a', "x").image()
	le.PutUint64(data[4096+32:], 1<<40)
	le.PutUint64(data[4096+48:], maxText+1)
	sealArea(data, 4096)
	pv := memory("big", data)
	pv.Size = 1 << 41
	_, _, err := readText(pv, Area{4096, 1 << 40})
	require.ErrorIs(t, err, layer.ErrUnsupported)
	require.ErrorContains(t, err, "more than the 67108864 ")
	pv.Size = 1 << 30
	le.PutUint64(data[4096+32:], 1<<29)
	le.PutUint64(data[4096+48:], leastText+1)
	sealArea(data, 4096)
	_, _, err = readText(pv, Area{4096, 1 << 29})
	require.ErrorIs(t, err, layer.ErrUnsupported)
	require.ErrorContains(t, err, "more than the 4194304 ")
}

// TestMemoryOfText: the largest text of a PV just below a gigabyte stays within
// the budget, whatever it is full of.
func TestMemoryOfText(t *testing.T) {
	array := "=[" + strings.Repeat("1,", maxArray-1) + "1]\n"
	_, err := parseText("a=[" + strings.Repeat("1,", maxArray) + "1]")
	require.ErrorContains(t, err, "more than 262144 values in an array")
	var arrays, entries, sections strings.Builder
	for i := 0; arrays.Len() < leastText-len(array)-10; i++ {
		fmt.Fprintf(&arrays, "%x%s", i, array)
	}
	for i := 0; entries.Len() < leastText-10; i++ {
		fmt.Fprintf(&entries, "%x=1\n", i)
	}
	for i := 0; sections.Len() < leastText-10; i++ {
		fmt.Fprintf(&sections, "%x{}", i)
	}
	for name, text := range map[string]string{"arrays": arrays.String(), "entries": entries.String(), "sections": sections.String()} {
		t.Run(name, func(t *testing.T) {
			testimg.WithinBudget(t, func() {
				_, err := parseText(text)
				require.NoError(t, err)
			})
		})
	}
}

// until is a source whose bytes from limit on cannot be read.
type until struct {
	r     io.ReaderAt
	limit int64
	err   error
}

func (u until) ReadAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) > u.limit {
		return 0, u.err
	}
	return u.r.ReadAt(p, off)
}
