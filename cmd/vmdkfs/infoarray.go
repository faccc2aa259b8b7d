package main

import (
	"fmt"

	"github.com/vmdkfs/vmdkfs"
	"github.com/vmdkfs/vmdkfs/lvm"
)

// arrayFacts is a Linux software RAID.
type arrayFacts struct {
	Path    string        `json:"path"`
	UUID    string        `json:"uuid"`
	Size    int64         `json:"size"`
	Level   string        `json:"level"`
	Version string        `json:"metadata"`
	Members []memberFacts `json:"members"`
	Content *contentFacts `json:"content"`
}

type memberFacts struct {
	Role   int    `json:"role"` // -1 for none
	Volume string `json:"volume,omitempty"`
	State  string `json:"state"`
}

// arrayOf returns the facts of an array.
func (a *app) arrayOf(v *vmdkfs.Volume, groups []*lvm.Group) arrayFacts {
	f := arrayFacts{v.Path, v.Array.UUID, v.Size, v.Array.Level, v.Array.Version, nil, a.contentOf(v, groups)}
	for _, m := range v.Array.Members {
		f.Members = append(f.Members, memberFacts{m.Role, m.Device, m.State})
	}
	return f
}

func (f arrayFacts) text(b []byte) []byte {
	b = line(b, 0, f.Path, "Linux "+f.Level, sizeText(f.Size), "metadata "+f.Version, "UUID "+f.UUID)
	for _, m := range f.Members {
		head := "member"
		if m.Role >= 0 {
			head = fmt.Sprintf("member %d", m.Role)
		}
		b = line(b, 1, head, m.Volume, m.State)
	}
	return f.Content.text(b, 1)
}
