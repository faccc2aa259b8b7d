package main

import (
	"context"
	"io/fs"
	"iter"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/vmdkfs/vmdkfs"
	"github.com/vmdkfs/vmdkfs/internal/vnode"
	"github.com/vmdkfs/vmdkfs/layer"
	"github.com/vmdkfs/vmdkfs/ntfs"
)

// An undeleter is a file system that keeps what it knew of deleted files.
type undeleter interface {
	Deleted() iter.Seq2[ntfs.Deleted, error]
	Path(ntfs.Deleted) (elems []string, whole bool)
}

// lost is what stands for the directories that a deleted file's are not known
// of any more.
const lost = "?"

// findDeleted prints the deleted files that the tests hold for, of the volume
// that p lies in, and were at p or below.
func (f *finder) findDeleted(ctx context.Context, d *vmdkfs.Disk, p place) error {
	info, err := p.Lstat(p.name)
	if err != nil {
		f.app.fail(p.shown(p.name), err)
		return errFailed
	}
	sys, ok := info.Sys().(layer.Sys)
	if !ok {
		return f.findDeletedAll(ctx, d, p)
	}
	volume, ok := sys.Unix().Volume.(undeleter)
	if !ok {
		f.app.fail(p.shown(p.name), layer.Errorf(layer.ErrUnsupported, "vmdkfs", "", -1, "finding deleted files in a file system that is not NTFS"))
		return errFailed
	}
	below := ""
	if record, ok := info.Sys().(*ntfs.FileRecord); ok {
		elems, _ := record.PathOf()
		below = strings.Join(elems, "/")
	}
	top := strings.TrimSuffix(strings.TrimSuffix(p.shown(p.name), below), "/")
	return f.deletedOf(ctx, volume, top, below)
}

// findDeletedAll is findDeleted for a directory of the volume tree.
func (f *finder) findDeletedAll(ctx context.Context, d *vmdkfs.Disk, p place) error {
	volumes, err := d.Volumes()
	f.app.fail(p.shown(p.name), err)
	found := false
	for _, v := range volumes {
		inside := p.name == "." || v.Path == p.name || strings.HasPrefix(v.Path, p.name+"/")
		if !inside || !v.Readable() {
			continue
		}
		fsys, err := v.FS()
		if err != nil {
			f.app.fail(v.Path, err)
			continue
		}
		if volume, ok := fsys.(undeleter); ok {
			found = true
			if err := f.deletedOf(ctx, volume, v.Path, ""); err != nil {
				return err
			}
		}
	}
	if !found {
		f.app.fail(p.shown(p.name), layer.Errorf(layer.ErrUnsupported, "vmdkfs", "", -1, "finding deleted files where no file system is NTFS"))
		return errFailed
	}
	return nil
}

// deletedOf prints the deleted files of a volume that is shown at top.
func (f *finder) deletedOf(ctx context.Context, volume undeleter, top, below string) error {
	var b []byte
	for d, err := range volume.Deleted() {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			f.app.fail(top, err)
			break
		}
		elems, whole := volume.Path(d)
		if elems == nil {
			elems = []string{"record-" + strconv.FormatUint(d.Number, 10)}
		}
		if !whole {
			elems = append([]string{lost}, elems...)
		}
		name := strings.Join(elems, "/")
		if below != "" && name != below && !strings.HasPrefix(name, below+"/") {
			continue
		}
		full := strings.TrimPrefix(top+"/"+name, "/")
		if strings.HasPrefix(top, "/") {
			full = top + "/" + name
		}
		info := deletedInfo{d, path.Base(name)}
		if f.tests.named(info.name, strings.TrimPrefix(full, "/"), info.Mode().Type()) && f.tests.described(info) {
			b = f.appendDeleted(b, full, info)
		}
	}
	return f.app.outputFailed(f.app.write(b))
}

// appendDeleted appends the line of a deleted file.
func (f *finder) appendDeleted(b []byte, full string, info deletedInfo) []byte {
	d := info.Deleted
	switch {
	case f.print0:
		b = append(b, f.version...)
		return append(append(b, vnode.Unescape(full)...), 0)
	case f.app.json:
		b = append(b, '{')
		b = f.appendVersionMember(b)
		b = append(b, `"path":`...)
		b = appendJSON(b, full)
		b = append(b, `,"type":"`+typeName(info.Mode())+`","size":`...)
		b = strconv.AppendInt(b, d.Length, 10)
		b = appendTime(b, "mtime", d.Modified)
		b = append(b, `,"deleted":true,"record":`...)
		b = strconv.AppendUint(b, d.Number, 10)
		b = append(b, `,"resident":`...)
		b = strconv.AppendBool(b, d.Resident)
		b = append(b, `,"clusters":`...)
		b = strconv.AppendInt(b, d.Clusters, 10)
		b = append(b, `,"reused":`...)
		b = strconv.AppendInt(b, d.Reused, 10)
		return append(b, '}', '\n')
	}
	b = append(b, f.version...)
	if f.long {
		b = appendLong(b, info.Mode().Type(), info)
	}
	b = appendPrintable(b, full)
	if f.long && d.Reused > 0 {
		b = append(b, "  (of its clusters "...)
		b = strconv.AppendInt(b, d.Reused, 10)
		b = append(b, " of "...)
		b = strconv.AppendInt(b, d.Clusters, 10)
		b = append(b, " are in use again)"...)
	}
	return append(b, '\n')
}

// A deletedInfo is a deleted file as a FileInfo.
type deletedInfo struct {
	ntfs.Deleted
	name string
}

func (i deletedInfo) Name() string       { return i.name }
func (i deletedInfo) Size() int64        { return i.Length }
func (i deletedInfo) ModTime() time.Time { return i.Modified }
func (i deletedInfo) IsDir() bool        { return i.Dir }
func (i deletedInfo) Sys() any           { return nil }

func (i deletedInfo) Mode() fs.FileMode {
	if i.Dir {
		return fs.ModeDir | 0o777
	}
	return 0o777
}
