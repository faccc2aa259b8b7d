package export

import (
	"errors"
	"io/fs"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/vmdkfs/vmdkfs/layer"
)

// A handle is an open directory, for the system calls that package os does not
// have. Names given to them are single elements, and none follows a link.
type handle struct {
	file *os.File
	fd   int
}

func (h *handle) open(root *os.Root) (err error) {
	if h.file, err = root.Open("."); err != nil {
		return err
	}
	h.fd = int(h.file.Fd())
	return nil
}

func (h *handle) close() { h.file.Close() }

// create makes a new file and opens it for writing. It spares the attempt of
// package os to poll it, which costs as many system calls as all the rest of a
// small file.
func (d *dir) create(name string, mode fs.FileMode) (*os.File, error) {
	const flags = unix.O_WRONLY | unix.O_CREAT | unix.O_EXCL | unix.O_NOFOLLOW | unix.O_CLOEXEC | unix.O_LARGEFILE
	for {
		fd, err := unix.Openat(d.handle.fd, name, flags, uint32(mode))
		if err == nil {
			return os.NewFile(uintptr(fd), name), nil
		}
		if err != unix.EINTR {
			return nil, err
		}
	}
}

// place renames temp to name, which must not exist unless it may be replaced.
func (d *dir) place(temp, name string) error {
	if d.copier.opts.Overwrite && !d.fresh {
		return unix.Renameat(d.handle.fd, temp, d.handle.fd, name)
	}
	err := unix.Renameat2(d.handle.fd, temp, d.handle.fd, name, unix.RENAME_NOREPLACE)
	switch {
	case errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOSYS): // NFS and others, old kernels
		return d.placeSlowly(temp, name)
	case errors.Is(err, unix.EEXIST) && d.fresh:
		return errTwice
	}
	return err
}

// setTimes gives the file, or the link, at name the times of info.
func (d *dir) setTimes(name string, info fs.FileInfo) error {
	access, modify, ok := times(info)
	if !ok {
		return nil
	}
	ts := make([]unix.Timespec, 2)
	for i, t := range []time.Time{access, modify} {
		var err error
		if ts[i], err = unix.TimeToTimespec(t); err != nil {
			return err
		}
	}
	return unix.UtimesNanoAt(d.handle.fd, name, ts, unix.AT_SYMLINK_NOFOLLOW)
}

// makeNode makes a device, fifo or socket.
func (d *dir) makeNode(name string, info fs.FileInfo) error {
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
	return unix.Mknodat(d.handle.fd, name, mode, dev)
}

func setXattr(f *os.File, name string, value []byte) error {
	return unix.Fsetxattr(int(f.Fd()), name, value, 0)
}

// setXattrAt sets an attribute of a file that cannot be opened. Where there is
// no setxattrat, the path of an open directory leads to it.
func (d *dir) setXattrAt(name, attr string, value []byte) error {
	return unix.Lsetxattr("/proc/self/fd/"+strconv.Itoa(d.handle.fd)+"/"+name, attr, value, 0)
}
