package main

import (
	"fmt"

	"github.com/vmdkfs/vmdkfs/ntfs"
)

// ntfsFacts is what info knows of an NTFS volume beside what all have.
type ntfsFacts struct {
	Version          string `json:"version"`
	Dirty            bool   `json:"dirty"`
	CheckPending     bool   `json:"chkdsk_pending"`
	ModifiedByChkdsk bool   `json:"modified_by_chkdsk,omitempty"`
	Compressed       bool   `json:"compressed,omitempty"`
	Hibernation      string `json:"hibernation,omitempty"`
	State            string `json:"state"` // what all this means, in a sentence
	RecordSize       int64  `json:"record_size"`
	SectorSize       int64  `json:"sector_size"`
	LogClean         bool   `json:"log_clean"`
}

// openNTFS adds what an NTFS volume knows.
func (c *contentFacts) openNTFS(x *ntfs.FS) error {
	info, err := x.Info()
	c.UUID, c.Label, c.BlockSize = info.FullSerial, printable(info.Label), info.ClusterSize
	c.Size, c.Inodes = info.Size, int64(info.Records)
	if err != nil {
		return err
	}
	c.Free = info.FreeClusters * info.ClusterSize
	s, err := x.State()
	if err != nil {
		return err
	}
	c.Clean = s.Clean()
	c.NTFS = &ntfsFacts{Version: info.Version, Dirty: s.Dirty, CheckPending: s.CheckPending, ModifiedByChkdsk: s.ModifiedByChkdsk,
		Compressed: s.Compressed, Hibernation: string(s.Hibernation), State: s.String(), RecordSize: info.RecordSize, SectorSize: info.SectorSize, LogClean: s.LogClean}
	return nil
}

// text appends the line of the volume.
func (f *ntfsFacts) text(b []byte, indent int, c *contentFacts, label string) []byte {
	compressed := ""
	if f.Compressed {
		compressed = "compressed"
	}
	return line(b, indent, c.Kind+" "+f.Version, label, sizeText(c.Free)+" free of "+sizeText(c.Size),
		fmt.Sprintf("clusters of %s", sizeText(c.BlockSize)), "serial "+c.UUID, compressed, f.State)
}
