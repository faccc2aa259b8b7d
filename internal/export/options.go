package export

import (
	"crypto/sha256"
	"fmt"
	"strings"
)

// Options says what to copy, how, and whom to tell. Its functions may be nil.
type Options struct {
	Filter    *Filter    // what to leave out; nil for nothing
	Drop      Attributes // what not to keep of a file
	Overwrite bool       // replace files that exist
	// Resume goes on with a copy that was interrupted: files that are there
	// complete are left as they are. A file gets its name only when it is
	// complete, so that one of the same type, size and modification time is, a
	// link with the same target, a device with the same numbers.
	Resume bool
	// Verify reads back what was written, and compares its hash with that of
	// what was read from the image.
	Verify bool
	// StreamFiles makes files of the named streams of NTFS, beside the file
	// that they belong to and called FILE:STREAM, rather than extended
	// attributes.
	StreamFiles bool

	Fail     func(path string, err error)             // a file that could not be copied; one call at a time
	Note     func(text string, files int)             // what could not be kept, for how many files; after the copy
	Start    func(path string)                        // a file that is begun; many calls at a time
	Progress func(bytes int64)                        // bytes done since the last call, holes too; many calls at a time
	Sum      func(name string, sum [sha256.Size]byte) // of a regular file that is there now, with its raw path in the destination; one call at a time
	SDDL     func(name string, sddl string)           // the security descriptor of such a file, instead of an extended attribute; one call at a time
}

// Attributes are what can be kept of a file beside its content.
type Attributes uint

// The names of GNU cp --preserve, and two for NTFS.
const (
	Mode Attributes = 1 << iota
	Ownership
	Timestamps
	Links    // hard links
	Xattrs   // extended attributes, file capabilities too
	ACLs     // POSIX ACLs
	Streams  // named streams of NTFS
	Security // security descriptors of NTFS
	All      = 1<<iota - 1
)

var attributeNames = []string{"mode", "ownership", "timestamps", "links", "xattr", "acl", "streams", "security"}

// ParseAttributes returns the attributes that a list names: "mode,timestamps",
// "all", "none" or nothing.
func ParseAttributes(list string) (a Attributes, err error) {
next:
	for name := range strings.SplitSeq(list, ",") {
		switch name {
		case "all":
			a = All
			continue
		case "none", "":
			continue
		}
		for i, n := range attributeNames {
			if n == name {
				a |= 1 << i
				continue next
			}
		}
		return 0, fmt.Errorf("%q is none of %s, all and none", name, strings.Join(attributeNames, ", "))
	}
	return a, nil
}

// keep reports whether any of these attributes is to be kept.
func (o *Options) keep(a Attributes) bool { return a&^o.Drop != 0 }

// A Source is a file to copy, or a directory with all that it holds.
type Source struct {
	Path string
	// Content says that what the directory holds is wanted, rather than the
	// directory itself under its name.
	Content bool
}

// A Summary counts what was done.
type Summary struct {
	Files   int64 // of every type but directories
	Dirs    int64
	Skipped int64 // files that Options.Resume found complete
	Bytes   int64 // of data; holes do not count
	Failed  int64 // what was told through Options.Fail
}
