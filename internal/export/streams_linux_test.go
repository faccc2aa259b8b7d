package export

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
	"github.com/vmdkfs/vmdkfs/ntfs"
)

func hexOf(sum []byte) string { return hex.EncodeToString(sum) }

// volume opens an NTFS volume of testdata, and returns the hashes and sizes of
// the named streams that ntfs-3g found in it, by "path:stream".
func volume(t *testing.T, name string) (fsys *ntfs.FS, sums map[string]string, sizes map[string]int64) {
	t.Helper()
	data := testimg.NTFS(t, name)
	fsys, err := ntfs.Open(bytes.NewReader(data), int64(len(data)))
	require.NoError(t, err)
	sums, sizes = make(map[string]string), make(map[string]int64)
	for line := range strings.Lines(string(testimg.Load(t, "ntfs/"+name+".manifest.jsonl.gz"))) {
		var f struct {
			Path    string
			Streams map[string]struct {
				Size   int64
				SHA256 string
			}
		}
		require.NoError(t, json.Unmarshal([]byte(line), &f))
		for stream, s := range f.Streams {
			sums[f.Path+":"+stream], sizes[f.Path+":"+stream] = s.SHA256, s.Size
		}
	}
	require.NotEmpty(t, sums)
	return fsys, sums, sizes
}

// Named streams come as extended attributes, as far as these can hold them:
// one that is larger is no secret.
func TestStreamXattrs(t *testing.T) {
	dir := mountTmpfs(t, "")
	fsys, sums, sizes := volume(t, "streams")
	r := copyAll(t.Context(), fsys, dir, false, everything)
	require.NoError(t, r.err)
	if len(r.notes) > 0 {
		t.Skip("tmpfs has no such attributes: ", r.notes)
	}
	large := make(map[string]bool)
	got := describeHost(t, dir)
	for key, want := range sums {
		path, stream, _ := strings.Cut(key, ":")
		value, ok := got[path].Xattrs["user."+stream]
		if sizes[key] > maxXattr {
			require.False(t, ok)
			require.ErrorContains(t, r.failed[path], "--streams=files")
			large[path] = true
			continue
		}
		require.True(t, ok, key)
		raw, err := base64.StdEncoding.DecodeString(value)
		require.NoError(t, err)
		sum := sha256.Sum256(raw)
		require.Equal(t, want, hexOf(sum[:]), key)
	}
	require.Len(t, r.failed, len(large))
	require.NotEmpty(t, large)
}

// With StreamFiles they are files, of any size.
func TestStreamFiles(t *testing.T) {
	fsys, sums, _ := volume(t, "streams")
	opts := Options{StreamFiles: true, Drop: Security}
	for key := range sums {
		if strings.HasPrefix(key, ".:") {
			delete(sums, key) // of the directory that is the destination
		}
	}
	check := func(t *testing.T, got map[string]testimg.File) {
		for key, want := range sums {
			require.Equal(t, want, got[key].SHA256, key)
		}
		for path := range got {
			if strings.Contains(path, ":") {
				require.Contains(t, sums, path)
			}
		}
	}
	dir := t.TempDir()
	r := copyWith(t.Context(), fsys, dir, opts, everything)
	require.NoError(t, r.err)
	require.Len(t, r.failed, 1)
	for path, err := range r.failed {
		require.ErrorIs(t, err, unix.ENAMETOOLONG, path)
		require.Greater(t, len(path), 255)
		delete(sums, path)
	}
	require.Equal(t, []string{noteOwnStreams}, r.notes)
	check(t, describeHost(t, dir))
	require.FileExists(t, filepath.Join(dir, "names"), "the file itself is there")

	var err error
	opts.Filter, err = NewFilter(nil, []string{"names"})
	require.NoError(t, err)
	for key := range sums {
		if strings.HasPrefix(key, "names:") {
			delete(sums, key)
		}
	}

	planned := make(map[string]testimg.File)
	_, err = Plan(t.Context(), fsys, []Source{everything}, t.TempDir(), opts, func(name string, _ os.FileInfo) {
		planned[name] = testimg.File{SHA256: sums[name]}
	})
	require.NoError(t, err)
	check(t, planned)

	archive, r := toArchive(t, tarOf(t, fsys, opts, everything))
	require.NoError(t, r.err)
	require.Empty(t, r.failed)
	require.Equal(t, []string{noteOwnStreams}, r.notes)
	check(t, unpack(t, archive, t.TempDir(), "tar", "-x", "--force-local", "-f", "-"))

	zipped, r := toArchive(t, func(w io.Writer, with Options) (Summary, error) {
		with.StreamFiles, with.Filter = true, opts.Filter
		return Zip(t.Context(), fsys, []Source{everything}, w, false, with)
	})
	require.Empty(t, r.failed)
	file := filepath.Join(t.TempDir(), "a.zip")
	require.NoError(t, os.WriteFile(file, zipped, 0o600))
	check(t, unpack(t, nil, t.TempDir(), "unzip", "-q", file))
}

