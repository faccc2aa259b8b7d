package iso

import (
	"strings"

	"github.com/vmdkfs/vmdkfs/layer"
)

// lost is a set of what a file has and no view of an image can hold.
type lost uint8

const (
	lostACL lost = 1 << iota
	lostCapability
	lostXattrs
	lostStreams
	lostUnread
	lostName       // in UDF; Rock Ridge has it
	lostLabel      // on a system that has them, all files have one
	lostDescriptor // all files of NTFS have one
)

// lostNames are the parts of the set that are told of each file.
var lostNames = [...]struct {
	bit  lost
	name string
}{
	{lostACL, "ACL"},
	{lostCapability, "file capabilities"},
	{lostXattrs, "extended attributes"},
	{lostStreams, "named streams"},
	{lostUnread, "extended attributes that could not be read"},
	{lostName, "its exact name in UDF"},
}

// lostCounts are those that are told once, with the number of files.
var lostCounts = [...]struct {
	bit  lost
	name string
}{
	{lostLabel, "SELinux labels"},
	{lostDescriptor, "owners and permissions of Windows"},
}

// lostOf returns what is lost of a file. sys is what its FileInfo knows.
func lostOf(sys any, u layer.Unix) lost {
	var l lost
	if u.NoOwner {
		l |= lostDescriptor
	}
	if s, ok := sys.(interface{ HasStreams() bool }); ok {
		if s.HasStreams() {
			l |= lostStreams
		}
		return l // its attributes are the streams
	}
	s, ok := sys.(layer.Sys)
	if !ok {
		return l
	}
	xattrs, err := s.Xattrs()
	if err != nil {
		return l | lostUnread
	}
	for name := range xattrs {
		switch {
		case strings.HasPrefix(name, "system.posix_acl_"):
			l |= lostACL
		case name == "security.capability":
			l |= lostCapability
		case name == "security.selinux":
			l |= lostLabel
		default:
			l |= lostXattrs
		}
	}
	return l
}

// String returns what is told of one file, or nothing.
func (l lost) String() string {
	var names []string
	for _, part := range lostNames {
		if l&part.bit != 0 {
			names = append(names, part.name)
		}
	}
	return strings.Join(names, ", ")
}
