package main

import (
	"fmt"

	"github.com/vmdkfs/vmdkfs/vmdk"
)

// parentFacts is a disk that a snapshot was taken of.
type parentFacts struct {
	File       string        `json:"file"`
	CreateType string        `json:"create_type,omitempty"`
	Size       int64         `json:"size"`
	CID        string        `json:"cid,omitempty"`
	Extents    []extentFacts `json:"extents,omitempty"`
}

// parentsOf returns the facts of the disks below a snapshot, down to the base.
func parentsOf(disk *vmdk.FS) []parentFacts {
	var list []parentFacts
	for _, link := range disk.Chain()[1:] {
		p := parentFacts{File: link.Name, CreateType: link.Kind, Size: link.Size}
		if link.Descriptor != nil {
			p.CID, p.Extents = hexID(link.Descriptor.CID), extentsOf(link.Descriptor)
		}
		list = append(list, p)
	}
	return list
}

// extentsOf returns the facts of the extents that a descriptor lists.
func extentsOf(d *vmdk.Descriptor) []extentFacts {
	var list []extentFacts
	for _, e := range d.Extents {
		list = append(list, extentFacts{e.Type, e.Access, e.File, e.Offset * 512, e.Sectors * 512})
	}
	return list
}

func (p parentFacts) text(b []byte) []byte {
	b = line(b, 1, "snapshot of", p.File, p.CreateType, sizeText(p.Size), put("CID ", p.CID))
	for _, e := range p.Extents {
		b = e.text(b, 2)
	}
	return b
}

func (e extentFacts) text(b []byte, indent int) []byte {
	offset := ""
	if e.Offset > 0 {
		offset = fmt.Sprintf("from byte %d", e.Offset)
	}
	return line(b, indent, "extent", e.Type, e.Access, e.File, sizeText(e.Size), offset)
}
