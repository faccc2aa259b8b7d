package ext3

import (
	"bytes"
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vmdkfs/vmdkfs/internal/testimg"
	"github.com/vmdkfs/vmdkfs/layer"
)

// TestWithoutReplay reads what lies on the disk, which is not what the kernel
// shows.
func TestWithoutReplay(t *testing.T) {
	f, err := open(t, "dirty-ext3-ordered", WithoutReplay())
	require.NoError(t, err)
	j := f.Journal()
	require.True(t, j.Present && j.Needed && !j.Replayed)
	require.False(t, f.Info().Clean)
	list, err := f.ReadDir(".")
	require.NoError(t, err)
	require.NotEmpty(t, list)
}

// TestDamagedJournal reads logs whose checksums fail: what came before is
// there, what follows is told to be missing.
func TestDamagedJournal(t *testing.T) {
	for _, base := range []string{"dirty-ext4", "dirty-ext4-v1", "dirty-ext4-async"} {
		whole := base
		if base == "dirty-ext4" {
			whole = "dirty-ext4-default"
		}
		f, err := open(t, whole)
		require.NoError(t, err)
		total := f.Journal().Transactions
		for _, damage := range damagedJournals {
			name := base + "-" + damage
			if !exists(t, name) || !isDamaged(name) {
				continue
			}
			t.Run(name, func(t *testing.T) {
				f, err := open(t, name)
				require.NoError(t, err)
				j := f.Journal()
				require.ErrorIs(t, j.Err, layer.ErrCorrupt)
				require.ErrorContains(t, j.Err, fmt.Sprintf("transaction %d", j.Next))
				require.Less(t, j.Transactions, total)
				require.Contains(t, f.Warnings(), j.Err)
				require.False(t, f.Info().Clean)
				require.NotEmpty(t, testimg.Describe(t, f))
			})
		}
	}
}

// TestDamagedTail compares two images whose last transaction is bad with the
// kernel's view of the same image without it.
func TestDamagedTail(t *testing.T) {
	want := testimg.Manifest(t, "ext/dirty-ext4-torn.manifest.jsonl.gz")
	for _, name := range []string{"dirty-ext4-bad-last-commit", "dirty-ext4-bad-last-data"} {
		f, err := open(t, name)
		require.NoError(t, err)
		testimg.Compare(t, testimg.Describe(t, f), want)
	}
}

func exists(t *testing.T, name string) bool {
	for _, n := range names(t) {
		if n == name {
			return true
		}
	}
	return false
}

// TestExternalJournal: without its journal a file system is refused by the
// UUID of what is missing, and can be read without its newest changes; with it,
// it is what the kernel shows.
func TestExternalJournal(t *testing.T) {
	const name = "dirty-ext3-external-journal"
	_, err := open(t, name)
	require.ErrorIs(t, err, layer.ErrIncomplete)
	require.ErrorContains(t, err, "UUID ")
	_, err = open(t, name, WithoutReplay())
	require.NoError(t, err)

	journal := testimg.Load(t, "ext/"+name+".journal.img.gz")
	with := func() Option { return WithJournal(bytes.NewReader(journal), int64(len(journal))) }
	f, err := open(t, name, with())
	require.NoError(t, err)
	require.True(t, f.Journal().Replayed)
	testimg.Compare(t, testimg.Describe(t, f), testimg.Manifest(t, "ext/"+name+".manifest.jsonl.gz"))
	_, err = open(t, "ext3-1k", with()) // has its own
	require.NoError(t, err)

	journal[superblockOffset+0x68]++ // another UUID
	_, err = open(t, name, with())
	require.ErrorIs(t, err, layer.ErrIncomplete)
	journal[superblockOffset+0x60] = 0 // no journal device
	_, err = open(t, name, with())
	require.ErrorIs(t, err, layer.ErrFormat)
	journal = journal[:100]
	_, err = open(t, name, with())
	require.ErrorIs(t, err, layer.ErrIncomplete)
}

// journalSuper returns a dirty image and where its journal's superblock lies.
func journalSuper(t *testing.T, name string) (image []byte, at int64) {
	image = testimg.Load(t, "ext/"+name+".img.gz")
	f, err := Open(bytes.NewReader(image), int64(len(image)), WithoutReplay())
	require.NoError(t, err)
	inode, err := f.inode(f.super.sJournalInum())
	require.NoError(t, err)
	run, err := inode.mapper().Map(0)
	require.NoError(t, err)
	return image, run.Physical
}

