package partition

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
	"github.com/vmdkfs/vmdkfs/layer"
)

var le = binary.LittleEndian

// put makes sector's entry i of an MBR one of the given type and place.
func put(disk []byte, sector, i int, kind byte, start, size uint32) {
	e := disk[sector*512+446+16*i:]
	e[0], e[4] = 0, kind
	le.PutUint32(e[8:], start)
	le.PutUint32(e[12:], size)
	le.PutUint16(disk[sector*512+510:], mbrSignature)
}

// newMBR returns a disk of the given number of sectors with a partition from 8
// to 16 and an extended one from 100 to 200.
func newMBR(sectors int) []byte {
	disk := make([]byte, sectors*512)
	put(disk, 0, 0, 0x83, 8, 8)
	put(disk, 0, 1, typeExtended, 100, 100)
	return disk
}

func TestMBRErrors(t *testing.T) {
	fat := image(t, "fat")
	tests := []struct {
		name   string
		damage func(disk []byte) []byte
		text   string
	}{
		{"short", func(d []byte) []byte { return d[:511] }, "no sector"},
		{"empty", func(d []byte) []byte { return nil }, "no sector"},
		{"signature", func(d []byte) []byte { d[510] = 0; return d }, "55 AA"},
		{"flag", func(d []byte) []byte { d[446+48] = 0x7f; return d }, "no partition table"},
		{"no entries", func(d []byte) []byte { clear(d[446:510]); return d }, "lies on the disk"},
		{"entries of no length", func(d []byte) []byte { put(d, 0, 0, 0x83, 8, 0); put(d, 0, 1, 0, 8, 1); return d }, "lies on the disk"},
		{"all beyond", func(d []byte) []byte { return d[:8*512] }, "lies on the disk"},
		{"from 0", func(d []byte) []byte { clear(d[446:510]); put(d, 0, 0, 0xb, 0, 300); return d }, "lies on the disk"},
		{"fat", func(d []byte) []byte { copy(d, fat[:446]); put(d, 0, 0, 0x83, 8, 1<<20); return d }, "FAT"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := open(tt.damage(newMBR(300)))
			require.ErrorIs(t, err, layer.ErrFormat)
			require.ErrorContains(t, err, tt.text)
		})
	}
}

// A boot loader keeps the parameters of the file system whose boot sector it
// overwrites; a table that makes sense is one nevertheless.
func TestMBRWithParametersOfFAT(t *testing.T) {
	disk := newMBR(300)
	copy(disk, image(t, "fat")[:90])
	require.Equal(t, "FAT", (*bootSector)(disk).fileSystem())
	put(disk, 100, 0, 0x83, 1, 1)
	require.Len(t, mustOpen(t, disk).Partitions(), 2)
}

func TestBrokenChain(t *testing.T) {
	logical := func(d []byte, at int, next uint32) {
		put(d, at, 0, 0x83, 1, 2)
		if next != 0 {
			put(d, at, 1, typeExtended, next, 10)
		}
	}
	tests := []struct {
		name   string
		damage func(disk []byte)
		kind   error
		text   string
		found  int
	}{
		{"loop", func(d []byte) { logical(d, 100, 10); logical(d, 110, 20); logical(d, 120, 10) }, layer.ErrCorrupt, "comes back", 4},
		{"self", func(d []byte) { logical(d, 100, 10); put(d, 110, 1, typeExtendedLBA, 10, 1) }, layer.ErrCorrupt, "comes back", 2},
		{"long", func(d []byte) {
			for i := range 300 {
				logical(d, 100+i, uint32(i)+1)
			}
		}, layer.ErrCorrupt, "more than 256", 257},
		{"no table", func(d []byte) {}, layer.ErrCorrupt, "55 AA", 1},
		{"no further table", func(d []byte) { logical(d, 100, 50) }, layer.ErrCorrupt, "55 AA", 2},
		{"beyond", func(d []byte) { logical(d, 100, 1<<31) }, layer.ErrIncomplete, "the disk ends", 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			disk := newMBR(500)
			tt.damage(disk)
			f := mustOpen(t, disk)
			require.Len(t, f.Partitions(), tt.found)
			require.Len(t, f.Table().Warnings, 1)
			require.ErrorIs(t, f.Table().Warnings[0], tt.kind)

			entries, err := f.ReadDir(".")
			require.ErrorIs(t, err, tt.kind)
			require.ErrorContains(t, err, tt.text)
			require.Len(t, entries, tt.found)
			_, err = f.Open("p300")
			require.ErrorIs(t, err, tt.kind)
			data, err := f.ReadFile("p1")
			require.NoError(t, err)
			require.Equal(t, disk[8*512:16*512], data)
		})
	}
}

