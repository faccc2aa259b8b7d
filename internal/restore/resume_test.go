package restore

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/layer"
	"github.com/vmdkfs/vmdkfs/vmdk"
)

// A restore that is interrupted leaves no file that is not complete, and goes
// on where it stopped.
func TestResume(t *testing.T) {
	for _, verify := range []bool{false, true} {
		from, dir := folder(t)
		to := root(t, t.TempDir())
		ctx, cancel := context.WithCancel(t.Context())
		results, failures := do(t, ctx, from, to, ".", "", Options{Verify: verify, Progress: func(done, _ int64) {
			if done > diskSize {
				cancel()
			}
		}})
		require.Equal(t, []error{context.Canceled}, failures)
		require.NotContains(t, names(t, to), "web.vmx")
		parts := 0
		for _, name := range names(t, to) {
			if strings.HasSuffix(name, ".vmdkfs-part") {
				parts++
			} else {
				same(t, from, to, name)
			}
		}
		require.Equal(t, len(names(t, to)), parts+len(results))
		require.Positive(t, parts+len(results))

		_, failures = do(t, t.Context(), from, to, ".", "", Options{})
		require.ErrorIs(t, failures[0], fs.ErrExist)
		results, failures = do(t, t.Context(), from, to, ".", "", Options{Resume: true, Verify: verify})
		require.Empty(t, failures)
		require.Len(t, results, 11)
		require.Len(t, names(t, to), 11)
		same(t, from, to, names(t, to)...)

		// All is complete, and what has changed meanwhile is noticed.
		results, failures = do(t, t.Context(), from, to, ".", "", Options{Resume: true})
		require.Empty(t, failures)
		for _, r := range results {
			require.True(t, r.Skipped, r.File)
		}
		info, err := to.Stat("web-f001.vmdk")
		require.NoError(t, err)
		f, err := to.OpenFile("web-f001.vmdk", os.O_RDWR, 0)
		require.NoError(t, err)
		_, err = f.WriteAt([]byte{1, 2, 3}, diskSize/2)
		require.NoError(t, err)
		require.NoError(t, f.Close())
		require.NoError(t, to.Chtimes("web-f001.vmdk", info.ModTime(), info.ModTime()))
		_, failures = do(t, t.Context(), from, to, ".", "", Options{Resume: true, Verify: true})
		require.Len(t, failures, 1)
		require.ErrorIs(t, failures[0], layer.ErrCorrupt)
		require.NoError(t, os.Chtimes(filepath.Join(dir, "web-f002.vmdk"), time.Time{}, info.ModTime().Add(time.Hour)))
		_, failures = do(t, t.Context(), from, to, ".", "", Options{Resume: true})
		require.ErrorContains(t, failures[0], "differs from the source")
	}
}

// A part counts for a source of its time only, and only up to where it goes.
func TestPart(t *testing.T) {
	for _, old := range []bool{false, true} {
		from, dir := folder(t)
		to := root(t, t.TempDir())
		info, err := from.Stat("web-f001.vmdk")
		require.NoError(t, err)
		data := bytes.Repeat([]byte("x"), 1<<20) // what the source has not, to see what is kept
		part := partName("web-f001.vmdk")
		require.NoError(t, to.WriteFile(part, data, 0o600))
		modified := info.ModTime()
		if old {
			modified = modified.Add(-time.Second)
		}
		require.NoError(t, to.Chtimes(part, modified, modified))
		_, failures := do(t, t.Context(), from, to, "web.vmdk", "", Options{Resume: true})
		require.Empty(t, failures)
		got, err := to.ReadFile("web-f001.vmdk")
		require.NoError(t, err)
		want, err := os.ReadFile(filepath.Join(dir, "web-f001.vmdk"))
		require.NoError(t, err)
		if !old {
			copy(want, data)
		}
		require.True(t, bytes.Equal(want, got))
	}
}

// What a run that was killed has left beside a complete file goes, and a part
// that it had no time to date begins anew.
func TestKilled(t *testing.T) {
	from, _ := folder(t)
	dir := t.TempDir()
	to := root(t, dir)
	_, failures := do(t, t.Context(), from, to, ".", "", Options{})
	require.Empty(t, failures)
	require.NoError(t, to.Link("web.nvram", partName("web.nvram")))
	require.NoError(t, to.Remove("web-f001.vmdk"))
	require.NoError(t, to.WriteFile(partName("web-f001.vmdk"), bytes.Repeat([]byte("x"), diskSize), 0o600))
	info, err := from.Stat("web-f002.vmdk")
	require.NoError(t, err)
	require.NoError(t, to.Remove("web-f002.vmdk"))
	require.NoError(t, to.WriteFile(partName("web-f002.vmdk"), nil, 0o600))
	require.NoError(t, to.Chtimes(partName("web-f002.vmdk"), info.ModTime(), info.ModTime()))
	results, failures := do(t, t.Context(), from, to, ".", "", Options{Resume: true})
	require.Empty(t, failures)
	require.Len(t, results, 11)
	require.Len(t, names(t, to), 11)
	same(t, from, to, names(t, to)...)
}

