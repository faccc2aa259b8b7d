package iso

import (
	"encoding/binary"
	"fmt"
	"io"
	"path"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/require"
)

// A udfReader reads the UDF file system of an image for the tests, as ECMA-167
// has it, and shares nothing with the writer: offsets are those of the
// standard. It fails the test at anything that is not as it must be.
type udfReader struct {
	t         *testing.T
	r         io.ReaderAt
	size      int64
	partition int64 // sector
	seen      map[uint32]int
	files     map[string]*udfFile
}

// A udfFile is what the reader found.
type udfFile struct {
	kind, links        int
	uid, gid, perm     uint32
	icbFlags           uint16
	size               int64
	extents            [][2]int64 // offset in the image, and bytes
	data               []byte     // embedded
	mtime              [12]byte
	icb                uint32
	unique             uint64
	extendedAttributes []byte
	allocated          int
}

func u16(b []byte) int    { return int(binary.LittleEndian.Uint16(b)) }
func u32(b []byte) uint32 { return binary.LittleEndian.Uint32(b) }

// tag reads n bytes of a descriptor, and checks its tag.
func (u *udfReader) tag(b []byte, id int, location uint32) {
	u.t.Helper()
	require.Equal(u.t, id, u16(b), "tag at block %d", location)
	require.Equal(u.t, 3, u16(b[2:]))
	var sum byte
	for i, c := range b[:16] {
		if i != 4 {
			sum += c
		}
	}
	require.Equal(u.t, sum, b[4], "checksum of tag %d", id)
	n := u16(b[10:])
	var crc uint16 // bit by bit
	for _, c := range b[16 : 16+n] {
		crc ^= uint16(c) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
	}
	require.EqualValues(u.t, crc, u16(b[8:]), "CRC of tag %d", id)
	require.Equal(u.t, location, u32(b[12:]), "location of tag %d", id)
}

func (u *udfReader) read(off, n int64) []byte {
	u.t.Helper()
	b := make([]byte, n)
	require.LessOrEqual(u.t, off+n, u.size)
	_, err := u.r.ReadAt(b, off)
	if err != io.EOF {
		require.NoError(u.t, err)
	}
	return b
}

func (u *udfReader) block(n uint32) []byte { return u.read((u.partition+int64(n))*2048, 2048) }

// readUDF returns the reader of an image, with all its files by their paths.
func readUDF(t *testing.T, r io.ReaderAt, size int64) *udfReader {
	t.Helper()
	u := &udfReader{t: t, r: r, size: size, seen: map[uint32]int{}, files: map[string]*udfFile{}}
	found := false
	for sector := int64(16); string(u.read(sector*2048+1, 5)) != "TEA01"; sector++ {
		found = found || string(u.read(sector*2048+1, 5)) == "NSR03"
	}
	require.True(t, found)
	last := uint32(size/2048) - 1
	u.tag(u.read(int64(last)*2048, 2048), 2, last)
	anchor := u.read(256*2048, 2048)
	u.tag(anchor, 2, 256)
	var root, fileSet uint32
	for copied := range 2 { // the main sequence, and its copy
		length, start := u32(anchor[16+8*copied:]), u32(anchor[20+8*copied:])
		require.EqualValues(t, 16*2048, length)
		var ids []int
		for i := uint32(0); ; i++ {
			d := u.read(int64(start+i)*2048, 2048)
			id := u16(d)
			u.tag(d, id, start+i)
			ids = append(ids, id)
			switch id {
			case 5:
				u.partition = int64(u32(d[188:]))
				require.LessOrEqual(t, (u.partition+int64(u32(d[192:])))*2048, size)
			case 6:
				require.EqualValues(t, 2048, u32(d[212:]))
				fileSet = u32(d[252:])
				integrity := u.read(int64(u32(d[436:]))*2048, 2048)
				u.tag(integrity, 9, u32(d[436:]))
				require.EqualValues(t, 1, u32(integrity[28:]))
			}
			if id == 8 {
				break
			}
		}
		require.Equal(t, []int{1, 4, 5, 6, 7, 8}, ids)
	}
	set := u.block(fileSet)
	u.tag(set, 256, fileSet)
	u.tag(u.block(fileSet+1), 8, fileSet+1)
	root = u32(set[404:])
	f := u.entry(root)
	require.Equal(t, 4, f.kind)
	require.Zero(t, f.unique)
	u.files["."] = f
	u.dir(".", f, root)
	for p, f := range u.files {
		require.Equal(t, f.links, u.seen[f.icb], "link count of %s", p)
	}
	return u
}

