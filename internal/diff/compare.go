package diff

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"

	"github.com/vmdkfs/vmdkfs/layer"
)

// A Stamp is what changes when a file does: its inode and times.
type Stamp struct {
	Inode, Generation, Revision uint64
	Mode                        fs.FileMode
	Size                        int64
	Modify, Change              int64 // ns
	// Known says that two files of one Stamp are the same. Without it the file
	// system does not keep enough to tell.
	Known bool
}

// StampOf returns the stamp of a file.
func StampOf(info fs.FileInfo) Stamp {
	s := Stamp{Mode: info.Mode(), Size: info.Size(), Modify: info.ModTime().UnixNano()}
	if unix, ok := unixOf(info); ok {
		s.Inode, s.Generation, s.Revision = unix.Inode, unix.Generation, unix.Revision
		s.Change = unix.Change.UnixNano()
		s.Known = unix.Stamped(info.ModTime())
	}
	return s
}

// compare adds what has become of a pair, if it is not the same; from is the
// former path of what was renamed.
func (c *comparison) compare(p pair, from string) {
	infoA, err := p.a.Info()
	if err != nil {
		c.fail(&c.first, p.a.Path, err)
		return
	}
	infoB, err := p.b.Info()
	if err != nil {
		c.fail(&c.second, p.b.Path, err)
		return
	}
	change := Change{Kind: Changed, Path: p.b.Path, Before: stateOf(infoA), After: stateOf(infoB)}
	if p.a.Path != p.b.Path {
		change.From = p.a.Path
	}
	if from != "" {
		change.Kind = Renamed
	}
	if infoA.Mode().Type() != infoB.Mode().Type() {
		change.Aspects = []Aspect{Type}
	} else {
		change.Aspects = c.aspects(p, infoA, infoB)
	}
	if change.Kind == Renamed || len(change.Aspects) > 0 {
		c.add(change)
	}
}

func stateOf(info fs.FileInfo) *State { return &State{info.Mode(), info.Size(), info.ModTime()} }

// aspects returns in what two files of one type differ.
func (c *comparison) aspects(p pair, infoA, infoB fs.FileInfo) (list []Aspect) {
	mode := infoA.Mode()
	a, b := StampOf(infoA), StampOf(infoB)
	if a == b && a.Known && !c.options.Checksum {
		return nil
	}
	differs, err := c.content(p, infoA, infoB)
	if err != nil {
		return nil // and was reported
	}
	x, okX := unixOf(infoA)
	y, okY := unixOf(infoB)
	if mode.IsDir() && okX != okY {
		return nil // a volume that cannot be opened has no attributes; its listing tells why
	}
	note := func(differs bool, aspect Aspect) {
		if differs {
			list = append(list, aspect)
		}
	}
	note(differs, Content)
	note(mode != infoB.Mode(), Mode)
	note(x.UID != y.UID || x.GID != y.GID, Owner)
	note(!mode.IsDir() && !infoA.ModTime().Equal(infoB.ModTime()), Mtime)
	note(c.xattrs(p, infoA, infoB), Xattrs)
	note(x.Attributes != y.Attributes, Attributes)
	return list
}

// content reports whether what two files of one type hold differs. An error
// has been reported.
func (c *comparison) content(p pair, infoA, infoB fs.FileInfo) (differs bool, err error) {
	mode := infoA.Mode()
	switch {
	case mode&fs.ModeSymlink != 0:
		before, err := p.a.ReadLink()
		if err != nil {
			c.fail(&c.first, p.a.Path, err)
			return false, err
		}
		after, err := p.b.ReadLink()
		c.fail(&c.second, p.b.Path, err)
		return before != after, err
	case mode&fs.ModeDevice != 0:
		x, _ := unixOf(infoA)
		y, _ := unixOf(infoB)
		return x.Major != y.Major || x.Minor != y.Minor, nil
	case !mode.IsRegular():
		return false, nil
	case infoA.Size() != infoB.Size():
		return true, nil
	case !c.options.Checksum && infoA.Sys() == nil && infoA.ModTime().IsZero():
		c.mu.Lock()
		defer c.mu.Unlock()
		c.options.Note(p.b.Path, errBytes)
		return false, nil
	}
	return c.bytes(p)
}

// errBytes is the note about a volume without a file system.
var errBytes = errors.New("no file system that can be read: its bytes were not compared")

// xattrs reports whether the extended attributes of two files differ, and on
// NTFS their named streams, which are their attributes. What cannot be read is a failure, and not a difference.
func (c *comparison) xattrs(p pair, infoA, infoB fs.FileInfo) bool {
	sysA, ok := infoA.Sys().(layer.Sys)
	if !ok {
		return false
	}
	sysB, ok := infoB.Sys().(layer.Sys)
	if !ok {
		return false
	}
	before, err := sysA.Xattrs()
	if err != nil {
		c.fail(&c.first, p.a.Path, fmt.Errorf("extended attributes: %w", err))
		return false
	}
	after, err := sysB.Xattrs()
	if err != nil {
		c.fail(&c.second, p.b.Path, fmt.Errorf("extended attributes: %w", err))
		return false
	}
	return !maps.EqualFunc(before, after, bytes.Equal) || c.largeStreams(p, infoA, infoB, before, after)
}
