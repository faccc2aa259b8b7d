package lvm

import (
	"encoding/binary"
	"errors"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/layer"
)

func TestThin(t *testing.T) {
	for _, perBox := range []int{252, 2, 1} { // trees of one node, and of many levels
		if perBox == 1 {
			perBox = 3
		}
		p := newTestPool(perBox,
			[]entry64{{0, 3}, {1, 4}, {2, 2}, {5, 9}, {7, 0}},
			[]entry64{{1, 1}, {2, 2}, {3, 3}},
			nil,
			[]entry64{{1 << 40, 5}},
		)
		origin := lvText("origin", linear(0, 20, "pv0", 200))
		fsys := mustOpen(t, p.pv(4, thinText("holes", 8*poolChunk, 1, ""), thinText("short", 3*poolChunk+5, 2, ""), thinText("empty", 100*poolChunk, 3, ""),
			origin, thinText("above", 4*poolChunk, 2, `external_origin = "origin"`)))
		require.Empty(t, fsys.Warnings())
		reads(t, fsys, "holes", chunks(3, 4, 2, -1, -1, 9, -1, 0))
		reads(t, fsys, "short", chunks(-1, 1, 2, 3)[:(3*poolChunk+5)*4096])
		reads(t, fsys, "empty", make([]byte, 100*poolChunk*4096))
		reads(t, fsys, "above", append(expect('a', 200, poolChunk), chunks(1, 2, 3)...))

		// Chunks that follow one another are one run, holes are not listed.
		f, err := fsys.Open("vg/holes")
		require.NoError(t, err)
		var runs []layer.Extent
		for e, err := range f.(layer.File).Extents() {
			require.NoError(t, err)
			runs = append(runs, e)
		}
		require.Len(t, runs, 4)
		require.EqualValues(t, 2*poolChunk*4096, runs[0].Length)
	}
}

// An origin that ends inside a chunk, and one that is hollow itself.
func TestThinExternalOrigin(t *testing.T) {
	p := newTestPool(252, []entry64{{3, 1}}, []entry64{{0, 2}})
	fsys := mustOpen(t, p.pv(2, lvText("origin", linear(0, 20, "pv0", 200)),
		thinText("longer", 4*poolChunk, 1, `external_origin = "origin"`),
		thinText("stacked", 2*poolChunk, 2, `external_origin = "longer"`),
		thinText("shorter", 5, 1, `external_origin = "origin"`)))
	long := append(expect('a', 200, 20), make([]byte, (3*poolChunk-20)*4096)...)
	reads(t, fsys, "longer", append(long, chunks(1)...))
	reads(t, fsys, "stacked", append(chunks(2), long[poolChunk*4096:2*poolChunk*4096]...))
	reads(t, fsys, "shorter", expect('a', 200, 5))
}

func TestThinMerge(t *testing.T) {
	p := newTestPool(252, []entry64{{0, 1}}, []entry64{{0, 2}})
	fsys := mustOpen(t, p.pv(2, thinText("base", poolChunk, 1, ""), thinText("snap", poolChunk, 2, `merge = "base"`)))
	reads(t, fsys, "base", chunks(2))
	_, err := fsys.Open("vg/snap")
	require.Error(t, err)
}

// A pool that has gone on, or back, gives those volumes that are surely the
// ones that the group means.
func TestThinTransaction(t *testing.T) {
	for _, transaction := range []int{1, 9} {
		p := newTestPool(252, []entry64{{0, 1}}, []entry64{{0, 2}}, []entry64{{0, 3}})
		other := lvText("other", segText(0, poolChunk, "thin", "thin_pool = \"pool\"\ntransaction_id = 7\ndevice_id = 2"))
		fsys := mustOpen(t, p.pv(transaction, thinText("same", poolChunk, 1, ""), other, thinText("new", poolChunk, 8, "")))
		require.ErrorContains(t, fsys.Warnings()[0], "the thin pool is at transaction 3, the group's metadata at")
		reads(t, fsys, "same", chunks(1))
		_, err := fsys.Open("vg/other")
		require.ErrorIs(t, err, layer.ErrCorrupt)
		require.ErrorContains(t, err, "is not the one of transaction 7")
		_, err = fsys.Open("vg/new")
		require.ErrorContains(t, err, "no device 8")
		require.Equal(t, transaction == 9, errors.Is(err, layer.ErrIncomplete))
	}
}