func TestJournalSuperblockErrors(t *testing.T) {
	for _, c := range []struct {
		what  string
		image string
		at    int64
		value uint32
		kind  error
		text  string
	}{
		{"magic", "dirty-ext3-ordered", 0x0, 1, layer.ErrCorrupt, "magic"},
		{"type", "dirty-ext3-ordered", 0x4, 9, layer.ErrCorrupt, "type 9"},
		{"block size", "dirty-ext3-ordered", 0xC, 8192, layer.ErrCorrupt, "blocks of 8192 bytes"},
		{"length", "dirty-ext3-ordered", 0x10, 1 << 30, layer.ErrCorrupt, "in a file of"},
		{"first", "dirty-ext3-ordered", 0x14, 0, layer.ErrCorrupt, "log from 0"},
		{"start", "dirty-ext3-ordered", 0x1C, 1 << 20, layer.ErrCorrupt, "starting at"},
		{"feature", "dirty-ext3-ordered", 0x28, 0x40, layer.ErrUnsupported, "incompat_6"},
		{"checksum", "dirty-ext4-default", 0x58, 77, layer.ErrCorrupt, "checksum"},
	} {
		t.Run(c.what, func(t *testing.T) {
			image, at := journalSuper(t, c.image)
			be.PutUint32(image[at+c.at:], c.value)
			_, err := Open(bytes.NewReader(image), int64(len(image)))
			require.ErrorIs(t, err, c.kind)
			require.ErrorContains(t, err, c.text)
		})
	}
}

// TestEmptyLog: a log without a start was emptied; the RECOVER bit alone does
// not bring old transactions back.
func TestEmptyLog(t *testing.T) {
	image, at := journalSuper(t, "dirty-ext3-ordered")
	be.PutUint32(image[at+0x1C:], 0)
	f, err := Open(bytes.NewReader(image), int64(len(image)))
	require.NoError(t, err)
	require.False(t, f.Journal().Replayed)
}

// TestWrongSequence: a log whose first block does not carry the sequence of
// the superblock holds nothing.
func TestWrongSequence(t *testing.T) {
	image, at := journalSuper(t, "dirty-ext3-ordered")
	be.PutUint32(image[at+0x18:], 77777)
	f, err := Open(bytes.NewReader(image), int64(len(image)))
	require.NoError(t, err)
	require.Zero(t, f.Journal().Transactions)
	require.Zero(t, f.Journal().Blocks)
}

// TestOverlayReads reads a recovered device in pieces of odd sizes and places:
// all must agree with one read of the whole.
func TestOverlayReads(t *testing.T) {
	f, err := open(t, "dirty-ext3-journal") // it has escaped blocks
	require.NoError(t, err)
	o := f.device.(*overlay)
	size := int64(f.geo.blocks) * f.geo.blockSize
	whole := make([]byte, size)
	_, err = o.ReadAt(whole, 0)
	require.NoError(t, err)
	escaped := 0
	for _, w := range o.writes {
		if w.escaped {
			escaped++
			require.Equal(t, uint32(jbd2Magic), be.Uint32(whole[int64(w.block)*o.blockSize:]))
		}
	}
	require.NotZero(t, escaped)
	for _, step := range []int64{1021, 4096 + 3, 65536} {
		part := make([]byte, step)
		for off := int64(0); off+step <= size; off += step {
			n, err := o.ReadAt(part, off)
			require.NoError(t, err)
			require.Equal(t, whole[off:off+int64(n)], part[:n])
		}
	}
	_, err = o.ReadAt(make([]byte, 1), size)
	require.Error(t, err)
	_, err = o.ReadAt(make([]byte, 1), -1)
	require.Error(t, err)
}

// TestOverlaidExtents: a block that is newer in the journal has no place in the
// source; the others do, and hold what the file holds.
func TestOverlaidExtents(t *testing.T) {
	image := testimg.Load(t, "ext/dirty-ext3-journal.img.gz")
	f, err := Open(bytes.NewReader(image), int64(len(image)))
	require.NoError(t, err)
	inLog, inPlace := 0, 0
	for p, file := range testimg.Manifest(t, "ext/dirty-ext3-journal.manifest.jsonl.gz") {
		if file.Type != "file" {
			continue
		}
		opened, err := f.Open(p)
		require.NoError(t, err)
		for e, err := range opened.(layer.File).Extents() {
			require.NoError(t, err)
			if e.Physical < 0 {
				inLog++
				continue
			}
			inPlace++
			data := make([]byte, e.Length)
			_, err := opened.(io.ReaderAt).ReadAt(data, e.Offset)
			require.NoError(t, err)
			require.Equal(t, image[e.Physical:e.Physical+e.Length], data, p)
		}
	}
	require.NotZero(t, inLog)
	require.NotZero(t, inPlace)
}

// TestCRC32BE compares with the definition: one bit at a time, highest first.
func TestCRC32BE(t *testing.T) {
	data := []byte("The journal's first checksum")
	want := ^uint32(0)
	for _, c := range data {
		want ^= uint32(c) << 24
		for range 8 {
			if want>>31 != 0 {
				want = want<<1 ^ 0x04C11DB7
			} else {
				want <<= 1
			}
		}
	}
	require.Equal(t, want, crc32be(^uint32(0), data))
}
