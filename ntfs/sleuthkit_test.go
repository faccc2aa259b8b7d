package ntfs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// bodyLine is a line of fls -m for the data of a file: its name, with that of a
// stream behind a colon, the address of the attribute, size and times.
var bodyLine = regexp.MustCompile(`^0\|/(.*)\|((\d+)-128-\d+)\|r/r[^|]*\|\d+\|\d+\|(\d+)\|(\d+)\|(\d+)\|(\d+)\|(\d+)$`)

// TestSleuthKit compares what fls lists of golden images, and what icat reads,
// with what we do: every file and stream, their records, sizes, times, content.
func TestSleuthKit(t *testing.T) {
	fls, icat := tool(t, "fls"), tool(t, "icat")
	for _, name := range []string{"c4096", "s4096", "streams", "fragmented", "lznt1", "lznt1-512"} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "volume.img")
			require.NoError(t, os.WriteFile(file, image(t, name), 0o600))
			out, err := exec.Command(fls, "-r", "-p", "-m", "/", file).Output()
			require.NoError(t, err)
			f := golden(t, name)
			seen := make(map[string]bool)
			for _, text := range strings.Split(string(out), "\n") {
				m := bodyLine.FindStringSubmatch(text)
				if m == nil || strings.HasPrefix(m[1], "$") || strings.HasSuffix(m[1], " (deleted)") || strings.HasSuffix(m[1], "(deleted-realloc)") {
					continue // directories, metadata files, what was deleted
				}
				p, address := m[1], m[2]
				seen[p] = true
				info, err := f.Stat(p)
				if name == "fragmented" && errors.Is(err, fs.ErrNotExist) {
					continue // it takes blocks that the index's bitmap says are free
				}
				require.NoError(t, err)
				r, ok := info.Sys().(*FileRecord)
				if !ok {
					r = info.Sys().(*Stream).File
				}
				if strings.HasPrefix(p, "times/") {
					continue // of 1601 and of after 2038, which it wraps
				}
				got := fmt.Sprint(r.Number, info.Size(), r.Accessed.Unix(), r.Modified.Unix(), r.Changed.Unix(), r.Created.Unix())
				require.Equal(t, strings.Join(m[3:], " "), got, p)
				if n, _ := strconv.ParseInt(m[4], 10, 64); n > 4<<20 {
					continue
				}
				want, err := exec.Command(icat, file, address).Output()
				require.NoError(t, err, p)
				data, err := f.ReadFile(p)
				require.NoError(t, err, p)
				require.True(t, string(want) == string(data), p)
			}
			require.NoError(t, fs.WalkDir(f, ".", func(p string, d fs.DirEntry, err error) error {
				if err == nil && d.Type().IsRegular() && !seen[p] {
					t.Errorf("fls does not list %q", p)
				}
				return err
			}))
			require.NotEmpty(t, seen)
		})
	}
}
