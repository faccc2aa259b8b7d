package iso

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/layer"
)

// An editor changes an image.
type editor struct {
	t     *testing.T
	image []byte
}

// at returns the image from the directory record of a file on.
func (e *editor) at(name string) record {
	e.t.Helper()
	fsys, err := opened(e.image)
	require.NoError(e.t, err)
	info, err := fsys.Lstat(name)
	require.NoError(e.t, err)
	return record(e.image[info.Sys().(*Sys).Record:])
}

// field returns the data of a field in the record of a file.
func (e *editor) field(name, signature string) []byte {
	e.t.Helper()
	r := e.at(name)
	r = r[:r[0]]
	i := bytes.Index(r, []byte(signature))
	require.Positive(e.t, i)
	return r[i+fieldHeader:]
}

// sub returns the first sector of the directory "sub": its records.
func (e *editor) sub() []byte { return e.image[int(e.at("sub").block())*sectorSize:] }

// damageable returns the tree that the damages are done to.
func damageable() *memNode {
	device := newNode(fs.ModeDevice|0600, 7)
	long := memData([]byte("x"))
	return memTree(
		memEntry{"dev", device},
		memEntry{"file", memData([]byte("content"))},
		memEntry{"last", memData([]byte("last"))},
		memEntry{"link", memSymlink("target")},
		memEntry{strings.Repeat("n", 200), long},
		memEntry{"sub", memTree(memEntry{"inner", memTree(memEntry{"f", memData(nil)})})},
		memEntry{"tub", memTree()},
	)
}

// walkAll reads all that can be reached, and returns all errors.
func walkAll(fsys *FS) error {
	var errs []error
	_ = fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		if err == nil && d.Type()&fs.ModeSymlink != 0 {
			_, err = fsys.ReadLink(p)
		} else if err == nil && d.Type().IsRegular() {
			_, err = fsys.ReadFile(p)
		}
		errs = append(errs, err)
		return nil
	})
	return errors.Join(errs...)
}

