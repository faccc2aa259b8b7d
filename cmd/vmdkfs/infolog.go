package main

import (
	"fmt"
	"strings"

	"github.com/vmdkfs/vmdkfs"
	"github.com/vmdkfs/vmdkfs/ntfs"
)

// logFacts is what info --log knows of the $LogFile of an NTFS volume. LSNs are
// hexadecimal.
type logFacts struct {
	Path       string           `json:"path,omitempty"`
	Empty      bool             `json:"empty"`
	Clean      bool             `json:"clean"`
	Version    string           `json:"version,omitempty"`
	Damaged    int              `json:"damaged_restart_pages,omitempty"`
	Current    string           `json:"current_lsn,omitempty"`
	Checkpoint string           `json:"checkpoint_lsn,omitempty"`
	Oldest     string           `json:"oldest_lsn,omitempty"`
	Newer      []logRecordFacts `json:"newer"` // of which the log has changes that the disk has not
	Error      string           `json:"error,omitempty"`
}

// logRecordFacts is a file record, or an index block of a file, that the log has
// newer changes of.
type logRecordFacts struct {
	Record  uint64  `json:"record"`
	Name    string  `json:"name,omitempty"`      // as the disk has it
	Index   string  `json:"index,omitempty"`     // of an index block
	VCN     *uint64 `json:"index_vcn,omitempty"` // of an index block
	Offset  int64   `json:"offset,omitempty"`    // of an index block, in the volume
	DiskLSN string  `json:"disk_lsn"`
	LogLSN  string  `json:"log_lsn"`
	Changes int     `json:"changes"`
}

func hexLSN(lsn uint64) string { return fmt.Sprintf("%#x", lsn) }

// logs returns the facts of the log of every NTFS volume, and reports which
// cannot be read.
func (a *app) logs(d *vmdkfs.Disk) []logFacts {
	var list []logFacts
	volumes, _ := d.Volumes() // facts has told
	for _, v := range volumes {
		if kind, err := v.Kind(); err != nil || kind != vmdkfs.NTFS {
			continue
		}
		fsys, err := v.FS()
		if err != nil {
			continue // facts has told
		}
		f := logFacts{Path: v.Path, Newer: []logRecordFacts{}}
		if err := f.read(fsys.(*ntfs.FS)); err != nil {
			f.Error = printable(reason(v.Path, err))
			a.fail(v.Path, err)
		}
		list = append(list, f)
	}
	return list
}

// read fills in what the log of a volume says.
func (f *logFacts) read(x *ntfs.FS) error {
	l, err := x.Log()
	if err != nil {
		return err
	}
	f.Empty, f.Clean, f.Damaged = l.Empty, l.Clean, l.Damaged
	if !l.Empty {
		f.Version = fmt.Sprintf("%d.%d", l.Major, l.Minor)
		f.Current, f.Checkpoint, f.Oldest = hexLSN(l.CurrentLSN), hexLSN(l.CheckpointLSN), hexLSN(l.OldestLSN)
	}
	pending, err := x.Pending()
	for _, r := range pending {
		x := logRecordFacts{Record: r.Record, Name: r.Name, DiskLSN: hexLSN(r.DiskLSN), LogLSN: hexLSN(r.LogLSN), Changes: r.Changes}
		if r.IndexBlock {
			x.Index, x.VCN, x.Offset = r.Index, &r.VCN, r.Offset
		}
		f.Newer = append(f.Newer, x)
	}
	return err
}

// text appends the log as people read it.
func (f logFacts) text(b []byte) []byte {
	head := strings.TrimSpace(f.Path + " $LogFile")
	switch {
	case f.Error != "" && len(f.Newer) == 0:
		return line(b, 0, head+" cannot be read:", f.Error)
	case f.Empty:
		return line(b, 0, head, "reset, nothing to be redone")
	case f.Clean:
		return line(b, 0, head, "version "+f.Version, "clean, nothing to be redone", "LSN "+f.Current)
	}
	blocks := 0
	for _, r := range f.Newer {
		if r.VCN != nil {
			blocks++
		}
	}
	newer := count(len(f.Newer)-blocks, "file record")
	if blocks > 0 {
		newer += " and " + count(blocks, "index block")
	}
	b = line(b, 0, head, "version "+f.Version, "not clean", "LSN "+f.Current, "checkpoint "+f.Checkpoint,
		newer+" with changes that are not on the disk", put("then ", f.Error))
	for _, r := range f.Newer {
		b = line(b, 1, r.what(), r.Name, count(r.Changes, "change"), "LSN on disk "+r.DiskLSN, "in the log "+r.LogLSN)
	}
	return b
}

// what says what the log has changes of.
func (r logRecordFacts) what() string {
	switch {
	case r.VCN == nil:
		return fmt.Sprintf("file record %d", r.Record)
	case r.Record == 0:
		return fmt.Sprintf("index block at byte %d of a file that the log does not tell", r.Offset)
	}
	return fmt.Sprintf("index block %d of %s of file record %d", *r.VCN, r.Index, r.Record)
}