// Each structure broken, its checksum made right: what it hits is an error by
// name, the rest is read.
func TestThinDamage(t *testing.T) {
	le := binary.LittleEndian
	for name, c := range map[string]struct {
		change func(p *testPool)
		broken bool // leave the checksum as it is
		all    bool // both thin volumes are hit
		kind   error
		text   string
	}{
		"magic":           {func(p *testPool) { p.blocks[0][32]++ }, false, true, layer.ErrCorrupt, `thin pool "pool": vg/pool_tmeta: metadata block 0: superblock with magic`},
		"version":         {func(p *testPool) { p.blocks[0][40] = 3 }, false, true, layer.ErrUnsupported, "superblock of version 3"},
		"features":        {func(p *testPool) { p.blocks[0][360] = 1 }, false, true, layer.ErrUnsupported, "incompatible features 0x1"},
		"metadata size":   {func(p *testPool) { p.blocks[0][340] = 1 }, false, true, layer.ErrUnsupported, "metadata blocks of 1 sectors"},
		"chunk size":      {func(p *testPool) { p.blocks[0][337] = 1 }, false, true, layer.ErrCorrupt, "chunks of 384 sectors, 65536 bytes in the group's metadata"},
		"superblock sum":  {func(p *testPool) { p.blocks[0][100]++ }, true, true, layer.ErrCorrupt, "metadata block 0: checksum 0x"},
		"root beyond":     {func(p *testPool) { le.PutUint64(p.blocks[0][320:], 1<<50) }, false, true, layer.ErrCorrupt, "metadata block 1125899906842624: the volume has 32"},
		"volumes number":  {func(p *testPool) { p.blocks[p.trees[0]][8]++ }, false, true, layer.ErrCorrupt, "says that it is"},
		"volumes flags":   {func(p *testPool) { p.blocks[p.trees[0]][4] = 3 }, false, true, layer.ErrCorrupt, "node flags 0x3"},
		"volumes values":  {func(p *testPool) { p.blocks[p.trees[0]][24] = 16 }, false, true, layer.ErrCorrupt, "values of 16 bytes, not 8"},
		"volumes entries": {func(p *testPool) { le.PutUint32(p.blocks[p.trees[0]][16:], math.MaxUint32) }, false, true, layer.ErrCorrupt, "node with"},
		"volumes room":    {func(p *testPool) { le.PutUint32(p.blocks[p.trees[0]][20:], 1<<20) }, false, true, layer.ErrCorrupt, "node with"},
		"volumes order":   {func(p *testPool) { le.PutUint64(p.blocks[p.trees[0]][nodeHeaderSize+8:], 1) }, false, true, layer.ErrCorrupt, "key 1 out of order"},
		"mapping sum":     {func(p *testPool) { p.blocks[p.roots[1]][3000]++ }, true, false, layer.ErrCorrupt, "checksum 0x"},
		"mapping cycle":   {func(p *testPool) { n := p.blocks[p.roots[1]]; le.PutUint64(n[nodeHeaderSize+8*254:], p.roots[1]) }, false, false, layer.ErrCorrupt, "a tree of more than 8 levels"},
		"mapping level":   {func(p *testPool) { n := p.blocks[p.roots[1]]; le.PutUint64(n[nodeHeaderSize+8*255:], p.roots[1]) }, false, false, layer.ErrCorrupt, "another level than its parent says"},
		"mapping order":   {func(p *testPool) { n := p.blocks[p.roots[1]]; le.PutUint64(n[nodeHeaderSize+8*255:], p.roots[2]) }, false, false, layer.ErrCorrupt, "key 0 out of order"},
		"empty node":      {func(p *testPool) { p.blocks[p.roots[1]][16] = 0 }, false, false, layer.ErrCorrupt, "node with 0 entries"},
		"data beyond":     {func(p *testPool) { n := p.blocks[1]; le.PutUint64(n[nodeHeaderSize+8*254:], 10<<thinTimeBits) }, false, false, layer.ErrCorrupt, "chunk 0 lies in chunk 10 of 10"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newTestPool(2, []entry64{{0, 1}, {1, 2}, {2, 3}, {3, 5}}, []entry64{{0, 7}, {1, 8}})
			sums := p.pv(2, thinText("one", 4*poolChunk, 1, ""), thinText("two", 2*poolChunk, 2, ""))
			c.change(p)
			if c.broken {
				data := make([]byte, sums.Size)
				_, err := sums.Reader.ReadAt(data, 0)
				require.NoError(t, err)
				for i, b := range p.blocks {
					copy(data[testStart+i*blockSize:], b[:])
				}
				sums = memory("pv-a", data)
			} else {
				sums = p.pv(2, thinText("one", 4*poolChunk, 1, ""), thinText("two", 2*poolChunk, 2, ""))
			}
			fsys := mustOpen(t, sums)
			_, err := fsys.ReadFile("vg/one")
			require.ErrorIs(t, err, c.kind)
			require.ErrorContains(t, err, c.text)
			reads(t, fsys, "plain", expect('a', 250, 1))
			if !c.all {
				reads(t, fsys, "two", chunks(7, 8))
			}
		})
	}
}

