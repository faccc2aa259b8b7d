package lvm

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/layer"
)

func TestReadLabel(t *testing.T) {
	for sector := range labelSectors {
		p := onePV('a', "")
		p.sector, p.used = sector, true
		p.areas = append(p.areas, testArea{offset: 64 << 10, size: 8192})
		label, err := ReadLabel(bytes.NewReader(p.image()), testSize)
		require.NoError(t, err)
		require.Equal(t, &Label{
			UUID: testUUID('a'), Offset: int64(sector) * sectorSize, Size: testSize, Used: true,
			DataAreas:     []Area{{testStart, 0}},
			MetadataAreas: []Area{{4096, 12 << 10}, {64 << 10, 8192}},
		}, label)
	}
}

// A damaged label does not hide a good one behind it.
func TestReadLabelSecond(t *testing.T) {
	p := onePV('a', "")
	p.sector = 3
	data := p.image()
	copy(data[sectorSize:], labelID)
	label, err := ReadLabel(bytes.NewReader(data), testSize)
	require.NoError(t, err)
	require.EqualValues(t, 3*sectorSize, label.Offset)
}

func TestReadLabelErrors(t *testing.T) {
	le := binary.LittleEndian
	for name, c := range map[string]struct {
		change func(label []byte)
		broken bool // leave the checksum as it is
		kind   error
		text   string
	}{
		"none":     {func(l []byte) { clear(l) }, true, layer.ErrFormat, "no LVM2 label in the first 4 sectors"},
		"checksum": {func(l []byte) { l[100]++ }, true, layer.ErrCorrupt, "checksum 0x"},
		"sector":   {func(l []byte) { l[8] = 2 }, false, layer.ErrCorrupt, "is that of sector 2"},
		"type":     {func(l []byte) { copy(l[24:], "LVM3") }, false, layer.ErrUnsupported, `label type "LVM3 001"`},
		"contents": {func(l []byte) { le.PutUint32(l[20:], 31) }, false, layer.ErrCorrupt, "contents at 31"},
		"short":    {func(l []byte) { le.PutUint32(l[20:], 500) }, false, layer.ErrCorrupt, "unexpected EOF"},
		"list":     {func(l []byte) { fill(l[72:], 1) }, false, layer.ErrCorrupt, "unexpected EOF"},
		"uuid":     {func(l []byte) { l[40] = ' ' }, false, layer.ErrCorrupt, "no PV UUID"},
		"size":     {func(l []byte) { fill(l[64:72], 255) }, false, layer.ErrCorrupt, "device of 18446744073709551615 bytes"},
		"area":     {func(l []byte) { fill(l[104:120], 127) }, false, layer.ErrCorrupt, "area of 9187201950435737471 bytes"},
		"negative": {func(l []byte) { l[79] = 128 }, false, layer.ErrCorrupt, "area of 0 bytes at 9223372036854792192"},
	} {
		data := onePV('a', "").image()
		c.change(data[sectorSize:][:sectorSize])
		if !c.broken {
			sealLabel(data, 1)
		}
		_, err := ReadLabel(bytes.NewReader(data), testSize)
		require.ErrorIs(t, err, c.kind, name)
		require.ErrorContains(t, err, c.text, name)
	}

	_, err := ReadLabel(bytes.NewReader(nil), 511)
	require.ErrorIs(t, err, layer.ErrFormat)
	failed := errors.New("bad sector")
	_, err = ReadLabel(failing{failed}, testSize)
	require.ErrorIs(t, err, failed)
	require.NotErrorIs(t, err, layer.ErrCorrupt)
	_, err = ReadLabel(bytes.NewReader(nil), testSize)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)

	lvm1 := make([]byte, 4096)
	copy(lvm1, "HM\x02\x00\x00\x00\x00\x00\x00\x04\x00\x00")
	_, err = ReadLabel(bytes.NewReader(lvm1), 4096)
	require.ErrorIs(t, err, layer.ErrUnsupported)
	require.ErrorContains(t, err, "LVM1")
}

// The flag came with version 2 of the extension.
func TestReadLabelOld(t *testing.T) {
	p := onePV('a', "")
	p.used = true
	data := p.image()
	data[sectorSize+104+32] = 1
	sealLabel(data, 1)
	label, err := ReadLabel(bytes.NewReader(data), testSize)
	require.NoError(t, err)
	require.False(t, label.Used)
}

func fill(p []byte, c byte) {
	for i := range p {
		p[i] = c
	}
}

// failing is a source that cannot be read.
type failing struct{ err error }

func (f failing) ReadAt(p []byte, _ int64) (int, error) { return iotest.ErrReader(f.err).Read(p) }

func TestUUID(t *testing.T) {
	for in, want := range map[string]string{
		"0123456789abcdefghijklmnopqrstuv":       "012345-6789-abcd-efgh-ijkl-mnop-qrstuv",
		"012345-6789-abcd-efgh-ijkl-mnop-qrst!#": "012345-6789-abcd-efgh-ijkl-mnop-qrst!#",
		"":                                       "",
		"0123456789abcdefghijklmnopqrstu":        "",
		"0123456789abcdefghijklmnopqrstuvw":      "",
		"0123456789abcdefg/ijklmnopqrstuv":       "",
	} {
		got, ok := parseUUID(in)
		require.Equal(t, want, got)
		require.Equal(t, want != "", ok)
	}
}

func TestValidName(t *testing.T) {
	for _, name := range []string{"root", "a", "dots.and-dashes_+", "..."} {
		require.True(t, validName(name), name)
	}
	for _, name := range []string{"", ".", "..", "-x", "a/b", "a\x00", "é", "a b", "a~b", string(make([]byte, 200))} {
		require.False(t, validName(name), name)
	}
}
