package ntfs

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/cache"
	"github.com/vmdkfs/vmdkfs/internal/testimg"
	"github.com/vmdkfs/vmdkfs/layer"
)

// A line is what ntfs-3g knows of a file: testdata/ntfs/README.md describes the
// fields.
type line struct {
	Path, Type, Mode, Target, Rdev, Error, SHA256 string

	UID, GID, Nlink                      uint32
	Inode                                uint64
	Created, Modified, Accessed, Changed int64 // FILETIME
	Attrib                               *uint32
	DOSName                              string `json:"dos_name"`
	ACL, Reparse, EA                     []byte
	ObjectID                             []byte `json:"object_id"`
	Size                                 int64
	Streams                              map[string]struct {
		Size   int64
		SHA256 string
	}
}

// manifest reads a manifest.
func manifest(tb testing.TB, name string) []line {
	tb.Helper()
	d := json.NewDecoder(bytes.NewReader(testimg.Load(tb, "ntfs/"+name+".manifest.jsonl.gz")))
	var list []line
	for {
		var l line
		err := d.Decode(&l)
		if err == io.EOF {
			return list
		}
		require.NoError(tb, err)
		if l.Path == "attributes/system" && l.Type == "socket" {
			l.Type, l.Size = "file", 1 // its byte is not zero: no socket, but for ntfs-3g
		}
		list = append(list, l)
	}
}

// images are the golden images that were loaded, which nobody may change.
var images sync.Map

// image returns a golden image.
func image(tb testing.TB, name string) []byte {
	tb.Helper()
	if data, ok := images.Load(name); ok {
		return data.([]byte)
	}
	data, _ := images.LoadOrStore(name, testimg.NTFS(tb, name))
	return data.([]byte)
}

// golden opens a golden image.
func golden(tb testing.TB, name string, opts ...Option) *FS {
	tb.Helper()
	image := image(tb, name)
	f, err := Open(bytes.NewReader(image), int64(len(image)), opts...)
	require.NoError(tb, err)
	return f
}

// goldenNames returns the names of the golden images.
func goldenNames(tb testing.TB) []string {
	var list []string
	for _, p := range testimg.Names(tb, "ntfs/*.img.gz") {
		list = append(list, strings.TrimSuffix(path.Base(p), ".img.gz"))
	}
	return list
}

// TestGolden compares every golden image with what ntfs-3g reads from it.
func TestGolden(t *testing.T) {
	cache.Spoil(t)
	for _, name := range goldenNames(t) {
		if name == "efs" {
			continue // TestEncrypted is about it
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := golden(t, name)
			want := manifest(t, name)
			if name != "reparse" { // ntfs-3g cannot walk through its directories
				assert.Len(t, allPaths(t, f), len(want))
			}
			for _, l := range want {
				compare(t, f, l)
			}
		})
	}
}

// TestEncrypted: what is encrypted is listed, and its content is refused. What
// ntfs-3g gives, when it gives any, are the encrypted bytes.
func TestEncrypted(t *testing.T) {
	f := golden(t, "efs")
	refused := 0
	for _, l := range manifest(t, "efs") {
		info, err := f.Lstat(l.Path)
		require.NoError(t, err)
		if l.Type != "file" {
			continue
		}
		require.Equal(t, l.Size, info.Size())
		r := info.Sys().(*FileRecord)
		streams, err := r.Streams()
		require.NoError(t, err)
		for _, s := range streams {
			if _, err = sum(f, streamPath(l.Path, s.Name)); s.Encrypted {
				require.ErrorIs(t, err, layer.ErrUnsupported)
				require.ErrorContains(t, err, "EFS")
				refused++
			} else {
				require.NoError(t, err)
			}
		}
		if _, err := sum(f, l.Path); err != nil {
			require.ErrorIs(t, err, layer.ErrUnsupported)
			require.NotZero(t, r.Attributes&AttributeEncrypted)
			refused++
		}
	}
	require.Equal(t, 3, refused)
}

// allPaths returns the path of every file that is listed.
func allPaths(tb testing.TB, f *FS) []string {
	var list []string
	require.NoError(tb, fs.WalkDir(f, ".", func(name string, _ fs.DirEntry, err error) error {
		assert.NoError(tb, err, name)
		list = append(list, name)
		return nil
	}))
	return list
}

