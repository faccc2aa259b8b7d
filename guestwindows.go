package vmdkfs

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"github.com/vmdkfs/vmdkfs/internal/hive"
	"github.com/vmdkfs/vmdkfs/internal/vnode"
	"github.com/vmdkfs/vmdkfs/layer"
)

// windowsDirs are the names of the directory of Windows: the second was that of
// NT 4 and 2000.
var windowsDirs = []string{"Windows", "WINNT"}

// hiveDir is where the registry lies in it.
const hiveDir = "/System32/config/"

// windowsDir returns the directory of Windows on v; empty when there is none
// with a registry.
func (v *Volume) windowsDir() (string, error) {
	fsys, err := v.mounted()
	if err != nil {
		return "", err
	}
	for _, dir := range windowsDirs {
		switch _, err := fsys.tree.Stat(dir + hiveDir + "SYSTEM"); {
		case err == nil:
			return dir, nil
		case !errors.Is(err, fs.ErrNotExist):
			return "", err
		}
	}
	return "", nil
}

// newWindows returns the guest whose Windows is on v.
func (d *Disk) newWindows(v *Volume) (*Guest, error) {
	dir, err := v.windowsDir()
	if err != nil {
		return nil, err
	}
	if dir == "" {
		return nil, guestError(layer.ErrFormat, "no Windows with a registry on %s", v.Path)
	}
	w := &windows{volume: v, dir: dir}
	drives := &drives{}
	g := &Guest{FS: vnode.New(drives), Windows: true, system: sync.OnceValues(w.system)}
	own := Mount{Volume: v}
	mounts, err := d.mountedDevices(w)
	if err != nil {
		own.Err = fmt.Errorf("no other drive is known: %w", err)
	}
	for _, m := range mounts {
		if m.Volume == v && isDriveLetter(m.Path) {
			own, g.named = m, true
			break
		}
	}
	if own.Path == "" {
		own.Path = "/" + w.letter()
	}
	if w.dirty {
		own.Note = "the registry was not closed: what only its logs have is not seen"
	}
	g.Mounts = append(g.Mounts, own)
	for _, m := range mounts {
		switch {
		case m.Path != own.Path:
			g.Mounts = append(g.Mounts, m)
		case m.Volume != nil && m.Volume != v:
			g.Mounts[0].Note = joinNotes(g.Mounts[0].Note, "the registry has this letter for "+m.Volume.Path)
		}
	}
	g.Mounts = append(g.Mounts, d.hintedDrives(g.Mounts)...)
	drives.mounts = g.Mounts
	return g, nil
}

// isDriveLetter reports whether a path of a Guest is that of a drive: "/C".
func isDriveLetter(path string) bool { return len(path) == 2 && isLetter(path[1]) }

// A windows is an installed Windows.
type windows struct {
	volume *Volume
	dir    string
	dirty  bool // SYSTEM was not closed
}

