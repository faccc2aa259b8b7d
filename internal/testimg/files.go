package testimg

import (
	"archive/tar"
	"bytes"
	"io"
	"path"
	"strings"
	"testing"
	"testing/fstest"
)

// Files returns a file system with the named files of testdata, under their
// base names and decompressed. What ends in .tar or .tar.gz is unpacked.
func Files(tb testing.TB, names ...string) fstest.MapFS {
	tb.Helper()
	fsys := make(fstest.MapFS)
	for _, name := range names {
		data := Load(tb, name)
		base := strings.TrimSuffix(path.Base(name), ".gz")
		if path.Ext(base) != ".tar" {
			fsys[base] = &fstest.MapFile{Data: data}
			continue
		}
		for t := tar.NewReader(bytes.NewReader(data)); ; {
			h, err := t.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				tb.Fatal(err)
			}
			content, err := io.ReadAll(t)
			if err != nil {
				tb.Fatal(err)
			}
			fsys[h.Name] = &fstest.MapFile{Data: content, ModTime: h.ModTime}
		}
	}
	return fsys
}

// Sums returns the SHA-256 sums that a file of testdata lists, by name.
func Sums(tb testing.TB, name string) map[string]string {
	tb.Helper()
	sums := make(map[string]string)
	for line := range strings.Lines(string(Load(tb, name))) {
		sum, of, ok := strings.Cut(strings.TrimSpace(line), "  ")
		if !ok {
			tb.Fatalf("%s: %q", name, line)
		}
		sums[of] = sum
	}
	return sums
}
