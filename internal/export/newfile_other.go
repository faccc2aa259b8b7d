//go:build !linux

package export

import (
	"errors"
	"io/fs"
	"os"
)

// A newFile is a regular file that is being written, under a temporary name.
type newFile struct {
	*os.File
	dir  *dir
	temp string
}

func probeLink(hostDir, string) int { return 0 }

// newFile makes the file for info.
func (d *dir) newFile(info fs.FileInfo) (*newFile, error) {
	temp := d.copier.temp.name()
	f, err := d.host.root.OpenFile(temp, os.O_RDWR|os.O_CREATE|os.O_EXCL, d.copier.newMode(info, 0o666))
	if err != nil {
		return nil, err
	}
	return &newFile{f, d, temp}, nil
}

// flush has what was written be on the disk.
func (f *newFile) flush() error { return f.Sync() }

func (*newFile) setXattr(string, []byte) error { return errors.ErrUnsupported }

// place closes the complete file, and gives it the times of info and its name.
func (f *newFile) place(name string, info fs.FileInfo) error {
	err := f.Close()
	if err == nil && f.dir.copier.opts.keep(Timestamps) {
		err = f.dir.host.setTimes(f.temp, info)
	}
	if err == nil {
		err = f.dir.place(f.temp, name)
	}
	if err != nil {
		f.dir.host.remove(f.temp)
	}
	return err
}

// discard closes the file and removes it.
func (f *newFile) discard() {
	f.Close()
	f.dir.host.remove(f.temp)
}
