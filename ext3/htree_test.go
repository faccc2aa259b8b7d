package ext3

import (
	"path"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vmdkfs/vmdkfs/internal/testimg"
)

// TestIndex looks every name of every indexed directory of the golden images
// up through its index, which must find it without a scan.
func TestIndex(t *testing.T) {
	for _, name := range []string{"ext3-dirs", "ext4-default", "ext4-encrypt"} {
		f, err := open(t, name)
		require.NoError(t, err)
		found := 0
		for p, file := range testimg.Manifest(t, "ext/"+name+".manifest.jsonl.gz") {
			if file.Type != "dir" {
				continue
			}
			info, err := f.Stat(p)
			if err != nil && name == "ext4-encrypt" {
				continue // the kernel's manifest has other names
			}
			require.NoError(t, err)
			dir := info.Sys().(*Inode)
			if dir.Flags&flagHashIndex == 0 {
				continue
			}
			for raw, err := range dir.entries() {
				require.NoError(t, err)
				got, ok := dir.find(dir.match(raw.name))
				require.True(t, ok, "%s: %q", p, raw.name)
				require.Equal(t, raw.number, got.number)
				found++
			}
			_, ok := dir.find(dir.match([]byte("not there")))
			require.False(t, ok)
		}
		if name != "ext4-encrypt" {
			require.Greater(t, found, 100, name)
		}
	}
}

// TestBrokenIndex breaks the root of an index in several ways: names are found
// all the same.
func TestBrokenIndex(t *testing.T) {
	for _, patch := range []func(block []byte){
		func(b []byte) { b[dxInfoHash] = 99 },
		func(b []byte) { b[dxInfoLevels] = 9 },
		func(b []byte) { le.PutUint16(b[dxRootAt+2:], 0xFFFF) },
		func(b []byte) { le.PutUint16(b[dxRootAt+2:], 0) },
		func(b []byte) { le.PutUint32(b[dxRootAt+4:], 0x0FFFFFFF); le.PutUint16(b[dxRootAt+2:], 1) },
		func(b []byte) { b[29] = 7 },
	} {
		f, err := open(t, "ext3-dirs")
		require.NoError(t, err)
		info, err := f.Stat("two-levels")
		require.NoError(t, err)
		dir := info.Sys().(*Inode)
		list, err := f.ReadDir("two-levels")
		require.NoError(t, err)
		root, ok := dir.dirBlock(0)
		require.True(t, ok)
		patch(root.data) // in the cache
		for _, e := range list[:20] {
			_, err := f.Lstat(path.Join("two-levels", e.Name()))
			require.NoError(t, err)
		}
	}
}

// TestDirHash compares with what debugfs's dx_hash prints.
func TestDirHash(t *testing.T) {
	for _, c := range []struct {
		version uint8
		name    string
		want    uint32
	}{
		{0, "a", 0xe74b53e2},
		{0, "hello.txt", 0x65a05776},
		{0, "a-name-that-is-longer-than-thirty-two-bytes.txt", 0x5db937cc},
		{0, "0123456789abcdef", 0x415c16fe},
		{0, "grün", 0xc202f150},
		{1, "a", 0xd5fa7d7a},
		{1, "hello.txt", 0xa26e1d86},
		{1, "a-name-that-is-longer-than-thirty-two-bytes.txt", 0x64c337ba},
		{1, "0123456789abcdef", 0x8cb502b6},
		{1, "grün", 0x95d9284},
		{2, "a", 0x6d0ea4c0},
		{2, "hello.txt", 0x5107c3f2},
		{2, "a-name-that-is-longer-than-thirty-two-bytes.txt", 0x17a2f4c},
		{2, "0123456789abcdef", 0x5a0788b2},
		{2, "grün", 0xa7ae33b6},
		{3, "a", 0xe74b53e2},
		{3, "hello.txt", 0x65a05776},
		{3, "a-name-that-is-longer-than-thirty-two-bytes.txt", 0x5db937cc},
		{3, "0123456789abcdef", 0x415c16fe},
		{3, "grün", 0x98481b52},
		{4, "a", 0xd5fa7d7a},
		{4, "hello.txt", 0xa26e1d86},
		{4, "a-name-that-is-longer-than-thirty-two-bytes.txt", 0x64c337ba},
		{4, "0123456789abcdef", 0x8cb502b6},
		{4, "grün", 0x117549e4},
		{5, "a", 0x6d0ea4c0},
		{5, "hello.txt", 0x5107c3f2},
		{5, "a-name-that-is-longer-than-thirty-two-bytes.txt", 0x17a2f4c},
		{5, "0123456789abcdef", 0x5a0788b2},
		{5, "grün", 0x14bb53ae},
	} {
		s := new(superblock)
		h, ok := s.dirHash(c.version)
		require.True(t, ok)
		require.Equal(t, c.want, h.of([]byte(c.name)), "%d %q", c.version, c.name)
	}
	_, ok := new(superblock).dirHash(6) // siphash
	require.False(t, ok)
}