// hive opens a hive of the registry, and calls do with it.
func (w *windows) hive(name string, do func(*hive.Hive) error) error {
	fsys, err := w.volume.mounted()
	if err != nil {
		return err
	}
	f, err := fsys.tree.Open(w.dir + hiveDir + name)
	if err != nil {
		return err
	}
	defer f.Close()
	file, ok := f.(layer.File)
	if !ok {
		return &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	h, err := hive.Open(file, file.Size())
	if err == nil {
		err = do(h)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// letter returns the letter that Windows calls its own drive by, where
// MountedDevices has none for it: C when nothing says otherwise.
func (w *windows) letter() string {
	letter := "C"
	// An error leaves what nearly all have.
	w.hive("SOFTWARE", func(h *hive.Hive) error {
		k, err := h.Key(currentVersion)
		if err != nil {
			return err
		}
		root, err := text(k, "SystemRoot")
		if own, _, ok := CutDrive(root); ok {
			letter = own
		}
		return err
	})
	return letter
}

// mountedDevices returns what the key MountedDevices of the hive SYSTEM mounts:
// drives by letter, then the names of volumes that junctions lead to. Drives
// without data on a disk, as those of CD-ROMs, are not among them.
func (d *Disk) mountedDevices(w *windows) ([]Mount, error) {
	var list []Mount
	err := w.hive("SYSTEM", func(h *hive.Hive) error {
		w.dirty = !h.Clean()
		k, err := h.Key("MountedDevices")
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		for v, err := range k.Values() {
			if err != nil {
				return err
			}
			name, ok := mountName(v.Name)
			if !ok {
				continue
			}
			data, err := v.Data()
			if err != nil {
				return err
			}
			source, match := matchDevice(data)
			if match == nil {
				continue
			}
			m := Mount{Path: "/" + name, Source: source}
			if m.Volume, m.Err = d.find(match); m.Err != nil && !isDriveLetter(m.Path) {
				continue // every volume that was ever there has a name
			}
			list = append(list, m)
		}
		return nil
	})
	slices.SortStableFunc(list, func(a, b Mount) int { return strings.Compare(a.Path, b.Path) })
	list = slices.CompactFunc(list, func(a, b Mount) bool { return a.Path == b.Path })
	return list, err
}

// hintedDrives returns drives for the volumes of dynamic disks that have none,
// by the letters that their disk group has for them. The registry counts more:
// it knows the machine.
func (d *Disk) hintedDrives(known []Mount) []Mount {
	var list []Mount
	volumes, _ := d.Volumes() // what could not be read has no letter
	for _, v := range volumes {
		if v.Dynamic == nil || len(v.Dynamic.Hint) != 2 || v.Dynamic.Hint[1] != ':' || !isLetter(v.Dynamic.Hint[0]) {
			continue
		}
		path := "/" + strings.ToUpper(v.Dynamic.Hint[:1])
		if !slices.ContainsFunc(slices.Concat(known, list), func(m Mount) bool { return m.Path == path || m.Volume == v }) {
			list = append(list, Mount{Path: path, Volume: v, Source: "volume " + v.Dynamic.GUID, Note: "the letter is that of its disk group: the registry has none"})
		}
	}
	return list
}

// mountName returns the name in the guest's tree for a value of MountedDevices:
// "C" for \DosDevices\C:, and the name of a volume for \??\Volume{...}.
func mountName(value string) (string, bool) {
	if drive, ok := strings.CutPrefix(value, `\DosDevices\`); ok {
		if len(drive) == 2 && drive[1] == ':' && isLetter(drive[0]) {
			return strings.ToUpper(drive[:1]), true
		}
		return "", false
	}
	volume, ok := strings.CutPrefix(value, `\??\`)
	return strings.ToLower(volume), ok && isVolumeName(strings.ToLower(volume))
}

// isVolumeName reports whether name is that of a volume, in lower case:
// volume{8-4-4-4-12}.
func isVolumeName(name string) bool {
	return len(name) == len("volume{}")+36 && strings.HasPrefix(name, "volume{") && name[len(name)-1] == '}' && !strings.ContainsAny(name, `/\`)
}

// matchDevice returns what tells whether a volume is the one that a value of
// MountedDevices means, and how to name it; nil for a device that is no part of
// a disk. Microsoft does not document the two forms, "The Windows Registry as a
// Forensic Resource" (Carvey, 2005) does: the signature of an MBR and the
// offset of the partition; or "DMIO:ID:" and the GUID of a partition of a GPT,
// or of a dynamic volume.
func matchDevice(data []byte) (source string, match func(*Volume) (bool, error)) {
	const mbr, gpt = 12, 24
	switch {
	case len(data) == mbr:
		signature, offset := fmt.Sprintf("%08x", le.Uint32(data)), int64(le.Uint64(data[4:]))
		return fmt.Sprintf("disk %s at %d", signature, offset), func(v *Volume) (bool, error) {
			return v.Partition != nil && v.Partition.Start == offset && v.disk.Table.Table().Scheme == "mbr" &&
				strings.EqualFold(v.disk.Table.Table().ID, signature), nil
		}
	case len(data) == gpt && string(data[:8]) == "DMIO:ID:":
		// The database of dynamic disks has the bytes of a GUID in the order of
		// its text, and no document says in which the registry has them.
		guid, plain := formatGUID(data[8:]), fmt.Sprintf("%x-%x-%x-%x-%x", data[8:12], data[12:14], data[14:16], data[16:18], data[18:24])
		return "volume " + guid, func(v *Volume) (bool, error) {
			return v.Partition != nil && strings.EqualFold(v.Partition.GUID, guid) ||
				v.Dynamic != nil && (strings.EqualFold(v.Dynamic.GUID, guid) || strings.EqualFold(v.Dynamic.GUID, plain)), nil
		}
	}
	return "", nil
}

// formatGUID returns a GUID whose first three fields are little-endian.
func formatGUID(b []byte) string {
	return fmt.Sprintf("%08x-%04x-%04x-%x-%x", le.Uint32(b), le.Uint16(b[4:]), le.Uint16(b[6:]), b[8:10], b[10:16])
}