// entry reads a file entry with its allocation descriptors.
func (u *udfReader) entry(at uint32) *udfFile {
	u.t.Helper()
	b := u.block(at)
	u.tag(b, 261, at)
	require.Equal(u.t, 4, u16(b[20:])) // strategy
	f := &udfFile{
		kind: int(b[27]), icbFlags: uint16(u16(b[34:])), uid: u32(b[36:]), gid: u32(b[40:]), perm: u32(b[44:]), links: u16(b[48:]),
		size: int64(binary.LittleEndian.Uint64(b[56:])), mtime: [12]byte(b[84:96]), icb: at, unique: binary.LittleEndian.Uint64(b[160:]),
	}
	ea, ads := u32(b[168:]), u32(b[172:])
	f.extendedAttributes = b[176 : 176+ea]
	b = b[176+ea:][:ads]
	if f.icbFlags&7 == 3 {
		f.data = b
		require.EqualValues(u.t, f.size, len(b))
		return f
	}
	var total int64
	for len(b) > 0 {
		length, pos := u32(b), u32(b[4:])
		b = b[8:]
		if length>>30 == 3 {
			require.Empty(u.t, b)
			b = u.block(pos)
			u.tag(b, 258, pos)
			b = b[24:][:u32(b[20:])]
			f.allocated++
			continue
		}
		require.Zero(u.t, length>>30)
		if total+int64(length) < f.size {
			require.Zero(u.t, length%2048) // all but the last are whole blocks
		}
		f.extents = append(f.extents, [2]int64{(u.partition + int64(pos)) * 2048, int64(length)})
		total += int64(length)
	}
	require.Equal(u.t, f.size, total)
	return f
}

// content returns the data of a file.
func (u *udfReader) content(f *udfFile) []byte {
	u.t.Helper()
	if f.icbFlags&7 == 3 {
		return f.data
	}
	var data []byte
	for _, e := range f.extents {
		data = append(data, u.read(e[0], e[1])...)
	}
	return data
}

// dir reads the file identifiers of a directory, and all below.
func (u *udfReader) dir(p string, d *udfFile, parent uint32) {
	u.t.Helper()
	b := u.content(d)
	for pos := 0; pos < len(b); {
		fid := b[pos:]
		length := (38 + u16(fid[36:]) + int(fid[19]) + 3) &^ 3
		start := uint32(d.extents[0][0]/2048-u.partition) + uint32(pos/2048)
		u.tag(fid[:length], 257, start)
		icb := u32(fid[24:])
		u.seen[icb]++
		if pos == 0 {
			require.EqualValues(u.t, 0x0a, fid[18])
			require.Equal(u.t, parent, icb)
			pos += length
			continue
		}
		pos += length
		name := path.Join(p, cs0(u.t, fid[38:38+int(fid[19])]))
		require.NotContains(u.t, u.files, name)
		f := u.entry(icb)
		require.Equal(u.t, uint32(f.unique), u32(fid[32:]))
		require.Equal(u.t, f.kind == 4, fid[18]&2 != 0)
		u.files[name] = f
		if f.kind == 4 {
			u.dir(name, f, d.icb)
		}
	}
}

// cs0 returns compressed Unicode as UTF-8.
func cs0(t *testing.T, b []byte) string {
	t.Helper()
	require.LessOrEqual(t, len(b), 255)
	var units []uint16
	switch b[0] {
	case 8:
		for _, c := range b[1:] {
			units = append(units, uint16(c))
		}
	case 16:
		for i := 1; i < len(b); i += 2 {
			units = append(units, uint16(b[i])<<8|uint16(b[i+1]))
		}
	default:
		require.Fail(t, "compression", "%d", b[0])
	}
	return string(utf16.Decode(units))
}

// target returns the target of a symbolic link.
func (u *udfReader) target(f *udfFile) string {
	u.t.Helper()
	text, slash := "", ""
	for b := f.data; len(b) > 0; b = b[4+int(b[1]):] {
		switch b[0] {
		case 2:
			text, slash = "/", ""
			continue
		case 3:
			text += slash + ".."
		case 4:
			text += slash + "."
		case 5:
			text += slash + cs0(u.t, b[4:4+int(b[1])])
		default:
			require.Fail(u.t, "component", fmt.Sprint(b[0]))
		}
		slash = "/"
	}
	return text
}
