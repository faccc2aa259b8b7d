package vmdk

import (
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// A place is where a file is opened: a path in the file system of the disk, or
// one outside of it.
type place struct {
	path    string
	outside bool // opened by what WithOutside gave
}

// beside returns the place of a file that a file at p names, or why there is
// none.
func (p place) beside(name string, o *options) (place, string) {
	reason := refuseName(name)
	switch {
	case p.outside && reason == "":
		return place{path.Join(path.Dir(p.path), name), true}, ""
	case reason == "":
		return place{path.Join(path.Dir(p.path), name), false}, ""
	case o.outside == nil:
		return place{}, reason
	case path.IsAbs(name) || strings.Contains(name, `\`) || isDrive(name):
		return place{name, true}, ""
	}
	return place{path.Join(path.Dir(p.path), name), true}, ""
}

// refuseName returns why a file may not be opened by the name that a
// descriptor gives it, or "". A descriptor can come from anyone, so that what
// it names must lie in its directory or below, wherever this program runs.
func refuseName(name string) string {
	switch {
	case isDrive(name):
		return "it names a drive"
	case strings.HasPrefix(name, "/"):
		return "it is an absolute path"
	case strings.Contains(name, `\`):
		return "it is a path with backslashes"
	case slices.Contains(strings.Split(name, "/"), ".."):
		return `it leads out of the directory by ".."`
	case !fs.ValidPath(path.Clean(name)) || path.Clean(name) == "." || strings.Contains(name, "\x00"):
		return "it is not the name of a file"
	}
	return ""
}

func isDrive(name string) bool {
	return len(name) >= 2 && name[1] == ':' && 'a' <= name[0]|0x20 && name[0]|0x20 <= 'z'
}

// quote returns a name in quotes as the descriptor has it: the backslashes of
// Windows are not doubled.
func quote(name string) string {
	if strconv.CanBackquote(name) && !strings.Contains(name, `"`) {
		return `"` + name + `"`
	}
	return strconv.Quote(name)
}

// isDevice reports whether name is that of a device, as Linux or Windows has
// it.
func isDevice(name string) bool {
	return strings.HasPrefix(name, "/dev/") || strings.HasPrefix(name, `\\.\`) || strings.HasPrefix(name, `\\?\`)
}

// baseName returns the last element of a path of any system.
func baseName(name string) string { return name[strings.LastIndexAny(name, `/\:`)+1:] }
