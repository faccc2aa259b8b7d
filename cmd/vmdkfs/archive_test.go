package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
)

// An archive of a volume has every file of it, whatever its compression.
func TestTar(t *testing.T) {
	want := make(map[string]string)
	for path, f := range testimg.Manifest(t, "web01/home.manifest.jsonl.gz") {
		if f.Type == "file" {
			want[path] = f.SHA256
		}
	}
	for _, test := range []struct {
		name   string
		unpack func(io.Reader) (io.Reader, error)
	}{
		{"a.tar", func(r io.Reader) (io.Reader, error) { return r, nil }},
		{"a.tar.gz", func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }},
		{"a.TGZ", func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }},
		{"a.tar.zst", func(r io.Reader) (io.Reader, error) { return zstd.NewReader(r) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, test.name)
			require.Equal(t, result{}, invoke(t, "--quiet", "tar", "-o", file, web01(t), "vg_root/home"))
			packed, err := os.ReadFile(file)
			require.NoError(t, err)
			r, err := test.unpack(bytes.NewReader(packed))
			require.NoError(t, err)
			require.Equal(t, want, sums(t, tar.NewReader(r)))
			entries, err := os.ReadDir(dir)
			require.NoError(t, err)
			require.Len(t, entries, 1)
		})
	}
	r := invoke(t, "tar", "-o", "-", web01(t), hostname)
	require.Equal(t, 0, r.status, r.err)
	require.Len(t, sums(t, tar.NewReader(bytes.NewReader([]byte(r.out)))), 1)
}

// sums returns the hashes of the files in an archive, those of hard links too.
func sums(t *testing.T, r *tar.Reader) map[string]string {
	t.Helper()
	files := make(map[string]string)
	for {
		h, err := r.Next()
		if err == io.EOF {
			return files
		}
		require.NoError(t, err)
		switch h.Typeflag {
		case tar.TypeReg:
			sum := sha256.New()
			_, err := io.Copy(sum, r)
			require.NoError(t, err)
			files[h.Name] = hex.EncodeToString(sum.Sum(nil))
		case tar.TypeLink:
			require.Contains(t, files, h.Linkname)
			files[h.Name] = files[h.Linkname]
		}
	}
}

func TestZip(t *testing.T) {
	for _, args := range [][]string{{"zip"}, {"zip", "--stored"}} {
		r := invoke(t, append(args, "-o", "-", web01(t), "p1/grub", hostname)...)
		require.Equal(t, 0, r.status, r.err)
		z, err := zip.NewReader(bytes.NewReader([]byte(r.out)), int64(len(r.out)))
		require.NoError(t, err)
		want := invoke(t, "cat", web01(t), hostname)
		f, err := z.Open("hostname")
		require.NoError(t, err)
		got, err := io.ReadAll(f)
		require.NoError(t, err)
		require.Equal(t, want.out, string(got))
		_, err = z.Open("grub/grub.cfg")
		require.NoError(t, err)
	}
}