func TestChainEntries(t *testing.T) {
	disk := newMBR(500)
	put(disk, 0, 2, typeExtendedLinux, 300, 100) // a second extended partition
	put(disk, 100, 0, typeExtended, 10, 10)      // the link first, as DR-DOS has it
	put(disk, 110, 0, 0x83, 5, 5)
	put(disk, 110, 1, 0x83, 12, 5)
	put(disk, 110, 2, 0x83, 20, 5)      // as OS/2 has it
	put(disk, 110, 3, 0x83, 5000, 5)    // garbage
	put(disk, 300, 0, 0x8e, 1, 1)       // of the second one
	put(disk, 0, 3, 0x07, 400, 1<<32-1) // beyond the disk
	var got []Partition
	f := mustOpen(t, disk)
	for _, p := range f.Partitions() {
		got = append(got, Partition{Name: p.Name, Start: p.Start / 512, Size: p.Size / 512, Logical: p.Logical})
	}
	require.Equal(t, []Partition{
		{Name: "p1", Start: 8, Size: 8},
		{Name: "p4", Start: 400, Size: 1<<32 - 1},
		{Name: "p5", Start: 115, Size: 5, Logical: true},
		{Name: "p6", Start: 122, Size: 5, Logical: true},
		{Name: "p7", Start: 130, Size: 5, Logical: true},
		{Name: "p8", Start: 301, Size: 1, Logical: true},
	}, got)
	require.Len(t, f.Table().Warnings, 1)
	require.ErrorIs(t, f.Table().Warnings[0], layer.ErrIncomplete)
}

func TestGPTErrors(t *testing.T) {
	both := func(change func(h []byte)) func([]byte) {
		return func(d []byte) {
			change(d[512:1024])
			change(d[len(d)-512:])
			testimg.SealGPT(d)
		}
	}
	tests := []struct {
		name   string
		damage func(disk []byte)
		text   string
	}{
		{"no headers", func(d []byte) { clear(d[512:1024]); clear(d[len(d)-512:]) }, "no signature"},
		{"checksums", func(d []byte) { d[600] ^= 1; d[len(d)-512+88] ^= 1 }, "CRC"},
		{"entries", func(d []byte) { d[1024] ^= 1; d[len(d)-512*33] ^= 1 }, "entries' CRC"},
		{"header size", both(func(h []byte) { le.PutUint32(h[12:], 91) }), "91 bytes of header"},
		{"header size 2", both(func(h []byte) { le.PutUint32(h[12:], 513) }), "513 bytes of header"},
		{"wrong place", both(func(h []byte) { le.PutUint64(h[24:], 77) }), "sector 77"},
		{"entry size", both(func(h []byte) { le.PutUint32(h[84:], 120) }), "entries of 120"},
		{"huge entry size", both(func(h []byte) { le.PutUint32(h[80:], 0); le.PutUint32(h[84:], 1<<31) }), "entries of 2147483648"},
		{"odd entry size", both(func(h []byte) { le.PutUint32(h[84:], 132) }), "entries of 132"},
		{"many entries", both(func(h []byte) { le.PutUint32(h[80:], 1<<31) }), "more than"},
		{"entries beyond", both(func(h []byte) { le.PutUint64(h[72:], 8190) }), "the disk ends"},
		{"entries nowhere", both(func(h []byte) { le.PutUint64(h[72:], 1<<62) }), "entries in sector"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			disk := image(t, "gpt")
			tt.damage(disk)
			_, err := open(disk)
			require.ErrorIs(t, err, layer.ErrCorrupt)
			require.ErrorContains(t, err, tt.text)
			require.NotErrorIs(t, err, layer.ErrFormat)
		})
	}
}

func TestGPTBackup(t *testing.T) {
	tests := []struct {
		name   string
		damage func(disk []byte) []byte
	}{
		{"no header", func(d []byte) []byte { clear(d[512:1024]); return d }},
		{"signature", func(d []byte) []byte { d[512] = 'X'; return d }},
		{"grown disk", func(d []byte) []byte { d[1024] ^= 1; return append(d, make([]byte, 1<<20)...) }},
		{"grown disk, no header", func(d []byte) []byte { clear(d[512:1024]); return append(d, make([]byte, 1<<20)...) }},
		{"alternate nowhere", func(d []byte) []byte { le.PutUint64(d[512+32:], 1<<60); return d }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			disk := image(t, "gpt")
			want := mustOpen(t, disk).Partitions()
			f := mustOpen(t, tt.damage(disk))
			require.Equal(t, want, f.Partitions())
			require.Len(t, f.Table().Warnings, 2)
			require.ErrorContains(t, f.Table().Warnings[1], "backup is used")
		})
	}
	t.Run("4096", func(t *testing.T) {
		disk := image(t, "gpt-4k")
		want := mustOpen(t, disk).Partitions()
		for _, at := range []int{4096, 4100} { // without and with a signature
			disk[at] ^= 1
			f := mustOpen(t, disk)
			require.Equal(t, want, f.Partitions())
			require.Equal(t, 4096, f.Table().SectorSize)
			disk[at] ^= 1
		}
	})
}

