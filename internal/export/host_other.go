//go:build !linux

package export

import (
	"errors"
	"io/fs"
	"os"
)

type hostDir struct{ root *os.Root }

// openHostDir opens the directory of a root.
func openHostDir(root *os.Root) (hostDir, error) { return hostDir{root}.openDir(".") }

func (h hostDir) openDir(name string) (hostDir, error) {
	if info, err := h.root.Lstat(name); err != nil {
		return h, err
	} else if !info.IsDir() {
		return h, errNotDir // os.Root follows links that stay in it
	}
	root, err := h.root.OpenRoot(name)
	return hostDir{root}, err
}

// open opens a regular file for reading.
func (h hostDir) open(name string) (*os.File, error) { return h.root.Open(name) }

func (h hostDir) close() { h.root.Close() }

func (h hostDir) mkdir(name string, mode fs.FileMode) error { return h.root.Mkdir(name, mode.Perm()) }
func (h hostDir) symlink(target, name string) error         { return h.root.Symlink(target, name) }
func (h hostDir) remove(name string) error                  { return h.root.Remove(name) }
func (h hostDir) readlink(name string) (string, error)      { return h.root.Readlink(name) }

func (h hostDir) chownAt(name string, uid, gid int) error { return h.root.Lchown(name, uid, gid) }

func (h hostDir) chmodAt(name string, mode fs.FileMode) error { return h.root.Chmod(name, mode) }

func (h hostDir) lstat(name string) (existing, error) {
	info, err := h.root.Lstat(name)
	if err != nil {
		return existing{}, err
	}
	return existing{mode: info.Mode().Type(), size: info.Size(), modified: info.ModTime()}, nil
}

// rename gives temp its name, in place of what has it.
func (h hostDir) rename(temp, name string) error { return h.root.Rename(temp, name) }

// renameNew would give temp its name if nothing had it.
func (hostDir) renameNew(string, string) error { return errors.ErrUnsupported }

// setTimes gives the file at name the times of info.
func (h hostDir) setTimes(name string, info fs.FileInfo) error {
	access, modify, ok := times(info)
	if !ok || info.Mode()&fs.ModeSymlink != 0 {
		return nil // there is no such call for links
	}
	return h.root.Chtimes(name, access, modify)
}

func (h hostDir) makeNode(string, fs.FileInfo) error { return errors.ErrUnsupported }

func (h hostDir) setXattrAt(name, attr string, value []byte) error { return errors.ErrUnsupported }

// What the directory itself gets.

func (h hostDir) Chown(uid, gid int) error     { return h.root.Chown(".", uid, gid) }
func (h hostDir) Chmod(mode fs.FileMode) error { return h.root.Chmod(".", mode) }
func (hostDir) setXattr(string, []byte) error  { return errors.ErrUnsupported }

// keepsLinkTimes says that symbolic links can be given times.
const keepsLinkTimes = false
