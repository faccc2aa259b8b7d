package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/vmdkfs/vmdkfs"
	"github.com/vmdkfs/vmdkfs/ext3"
	"github.com/vmdkfs/vmdkfs/internal/fat"
	"github.com/vmdkfs/vmdkfs/iso"
	"github.com/vmdkfs/vmdkfs/layer"
	"github.com/vmdkfs/vmdkfs/lvm"
	"github.com/vmdkfs/vmdkfs/ntfs"
)

func (a *app) infoCommand() *cobra.Command {
	var metadata, verify, log bool
	c := &cobra.Command{
		Use:   "info IMAGE",
		Short: "Show the layers of a disk",
		Long: `Show the layers of a disk, from the image to the file systems: sizes, UUIDs,
labels, free space, and whether a file system was unmounted or its journal was
replayed; of a virtual machine its disks by slot, and its snapshots. With
--verify, the files of an .ova or .ovf are compared with its manifest, which
reads every byte of them.`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.complete,
		RunE: func(c *cobra.Command, args []string) error {
			return a.with(args[0], func(d *vmdkfs.Disk) error {
				if metadata {
					return a.metadata(d, args[0])
				}
				f := a.facts(d, args[0])
				if verify {
					f.Checks = a.verify(c.Context(), d)
				}
				if log {
					f.Logs = a.logs(d)
				}
				if !a.json {
					return a.outputFailed(a.write(f.text(nil)))
				}
				enc := json.NewEncoder(a.out)
				enc.SetEscapeHTML(false)
				enc.SetIndent("", "  ")
				return a.outputFailed(enc.Encode(f))
			})
		},
	}
	c.Flags().BoolVar(&metadata, "metadata", false, "list the copies of the metadata of volume groups instead, older ones too")
	c.Flags().BoolVar(&verify, "verify", false, "compare the files of a package with its manifest")
	c.Flags().BoolVar(&log, "log", false, "list what the logs of NTFS volumes would change in their file records and index blocks")
	return c
}

// facts asks every layer of d, and reports what fails.
func (a *app) facts(d *vmdkfs.Disk, image string) facts {
	volumes, err := d.Volumes()
	a.fail(image, err)
	groups, _ := d.Groups() // Volumes has told
	f := facts{VM: vmOf(d)}
	names := imageNames(d, image, a.disks)
	byGroup := make(map[*lvm.Group]*groupFacts)
	for _, g := range groups {
		byGroup[g] = groupOf(g)
	}
	for _, v := range volumes {
		switch {
		case v.Partition == nil && v.Logical == nil && v.Dynamic == nil && v.Array == nil:
			f.Disks = append(f.Disks, a.diskOf(v, names[len(f.Disks)], groups))
		case v.Partition != nil:
			p := v.Partition
			f.Partitions = append(f.Partitions, partitionFacts{v.Path, p.Start, p.Size, p.Type, p.TypeName, p.GUID, p.Label, p.AttributeNames(), p.Bootable, a.contentOf(v, groups)})
		case v.Dynamic != nil:
			f.addDynamic(v, a.contentOf(v, groups))
		case v.Array != nil:
			f.Arrays = append(f.Arrays, a.arrayOf(v, groups))
		case v.Logical != nil:
			l := v.Logical
			kind := ""
			if len(l.Segments) > 0 {
				kind = l.Segments[0].Type
				if kind == "striped" && len(l.Segments[0].Stripes) == 1 {
					kind = "linear"
				}
			}
			g := byGroup[v.Group]
			x := volumeFacts{Path: v.Path, UUID: l.UUID, Size: v.Size, Type: kind, Segments: len(l.Segments),
				Hidden: v.Hidden, Origin: l.Origin, Merging: l.Merging, Pool: l.Pool, Tags: l.Tags}
			if !v.Hidden {
				x.Content = a.contentOf(v, groups)
			}
			g.Volumes = append(g.Volumes, x)
		}
	}
	for _, g := range groups {
		f.Groups = append(f.Groups, *byGroup[g])
	}
	f.Guest = a.guestOf(d)
	return f
}

// imageNames returns the names of the images that the disks of d were opened
// by, in their order: those of a machine as its configuration has them.
func imageNames(d *vmdkfs.Disk, image string, further []string) []string {
	m := d.VM()
	if m == nil {
		return append([]string{image}, further...)
	}
	var names []string
	for _, disk := range m.Disks {
		if disk.Volume != nil {
			names = append(names, disk.File)
		}
	}
	return append(names, further...)
}

