package vm

import (
	"errors"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/vmdkfs/vmdkfs/layer"
)

// Open finds the disks of what the named file of fsys is: a virtual machine's
// configuration (.vmx, .vmtx), a package (.ovf, .ova), the first part of a
// split image (.001), or a directory with one of these, or with one disk. It
// returns nil when it is none of them, and so may be a disk by itself. What is
// known to be no disk is an error that is layer.ErrFormat.
//
// Every file lies in fsys, in the directory of what names it or below, unless
// outside is given. A disk that cannot be found is no error of Open, but of the
// disk.
func Open(fsys fs.FS, name string, outside Outside) (*Machine, error) {
	if info, err := fs.Stat(fsys, name); err == nil && info.IsDir() {
		found, err := find(fsys, name)
		if err != nil {
			return nil, err
		}
		if m, err := Open(fsys, found, outside); m != nil || err != nil {
			return m, err
		}
		return single(fsys, found), nil
	}
	if reason := noDisk(name); reason != "" {
		return nil, failed(layer.ErrFormat, name, "%s", reason)
	}
	switch ext := strings.ToLower(path.Ext(name)); ext {
	case ".vmx", ".vmtx":
		return openVMX(fsys, name, outside)
	case ".ovf":
		return openOVF(fsys, name, outside)
	case ".ova":
		return openOVA(fsys, name)
	}
	if _, _, _, split := splitNumber(path.Base(name)); split {
		m := &Machine{}
		joined, stem, err := openSplit(fsys, name, m)
		if err != nil {
			m.Close() // the error says more
			return nil, err
		}
		m.Disks = []Disk{{File: path.Base(name), FS: joined, Name: stem}}
		return m, nil
	}
	return nil, nil
}

// single returns a machine of which nothing is known but its one disk.
func single(fsys fs.FS, name string) *Machine {
	return &Machine{Disks: []Disk{{File: path.Base(name), FS: fsys, Name: name}}}
}

// openVMX returns the machine of a configuration, with the snapshots that are
// listed beside it.
func openVMX(fsys fs.FS, name string, outside Outside) (*Machine, error) {
	text, err := readText(fsys, name)
	if err != nil {
		return nil, err
	}
	m, err := parseVMX(fsys, name, text, outside)
	if err != nil {
		return nil, err
	}
	list := strings.TrimSuffix(name, path.Ext(name)) + ".vmsd"
	text, err = readText(fsys, list)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return m, nil
	case err == nil:
		m.Snapshots, err = parseVMSD(list, text)
	}
	if err != nil {
		m.Warnings = append(m.Warnings, err)
	}
	return m, nil
}

// openOVA returns the machine of a package in one file. It has the names of
// the archive only.
func openOVA(fsys fs.FS, name string) (*Machine, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, layer.Errorf(err, "vm", name, -1, "")
	}
	m, err := readOVA(f, name)
	if err != nil {
		f.Close() // the error says more
		return nil, err
	}
	m.open = append(m.open, f)
	return m, nil
}

func readOVA(f fs.File, name string) (*Machine, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, layer.Errorf(err, "vm", name, -1, "")
	}
	r, ok := f.(io.ReaderAt)
	if !ok {
		return nil, failed(layer.ErrFormat, name, "no file with random access")
	}
	files, paths := openArchive(name, r, info.Size())
	_, broken := files.ReadDir(".")
	var found []string
	for _, p := range paths {
		if isPackage(p) {
			found = append(found, p)
		}
	}
	switch {
	case len(found) == 0 && broken != nil:
		return nil, broken
	case len(found) == 0:
		return nil, failed(layer.ErrFormat, name, "no package of a virtual machine: the archive has no .ovf")
	case len(found) > 1:
		return nil, failed(layer.ErrUnsupported, name, "several packages are in the archive: %s", strings.Join(found, ", "))
	}
	m, err := openOVF(files, found[0], nil)
	if errors.Is(err, io.ErrUnexpectedEOF) && broken != nil {
		err = broken // the archive ends in the description
	}
	if err != nil {
		return nil, err
	}
	if broken != nil {
		m.Warnings = append(m.Warnings, broken)
	}
	return m, nil
}
