package vmdk

import (
	"bytes"
	"errors"
	"io/fs"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/layer"
)

// A counted counts the reads of each file, and fails one of them.
type counted struct {
	fstest.MapFS
	mu    sync.Mutex
	reads map[string]int
	total int
	fail  int // which of all reads fails, from 1; 0 for none
}

func (c *counted) fs() fs.FS {
	c.reads = make(map[string]int)
	return &watched{FS: c.MapFS, at: func(p []byte, off int64, name string) (int, error) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.reads[name]++
		if c.total++; c.total == c.fail {
			return 0, errBroken
		}
		return bytes.NewReader(c.MapFS[name].Data).ReadAt(p, off)
	}}
}

// TestReadsOfAChain: once the tables are known, a read through eight disks
// costs one read of each file for each run that lies in it, and nothing more.
func TestReadsOfAChain(t *testing.T) {
	c := &counted{MapFS: sparseFS(t)}
	file := content(t, mustOpen(t, c.fs(), "chain7.vmdk"))
	buf := make([]byte, file.Size())
	clear(c.reads)
	_, err := file.ReadAt(buf[:512], 1<<20)
	require.NoError(t, err)
	for name, n := range c.reads {
		require.LessOrEqual(t, n, 2, name) // one piece of tables, and the data
	}
	_, err = file.ReadAt(buf, 0)
	require.NoError(t, err)

	names := make(map[int]string) // of the sources
	for i, link := range mustOpen(t, c.MapFS, "chain7.vmdk").Chain() {
		names[i] = link.Name
	}
	want := make(map[string]int)
	for e, err := range file.Extents() {
		require.NoError(t, err)
		want[names[e.Source]]++
	}
	require.Len(t, want, 8)
	clear(c.reads)
	_, err = file.ReadAt(buf, 0)
	require.NoError(t, err)
	require.Equal(t, want, c.reads)
	clear(c.reads)
	_, err = file.ReadAt(buf[:65536], 65536)
	require.NoError(t, err)
	require.Equal(t, map[string]int{"chain1.vmdk": 1}, c.reads)
}

// TestReadsOfAStream: grains that lie together are one read.
func TestReadsOfAStream(t *testing.T) {
	c := &counted{MapFS: sparseFS(t)}
	file := content(t, mustOpen(t, c.fs(), "ovf-grain8.vmdk"))
	buf := make([]byte, 64<<10) // of the first text: 16 grains
	_, err := file.ReadAt(buf, 0)
	require.NoError(t, err)
	clear(c.reads)
	_, err = file.ReadAt(buf, 0)
	require.NoError(t, err)
	require.Equal(t, 1, c.reads["ovf-grain8.vmdk"])
	clear(c.reads)
	for range 10 { // a part of a grain is decompressed once
		_, err = file.ReadAt(buf[:100], 500)
		require.NoError(t, err)
	}
	require.Equal(t, 1, c.reads["ovf-grain8.vmdk"])
}

// TestFailingReads: an error of a file is told as that, whichever read it
// hits, and is not remembered.
func TestFailingReads(t *testing.T) {
	for _, name := range []string{"tables16.vmdk", "ovf.vmdk", "base-000002.vmdk", "over.vmdk", "streamOptimized.vmdk"} {
		want := whole(t, sparseFS(t), name)
		for n := 1; ; n++ {
			c := &counted{MapFS: sparseFS(t), fail: n}
			f, err := Open(c.fs(), name)
			if err != nil {
				require.ErrorIs(t, err, errBroken)
				require.False(t, errors.Is(err, layer.ErrCorrupt) || errors.Is(err, layer.ErrFormat), err)
				continue
			}
			got := make([]byte, len(want))
			_, err = content(t, f).ReadAt(got, 0)
			if err != nil {
				require.ErrorIs(t, err, errBroken, n)
				require.NotErrorIs(t, err, layer.ErrCorrupt)
				_, err = content(t, f).ReadAt(got, 0)
			}
			require.NoError(t, err)
			require.True(t, bytes.Equal(want, got))
			if c.total < n {
				require.Greater(t, n, 4)
				break
			}
		}
	}
}

// TestLargeDisk: opening a disk of 2 TiB reads a header and a descriptor, and
// a read of it one piece of the directory and one of the tables, of each copy.
func TestLargeDisk(t *testing.T) {
	large := newLarge()
	f := mustOpen(t, large, "large.vmdk")
	file := content(t, f)
	require.Equal(t, int64(largeSectors*512), file.Size())
	require.LessOrEqual(t, large.reads.Load(), int64(3))
	buf := make([]byte, 1<<20)
	for _, off := range []int64{0, 1 << 40, largeSectors*512 - 1<<20} {
		before := large.reads.Load()
		_, err := file.ReadAt(buf, off)
		require.NoError(t, err)
		require.LessOrEqual(t, large.reads.Load()-before, int64(5))
		require.Equal(t, large.grain(off/65536), string(buf[:16]), off)
		require.Equal(t, large.grain(off/65536+15), string(buf[15*65536:][:16]), off)
	}
	require.True(t, strings.HasPrefix(string(buf), "grain"))
	require.Empty(t, f.Warnings())
}
