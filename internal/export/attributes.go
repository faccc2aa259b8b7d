package export

import (
	"errors"
	"io/fs"
	"syscall"

	"github.com/vmdkfs/vmdkfs/layer"
)

// modeBits are the bits of a mode that are kept.
const modeBits = fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky

// A dressable is an open file or directory that was made by the copy.
type dressable interface {
	Chown(uid, gid int) error
	Chmod(mode fs.FileMode) error
	setXattr(name string, value []byte) error
}

// dress gives an open file the owner, mode and extended attributes of info.
// Each of these steps may undo those behind it. What the system refuses is
// noted.
//
// A file of no Unix file system keeps the mode that it was made with.
func (c *copier) dress(f dressable, info fs.FileInfo) error {
	sys, ok := info.Sys().(layer.Sys)
	if !ok {
		return nil
	}
	if sys.Unix().NoOwner {
		return c.copyXattrs(sys, f.setXattr)
	}
	mode := info.Mode() & modeBits
	owned := true
	if err := c.own(info, func(uid, gid int) error {
		err := f.Chown(uid, gid)
		owned = err == nil
		return err
	}); err != nil {
		return err
	}
	if !owned && mode&(fs.ModeSetuid|fs.ModeSetgid) != 0 {
		mode &^= fs.ModeSetuid | fs.ModeSetgid
		c.notes.add("set-user-ID and set-group-ID bits are not kept without the owner")
	}
	if err := f.Chmod(mode); err != nil {
		return err
	}
	return c.copyXattrs(sys, f.setXattr)
}

// copyXattrs gives a file the extended attributes of sys by means of set. It
// notes what the system refuses.
func (c *copier) copyXattrs(sys layer.Sys, set func(name string, value []byte) error) error {
	xattrs, err := sys.Xattrs()
	if err != nil {
		return err
	}
	for name, value := range xattrs {
		if err := set(name, value); impossible(err) || tooLarge(err) {
			c.notes.add("extended attributes " + class(name) + " are not kept: " + bare(err).Error())
		} else if err != nil {
			return err
		}
	}
	return nil
}

// dressNamed is dress for a file that cannot be opened: a symbolic link, which
// has no mode, a device, a fifo or a socket.
func (c *copier) dressNamed(d *dir, name string, info fs.FileInfo) error {
	sys, ok := info.Sys().(layer.Sys)
	if !ok {
		return d.setTimes(name, info)
	}
	err := c.own(info, func(uid, gid int) error { return d.root.Lchown(name, uid, gid) })
	if err == nil && info.Mode()&fs.ModeSymlink == 0 && !sys.Unix().NoOwner {
		err = d.root.Chmod(name, info.Mode()&modeBits)
	}
	if err == nil {
		err = c.copyXattrs(sys, func(attr string, value []byte) error { return d.setXattrAt(name, attr, value) })
	}
	if err == nil {
		err = d.setTimes(name, info)
	}
	return err
}

// newMode returns the mode to make a file with: nobody else's until it has its
// owner, or, when it has no owner to come, what the umask leaves of open.
func newMode(info fs.FileInfo, open fs.FileMode) fs.FileMode {
	if sys, ok := info.Sys().(layer.Sys); ok && !sys.Unix().NoOwner {
		return open & 0o700
	}
	return open
}

// own gives a file the owner of info by means of chown. It notes what the
// system refuses.
func (c *copier) own(info fs.FileInfo, chown func(uid, gid int) error) error {
	sys, ok := info.Sys().(layer.Sys)
	if !ok {
		return nil
	}
	unix := sys.Unix()
	if unix.NoOwner {
		return nil
	}
	err := chown(int(unix.UID), int(unix.GID))
	if impossible(err) || errors.Is(err, syscall.EINVAL) { // EINVAL: not in this user namespace
		c.notes.add("owners are not kept: " + bare(err).Error())
		return nil
	}
	return err
}

// impossible reports whether err says that this user, system or file system
// cannot do it at all.
func impossible(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, errors.ErrUnsupported)
}

// tooLarge reports whether err says that an extended attribute has more bytes
// than this file system keeps: a block of them, on ext4.
func tooLarge(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.E2BIG) || errors.Is(err, syscall.ERANGE)
}

// class returns the namespace of an extended attribute's name, for notes.
func class(name string) string {
	for i := range len(name) {
		if name[i] == '.' {
			return name[:i+1] + "*"
		}
	}
	return name
}
