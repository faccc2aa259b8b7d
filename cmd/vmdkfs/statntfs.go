package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"github.com/vmdkfs/vmdkfs/ntfs"
)

// appendStreams appends the member with the named streams of a file on NTFS,
// where it has any: their names and sizes.
func appendStreams(b []byte, info fs.FileInfo) ([]byte, error) {
	r, ok := info.Sys().(*ntfs.FileRecord)
	if !ok || !r.HasStreams() {
		return b, nil
	}
	streams, err := r.Streams()
	b = append(b, `,"streams":[`...)
	for i, s := range streams {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"name":`...)
		b = appendJSON(b, s.Name)
		b = append(b, `,"size":`...)
		b = strconv.AppendInt(b, s.Size, 10)
		b = append(b, '}')
	}
	return append(b, ']'), err
}

// ntfsFile is what stat knows of a file on NTFS beside what all have. Its zero
// value is a file that is not on NTFS.
type ntfsFile struct {
	Sequence   uint16       `json:"sequence"`
	Attributes []string     `json:"attributes"`
	Reparse    string       `json:"reparse,omitempty"`
	ObjectID   string       `json:"object_id,omitempty"`
	Names      []ntfsName   `json:"names"`
	Streams    []ntfsStream `json:"streams,omitempty"`
	EAs        []string     `json:"eas,omitempty"`
	Owner      string       `json:"owner,omitempty"` // SID
	Group      string       `json:"group,omitempty"`
	SDDL       string       `json:"sddl,omitempty"`
}

type ntfsName struct {
	Name      string    `json:"name"`
	Namespace string    `json:"namespace"`
	Parent    uint64    `json:"parent"`
	Created   time.Time `json:"created"`
	Modified  time.Time `json:"modified"`
	Changed   time.Time `json:"changed"`
	Accessed  time.Time `json:"accessed"`
}

type ntfsStream struct {
	Name string `json:"name"`
	Size int64  `json:"size"`
}

// ntfsOf asks the file, if it is on NTFS, for all that it knows. What cannot be
// read is left out, and the error tells of it.
func ntfsOf(info fs.FileInfo) (*ntfsFile, error) {
	r, ok := info.Sys().(*ntfs.FileRecord)
	if !ok {
		return nil, nil
	}
	f := &ntfsFile{Sequence: r.Sequence, Attributes: attributeNames(r.Attributes), Reparse: r.ReparseName()}
	id, err := r.ObjectID()
	f.ObjectID = id.ID
	names, namesErr := r.Names()
	for _, n := range names {
		f.Names = append(f.Names, ntfsName{n.Name, n.Namespace, n.Parent, n.Created, n.Modified, n.Changed, n.Accessed})
	}
	streams, streamsErr := r.Streams()
	for _, s := range streams {
		f.Streams = append(f.Streams, ntfsStream{s.Name, s.Size})
	}
	eas, easErr := r.EAs()
	for _, ea := range eas {
		f.EAs = append(f.EAs, ea.Name+"="+attributeText(ea.Value))
	}
	security, securityErr := r.Security()
	if security != nil {
		f.Owner, f.Group, f.SDDL = security.Owner, security.Group, security.SDDL
	}
	return f, errors.Join(err, namesErr, streamsErr, easErr, securityErr)
}

// attributeNames returns the names of the FILE_ATTRIBUTE_ bits that are set.
func attributeNames(bits uint32) []string {
	list := []string{}
	for _, a := range []struct {
		bit  uint32
		name string
	}{
		{ntfs.AttributeReadOnly, "readonly"}, {ntfs.AttributeHidden, "hidden"}, {ntfs.AttributeSystem, "system"},
		{ntfs.AttributeDirectory, "directory"}, {ntfs.AttributeArchive, "archive"}, {ntfs.AttributeTemporary, "temporary"},
		{ntfs.AttributeSparse, "sparse"}, {ntfs.AttributeReparsePoint, "reparse"}, {ntfs.AttributeCompressed, "compressed"},
		{ntfs.AttributeOffline, "offline"}, {ntfs.AttributeEncrypted, "encrypted"},
	} {
		if bits&a.bit != 0 {
			list = append(list, a.name)
			bits &^= a.bit
		}
	}
	if bits != 0 {
		list = append(list, fmt.Sprintf("%#x", bits))
	}
	return list
}

// append appends the member "ntfs" of the JSON of a file.
func (f *ntfsFile) append(b []byte) []byte {
	if f == nil {
		return b
	}
	member, err := json.Marshal(f)
	if err != nil {
		return b // years beyond 9999, which JSON's form of a time does not have
	}
	return append(append(b, `,"ntfs":`...), member...)
}

// text appends the lines of the file.
func (f *ntfsFile) text(b []byte) []byte {
	if f == nil {
		return b
	}
	line := func(key, format string, args ...any) {
		b = fmt.Appendf(b, "%9s  ", key)
		b = append(appendPrintable(b, fmt.Sprintf(format, args...)), '\n')
	}
	line("sequence", "%d", f.Sequence)
	line("attribs", "%s", strings.Join(f.Attributes, " "))
	if f.Reparse != "" {
		line("reparse", "%s", f.Reparse)
	}
	if f.ObjectID != "" {
		line("object", "%s", f.ObjectID)
	}
	for _, n := range f.Names {
		line("name", "%s (%s, in record %d, created %s)", n.Name, n.Namespace, n.Parent, n.Created.Format(time.RFC3339Nano))
	}
	for _, s := range f.Streams {
		line("stream", "%s, %d bytes", s.Name, s.Size)
	}
	for _, ea := range f.EAs {
		line("ea", "%s", ea)
	}
	if f.SDDL != "" {
		line("security", "%s", f.SDDL)
	}
	return b
}
