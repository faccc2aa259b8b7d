package ntfs

import (
	"bytes"
	"errors"
	"io/fs"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/layer"
)

// A patient is a golden image that is about to be hurt.
type patient struct {
	t     *testing.T
	name  string
	image []byte
	fsys  *FS
}

func newPatient(t *testing.T, name string) *patient {
	return &patient{t, name, bytes.Clone(image(t, name)), golden(t, name)}
}

// number returns the file record of a path.
func (p *patient) number(name string) uint64 {
	info, err := p.fsys.Lstat(name)
	require.NoError(p.t, err)
	return info.Sys().(*FileRecord).Number
}

// edit changes a protected record of n bytes, and seals it again.
func (p *patient) edit(off, n int64, change func(r []byte)) {
	r := p.image[off:][:n]
	require.True(p.t, applyFixups(r))
	change(r)
	seal(r)
}

// record changes a file record.
func (p *patient) record(number uint64, change func(r record)) {
	p.edit(p.fsys.mft.place(number), p.fsys.geo.recordSize, func(r []byte) { change(r) })
}

// attribute changes an attribute of a file.
func (p *patient) attribute(number uint64, kind uint32, name string, change func(a attribute)) {
	p.record(number, func(r record) {
		s := attributesOf(r)
		for s.advance() {
			if s.kind() == kind && text(s.name()) == name {
				change(s.attribute)
				return
			}
		}
		p.t.Fatalf("record %d: no attribute %#x %q", number, kind, name)
	})
}

// block changes the first block in use of a directory's index.
func (p *patient) block(number uint64, change func(b []byte)) {
	x, err := p.fsys.file(fileRef(number))
	require.NoError(p.t, err)
	ix, err := x.index(indexNames)
	require.NoError(p.t, err)
	for n := int64(0); ; n++ {
		if !ix.used(n) {
			continue
		}
		for e, err := range ix.blocks.Extents() {
			require.NoError(p.t, err)
			if at := n*ix.blockSize - e.Offset; at >= 0 && at < e.Length {
				p.edit(e.Physical+at, ix.blockSize, change)
				return
			}
		}
	}
}

// reopen opens the volume as it is now.
func (p *patient) reopen() (*FS, error) {
	return Open(bytes.NewReader(p.image), int64(len(p.image)))
}

// use does all that can be done with a file, and returns the first error.
func use(f *FS, name string) error {
	info, err := f.Lstat(name)
	if err != nil {
		return err
	}
	r := info.Sys().(*FileRecord)
	_, nameErr := r.Names()
	_, streamErr := r.Xattrs()
	_, idErr := r.ObjectID()
	_, securityErr := r.SecurityDescriptor()
	err = errors.Join(nameErr, streamErr, idErr, securityErr)
	switch {
	case info.IsDir():
		_, listErr := f.ReadDir(name)
		return errors.Join(err, listErr)
	case info.Mode()&fs.ModeSymlink != 0:
		_, linkErr := f.ReadLink(name)
		return errors.Join(err, linkErr)
	}
	_, readErr := f.ReadFile(name)
	return errors.Join(err, readErr)
}

// put returns a change of bytes.
func put(at int, value ...byte) func(b []byte) {
	return func(b []byte) { copy(b[at:], value) }
}

func inAttribute(kind uint32, name string, change func(b []byte)) func(*patient, uint64) {
	return func(p *patient, n uint64) { p.attribute(n, kind, name, func(a attribute) { change(a) }) }
}

func inRecord(change func(b []byte)) func(*patient, uint64) {
	return func(p *patient, n uint64) { p.record(n, func(r record) { change(r) }) }
}

func inBlock(change func(b []byte)) func(*patient, uint64) {
	return func(p *patient, n uint64) { p.block(n, change) }
}

// inList changes the first entry of an attribute list for a type.
func inList(kind uint32, change func(e []byte)) func(*patient, uint64) {
	return func(p *patient, n uint64) {
		x, err := p.fsys.file(fileRef(n))
		require.NoError(p.t, err)
		require.NotNil(p.t, x.list)
		at := bytes.Index(p.image, x.list)
		require.Positive(p.t, at)
		for le.Uint32(p.image[at:]) != kind {
			at += int(le.Uint16(p.image[at+4:]))
		}
		change(p.image[at:])
	}
}

