package export

import (
	"errors"
	"io/fs"
	"strings"
	"syscall"

	"github.com/vmdkfs/vmdkfs/layer"
	"github.com/vmdkfs/vmdkfs/ntfs"
)

// modeBits are the bits of a mode that are kept.
const modeBits = fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky

// A dressable is an open file or directory that was made by the copy.
type dressable interface {
	Chown(uid, gid int) error
	Chmod(mode fs.FileMode) error
	xattrSetter
}

type xattrSetter interface {
	setXattr(name string, value []byte) error
}

// An unopened is a file that was made under a name and cannot be opened.
type unopened struct {
	dir  hostDir
	name string
}

func (u unopened) setXattr(attr string, value []byte) error {
	return u.dir.setXattrAt(u.name, attr, value)
}

// A route is where a file is in the image, and where its copy is below the top
// of the copy: name in dir, or dir itself.
type route struct{ source, dir, name string }

func (r route) dest() string {
	if r.name == "" {
		return r.dir
	}
	return below(r.dir, r.name)
}

// hasMode reports whether info is of a file with a mode and an owner in the
// sense of Unix. The copy of any other keeps those that it was made with.
func hasMode(info fs.FileInfo) bool {
	sys, ok := info.Sys().(layer.Sys)
	return ok && !sys.Unix().NoOwner
}

// newMode returns the mode to make a file with: nobody else's until it has its
// owner and mode, or, when it has none to come, what the umask leaves of open.
func (c *copier) newMode(info fs.FileInfo, open fs.FileMode) fs.FileMode {
	switch {
	case !hasMode(info):
		return open
	case c.opts.keep(Mode):
		return open & 0o700
	}
	return info.Mode().Perm()
}

// dress gives an open file the owner, mode and extended attributes of info.
// Each of these steps may undo those behind it. What the system refuses is
// noted.
func (c *copier) dress(f dressable, at route, info fs.FileInfo) error {
	if hasMode(info) {
		owned, err := c.own(info, f.Chown)
		if err != nil {
			return err
		}
		mode := info.Mode() & modeBits
		if !owned && mode&(fs.ModeSetuid|fs.ModeSetgid) != 0 && c.opts.keep(Mode) {
			mode &^= fs.ModeSetuid | fs.ModeSetgid
			c.notes.add("set-user-ID and set-group-ID bits are not kept without the owner")
		}
		if c.opts.keep(Mode) {
			if err := f.Chmod(mode); err != nil {
				return err
			}
		}
	}
	return c.setXattrs(at, info, f)
}

// dressNamed is dress, and sets the times, for a file that cannot be opened: a
// symbolic link, which has no mode, a device, a fifo or a socket.
func (c *copier) dressNamed(l leaf, temp string, info fs.FileInfo) error {
	h := l.dir.host
	if hasMode(info) {
		if _, err := c.own(info, func(uid, gid int) error { return h.chownAt(temp, uid, gid) }); err != nil {
			return err
		}
		if info.Mode()&fs.ModeSymlink == 0 && c.opts.keep(Mode) {
			if err := h.chmodAt(temp, info.Mode()&modeBits); err != nil {
				return err
			}
		}
	}
	if err := c.setXattrs(l.route(), info, unopened{h, temp}); err != nil || !c.opts.keep(Timestamps) {
		return err
	}
	if !keepsLinkTimes && info.Mode()&fs.ModeSymlink != 0 {
		c.notes.add("times of symbolic links are not kept on this system")
	}
	return h.setTimes(temp, info)
}

// own gives a file the owner of info by means of chown. It reports whether it
// has that owner, and notes what the system refuses.
func (c *copier) own(info fs.FileInfo, chown func(uid, gid int) error) (owned bool, err error) {
	if !c.opts.keep(Ownership) {
		return false, nil
	}
	unix := info.Sys().(layer.Sys).Unix()
	err = chown(int(unix.UID), int(unix.GID))
	if impossible(err) || errors.Is(err, syscall.EINVAL) { // EINVAL: not in this user namespace
		c.notes.add("owners are not kept: " + bare(err).Error())
		return false, nil
	}
	return err == nil, err
}

// setXattrs gives a file the extended attributes of info, and what else is kept
// in one. It notes what the system refuses.
func (c *copier) setXattrs(at route, info fs.FileInfo, f xattrSetter) error {
	fail := func(err error) { c.fail(at.source, err) }
	xattrs, err := c.opts.xattrs(info, fail)
	if err != nil {
		return err
	}
	for name, value := range xattrs {
		if err := c.noted(name, f.setXattr(name, value)); err != nil {
			return err
		}
	}
	if words := c.opts.sddl(info, fail); words != "" {
		return c.setSDDL(words, at, f)
	}
	return nil
}

// noted returns the error of setting an extended attribute, but notes one that
// says that it cannot be.
func (c *copier) noted(name string, err error) error {
	if impossible(err) || tooLarge(err) {
		c.notes.add("extended attributes " + class(name) + " are not kept: " + bare(err).Error())
		return nil
	}
	return err
}

// xattrs returns the extended attributes to keep of a file. What cannot be
// one, though it is no reason to leave out the file, is told to fail.
func (o *Options) xattrs(info fs.FileInfo, fail func(error)) (map[string][]byte, error) {
	if r, ok := info.Sys().(*ntfs.FileRecord); ok {
		return o.ntfsXattrs(r, fail)
	}
	sys, ok := info.Sys().(layer.Sys)
	if !ok || !o.keep(Xattrs|ACLs) {
		return nil, nil
	}
	xattrs, err := sys.Xattrs()
	for name := range xattrs {
		if kind := Xattrs; strings.HasPrefix(name, "system.posix_acl_") {
			if kind = ACLs; !o.keep(kind) {
				delete(xattrs, name)
			}
		} else if !o.keep(kind) {
			delete(xattrs, name)
		}
	}
	return xattrs, err
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
	if i := strings.IndexByte(name, '.'); i >= 0 {
		return name[:i+1] + "*"
	}
	return name
}
