package ext3

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vmdkfs/vmdkfs/internal/testimg"
	"github.com/vmdkfs/vmdkfs/layer"
)

// refused are the golden images that are not read yet, with the feature that
// the refusal must name.
var refused = map[string]string{
	"ext4-journal-dev":       "external journal",
	"dirty-ext4-fast-commit": "fast commits",
}

// withoutManifest are those that the kernel shows in a way of its own, or that
// this kernel does not mount.
var withoutManifest = map[string]bool{"ext4-encrypt": true, "ext4-casefold": true}

// damagedJournals are those whose log stops in the middle: the kernel refuses
// them, so there is no manifest.
var damagedJournals = []string{"bad-descriptor", "bad-data", "bad-last-data", "bad-commit", "bad-last-commit"}

func isDamaged(name string) bool {
	for _, d := range damagedJournals {
		if strings.HasSuffix(name, d) && name != "dirty-ext4-async-bad-last-data" {
			return true
		}
	}
	return false
}

// open opens a golden image.
func open(tb testing.TB, name string, opts ...Option) (*FS, error) {
	tb.Helper()
	data := testimg.Load(tb, "ext/"+name+".img.gz")
	return Open(bytes.NewReader(data), int64(len(data)), opts...)
}

// names returns the golden images without the external journal of one.
func names(tb testing.TB) []string {
	var list []string
	for _, p := range testimg.Names(tb, "ext/*.img.gz") {
		if name := strings.TrimSuffix(strings.TrimPrefix(p, "ext/"), ".img.gz"); !strings.HasSuffix(name, ".journal") {
			list = append(list, name)
		}
	}
	return list
}

// TestGolden compares every golden image with what the kernel reads from it.
func TestGolden(t *testing.T) {
	for _, name := range names(t) {
		if _, no := refused[name]; no || withoutManifest[name] || isDamaged(name) || name == "dirty-ext3-external-journal" {
			continue // other tests are about these
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, err := open(t, name)
			require.NoError(t, err)
			require.Equal(t, strings.HasPrefix(name, "dirty-"), f.Journal().Replayed)
			require.NoError(t, f.Journal().Err)
			testimg.Compare(t, testimg.Describe(t, f), testimg.Manifest(t, "ext/"+name+".manifest.jsonl.gz"))
			require.Empty(t, f.Warnings()) // every checksum that was met is right
		})
	}
}

// TestRefused checks that what cannot be read is refused by its name.
func TestRefused(t *testing.T) {
	for name, feature := range refused {
		_, err := open(t, name)
		require.ErrorIs(t, err, layer.ErrUnsupported, name)
		require.ErrorContains(t, err, feature, name)
	}
}

// TestEncrypted: what is encrypted is listed, with all that inodes say of it,
// and its content is refused. The manifest is what the kernel shows without
// the key: names of its own, the same inodes.
func TestEncrypted(t *testing.T) {
	f, err := open(t, "ext4-encrypt")
	require.NoError(t, err)
	want := make(map[uint64]testimg.File)
	for _, file := range testimg.Manifest(t, "ext/ext4-encrypt.manifest.jsonl.gz") {
		want[file.Inode] = file
	}
	seen, refused := 0, 0
	require.NoError(t, fs.WalkDir(f, ".", func(p string, d fs.DirEntry, err error) error {
		require.NoError(t, err)
		info, err := f.Lstat(p) // every name can be looked up
		require.NoError(t, err, p)
		file := want[info.Sys().(*Inode).Unix().Inode]
		require.Equal(t, file.Mode, fmt.Sprintf("%04o", info.Mode().Perm()), p)
		seen++
		switch {
		case file.Error != "":
			_, err = f.ReadFile(p)
			require.ErrorIs(t, err, layer.ErrUnsupported)
			refused++
		case file.Type == "symlink" && info.Sys().(*Inode).Flags&flagEncrypt != 0:
			_, err = f.ReadLink(p)
			require.ErrorIs(t, err, layer.ErrUnsupported)
			refused++
		case file.Type == "file":
			data, err := f.ReadFile(p)
			require.NoError(t, err)
			require.Equal(t, file.SHA256, fmt.Sprintf("%x", sha256.Sum256(data)))
		}
		return nil
	}))
	require.Equal(t, len(want), seen)
	require.NotZero(t, refused)
}

// TestCasefold: names are found in any case, and listed as they were given.
func TestCasefold(t *testing.T) {
	f, err := open(t, "ext4-casefold")
	require.NoError(t, err)
	folded := 0
	require.NoError(t, fs.WalkDir(f, ".", func(p string, d fs.DirEntry, err error) error {
		require.NoError(t, err)
		parent, err := f.Stat(path.Dir(p))
		require.NoError(t, err)
		other := path.Join(path.Dir(p), strings.ToUpper(path.Base(p)))
		_, err = f.Lstat(other)
		if parent.Sys().(*Inode).Flags&flagCasefold == 0 && other != p {
			require.ErrorIs(t, err, fs.ErrNotExist)
			return nil
		}
		require.NoError(t, err, other)
		folded++
		return nil
	}))
	require.Greater(t, folded, 2)
}
