//go:build !linux

package export

import (
	"errors"
	"io/fs"
	"os"
)

// A handle is nothing where package os does all that is done.
type handle struct{ fd struct{} }

func (handle) open(*os.Root) error { return nil }
func (handle) close()              {}

// place renames temp to name, which must not exist unless it may be replaced.
func (d *dir) place(temp, name string) error {
	return d.placeSlowly(temp, name)
}

// setTimes gives the file at name the times of info.
func (d *dir) setTimes(name string, info fs.FileInfo) error {
	access, modify, ok := times(info)
	if !ok {
		return nil
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		d.copier.notes.add("times of symbolic links are not kept on this system")
		return nil
	}
	return d.root.Chtimes(name, access, modify)
}

func (d *dir) makeNode(string, fs.FileInfo) error { return errors.ErrUnsupported }

func (d *dir) setXattrAt(name, attr string, value []byte) error { return errors.ErrUnsupported }
