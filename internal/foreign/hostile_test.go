package foreign

import (
	"io"
	"io/fs"
	"testing"
	"time"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
	"github.com/vmdkfs/vmdkfs/internal/vnode"
)

// An imageNode is a disk as a file: this package has no file system of its own.
type imageNode struct{ vnode.Content }

func (imageNode) Mode() fs.FileMode              { return 0o444 }
func (imageNode) ModTime() time.Time             { return time.Time{} }
func (imageNode) Sys() any                       { return nil }
func (n imageNode) Open() (vnode.Content, error) { return n.Content, nil }

func subject(t testing.TB) testimg.Subject {
	images := make(map[string][]byte)
	for _, name := range []string{"v2.qcow2", "v3.qcow2", "compressed.qcow2", "compressed-4k.qcow2", "clusters-512.qcow2", "lazy.qcow2", "snapshots.qcow2",
		"zeroed.qcow2", "preallocated.qcow2", "fixed.vhd"} {
		images[name] = testimg.Load(t, "vm/"+name+".gz")
	}
	return testimg.Subject{
		Images: images,
		Open: func(name string, r io.ReaderAt, size int64) (fs.FS, error) {
			disk, _, err := Open(r, size, name)
			if err != nil {
				return nil, err
			}
			root := new(vnode.Listing)
			root.Add("disk", imageNode{disk})
			return vnode.New(root), nil
		},
	}
}

func TestHostile(t *testing.T) { testimg.Hostile(t, subject(t)) }

func FuzzImage(f *testing.F) { testimg.Fuzz(f, subject(f)) }

func TestFaults(t *testing.T) {
	testimg.Faults(t, subject(t), "v3.qcow2", "compressed.qcow2", "fixed.vhd")
}