func TestDamagedImage(t *testing.T) {
	le := binary.LittleEndian
	pvd := systemSectors * sectorSize
	for name, test := range map[string]struct {
		damage func(e *editor)
		tree   Tree
		open   error // of Open
		walk   error // of all that follows
		detail string
	}{
		"empty":             {damage: func(e *editor) { e.image = nil }, open: layer.ErrFormat},
		"UDF alone":         {damage: func(e *editor) { copy(e.image[pvd+1:], "BEA01") }, open: layer.ErrUnsupported, detail: "UDF alone"},
		"no signature":      {damage: func(e *editor) { e.image[pvd+1] = 'X' }, open: layer.ErrFormat, detail: "no CD001"},
		"cut descriptors":   {damage: func(e *editor) { e.image = e.image[:pvd+sectorSize] }, open: layer.ErrCorrupt, detail: "terminator"},
		"no primary":        {damage: func(e *editor) { e.image[pvd] = 3 }, open: layer.ErrCorrupt, detail: "primary"},
		"no terminator":     {damage: func(e *editor) { clear(e.image[pvd+2*sectorSize:][:10]) }},
		"block size":        {damage: func(e *editor) { e.image[pvd+128] = 7 }, open: layer.ErrCorrupt, detail: "blocks of"},
		"no root":           {damage: func(e *editor) { e.image[pvd+156+25] = 0 }, open: layer.ErrCorrupt, detail: "root is no directory"},
		"root outside":      {damage: func(e *editor) { le.PutUint32(e.image[pvd+158:], 1<<30) }, open: layer.ErrCorrupt, detail: "beyond the end"},
		"root elsewhere":    {damage: func(e *editor) { le.PutUint32(e.image[pvd+158:], 0) }, open: layer.ErrCorrupt, detail: "not its own"},
		"Joliet root":       {tree: Joliet, damage: func(e *editor) { le.PutUint32(e.image[pvd+sectorSize+158:], 0) }, open: layer.ErrCorrupt},
		"no Joliet":         {tree: Joliet, damage: func(e *editor) { e.image[pvd+sectorSize+88] = 0 }, open: layer.ErrFormat, detail: "no tree of Joliet"},
		"no Rock Ridge":     {tree: RockRidge, damage: func(e *editor) { copy(e.image[bytes.Index(e.image, []byte("SP\x07\x01")):], "XX") }, open: layer.ErrFormat},
		"falls to Joliet":   {damage: func(e *editor) { copy(e.image[bytes.Index(e.image, []byte("SP\x07\x01")):], "XX") }},
		"root PX":           {damage: func(e *editor) { e.image[bytes.Index(e.image, []byte("PX,\x01"))+5] = 0x80 }, open: layer.ErrCorrupt, detail: "PX"},
		"root field":        {damage: func(e *editor) { e.image[bytes.Index(e.image, []byte("PX,\x01"))+2] = 255 }, open: layer.ErrCorrupt, detail: "length 255"},
		"record length":     {damage: func(e *editor) { e.at("file")[0] = 5 }, walk: layer.ErrCorrupt, detail: "length 5"},
		"record too long":   {damage: func(e *editor) { r := e.sub(); r[0] = 200; r[200] = 255; clear(r[201:2048]) }, walk: layer.ErrCorrupt},
		"identifier":        {damage: func(e *editor) { e.at("file")[32] = 250 }, walk: layer.ErrCorrupt},
		"PX short":          {damage: func(e *editor) { copy(e.at("file")[bytes.Index(e.at("file"), []byte("PX")):], "PX\x08\x01") }, walk: layer.ErrCorrupt, detail: "PX field"},
		"PX type":           {damage: func(e *editor) { e.field("file", "PX")[1] = 0x41 }, walk: layer.ErrCorrupt, detail: "do not agree"},
		"TF short":          {damage: func(e *editor) { e.field("file", "TF")[0] = 0x7f }, walk: layer.ErrCorrupt, detail: "TF field"},
		"SL component":      {damage: func(e *editor) { e.field("link", "SL")[2] = 200 }, walk: layer.ErrCorrupt, detail: "component"},
		"SL foreign":        {damage: func(e *editor) { e.field("link", "SL")[1] = 0x20 }, walk: layer.ErrUnsupported, detail: "writing host"},
		"no target":         {damage: func(e *editor) { renameField(e, "link", "SL", "ZZ") }, walk: layer.ErrCorrupt, detail: "without a target"},
		"slash in a name":   {damage: func(e *editor) { e.field("file", "NM")[2] = '/' }, walk: layer.ErrCorrupt, detail: "invalid name"},
		"CE outside":        {damage: func(e *editor) { le.PutUint32(e.field(strings.Repeat("n", 200), "CE"), 1<<30) }, walk: layer.ErrCorrupt, detail: "beyond the end"},
		"CE too large":      {damage: func(e *editor) { le.PutUint32(e.field(strings.Repeat("n", 200), "CE")[16:], 1<<30) }, walk: layer.ErrCorrupt, detail: "area of"},
		"CE endless":        {damage: endlessContinuation, walk: layer.ErrCorrupt, detail: "in a row"},
		"data outside":      {damage: func(e *editor) { le.PutUint32(e.at("file")[2:], 1<<30) }, walk: layer.ErrCorrupt, detail: "outside"},
		"interleaved":       {damage: func(e *editor) { e.at("file")[26] = 1 }, walk: layer.ErrUnsupported, detail: "interleaved"},
		"other volume":      {damage: func(e *editor) { e.image[pvd+120] = 2; e.at("file")[28] = 2 }, walk: layer.ErrIncomplete, detail: "volume 2"},
		"section missing":   {damage: func(e *editor) { e.at("file")[25] |= flagMultiExtent }, walk: layer.ErrCorrupt, detail: "last section"},
		"sections to end":   {damage: func(e *editor) { e.at("tub")[25] |= flagMultiExtent }, walk: layer.ErrCorrupt, detail: "last section"},
		"directory outside": {damage: func(e *editor) { le.PutUint32(e.at("sub")[2:], 1<<30) }, walk: layer.ErrCorrupt, detail: "beyond the end"},
		"loop":              {damage: func(e *editor) { copy(e.at("sub/inner")[2:10], e.at("sub")[2:10]) }, walk: layer.ErrCorrupt, detail: "below itself"},
		"twice":             {damage: func(e *editor) { copy(e.at("tub")[2:10], e.at("sub")[2:10]) }, walk: layer.ErrCorrupt, detail: "twice"},
		"other parent":      {damage: func(e *editor) { copy(e.at("sub/inner")[2:10], e.at("tub")[2:10]) }, walk: layer.ErrCorrupt, detail: "belongs in"},
		"zisofs":            {damage: func(e *editor) { renameField(e, "file", "TF", "ZF") }, walk: layer.ErrUnsupported, detail: "zisofs"},
		"associated":        {damage: func(e *editor) { e.at("file")[25] |= flagAssociated }},
		"stop":              {damage: func(e *editor) { renameField(e, "last", "TF", "ST") }},
	} {
		t.Run(name, func(t *testing.T) {
			image, _, err := written(memFS(damageable()))
			require.NoError(t, err)
			e := &editor{t, image}
			test.damage(e)
			fsys, err := opened(e.image, WithTree(test.tree))
			if test.open != nil {
				require.ErrorIs(t, err, test.open)
				require.ErrorContains(t, err, test.detail)
				return
			}
			require.NoError(t, err)
			err = walkAll(fsys)
			require.ErrorIs(t, err, test.walk)
			if test.walk == nil {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, test.detail)
			var le *layer.Error
			require.ErrorAs(t, err, &le)
			require.Positive(t, le.Offset)
			if !strings.HasPrefix(name, "record") && name != "identifier" && !strings.HasPrefix(name, "section") {
				data, err := fsys.ReadFile("last")
				require.NoError(t, err)
				require.Equal(t, "last", string(data))
			}
		})
	}
}

