package lvm

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/layer"
)

// writecachePV returns a PV with vg/lv, ten extents of origin at 100, and its
// writecache at extent 0, with blocks of 4 KiB behind one of entries.
func writecachePV(seq uint64, entries [][2]uint64, change func(data []byte)) PV {
	le := binary.LittleEndian
	text := vgText("vg", 'g', 1, "a",
		lvText("lv", segText(0, 10, "writecache", "origin = \"wcorig\"\nwritecache = \"fast\"\nwritecache_block_size = 4096")),
		lvText("wcorig", linear(0, 10, "pv0", 100)), lvText("fast", linear(0, 20, "pv0", 0)))
	data := onePV('a', text).image()
	at := data[testStart:]
	clear(at[:4096])
	le.PutUint32(at, writecacheMagic)
	le.PutUint32(at[4:], writecacheVersion)
	le.PutUint32(at[8:], 4096)
	le.PutUint64(at[16:], uint64(len(entries)))
	le.PutUint64(at[24:], seq)
	for i, e := range entries {
		le.PutUint64(at[64+16*i:], e[0])
		le.PutUint64(at[72+16*i:], e[1])
	}
	if change != nil {
		change(at)
	}
	return memory("pv-a", data)
}

func TestWritecache(t *testing.T) {
	const free = 1<<64 - 1
	pv := writecachePV(5, [][2]uint64{
		{free, free}, {16, 2}, {24, 5} /* not committed */, {16, 4} /* newer */, {0, 1}, {16, 3}, {8, 4}, {800, 1} /* beyond the end */}, nil)
	want := expect('a', 100, 10)
	copy(want, expect('a', 5, 1))
	copy(want[4096:], expect('a', 7, 1))
	copy(want[2*4096:], expect('a', 4, 1))
	reads(t, mustOpen(t, pv), "lv", want)

	// One that was never used.
	reads(t, mustOpen(t, writecachePV(5, nil, func(at []byte) { clear(at[:4096]) })), "lv", expect('a', 100, 10))
}

func TestWritecacheDamage(t *testing.T) {
	le := binary.LittleEndian
	for name, c := range map[string]struct {
		change func(at []byte)
		kind   error
		text   string
	}{
		"magic":       {func(at []byte) { at[0]++ }, layer.ErrCorrupt, "writecache: vg/fast: superblock with magic 0x23489322"},
		"version":     {func(at []byte) { at[4]++ }, layer.ErrUnsupported, "superblock of version 2"},
		"block size":  {func(at []byte) { at[9] = 2 }, layer.ErrCorrupt, "blocks of 512 bytes, 4096 in the group's metadata"},
		"overflow":    {func(at []byte) { le.PutUint64(at[16:], 1<<60) }, layer.ErrCorrupt, "blocks in 81920 bytes"},
		"too many":    {func(at []byte) { le.PutUint64(at[16:], 20) }, layer.ErrCorrupt, "20 blocks from 4096 in 81920 bytes"},
		"not aligned": {func(at []byte) { at[64]++ }, layer.ErrCorrupt, "block 0 of the writecache is for sector 1, blocks have 8"},
		"twice":       {func(at []byte) { le.PutUint64(at[80:], 0) }, layer.ErrCorrupt, "are both for block 0, of commit 1"},
	} {
		fsys := mustOpen(t, writecachePV(5, [][2]uint64{{0, 1}, {8, 1}}, c.change))
		_, err := fsys.ReadFile("vg/lv")
		require.ErrorIs(t, err, c.kind, name)
		require.ErrorContains(t, err, c.text, name)
		reads(t, fsys, "wcorig", expect('a', 100, 10))
	}
	text := vgText("vg", 'g', 1, "a", lvText("lv", segText(0, 10, "writecache", "origin = \"lv\"\nwritecache = \"lv\"\nwritecache_block_size = 100")))
	_, err := mustOpen(t, onePV('a', text).pv()).Open("vg/lv")
	require.ErrorContains(t, err, "writecache blocks of 100 bytes")
}
