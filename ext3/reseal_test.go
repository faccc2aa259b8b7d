package ext3

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vmdkfs/vmdkfs/internal/testimg"
)

// A patient is an image with checksums that is about to be damaged, and its
// file system as it was before. What is written to the image is sealed after
// it: the checksum of the structure is made right again, so that the damage
// itself is what a reader meets.
type patient struct {
	t     *testing.T
	whole []byte // as it was
	image []byte
	f     *FS
}

// healthy has the images that were admitted once: one after the other is
// damaged in many ways.
var healthy sync.Map

// admit opens a golden image, every checksum of which must be right.
func admit(t *testing.T, name string, opts ...Option) *patient {
	loaded, ok := healthy.Load(name)
	if !ok {
		loaded, _ = healthy.LoadOrStore(name, testimg.Load(t, "ext/"+name+".img.gz"))
	}
	whole := loaded.([]byte)
	f, err := Open(bytes.NewReader(whole), int64(len(whole)), append(opts, Strict())...)
	require.NoError(t, err)
	return &patient{t, whole, bytes.Clone(whole), f}
}

// reopen opens the image as it is now.
func (p *patient) reopen(opts ...Option) (*FS, error) {
	return Open(bytes.NewReader(p.image), int64(len(p.image)), append(opts, Strict())...)
}

// inode returns the inode of a path, as it was.
func (p *patient) inode(path string) *Inode {
	info, err := p.f.Lstat(path)
	require.NoError(p.t, err)
	return info.Sys().(*Inode)
}

// raw returns the bytes of an inode in the image.
func (p *patient) raw(number uint32) rawInode {
	_, at, err := p.f.rawInode(number)
	require.NoError(p.t, err)
	return rawInode(p.image[at:][:p.f.geo.inodeSize])
}

// block returns a block of the image.
func (p *patient) block(n uint64) []byte {
	return p.image[p.f.offset(n):][:p.f.geo.blockSize]
}

// blockOf returns the block that holds block n of a file, as it was.
func (p *patient) blockOf(i *Inode, n int64) uint64 {
	run, err := i.mapper().Map(n * p.f.geo.blockSize)
	require.NoError(p.t, err)
	require.Zero(p.t, run.Source)
	return uint64((run.Physical + n*p.f.geo.blockSize - run.Offset) / p.f.geo.blockSize)
}

func (p *patient) sealSuper() {
	s := p.image[superblockOffset:][:1024]
	le.PutUint32(s[superChecksumAt:], crc32c(^uint32(0), s[:superChecksumAt]))
}

// descriptor returns the bytes of a group's descriptor in the image.
func (p *patient) descriptor(group uint32) []byte {
	at := int64(group) % (p.f.geo.blockSize / p.f.geo.descSize) * p.f.geo.descSize
	return p.block(p.f.descriptorBlock(group))[at:][:p.f.geo.descSize]
}

func (p *patient) sealDescriptor(group uint32) {
	desc := p.descriptor(group)
	sum := sumWithout(crc32c(p.f.seed, le.AppendUint32(nil, group)), desc, descChecksumAt, 2)
	le.PutUint16(desc[descChecksumAt:], uint16(sum))
}

func (p *patient) sealInode(number uint32) {
	raw := p.raw(number)
	le.PutUint16(raw[inodeSumLoAt:], 0)
	wide := raw.extraISize() >= 4
	if wide {
		le.PutUint16(raw[inodeSumHiAt:], 0)
	}
	sum := crc32c(p.f.inodeSeed(number, raw.iGeneration()), raw)
	le.PutUint16(raw[inodeSumLoAt:], uint16(sum))
	if wide {
		le.PutUint16(raw[inodeSumHiAt:], uint16(sum>>16))
	}
}

func (p *patient) sealExtentNode(i *Inode, block uint64) {
	node := extentNode(p.block(block))
	end := extentEntrySize * (1 + node.ehMax())
	le.PutUint32(node[end:], crc32c(p.f.inodeSeed(i.Number, i.Generation), node[:end]))
}

func (p *patient) sealXattrBlock(n uint64) {
	block := p.block(n)
	le.PutUint32(block[xattrChecksumAt:], sumWithout(crc32c(p.f.seed, le.AppendUint64(nil, n)), block, xattrChecksumAt, 4))
}

// sealLeaf is for a block of entries of a directory.
func (p *patient) sealLeaf(i *Inode, n uint64) {
	block := p.block(n)
	end := len(block) - dirTailSize
	le.PutUint32(block[end+8:], crc32c(p.f.inodeSeed(i.Number, i.Generation), block[:end]))
}

// sealIndex is for a block of the index of a directory, with its count and
// limit at a byte of it.
func (p *patient) sealIndex(i *Inode, n uint64, at int) {
	block := p.block(n)
	limit, count := int(le.Uint16(block[at:])), int(le.Uint16(block[at+2:]))
	tail := at + limit*dxEntrySize
	sum := crc32c(p.f.inodeSeed(i.Number, i.Generation), block[:at+count*dxEntrySize])
	sum = crc32c(crc32c(sum, block[tail:tail+4]), make([]byte, 4))
	le.PutUint32(block[tail+4:], sum)
}

// A recorder takes the failures that describing a damaged file system brings.
type recorder struct {
	testing.TB
	failures []string
}

func (r *recorder) Errorf(format string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

// A loss is what damage to a path costs.
type loss int

const (
	nothing    loss = iota
	itself          // the file, under all its names, and what is below
	someNames       // a part of the names in the directory
	attributes      // the extended attributes of the file
)

// requireRest compares the file system with the manifest of the image, all but
// what is lost.
func requireRest(t *testing.T, f *FS, image, path string, lost loss) {
	t.Helper()
	r := &recorder{TB: t}
	got, want := testimg.Describe(r, f), testimg.Manifest(t, "ext/"+image+".manifest.jsonl.gz")
	hit := map[string]bool{path: true} // paths that failures may name
	switch lost {
	case itself:
		for p, file := range want {
			if file.Inode == want[path].Inode {
				hit[p] = true
			}
		}
		for p := range hit {
			forget(got, p)
			forget(want, p)
		}
	case someNames:
		missing, all := 0, 0
		for p := range want {
			if name, below := strings.CutPrefix(p, path+"/"); below && !strings.Contains(name, "/") {
				all++
				if _, ok := got[p]; !ok {
					missing++
					hit[p] = true
					forget(want, p)
				}
			}
		}
		require.Greater(t, missing, 0)
		require.Less(t, missing, all*3/4)
	case attributes:
		g, w := got[path], want[path]
		require.NotEmpty(t, w.Xattrs)
		g.Xattrs, w.Xattrs = nil, nil
		got[path], want[path] = g, w
	}
	for _, failure := range r.failures {
		p, _, _ := strings.Cut(failure, ": ")
		require.True(t, hit[p], failure)
	}
	testimg.Compare(t, got, want)
}

// forget removes a path and what is below it.
func forget(files map[string]testimg.File, path string) {
	for p := range files {
		if p == path || strings.HasPrefix(p, path+"/") {
			delete(files, p)
		}
	}
}
