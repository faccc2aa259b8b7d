package vmdkfs

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

var (
	errNoDevice   = errors.New("no such volume on the disks")
	errManyVolume = errors.New("several volumes answer to it")
)

// device returns the volume that a guest calls by spec: a tag of etc/fstab
// ("UUID=...") or a path in /dev. Disks have the letters of their order in the
// set, by the slots of a machine, which need not be that of the guest.
func (d *Disk) device(spec string) (*Volume, error) {
	match, err := d.matcher(spec)
	if err != nil {
		return nil, err
	}
	return d.find(match)
}

// find returns the one volume that matches.
func (d *Disk) find(match func(*Volume) (bool, error)) (*Volume, error) {
	volumes, failed := d.Volumes()
	var found *Volume
	for _, v := range volumes {
		if v.Hidden {
			continue
		}
		ok, err := match(v)
		if err != nil {
			failed = errors.Join(failed, err)
		}
		switch {
		case !ok:
		case found != nil:
			return nil, errManyVolume
		default:
			found = v
		}
	}
	if found == nil && failed != nil {
		return nil, failed // what is wanted may be there
	}
	if found == nil {
		return nil, errNoDevice
	}
	return found, nil
}

// matcher returns what tells whether a volume is the one of spec.
func (d *Disk) matcher(spec string) (func(*Volume) (bool, error), error) {
	tag, value, _ := strings.Cut(spec, "=")
	switch tagOf(spec) {
	case "UUID":
		return identified(func(uuid, _ string) bool { return strings.EqualFold(uuid, value) }), nil
	case "LABEL":
		return identified(func(_, label string) bool { return label == value }), nil
	case "PARTUUID":
		return func(v *Volume) (bool, error) { return strings.EqualFold(partUUID(v), value), nil }, nil
	case "PARTLABEL":
		return func(v *Volume) (bool, error) { return v.Partition != nil && v.Partition.Label == value, nil }, nil
	}
	name, ok := strings.CutPrefix(spec, "/dev/")
	if !ok {
		return nil, fmt.Errorf("%q is no device", tag)
	}
	if by, ok := strings.CutPrefix(name, "disk/by-"); ok {
		return d.byLink(by)
	}
	if mapped, ok := strings.CutPrefix(name, "mapper/"); ok {
		group, volume, ok := splitMapped(mapped)
		if !ok {
			return nil, errNoDevice
		}
		return logical(group, volume), nil
	}
	if array, ok := strings.CutPrefix(name, "md/"); ok {
		return func(v *Volume) (bool, error) { return v.Array != nil && v.Array.Name == array, nil }, nil
	}
	if group, volume, ok := strings.Cut(name, "/"); ok {
		return logical(group, volume), nil
	}
	if array, ok := strings.CutPrefix(name, "md"); ok {
		return func(v *Volume) (bool, error) { return v.Array != nil && v.Array.Name == array, nil }, nil
	}
	named, ok := splitDisk(name)
	if !ok {
		return nil, errNoDevice
	}
	disk, err := d.attachedAs(named)
	if err != nil {
		return nil, err
	}
	if named.partition == 0 {
		return func(v *Volume) (bool, error) { return v == disk, nil }, nil
	}
	return func(v *Volume) (bool, error) {
		return v.disk == disk && v.Partition != nil && v.Partition.Number == named.partition, nil
	}, nil
}

// byLink returns what tells whether a volume is the one that a link of udev in
// /dev/disk leads to, given without "/dev/disk/by-".
func (d *Disk) byLink(link string) (func(*Volume) (bool, error), error) {
	kind, value, _ := strings.Cut(link, "/")
	value = decodeUdev(value)
	if kind != "id" {
		if tag := strings.ToUpper(kind) + "=" + value; tagOf(tag) != "" {
			return d.matcher(tag)
		}
		return nil, errNoDevice // by-path is about the machine
	}
	// Of the names by ID those of LVM and md are about the volumes themselves:
	// Ubuntu's installer writes them into etc/fstab.
	if id, ok := strings.CutPrefix(value, "dm-uuid-LVM-"); ok {
		return func(v *Volume) (bool, error) {
			return v.Logical != nil && strings.ReplaceAll(v.Group.UUID+v.Logical.UUID, "-", "") == id, nil
		}, nil
	}
	if id, ok := strings.CutPrefix(value, "dm-name-"); ok {
		return d.matcher("/dev/mapper/" + id)
	}
	if id, ok := strings.CutPrefix(value, "md-uuid-"); ok {
		digits := func(s string) string { return strings.NewReplacer(":", "", "-", "").Replace(s) }
		return func(v *Volume) (bool, error) { return v.Array != nil && digits(v.Array.UUID) == digits(id), nil }, nil
	}
	return nil, errNoDevice
}

// decodeUdev decodes a name that udev encoded to be that of a link: \x20 for a
// byte that is not allowed in it, a space for one.
func decodeUdev(name string) string {
	var b strings.Builder
	for i := 0; i < len(name); i++ {
		if strings.HasPrefix(name[i:], `\x`) && i+4 <= len(name) {
			if c, err := strconv.ParseUint(name[i+2:i+4], 16, 8); err == nil {
				b.WriteByte(byte(c))
				i += 3
				continue
			}
		}
		b.WriteByte(name[i])
	}
	return b.String()
}

// logical matches a logical volume by name.
func logical(group, volume string) func(*Volume) (bool, error) {
	return func(v *Volume) (bool, error) {
		return v.Logical != nil && v.Group.Name == group && v.Logical.Name == volume, nil
	}
}

// identified matches a volume by what its file system says that it is.
func identified(match func(uuid, label string) bool) func(*Volume) (bool, error) {
	return func(v *Volume) (bool, error) {
		uuid, label, err := v.Identity()
		return err == nil && match(uuid, label), err
	}
}

// partUUID returns what udev calls a partition: the GUID of a GPT's, the
// disk's signature and the number of an MBR's.
func partUUID(v *Volume) string {
	switch p := v.Partition; {
	case p == nil:
		return ""
	case p.GUID != "":
		return p.GUID
	default:
		return fmt.Sprintf("%s-%02x", v.disk.Table.Table().ID, p.Number)
	}
}

// splitMapped splits the name that device-mapper gives a logical volume:
// "vg-lv", with hyphens in either name doubled.
func splitMapped(name string) (group, volume string, ok bool) {
	var b strings.Builder
	for i := 0; i < len(name); i++ {
		if name[i] != '-' {
			b.WriteByte(name[i])
			continue
		}
		if i+1 < len(name) && name[i+1] == '-' {
			b.WriteByte('-')
			i++
			continue
		}
		if ok {
			return "", "", false
		}
		group, ok = b.String(), true
		b.Reset()
	}
	return group, b.String(), ok
}
