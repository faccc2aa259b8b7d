package ext3

import (
	"bytes"
	"testing"

	"github.com/vmdkfs/vmdkfs/internal/extent"
	"github.com/vmdkfs/vmdkfs/internal/testimg"
)

// fuzzed returns the root of an image whose decoders a target calls.
func fuzzed(f *testing.F, image string) (*FS, *Inode) {
	data := testimg.Load(f, "ext/"+image+".img.gz")
	fsys, err := Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		f.Fatal(err)
	}
	info, err := fsys.Stat(".")
	if err != nil {
		f.Fatal(err)
	}
	return fsys, info.Sys().(*Inode)
}

// FuzzXattrs decodes blocks of extended attributes.
func FuzzXattrs(f *testing.F) {
	_, root := fuzzed(f, "ext4-8k")
	f.Add([]byte{4, 1, 20, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 'n', 'a', 'm', 'e', 'v', 'a', 'l', 0, 0, 0, 0, 0}, uint8(0))
	f.Add([]byte{0, 2, 24, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0}, uint8(0))
	f.Fuzz(func(t *testing.T, area []byte, start uint8) {
		if int(start) > len(area) {
			return
		}
		used := 0
		for e, err := range root.xattrEntries(area, int(start), 0) {
			testimg.CheckKind(t, "entry", err)
			if err != nil {
				break
			}
			if used += xattrEntryHeader + len(e.name); used > len(area) {
				t.Fatalf("%d bytes of entries in %d", used, len(area))
			}
			if e.inum == 0 && int64(len(e.value)) != e.size {
				t.Fatalf("%s: %d bytes of %d", e.fullName(), len(e.value), e.size)
			}
			if acl, err := decodeACL(e.value); err == nil && len(acl) > 4+2*len(e.value) {
				t.Fatalf("%d bytes of ACL from %d", len(acl), len(e.value))
			}
		}
	})
}

// FuzzDirBlock decodes blocks of directories, linear and of a hash index.
func FuzzDirBlock(f *testing.F) {
	fsys, root := fuzzed(f, "ext2-1k")
	for b, err := range root.dirBlocks() {
		if err == nil {
			f.Add(b.data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if int64(len(data)) > fsys.geo.blockSize {
			return
		}
		used := 0
		for e, err := range root.blockEntries(dirBlock{data, 0}) {
			testimg.CheckKind(t, "entry", err)
			if used += direntHeader + len(e.name); used > len(data)+direntHeader {
				t.Fatalf("%d bytes of entries in %d", used, len(data))
			}
		}
		if int64(len(data)) < fsys.geo.blockSize {
			return
		}
		if at := dxCountLimit(data); at > 0 {
			entries := dxEntries(data, at)
			for _, hash := range []uint32{0, 1, 1 << 31, 1<<32 - 1} {
				if len(entries) > 0 {
					entries.child(entries.search(hash))
				}
			}
		}
	})
}

// FuzzExtents reads files through extent trees whose roots the fuzzer makes.
func FuzzExtents(f *testing.F) {
	fsys, _ := fuzzed(f, "ext4-extents")
	f.Add([]byte{0x0A, 0xF3, 1, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 50, 0, 0, 0}, int64(20000))
	f.Add([]byte{0x0A, 0xF3, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0x80, 0, 0, 50, 0, 0, 0, 9, 0, 0, 0, 1, 0, 0, 0, 9}, int64(1<<40))
	f.Add([]byte{0x0A, 0xF3, 1, 0, 4, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 100}, int64(20000))
	f.Fuzz(func(t *testing.T, node []byte, size int64) {
		i := &Inode{fsys: fsys, Number: 12, Length: size & (1<<44 - 1)}
		copy(i.block[:], node)
		r := extent.NewReader(extentTree{i}, i.Length, bytes.NewReader(nil))
		end, count := int64(0), 0
		for x, err := range r.Extents() {
			testimg.CheckKind(t, "extents", err)
			if err != nil {
				break
			}
			if x.Offset < end || x.Length <= 0 || x.Physical < 0 || x.Physical > int64(fsys.geo.blocks)*fsys.geo.blockSize-x.Length {
				t.Fatalf("%+v behind %d", x, end)
			}
			if end, count = x.Offset+x.Length, count+1; count > 1000 {
				break
			}
		}
	})
}

// FuzzDirHash: the hashes of names are of whatever bytes there are.
func FuzzDirHash(f *testing.F) {
	fsys, _ := fuzzed(f, "ext3-dirs")
	f.Add([]byte("name"), uint8(1))
	f.Add([]byte("\xff\x00 a longer name than thirty two bytes have room for"), uint8(2))
	f.Fuzz(func(t *testing.T, name []byte, version uint8) {
		if h, ok := fsys.super.dirHash(version); ok && h.of(name)&1 != 0 {
			t.Fatalf("the lowest bit of a hash is set: it marks collisions")
		}
		foldName(name)
	})
}
