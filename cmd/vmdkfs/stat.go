package main

import (
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/vmdkfs/vmdkfs"
	"github.com/vmdkfs/vmdkfs/internal/walk"
	"github.com/vmdkfs/vmdkfs/layer"
)

func (a *app) statCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "stat IMAGE PATH",
		Short:             "Show all that is known of a file",
		Long:              "Show all that is known of a file. A symbolic link is described itself.",
		Args:              cobra.ExactArgs(2),
		ValidArgsFunction: a.complete,
		RunE: func(_ *cobra.Command, args []string) error {
			return a.with(args[0], func(d *vmdkfs.Disk) error { return a.stat(d, args[1]) })
		},
	}
}

// stat prints what is known of the file at arg.
func (a *app) stat(d *vmdkfs.Disk, arg string) error {
	p, err := a.place(d, arg)
	var e walk.Entry
	if err == nil {
		e, err = walk.Find(p, p.name)
	}
	if err != nil {
		a.fail(arg, err)
		return errFailed
	}
	info, target, err := describe(e)
	a.fail(arg, err)
	if info == nil {
		return errFailed
	}
	more, err := ntfsOf(info)
	a.fail(arg, err)
	var xattrs map[string][]byte
	if sys, ok := info.Sys().(layer.Sys); ok && more == nil { // those of NTFS are its streams, which more has
		xattrs, err = sys.Xattrs()
		a.fail(arg, err)
	}
	if a.json {
		b := appendStat(nil, p.name, info, target, xattrs)
		return a.outputFailed(a.write(append(more.append(b), "}\n"...)))
	}
	return a.outputFailed(a.write(more.text(statText(p.shown(p.name), info, target, xattrs))))
}

func (a *app) write(b []byte) error {
	_, err := a.out.Write(b)
	return err
}

// appendStat appends the object of ls --json with further members, without the
// brace at its end.
func appendStat(b []byte, name string, info fs.FileInfo, target string, xattrs map[string][]byte) []byte {
	b = appendObject(b, name, info, target)
	if unix, ok := unixOf(info); ok {
		b = appendTime(b, "atime", unix.Access)
		b = appendTime(b, "ctime", unix.Change)
		b = appendTime(b, "btime", unix.Birth)
	}
	if id := projectOf(info); id != 0 {
		b = append(b, `,"project":`...)
		b = strconv.AppendUint(b, uint64(id), 10)
	}
	if len(xattrs) > 0 {
		b = append(b, `,"xattrs":{`...)
		for i, key := range sortedKeys(xattrs) {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendJSON(b, key)
			b = append(b, ':')
			b = appendJSON(b, attributeText(xattrs[key]))
		}
		b = append(b, '}')
	}
	return b
}

// statText returns what stat prints.
func statText(name string, info fs.FileInfo, target string, xattrs map[string][]byte) []byte {
	var b []byte
	line := func(key, format string, args ...any) {
		b = fmt.Appendf(b, "%9s  ", key)
		b = append(appendPrintable(b, fmt.Sprintf(format, args...)), '\n')
	}
	when := func(key string, t time.Time) {
		if !t.IsZero() {
			line(key, "%s", t.UTC().Format(time.RFC3339Nano))
		}
	}
	line("path", "%s", name)
	line("type", "%s", typeName(info.Mode()))
	if target != "" {
		line("target", "%s", target)
	}
	line("size", "%d", info.Size())
	line("mode", "%s %s", appendOctal(nil, permBits(info.Mode())), appendMode(nil, info.Mode()))
	unix, known := unixOf(info)
	if known {
		line("owner", "%d:%d", unix.UID, unix.GID)
		line("links", "%d", unix.Links)
		line("inode", "%d", unix.Inode)
		if info.Mode()&fs.ModeDevice != 0 {
			line("device", "%d, %d", unix.Major, unix.Minor)
		}
		when("accessed", unix.Access)
	}
	when("modified", info.ModTime())
	if known {
		when("changed", unix.Change)
		when("created", unix.Birth)
	}
	if id := projectOf(info); id != 0 {
		line("project", "%d", id)
	}
	for _, key := range sortedKeys(xattrs) {
		line("xattr", "%s = %s", key, attributeText(xattrs[key]))
	}
	return b
}

func sortedKeys(m map[string][]byte) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// attributeText returns the value of an extended attribute as text in quotes,
// or in hexadecimal digits when it is none, as getfattr does.
func attributeText(value []byte) string {
	s := string(value)
	if printable(s) != s {
		return fmt.Sprintf("0x%x", value)
	}
	return strconv.Quote(s)
}
