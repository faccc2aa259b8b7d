package md

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/layer"
)

// loaded returns copies of an array's devices, and where their superblocks
// begin.
func loaded(t testing.TB, set, name string) (devices []Device, data [][]byte, at []int64) {
	for _, d := range parts(t, disks(t, set))[name] {
		b := make([]byte, d.Size)
		_, err := d.Reader.ReadAt(b, 0)
		require.NoError(t, err)
		sb, err := ReadSuperblock(d.Reader, d.Size)
		require.NoError(t, err)
		devices = append(devices, Device{d.Name, bytes.NewReader(b), d.Size})
		data, at = append(data, b), append(at, sb.Offset)
	}
	require.NotEmpty(t, devices, name)
	return devices, data, at
}

// seal makes the checksum of the superblock in b right.
func seal(b []byte) {
	le := binary.LittleEndian
	if le.Uint32(b[4:]) == 0 {
		le.PutUint32(b[4*38:], checksum90(b))
		return
	}
	if n := int(le.Uint32(b[220:])); n <= maxRoles {
		le.PutUint32(b[216:], checksum1(b[:header1+2*n]))
	}
}

// TestSuperblockDamage breaks the superblocks of a raid5 of four.
func TestSuperblockDamage(t *testing.T) {
	le := binary.LittleEndian
	for _, c := range []struct {
		name    string
		members []int
		change  func(b []byte)
		kind    error // of the array; nil: it reads as before
		text    string
	}{
		{"nothing", nil, nil, nil, ""},
		{"features", []int{0}, func(b []byte) { b[9] |= 0x40 }, layer.ErrUnsupported, "features 0x40"},
		{"reshape", []int{1}, func(b []byte) { b[8] |= featureReshape }, layer.ErrUnsupported, "reshaped"},
		{"journal", []int{1}, func(b []byte) { b[9] |= featureJournal >> 8 }, layer.ErrUnsupported, "write journal"},
		{"level", []int{0, 1, 2, 3}, func(b []byte) { le.PutUint32(b[72:], 0xfffffffc) }, layer.ErrUnsupported, "level -4"},
		{"layout", []int{0, 1, 2, 3}, func(b []byte) { b[76] = 99 }, layer.ErrUnsupported, "layout 99"},
		{"chunk", []int{0, 1, 2, 3}, func(b []byte) { b[88] = 0 }, layer.ErrCorrupt, "without a chunk size"},
		{"no members", []int{0, 1, 2, 3}, func(b []byte) { b[92] = 0 }, layer.ErrCorrupt, "0 members"},
		{"many members", []int{0, 1, 2, 3}, func(b []byte) { le.PutUint32(b[92:], 1<<31) }, layer.ErrCorrupt, "members"},
		{"more members", []int{0, 1, 2, 3}, func(b []byte) { b[92] = 6 }, layer.ErrIncomplete, "member 4 (missing), member 5 (missing)"},
		{"size", []int{0, 1, 2, 3}, func(b []byte) { b[85]++ }, layer.ErrIncomplete, "bytes of"},
		{"one behind", []int{2}, func(b []byte) { le.PutUint64(b[200:], le.Uint64(b[200:])-1) }, nil, ""},
		{"two behind", []int{2}, func(b []byte) { le.PutUint64(b[200:], le.Uint64(b[200:])-2) }, nil, ""},
		{"two of them behind", []int{1, 2}, func(b []byte) { le.PutUint64(b[200:], le.Uint64(b[200:])-2) }, layer.ErrIncomplete, "out of date"},
		{"faulty", []int{3}, func(b []byte) { le.PutUint16(b[256+2*int(le.Uint32(b[160:])):], 0xfffe) }, nil, ""},
		{"spare", []int{3}, func(b []byte) { le.PutUint16(b[256+2*int(le.Uint32(b[160:])):], 0xffff) }, nil, ""},
		{"number", []int{3}, func(b []byte) { le.PutUint32(b[160:], 9999) }, nil, ""},
		{"replacement", []int{3}, func(b []byte) { b[8] |= featureReplacement }, nil, ""},
		{"recovering", []int{3}, func(b []byte) { b[8] |= featureRecovery; le.PutUint64(b[152:], 100) }, nil, ""},
		{"recovering by the bitmap", []int{3}, func(b []byte) { b[8] |= featureRecovery; b[8] |= featureRecoveryBitmap }, nil, ""},
		{"dirty", []int{0, 1, 2, 3}, func(b []byte) { le.PutUint64(b[208:], 0) }, nil, ""},
		{"write-mostly", []int{1}, func(b []byte) { b[184] |= devWriteMostly }, nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			devices, data, at := loaded(t, "arrays", "r5-ls")
			for _, i := range c.members {
				b := data[i][at[i]:]
				c.change(b)
				seal(b)
			}
			fsys, err := Open(devices)
			require.NoError(t, err)
			a := fsys.Arrays()[0]
			if c.kind != nil {
				require.ErrorIs(t, a.Err, c.kind)
				require.ErrorContains(t, a.Err, c.text)
				_, err := fsys.Open(a.Name)
				require.ErrorIs(t, err, c.kind)
				return
			}
			f, err := fsys.Open(a.Name)
			require.NoError(t, err)
			check(t, f.(layer.File), sums(t, "arrays")["r5-ls"])
		})
	}
}

