package ntfs

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"path"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
	"github.com/vmdkfs/vmdkfs/layer"
)

func isKind(err, kind error) bool { return errors.Is(err, kind) }

// TestFS runs Go's own test of file systems.
func TestFS(t *testing.T) {
	for _, name := range []string{"c512", "c4096", "c2m", "s4096", "streams"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var files []string
			for _, l := range manifest(t, name) {
				if l.Path != "." {
					files = append(files, l.Path)
				}
			}
			require.NoError(t, fstest.TestFS(golden(t, name), files...))
		})
	}
}

// TestConcurrent reads one volume from many goroutines.
func TestConcurrent(t *testing.T) {
	f := golden(t, "fragmented")
	want := manifest(t, "fragmented")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for _, l := range want {
				if l.SHA256 == "" {
					continue
				}
				digest, err := sum(f, l.Path)
				assert.NoError(t, err)
				assert.Equal(t, l.SHA256, digest, l.Path)
			}
		})
	}
	wg.Wait()
}

// TestLookup finds names in any case, and in the very case first.
func TestLookup(t *testing.T) {
	f, exact := golden(t, "names"), golden(t, "names", CaseSensitive())
	inode := func(f *FS, name string) uint64 {
		info, err := f.Stat(name)
		if err != nil {
			require.ErrorIs(t, err, fs.ErrNotExist, name)
			return 0
		}
		return info.Sys().(*FileRecord).Number
	}
	var names []string
	byName := make(map[string]uint64)
	for _, l := range manifest(t, "names") {
		if path.Dir(l.Path) == "all" {
			names = append(names, l.Path)
			byName[l.Path] = l.Inode
		}
	}
	for _, name := range names {
		require.Equal(t, byName[name], inode(f, name), name)
		require.Equal(t, byName[name], inode(exact, name), name)
	}
	for _, c := range []struct{ name, folded string }{
		{"all/CON", "all/con"}, {"ALL/con", "all/con"}, {"all/CasE", "all/CASE"}, {"all/TAB\tname", "all/tab\tname"},
		{"all/Àé", "all/ÀÉ"}, {"all/\u2126", ""}, {"all/SS", "all/ss"},
	} {
		switch found := inode(f, c.name); c.folded {
		case "all/CASE", "all/ÀÉ": // one of several
			require.NotZero(t, found, c.name)
		default:
			require.Equal(t, byName[c.folded], found, c.name)
		}
		require.Zero(t, inode(exact, c.name), c.name)
	}
	for _, name := range []string{"all/nothing", `all/c\x6fn`, `all/\ud801`, `all/back\x5cslash`, `all/\xff`, "all/" + strings.Repeat("a", 256), "$mft:", "all/con:x"} {
		require.Zero(t, inode(f, name), name)
	}
}

// TestShortNames: a DOS name is found, and not listed beside the long one.
func TestShortNames(t *testing.T) {
	f := golden(t, "names")
	found := 0
	for _, l := range manifest(t, "names") {
		if l.DOSName == "" {
			continue
		}
		found++
		info, err := f.Stat(path.Join(path.Dir(l.Path), l.DOSName))
		require.NoError(t, err)
		require.Equal(t, l.Inode, info.Sys().(*FileRecord).Number)
	}
	require.Positive(t, found)
}

// TestMetadataFiles: they are hidden, and open by their names.
func TestMetadataFiles(t *testing.T) {
	f := golden(t, "c4096")
	list, err := f.ReadDir(".")
	require.NoError(t, err)
	for _, e := range list {
		require.False(t, strings.HasPrefix(e.Name(), "$"), e.Name())
	}
	for _, name := range []string{"$MFT", "$mftmirr", "$LogFile", "$Volume", "$AttrDef", "$Bitmap", "$Boot", "$UpCase", "$Secure:$SDS", "$MFT::$DATA", "$Extend/$Quota", "$BadClus:$Bad"} {
		info, err := f.Stat(name)
		if !assert.NoError(t, err, name) || info.Size() > 1<<20 {
			continue
		}
		data, err := f.ReadFile(name)
		require.NoError(t, err, name)
		require.Len(t, data, int(info.Size()), name)
	}
	upcase, err := f.ReadFile("$UpCase")
	require.NoError(t, err)
	require.Equal(t, testimg.Load(t, "ntfs/upcase.gz"), upcase)
	_, err = f.Stat(".:nothing")
	require.ErrorIs(t, err, fs.ErrNotExist)
}

