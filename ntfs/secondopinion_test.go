package ntfs

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// tool skips the test when a program is not installed.
func tool(t *testing.T, name string) string {
	t.Helper()
	p, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed", name)
	}
	return p
}

// TestNTFSInfo compares the facts of every golden image, and the flags of its
// state, with those of ntfsinfo.
func TestNTFSInfo(t *testing.T) {
	ntfsinfo := tool(t, "ntfsinfo")
	for _, name := range goldenNames(t) {
		if name == "bad-boot" || name == "bad-mft" {
			continue // ntfsinfo reads no copies
		}
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "volume.img")
			require.NoError(t, os.WriteFile(file, image(t, name), 0o600))
			out, err := exec.Command(ntfsinfo, "-f", "-m", file).Output()
			require.NoError(t, err)
			fact := func(pattern string) string {
				m := regexp.MustCompile(`(?m)^\s*` + pattern).FindSubmatch(out)
				require.NotNil(t, m, "%s in\n%s", pattern, out)
				return string(m[1])
			}
			number := func(pattern string) int64 {
				n, err := strconv.ParseInt(fact(pattern), 0, 64)
				require.NoError(t, err)
				return n
			}
			f := golden(t, name)
			got, err := f.Info()
			require.NoError(t, err)
			want := Info{Label: fact(`Volume Name: (.*)`), Version: fact(`Volume Version: (\S+)`), SectorSize: number(`Sector Size: (\d+)`),
				ClusterSize: number(`Cluster Size: (\d+)`), RecordSize: number(`MFT Record Size: (\d+)`),
				Clusters: number(`Volume Size in Clusters: (\d+)`), FreeClusters: number(`Free Clusters: (\d+)`),
				Serial: got.Serial, FullSerial: got.FullSerial, Size: got.Size, Records: got.Records} // it does not tell these
			require.Equal(t, want, got)
			s, err := f.State()
			require.NoError(t, err)
			require.Equal(t, fact(`Volume Flags: (0x[0-9a-fA-F]{4})`), fmt.Sprintf("0x%04x", s.Flags))
		})
	}
}

// Test7z compares the content of compressed files with what 7z unpacks: it
// opens other golden images not at all, or gives more than what is in them.
func Test7z(t *testing.T) {
	program := tool(t, "7z")
	for _, name := range []string{"lznt1", "lznt1-512"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			file := filepath.Join(dir, "volume.img")
			require.NoError(t, os.WriteFile(file, image(t, name), 0o600))
			out, err := exec.Command(program, "x", "-bd", "-o"+filepath.Join(dir, "tree"), file).CombinedOutput()
			require.NoError(t, err, "%s", out)
			f := golden(t, name)
			files := 0
			require.NoError(t, fs.WalkDir(f, ".", func(p string, d fs.DirEntry, err error) error {
				if err != nil || !d.Type().IsRegular() {
					return err
				}
				got, err := f.ReadFile(p)
				require.NoError(t, err)
				want, err := os.ReadFile(filepath.Join(dir, "tree", filepath.FromSlash(p)))
				require.NoError(t, err)
				require.True(t, string(want) == string(got), p)
				files++
				return nil
			}))
			require.Greater(t, files, 20)
		})
	}
}
