package ldm

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/layer"
)

var be = binary.BigEndian

// database returns the head of the records on an MBR disk.
func databaseOf(image []byte) []byte { return image[len(image)-databaseSectors*512+17*512:] }

// find returns what follows the text in the records of a disk.
func find(tb testing.TB, image []byte, text string) []byte {
	db := databaseOf(image)
	at := bytes.Index(db, []byte(text))
	require.Positive(tb, at)
	return db[at:]
}

// TestDamage breaks the database of the only disk.
func TestDamage(t *testing.T) {
	for _, tt := range []struct {
		name   string
		damage func(image, db []byte)
		kind   error
		text   string
	}{
		{"version", func(image, db []byte) { be.PutUint16(db[18:], 5) }, layer.ErrUnsupported, "version 5.10"},
		{"magic", func(image, db []byte) { db[0] = 0 }, layer.ErrCorrupt, "no VMDB"},
		{"record size", func(image, db []byte) { be.PutUint32(db[8:], 1<<30) }, layer.ErrCorrupt, "records of"},
		{"first record", func(image, db []byte) { be.PutUint32(db[12:], 1<<31) }, layer.ErrCorrupt, "the first record"},
		{"no records", func(image, db []byte) { db[512] = 0 }, layer.ErrCorrupt, "0 volumes"},
		{"counts", func(image, db []byte) { be.PutUint32(db[133+8:], 99) }, layer.ErrCorrupt, "and there should be 99"},
		{"type", func(image, db []byte) { db[512+19] = 0x61 }, layer.ErrUnsupported, "type 61"},
		{"length", func(image, db []byte) { be.PutUint32(db[512+20:], 500) }, layer.ErrCorrupt, "500 bytes"},
		{"fields", func(image, db []byte) { be.PutUint32(db[512+20:], 3) }, layer.ErrCorrupt, "fields do not fit"},
		{"number", func(image, db []byte) { db[512+24] = 9 }, layer.ErrCorrupt, "fields do not fit"},
		{"piece", func(image, db []byte) { be.PutUint16(db[512+14:], 60000) }, layer.ErrCorrupt, "more than there is room"},
		{"lost piece", func(image, db []byte) { be.PutUint16(db[512+14:], 2) }, layer.ErrCorrupt, "1 of 2 pieces"},
		{"piece twice", func(image, db []byte) {
			for at := 512; string(db[at:at+4]) == "VBLK"; at += 128 {
				if be.Uint16(db[at+12:]) == 1 {
					be.PutUint16(db[at+12:], 0)
				}
			}
		}, layer.ErrCorrupt, "does not go with the others"},
		{"header version", func(image, db []byte) {
			for _, at := range headersOf(image) {
				be.PutUint16(image[at+12:], 3)
			}
		}, layer.ErrUnsupported, "version 3.12"},
		{"config", func(image, db []byte) {
			for _, at := range headersOf(image) {
				be.PutUint64(image[at+307:], 1<<40)
			}
		}, layer.ErrCorrupt, "a database of"},
		{"place", func(image, db []byte) {
			for _, at := range headersOf(image) {
				be.PutUint64(image[at+299:], 1<<60)
			}
		}, layer.ErrCorrupt, "a place in sector"},
		{"data", func(image, db []byte) {
			for _, at := range headersOf(image) {
				be.PutUint64(image[at+283:], 1<<54-1)
				be.PutUint64(image[at+291:], 1<<54-1)
			}
		}, layer.ErrCorrupt, "bytes of data at"},
		{"beyond", func(image, db []byte) {
			for _, at := range headersOf(image) {
				be.PutUint64(image[at+299:], 1<<30)
			}
		}, layer.ErrIncomplete, "the disk ends"},
		{"GUID", func(image, db []byte) {
			for _, at := range headersOf(image) {
				image[at+48] = 0
			}
		}, layer.ErrCorrupt, "no GUID"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			image := golden(t, 1)[0]
			tt.damage(image, databaseOf(image))
			groups, err := Open(disks(image))
			require.Empty(t, groups)
			require.ErrorIs(t, err, tt.kind)
			require.ErrorContains(t, err, tt.text)
		})
	}
}

func headersOf(image []byte) []int {
	config := len(image) - databaseSectors*512
	return []int{6 * 512, config + privheadBackup1*512, config + privheadBackup2*512}
}

