package ext3

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	ext4 "github.com/masahiro331/go-ext4-filesystem/ext4"
	"github.com/stretchr/testify/require"
	"github.com/vmdkfs/vmdkfs/internal/testimg"
	"github.com/vmdkfs/vmdkfs/layer"
)

// TestFS runs Go's own test of file systems on images that hold what it
// permits: names without a backslash, links that lead somewhere, files that
// fit into memory.
func TestFS(t *testing.T) {
	for _, name := range []string{"ext2-1k", "ext3-1k", "ext4-default", "ext4-1k"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, err := open(t, name)
			require.NoError(t, err)
			var files []string
			for p, file := range testimg.Manifest(t, "ext/"+name+".manifest.jsonl.gz") {
				if p != "." {
					files = append(files, file.Path)
				}
			}
			require.NoError(t, fstest.TestFS(f, files...))
		})
	}
}

// TestConcurrent reads one file system from many goroutines.
func TestConcurrent(t *testing.T) {
	f, err := open(t, "dirty-ext3-journal")
	require.NoError(t, err)
	want := testimg.Manifest(t, "ext/dirty-ext3-journal.manifest.jsonl.gz")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for p, file := range want {
				if file.Type != "file" {
					continue
				}
				data, err := f.ReadFile(p)
				if err != nil {
					t.Error(err)
					continue
				}
				if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != file.SHA256 {
					t.Errorf("%s: wrong content", p)
				}
			}
		})
	}
	wg.Wait()
}

// TestSecondOpinion compares the content of regular files with
// go-ext4-filesystem, on the images that it reads right: clean, without
// inline data and meta_bg.
func TestSecondOpinion(t *testing.T) {
	for _, name := range []string{"ext2-2k-256", "ext3-4k", "ext4-default"} {
		image := testimg.Load(t, "ext/"+name+".img.gz")
		f, err := Open(bytes.NewReader(image), int64(len(image)))
		require.NoError(t, err)
		other, err := ext4.NewFS(*io.NewSectionReader(bytes.NewReader(image), 0, int64(len(image))), nil)
		require.NoError(t, err)
		compared := 0
		for p, file := range testimg.Manifest(t, "ext/"+name+".manifest.jsonl.gz") {
			if file.Type != "file" {
				continue
			}
			theirs, err := other.Open(p)
			require.NoError(t, err, p)
			want, err := io.ReadAll(theirs)
			require.NoError(t, err, p)
			got, err := f.ReadFile(p)
			require.NoError(t, err, p)
			require.True(t, bytes.Equal(want, got), p)
			compared++
		}
		require.Greater(t, compared, 10)
	}
}

// TestNames looks up every name of the image that has the odd ones, and what
// only looks like one of them.
func TestNames(t *testing.T) {
	f, err := open(t, "ext3-dirs")
	require.NoError(t, err)
	for p := range testimg.Manifest(t, "ext/ext3-dirs.manifest.jsonl.gz") {
		_, err := f.Lstat(p)
		require.NoError(t, err, p)
	}
	for _, p := range []string{`linear\x2fall-deleted`, `l\x69near`, "linear/", "/linear", "linear/../linear", "nothing"} {
		_, err := f.Lstat(p)
		require.Error(t, err, p)
	}
}

// TestInfo compares the superblock's facts with what mke2fs was told.
func TestInfo(t *testing.T) {
	for name, fsType := range map[string]string{"ext2-1k": "ext2", "ext3-1k": "ext3", "ext4-1k": "ext4"} {
		f, err := open(t, name)
		require.NoError(t, err)
		info := f.Info()
		require.Equal(t, fsType, info.Type)
		require.EqualValues(t, 1024, info.BlockSize)
		require.True(t, info.Clean)
		require.Contains(t, info.Features, "filetype")
		require.Regexp(t, `^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`, info.UUID)
		require.Less(t, info.FreeBlocks, info.Blocks)
		require.Less(t, info.FreeInodes, info.Inodes)
		require.False(t, info.Created.IsZero())
	}
	require.True(t, unixTime(0).IsZero())
}