func TestGPTWithoutProtectiveMBR(t *testing.T) {
	disk := image(t, "gpt")
	want := mustOpen(t, disk).Partitions()
	clear(disk[:512])
	f := mustOpen(t, disk)
	require.Equal(t, want, f.Partitions())
	require.ErrorContains(t, f.Table().Warnings[0], "protective MBR")

	// The remains of a GPT are not one: under an MBR, under a file system, and
	// damaged.
	put(disk, 0, 0, 0x83, 100, 100)
	require.Equal(t, "mbr", mustOpen(t, disk).Table().Scheme)
	copy(disk, image(t, "ntfs")[:512])
	_, err := open(disk)
	require.ErrorIs(t, err, layer.ErrFormat)
	clear(disk[:512])
	disk[600] ^= 1
	_, err = open(disk)
	require.ErrorIs(t, err, layer.ErrFormat)
}

func TestGPTBadEntries(t *testing.T) {
	disk := image(t, "gpt")
	entry := func(n int) []byte { return disk[1024+128*(n-1):] }
	le.PutUint64(entry(1)[40:], 79) // ends before it begins
	le.PutUint64(entry(2)[32:], 1<<55)
	le.PutUint64(entry(2)[40:], 1<<55+7)
	le.PutUint64(entry(3)[32:], 0)
	le.PutUint64(entry(3)[40:], 1<<64-1)
	testimg.SealGPT(disk)
	f := mustOpen(t, disk)
	require.Len(t, f.Partitions(), 5)
	require.Len(t, f.Table().Warnings, 3)
	for i, name := range []string{"p1", "p2", "p3"} {
		require.ErrorIs(t, f.Table().Warnings[i], layer.ErrCorrupt)
		_, err := f.Open(name)
		require.ErrorIs(t, err, layer.ErrCorrupt)
		require.ErrorContains(t, err, name)
	}
	_, err := f.ReadFile("p5")
	require.NoError(t, err)
	entries, err := f.ReadDir(".")
	require.NoError(t, err)
	require.Len(t, entries, 5)
}

// A failingReader fails where it is told to.
type failingReader struct {
	disk     []byte
	from, to int64
}

var errBroken = errors.New("broken sector")

func (r failingReader) ReadAt(p []byte, off int64) (int, error) {
	if off < r.to && off+int64(len(p)) > r.from {
		return copy(p[:max(0, r.from-off)], r.disk[off:]), errBroken
	}
	return bytes.NewReader(r.disk).ReadAt(p, off)
}

func TestSourceErrors(t *testing.T) {
	gpt, mbr := image(t, "gpt"), image(t, "mbr-logical")
	size := int64(len(gpt))

	_, err := Open(failingReader{gpt, 0, 512}, size)
	require.ErrorIs(t, err, errBroken)
	_, err = Open(bytes.NewReader(nil), size)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	_, err = Open(failingReader{gpt, 512, size}, size)
	require.ErrorIs(t, err, errBroken)
	require.NotErrorIs(t, err, layer.ErrCorrupt)

	// The backup stands in for what cannot be read.
	f, err := Open(failingReader{gpt, 512, 2048}, size)
	require.NoError(t, err)
	require.ErrorIs(t, f.Table().Warnings[0], errBroken)
	require.Len(t, f.Partitions(), 5)

	f, err = Open(failingReader{mbr, 1024 * 512, 1025 * 512}, int64(len(mbr)))
	require.NoError(t, err)
	_, err = f.ReadDir(".")
	require.ErrorIs(t, err, errBroken)
	require.Len(t, f.Partitions(), 2)

	// A source that ends sooner than it was said to
	f, err = Open(bytes.NewReader(mbr[:14400*512]), int64(len(mbr)))
	require.NoError(t, err)
	_, err = f.ReadFile("p4")
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

func TestLabels(t *testing.T) {
	for _, tt := range []struct {
		label []byte
		want  string
	}{
		{nil, ""},
		{[]byte("a\x00b\x00"), "a" + "b"},
		{[]byte("a\x00\x00\x00b\x00"), "a"},
		{[]byte("\x3d\xd8\x00\xde"), "😀"},
		{[]byte("\x3d\xd8a\x00"), `\ud83da`},
		{[]byte("\x00\xde\x3d\xd8"), `\ude00\ud83d`},
	} {
		require.Equal(t, tt.want, decodeLabel(tt.label))
	}
}