// TestDamage breaks each structure under sound fixups: what needs it fails by
// name, and everything else is read as before.
func TestDamage(t *testing.T) {
	for _, c := range []struct {
		what, image, path string
		hurt              func(p *patient, number uint64)
		kind              error
		text              string
	}{
		{"record: signature", "resumed", "dir/resident", inRecord(put(0, 'X')), layer.ErrCorrupt, "signature"},
		{"record: marked bad", "resumed", "dir/resident", func(p *patient, n uint64) { copy(p.image[p.fsys.mft.place(n):], magicBad) }, layer.ErrCorrupt, "torn"},
		{"record: torn", "resumed", "dir/resident", func(p *patient, n uint64) { p.image[p.fsys.mft.place(n)+510]++ }, layer.ErrCorrupt, "torn"},
		{"record: not in use", "resumed", "dir/resident", inRecord(put(0x16, 0)), layer.ErrCorrupt, "not in use"},
		{"record: used again", "resumed", "dir/resident", inRecord(put(0x10, 9)), layer.ErrCorrupt, "sequence number is 9"},
		{"record: of another", "resumed", "dir/resident", inRecord(put(0x20, 64, 0, 0, 0, 0, 0, 1)), layer.ErrCorrupt, "part of file record 64"},
		{"record: too long", "resumed", "dir/resident", inRecord(put(0x18, 0, 0, 1)), layer.ErrCorrupt, "bytes in use"},
		{"record: no attributes", "resumed", "dir/resident", inRecord(put(0x14, 0)), layer.ErrCorrupt, "attributes from 0"},
		{"record: without an end", "resumed", "dir/resident", inRecord(func(b []byte) { le.PutUint32(b[0x18:], uint32(le.Uint16(b[0x14:]))+2) }), layer.ErrCorrupt, "no end"},
		{"attribute: length 0", "resumed", "dir/resident", inAttribute(attrData, "", put(4, 0)), layer.ErrCorrupt, "0 bytes long"},
		{"attribute: too long", "resumed", "dir/resident", inAttribute(attrData, "", put(5, 0xF0)), layer.ErrCorrupt, "left"},
		{"attribute: name outside", "resumed", "dir/resident", inAttribute(attrData, "", put(9, 0xFF)), layer.ErrCorrupt, "name is outside"},
		{"attribute: value outside", "resumed", "dir/resident", inAttribute(attrData, "", put(0x11, 0xFF)), layer.ErrCorrupt, "of value at"},
		{"no times", "resumed", "dir/resident", inAttribute(attrStandardInformation, "", put(0, 0x18)), layer.ErrCorrupt, "no $STANDARD_INFORMATION"},
		{"times too short", "resumed", "dir/resident", inAttribute(attrStandardInformation, "", put(0x10, 8)), layer.ErrCorrupt, "too short"},
		{"name too short", "resumed", "dir/resident", inAttribute(attrFileName, "", put(0x10, 8)), layer.ErrCorrupt, "name"},
		{"runs: form", "fragmented", "pieces-0060", inAttribute(attrData, "", func(b []byte) { b[le.Uint16(b[0x20:])] = 0x9F }), layer.ErrCorrupt, "form 0x9f"},
		{"runs: end", "fragmented", "pieces-0060", inAttribute(attrData, "", func(b []byte) { b[le.Uint16(b[0x20:])] = 0 }), layer.ErrCorrupt, "end at cluster 0"},
		{"runs: outside of it", "fragmented", "pieces-0060", inAttribute(attrData, "", put(0x21, 0xFF)), layer.ErrCorrupt, "runs are outside"},
		{"allocated size", "fragmented", "pieces-0060", inAttribute(attrData, "", put(0x2B, 1)), layer.ErrCorrupt, "allocated size"},
		{"data size", "fragmented", "pieces-0060", inAttribute(attrData, "", put(0x33, 1)), layer.ErrCorrupt, "bytes in"},
		{"negative size", "fragmented", "pieces-0060", inAttribute(attrData, "", put(0x37, 0x80)), layer.ErrCorrupt, "sizes"},
		{"clusters", "fragmented", "pieces-0060", inAttribute(attrData, "", put(0x17, 0x80)), layer.ErrCorrupt, "clusters"},
		{"first cluster", "fragmented", "pieces-0060", inAttribute(attrData, "", put(0x10, 1)), layer.ErrCorrupt, "no attribute 0x80 from cluster 0"},
		{"method", "fragmented", "pieces-0060", inAttribute(attrData, "", put(0x0C, 2)), layer.ErrUnsupported, "method 2"},
		{"unit", "fragmented", "pieces-0060", inAttribute(attrData, "", put(0x0C, 1)), layer.ErrCorrupt, "compression units"},
		{"encrypted", "fragmented", "pieces-0060", inAttribute(attrData, "", put(0x0D, 0x40)), layer.ErrUnsupported, "EFS"},
		{"list: length 0", "fragmented", "pieces-1700", inList(attrData, put(4, 0)), layer.ErrCorrupt, "an entry of 0 bytes"},
		{"list: first cluster", "fragmented", "pieces-1700", inList(attrData, put(8, 1)), layer.ErrCorrupt, "begins at cluster 1"},
		{"list: instance", "fragmented", "pieces-1700", inList(attrData, put(0x18, 0xEE)), layer.ErrCorrupt, "no attribute 0x80"},
		{"list: record", "fragmented", "pieces-1700", inList(attrData, put(0x10, 5, 0, 0, 0, 0, 0, 5)), layer.ErrCorrupt, "no part of"},
		{"list: record outside", "fragmented", "pieces-1700", inList(attrData, put(0x13, 1)), layer.ErrCorrupt, "$MFT has"},
		{"root: entries", "resumed", "dir", inAttribute(attrIndexRoot, "$I30", func(b []byte) { attribute(b).value()[0x11] = 0xFF }), layer.ErrCorrupt, "entries at"},
		{"root: block size", "resumed", "dir", inAttribute(attrIndexRoot, "$I30", func(b []byte) { attribute(b).value()[8] = 1 }), layer.ErrCorrupt, "blocks of"},
		{"root: entry", "resumed", "dir", inAttribute(attrIndexRoot, "$I30", func(b []byte) { attribute(b).value()[0x28] = 3 }), layer.ErrCorrupt, "an entry of"},
		{"root: name", "resumed", "dir", inAttribute(attrIndexRoot, "$I30", func(b []byte) { attribute(b).value()[0x30+0x40] = 0xFF }), layer.ErrCorrupt, "a name in"},
		{"root: gone", "resumed", "dir", inAttribute(attrIndexRoot, "$I30", put(0, 0x98)), layer.ErrCorrupt, "no root of the index"},
		{"block: signature", "crowded", "all", inBlock(put(0, 'X')), layer.ErrCorrupt, "signature"},
		{"block: cluster", "crowded", "all", inBlock(put(0x11, 0x7F)), layer.ErrCorrupt, "says that it is at"},
		{"block: entries", "crowded", "all", inBlock(put(0x1D, 0xFF)), layer.ErrCorrupt, "entries at"},
		{"block: not in use", "crowded", "all", inAttribute(attrBitmap, "$I30", func(b []byte) { clear(attribute(b).value()) }), layer.ErrCorrupt, "child and not in use"},
		{"blocks gone", "crowded", "all", inAttribute(attrIndexAllocation, "$I30", put(0, 0xA8)), layer.ErrCorrupt, "without its blocks"},
		{"bitmap gone", "crowded", "all", inAttribute(attrBitmap, "$I30", put(0, 0xB8)), layer.ErrCorrupt, "without a bitmap"},
		{"object ID", "objects", "file", inAttribute(attrObjectID, "", put(0x10, 3)), layer.ErrCorrupt, "object ID"},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			p := newPatient(t, c.image)
			c.hurt(p, p.number(c.path))
			f, err := p.reopen()
			require.NoError(t, err)
			err = use(f, c.path)
			require.ErrorIs(t, err, c.kind)
			require.ErrorContains(t, err, c.text)
			p.others(f, c.path)
		})
	}
}

