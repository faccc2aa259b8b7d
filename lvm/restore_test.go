package lvm

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/cache"
	"github.com/vmdkfs/vmdkfs/internal/extent"
)

// restored has a program make metadata of XML.
func restored(t *testing.T, name string, size int, from any, args ...string) *blocks {
	t.Helper()
	dir := t.TempDir()
	text, err := xml.Marshal(from)
	require.NoError(t, err)
	in, out := filepath.Join(dir, "xml"), filepath.Join(dir, "metadata")
	require.NoError(t, os.WriteFile(in, text, 0o600))
	require.NoError(t, os.WriteFile(out, make([]byte, size), 0o600))
	provisioning(t, name, append(args, "-i", in, "-o", out)...)
	data, err := os.ReadFile(out)
	require.NoError(t, err)
	return &blocks{object: name, cache: cache.New(bytes.NewReader(data), blockBudget), count: uint64(len(data) / blockSize)}
}

// straight is a data volume of one extent.
type straight struct{}

func (straight) Map(int64) (extent.Run, error) {
	return extent.Run{Length: math.MaxInt64}, nil
}

// TestThinRestore reads the metadata of pools with many chunks, as
// thin_restore makes it: trees of three levels.
func TestThinRestore(t *testing.T) {
	const count = 70000
	dump := thinDump{Transaction: 4, BlockSize: 128, Blocks: 3 * count}
	sparse, dense := thinDevice{ID: 1, Mapped: count}, thinDevice{ID: 1 << 20, Mapped: count, Transaction: 3}
	for i := uint64(0); i < count; i++ {
		sparse.Singles = append(sparse.Singles, thinMapping{Origin: i*2 + i%7/6, Data: i * 7919 % count})
	}
	for i := uint64(0); i < count; i += 100 {
		dense.Ranges = append(dense.Ranges, thinRange{Origin: i, Data: 2*count + (i*37)%count, Length: 100})
	}
	dump.Devices = []thinDevice{sparse, dense}
	m := restored(t, "thin_restore", 16<<20, dump)
	raw, err := m.read(0, thinSuperblockXOR, 8)
	require.NoError(t, err)
	super := (*thinSuperblock)(raw)
	pool := &thinPool{
		object: "pool", chunk: 64 << 10, chunks: dump.Blocks, metadata: m,
		data:        &layout{object: "data", parts: []part{{0, math.MaxInt64, straight{}}}},
		volumes:     newTree(m, super.dataMappingRoot(), 8),
		details:     newTree(m, super.deviceDetailsRoot(), thinDetailsSize),
		transaction: super.transID(), expected: dump.Transaction,
	}
	require.Equal(t, dump.Transaction, pool.transaction)
	mapping, err := pool.mapping(1, 0)
	require.NoError(t, err)
	levels, err := mapping.levels()
	require.NoError(t, err)
	require.Equal(t, 3, levels)

	want := sparse.chunks()
	v := &thinVolume{pool: pool, mapping: mapping}
	for chunk := uint64(0); chunk < 2*count+2; chunk++ {
		run, err := v.Map(int64(chunk) * pool.chunk)
		require.NoError(t, err)
		data, ok := want[chunk]
		if !ok {
			require.Equal(t, extent.Hole, run.Source, chunk)
			continue
		}
		require.Equal(t, int64(data)*pool.chunk, run.Physical+int64(chunk)*pool.chunk-run.Offset, chunk)
	}
	sameMapping(t, pool, dense)
}

// TestCacheRestore reads the metadata of a cache of many chunks, as
// cache_restore makes it in both formats: arrays of three levels.
func TestCacheRestore(t *testing.T) {
	const count = 200000
	dump := cacheDump{BlockSize: 64, Blocks: count, Policy: "smq", HintWidth: 4}
	for i := uint64(0); i < count; i++ {
		if i%5 != 0 {
			dump.Mappings = append(dump.Mappings, cacheMapping{i, i * 7919 % count, i%3 == 0})
		}
	}
	for version := 1; version <= 2; version++ {
		t.Run(fmt.Sprint("format ", version), func(t *testing.T) {
			m := restored(t, "cache_restore", 32<<20, dump, "--metadata-version", fmt.Sprint(version))
			c, err := openCache(m, 32<<10)
			require.NoError(t, err)
			require.EqualValues(t, version, c.super.version())
			require.True(t, c.clean())
			list, err := c.dirty(count)
			require.NoError(t, err)
			sortOverlays(list)
			require.Equal(t, dump.overlays(false), list)
		})
	}
}