// TestExtents checks that extents are data and gaps are holes.
func TestExtents(t *testing.T) {
	image := testimg.Load(t, "ext/ext2-holes.img.gz")
	f, err := Open(bytes.NewReader(image), int64(len(image)))
	require.NoError(t, err)
	opened, err := f.Open("every-level")
	require.NoError(t, err)
	file := opened.(layer.File)
	end, holes := int64(0), 0
	for e, err := range file.Extents() {
		require.NoError(t, err)
		if e.Offset > end {
			holes++
		}
		data := make([]byte, e.Length)
		_, err := file.ReadAt(data, e.Offset)
		require.NoError(t, err)
		require.Equal(t, image[e.Physical:e.Physical+e.Length], data)
		end = e.Offset + e.Length
	}
	require.GreaterOrEqual(t, holes, 5)
}

// TestLargeBlocks: rec_len of blocks of 64 KiB, which the kernel cannot mount
// here.
func TestLargeBlocks(t *testing.T) {
	require.Equal(t, 65536, recordLength(0, 65536))
	require.Equal(t, 65536, recordLength(0xFFFF, 65536))
	require.Equal(t, 12, recordLength(12, 65536))
	require.Equal(t, 0, recordLength(0, 1024))
}

func TestACLErrors(t *testing.T) {
	for _, disk := range [][]byte{nil, {2, 0, 0, 0}, {1, 0, 0, 0, 1}, {1, 0, 0, 0, 3, 0, 7, 0}, {1, 0, 0, 0, 2, 0, 7, 0}} {
		_, err := decodeACL(disk)
		require.Error(t, err, "%v", disk)
	}
}

// TestTimes decodes the corners of a timestamp.
func TestTimes(t *testing.T) {
	raw := make(rawInode, 256)
	le.PutUint16(raw[0x80:], 32)
	for _, c := range []struct {
		base, extra uint32
		want        time.Time
	}{
		{0x80000000, 0, time.Date(1901, 12, 13, 20, 45, 52, 0, time.UTC)},
		{0xFFFFFFFF, 0, time.Date(1969, 12, 31, 23, 59, 59, 0, time.UTC)},
		{0x80000000, 1, time.Date(2038, 1, 19, 3, 14, 8, 0, time.UTC)},
		{0x7FFFFFFF, 3, time.Date(2446, 5, 10, 22, 38, 55, 0, time.UTC)},
		{0, 5 << 2, time.Unix(0, 5).UTC()},
	} {
		le.PutUint32(raw[0x10:], c.base)
		le.PutUint32(raw[0x88:], c.extra)
		require.Equal(t, c.want, raw.mtime())
	}
}

// TestErrorHistory reads what debugfs's set_super_value writes to these fields.
func TestErrorHistory(t *testing.T) {
	image := testimg.Load(t, "ext/ext3-1k.img.gz")
	f, err := Open(bytes.NewReader(image), int64(len(image)))
	require.NoError(t, err)
	require.Nil(t, f.Info().FirstError)
	require.Nil(t, f.Info().LastError)
	s := image[superblockOffset:]
	for at, v := range map[int]uint32{0x194: 3, 0x198: 1793534400, 0x1CC: 1793624400, 0x1D0: 12, 0x1D4: 1700, 0x1D8: 345} {
		le.PutUint32(s[at:], v)
	}
	copy(s[0x1A8:], "ext4_find")
	copy(s[0x1E0:], "ext4_lookup")
	s[0x3A] |= stateErrors
	f, err = Open(bytes.NewReader(image), int64(len(image)))
	require.NoError(t, err)
	info := f.Info()
	require.False(t, info.Clean)
	require.EqualValues(t, 3, info.Errors)
	require.Equal(t, &ErrorRecord{Time: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC), Function: "ext4_find"}, info.FirstError)
	require.Equal(t, &ErrorRecord{Time: time.Date(2026, 11, 2, 13, 0, 0, 0, time.UTC), Function: "ext4_lookup", Line: 1700, Inode: 12, Block: 345}, info.LastError)
}