// Archives tell what of streams and security they do not keep.
func TestStreamsInArchives(t *testing.T) {
	fsys, sums, sizes := volume(t, "streams")
	archive, r := toTar(t, fsys, everything)
	require.NoError(t, r.err)
	require.NotEmpty(t, r.failed, "of streams that are too large")
	found := 0
	for next := tarHeaders(archive); ; {
		h, err := next()
		if err != nil {
			require.ErrorIs(t, err, io.EOF)
			break
		}
		name := strings.TrimSuffix(h.Name, "/")
		if h.Name == "./" {
			name = "."
		}
		for key, value := range h.PAXRecords {
			stream, ok := strings.CutPrefix(key, "SCHILY.xattr.user.")
			if !ok || "user."+stream == sddlXattr {
				continue
			}
			sum := sha256.Sum256([]byte(value))
			require.Equal(t, sums[name+":"+stream], hexOf(sum[:]), "%s %s", name, stream)
			found++
		}
		require.NotEqual(t, byte(tar.TypeXHeader), h.Typeflag)
	}
	small := 0
	for _, size := range sizes {
		if size <= maxXattr {
			small++
		}
	}
	require.Equal(t, small, found)
	_, r = toZip(t, fsys, false, everything)
	require.Empty(t, r.failed)
	require.Len(t, r.notes, 2)
}

// The security descriptor is an attribute, or told; without it, or streams,
// there is neither.
func TestSecurity(t *testing.T) {
	fsys, _, _ := volume(t, "streams")
	info, err := fsys.Stat("big")
	require.NoError(t, err)
	security, err := info.Sys().(*ntfs.FileRecord).Security()
	require.NoError(t, err)
	require.NotEmpty(t, security.SDDL)

	dir := mountTmpfs(t, "")
	r := copyAll(t.Context(), fsys, dir, false, Source{Path: "names"})
	if len(r.notes) > 0 {
		t.Skip("tmpfs has no such attributes: ", r.notes)
	}
	want := base64.StdEncoding.EncodeToString([]byte(security.SDDL)) // all files of the image have the same
	require.Equal(t, want, describeHost(t, dir)["names"].Xattrs[sddlXattr])

	sddl := make(map[string]string)
	dir = mountTmpfs(t, "")
	r = copyWith(t.Context(), fsys, dir, Options{Drop: Streams, SDDL: func(name, text string) { sddl[name] = text }}, Source{Path: "names"}, Source{Path: "dir"})
	require.Empty(t, r.failed)
	require.Equal(t, security.SDDL, sddl["names"])
	require.Contains(t, sddl, "dir")
	require.Contains(t, sddl, "dir/file")
	require.Empty(t, describeHost(t, dir)["names"].Xattrs)

	dir = mountTmpfs(t, "")
	r = copyWith(t.Context(), fsys, dir, Options{Drop: Streams | Security}, everything)
	require.Empty(t, r.failed)
	for path, f := range describeHost(t, dir) {
		require.Empty(t, f.Xattrs, path)
	}
}