// TestDirty: an array that was not stopped, and lacks a member, has parity
// that nobody can trust where its bitmap does not say that it is clean.
func TestDirty(t *testing.T) {
	for name, set := range map[string]string{"r5-ls": "arrays", "s5": "stale"} {
		devices, data, at := loaded(t, set, name)
		for i := range data {
			binary.LittleEndian.PutUint64(data[i][at[i]+208:], 8) // sectors in sync
			seal(data[i][at[i]:])
		}
		fsys, err := Open(slices.Delete(devices, 1, 2))
		require.NoError(t, err)
		f, err := fsys.Open(name)
		require.NoError(t, err)
		n, err := f.(layer.File).ReadAt(make([]byte, f.(layer.File).Size()), 0)
		require.ErrorIs(t, err, layer.ErrIncomplete)
		require.ErrorContains(t, err, "its parity is not known to be up to date")
		require.GreaterOrEqual(t, n, 4096)
	}
}

// TestReadSuperblock: what is no superblock, and what is a broken one.
func TestReadSuperblock(t *testing.T) {
	_, err := ReadSuperblock(bytes.NewReader(make([]byte, 200<<10)), 200<<10)
	require.ErrorIs(t, err, layer.ErrFormat)
	_, err = ReadSuperblock(bytes.NewReader(nil), 0)
	require.ErrorIs(t, err, layer.ErrFormat)
	_, err = Open(nil)
	require.ErrorIs(t, err, layer.ErrFormat)
	for _, name := range []string{"r5-ls", "r4-16", "r1"} {
		devices, data, at := loaded(t, "arrays", name)
		require.True(t, HasSuperblock(data[0][:8192], devices[0].Reader, devices[0].Size))
		for _, c := range []struct {
			off  int64
			text string
		}{{217, "checksum"}, {223, "roles"}, {145, "no md superblock"}, {0, "no md superblock"}} {
			data[0][at[0]+c.off] ^= 0x40
			_, err := Open(devices[:1])
			require.ErrorContains(t, err, c.text)
			data[0][at[0]+c.off] ^= 0x40
		}
		failed := errors.New("bad sector")
		_, err = ReadSuperblock(broken{failed}, devices[0].Size)
		require.ErrorIs(t, err, failed)
		require.NotErrorIs(t, err, layer.ErrCorrupt)
		require.False(t, HasSuperblock(nil, broken{failed}, devices[0].Size))
		// Cut short, the data is not there.
		_, err = ReadSuperblock(devices[0].Reader, 130<<10)
		require.True(t, errors.Is(err, layer.ErrIncomplete) || errors.Is(err, layer.ErrFormat), err)
	}
}

type broken struct{ err error }

func (b broken) ReadAt([]byte, int64) (int, error) { return 0, b.err }

// TestVersion90 breaks superblocks of version 0.90.
func TestVersion90(t *testing.T) {
	var name string
	for n, devices := range parts(t, disks(t, "arrays")) {
		if sb, err := ReadSuperblock(devices[0].Reader, devices[0].Size); err == nil && sb.Version == "0.90" && sb.Level == 5 {
			name = n
		}
	}
	for _, c := range []struct {
		word  int
		value uint32
		kind  error
		text  string
	}{
		{2, 91, layer.ErrUnsupported, "reshaped"},
		{2, 92, layer.ErrUnsupported, "version 0.92"},
		{33, 0, nil, ""}, // not stopped
		{33, 1 << 8, nil, ""},
		{8, 1 << 30, layer.ErrIncomplete, "bytes of data"},
		{128 + 4, 1, nil, ""}, // the first disk is faulty
		{128 + 4, 0, nil, ""}, // or a spare
	} {
		devices, data, at := loaded(t, "arrays", name)
		for i := range data {
			binary.LittleEndian.PutUint32(data[i][at[i]+4*int64(c.word):], c.value)
			seal(data[i][at[i]:])
		}
		fsys, err := Open(devices)
		if err == nil {
			err = fsys.Arrays()[0].Err
		}
		if c.kind != nil {
			require.ErrorIs(t, err, c.kind)
			require.ErrorContains(t, err, c.text)
			continue
		}
		require.NoError(t, err)
		f, err := fsys.Open(fsys.Arrays()[0].Name)
		require.NoError(t, err)
		check(t, f.(layer.File), sums(t, "arrays")["r5-090"])
	}
	devices, data, at := loaded(t, "arrays", name)
	b := data[0][at[0]:]
	b[4*38]++
	_, err := Open(devices[:1])
	require.ErrorIs(t, err, layer.ErrCorrupt)
	binary.BigEndian.PutUint32(b, magic)
	_, err = Open(devices[:1])
	require.ErrorIs(t, err, layer.ErrUnsupported)
	require.ErrorContains(t, err, "big-endian")
}