// What the superblock says of the pool's health is told.
func TestThinNotices(t *testing.T) {
	p := newTestPool(252, []entry64{{0, 1}})
	p.blocks[0][4] = thinNeedsCheck
	p.blocks[0][56] = 9
	fsys := mustOpen(t, p.pv(1, thinText("thin", poolChunk, 1, "")))
	reads(t, fsys, "thin", chunks(1))
	require.Equal(t, []string{
		"lvm: vg/pool: the kernel has met errors in the metadata of the thin pool and asks for thin_check",
		"lvm: vg/pool: the thin pool holds a snapshot of its metadata, at block 9",
	}, texts(fsys.Warnings()))
}

func TestThinText(t *testing.T) {
	pool := func(rest string) string { return lvText("bad", segText(0, 1, "thin-pool", rest)) }
	for name, c := range map[string]struct {
		volumes []string
		kind    error
		text    string
	}{
		"no pool":          {[]string{lvText("t", segText(0, 1, "thin", "device_id = 1\ntransaction_id = 0"))}, layer.ErrCorrupt, `no string "thin_pool"`},
		"not a pool":       {[]string{lvText("t", segText(0, 1, "thin", "thin_pool = \"plain\"\ndevice_id = 1\ntransaction_id = 0"))}, layer.ErrCorrupt, `"plain" is no thin pool`},
		"behind":           {[]string{lvText("t", linear(0, 1, "pv0", 1), segText(1, 1, "thin", "thin_pool = \"pool\"\ndevice_id = 1\ntransaction_id = 0"))}, layer.ErrCorrupt, "behind other segments"},
		"pool metadata":    {[]string{pool("pool = \"plain\"\ntransaction_id = 1\nchunk_size = 128"), lvText("t", segText(0, 1, "thin", "thin_pool = \"bad\"\ndevice_id = 1\ntransaction_id = 0"))}, layer.ErrCorrupt, `thin pool "bad": no string "metadata"`},
		"pool chunk":       {[]string{pool("pool = \"plain\"\nmetadata = \"plain\"\ntransaction_id = 1\ndata_block_size = 100"), lvText("t", segText(0, 1, "thin", "thin_pool = \"bad\"\ndevice_id = 1\ntransaction_id = 0"))}, layer.ErrCorrupt, "chunks of 100 sectors"},
		"no volume":        {[]string{pool("pool = \"none\"\nmetadata = \"plain\"\ntransaction_id = 1\nchunk_size = 128"), lvText("t", segText(0, 1, "thin", "thin_pool = \"bad\"\ndevice_id = 1\ntransaction_id = 0"))}, layer.ErrCorrupt, `lies on "none", which the group does not have`},
		"no superblock":    {[]string{pool("pool = \"plain\"\nmetadata = \"plain\"\ntransaction_id = 1\nchunk_size = 128"), lvText("t", segText(0, 1, "thin", "thin_pool = \"bad\"\ndevice_id = 1\ntransaction_id = 0"))}, layer.ErrCorrupt, "vg/plain: metadata block 0: checksum"},
		"origin":           {[]string{thinText("t", 1, 1, `external_origin = "gone"`)}, layer.ErrCorrupt, `lies on "gone"`},
		"origin on itself": {[]string{thinText("t", 1, 1, `external_origin = "t"`)}, layer.ErrCorrupt, `lies on "t", which lies on it`},
		"the pool itself":  {[]string{lvText("t", linear(0, 1, "pool", 0))}, layer.ErrUnsupported, `segment type "thin-pool"`},
	} {
		p := newTestPool(252, []entry64{{0, 1}})
		_, err := mustOpen(t, p.pv(1, c.volumes...)).Open("vg/t")
		require.ErrorIs(t, err, c.kind, name)
		require.ErrorContains(t, err, c.text, name)
	}
}
