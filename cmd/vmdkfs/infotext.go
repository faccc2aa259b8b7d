package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vmdkfs/vmdkfs"
)

func hexID(id uint32) string { return fmt.Sprintf("%08x", id) }

// text appends the facts as people read them: what lies in what is indented.
func (f facts) text(b []byte) []byte {
	if f.VM != nil {
		b = f.VM.text(b)
	}
	for _, d := range f.Disks {
		b = d.text(b)
		for _, p := range f.Partitions {
			if d.Path == "" || strings.HasPrefix(p.Path, d.Path+"/") {
				b = p.text(b)
			}
		}
	}
	for _, r := range f.Arrays {
		b = r.text(b)
	}
	for _, g := range f.Groups {
		b = g.text(b)
	}
	for _, g := range f.DiskGroups {
		b = g.text(b)
	}
	if f.Guest != nil {
		b = f.Guest.text(b)
	}
	for _, c := range f.Checks {
		b = c.text(b)
	}
	for _, l := range f.Logs {
		b = l.text(b)
	}
	return b
}

// line appends one line, indented, of the parts that are not empty.
func line(b []byte, indent int, head string, parts ...string) []byte {
	b = append(b, strings.Repeat("  ", indent)...)
	b = appendPrintable(b, head)
	between := "  "
	for _, part := range parts {
		if part != "" {
			b = append(b, between...)
			b = appendPrintable(b, part)
			between = ", "
		}
	}
	return append(b, '\n')
}

// put returns prefix and value, or nothing without a value.
func put(prefix, value string) string {
	if value == "" {
		return ""
	}
	return prefix + value
}

func (d diskFacts) text(b []byte) []byte {
	b = line(b, 0, d.Image, strings.TrimSpace(d.Format+" "+d.CreateType), sizeText(d.Size), fmt.Sprintf("%d bytes", d.Size), put("CID ", d.CID))
	for _, e := range d.Extents {
		b = e.text(b, 1)
	}
	for _, p := range d.Parents {
		b = p.text(b)
	}
	if t := d.Table; t != nil {
		b = line(b, 1, "partitions", strings.ToUpper(t.Scheme), "disk ID "+t.ID, fmt.Sprintf("sectors of %d bytes", t.SectorSize))
	}
	if d.Content != nil {
		b = d.Content.text(b, 1)
	}
	return b
}

func (p partitionFacts) text(b []byte) []byte {
	boot := ""
	if p.Bootable && !slices.Contains(p.Attributes, "legacy BIOS bootable") {
		boot = "bootable"
	}
	b = line(b, 1, p.Path, sizeText(p.Size), "at "+sizeText(p.Start), "type "+strings.TrimSpace(p.Type+" "+p.TypeName), put("label ", p.Label), put("GUID ", p.GUID), boot, strings.Join(p.Attributes, ", "))
	return p.Content.text(b, 2)
}

func (g groupFacts) text(b []byte) []byte {
	b = line(b, 0, g.Name, "LVM2 VG", sizeText(g.Size), sizeText(g.Free)+" free", "extents of "+sizeText(g.ExtentSize), "UUID "+g.UUID,
		strings.Join(g.State, ", "), put("owned by host ", g.SystemID), put("locks by ", g.LockType), tagText(g.Tags), put("removed: ", strings.Join(g.Removed, " ")))
	for _, pv := range g.PVs {
		where, seen := pv.Volume, ""
		if pv.Missing {
			where, seen = "MISSING", put("last seen as ", pv.Device)
		}
		b = line(b, 1, "PV", where, sizeText(pv.Size), "UUID "+pv.UUID, seen, tagText(pv.Tags))
	}
	for _, v := range g.Volumes {
		hidden := ""
		if v.Hidden {
			hidden = "hidden"
		}
		b = line(b, 1, v.Path, sizeText(v.Size), v.Type, count(v.Segments, "segment"), hidden,
			put("snapshot of ", v.Origin), put("becoming its snapshot ", v.Merging), put("pool ", v.Pool), tagText(v.Tags))
		if v.Content != nil {
			b = v.Content.text(b, 2)
		}
	}
	return b
}

// tagText returns the tags of LVM as LVM writes them.
func tagText(tags []string) string {
	if len(tags) == 0 {
		return ""
	}
	return "@" + strings.Join(tags, " @")
}

func (c *contentFacts) text(b []byte, indent int) []byte {
	if c.Error != "" {
		return line(b, indent, strings.TrimSpace(c.Kind+" cannot be read:"), c.Error)
	}
	switch {
	case c.Kind == "":
		return line(b, indent, "unknown content")
	case c.Group != "":
		return line(b, indent, c.Kind, "of "+c.Group, "UUID "+c.UUID)
	case c.Kind == string(vmdkfs.PV):
		return line(b, indent, c.Kind, "of no group", put("UUID ", c.UUID))
	}
	label := ""
	if c.Label != "" {
		label = fmt.Sprintf("label %q", c.Label)
	}
	switch {
	case c.Kind == string(vmdkfs.Swap), c.Kind == string(vmdkfs.LDM), c.Kind == string(vmdkfs.LinuxRAID):
		return line(b, indent, c.Kind, label, put("UUID ", c.UUID))
	case !c.Readable:
		return line(b, indent, c.Kind, "not read yet", label, put("UUID ", c.UUID))
	}
	if c.NTFS != nil {
		return c.NTFS.text(b, indent, c, label)
	}
	if c.Tree != "" {
		return line(b, indent, c.Kind, label, c.Tree)
	}
	size := sizeText(c.Size)
	if c.Journal == nil || !c.Journal.Needed {
		size = sizeText(c.Free) + " free of " + size
	}
	return line(b, indent, c.Kind, label, size, put("last mounted on ", c.LastMounted), "UUID "+c.UUID, c.state(), c.errorText())
}

// errorText says what errors the guest's kernel has met.
func (c *contentFacts) errorText() string {
	if c.Errors == 0 {
		return ""
	}
	return count(int(c.Errors), "error") + " met by the guest" + put(", the last at ", c.LastError)
}

// state says whether the file system was unmounted, and what was done if not.
func (c *contentFacts) state() string {
	j := c.Journal
	switch {
	case j != nil && j.Replayed:
		s := fmt.Sprintf("not unmounted: replayed %s, %s", count(j.Transactions, "transaction"), count(j.Blocks, "block"))
		if j.FastCommits > 0 {
			s += ", " + count(j.FastCommits, "fast commit")
		}
		if j.Revoked > 0 {
			s += fmt.Sprintf(" (%d revoked)", j.Revoked)
		}
		if j.Error != "" {
			s += ", and what followed is missing"
		}
		return s
	case j != nil && j.Needed:
		return "not unmounted, journal not replayed"
	case c.Clean:
		return "clean"
	}
	return "not clean"
}