// TestClone: a disk and its clone are not one member.
func TestClone(t *testing.T) {
	devices, _, _ := loaded(t, "arrays", "r1")
	fsys, err := Open(append(devices, devices[0]))
	require.NoError(t, err)
	require.ErrorIs(t, fsys.Arrays()[0].Err, layer.ErrCorrupt)
	require.ErrorContains(t, fsys.Arrays()[0].Err, "open a disk and its clone apart")
}

// TestNames: arrays of one name get their UUIDs, and names that are no names
// are not used.
func TestNames(t *testing.T) {
	var all []Device
	for i, text := range []string{"h:data", "data", "h:", "a/b", ".."} {
		devices, data, at := loaded(t, "arrays", "r1")
		for j := range data {
			b := data[j][at[j]:]
			b[16] = byte(0x10 + i) // the UUID
			clear(b[32:64])
			copy(b[32:], text)
			seal(b)
		}
		all = append(all, devices...)
	}
	fsys, err := Open(all)
	require.NoError(t, err)
	var names []string
	for _, a := range fsys.Arrays() {
		names = append(names, a.Name)
		_, err := fsys.Stat(a.Name)
		require.NoError(t, err)
	}
	short := fsys.Arrays()[0].UUID[2:8]
	require.Equal(t, []string{"data~10" + short, "data~11" + short, "md-12" + short, "md-13" + short, "md-14" + short}, names)
	require.Empty(t, fsys.Warnings())
}

// TestSourceErrors: an error of a device names it.
func TestSourceErrors(t *testing.T) {
	devices, data, _ := loaded(t, "arrays", "r5-ls")
	failed := errors.New("bad sector")
	devices[2].Reader = until{bytes.NewReader(data[2]), 200 << 10, failed}
	fsys, err := Open(devices)
	require.NoError(t, err)
	f, err := fsys.Open("r5-ls")
	require.NoError(t, err)
	_, err = io.Copy(io.Discard, f)
	require.ErrorIs(t, err, failed)
	require.ErrorContains(t, err, devices[2].Name)
}

// until is a source whose bytes from limit on cannot be read.
type until struct {
	r     io.ReaderAt
	limit int64
	err   error
}

func (u until) ReadAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) > u.limit {
		return 0, u.err
	}
	return u.r.ReadAt(p, off)
}

// TestDirtyBitmap: a bitmap limits what is in doubt to the regions that were
// written to.
func TestDirtyBitmap(t *testing.T) {
	le := binary.LittleEndian
	const region = 64 << 10
	for _, c := range []struct {
		name   string
		change func(bitmap []byte)
		clean  bool // beside the region
	}{
		{"as it is", func([]byte) {}, true},
		{"old", func(b []byte) { b[24] = 0 }, false},
		{"stale", func(b []byte) { b[48] = 2 }, false},
		{"other version", func(b []byte) { b[4] = 3 }, false},
		{"damaged", func(b []byte) { b[0]++ }, false},
		{"odd regions", func(b []byte) { b[52]++ }, false},
	} {
		devices, data, at := loaded(t, "arrays", "r5-ls")
		for i := range data {
			b := data[i][at[i]:]
			le.PutUint64(b[208:], 0)
			b[8] |= featureBitmap
			le.PutUint32(b[96:], 8)
			le.PutUint64(b[200:], 77)
			seal(b)
			m := b[4096:]
			clear(m[:512])
			copy(m, "bitm")
			m[4] = 4
			le.PutUint64(m[24:], 77)
			le.PutUint64(m[40:], 768)
			le.PutUint32(m[52:], region)
			m[256] = 1 << 2 // the third region
			c.change(m)
		}
		fsys, err := Open(slices.Delete(devices, 1, 2))
		require.NoError(t, err)
		f, err := fsys.Open("r5-ls")
		require.NoError(t, err)
		buf := make([]byte, 3*region)
		_, err = f.(layer.File).ReadAt(buf, 3*2*region)
		require.ErrorIs(t, err, layer.ErrIncomplete, c.name)
		_, err = f.(layer.File).ReadAt(buf, 3*region)
		if c.clean {
			require.NoError(t, err, c.name)
		} else {
			require.ErrorIs(t, err, layer.ErrIncomplete, c.name)
		}
		_, err = f.(layer.File).ReadAt(buf[:region], f.(layer.File).Size()-region)
		require.Equal(t, c.clean, err == nil, c.name)
	}
}