// others checks that everything that does not need the file at hurt is read.
func (p *patient) others(f *FS, hurt string) {
	for _, l := range manifest(p.t, p.name) {
		if l.SHA256 == "" || l.Size > 1<<20 || l.Path == hurt || bytes.HasPrefix([]byte(l.Path), []byte(hurt+"/")) {
			continue
		}
		digest, err := sum(f, l.Path)
		if assert.NoError(p.t, err, l.Path) {
			assert.Equal(p.t, l.SHA256, digest, l.Path)
		}
	}
}

// TestEntryDisagrees: an entry that calls a file a directory is an error. A walk
// that believed the reverse would pass over a whole tree.
func TestEntryDisagrees(t *testing.T) {
	p := newPatient(t, "resumed")
	p.attribute(p.number("dir"), attrIndexRoot, indexNames, func(a attribute) {
		name := []byte("r\x00e\x00s\x00i\x00d\x00e\x00n\x00t\x00")
		at := bytes.Index(a, name)
		require.Positive(t, at)
		a[at-fileNameHeader+0x3B] ^= attributeIndex >> 24
	})
	f, err := p.reopen()
	require.NoError(t, err)
	list, err := f.ReadDir("dir")
	require.NoError(t, err)
	refused := 0
	for _, e := range list {
		if _, err := e.Info(); e.Name() == "resident" {
			require.True(t, e.IsDir())
			require.ErrorIs(t, err, layer.ErrCorrupt)
			require.ErrorContains(t, err, "disagree")
			refused++
		} else {
			require.NoError(t, err)
		}
	}
	require.Equal(t, 1, refused)
}