// renameField makes a field of a record another one.
func renameField(e *editor, name, signature, to string) {
	r := e.at(name)
	copy(r[bytes.Index(r, []byte(signature)):], to)
}

// endlessContinuation lets a continuation area go on in itself.
func endlessContinuation(e *editor) {
	ce := e.field(strings.Repeat("n", 200), "CE")
	area := e.image[int(le32(ce))*sectorSize+int(le32(ce[8:])):]
	copy(area, append(append([]byte("CE\x1c\x01"), ce[:24]...), "ST\x04\x01"...))
}

func TestExtendedAttributesOfOthers(t *testing.T) {
	image, _, err := written(memFS(damageable()))
	require.NoError(t, err)
	e := &editor{t, image}
	renameField(e, "file", "TF", "AL")
	fsys, err := opened(e.image)
	require.NoError(t, err)
	info, err := fsys.Stat("file")
	require.NoError(t, err)
	_, err = info.Sys().(*Sys).Xattrs()
	require.ErrorIs(t, err, layer.ErrUnsupported)
	require.ErrorContains(t, err, "AAIP")
}

func TestDamagedRelocation(t *testing.T) {
	for name, test := range map[string]struct {
		signature string
		change    func(field []byte)
		detail    string
	}{
		"nowhere":      {"CL\x0c\x01", func(f []byte) { clear(f[5:9]); f[4] = 1 }, "not its own"},
		"outside":      {"CL\x0c\x01", func(f []byte) { f[7] = 0x7f }, "beyond the end"},
		"other parent": {"PL\x0c\x01", func(f []byte) { f[4]++ }, "belongs in"},
		"short parent": {"PL\x0c\x01", func(f []byte) { f[2] = 5 }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			image := golden(t, "deep.iso")
			test.change(image[bytes.Index(image, []byte(test.signature)):])
			fsys, err := opened(image)
			require.NoError(t, err)
			err = walkAll(fsys)
			require.ErrorIs(t, err, layer.ErrCorrupt)
			require.ErrorContains(t, err, test.detail)
			_, err = fsys.ReadFile("top")
			require.NoError(t, err)
		})
	}
}

// A brokenReader fails at one offset.
type brokenReader struct {
	*bytes.Reader
	bad int64
}

func (b brokenReader) ReadAt(p []byte, off int64) (int, error) {
	if off <= b.bad && b.bad < off+int64(len(p)) {
		return 0, errMem
	}
	return b.Reader.ReadAt(p, off)
}

func TestReadErrors(t *testing.T) {
	image, _, err := written(memFS(damageable()))
	require.NoError(t, err)
	fsys, err := opened(image)
	require.NoError(t, err)
	info, err := fsys.Lstat("sub/inner/f")
	require.NoError(t, err)
	for _, bad := range []int64{systemSectors * sectorSize, int64(len(image)) - 2*sectorSize, info.Sys().(*Sys).Record} {
		fsys, err := Open(brokenReader{bytes.NewReader(image), bad}, int64(len(image)))
		if err == nil {
			err = walkAll(fsys)
		}
		require.ErrorIs(t, err, errMem)
		require.NotErrorIs(t, err, layer.ErrCorrupt)
	}
}

func TestTooDeep(t *testing.T) {
	deep := memTree()
	for range maxDepth + 1 {
		deep = memTree(memEntry{"d", deep})
	}
	image, report, err := written(memFS(deep), func(s *settings) { s.maxDepth = maxDepth + 2 })
	require.NoError(t, err)
	require.NoError(t, report.Err())
	fsys, err := opened(image)
	require.NoError(t, err)
	_, err = fsys.Stat(strings.Repeat("d/", maxDepth-1) + "d")
	require.NoError(t, err)
	_, err = fsys.Stat(strings.Repeat("d/", maxDepth) + "d")
	require.ErrorIs(t, err, layer.ErrCorrupt)
	require.ErrorContains(t, err, "deep")
}

// FuzzOpen leaves out the system area in front of an image and the padding
// behind it, so that mutations meet something.
func FuzzOpen(f *testing.F) {
	const front = systemSectors * sectorSize
	add := func(image []byte) { f.Add(bytes.TrimRight(image[front:], "\x00")) }
	for _, g := range goldens {
		if g.name != "unix" && g.name != "old" { // small images make fast mutations
			add(golden(f, g.name+".iso"))
		}
	}
	image, _, err := written(memFS(damageable()))
	require.NoError(f, err)
	add(image)
	f.Fuzz(func(t *testing.T, image []byte) {
		image = append(make([]byte, front, front+len(image)+sectorSize), image...)
		image = append(image, make([]byte, sectorSize)...)
		for _, tree := range []Tree{Best, Joliet, Plain} {
			fsys, err := opened(image, WithTree(tree))
			if err != nil {
				continue
			}
			_ = walkAll(fsys)
		}
	})
}