// A part can be written to until it is complete, and checked: who may not write
// to the source can go on all the same.
func TestReadOnlySource(t *testing.T) {
	from, dir := folder(t)
	require.NoError(t, os.Chmod(filepath.Join(dir, "web-f001.vmdk"), 0o444))
	to := root(t, t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	_, failures := do(t, ctx, from, to, "web-f001.vmdk", "", Options{Verify: true, Progress: func(done, total int64) {
		if done > total-bufferSize { // it is written, and being read back
			cancel()
		}
	}})
	require.Equal(t, []error{context.Canceled}, failures)
	info, err := to.Stat(partName("web-f001.vmdk"))
	require.NoError(t, err)
	require.Equal(t, int64(diskSize), info.Size())
	require.NotZero(t, info.Mode().Perm()&0o200)
	_, failures = do(t, t.Context(), from, to, "web-f001.vmdk", "", Options{Verify: true, Resume: true})
	require.Empty(t, failures)
	same(t, from, to, "web-f001.vmdk")
	info, err = to.Stat("web-f001.vmdk")
	require.NoError(t, err)
	require.Zero(t, info.Mode().Perm()&0o222)
}

// No source is replaced by its copy.
func TestOntoItself(t *testing.T) {
	from, dir := folder(t)
	before, err := from.Stat("web.vmdk")
	require.NoError(t, err)
	_, failures := do(t, t.Context(), from, root(t, dir), ".", "", Options{Overwrite: true})
	require.Len(t, failures, 12)
	require.ErrorIs(t, failures[0], fs.ErrExist)
	require.ErrorContains(t, failures[0], "it is the source")
	require.ErrorIs(t, failures[11], errNotBegun)
	after, err := from.Stat("web.vmdk")
	require.NoError(t, err)
	require.True(t, os.SameFile(before, after))
	require.Len(t, names(t, from), 12) // with the one that is not of the machine

	// Under another name it may lie beside it.
	_, failures = do(t, t.Context(), from, root(t, dir), "web.vmdk", "new", Options{})
	require.Empty(t, failures)
	d, err := vmdk.Open(from.FS(), "new.vmdk")
	require.NoError(t, err)
	require.NoError(t, d.Close())
}

// Two runs at a time: one that has lost its part to another neither gives that
// a name, nor dates or removes it.
func TestTwoRuns(t *testing.T) {
	for _, interrupted := range []bool{false, true} {
		from, _ := folder(t)
		to := root(t, t.TempDir())
		part := partName("web-f001.vmdk")
		ctx, cancel := context.WithCancel(t.Context())
		var once sync.Once
		results, failures := do(t, ctx, from, to, "web-f001.vmdk", "", Options{Progress: func(int64, int64) {
			once.Do(func() {
				require.NoError(t, to.Remove(part))
				require.NoError(t, to.WriteFile(part, []byte("of the other"), 0o600))
				if interrupted {
					cancel()
				}
			})
		}})
		cancel()
		require.Empty(t, results)
		require.Len(t, failures, 1)
		if interrupted {
			require.ErrorIs(t, failures[0], context.Canceled)
		} else {
			require.ErrorContains(t, failures[0], "another restore has begun it anew")
		}
		require.Equal(t, []string{part}, names(t, to))
		data, err := to.ReadFile(part)
		require.NoError(t, err)
		require.Equal(t, "of the other", string(data))
		source, err := from.Stat("web-f001.vmdk")
		require.NoError(t, err)
		other, err := to.Stat(part)
		require.NoError(t, err)
		require.False(t, source.ModTime().Equal(other.ModTime()))
	}
}

// A run does not write to the part that another has begun, or goes on with,
// since it looked.
func TestPartOfAnother(t *testing.T) {
	for _, resume := range []bool{false, true} {
		from, _ := folder(t)
		to := root(t, t.TempDir())
		part := partName("web-f001.vmdk")
		source, err := from.Stat("web-f001.vmdk")
		require.NoError(t, err)
		if resume {
			require.NoError(t, to.WriteFile(part, content(1)[:1<<20], 0o600))
			require.NoError(t, to.Chtimes(part, source.ModTime(), source.ModTime()))
		}
		plan, err := NewPlan(from.FS(), "web-f001.vmdk", "")
		require.NoError(t, err)
		var failures []error
		r := &run{from: from, to: to, stop: func(error) {}, opts: Options{Resume: resume, Fail: func(_ string, err error) { failures = append(failures, err) }}}
		require.NoError(t, r.prepare(plan))
		require.NoError(t, to.WriteFile(part, []byte("of the other"), 0o600))
		r.copyAll(t.Context(), func(*job) bool { return true })
		require.Len(t, failures, 1)
		require.ErrorContains(t, failures[0], "another restore")
		data, err := to.ReadFile(part)
		require.NoError(t, err)
		require.Equal(t, "of the other", string(data))
	}
}