// TestDamagedVolumes: what is wrong with one volume costs that one only.
func TestDamagedVolumes(t *testing.T) {
	for _, tt := range []struct {
		name   string
		volume string
		damage func(image []byte)
		kind   error
		text   string
	}{
		{"kind", "Volume1", func(image []byte) { find(t, image, "\x07Volume1\x03gen")[8+4+1+14] = 9 }, layer.ErrUnsupported, "kind 9"},
		{"children", "Volume1", func(image []byte) { find(t, image, "\x07Volume1\x03gen")[8+4+1+14+8] = 3 }, layer.ErrCorrupt, "and there should be 3"},
		{"size", "Volume1", func(image []byte) { find(t, image, "\x07Volume1\x03gen")[8+4+1+14+9+16+1] = 0xff }, layer.ErrCorrupt, "its partitions have"},
		{"start", "Volume1", func(image []byte) { be.PutUint64(find(t, image, "\x08Disk1-08")[9+12:], 1<<40) }, layer.ErrCorrupt, "outside the disk's data"},
		{"offset", "Volume1", func(image []byte) { be.PutUint64(find(t, image, "\x08Disk1-08")[9+20:], 1) }, layer.ErrCorrupt, "should follow"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			image := golden(t, 1)[0]
			tt.damage(image)
			groups, err := Open(disks(image))
			require.NoError(t, err)
			for _, v := range groups[0].Volumes {
				_, err := sum(v)
				if v.Name == tt.volume {
					require.ErrorIs(t, err, tt.kind)
					require.ErrorContains(t, err, tt.text)
					require.ErrorContains(t, err, tt.volume)
				} else if v.Name == "Volume4" {
					require.NoError(t, err)
				}
			}
		})
	}
}

// TestUnsettled: a change that was under way is told; the disk without one is
// believed.
func TestUnsettled(t *testing.T) {
	images := golden(t, 1, 2)
	be.PutUint16(databaseOf(images[0])[16:], 2)
	require.Empty(t, one(t, images...).Warnings)
	be.PutUint64(databaseOf(images[1])[125:], 10)
	g := one(t, images...)
	require.Len(t, g.Warnings, 1)
	require.ErrorContains(t, g.Warnings[0], "under way")
	require.Len(t, g.Volumes, 7)
}

// TestStale: a copy on a disk that missed changes is not read.
func TestStale(t *testing.T) {
	want := manifest(t, "all")
	images := golden(t, 1, 2, 3)
	be.PutUint64(databaseOf(images[0])[117:], 8) // an older one
	be.PutUint64(databaseOf(images[0])[125:], 8)
	data := images[0][63*512 : len(images[0])-databaseSectors*512]
	for i := range data { // what it holds is worth nothing
		data[i] ^= 0xff
	}
	g := one(t, images...)
	require.Len(t, g.Warnings, 1)
	require.ErrorContains(t, g.Warnings[0], "older")
	for _, v := range g.Volumes {
		if v.Type == "mirrored" || v.Type == "RAID-5" {
			got, err := sum(v)
			require.NoError(t, err)
			require.Equal(t, want[v.Name], got)
		}
	}
	g = one(t, images[:2]...) // too few for RAID-5
	for _, v := range g.Volumes {
		if v.Type == "RAID-5" {
			_, err := sum(v)
			require.ErrorIs(t, err, layer.ErrIncomplete)
		}
	}
}

// TestClone: of two disks with one GUID the first is read, and that is told.
func TestClone(t *testing.T) {
	images := golden(t, 1, 1, 2)
	g := one(t, images...)
	require.Len(t, g.Warnings, 1)
	require.ErrorContains(t, g.Warnings[0], "has the GUID of disk 0")
	for _, at := range headersOf(images[1]) {
		images[1][at+48] = 'e'
	}
	g = one(t, images...)
	require.Len(t, g.Warnings, 1)
	require.ErrorContains(t, g.Warnings[0], "does not know its GUID")
}

// TestTruncation: a disk that was cut short is an error of what lies beyond.
func TestTruncation(t *testing.T) {
	images := golden(t, 4, 1)
	g := one(t, images[0][:2112*512+1000], images[1])
	for _, v := range g.Volumes {
		if v.Name == "Volume6" {
			_, err := sum(v)
			require.ErrorIs(t, err, layer.ErrIncomplete)
			r, err := v.Open()
			require.NoError(t, err)
			_, err = r.ReadAt(make([]byte, 1000), 0)
			require.NoError(t, err)
		}
	}
	for _, size := range []int{0, 100, 512, 4096, 1 << 20} {
		_, err := Open(disks(images[1][:size]))
		require.Error(t, err)
	}
}

type failing struct {
	io.ReaderAt
	left int
}

var errBroken = errors.New("broken cable")

func (f *failing) ReadAt(p []byte, off int64) (int, error) {
	if f.left--; f.left < 0 {
		return 0, errBroken
	}
	return f.ReaderAt.ReadAt(p, off)
}

func TestSourceErrors(t *testing.T) {
	image := golden(t, 1)[0]
	for n := range 2 {
		d := disks(image)
		d[0].Reader = &failing{d[0].Reader, n}
		_, err := Open(d)
		require.ErrorIs(t, err, errBroken)
		require.NotErrorIs(t, err, layer.ErrCorrupt)
	}
	d := disks(image)
	d[0].Reader = &failing{d[0].Reader, 2}
	groups, err := Open(d)
	require.NoError(t, err)
	for _, v := range groups[0].Volumes {
		if v.Name == "Volume1" {
			_, err = sum(v)
			require.ErrorIs(t, err, errBroken)
		}
	}
}
