package export

import (
	"errors"
	"io/fs"
	"time"

	"github.com/vmdkfs/vmdkfs/layer"
)

// placeSlowly is place where the system cannot do it in one step.
func (d *dir) placeSlowly(temp, name string) error {
	if !d.copier.opts.Overwrite || d.fresh {
		_, err := d.root.Lstat(name)
		switch {
		case err == nil && d.fresh:
			return errTwice
		case err == nil:
			return fs.ErrExist
		case !errors.Is(err, fs.ErrNotExist):
			return err
		}
	}
	return d.root.Rename(temp, name)
}

// times returns the times to give to the copy of info, if it has any.
func times(info fs.FileInfo) (access, modify time.Time, ok bool) {
	modify = info.ModTime()
	access = modify
	if sys, ok := info.Sys().(layer.Sys); ok {
		if a := sys.Unix().Access; !a.IsZero() {
			access = a
		}
	}
	return access, modify, !modify.IsZero()
}
