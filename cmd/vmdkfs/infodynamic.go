package main

import (
	"path"
	"strings"

	"github.com/vmdkfs/vmdkfs"
)

// diskGroupFacts are those of a disk group of Windows' Logical Disk Manager.
type diskGroupFacts struct {
	Name    string               `json:"name"`
	GUID    string               `json:"guid"`
	Missing []string             `json:"missing,omitempty"` // disks
	Volumes []dynamicVolumeFacts `json:"volumes"`
}

type dynamicVolumeFacts struct {
	Path    string        `json:"path"`
	GUID    string        `json:"guid"`
	Size    int64         `json:"size"`
	Type    string        `json:"type"`
	Drive   string        `json:"drive,omitempty"`
	Content *contentFacts `json:"content"`
}

// addDynamic adds a volume, which follows those of the same group.
func (f *facts) addDynamic(v *vmdkfs.Volume, content *contentFacts) {
	d := v.Dynamic
	name := path.Dir(v.Path)
	if n := len(f.DiskGroups); n == 0 || f.DiskGroups[n-1].Name != name {
		f.DiskGroups = append(f.DiskGroups, diskGroupFacts{Name: name, GUID: d.GroupGUID, Missing: d.Missing})
	}
	g := &f.DiskGroups[len(f.DiskGroups)-1]
	g.Volumes = append(g.Volumes, dynamicVolumeFacts{v.Path, d.GUID, v.Size, d.Type, d.Hint, content})
}

func (g diskGroupFacts) text(b []byte) []byte {
	b = line(b, 0, g.Name, "LDM disk group", "GUID "+g.GUID, put("MISSING ", strings.Join(g.Missing, ", MISSING ")))
	for _, v := range g.Volumes {
		b = line(b, 1, v.Path, sizeText(v.Size), v.Type, put("drive ", v.Drive))
		b = v.Content.text(b, 2)
	}
	return b
}
