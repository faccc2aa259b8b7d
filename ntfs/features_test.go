package ntfs

import (
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestFeatures: the golden images have what NTFS allows and few volumes have.
// Each file is compared with what ntfs-3g reads of it, is in its directory's
// listing, once, and is found by its path.
func TestFeatures(t *testing.T) {
	others := manifest(t, "names")
	half := regexp.MustCompile(`\\u[dD][89a-fA-F]`)
	names := func(l line, f *FS) []Name {
		info, err := f.Lstat(l.Path)
		require.NoError(t, err)
		list, err := info.Sys().(*FileRecord).Names()
		require.NoError(t, err)
		return list
	}
	inNamespace := func(space string) func(line, *FS) bool {
		return func(l line, f *FS) bool {
			return slices.ContainsFunc(names(l, f), func(n Name) bool { return n.Namespace == space })
		}
	}
	isA := func(kind string) func(line, *FS) bool { return func(l line, _ *FS) bool { return l.Type == kind } }
	for _, c := range []struct {
		feature, image string
		files          int
		has            func(l line, f *FS) bool
	}{
		{"half a surrogate pair in a name", "names", 5, func(l line, _ *FS) bool { return half.MatchString(l.Path) }},
		{"a name of 255 units", "names", 3, func(l line, _ *FS) bool {
			units, ok := storedName(path.Base(l.Path))
			return ok && len(units) == 255
		}},
		{"a name of POSIX", "names", 130, inNamespace("POSIX")},
		{"names that differ by case", "names", 23, func(l line, _ *FS) bool {
			return slices.ContainsFunc(others, func(o line) bool { return o.Path != l.Path && strings.EqualFold(o.Path, l.Path) })
		}},
		{"a short name beside the long one", "names", 7, inNamespace("DOS")},
		{"several hard links", "names", 63, func(l line, _ *FS) bool {
			return slices.ContainsFunc(others, func(o line) bool { return o.Path != l.Path && o.Inode == l.Inode })
		}},
		{"streams of a directory", "streams", 2, func(l line, _ *FS) bool { return l.Type == "dir" && len(l.Streams) > 0 }},
		{"an initialized size below the size", "sparse", 3, func(l line, _ *FS) bool { return strings.HasPrefix(l.Path, "initialized") }},
		{"a symbolic link of WSL", "wsl", 3, isA("symlink")},
		{"a fifo of WSL", "wsl", 1, isA("fifo")},
		{"a socket of WSL", "wsl", 1, isA("socket")},
		{"a character device of WSL", "wsl", 1, isA("char")},
		{"a block device of WSL", "wsl", 1, isA("block")},
		{"a symbolic link of Interix", "interix", 3, isA("symlink")},
		{"a fifo of Interix", "interix", 1, isA("fifo")},
		{"a socket of Interix", "interix", 1, isA("socket")},
		{"a character device of Interix", "interix", 1, isA("char")},
		{"a block device of Interix", "interix", 1, isA("block")},
	} {
		t.Run(c.feature, func(t *testing.T) {
			f := golden(t, c.image)
			files := 0
			for _, l := range manifest(t, c.image) {
				if l.Path != "." && !c.has(l, f) || l.Path == "." && len(l.Streams) == 0 {
					continue
				}
				files++
				compare(t, f, l)
				if l.Path == "." {
					continue
				}
				list, err := f.ReadDir(path.Dir(l.Path))
				require.NoError(t, err)
				listed := make(map[string]int)
				for _, e := range list {
					listed[e.Name()]++
				}
				require.Equal(t, 1, listed[path.Base(l.Path)], l.Path)
				known := false
				for _, n := range names(l, f) {
					known = known || n.Name == path.Base(l.Path)
					if n.Namespace == "DOS" {
						require.Zero(t, listed[n.Name], l.Path)
					}
				}
				require.True(t, known, l.Path)
			}
			require.Equal(t, c.files, files)
		})
	}
}
