package vm

import (
	"errors"
	"io/fs"
	"path"
	"strings"
)

// Outside opens what a configuration names outside of the file system that it
// lies in. The path is absolute, or relative to the root of that file system;
// what is returned is where the file lies, and its name there.
type Outside func(name string) (fs.FS, string, error)

// locate returns where the file lies that a configuration in dir of fsys calls
// name. A configuration can come from anyone, so that it is an error unless the
// file is in dir or below, or outside is given.
func locate(fsys fs.FS, dir, name string, outside Outside) (fs.FS, string, error) {
	inside, err := resolve(dir, name)
	if err == nil || outside == nil || name == "" {
		return fsys, inside, err
	}
	if !path.IsAbs(name) && !isDrive(name) {
		name = path.Join(dir, slashes(name))
	}
	return outside(name)
}

// resolve returns the path of the file that a configuration in dir calls name.
func resolve(dir, name string) (string, error) {
	drive := isDrive(name)
	name = slashes(name)
	clean := path.Clean(name)
	switch {
	case name == "":
		return "", errors.New("it has no name")
	case drive:
		return "", errors.New("it names a drive")
	case strings.HasPrefix(name, "["):
		return "", errors.New("it lies on another datastore")
	case path.IsAbs(name):
		return "", errors.New("its path is absolute")
	case clean == ".." || strings.HasPrefix(clean, "../"):
		return "", errors.New(`it leads out of the directory by ".."`)
	}
	if name = path.Join(dir, name); !fs.ValidPath(name) || clean == "." || strings.ContainsRune(name, 0) {
		return "", errors.New("it is not the name of a file")
	}
	return name, nil
}

// slashes returns a path that may have been written on Windows with the
// slashes of io/fs.
func slashes(name string) string { return strings.ReplaceAll(name, `\`, "/") }

func isDrive(name string) bool {
	return len(name) >= 2 && name[1] == ':' && 'a' <= name[0]|0x20 && name[0]|0x20 <= 'z'
}
