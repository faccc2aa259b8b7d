package export

import (
	"errors"
	"io"
	"io/fs"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The ways in which a file without a name can get one, by what the system and
// the user's rights allow.
const (
	linkNever = iota
	linkDescriptor
	linkProc
)

// A newFile is a regular file that is being written. Where the system can make
// one without a name it has none until it is complete, so that nobody can open
// it before, and nothing of it is left when the process is killed. Elsewhere it
// has a temporary name. It goes without package os, whose attempt to poll each
// file costs as many system calls as all the rest of a small one.
type newFile struct {
	dir   *dir
	fd    int
	temp  string      // its name, empty if it has none
	asked fs.FileMode // the mode that it was made with

	has *ownership // nil when it is not known
}

// probeLink returns how a file without a name in the directory gets one.
func probeLink(h hostDir, temp string) int {
	fd := h.fd
	file, err := openat(fd, ".", unix.O_WRONLY|unix.O_TMPFILE, 0o600)
	if err != nil {
		return linkNever
	}
	defer unix.Close(file)
	for _, way := range []int{linkDescriptor, linkProc} {
		if link(way, file, fd, temp) == nil {
			if unix.Unlinkat(fd, temp, 0) == nil {
				return way
			}
			break
		}
	}
	return linkNever
}

// link gives the open file a name in a directory.
func link(way, file, dir int, name string) error {
	if way == linkDescriptor {
		return unix.Linkat(file, "", dir, name, unix.AT_EMPTY_PATH)
	}
	return unix.Linkat(unix.AT_FDCWD, descriptorPath(file), dir, name, unix.AT_SYMLINK_FOLLOW)
}

func descriptorPath(file int) string { return "/proc/self/fd/" + strconv.Itoa(file) }

// setTimesOf sets the times of an open file: futimens, which is utimensat
// without a path.
func setTimesOf(file int, ts *[2]unix.Timespec) error {
	_, _, errno := unix.Syscall6(unix.SYS_UTIMENSAT, uintptr(file), 0, uintptr(unsafe.Pointer(ts)), 0, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// newFile makes the file for info.
func (d *dir) newFile(info fs.FileInfo) (*newFile, error) {
	// One that replaces another needs a name to be renamed from.
	c := d.copier
	if c.way != linkNever && (d.fresh || !c.opts.Overwrite) && !d.named.Load() {
		// Its mode is nobody's concern before it has a name.
		mode := c.newMode(info, 0o666)
		if mode&0o077 == 0 {
			mode = info.Mode()
		}
		fd, err := openat(d.host.fd, ".", c.access()|unix.O_TMPFILE, mode)
		if err == nil {
			return &newFile{dir: d, fd: fd, asked: mode}, nil
		}
		if !errors.Is(err, unix.EOPNOTSUPP) && !errors.Is(err, unix.EISDIR) {
			return nil, err
		}
		d.named.Store(true) // another file system is mounted here
	}
	temp := c.temp.name()
	mode := c.newMode(info, 0o666)
	fd, err := openat(d.host.fd, temp, c.access()|unix.O_CREAT|unix.O_EXCL, mode)
	if err != nil {
		return nil, err
	}
	return &newFile{dir: d, fd: fd, temp: temp, asked: mode}, nil
}

// access returns whether files are only written, or read again.
func (c *copier) access() int {
	if c.opts.Verify {
		return unix.O_RDWR
	}
	return unix.O_WRONLY
}

// ReadAt implements io.ReaderAt.
func (f *newFile) ReadAt(p []byte, off int64) (int, error) {
	for {
		n, err := unix.Pread(f.fd, p, off)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return 0, err
		case n == 0 && len(p) > 0:
			return 0, io.EOF
		default:
			return n, nil
		}
	}
}

// flush has what was written be on the disk, and what is read come from it.
func (f *newFile) flush() error {
	if err := unix.Fdatasync(f.fd); err != nil {
		return err
	}
	return unix.Fadvise(f.fd, 0, 0, unix.FADV_DONTNEED)
}

// WriteAt implements io.WriterAt.
func (f *newFile) WriteAt(p []byte, off int64) (done int, err error) {
	for done < len(p) {
		n, err := unix.Pwrite(f.fd, p[done:], off+int64(done))
		switch {
		case err == unix.EINTR:
		case err != nil:
			return done, err
		case n == 0:
			return done, io.ErrShortWrite
		default:
			done += n
		}
	}
	return done, nil
}

func (f *newFile) Truncate(size int64) error {
	for {
		if err := unix.Ftruncate(f.fd, size); err != unix.EINTR {
			return err
		}
	}
}

// look learns the owner and mode that the file has: to ask costs less than to
// set both, and a new file mostly has what it should. In a directory that this
// copy made they are those of the last file that was made like this one.
func (f *newFile) look() {
	if f.has = f.dir.made.Load(); f.dir.fresh && f.has != nil && f.has.asked == f.asked {
		return
	}
	f.has = nil
	var stat unix.Stat_t
	if unix.Fstat(f.fd, &stat) == nil {
		f.has = &ownership{f.asked, int(stat.Uid), int(stat.Gid), stat.Mode & 0o7777}
		f.dir.made.Store(f.has)
	}
}

func (f *newFile) Chown(uid, gid int) error {
	if f.look(); f.has != nil && f.has.uid == uid && f.has.gid == gid {
		return nil
	}
	f.has = nil // it clears bits of the mode
	return unix.Fchown(f.fd, uid, gid)
}

func (f *newFile) Chmod(mode fs.FileMode) error {
	bits := unixMode(mode)
	if f.has != nil && f.has.mode == bits {
		return nil
	}
	return unix.Fchmod(f.fd, bits)
}

func (f *newFile) setXattr(name string, value []byte) error {
	return unix.Fsetxattr(f.fd, name, value, 0)
}

// place gives the complete file the times of info and its name, and closes it.
func (f *newFile) place(name string, info fs.FileInfo) (err error) {
	if f.dir.copier.opts.keep(Timestamps) {
		var ts [2]unix.Timespec
		var ok bool
		if ts, ok, err = timespecs(info); err == nil && ok {
			err = setTimesOf(f.fd, &ts)
		}
	}
	if err == nil && f.temp == "" {
		err = f.dir.twice(link(f.dir.copier.way, f.fd, f.dir.host.fd, name))
	}
	if e := unix.Close(f.fd); err == nil {
		err = e
	}
	if f.temp == "" {
		return err
	}
	if err == nil {
		err = f.dir.place(f.temp, name)
	}
	if err != nil {
		f.dir.host.remove(f.temp)
	}
	return err
}

// discard closes the file, of which nothing is left.
func (f *newFile) discard() {
	unix.Close(f.fd)
	if f.temp != "" {
		f.dir.host.remove(f.temp)
	}
}
