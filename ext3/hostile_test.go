package ext3

import (
	"bytes"
	"io"
	"io/fs"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
)

// hostileImages are those whose mutants are read; with Strict too where the
// image has checksums.
func hostileImages(t testing.TB) map[string][]byte {
	images := make(map[string][]byte)
	for _, name := range []string{"ext2-1k", "ext2-holes", "ext2-rev0", "ext2-xattrs-128", "ext3-links-1k", "ext3-xattrs-1k", "ext3-dirs",
		"ext4-extents", "ext4-extent-depth", "ext4-inline-data", "ext4-ea-inode", "ext4-casefold", "ext4-encrypt", "ext4-verity", "ext4-large-dir",
		"ext4-meta-bg", "ext4-uninit-bg", "ext4-inode-4096", "ext4-8k", "ext4-desc-128", "ext4-block-map", "dirty-ext3-revoke", "dirty-ext3-wrap", "dirty-ext4-v1", "dirty-ext4-v2",
		"dirty-ext4-async-v3", "dirty-ext4-wrap", "dirty-ext4-fast-commit", "dirty-ext4-fc-ranges", "dirty-ext4-fc-names", "dirty-ext4-fc-inline"} {
		images[name] = testimg.Load(t, "ext/"+name+".img.gz")
		if strings.Contains(name, "ext4") {
			images[name+" strict"] = images[name]
		}
	}
	return images
}

func subject(t testing.TB) testimg.Subject {
	return testimg.Subject{
		Images: hostileImages(t),
		Open: func(name string, r io.ReaderAt, size int64) (fs.FS, error) {
			if strings.HasSuffix(name, " strict") {
				return testimg.FS(Open(r, size, Strict()))
			}
			return testimg.FS(Open(r, size))
		},
		Seal: func(_ string, data []byte) { testimg.SealExt(data) },
		More: func(tb testing.TB, fsys fs.FS) {
			f := fsys.(*FS)
			f.Info()
			f.Journal()
			f.Warnings()
		},
	}
}

func TestHostile(t *testing.T) { testimg.Hostile(t, subject(t)) }

func FuzzImage(f *testing.F) { testimg.Fuzz(f, subject(f)) }

// TestSealExtJournal: a block of the log that was changed ends the replay, and
// does not once it is sealed.
func TestSealExtJournal(t *testing.T) {
	for _, name := range []string{"dirty-ext4-v2", "dirty-ext4-async-v3", "dirty-ext4-default", "dirty-ext4-wrap"} {
		image := testimg.Load(t, "ext/"+name+".img.gz")
		blockSize := 1024 << image[1024+0x18]
		whole := replayed(t, image)
		require.Positive(t, whole.Transactions, name)
		changed := bytes.Clone(image)
		for at := 0; at+blockSize <= len(image); at += blockSize {
			b := journalBlock(changed[at:])
			if b.hMagic() == jbd2Magic && b.hBlockType() == jbd2DescriptorBlock {
				b[blockSize-jbd2TailSize-1] ^= 1 // behind the tags
			}
		}
		require.Less(t, replayed(t, changed).Transactions, whole.Transactions, name)
		testimg.SealExt(changed)
		sealed := replayed(t, changed)
		require.Equal(t, whole.Transactions, sealed.Transactions, name)
	}
}

func replayed(t *testing.T, image []byte) Journal {
	f, err := Open(bytes.NewReader(image), int64(len(image)))
	require.NoError(t, err)
	return f.Journal()
}

func TestFaults(t *testing.T) {
	testimg.Faults(t, subject(t), "ext2-1k", "ext4-extents", "ext4-inline-data", "ext4-ea-inode", "dirty-ext3-revoke", "dirty-ext4-fast-commit", "dirty-ext4-v2")
}

func TestBadSectors(t *testing.T) {
	testimg.BadSectors(t, subject(t), "ext2-1k", "ext4-extents", "dirty-ext3-revoke")
}
