package export

import (
	"errors"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vmdkfs/vmdkfs/layer"
)

type hostDir struct{ fd int }

// openHostDir opens the directory of a root.
func openHostDir(root *os.Root) (hostDir, error) {
	f, err := root.Open(".")
	if err != nil {
		return hostDir{}, err
	}
	defer f.Close()
	fd, err := openat(int(f.Fd()), ".", unix.O_RDONLY|unix.O_DIRECTORY, 0)
	return hostDir{fd}, err
}

func openat(dir int, name string, flags int, mode fs.FileMode) (fd int, err error) {
	for {
		fd, err = unix.Openat(dir, name, flags|unix.O_NOFOLLOW|unix.O_CLOEXEC|unix.O_LARGEFILE, uint32(mode.Perm()))
		if err != unix.EINTR {
			return fd, err
		}
	}
}

func (h hostDir) openDir(name string) (hostDir, error) {
	fd, err := openat(h.fd, name, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	return hostDir{fd}, err
}

// open opens a regular file for reading; anything else may block or fail.
func (h hostDir) open(name string) (*os.File, error) {
	fd, err := openat(h.fd, name, unix.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), name), nil
}

func (h hostDir) close() { unix.Close(h.fd) }

func (h hostDir) mkdir(name string, mode fs.FileMode) error {
	return unix.Mkdirat(h.fd, name, uint32(mode.Perm()))
}

func (h hostDir) symlink(target, name string) error { return unix.Symlinkat(target, h.fd, name) }

func (h hostDir) remove(name string) error { return unix.Unlinkat(h.fd, name, 0) }

func (h hostDir) chownAt(name string, uid, gid int) error {
	return unix.Fchownat(h.fd, name, uid, gid, unix.AT_SYMLINK_NOFOLLOW)
}

// chmodAt sets the mode of a file that is no link, made under a name that
// nobody knows.
func (h hostDir) chmodAt(name string, mode fs.FileMode) error {
	return unix.Fchmodat(h.fd, name, unixMode(mode), 0)
}

func (h hostDir) readlink(name string) (string, error) {
	for size := 256; ; size *= 2 {
		b := make([]byte, size)
		n, err := unix.Readlinkat(h.fd, name, b)
		if err != nil {
			return "", err
		}
		if n < size {
			return string(b[:n]), nil
		}
	}
}

func (h hostDir) lstat(name string) (existing, error) {
	var st unix.Stat_t
	if err := unix.Fstatat(h.fd, name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return existing{}, err
	}
	types := map[uint32]fs.FileMode{unix.S_IFDIR: fs.ModeDir, unix.S_IFLNK: fs.ModeSymlink, unix.S_IFIFO: fs.ModeNamedPipe,
		unix.S_IFSOCK: fs.ModeSocket, unix.S_IFBLK: fs.ModeDevice, unix.S_IFCHR: fs.ModeDevice | fs.ModeCharDevice}
	return existing{
		mode: types[st.Mode&unix.S_IFMT], size: st.Size, modified: time.Unix(st.Mtim.Unix()),
		major: unix.Major(uint64(st.Rdev)), minor: unix.Minor(uint64(st.Rdev)),
	}, nil
}

// rename gives temp its name, in place of what has it.
func (h hostDir) rename(temp, name string) error { return unix.Renameat(h.fd, temp, h.fd, name) }

// renameNew gives temp its name, which nothing may have. It is
// errors.ErrUnsupported where the system cannot do both in one step: on NFS
// and others, with old kernels.
func (h hostDir) renameNew(temp, name string) error {
	err := unix.Renameat2(h.fd, temp, h.fd, name, unix.RENAME_NOREPLACE)
	if err == unix.EINVAL || err == unix.ENOSYS {
		return errors.ErrUnsupported
	}
	return err
}

// setTimes gives the file, or the link, at name the times of info.
func (h hostDir) setTimes(name string, info fs.FileInfo) error {
	ts, ok, err := timespecs(info)
	if err != nil || !ok {
		return err
	}
	return unix.UtimesNanoAt(h.fd, name, ts[:], unix.AT_SYMLINK_NOFOLLOW)
}

// timespecs returns the times to give to the copy of info, if it has any.
func timespecs(info fs.FileInfo) (ts [2]unix.Timespec, ok bool, err error) {
	access, modify, ok := times(info)
	if !ok {
		return ts, false, nil
	}
	if ts[0], err = unix.TimeToTimespec(access); err == nil {
		ts[1], err = unix.TimeToTimespec(modify)
	}
	return ts, true, err
}

// makeNode makes a device, fifo or socket.
func (h hostDir) makeNode(name string, info fs.FileInfo) error {
	mode, dev := uint32(0o600), 0
	switch t := info.Mode().Type(); t {
	case fs.ModeNamedPipe:
		mode |= unix.S_IFIFO
	case fs.ModeSocket:
		mode |= unix.S_IFSOCK
	case fs.ModeDevice, fs.ModeDevice | fs.ModeCharDevice:
		sys, ok := info.Sys().(layer.Sys)
		if !ok {
			return errors.ErrUnsupported
		}
		mode |= unix.S_IFBLK
		if t&fs.ModeCharDevice != 0 {
			mode = mode&^unix.S_IFMT | unix.S_IFCHR
		}
		dev = int(unix.Mkdev(sys.Unix().Major, sys.Unix().Minor))
	default:
		return errors.ErrUnsupported
	}
	return unix.Mknodat(h.fd, name, mode, dev)
}

// setXattrAt sets an attribute of a file that cannot be opened. Where there is
// no setxattrat, the path of an open directory leads to it.
func (h hostDir) setXattrAt(name, attr string, value []byte) error {
	if strings.HasPrefix(attr, "user.") {
		return unix.EPERM // only files and directories have these: xattr(7)
	}
	return unix.Lsetxattr("/proc/self/fd/"+strconv.Itoa(h.fd)+"/"+name, attr, value, 0)
}

// What the directory itself gets.

func (h hostDir) Chown(uid, gid int) error {
	var st unix.Stat_t
	if unix.Fstat(h.fd, &st) == nil && int(st.Uid) == uid && int(st.Gid) == gid {
		return nil
	}
	return unix.Fchown(h.fd, uid, gid)
}

func (h hostDir) Chmod(mode fs.FileMode) error { return unix.Fchmod(h.fd, unixMode(mode)) }

func (h hostDir) setXattr(name string, value []byte) error {
	return unix.Fsetxattr(h.fd, name, value, 0)
}

// unixMode returns the twelve permission bits as the system numbers them.
func unixMode(mode fs.FileMode) uint32 {
	bits := uint32(mode.Perm())
	for i, m := range []fs.FileMode{fs.ModeSticky, fs.ModeSetgid, fs.ModeSetuid} {
		if mode&m != 0 {
			bits |= 0o1000 << i
		}
	}
	return bits
}

// keepsLinkTimes says that symbolic links can be given times.
const keepsLinkTimes = true
