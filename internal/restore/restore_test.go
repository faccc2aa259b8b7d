package restore

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/layer"
	"github.com/vmdkfs/vmdkfs/vmdk"
)

const diskSize = 3 << 20

// descriptor returns the descriptor of a flat disk in extents of equal size.
func descriptor(cid, parent, hint string, extents ...string) string {
	s := "# Disk DescriptorFile\nversion=1\nencoding=\"UTF-8\"\nCID=" + cid + "\nparentCID=" + parent + "\ncreateType=\"twoGbMaxExtentFlat\"\n"
	if hint != "" {
		s += "parentFileNameHint=\"" + hint + "\"\n"
	}
	for _, e := range extents {
		s += fmt.Sprintf("RW %d FLAT \"%s\" 0\n", diskSize/512, e)
	}
	return s
}

// content returns bytes with runs of zeros.
func content(seed uint64) []byte {
	b := make([]byte, diskSize)
	r := rand.New(rand.NewPCG(seed, 1))
	for at := 0; at < len(b); at += 64 << 10 {
		if r.IntN(3) > 0 {
			for i := range b[at : at+10000] {
				b[at+i] = byte(r.Uint32() | 1)
			}
		}
	}
	return b
}

// folder returns a directory with a machine of two extents, and a snapshot.
func folder(t *testing.T) (*os.Root, string) {
	dir := t.TempDir()
	for name, data := range map[string][]byte{
		"web.vmx":            []byte(".encoding = \"UTF-8\"\nconfig.version = \"8\"\ndisplayName = \"web\"\nnvram = \"web.nvram\"\nextendedConfigFile = \"web.vmxf\"\nscsi0.present = \"TRUE\"\nscsi0:0.present = \"TRUE\"\nscsi0:0.fileName = \"web-000001.vmdk\"\nide1:0.fileName = \"/iso/x.iso\"\nide1:0.deviceType = \"cdrom-image\"\n"),
		"web.vmxf":           []byte("<Foundry><VM><vmxPathName type=\"string\">web.vmx</vmxPathName></VM></Foundry>"),
		"web.nvram":          []byte("nvram"),
		"web.vmsd":           []byte("snapshot.numSnapshots = \"1\"\nsnapshot0.uid = \"1\"\nsnapshot0.filename = \"web-Snapshot1.vmsn\"\nsnapshot0.disk0.fileName = \"web.vmdk\"\nsnapshot0.disk0.node = \"scsi0:0\"\n"),
		"web-Snapshot1.vmsn": []byte("state"),
		"web.vmdk":           []byte(descriptor("11111111", "ffffffff", "", "web-f001.vmdk", "web-f002.vmdk")),
		"web-000001.vmdk":    []byte(descriptor("22222222", "11111111", "web.vmdk", "web-000001-f001.vmdk", "other.vmdk")),
		"web-f001.vmdk":      content(1), "web-f002.vmdk": content(2), "web-000001-f001.vmdk": content(3), "other.vmdk": content(4),
		"unrelated.txt": []byte("x"),
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), data, 0o640))
	}
	return root(t, dir), dir
}

func root(t *testing.T, dir string) *os.Root {
	r, err := os.OpenRoot(dir)
	require.NoError(t, err)
	t.Cleanup(func() { r.Close() })
	return r
}

// do restores image and returns the results and what failed.
func do(t *testing.T, ctx context.Context, from, to *os.Root, image, name string, opts Options) ([]Result, []error) {
	plan, err := NewPlan(from.FS(), image, name)
	require.NoError(t, err)
	failures := plan.Failed
	opts.Fail = func(_ string, err error) { failures = append(failures, err) }
	results, err := Run(ctx, from, to, plan, opts)
	if err != nil {
		failures = append(failures, err)
	}
	return results, failures
}

