package vmdkfs

import (
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/vmdkfs/vmdkfs/internal/vnode"
	"github.com/vmdkfs/vmdkfs/layer"
)

// A Guest is the tree of files that the machine itself sees. Symbolic links
// lead from one of its file systems to another. It implements what [Disk] does.
//
// That of Linux has its file systems mounted where etc/fstab says. That of
// Windows has a directory for every drive: C:\Users is "C/Users", and neither
// the letter nor the names distinguish case. Junctions and links by a drive are
// followed, though ReadLink returns what they say.
type Guest struct {
	*vnode.FS
	Windows bool    // its tree has drives
	Mounts  []Mount // the root, or the drive with Windows, first; then in the order of etc/fstab, or by letter

	named  bool // it says itself that its root is where it is
	system func() (System, error)
}

// A Mount is a place in a Guest's tree.
type Mount struct {
	Path   string // "/home", "/C"
	Source string // as etc/fstab has it, or what the registry says of a drive; empty where the place is known otherwise
	Volume *Volume
	Err    error  // why it is not there; the directory below is, then
	Note   string // what was ignored, or may be missing; empty for nothing
}

// Lost reports whether Err is a failure: what is to be mounted there may be on
// the disks, and cannot be read. Otherwise they do not hold it, or hold it in a
// form that is not read.
func (m Mount) Lost() bool { return m.Err != nil && isFailure(m.Err) }

func isFailure(err error) bool {
	if list, ok := err.(interface{ Unwrap() []error }); ok {
		return slices.ContainsFunc(list.Unwrap(), isFailure)
	}
	for _, known := range []error{
		errNoDevice, errManyVolume, errNoPlace, errThrough, errNoSource,
		fs.ErrNotExist, layer.ErrUnsupported, layer.ErrFormat, layer.ErrIncomplete,
	} {
		if errors.Is(err, known) {
			return false
		}
	}
	return true
}

// A System is what a guest says of itself. What it does not say is empty.
type System struct {
	Name     string    // "Debian GNU/Linux 12 (bookworm)", "Windows 10 Pro"
	Version  string    // "12", "22H2 (10.0.19045.3803)"
	Hostname string    // "web01"
	TimeZone string    // "Europe/Berlin", "W. Europe Standard Time"
	Shutdown time.Time // when it was last shut down as it should be, by its own record
}

// System returns what the guest says of itself: in etc/os-release, etc/hostname,
// etc/timezone or the link etc/localtime, and var/log/wtmp; or in the hives
// SYSTEM and SOFTWARE of the registry. The error tells what could not be read;
// the rest is returned nevertheless.
func (g *Guest) System() (System, error) { return g.system() }

// Guest returns the tree of the guest: a Linux system, on the volume with an
// etc/fstab or etc/os-release, or a Windows, on the one with a registry in
// Windows/System32/config. When there are several, it is the one that says
// itself that its root is where it is. When that does not decide it, the error
// names them all, and [WithRoot] chooses.
//
// What is to be mounted and is not on the disks costs that mount, whose Err
// tells why. File systems in memory and of the network are not mounts here.
func (d *Disk) Guest() (*Guest, error) {
	d.guest.once.Do(func() { d.guest.tree, d.guest.err = d.findGuest() })
	return d.guest.tree, d.guest.err
}

// Systems returns the guest of every volume that holds the root of one, in the
// order of Volumes. [WithRoot] makes any of them the one that Guest returns.
// The error tells of volumes that may hold one too.
func (d *Disk) Systems() ([]*Guest, error) {
	d.systems.once.Do(func() { d.systems.list, d.systems.err = d.findSystems() })
	return d.systems.list, d.systems.err
}

// Path returns the path in the tree, as io/fs has it, of one that the guest's
// own users write: /home/alice; /C/Users, C:/Users or C:\Users. A backslash
// separates elements only behind a drive with a colon.
func (g *Guest) Path(name string) string {
	if letter, below, ok := CutDrive(name); ok && g.Windows {
		name = letter + "/" + strings.ReplaceAll(below, `\`, "/")
	}
	if name = path.Clean("/" + name)[1:]; name == "" {
		return "."
	}
	return name
}

// CutDrive splits a path as Windows has it, C:\Users or C:/Users, into the
// letter of its drive and what follows the colon. It reports false for what
// begins with no drive.
func CutDrive(name string) (letter, below string, ok bool) {
	name = strings.TrimPrefix(name, `\\?\`)
	if len(name) < 2 || name[1] != ':' || !isLetter(name[0]) || len(name) > 2 && name[2] != '/' && name[2] != '\\' {
		return "", "", false
	}
	return strings.ToUpper(name[:1]), name[2:], true
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// guestError is an error about the guest as a whole.
func guestError(kind error, format string, args ...any) error {
	return layer.Errorf(kind, "vmdkfs", "guest", -1, format, args...)
}

func (d *Disk) findGuest() (*Guest, error) {
	if name := d.options.root; name != "" {
		v, err := d.Volume(name)
		if err != nil {
			return nil, err
		}
		return d.newGuest(v)
	}
	systems, err := d.Systems()
	if len(systems) > 1 {
		var named []*Guest
		for _, g := range systems {
			if g.named {
				named = append(named, g)
			}
		}
		if len(named) > 0 {
			systems = named
		}
	}
	switch {
	case len(systems) == 1:
		return systems[0], nil
	case len(systems) > 1:
		var list []string
		for _, g := range systems {
			name := g.Mounts[0].Volume.Path
			if system, _ := g.System(); system.Name != "" { // the name is for choosing only
				name += " (" + system.Name + ")"
			}
			list = append(list, name)
		}
		return nil, guestError(layer.ErrUnsupported, "several systems to choose from: %s", strings.Join(list, ", "))
	case err != nil:
		return nil, err
	}
	return nil, guestError(layer.ErrFormat, "no volume holds the root of a Linux system, etc/fstab or etc/os-release, or the registry of a Windows")
}

func (d *Disk) findSystems() ([]*Guest, error) {
	volumes, failed := d.Volumes()
	errs := []error{}
	if failed != nil {
		errs = append(errs, failed)
	}
	var list []*Guest
	for _, v := range volumes {
		if v.Hidden {
			continue
		}
		kind, err := v.Kind()
		if err != nil && v.Table == nil {
			errs = append(errs, err)
		}
		if err != nil || kind != Ext && kind != NTFS {
			continue
		}
		found := v.isLinux
		if kind == NTFS {
			found = func() (bool, error) { dir, err := v.windowsDir(); return dir != "", err }
		}
		ok, err := found()
		if err != nil {
			errs = append(errs, err)
		}
		if !ok {
			continue
		}
		g, err := d.newGuest(v)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		list = append(list, g)
	}
	return list, join(errs)
}

// newGuest returns the guest whose root, or Windows, is on v.
func (d *Disk) newGuest(v *Volume) (*Guest, error) {
	if kind, err := v.Kind(); err == nil && kind == NTFS {
		return d.newWindows(v)
	}
	return d.newLinux(v)
}

var _ interface {
	fs.ReadDirFS
	fs.ReadFileFS
	fs.ReadLinkFS
	fs.StatFS
	fs.SubFS
} = (*Guest)(nil)
