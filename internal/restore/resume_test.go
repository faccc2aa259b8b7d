package restore

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/layer"
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
