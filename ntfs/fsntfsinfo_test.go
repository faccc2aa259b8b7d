package ntfs

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestFSNTFSInfo compares the names and streams that fsntfsinfo lists of golden
// images with what we list, metadata files left out. Of a directory whose clusters
// have another size than its index blocks it lists nothing.
func TestFSNTFSInfo(t *testing.T) {
	program := tool(t, "fsntfsinfo")
	for _, name := range []string{"c4096", "s4096", "lznt1"} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "volume.img")
			require.NoError(t, os.WriteFile(file, image(t, name), 0o600))
			out, err := exec.Command(program, "-H", file).Output()
			require.NoError(t, err)
			var want []string
			for text := range strings.Lines(string(out)) {
				if p, ok := strings.CutPrefix(text, `\`); ok && p[0] != '$' && p[0] != ':' {
					want = append(want, strings.ReplaceAll(strings.TrimSuffix(p, "\n"), `\`, "/"))
				}
			}
			var got []string
			require.NoError(t, fs.WalkDir(golden(t, name), ".", func(p string, d fs.DirEntry, err error) error {
				if err != nil || p == "." {
					return err
				}
				info, err := d.Info()
				require.NoError(t, err)
				got = append(got, p)
				streams, err := info.Sys().(*FileRecord).Streams()
				for _, s := range streams {
					got = append(got, p+":"+s.Name)
				}
				return err
			}))
			slices.Sort(want)
			slices.Sort(got)
			require.Greater(t, len(got), 10)
			require.Equal(t, want, got)
		})
	}
}
