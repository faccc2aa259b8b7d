package export

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
	"github.com/vmdkfs/vmdkfs/internal/vnode"
)

// describeHost returns what the kernel says of the tree in dir, as a manifest
// does.
func describeHost(t *testing.T, dir string) map[string]testimg.File {
	t.Helper()
	files := make(map[string]testimg.File)
	require.NoError(t, filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrPermission) {
			return nil // a directory that only root may list
		}
		require.NoError(t, err)
		rel, err := filepath.Rel(dir, path)
		require.NoError(t, err)
		rel = vnode.Escape([]byte(rel))
		files[rel] = describeFile(t, path, rel)
		return nil
	}))
	return files
}

func describeFile(t *testing.T, path, rel string) testimg.File {
	t.Helper()
	info, err := os.Lstat(path)
	require.NoError(t, err)
	st := info.Sys().(*syscall.Stat_t)
	f := testimg.File{
		Path: rel, Mode: fmt.Sprintf("%04o", st.Mode&0o7777), UID: st.Uid, GID: st.Gid,
		Mtime: time.Unix(st.Mtim.Unix()), Atime: time.Unix(st.Atim.Unix()), Nlink: uint32(st.Nlink), Inode: st.Ino, Xattrs: xattrsOf(t, path),
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		f.Type, f.Size = "file", st.Size
		file, err := os.Open(path)
		if errors.Is(err, fs.ErrPermission) {
			break
		}
		require.NoError(t, err)
		defer file.Close()
		h := sha256.New()
		_, err = io.Copy(h, file)
		require.NoError(t, err)
		f.SHA256 = hex.EncodeToString(h.Sum(nil))
	case unix.S_IFDIR:
		f.Type = "dir"
	case unix.S_IFLNK:
		f.Type = "symlink"
		target, err := os.Readlink(path)
		require.NoError(t, err)
		f.Target = vnode.Escape([]byte(target))
	case unix.S_IFIFO:
		f.Type = "fifo"
	case unix.S_IFSOCK:
		f.Type = "socket"
	case unix.S_IFCHR, unix.S_IFBLK:
		f.Type = map[bool]string{true: "char", false: "block"}[st.Mode&unix.S_IFMT == unix.S_IFCHR]
		f.Rdev = fmt.Sprintf("%d:%d", unix.Major(st.Rdev), unix.Minor(st.Rdev))
	}
	return f
}

func xattrsOf(t *testing.T, path string) map[string]string {
	t.Helper()
	names := make([]byte, 64<<10)
	n, err := unix.Llistxattr(path, names)
	if err != nil {
		return nil // the file system has none
	}
	attrs := make(map[string]string)
	for start, i := 0, 0; i < n; i++ {
		if names[i] != 0 {
			continue
		}
		name := string(names[start:i])
		start = i + 1
		value := make([]byte, 64<<10)
		size, err := unix.Lgetxattr(path, name, value)
		require.NoError(t, err)
		attrs[name] = base64.StdEncoding.EncodeToString(value[:size])
	}
	return attrs
}

// runAsNobody runs a test again as a user without rights.
func runAsNobody(t *testing.T, name string) {
	t.Helper()
	const nobody = 65534
	dir, err := os.MkdirTemp("", "vmdkfs-nobody-")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	require.NoError(t, os.Chown(dir, nobody, nobody))
	// The test's own binary may lie where nobody can reach it.
	binary := filepath.Join(dir, "test")
	self, err := os.ReadFile("/proc/self/exe")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(binary, self, 0o755))
	cmd := exec.Command(binary, "-test.run=^"+name+"$", "-test.v")
	cmd.Env = append(os.Environ(), "TMPDIR="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), "--- PASS: "+name)
}