// TestOptional opens streams in the forms that Windows knows.
func TestStreamForms(t *testing.T) {
	image := win01(t)
	f, err := Open(bytes.NewReader(image), int64(len(image)))
	require.NoError(t, err)
	want, err := f.ReadFile("Users/alice/plain.txt:origin")
	require.NoError(t, err)
	require.NotEmpty(t, want)
	for _, name := range []string{"Users/alice/plain.txt:origin:$DATA", "users/ALICE/Plain.txt:ORIGIN"} {
		got, err := f.ReadFile(name)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	whole, err := f.ReadFile("Users/alice/plain.txt")
	require.NoError(t, err)
	same, err := f.ReadFile("Users/alice/plain.txt::$DATA")
	require.NoError(t, err)
	require.Equal(t, whole, same)
	for _, name := range []string{"Users/alice/plain.txt:other", "Users/alice:origin", "Users::$DATA", "Users/nobody:origin"} {
		_, err := f.Stat(name)
		require.ErrorIs(t, err, fs.ErrNotExist, name)
	}
	info, err := f.Stat("Users/alice/plain.txt:origin")
	require.NoError(t, err)
	require.Equal(t, "origin", info.Sys().(*Stream).Name)
	require.EqualValues(t, len(want), info.Size())
	require.True(t, info.Mode().IsRegular())
	require.False(t, info.ModTime().IsZero())
}

// A failing source fails at the nth read, and from then on.
type failing struct {
	io.ReaderAt
	mu   sync.Mutex
	left int
}

func (f *failing) ReadAt(p []byte, off int64) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.left--; f.left < 0 {
		return 0, iotest.ErrTimeout
	}
	return f.ReaderAt.ReadAt(p, off)
}

// TestFailingSource: an error of the source is told as such, wherever it is met.
func TestFailingSource(t *testing.T) {
	image := image(t, "c4096")
	failed, reads := 0, 40
	if testing.Short() {
		reads = 10
	}
	for n := range reads {
		f, err := Open(&failing{ReaderAt: bytes.NewReader(image), left: n}, int64(len(image)))
		failures := 0
		check := func(err error) {
			if err != nil {
				failures++
				require.ErrorIs(t, err, iotest.ErrTimeout)
				require.False(t, errors.Is(err, layer.ErrCorrupt), err)
			}
		}
		check(err)
		if err != nil {
			failed++
			continue
		}
		err = fs.WalkDir(f, ".", func(name string, e fs.DirEntry, err error) error {
			check(err)
			if err == nil && e.Type().IsRegular() {
				_, err := f.ReadFile(name)
				check(err)
			}
			return nil
		})
		require.NoError(t, err)
		if failures > 0 {
			failed++
		}
	}
	require.Greater(t, failed, reads/2)
}

// TestTruncated: what lies behind the end of a short copy is missing, and not
// corrupt; the rest is read.
func TestTruncated(t *testing.T) {
	image := image(t, "c4096")
	size := int64(len(image)) / 4 * 3
	f, err := Open(bytes.NewReader(image[:size]), size)
	require.NoError(t, err)
	require.NotEmpty(t, f.Warnings())
	read, missing := 0, 0
	for _, l := range manifest(t, "c4096") {
		if l.SHA256 == "" {
			continue
		}
		digest, err := sum(f, l.Path)
		if err != nil {
			require.ErrorIs(t, err, layer.ErrIncomplete)
			missing++
			continue
		}
		require.Equal(t, l.SHA256, digest)
		read++
	}
	require.Positive(t, read)
	t.Log(read, "read,", missing, "missing")
}
