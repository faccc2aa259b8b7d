package export

import (
	"context"
	"errors"
	"io"
	"io/fs"

	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/internal/vnode"
	"github.com/vmdkfs/vmdkfs/layer"
)

var (
	errNoReaderAt = errors.New("file cannot be read at any offset")
	errEntry      = errors.New("a directory that its entry says is none")
)

// work copies leaves until there are no more. A cancelled copy drops them.
func (c *copier) work() {
	buf := make([]byte, bufferSize)
	for batch := range c.jobs {
		for _, l := range batch {
			if c.ctx.Err() == nil {
				c.leaf(l, buf)
			}
			l.dir.release()
		}
	}
}

// leaf copies a file that is no directory, or links it to the copy of another
// of its names.
func (c *copier) leaf(l leaf, buf []byte) {
	info, err := l.Info()
	if err != nil {
		c.fail(l.Path, err)
		return
	}
	if err = l.check(); err == nil && info.IsDir() {
		err = errEntry
	}
	if err != nil {
		c.fail(l.Path, err)
		return
	}
	group, first := c.links.claim(l, info)
	if !first {
		return // linked by whoever copies the file, or by now
	}
	skipped, err := c.create(l, info, buf)
	switch {
	case err != nil && c.ctx.Err() == nil:
		c.fail(l.Path, err)
	case err == nil && !skipped:
		c.files.Add(1)
	}
	if group != nil {
		c.links.done(c, group, err, skipped)
	}
}

// check fails when l's name may not be placed.
func (l leaf) check() error {
	if !vnode.Valid([]byte(l.name)) {
		return fs.ErrInvalid
	}
	if l.dir.fresh {
		return nil // placing it will tell, without a look in advance
	}
	switch info, err := l.dir.root.Lstat(l.name); {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.IsDir():
		return errIsDir
	case !l.dir.copier.opts.Overwrite:
		return fs.ErrExist
	}
	return nil
}

// create makes the file, which gets its name when it is complete. It reports
// whether the file was skipped, with a note.
func (c *copier) create(l leaf, info fs.FileInfo, buf []byte) (skipped bool, err error) {
	if info.Mode().IsRegular() {
		return false, c.regular(l, info, buf)
	}
	temp := c.temp.name()
	if info.Mode()&fs.ModeSymlink != 0 {
		err = c.symlink(l, temp, info)
	} else {
		skipped, err = c.special(l, temp, info)
	}
	if err != nil || skipped {
		return skipped, err
	}
	if err = l.dir.place(temp, l.name); err != nil {
		l.dir.root.Remove(temp)
	}
	return false, err
}

// regular copies a regular file. It leaves nothing behind when it fails.
func (c *copier) regular(l leaf, info fs.FileInfo, buf []byte) error {
	src, err := l.Open()
	if err != nil {
		return err
	}
	defer src.Close()
	f, err := l.dir.newFile(info)
	if err != nil {
		return err
	}
	if err = c.content(c.ctx, f, src, info.Size(), buf); err == nil {
		err = c.dress(f, info)
	}
	if err != nil {
		f.discard()
		return err
	}
	return f.place(l.name, info)
}

// content copies the data of src to f, and leaves out the holes.
func (c *copier) content(ctx context.Context, f *newFile, src fs.File, size int64, buf []byte) error {
	r, ok := src.(io.ReaderAt)
	if !ok {
		return errNoReaderAt
	}
	end := int64(0) // of what was written
	data := func(e layer.Extent) error {
		for stop := min(e.Offset+e.Length, size); e.Offset < stop; {
			if err := ctx.Err(); err != nil {
				return err
			}
			part := buf[:min(int64(len(buf)), stop-e.Offset)]
			if err := ondisk.ReadFull(r, part, e.Offset); err != nil {
				return err
			}
			if _, err := f.WriteAt(part, e.Offset); err != nil {
				return err
			}
			e.Offset += int64(len(part))
			c.bytes.Add(int64(len(part)))
			c.progress(e.Offset - end) // with the hole before it
			end = e.Offset
		}
		return nil
	}
	if file, ok := src.(layer.File); ok {
		for e, err := range file.Extents() {
			if err == nil {
				err = data(e)
			}
			if err != nil {
				return err
			}
		}
	} else if err := data(layer.Extent{Length: size}); err != nil {
		return err
	}
	if end < size {
		c.progress(size - end)
		return f.Truncate(size) // it ends with a hole
	}
	return nil
}

// progress tells of n bytes more.
func (c *copier) progress(n int64) {
	if c.opts.Progress != nil {
		c.opts.Progress(n)
	}
}

// symlink makes a symbolic link under the name temp.
func (c *copier) symlink(l leaf, temp string, info fs.FileInfo) error {
	target, err := l.ReadLink()
	if err != nil {
		return err
	}
	if err := l.dir.root.Symlink(string(vnode.Unescape(target)), temp); err != nil {
		return err
	}
	if err = c.dressNamed(l.dir, temp, info); err != nil {
		l.dir.root.Remove(temp)
	}
	return err
}

// special makes a device, a fifo or a socket under the name temp, or notes
// that it cannot.
func (c *copier) special(l leaf, temp string, info fs.FileInfo) (skipped bool, err error) {
	err = l.dir.makeNode(temp, info)
	if impossible(err) {
		c.notes.add("devices, fifos or sockets were left out: " + bare(err).Error())
		return true, nil
	}
	if err != nil {
		return false, err
	}
	if err = c.dressNamed(l.dir, temp, info); err != nil {
		l.dir.root.Remove(temp)
	}
	return false, err
}
