package export

import (
	"io/fs"
	"time"

	"github.com/vmdkfs/vmdkfs/layer"
)

// A hostDir is an open directory of the machine. Names given to its methods
// are single elements, which [vnode.Valid] has seen or temp has made, and no
// link at them is followed: this confines a copy to the directory that it
// began in, as os.Root does.
//
// host_linux.go has it as system calls, for package os takes thrice as many for
// a directory; host_other.go has it over os.Root.

// An existing is what is known of a file that is there.
type existing struct {
	mode         fs.FileMode
	size         int64
	modified     time.Time
	major, minor uint32
}

// times returns the times to give to the copy of info, if it has any.
func times(info fs.FileInfo) (access, modify time.Time, ok bool) {
	modify = info.ModTime()
	access = modify
	if sys, ok := info.Sys().(layer.Sys); ok {
		if a := sys.Unix().Access; !a.IsZero() {
			access = a
		}
	}
	return access, modify, !modify.IsZero()
}
