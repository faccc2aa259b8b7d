package export

import (
	"errors"
	"io/fs"

	"github.com/vmdkfs/vmdkfs/internal/vnode"
	"github.com/vmdkfs/vmdkfs/internal/walk"
	"github.com/vmdkfs/vmdkfs/layer"
)

var (
	errNoReaderAt = errors.New("file cannot be read at any offset")
	errEntry      = errors.New("a directory that its entry says is none")
)

// work copies leaves until there are no more. A cancelled copy drops them.
func (c *copier) work() {
	t := c.newTransfer()
	for batch := range c.jobs {
		for _, l := range batch {
			if c.ctx.Err() == nil {
				t.leaf(l)
			}
			l.dir.release()
		}
	}
}

// leaf copies a file that is no directory, or links it to the copy of another
// of its names.
func (t *transfer) leaf(l leaf) {
	c := t.copier
	if c.opts.Start != nil {
		c.opts.Start(l.Path)
	}
	info, err := l.Info()
	if err == nil && info.IsDir() {
		err = errEntry
	}
	if err == nil {
		l.there, err = l.check(info)
	}
	if err != nil {
		c.fail(l.Path, err)
		return
	}
	group, first := c.links.claim(l, info)
	if !first {
		return // linked by whoever copies the file, or by now
	}
	left, sum, err := t.create(l, info)
	switch {
	case err != nil && c.ctx.Err() == nil:
		c.fail(l.Path, err)
	case err == nil && !left:
		c.done(l, sum)
	}
	if group != nil {
		c.links.done(c, group, err, left, sum)
	}
	if err == nil {
		c.streams(l, info, t.leaf)
	}
}

// done counts a file that is there now.
func (c *copier) done(l leaf, sum *digest) {
	if l.there {
		c.skipped.Add(1)
	} else {
		c.files.Add(1)
	}
	if sum != nil && c.opts.Sum != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.opts.Sum(c.told(l.dest()), *sum)
	}
}

// check fails when l's name may not be placed. It reports whether a complete
// copy of it is there.
func (l leaf) check(info fs.FileInfo) (complete bool, err error) {
	if !vnode.Valid([]byte(l.name)) {
		return false, fs.ErrInvalid
	}
	if l.dir.fresh {
		return false, nil // placing it will tell, without a look in advance
	}
	return l.dir.copier.opts.check(l.dir.host, l.name, l.Entry, info)
}

// check reports whether a complete copy of e is in a directory under a name,
// and fails when something else is and may not be replaced.
func (o *Options) check(in hostDir, name string, e walk.Entry, info fs.FileInfo) (complete bool, err error) {
	there, err := in.lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, err
	case there.mode.IsDir():
		return false, errIsDir
	case o.Resume && there.copyOf(info, in, name, e):
		return true, nil
	case o.Overwrite:
		return false, nil
	case o.Resume:
		return false, errDiffers
	}
	return false, fs.ErrExist
}

// copyOf reports whether an existing file is a complete copy of e: it has its
// name because it was complete, and what is compared is what tells files with
// one name from each other.
func (x existing) copyOf(info fs.FileInfo, in hostDir, name string, e walk.Entry) bool {
	if x.mode != info.Mode().Type() {
		return false
	}
	switch {
	case x.mode == 0:
		_, modified, ok := times(info)
		return ok && x.size == info.Size() && x.modified.Equal(modified)
	case x.mode == fs.ModeSymlink:
		want, err := e.ReadLink()
		have, err2 := in.readlink(name)
		return err == nil && err2 == nil && have == vnode.Raw(want)
	case x.mode&fs.ModeDevice != 0:
		sys, ok := info.Sys().(layer.Sys)
		return ok && x.major == sys.Unix().Major && x.minor == sys.Unix().Minor
	}
	return true
}

// create makes the file, which gets its name when it is complete. It reports
// whether the file was left out, with a note, and the hash of a regular file if
// that is wanted.
func (t *transfer) create(l leaf, info fs.FileInfo) (left bool, sum *digest, err error) {
	switch {
	case info.Mode().IsRegular() && l.there:
		sum, err = t.compare(l, info)
		return false, sum, err
	case info.Mode().IsRegular():
		sum, err = t.regular(l, info)
		return false, sum, err
	case l.there:
		return false, nil, nil
	}
	temp := t.temp.name()
	if info.Mode()&fs.ModeSymlink != 0 {
		err = t.symlink(l, temp)
	} else if err = l.dir.host.makeNode(temp, info); impossible(err) {
		t.notes.add("devices, fifos or sockets were left out: " + bare(err).Error())
		return true, nil, nil
	}
	if err != nil {
		return false, nil, err
	}
	if err = t.dressNamed(l, temp, info); err == nil {
		err = l.dir.place(temp, l.name)
	}
	if err != nil {
		l.dir.host.remove(temp)
	}
	return false, nil, err
}

// symlink makes a symbolic link under the name temp.
func (c *copier) symlink(l leaf, temp string) error {
	target, err := l.ReadLink()
	if err != nil {
		return err
	}
	return l.dir.host.symlink(vnode.Raw(target), temp)
}

// regular copies a regular file. It leaves nothing behind when it fails.
func (t *transfer) regular(l leaf, info fs.FileInfo) (*digest, error) {
	src, err := open(l.Entry, info)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	f, err := l.dir.newFile(info)
	if err != nil {
		return nil, err
	}
	sum, err := t.content(f, src, info.Size())
	if err == nil && t.opts.Verify {
		if err = f.flush(); err == nil {
			err = t.verify(f, info.Size(), sum)
		}
	}
	if err == nil {
		err = t.dress(f, l.route(), info)
	}
	if err != nil {
		f.discard()
		return nil, err
	}
	return sum, f.place(l.name, info)
}

// open opens the file that info describes: by info, where it can, as what it
// describes has been decoded.
func open(e walk.Entry, info fs.FileInfo) (fs.File, error) {
	if o, ok := info.(interface{ Open() (fs.File, error) }); ok {
		return o.Open()
	}
	return e.Open()
}