// compare compares one file with its line.
func compare(t *testing.T, f *FS, want line) {
	info, err := f.Lstat(want.Path)
	if !assert.NoError(t, err, want.Path) {
		return
	}
	r := info.Sys().(*FileRecord)
	u := r.Unix()
	names, err := r.Names()
	assert.NoError(t, err, want.Path)
	if want.Type == "" { // ntfs-3g can say no more of it
		assert.Equal(t, want.Inode, u.Inode, want.Path)
		compareMetadata(t, r, want)
		return
	}
	got := want
	got.Inode, got.Nlink = u.Inode, u.Links
	got.Created, got.Modified, got.Accessed, got.Changed = ticks(r.Created), ticks(r.Modified), ticks(r.Accessed), ticks(r.Changed)
	if want.Created == 0 {
		got.Created = 0 // not asked of a link
	}
	got.Type = typeName(info.Mode())
	for _, n := range names {
		if n.Namespace == "DOS" {
			got.Nlink++ // ntfs-3g counts it
		}
	}
	if want.Type == "dir" {
		got.Nlink = want.Nlink // ntfs-3g says 1 of every one
	}
	if want.Attrib != nil {
		got.Attrib = &r.Attributes
	}
	switch got.Type {
	case "file":
		got.Size = info.Size()
		if want.SHA256 != "" || want.Error != "" {
			got.SHA256, err = sum(f, want.Path)
			if want.Error != "" { // ntfs-3g cannot read what it wrote
				assert.Error(t, err, want.Path)
				got.SHA256 = ""
			} else {
				assert.NoError(t, err, want.Path)
			}
		}
	case "symlink":
		got.Target, err = f.ReadLink(want.Path)
		assert.NoError(t, err, want.Path)
	case "char", "block":
		got.Rdev = fmt.Sprintf("%d:%d", u.Major, u.Minor)
	}
	got.Streams = nil
	streams, err := r.Streams()
	assert.NoError(t, err, want.Path)
	assert.Len(t, streams, len(want.Streams), want.Path)
	for _, s := range streams {
		there, ok := want.Streams[s.Name]
		if assert.True(t, ok, "%s:%s", want.Path, s.Name) {
			assert.Equal(t, there.Size, s.Size, "%s:%s", want.Path, s.Name)
			digest, err := sum(f, streamPath(want.Path, s.Name))
			assert.NoError(t, err)
			assert.Equal(t, there.SHA256, digest, "%s:%s", want.Path, s.Name)
		}
	}
	want.Streams = nil
	compareMetadata(t, r, want)
	assert.Equal(t, want, got)
}

// compareMetadata compares what is read on demand.
func compareMetadata(t *testing.T, r *FileRecord, want line) {
	descriptor, err := r.SecurityDescriptor()
	assert.NoError(t, err, want.Path)
	if want.ACL != nil {
		assert.True(t, bytes.HasPrefix(descriptor, want.ACL), want.Path) // it may be padded
	}
	names, err := r.Names()
	assert.NoError(t, err, want.Path)
	short := ""
	for _, n := range names {
		if n.Namespace == "DOS" {
			short = n.Name
		}
	}
	if want.DOSName != "" {
		assert.Equal(t, want.DOSName, short, want.Path)
	}
	id, err := r.ObjectID()
	assert.NoError(t, err, want.Path)
	if want.ObjectID == nil {
		assert.Zero(t, id, want.Path)
	} else {
		assert.Equal(t, guid(want.ObjectID), id.ID, want.Path)
	}
	data, err := r.ReparseData()
	assert.NoError(t, err, want.Path)
	if want.Reparse == nil {
		assert.Zero(t, r.ReparseTag, want.Path)
	} else {
		assert.Equal(t, le.Uint32(want.Reparse), r.ReparseTag, want.Path)
		assert.True(t, bytes.HasSuffix(want.Reparse, data), want.Path)
	}
	eas, err := r.EAs()
	assert.NoError(t, err, want.Path)
	assert.Equal(t, want.EA != nil, eas != nil, want.Path)
	for _, ea := range eas {
		entry := le.AppendUint16([]byte{ea.Flags, byte(len(ea.Name))}, uint16(len(ea.Value)))
		entry = append(append(append(entry, ea.Name...), 0), ea.Value...)
		assert.True(t, bytes.Contains(want.EA, entry), "%s: %q", want.Path, ea.Name)
	}
}

// streamPath returns the path of a stream; the root has no name.
func streamPath(name, stream string) string {
	if name == "." {
		return ":" + stream
	}
	return name + ":" + stream
}

// sum returns the SHA-256 of a file.
func sum(f *FS, name string) (string, error) {
	file, err := f.Open(name)
	if err != nil {
		return "", err
	}
	defer file.Close()
	h := sha256.New()
	if _, err := file.(layer.File).WriteTo(h); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func ticks(t time.Time) int64 {
	return (t.Unix()+fileTimeUnix)*fileTimeSecond + int64(t.Nanosecond()/100)
}

func typeName(mode fs.FileMode) string {
	return map[fs.FileMode]string{0: "file", fs.ModeDir: "dir", fs.ModeSymlink: "symlink", fs.ModeNamedPipe: "fifo", fs.ModeSocket: "socket",
		fs.ModeDevice: "block", fs.ModeDevice | fs.ModeCharDevice: "char"}[mode.Type()]
}

// win01 returns the NTFS volume of the disk that testdata/win01 describes.
func win01(tb testing.TB) []byte {
	tb.Helper()
	disk := append(testimg.Load(tb, "win01/win01-f001.vmdk.gz"), testimg.Load(tb, "win01/win01-f002.vmdk.gz")...)
	start := bytes.Index(disk, []byte("\xebR\x90"+oemID))
	require.Positive(tb, start)
	return disk[start:]
}

// TestWin01 compares the volume with what ntfs-3g reads from it.
func TestWin01(t *testing.T) {
	image := win01(t)
	f, err := Open(bytes.NewReader(image), int64(len(image)))
	require.NoError(t, err)
	require.Empty(t, f.Warnings())
	got, want := testimg.Describe(t, f), testimg.Manifest(t, "win01/p3.manifest.jsonl.gz")
	for name, file := range want {
		file.Atime, file.Ctime = got[name].Atime, got[name].Ctime // of the mount that read it
		want[name] = file
	}
	testimg.Compare(t, got, want)
}
