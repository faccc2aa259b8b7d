package ntfs

import (
	"bytes"
	"io"
	"io/fs"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
	"github.com/vmdkfs/vmdkfs/layer"
)

// TestUpCaseDamaged: without $UpCase names are found in the very case, and
// nobody is told that one is not there.
func TestUpCaseDamaged(t *testing.T) {
	data := testimg.Load(t, "ntfs/c4096.img.gz") // as it is stored: without its table
	f, err := Open(bytes.NewReader(data), int64(len(data)))
	require.NoError(t, err)
	for _, l := range manifest(t, "c4096") {
		_, err := f.Lstat(l.Path)
		require.NoError(t, err, l.Path)
	}
	for _, name := range []string{"ATTRIBUTES", "nothing", "attributes:x"} {
		_, err = f.Lstat(name)
		require.ErrorIs(t, err, layer.ErrCorrupt, name)
		require.ErrorContains(t, err, "$UpCase", name)
	}
}

// A spotty source fails every read that is larger than a limit.
type spotty struct {
	io.ReaderAt
	limit int
}

func (s spotty) ReadAt(p []byte, off int64) (int, error) {
	if len(p) > s.limit {
		return 0, iotest.ErrTimeout
	}
	return s.ReaderAt.ReadAt(p, off)
}

// TestBadSpots: where a large read fails, smaller ones get all that is there.
func TestBadSpots(t *testing.T) {
	for _, name := range []string{"c4096", "crowded"} {
		data := image(t, name)
		f, err := Open(spotty{bytes.NewReader(data), 4096}, int64(len(data)))
		require.NoError(t, err)
		require.Len(t, allPaths(t, f), len(manifest(t, name)))
	}
}

// TestMFTMap breaks the records that say where a fragmented $MFT lies.
func TestMFTMap(t *testing.T) {
	f := golden(t, "fragmented")
	table, err := f.file(recordMFT)
	require.NoError(t, err)
	require.NotNil(t, table.list)
	parts, err := table.parts(attrData, nil)
	require.NoError(t, err)
	require.Greater(t, len(parts), 1)
	for text, hurt := range map[string]func(p *patient){
		"known up to":  func(p *patient) { p.inPart(parts[1], func(a attribute) { a[0x18]-- }) },
		"runs end":     func(p *patient) { p.inPart(parts[1], func(a attribute) { a[0x18]++ }) },
		"no attribute": func(p *patient) { p.inPart(parts[1], func(a attribute) { a[0x0E]++ }) },
	} {
		p := newPatient(t, "fragmented")
		clear(p.image[p.fsys.geo.mirror:][:p.fsys.geo.recordSize]) // no second try
		hurt(p)
		_, err := p.reopen()
		require.ErrorIs(t, err, layer.ErrCorrupt, text)
	}
	_, err = (&growing{}).Map(5)
	require.ErrorContains(t, err, "lies behind it")
}

// inPart changes a part of $MFT's own map.
func (p *patient) inPart(where part, change func(a attribute)) {
	p.record(where.ref.number(), func(r record) {
		s := attributesOf(r)
		for s.advance() {
			if s.kind() == attrData && s.instance() == where.instance {
				change(s.attribute)
				return
			}
		}
		p.t.Fatal("no such part")
	})
}

// TestPartMap: a part that does not say what the list says of it is refused when
// it is needed; the parts before it are read.
func TestPartMap(t *testing.T) {
	p := newPatient(t, "fragmented")
	x, err := p.fsys.file(fileRef(p.number("pieces-1700")))
	require.NoError(t, err)
	parts, err := x.parts(attrData, nil)
	require.NoError(t, err)
	require.Greater(t, len(parts), 3)
	want, err := p.fsys.ReadFile("pieces-1700")
	require.NoError(t, err)
	p.inPart(parts[2], func(a attribute) { a[0x18]-- })
	f, err := p.reopen()
	require.NoError(t, err)
	file, err := f.Open("pieces-1700")
	require.NoError(t, err)
	sound := make([]byte, parts[2].vcn*f.geo.clusterSize)
	_, err = file.(io.ReaderAt).ReadAt(sound, 0)
	require.NoError(t, err)
	require.True(t, bytes.Equal(want[:len(sound)], sound))
	_, err = f.ReadFile("pieces-1700")
	require.ErrorIs(t, err, layer.ErrCorrupt)
	require.ErrorContains(t, err, "a part ends at cluster")
}

// TestInline reads a resident value as any file is read.
func TestInline(t *testing.T) {
	c := inline("value")
	got := make([]byte, 3)
	n, err := c.ReadAt(got, 1)
	require.NoError(t, err)
	require.Equal(t, "alu", string(got[:n]))
	n, err = c.ReadAt(got, 4)
	require.Equal(t, io.EOF, err)
	require.Equal(t, 1, n)
	_, err = c.ReadAt(got, -1)
	require.Error(t, err)
	for range inline(nil).Extents() {
		t.Fatal("nothing lies somewhere")
	}
}

// TestInterixTargets breaks the links of Interix.
func TestInterixTargets(t *testing.T) {
	f := golden(t, "interix")
	for _, l := range manifest(t, "interix") {
		if l.Type != "symlink" || len(l.Target) > 100 {
			continue
		}
		p := newPatient(t, "interix")
		p.attribute(p.number(l.Path), attrData, "", func(a attribute) {
			if a.nonResident() {
				return
			}
			clear(a.value()[interixMagic:])
		})
		f, err := p.reopen()
		require.NoError(t, err)
		target, err := f.ReadLink(l.Path)
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(target, `\x00`), target)
	}
	_, err := f.ReadLink(".")
	require.ErrorIs(t, err, fs.ErrInvalid)
}
