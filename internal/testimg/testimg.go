// Package testimg gives tests the golden images of testdata, and compares file
// systems with the manifests that foreign tools wrote.
package testimg

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// Path returns the path of a file in testdata.
func Path(tb testing.TB, name string) string {
	tb.Helper()
	_, here, _, ok := runtime.Caller(0)
	if !ok {
		tb.Fatal("no caller")
	}
	return filepath.Join(filepath.Dir(here), "..", "..", "testdata", filepath.FromSlash(name))
}

// Load returns the content of a file in testdata, decompressed when its name
// ends in .gz.
func Load(tb testing.TB, name string) []byte {
	tb.Helper()
	raw, err := os.ReadFile(Path(tb, name))
	if err != nil {
		tb.Fatal(err)
	}
	if filepath.Ext(name) != ".gz" {
		return raw
	}
	z, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		tb.Fatal(err)
	}
	data, err := io.ReadAll(z)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

// Names returns the names of the files in testdata that match a pattern of
// path.Match; at least one must.
func Names(tb testing.TB, pattern string) []string {
	tb.Helper()
	root := Path(tb, ".")
	paths, err := filepath.Glob(filepath.Join(root, pattern))
	if err != nil || len(paths) == 0 {
		tb.Fatalf("%s: nothing in testdata: %v", pattern, err)
	}
	for i, p := range paths {
		if paths[i], err = filepath.Rel(root, p); err != nil {
			tb.Fatal(err)
		}
		paths[i] = filepath.ToSlash(paths[i])
	}
	return paths
}
