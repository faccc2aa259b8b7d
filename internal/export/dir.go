package export

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"sync/atomic"

	"github.com/vmdkfs/vmdkfs/internal/vnode"
	"github.com/vmdkfs/vmdkfs/internal/walk"
)

// A dir is a directory that is being filled. It is held open as long as
// something is to be placed in it; then it gets its attributes, which what is
// placed in it would change again.
type dir struct {
	copier *copier
	parent *dir
	root   *os.Root
	handle handle      // of the same directory, for what os.Root cannot do
	dest   string      // path below the copier's top
	fresh  bool        // it was made by this copy: whatever is in it came from the image
	path   string      // of the source
	info   fs.FileInfo // of the source; nil when its attributes are not wanted
	users  atomic.Int64
	named  atomic.Bool // its file system makes no file without a name
}

// newDir returns a dir for an open directory, with one user. It closes root
// when it fails.
func (c *copier) newDir(root *os.Root, parent *dir, dest string, fresh bool) (*dir, error) {
	d := &dir{copier: c, parent: parent, root: root, dest: dest, fresh: fresh}
	if err := d.handle.open(root); err != nil {
		root.Close()
		return nil, err
	}
	d.users.Store(1)
	if parent != nil {
		d.named.Store(parent.named.Load())
	}
	return d, nil
}

// makeDir makes the directory for e in parent, or takes the one that is there.
func (c *copier) makeDir(parent *dir, name string, e walk.Entry) (*dir, error) {
	if !vnode.Valid([]byte(name)) {
		return nil, fs.ErrInvalid
	}
	info, err := e.Info()
	if err != nil {
		return nil, err
	}
	fresh := true
	switch err := parent.root.Mkdir(name, newMode(info, 0o777)); {
	case errors.Is(err, fs.ErrExist) && parent.fresh:
		return nil, errTwice
	case errors.Is(err, fs.ErrExist):
		info, err := parent.root.Lstat(name)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			return nil, errNotDir // a link to one is not followed
		}
		fresh = false
	case err != nil:
		return nil, err
	}
	root, err := parent.root.OpenRoot(name)
	if err != nil {
		return nil, err
	}
	d, err := c.newDir(root, parent, path.Join(parent.dest, name), fresh)
	if err != nil {
		return nil, err
	}
	d.path, d.info = e.Path, info
	parent.retain()
	c.dirs.Add(1)
	return d, nil
}

func (d *dir) retain() { d.users.Add(1) }

// release ends a use of d. The last one gives d its attributes and closes it.
func (d *dir) release() {
	for d != nil && d.users.Add(-1) == 0 {
		if d.info != nil {
			if err := d.finish(); err != nil {
				d.copier.fail(d.path, err)
			}
		}
		d.handle.close()
		d.root.Close()
		d = d.parent
	}
}

// finish gives d its attributes, the times last.
func (d *dir) finish() error {
	f, err := d.root.Open(".")
	if err != nil {
		return err
	}
	defer f.Close()
	if err := d.copier.dress(opened{f}, d.info); err != nil {
		return err
	}
	return d.setTimes(".", d.info)
}
