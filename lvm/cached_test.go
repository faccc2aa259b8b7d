package lvm

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/layer"
)

// A testCache is the metadata of a cache of four chunks of 32 KiB, on an
// origin of five and a half.
type testCache struct {
	*testMetadata
	super   *block
	mapping uint64 // root
}

const (
	cacheChunk   = 8   // extents
	cacheData    = 40  // the first extent of the cache
	cacheOrigin  = 100 // and of the origin
	cacheExtents = 5*cacheChunk + 4
)

// newTestCache returns metadata of that version, in which chunk n of the cache
// has the given mapping; those listed as dirty are so.
func newTestCache(version uint32, clean bool, mapping []uint64, dirty uint64) *testCache {
	c := &testCache{testMetadata: newTestMetadata(), super: new(block)}
	c.add(c.super, cacheSuperblockXOR, 8)
	c.mapping = c.array(mapping)
	le := binary.LittleEndian
	if clean {
		c.super[4] = cacheCleanShutdown
	}
	le.PutUint64(c.super[32:], cacheMagic)
	le.PutUint32(c.super[40:], version)
	le.PutUint64(c.super[192:], c.mapping)
	le.PutUint32(c.super[232:], cacheChunk*4096/sectorSize)
	le.PutUint32(c.super[236:], blockSize/sectorSize)
	le.PutUint32(c.super[240:], uint32(len(mapping)))
	if version == 2 {
		le.PutUint64(c.super[284:], c.array([]uint64{dirty}))
	}
	return c
}

// mapped returns a mapping to a chunk of the origin.
func mapped(chunk uint64, flags uint64) uint64 {
	return chunk<<mappingFlagBits | mappingValid | flags
}

// pv returns the PV with vg/pooled, whose cache is a pool of that mode, and
// vg/single, whose cache is one volume.
func (c *testCache) pv(mode string, ids string) PV {
	on := "pv" + string('0'+byte(len(ids)-1))
	volumes := []string{
		lvText("pooled", segText(0, cacheExtents, "cache", "cache_pool = \"pool\"\norigin = \"corig\"")),
		lvText("pool", segText(0, 4*cacheChunk, "cache-pool", fmt.Sprintf("data = \"cdata\"\nmetadata = \"cmeta\"\nmetadata_format = 2\nchunk_size = %d\ncache_mode = %q\npolicy = \"smq\"", cacheChunk*8, mode))),
		lvText("single", segText(0, cacheExtents, "cache+CACHE_USES_CACHEVOL", fmt.Sprintf("cache_pool = \"cvol\"\norigin = \"corig\"\nchunk_size = %d\ncache_mode = %q\nmetadata_start = 0\nmetadata_len = 256\ndata_start = 320\ndata_len = 256\n", cacheChunk*8, mode))),
		lvText("corig", linear(0, cacheExtents, "pv0", cacheOrigin)),
		lvText("cmeta", linear(0, 32, on, 0)),
		lvText("cdata", linear(0, 4*cacheChunk, on, cacheData)),
		lvText("cvol", linear(0, cacheData+4*cacheChunk, on, 0)),
	}
	data := onePV('a', vgText("vg", 'g', 1, ids, volumes...)).image()
	c.write(data[testStart:])
	return memory("pv-a", data)
}

// cacheView returns the origin with these of its chunks replaced by chunks of
// the cache.
func cacheView(from map[int]int) []byte {
	data := expect('a', cacheOrigin, cacheExtents)
	for chunk, at := range from {
		copy(data[chunk*cacheChunk*4096:], expect('a', cacheData+at*cacheChunk, cacheChunk))
	}
	return data
}

func TestCached(t *testing.T) {
	mapping := []uint64{mapped(3, 0), 0, mapped(5, mappingDirty), mapped(4, mappingDirty)}
	all := map[int]int{3: 0, 5: 2, 4: 3}
	for name, c := range map[string]struct {
		version uint32
		clean   bool
		mode    string
		want    map[int]int
	}{
		"format 2":           {2, true, "writeback", map[int]int{3: 0, 4: 3}},
		"format 1":           {1, true, "writeback", map[int]int{5: 2, 4: 3}},
		"not shut down":      {2, false, "writeback", all},
		"format 1, likewise": {1, false, "writeback", all},
		"writethrough":       {2, false, "writethrough", all}, // as the kernel reads it
		"passthrough":        {2, false, "passthrough", nil},
	} {
		t.Run(name, func(t *testing.T) {
			fsys := mustOpen(t, newTestCache(c.version, c.clean, mapping, 0b1001).pv(c.mode, "a"))
			for _, lv := range []string{"pooled", "single"} {
				got, err := fsys.ReadFile("vg/" + lv)
				require.NoError(t, err)
				require.True(t, string(cacheView(c.want)) == string(got), lv)
			}
		})
	}
}

// Chunks that follow one another in the cache are one run.
func TestCachedRuns(t *testing.T) {
	c := newTestCache(2, true, []uint64{mapped(1, 0), mapped(2, 0), mapped(3, 0), mapped(0, 0)}, 0b1111)
	f, err := mustOpen(t, c.pv("writeback", "a")).Open("vg/pooled")
	require.NoError(t, err)
	var lengths []int64
	for e, err := range f.(layer.File).Extents() {
		require.NoError(t, err)
		lengths = append(lengths, e.Length/4096)
	}
	require.Equal(t, []int64{cacheChunk, 3 * cacheChunk, cacheExtents - 4*cacheChunk}, lengths)
}

