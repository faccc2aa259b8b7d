package export

import (
	"errors"
	"io/fs"
	"os"
	"strconv"

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
	ts, ok, err := timespecs(info)
	if err != nil || !ok {
		return err
	}
	return unix.UtimesNanoAt(d.handle.fd, name, ts[:], unix.AT_SYMLINK_NOFOLLOW)
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

// setXattrAt sets an attribute of a file that cannot be opened. Where there is
// no setxattrat, the path of an open directory leads to it.
func (d *dir) setXattrAt(name, attr string, value []byte) error {
	return unix.Lsetxattr("/proc/self/fd/"+strconv.Itoa(d.handle.fd)+"/"+name, attr, value, 0)
}
