package export

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
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
	host   hostDir
	dest   string      // path below the copier's top
	fresh  bool        // it was made by this copy: whatever is in it came from the image
	source walk.Entry  // of what is placed in it
	info   fs.FileInfo // of the source; nil when its attributes are not wanted
	users  atomic.Int64
	named  atomic.Bool               // its file system makes no file without a name
	made   atomic.Pointer[ownership] // of the last file that was made in it
}

// An ownership is what a file was given that was made with a mode.
type ownership struct {
	asked    fs.FileMode
	uid, gid int
	mode     uint32
}

// openDest opens the directory to copy into. name is what the one source is
// called there, or empty when it keeps its own name.
func openDest(dest string, sources int) (top *os.Root, name string, err error) {
	info, err := os.Stat(dest)
	switch {
	case err == nil && info.IsDir():
		top, err = os.OpenRoot(dest)
		return top, "", err
	case err != nil && !errors.Is(err, os.ErrNotExist):
		return nil, "", err
	case sources != 1:
		if err == nil {
			return nil, "", &os.PathError{Op: "open", Path: dest, Err: errNotDir}
		}
		return nil, "", &os.PathError{Op: "open", Path: dest, Err: errSeveral}
	}
	top, err = os.OpenRoot(filepath.Dir(dest))
	return top, filepath.Base(dest), err
}

// newDir returns a dir for an open directory, with one user.
func (c *copier) newDir(host hostDir, parent *dir, dest string, fresh bool) *dir {
	d := &dir{copier: c, parent: parent, host: host, dest: dest, fresh: fresh}
	d.users.Store(1)
	if parent != nil {
		d.named.Store(parent.named.Load())
	}
	return d
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
	switch err := parent.host.mkdir(name, c.newMode(info, 0o777)|0o700); {
	case errors.Is(err, fs.ErrExist) && parent.fresh:
		return nil, errTwice
	case errors.Is(err, fs.ErrExist):
		there, err := parent.host.lstat(name)
		if err != nil {
			return nil, err
		}
		if !there.mode.IsDir() {
			return nil, errNotDir // a link to one is not followed
		}
		fresh = false
	case err != nil:
		return nil, err
	}
	host, err := parent.host.openDir(name)
	if err != nil {
		return nil, err
	}
	d := c.newDir(host, parent, below(parent.dest, name), fresh)
	d.source, d.info = e, info
	parent.retain()
	c.dirs.Add(1)
	return d, nil
}

// place gives a file its name.
func (d *dir) place(temp, name string) error {
	if d.copier.opts.Overwrite && !d.fresh {
		return d.host.rename(temp, name)
	}
	err := d.host.renameNew(temp, name)
	if errors.Is(err, errors.ErrUnsupported) {
		err = d.placeSlowly(temp, name)
	}
	return d.twice(err)
}

// placeSlowly is place in two steps, between which no other file of the copy
// comes: two of its names may be one here, as where case does not count.
func (d *dir) placeSlowly(temp, name string) error {
	d.copier.placing.Lock()
	defer d.copier.placing.Unlock()
	switch _, err := d.host.lstat(name); {
	case err == nil:
		return fs.ErrExist
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	return d.host.rename(temp, name)
}

// twice returns what it means that a name is taken.
func (d *dir) twice(err error) error {
	if d.fresh && errors.Is(err, fs.ErrExist) {
		return errTwice
	}
	return err
}

func (d *dir) retain() { d.users.Add(1) }

// release ends a use of d. The last one gives d its attributes and closes it.
func (d *dir) release() {
	for d != nil && d.users.Add(-1) == 0 {
		if d.info != nil {
			if err := d.finish(); err != nil {
				d.copier.fail(d.source.Path, err)
			}
		}
		d.host.close()
		d = d.parent
	}
}

// finish gives d its attributes, the times last.
func (d *dir) finish() error {
	c := d.copier
	if err := c.dress(d.host, route{d.source.Path, d.dest, ""}, d.info); err != nil {
		return err
	}
	if !c.opts.keep(Timestamps) {
		return nil
	}
	return d.host.setTimes(".", d.info)
}