// A cache that is away is needed, unless all was written through it.
func TestCacheMissing(t *testing.T) {
	for mode, kind := range map[string]error{"writeback": layer.ErrIncomplete, "writethrough": nil, "passthrough": nil} {
		fsys := mustOpen(t, newTestCache(2, true, []uint64{0, 0, 0, 0}, 0).pv(mode, "ab"))
		got, err := fsys.ReadFile("vg/pooled")
		if kind != nil {
			require.ErrorIs(t, err, kind)
			require.ErrorContains(t, err, testUUID('b'))
			continue
		}
		require.NoError(t, err)
		require.True(t, string(cacheView(nil)) == string(got))
		require.ErrorIs(t, fsys.Warnings()[0], layer.ErrIncomplete)
	}
}

func TestCacheDamage(t *testing.T) {
	le := binary.LittleEndian
	for name, c := range map[string]struct {
		change func(c *testCache)
		kind   error
		text   string
	}{
		"magic":         {func(c *testCache) { c.super[32]++ }, layer.ErrCorrupt, "cache: vg/cmeta: metadata block 0: superblock with magic"},
		"version":       {func(c *testCache) { c.super[40] = 3 }, layer.ErrUnsupported, "superblock of version 3"},
		"features":      {func(c *testCache) { c.super[252] = 1 }, layer.ErrUnsupported, "incompatible features 0x1"},
		"metadata size": {func(c *testCache) { c.super[236] = 1 }, layer.ErrUnsupported, "metadata blocks of 1 sectors"},
		"chunks":        {func(c *testCache) { c.super[232] = 1 }, layer.ErrCorrupt, "chunks of 1 sectors, 32768 bytes"},
		"too many":      {func(c *testCache) { c.super[240] = 5 }, layer.ErrCorrupt, "cache of 5 chunks in 131072 bytes"},
		"origin beyond": {func(c *testCache) { le.PutUint64(c.blocks[1][arrayHeaderSize:], mapped(6, 0)) }, layer.ErrCorrupt, "chunk 0 of the cache is chunk 6 of 6"},
		"twice":         {func(c *testCache) { le.PutUint64(c.blocks[1][arrayHeaderSize+8:], mapped(1, 0)) }, layer.ErrCorrupt, "block 1 lies in block"},
		"array size":    {func(c *testCache) { c.blocks[1][12] = 4 }, layer.ErrCorrupt, "array block of 4 values of 4 bytes"},
		"array short":   {func(c *testCache) { c.blocks[1][8] = 3 }, layer.ErrCorrupt, "array block of 3 values"},
		"array number":  {func(c *testCache) { c.blocks[1][16] = 3 }, layer.ErrCorrupt, "says that it is 3"},
		"array missing": {func(c *testCache) { c.blocks[c.mapping][16] = 0 }, layer.ErrCorrupt, "the array has no block 0"},
		"dirty root":    {func(c *testCache) { c.super[284] = 200 }, layer.ErrCorrupt, "metadata block 200: the volume has 32"},
	} {
		c2 := newTestCache(2, true, []uint64{mapped(1, 0), 0, 0, 0}, 0b11)
		c.change(c2)
		fsys := mustOpen(t, c2.pv("writeback", "a"))
		_, err := fsys.ReadFile("vg/pooled")
		require.ErrorIs(t, err, c.kind, name)
		require.ErrorContains(t, err, c.text, name)
		reads(t, fsys, "corig", cacheView(nil))
	}
	c := newTestCache(2, true, []uint64{0, 0, 0, 0}, 0)
	c.super[4] |= cacheNeedsCheck
	require.ErrorContains(t, mustOpen(t, c.pv("writeback", "a")).Warnings()[0], "asks for cache_check")
}

func TestCacheText(t *testing.T) {
	for text, want := range map[string]string{
		`chunk_size = 64`:             `chunk_size = 1|cache chunks of 512 bytes`,
		`data = "cdata"`:              `dat = "x"|cache pool "pool": no string "data"`,
		`cache_mode = "writeback"`:    `cache_mode = "other"|cache mode "other"`,
		`origin = "corig"`:            `origin = "gone"|lies on "gone"`,
		`cache_pool = "pool"`:         `cache_pool = "corig"|"corig" is no cache pool`,
		`metadata = "cmeta"`:          `metadata = "gone"|lies on "gone"`,
		"type = \"cache-pool\"\ndata": "type = \"cache-pool\"\nstart_extent2 = 1\ndata2|no string \"data\"",
	} {
		with, says, _ := strings.Cut(want, "|")
		pv := newTestCache(2, true, []uint64{0, 0, 0, 0}, 0).pv("writeback", "a")
		label, err := readLabel(pv)
		require.NoError(t, err)
		old, _, err := readText(pv, label.MetadataAreas[0])
		require.NoError(t, err)
		require.Contains(t, string(old), text)
		_, err = mustOpen(t, onePV('a', strings.ReplaceAll(string(old), text, with)).pv()).Open("vg/pooled")
		require.ErrorContains(t, err, says, with)
	}
}