// diskOf returns the facts of a whole disk.
func (a *app) diskOf(v *vmdkfs.Volume, image string, groups []*lvm.Group) diskFacts {
	disk := diskFacts{Image: image, Path: v.Path, Size: v.Size, Format: v.Format}
	if desc := v.Descriptor(); desc != nil {
		disk.CreateType = desc.CreateType
		disk.CID = hexID(desc.CID)
		disk.Extents = extentsOf(desc)
	}
	if v.Image != nil {
		disk.Parents = parentsOf(v.Image)
	}
	if v.Table != nil {
		t := v.Table.Table()
		disk.Table = &tableFacts{t.Scheme, t.ID, t.SectorSize}
	} else {
		disk.Content = a.contentOf(v, groups)
	}
	return disk
}

// groupOf returns the facts of a volume group but for its volumes. What no
// segment occupies is free.
func groupOf(g *lvm.Group) *groupFacts {
	f := &groupFacts{Name: g.Dir, UUID: g.UUID, ExtentSize: g.ExtentSize, Volumes: []volumeFacts{},
		Seqno: g.Seqno, SystemID: g.SystemID, LockType: g.LockType, State: groupState(g), Tags: g.Tags}
	for _, v := range g.Historical {
		f.Removed = append(f.Removed, v.Name)
	}
	members := make(map[string]bool)
	for _, pv := range g.PVs {
		members[pv.Name] = true
		f.Size += pv.Extents * g.ExtentSize
		f.PVs = append(f.PVs, pvFacts{pv.UUID, pv.Size, pv.PV, pv.Missing, pv.Device, pv.Tags})
	}
	f.Free = f.Size
	for _, v := range g.Volumes {
		for _, s := range v.Segments {
			for _, stripe := range s.Stripes {
				if members[stripe.Volume] {
					f.Free -= s.Length / int64(len(s.Stripes))
				}
			}
		}
	}
	return f
}

// contentOf returns the facts of what v holds, and reports why it cannot be
// read. A kind that has no reader is no failure.
func (a *app) contentOf(v *vmdkfs.Volume, groups []*lvm.Group) *contentFacts {
	kind, err := v.Kind()
	c := &contentFacts{Kind: string(kind)}
	if err == nil && kind == vmdkfs.PV {
		var label *lvm.Label
		if label, err = v.Label(); err == nil {
			c.UUID = label.UUID
			c.Group = groupOfPV(label.UUID, groups)
		}
	} else if err == nil && kind != "" {
		err = c.open(v)
	}
	if err != nil {
		c.Error = printable(reason(v.Path, err))
		if kind != vmdkfs.Partitioned { // told with the volumes
			a.fail(v.Path, err)
		}
	}
	return c
}

// groupOfPV returns the name of the group that a PV is in, if any.
func groupOfPV(uuid string, groups []*lvm.Group) string {
	for _, g := range groups {
		for _, pv := range g.PVs {
			if pv.UUID == uuid {
				return g.Dir
			}
		}
	}
	return ""
}

// open adds what the file system in v knows.
func (c *contentFacts) open(v *vmdkfs.Volume) error {
	fsys, err := v.FS()
	if errors.Is(err, layer.ErrUnsupported) && !v.Readable() {
		c.UUID, c.Label, err = v.Identity()
		return err
	}
	if err != nil {
		return err
	}
	c.Readable = true
	switch x := fsys.(type) {
	case *ext3.FS:
		info, j := x.Info(), x.Journal()
		c.Kind, c.UUID, c.Label, c.LastMounted = info.Type, info.UUID, info.Label, info.LastMounted
		c.Features, c.BlockSize, c.Clean = info.Features, info.BlockSize, info.Clean
		c.Errors = info.Errors
		if e := info.LastError; e != nil {
			c.LastError = fmt.Sprintf("%s in %s:%d, inode %d, block %d", e.Time.Format(time.RFC3339), e.Function, e.Line, e.Inode, e.Block)
		}
		c.Size, c.Inodes = int64(info.Blocks)*info.BlockSize, int64(info.Inodes)
		if !j.Needed { // Linux brings these up to date when it unmounts
			c.Free, c.FreeInodes = int64(info.FreeBlocks)*info.BlockSize, int64(info.FreeInodes)
		}
		if j.Present {
			c.Journal = &journalFacts{Needed: j.Needed, Replayed: j.Replayed, Transactions: j.Transactions, Blocks: j.Blocks, Revoked: j.Revoked, FastCommits: j.FastCommits}
			if j.Err != nil {
				c.Journal.Error = printable(j.Err.Error())
			}
		}
	case *fat.FS:
		return c.fat(x)
	case *ntfs.FS:
		return c.openNTFS(x)
	case *iso.FS:
		c.Label, c.Tree = x.Label(), x.Tree().String()
	}
	return nil
}