func names(t *testing.T, r *os.Root) (list []string) {
	entries, err := fs.ReadDir(r.FS(), ".")
	require.NoError(t, err)
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

func TestMachine(t *testing.T) {
	from, _ := folder(t)
	to := root(t, t.TempDir())
	results, failures := do(t, t.Context(), from, to, "web.vmx", "", Options{Verify: true})
	require.Empty(t, failures)
	require.Len(t, results, 11)
	for _, r := range results {
		want, err := from.ReadFile(r.File)
		require.NoError(t, err)
		got, err := to.ReadFile(r.File)
		require.NoError(t, err)
		require.True(t, bytes.Equal(want, got), r.File)
		sum := sha256.Sum256(want)
		require.Equal(t, hex.EncodeToString(sum[:]), r.SHA256)
		a, err := from.Stat(r.File)
		require.NoError(t, err)
		b, err := to.Stat(r.File)
		require.NoError(t, err)
		require.Equal(t, a.Mode(), b.Mode())
		require.True(t, a.ModTime().Equal(b.ModTime()))
		if bytes.Contains([]byte(r.File), []byte("f00")) && !r.Cloned {
			require.Less(t, r.Written, r.Size/2) // zeros are holes
		}
	}
	require.NotContains(t, names(t, to), "unrelated.txt")

	// Nothing that exists is replaced, unless that is asked for.
	_, failures = do(t, t.Context(), from, to, ".", "", Options{})
	require.Len(t, failures, 12)
	require.ErrorIs(t, failures[0], fs.ErrExist)
	require.ErrorIs(t, failures[11], errNotBegun)
	results, failures = do(t, t.Context(), from, to, ".", "", Options{Overwrite: true})
	require.Empty(t, failures)
	require.Len(t, results, 11)
}

// same requires that the named files of two directories are equal.
func same(t *testing.T, from, to *os.Root, list ...string) {
	t.Helper()
	for _, name := range list {
		want, err := from.ReadFile(name)
		require.NoError(t, err)
		got, err := to.ReadFile(name)
		require.NoError(t, err)
		require.True(t, bytes.Equal(want, got), name)
	}
}

// What is missing or short is told, one line each, and the rest is restored.
func TestDamaged(t *testing.T) {
	from, dir := folder(t)
	require.NoError(t, os.Truncate(filepath.Join(dir, "web-f002.vmdk"), diskSize-512))
	require.NoError(t, os.Remove(filepath.Join(dir, "other.vmdk")))
	require.NoError(t, os.Remove(filepath.Join(dir, "web-Snapshot1.vmsn")))
	require.NoError(t, os.Remove(filepath.Join(dir, "web.nvram"))) // the machine makes it
	to := root(t, t.TempDir())
	results, failures := do(t, t.Context(), from, to, ".", "", Options{})
	require.Len(t, failures, 3)
	for i, name := range []string{"web-Snapshot1.vmsn", "other.vmdk", "web-f002.vmdk"} {
		require.ErrorContains(t, failures[i], name)
	}
	require.ErrorIs(t, failures[1], layer.ErrIncomplete)
	require.ErrorIs(t, failures[2], layer.ErrIncomplete)
	require.Len(t, results, 8)
	same(t, from, to, names(t, to)...)
	_, err := NewPlan(from.FS(), "none.vmdk", "")
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.NoError(t, os.Remove(filepath.Join(dir, "web.vmdk")))
	plan, err := NewPlan(from.FS(), "web-000001.vmdk", "")
	require.NoError(t, err)
	require.Len(t, plan.Failed, 2)
	require.ErrorContains(t, plan.Failed[1], "the parent \"web.vmdk\"")
}

// What a descriptor or a configuration names outside of its directory is
// neither read nor written.
func TestHostile(t *testing.T) {
	outer := t.TempDir()
	dir := filepath.Join(outer, "vm")
	require.NoError(t, os.Mkdir(dir, 0o777))
	secret := filepath.Join(outer, "x")
	for file, text := range map[string]string{
		secret:                           content64,
		filepath.Join(outer, "x.nvram"):  "secret",
		filepath.Join(dir, "up.vmdk"):    descriptor("1", "ffffffff", "", "../x", secret, `..\x`, "C:x", "link.vmdk", "."),
		filepath.Join(dir, "child.vmdk"): descriptor("2", "1", "../x", "ok.vmdk"),
		filepath.Join(dir, "loop.vmdk"):  descriptor("3", "3", "loop.vmdk", "ok.vmdk"),
		filepath.Join(dir, "ok.vmdk"):    string(content(1)),
		filepath.Join(dir, "m.vmx"):      "config.version = \"8\"\nnvram = \"../x.nvram\"\nscsi0:0.fileName = \"../x\"\nscsi0:1.fileName = \"" + secret + "\"\nscsi0:2.fileName = \"up.vmdk\"\n",
		filepath.Join(dir, "m.vmsd"):     "snapshot.numSnapshots = \"1\"\nsnapshot0.uid = \"1\"\nsnapshot0.filename = \"/x.vmsn\"\nsnapshot0.numDisks = \"1\"\nsnapshot0.disk0.fileName = \"../x\"\nsnapshot0.disk0.node = \"scsi0:0\"\n",
	} {
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	}
	require.NoError(t, os.Symlink(secret, filepath.Join(dir, "link.vmdk")))
	from := root(t, dir)
	for image, want := range map[string]struct {
		restored []string
		failures int
	}{
		"up.vmdk":    {[]string{"up.vmdk"}, 6},
		"child.vmdk": {[]string{"child.vmdk", "ok.vmdk"}, 1},
		"loop.vmdk":  {[]string{"loop.vmdk", "ok.vmdk"}, 1},
		"m.vmx":      {[]string{"m.vmsd", "m.vmx", "up.vmdk"}, 11},
	} {
		around := t.TempDir()
		require.NoError(t, os.Mkdir(filepath.Join(around, "to"), 0o777))
		to := root(t, filepath.Join(around, "to"))
		_, failures := do(t, t.Context(), from, to, image, "", Options{})
		require.Len(t, failures, want.failures, "%s: %v", image, failures)
		if image == "up.vmdk" {
			require.ErrorIs(t, errors.Join(failures...), layer.ErrUnsupported)
			require.ErrorContains(t, errors.Join(failures...), "link.vmdk: the extent is a link that cannot be followed")
		}
		require.Equal(t, want.restored, names(t, to))
		same(t, from, to, want.restored...)
		require.Equal(t, []string{"to"}, names(t, root(t, around)))
	}
}

const content64 = "secret, secret, secret, secret, secret, secret, secret, secret, "

// A link in the destination leads nowhere outside of it.
func TestLinkInDestination(t *testing.T) {
	from, _ := folder(t)
	outside := t.TempDir()
	to := t.TempDir()
	require.NoError(t, os.Symlink(filepath.Join(outside, "victim"), filepath.Join(to, partName("web-f001.vmdk"))))
	_, failures := do(t, t.Context(), from, root(t, to), "web.vmdk", "", Options{Overwrite: true})
	require.Empty(t, failures)
	require.Empty(t, names(t, root(t, outside)))
	same(t, from, root(t, to), "web.vmdk", "web-f001.vmdk", "web-f002.vmdk")
}

// failingAt is a source with an unreadable byte.
type failingAt struct {
	io.ReaderAt
	at int64
}

func (f failingAt) ReadAt(b []byte, off int64) (int, error) {
	if off <= f.at && f.at < off+int64(len(b)) {
		return 0, &fs.PathError{Op: "read", Path: "x", Err: syscall.EIO}
	}
	return f.ReaderAt.ReadAt(b, off)
}

// A file that cannot be read is no file, and all others are restored. When it
// can be read again, --resume restores it.
func TestUnreadable(t *testing.T) {
	for _, verify := range []bool{false, true} {
		from, _ := folder(t)
		to := root(t, t.TempDir())
		wrap := func(name string, r io.ReaderAt) io.ReaderAt {
			if name == "web-f002.vmdk" {
				return failingAt{r, 2 << 20}
			}
			return r
		}
		results, failures := do(t, t.Context(), from, to, ".", "", Options{Verify: verify, wrap: wrap})
		require.Len(t, failures, 1)
		require.ErrorIs(t, failures[0], syscall.EIO)
		require.NotErrorIs(t, failures[0], layer.ErrCorrupt)
		require.Len(t, results, 10)
		require.NotContains(t, names(t, to), "web-f002.vmdk")
		_, err := vmdk.Open(to.FS(), "web.vmdk")
		require.ErrorIs(t, err, layer.ErrIncomplete)
		_, failures = do(t, t.Context(), from, to, ".", "", Options{Verify: verify, Resume: true})
		require.Empty(t, failures)
		same(t, from, to, names(t, to)...)
		require.Len(t, names(t, to), 11)
	}
}

// A source that changes while it is copied is told.
func TestChanging(t *testing.T) {
	from, dir := folder(t)
	to := root(t, t.TempDir())
	plan, err := NewPlan(from.FS(), ".", "")
	require.NoError(t, err)
	now := time.Now().Add(time.Hour)
	require.NoError(t, os.Chtimes(filepath.Join(dir, "web-f002.vmdk"), now, now))
	var failures []error
	_, err = Run(t.Context(), from, to, plan, Options{Fail: func(_ string, err error) { failures = append(failures, err) }})
	require.NoError(t, err)
	require.Len(t, failures, 1)
	require.ErrorIs(t, failures[0], layer.ErrIncomplete)
	require.NotContains(t, names(t, to), "web-f002.vmdk")
}
