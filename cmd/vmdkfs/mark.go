package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"io/fs"

	"github.com/vmdkfs/vmdkfs/internal/diff"
	"github.com/vmdkfs/vmdkfs/internal/walk"
)

// A mark is what tells a file or a tree from another version of it.
type mark struct {
	sizes  []byte // hash of paths, types, sizes and targets: a difference is a change
	stamps []byte // hash of inodes and times: without a difference there is no change,
	doubt  bool   // unless the file system does not keep enough to tell
	data   []byte // hash of the content too; nil when it was not read
}

// unsure reports whether only the content can tell whether m and n differ.
func (m mark) unsure(n mark) bool {
	return m.data == nil && bytes.Equal(m.sizes, n.sizes) && (!bytes.Equal(m.stamps, n.stamps) || m.doubt || n.doubt)
}

// same reports whether m and n are of the same content.
func (m mark) same(n mark) bool {
	if m.data != nil && n.data != nil {
		return bytes.Equal(m.data, n.data)
	}
	return bytes.Equal(m.sizes, n.sizes) && bytes.Equal(m.stamps, n.stamps)
}

// markOf returns the mark of the file at p and of all below it.
func markOf(ctx context.Context, p place, content bool) (mark, error) {
	w, err := walk.New(p, p.name, nil)
	if err != nil {
		return mark{}, err
	}
	sizes, stamps, data := sha256.New(), sha256.New(), sha256.New()
	buf := make([]byte, workBuffer)
	doubt := false
	for e, err := range w.All() {
		if err == nil {
			err = ctx.Err()
		}
		var info fs.FileInfo
		var target string
		if err == nil {
			info, target, err = describe(e)
		}
		if err != nil {
			return mark{}, err
		}
		write(sizes, relative(p.name, e.Path, e.Depth), typeName(info.Mode()), target)
		if info.Mode().IsRegular() {
			writeNumber(sizes, info.Size())
		}
		stamp := diff.StampOf(info)
		doubt = doubt || !stamp.Known && info.Mode().IsRegular()
		for _, n := range []int64{stamp.Modify, stamp.Change, int64(stamp.Inode), int64(stamp.Generation), int64(stamp.Revision)} {
			writeNumber(stamps, n)
		}
		if content && info.Mode().IsRegular() {
			sum, err := hashFile(ctx, e, buf, nil)
			if err != nil {
				return mark{}, err
			}
			data.Write(sum[:])
		}
	}
	m := mark{sizes: sizes.Sum(nil), stamps: stamps.Sum(nil), doubt: doubt}
	if content {
		data.Write(m.sizes)
		m.data = data.Sum(nil)
	}
	return m, nil
}

// write adds texts to a hash, each with its end.
func write(h hash.Hash, texts ...string) {
	for _, text := range texts {
		h.Write(append([]byte(text), 0))
	}
}

func writeNumber(h hash.Hash, n int64) {
	h.Write(binary.LittleEndian.AppendUint64(nil, uint64(n)))
}
