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
	Newer      []logRecordFacts `json:"newer"` // file records of which the log has changes that the disk has not
	Error      string           `json:"error,omitempty"`
}

// logRecordFacts is a file record that the log has newer changes of.
type logRecordFacts struct {
	Record  uint64 `json:"record"`
	Name    string `json:"name,omitempty"` // as the disk has it
	DiskLSN string `json:"disk_lsn"`
	LogLSN  string `json:"log_lsn"`
	Changes int    `json:"changes"`
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
		f.Newer = append(f.Newer, logRecordFacts{r.Record, r.Name, hexLSN(r.DiskLSN), hexLSN(r.LogLSN), r.Changes})
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
	b = line(b, 0, head, "version "+f.Version, "not clean", "LSN "+f.Current, "checkpoint "+f.Checkpoint,
		count(len(f.Newer), "file record")+" with changes that are not on the disk", put("then ", f.Error))
	for _, r := range f.Newer {
		b = line(b, 1, fmt.Sprintf("file record %d", r.Record), r.Name, count(r.Changes, "change"), "LSN on disk "+r.DiskLSN, "in the log "+r.LogLSN)
	}
	return b
}
