package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
)

// TestRawFile: what cat writes to a file, with holes, is what it writes to a
// pipe, wherever in the file it begins and however the file was opened.
func TestRawFile(t *testing.T) {
	dir := lay(t, "vmdk/zero.vmdk", "vmdk/parts-f001.vmdk", "vmdk/parts f002.vmdk")
	images := []string{filepath.Join(dir, "zero.vmdk"), web01(t)}
	for _, name := range []string{"ovf", "tables16", "monolithicSparse"} {
		images = append(images, unpacked(t, "vmdk/sparse/"+name+".vmdk.gz"))
	}
	for _, image := range images {
		want := invoke(t, "cat", "--raw", image)
		require.Equal(t, 0, want.status, want.err)
		for _, flags := range []int{0, os.O_APPEND} {
			f, err := os.OpenFile(filepath.Join(t.TempDir(), "raw"), os.O_RDWR|os.O_CREATE|flags, 0o600)
			require.NoError(t, err)
			defer f.Close()
			_, err = f.WriteString("before\n")
			require.NoError(t, err)
			var failures bytes.Buffer
			for range 2 {
				require.Equal(t, 0, run(t.Context(), []string{"cat", "--raw", image}, f, &failures), failures.String())
			}
			_, err = f.WriteString("behind\n")
			require.NoError(t, err)
			got, err := os.ReadFile(f.Name())
			require.NoError(t, err)
			require.True(t, "before\n"+want.out+want.out+"behind\n" == string(got), image)
		}
	}
}

// TestSparseInTheMiddle: nothing of a file that is written over is left where
// zeros belong.
func TestSparseInTheMiddle(t *testing.T) {
	image := unpacked(t, "vmdk/sparse/ovf.vmdk.gz")
	f, err := os.Create(filepath.Join(t.TempDir(), "raw"))
	require.NoError(t, err)
	defer f.Close()
	_, err = f.Write(bytes.Repeat([]byte{0xee}, 4<<20))
	require.NoError(t, err)
	_, err = f.Seek(0, io.SeekStart)
	require.NoError(t, err)
	require.Equal(t, 0, run(t.Context(), []string{"cat", "--raw", image}, f, io.Discard))
	got, err := os.ReadFile(f.Name())
	require.NoError(t, err)
	want := invoke(t, "cat", "--raw", image).out
	require.True(t, want == string(got[:len(want)]))
	require.Len(t, got, 4<<20)
}

// TestSparseFails: a file that cannot be written is told of as one.
func TestSparseFails(t *testing.T) {
	name := filepath.Join(t.TempDir(), "raw")
	require.NoError(t, os.WriteFile(name, nil, 0o600))
	f, err := os.Open(name) // to be read only
	require.NoError(t, err)
	defer f.Close()
	for _, image := range []string{web01(t), unpacked(t, "vmdk/sparse/ovf.vmdk.gz")} {
		var failures bytes.Buffer
		require.Equal(t, exitFailed, run(t.Context(), []string{"cat", "--raw", image}, f, &failures))
		require.Contains(t, failures.String(), "standard output")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w, err := os.OpenFile(name, os.O_RDWR, 0)
	require.NoError(t, err)
	defer w.Close()
	var failures bytes.Buffer
	require.Equal(t, exitFailed, run(ctx, []string{"cat", "--raw", web01(t)}, w, &failures))
	require.Contains(t, failures.String(), "interrupted")
}

func TestZeros(t *testing.T) {
	p := append(make([]byte, 2*sparseBlock), bytes.Repeat([]byte{1}, 10)...)
	require.Equal(t, 2*sparseBlock, zeros(p))
	require.Equal(t, sparseBlock, zeros(p[1:]))
	require.Zero(t, zeros(p[2*sparseBlock-5:]))
	require.Equal(t, 5, zeros(p[:5]))
	require.Zero(t, zeros(nil))
}

// TestRawOfDamage: what comes before damage is written.
func TestRawOfDamage(t *testing.T) {
	data := testimg.Load(t, "vmdk/sparse/monolithicSparse.vmdk.gz")
	name := filepath.Join(t.TempDir(), "cut.vmdk")
	require.NoError(t, os.WriteFile(name, data[:len(data)-65536+512], 0o600))
	f, err := os.Create(filepath.Join(t.TempDir(), "raw"))
	require.NoError(t, err)
	defer f.Close()
	var failures bytes.Buffer
	require.Equal(t, exitFailed, run(t.Context(), []string{"cat", "--raw", name}, f, &failures))
	require.Contains(t, failures.String(), "behind the end of the file")
	got, err := os.ReadFile(f.Name())
	require.NoError(t, err)
	r := invoke(t, "cat", "--raw", name)
	require.Equal(t, exitFailed, r.status)
	require.True(t, r.out == string(got))
	whole := invoke(t, "cat", "--raw", unpacked(t, "vmdk/sparse/monolithicSparse.vmdk.gz")).out
	require.Less(t, len(got), len(whole))
	require.Greater(t, len(got), len(whole)-70000) // the last grain
	require.Equal(t, whole[:len(got)], string(got))
}
