package testimg

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Datastore unpacks testdata/datastore into a new directory, with the times of
// its files, and returns it.
func Datastore(tb testing.TB) string {
	tb.Helper()
	root := tb.TempDir()
	for name, f := range Files(tb, "datastore/datastore.tar.gz") {
		file := filepath.Join(root, filepath.FromSlash(name))
		if strings.HasSuffix(name, "/") {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			tb.Fatal(err)
		}
		if err := os.WriteFile(file, f.Data, 0o600); err != nil {
			tb.Fatal(err)
		}
		if err := os.Chtimes(file, f.ModTime, f.ModTime); err != nil {
			tb.Fatal(err)
		}
	}
	return root
}
