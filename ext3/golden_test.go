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
	"github.com/vmdkfs/vmdkfs/internal/cache"
	"github.com/vmdkfs/vmdkfs/internal/testimg"
	"github.com/vmdkfs/vmdkfs/layer"
)

// refused are the golden images that are not read yet, with the feature that
// the refusal must name.
var refused = map[string]string{
	"ext4-journal-dev": "external journal",
}

// withoutManifest are those that the kernel shows in a way of its own, or that
// this kernel does not mount.
var withoutManifest = map[string]bool{"ext4-encrypt": true, "ext4-casefold": true, "ext4-casefold-kernel": true, "dirty-ext4-fc-torn-first": true,
	"dirty-ext4-fc-unlinked": true, "dirty-ext4-fc-reused": true, "dirty-ext4-fc-indexed": true}

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
	cache.Spoil(t)
	for _, name := range names(t) {
		if _, no := refused[name]; no || withoutManifest[name] || isDamaged(name) || name == "dirty-ext3-external-journal" || name == fragmentedJournal {
			continue // other tests are about these
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkGolden(t, name)
		})
	}
}

// fragmentedJournal has more blocks to look up than can be forgotten each time.
const fragmentedJournal = "dirty-ext3-fragmented-journal"

func TestFragmentedJournal(t *testing.T) { checkGolden(t, fragmentedJournal) }

// checkGolden compares an image with its manifest.
func checkGolden(t *testing.T, name string) {
	f, err := open(t, name)
	require.NoError(t, err)
	require.Equal(t, strings.HasPrefix(name, "dirty-"), f.Journal().Replayed)
	require.NoError(t, f.Journal().Err)
	got, want := testimg.Describe(t, f), testimg.Manifest(t, "ext/"+name+".manifest.jsonl.gz")
	forgetClock(t, name, f, got, want)
	testimg.Compare(t, got, want)
	require.Empty(t, f.Warnings()) // every checksum that was met is right
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

// TestCasefold: names of the directory that folds are found in the other case,
// which their files hold, and listed as they were given; those of another are
// not.
func TestCasefold(t *testing.T) {
	f, err := open(t, "ext4-casefold")
	require.NoError(t, err)
	for _, dir := range []string{"MixedCase", "sizes"} {
		list, err := f.ReadDir(dir)
		require.NoError(t, err)
		folded := 0
		for _, e := range list {
			if e.Name() == strings.ToUpper(e.Name()) && e.Name() != "README" {
				continue // a number
			}
			data, err := f.ReadFile(path.Join(dir, e.Name()))
			require.NoError(t, err)
			other := path.Join(dir, strings.TrimSpace(string(data)))
			info, err := f.Lstat(other)
			if dir == "sizes" {
				require.ErrorIs(t, err, fs.ErrNotExist, other)
				continue
			}
			require.NoError(t, err, other)
			same, err := f.Lstat(path.Join(dir, e.Name()))
			require.NoError(t, err)
			require.Equal(t, same.Sys().(*Inode).Number, info.Sys().(*Inode).Number)
			folded++
		}
		require.Equal(t, dir == "MixedCase", folded == 4)
		_, err = f.Lstat(path.Join(dir, "not-there"))
		require.ErrorIs(t, err, fs.ErrNotExist)
	}
}

// TestProjects: each of these files holds the number of its project.
func TestProjects(t *testing.T) {
	f, err := open(t, "ext4-project-quota")
	require.NoError(t, err)
	for _, p := range []string{"project-0", "project-1000", "project-70000", "project-4294967294"} {
		data, err := f.ReadFile(p)
		require.NoError(t, err)
		info, err := f.Lstat(p)
		require.NoError(t, err)
		require.Equal(t, fmt.Sprintln(info.Sys().(*Inode).Project), string(data))
	}
	f, err = open(t, "ext2-1k") // inodes of 128 bytes have no room for it
	require.NoError(t, err)
	info, err := f.Lstat("sizes")
	require.NoError(t, err)
	require.Zero(t, info.Sys().(*Inode).Project)
}

// TestDeepIndex finds each of 20,000 names through an index of three levels.
func TestDeepIndex(t *testing.T) {
	f, err := open(t, "ext4-large-dir-3")
	require.NoError(t, err)
	info, err := f.Stat("large")
	require.NoError(t, err)
	dir := info.Sys().(*Inode)
	root, ok := dir.dirBlock(0)
	require.True(t, ok)
	require.EqualValues(t, 2, root.data[dxInfoLevels])
	found := 0
	for raw, err := range dir.entries() {
		require.NoError(t, err)
		got, ok := dir.find(dir.match(raw.name))
		require.True(t, ok, "%s", raw.name)
		require.Equal(t, raw.number, got.number)
		found++
	}
	require.Equal(t, 20_000, found)

	// A node that makes no sense costs no name.
	node, ok := dir.dirBlock(dxEntries(root.data, dxRootAt).child(1))
	require.True(t, ok)
	require.Equal(t, dxNodeAt, dxCountLimit(node.data))
	le.PutUint16(node.data[dxNodeAt+2:], 0xFFFF) // in the cache
	lost := 0
	for raw, err := range dir.entries() {
		require.NoError(t, err)
		if _, ok := dir.find(dir.match(raw.name)); !ok {
			lost++
			if lost < 20 { // each is a scan of all
				_, err := f.Lstat("large/" + string(raw.name))
				require.NoError(t, err)
			}
		}
	}
	require.Positive(t, lost)
}

// TestInlineExtents: content in the inode is data without a place of its own.
func TestInlineExtents(t *testing.T) {
	f, err := open(t, "ext4-inline-data")
	require.NoError(t, err)
	for p, want := range map[string][]layer.Extent{
		"sizes/0":   nil,
		"sizes/1":   {{Length: 1, Physical: -1}},
		"sizes/60":  {{Length: 60, Physical: -1}},
		"sizes/100": {{Length: 100, Physical: -1}},
	} {
		opened, err := f.Open(p)
		require.NoError(t, err)
		var got []layer.Extent
		for e, err := range opened.(layer.File).Extents() {
			require.NoError(t, err)
			got = append(got, e)
		}
		require.Equal(t, want, got, p)
	}
}
