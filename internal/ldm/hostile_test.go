package ldm

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"testing"
	"time"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
	"github.com/vmdkfs/vmdkfs/internal/vnode"
)

// A volumeNode is a volume as a file: this package has no file system of its own.
type volumeNode struct{ *Volume }

func (volumeNode) Mode() fs.FileMode              { return 0o444 }
func (v volumeNode) Size() int64                  { return v.Volume.Size }
func (volumeNode) ModTime() time.Time             { return time.Time{} }
func (volumeNode) Sys() any                       { return nil }
func (v volumeNode) Open() (vnode.Content, error) { return content(v.Volume.Open()) }

func content[C vnode.Content](c C, err error) (vnode.Content, error) {
	if err != nil {
		return nil, err
	}
	return c, nil
}

func subject(t testing.TB) testimg.Subject {
	images := golden(t, 1, 2, 3, 4)
	joined, sizes := testimg.Join(images...)
	var metadata []int64
	for _, d := range disks(images...) {
		metadata = append(metadata, d.Metadata)
	}
	return testimg.Subject{
		Images: map[string][]byte{"four": joined},
		Open: func(_ string, r io.ReaderAt, size int64) (fs.FS, error) {
			var list []Disk
			for i, part := range testimg.Parts(r, size, sizes) {
				list = append(list, Disk{Name: fmt.Sprint("disk ", i), Reader: part, Size: part.Size(), SectorSize: 512, Metadata: metadata[i]})
			}
			groups, err := Open(list)
			if len(groups) == 0 || err != nil && (!testimg.HasKind(err) || errors.Is(err, testimg.ErrSource) || errors.Is(err, io.ErrUnexpectedEOF)) {
				return nil, err
			}
			var warnings []error
			root := new(vnode.Listing)
			for i, g := range groups {
				warnings = append(warnings, g.Warnings...)
				for j, v := range g.Volumes {
					root.Add(fmt.Sprint(i, ".", j), volumeNode{v})
				}
			}
			return volumes{vnode.New(root), warnings}, nil
		},
		Warnings: func(fsys fs.FS) []error { return fsys.(volumes).warnings },
	}
}

// volumes are those of all groups.
type volumes struct {
	*vnode.FS
	warnings []error
}

func TestHostile(t *testing.T) { testimg.Hostile(t, subject(t)) }

func FuzzImage(f *testing.F) { testimg.Fuzz(f, subject(f)) }

func TestFaults(t *testing.T) {
	testimg.Faults(t, subject(t), "four")
}
