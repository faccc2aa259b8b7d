package ntfs

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	gontfs "www.velocidex.com/golang/go-ntfs/parser"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
	"github.com/vmdkfs/vmdkfs/layer"
)

// A secondEntry is what both know of a directory's entry, or of a stream.
type secondEntry struct {
	path    string // in the form of the side that has it
	number  uint64 // of the record
	dir     bool
	size    int64
	times   [4]int64 // FILETIME: created, modified, changed, accessed
	content func() (string, error)
}

// secondReading has entries by path and record, with names as go-ntfs writes
// them: half a surrogate pair is U+FFFD, and nothing is escaped.
type secondReading map[string]secondEntry

func (s secondReading) add(t *testing.T, name string, e secondEntry) {
	key := fmt.Sprint(name, " #", e.number)
	if _, there := s[key]; there {
		t.Errorf("%s is listed twice", key)
	}
	s[key] = e
}

// numbers returns the records that are listed.
func (s secondReading) numbers() map[uint64]bool {
	list := make(map[uint64]bool)
	for _, e := range s {
		list[e.number] = true
	}
	return list
}

// secondWhole is up to how many bytes a file is compared whole; of a larger one
// half as many are at its beginning and at its end.
const secondWhole = 4 << 20

func secondSum(r io.ReaderAt, size int64) (string, error) {
	h := sha256.New()
	for off := int64(0); off < size; off = max(size-secondWhole/2, off+secondWhole/2) {
		part := io.NewSectionReader(r, off, min(size-off, secondWhole/2))
		if n, err := io.Copy(h, part); err != nil || n != part.Size() {
			return "", fmt.Errorf("%d bytes of %d: %w", n, part.Size(), err)
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// theirs lists the volume by go-ntfs, with a function for what panics.
func theirs(t *testing.T, c *gontfs.NTFSContext, guard func(path string, do func())) secondReading {
	s, seen := make(secondReading), make(map[int64]bool)
	var walk func(dir string, number int64)
	walk = func(dir string, number int64) {
		if seen[number] {
			return
		}
		seen[number] = true
		var list []*gontfs.FileInfo
		guard(dir, func() {
			m, err := c.GetMFT(number)
			require.NoError(t, err, dir)
			list = gontfs.ListDir(c, m)
		})
		for _, i := range list {
			number, kind, id, _, err := gontfs.ParseMFTId(i.MFTId)
			require.NoError(t, err)
			file, stream, _ := strings.Cut(i.Name, ":")
			e := secondEntry{path: path.Join(dir, i.Name), number: uint64(number), dir: i.IsDir, size: i.Size,
				times: [4]int64{ticks(i.Btime), ticks(i.Mtime), ticks(i.Ctime), ticks(i.Atime)}}
			if kind == attrData {
				e.content = func() (sum string, err error) {
					guard(e.path, func() {
						var m *gontfs.MFT_ENTRY
						if m, err = c.GetMFT(number); err == nil {
							var r gontfs.RangeReaderAt
							if r, err = gontfs.OpenStream(c, m, attrData, uint16(id), stream); err == nil {
								sum, err = secondSum(r, gontfs.RangeSize(r))
							}
						}
					})
					return sum, err
				}
			}
			if file == "." && stream != "" {
				e.path = ":" + stream
			}
			s.add(t, e.path, e)
			if i.IsDir && file != "." {
				walk(e.path, number)
			}
		}
	}
	walk("", recordRoot)
	return s
}

// ours lists the volume, with its metadata files.
func ours(t *testing.T, f *FS) secondReading {
	s := make(secondReading)
	var walk func(dir, plain string)
	one := func(name, plain string) {
		info, err := f.Lstat(name)
		require.NoError(t, err)
		r := info.Sys().(*FileRecord)
		e := secondEntry{path: name, number: r.Number, dir: info.IsDir(), size: info.Size(),
			times: [4]int64{ticks(r.Created), ticks(r.Modified), ticks(r.Changed), ticks(r.Accessed)}}
		read := func(p string, size int64) func() (string, error) {
			return func() (string, error) {
				file, err := f.Open(p)
				if err != nil {
					return "", err
				}
				defer file.Close()
				return secondSum(file.(io.ReaderAt), size)
			}
		}
		if info.Mode().IsRegular() {
			e.content = read(name, e.size)
		}
		s.add(t, plain, e)
		streams, err := r.Streams()
		require.NoError(t, err)
		for _, st := range streams {
			a := e
			a.path, a.dir, a.size = streamPath(name, st.Name), false, st.Size
			a.content = read(a.path, a.size)
			if name == "." {
				plain = ""
			}
			s.add(t, plain+":"+goName(t, st.Name), a)
		}
		if e.dir && name != "." {
			walk(name, plain)
		}
	}
	walk = func(dir, plain string) {
		list, err := f.ReadDir(dir)
		require.NoError(t, err)
		for _, e := range list {
			one(path.Join(dir, e.Name()), path.Join(plain, goName(t, e.Name())))
		}
	}
	for _, name := range []string{".", "$MFT", "$MFTMirr", "$LogFile", "$Volume", "$AttrDef", "$Bitmap", "$Boot", "$BadClus", "$Secure", "$UpCase", "$Extend"} {
		one(name, name)
	}
	walk(".", "")
	return s
}

// goName returns a name as go-ntfs writes it.
func goName(t *testing.T, name string) string {
	units, ok := storedName(name)
	require.True(t, ok, name)
	return string(utf16.Decode(units))
}

// secondImages returns every golden image of NTFS.
func secondImages(t *testing.T) map[string][]byte {
	list := map[string][]byte{"win01": win01(t), "wof/wof": testimg.NTFS(t, "wof/wof")}
	for name := range windowsNames {
		list["windows/"+name] = testimg.Load(t, "ntfs/windows/"+name+".img.gz")
	}
	for _, name := range goldenNames(t) {
		list[name] = image(t, name)
	}
	return list
}

// TestGoNTFS has go-ntfs read every golden image, and compares all that it
// lists and reads with what we do: names, records, streams, sizes, times and
// content. Where it is wrong, goNTFSWrong says so.
func TestGoNTFS(t *testing.T) {
	images := secondImages(t)
	for _, w := range goNTFSWrong {
		for _, name := range strings.Fields(w.images) {
			assert.Contains(t, images, name)
		}
	}
	for name, image := range images {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var wrong []*regexp.Regexp // nil for the lines of other images
			for _, w := range goNTFSWrong {
				var pattern *regexp.Regexp
				if slices.Contains(strings.Fields(w.images), name) {
					pattern = regexp.MustCompile("^(" + w.path + ")$")
				}
				wrong = append(wrong, pattern)
			}
			needed := make(map[int]bool)
			compareGoNTFS(t, name, image, func(what, path string, detail ...any) {
				for i, w := range goNTFSWrong {
					if w.what == what && wrong[i] != nil && wrong[i].MatchString(path) {
						needed[i] = true
						return
					}
				}
				t.Errorf("%s: %q %s", what, path, fmt.Sprint(detail...))
			})
			for i, w := range goNTFSWrong {
				if wrong[i] != nil && !needed[i] {
					t.Errorf("it is no longer so that %s: %q: %s", w.what, w.path, w.reason)
				}
			}
		})
	}
}

// compareGoNTFS calls found for every disagreement.
func compareGoNTFS(t *testing.T, name string, image []byte, found func(what, path string, detail ...any)) {
	guard := func(path string, do func()) {
		defer func() {
			if r := recover(); r != nil {
				found(theyPanic, path, r)
			}
		}()
		do()
	}
	open := func(image []byte) (c *gontfs.NTFSContext, err error) {
		guard("", func() { c, err = gontfs.GetNTFSContext(bytes.NewReader(image), 0) })
		return c, err
	}
	f, err := Open(bytes.NewReader(image), int64(len(image)))
	require.NoError(t, err)
	c, err := open(image)
	if err != nil {
		found(theyOpenNot, "", err)
		help := goNTFSHelp[name]
		if help == nil {
			return
		}
		image = bytes.Clone(image)
		help(image)
		c, err = open(image)
		require.NoError(t, err)
	}
	defer c.Close()
	got, want := ours(t, f), theirs(t, c, guard)
	known, listed := got.numbers(), want.numbers()
	for key, b := range want {
		if _, both := got[key]; both {
			continue
		}
		if known[b.number] {
			found(otherPlace, b.path)
		} else {
			found(deletedFile, b.path)
		}
	}
	for key, a := range got {
		b, both := want[key]
		if !both && listed[a.number] {
			found(lostName, a.path)
			continue
		}
		if !both {
			found(lostFile, a.path)
			continue
		}
		if a.dir != b.dir {
			found(otherType, a.path, "directory: ours ", a.dir, ", theirs ", b.dir)
		}
		if a.times != b.times {
			found(otherTimes, a.path, "ours ", a.times, ", theirs ", b.times)
		}
		if a.content == nil || b.content == nil { // a link; a file without an unnamed stream
			continue
		}
		if a.size != b.size {
			found(otherSize, a.path, "ours ", a.size, ", theirs ", b.size)
		}
		if a.size > math.MaxInt { // they count in int
			continue
		}
		mine, err := a.content()
		if err != nil {
			require.ErrorIs(t, err, layer.ErrUnsupported)
			found(weRefuse, a.path, err)
			continue
		}
		if other, err := b.content(); mine != other {
			found(otherData, a.path, "ours ", mine, ", theirs ", other, err)
		}
	}
}

// TestGoNTFSParts: of a file in more parts than go-ntfs follows, as no golden
// image has one, it gives the first 21. We read all of it.
func TestGoNTFSParts(t *testing.T) {
	const clusters, perPart = 64, 2
	m := newMFTMap(t, clusters)
	number, size := m.number("sizes/1"), m.fsys.geo.clusterSize
	var content, list []byte
	for i := range byte(clusters) {
		content = append(content, bytes.Repeat([]byte{i + 1}, int(size))...)
	}
	at := m.grow(content)
	var base fileRef
	m.record(number, func(r record) {
		base = fileRef(number) | fileRef(r.sequenceNumber())<<48
		for _, a := range m.attributesOf(r) {
			if a.kind() < attrData {
				list = append(list, listEntryOf(a.kind(), 0, base, a.instance(), 0)...)
			}
		}
	})
	const instance = 9
	part := func(vcn int64) attribute {
		return outsideAttribute(attrData, "", instance, int64(len(content)), size, vcn, stretch{at.lcn + vcn, perPart})
	}
	first := part(0)
	le.PutUint64(first[0x28:], uint64(len(content)))
	list = append(list, listEntryOf(attrData, 0, base, instance, 0)...)
	for vcn := int64(perPart); vcn < clusters; vcn += perPart {
		list = append(list, listEntryOf(attrData, vcn, m.extension(base, part(vcn)), instance, 0)...)
	}
	m.set(number, first)
	m.outside(number, attrAttributeList, "", list)
	f, err := m.open(0)
	require.NoError(t, err)
	got, err := f.ReadFile("sizes/1")
	require.NoError(t, err)
	require.True(t, bytes.Equal(content, got))

	c, err := gontfs.GetNTFSContext(bytes.NewReader(m.image), 0)
	require.NoError(t, err)
	defer c.Close()
	r, err := gontfs.GetDataForPath(c, "sizes/1")
	require.NoError(t, err)
	other := make([]byte, len(content))
	n, err := io.ReadFull(io.NewSectionReader(r, 0, gontfs.RangeSize(r)), other)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF) // a copy takes that for the end
	require.EqualValues(t, 21*perPart*size, n)
	require.True(t, bytes.Equal(content[:n], other[:n]))
}
