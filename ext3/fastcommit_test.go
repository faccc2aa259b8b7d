package ext3

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"path"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vmdkfs/vmdkfs/internal/extent"
	"github.com/vmdkfs/vmdkfs/internal/testimg"
	"github.com/vmdkfs/vmdkfs/internal/vnode"
	"github.com/vmdkfs/vmdkfs/layer"
)

// recovered returns a golden image with its log replayed, but not its fast
// commits, and their records.
func recovered(tb testing.TB, name string) (*FS, []fastTag) {
	tb.Helper()
	data := testimg.Load(tb, "ext/"+name+".img.gz")
	f, err := newFS(&device{bytes.NewReader(data), int64(len(data))}, options{})
	require.NoError(tb, err)
	device, j, tags, err := f.openDevice(f.device, options{})
	require.NoError(tb, err)
	if j.Replayed {
		f, err = newFS(device, options{})
		require.NoError(tb, err)
	}
	return f, tags
}

// forgetClock makes the times equal that the kernel's replay took from its
// clock: of directories that got or lost names, and of inodes whose links were
// counted after their last record. They must be later than what is read here.
func forgetClock(t *testing.T, name string, f *FS, got, want map[string]testimg.File) {
	if f.Journal().FastCommits == 0 {
		return
	}
	_, tags := recovered(t, name)
	changed, counted := make(map[uint64]bool), make(map[uint64]bool)
	for _, tag := range tags {
		switch tag.tag {
		case fcTagInode:
			delete(counted, uint64(tag.number()))
		case fcTagCreat, fcTagLink, fcTagUnlink:
			parent, number, _ := tag.dentry()
			changed[uint64(parent)], counted[uint64(number)] = true, true
		}
	}
	for p, g := range got {
		w := want[p]
		if changed[g.Inode] && w.Mtime.After(g.Mtime) {
			g.Mtime = w.Mtime
		}
		if (changed[g.Inode] || counted[g.Inode]) && w.Ctime.After(g.Ctime) {
			g.Ctime = w.Ctime
		}
		got[p] = g
	}
}

// TestFastCommits: they are counted, every name is found as it is listed, and
// what was taken away is not.
func TestFastCommits(t *testing.T) {
	for _, name := range names(t) {
		if !strings.HasPrefix(name, "dirty-ext4-f") || name == "dirty-ext4-fc-torn-first" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, err := open(t, name)
			require.NoError(t, err)
			if name == "dirty-ext4-fc-special" {
				// The log has what a fast commit cannot say, and its older
				// fast commits are void.
				require.Zero(t, f.Journal().FastCommits)
				require.Nil(t, f.fast)
				return
			}
			require.NotZero(t, f.Journal().FastCommits)
			require.NoError(t, f.Journal().Err)
			require.NoError(t, fs.WalkDir(f, ".", func(p string, d fs.DirEntry, err error) error {
				require.NoError(t, err)
				info, err := d.Info()
				require.NoError(t, err)
				found, err := f.Lstat(p)
				require.NoError(t, err, p)
				require.Equal(t, info.Sys().(*Inode).Number, found.Sys().(*Inode).Number, p)
				require.Equal(t, d.Type(), found.Mode().Type(), p)
				return nil
			}))
			base, _ := recovered(t, name)
			gone := 0
			for number, d := range f.fast.dirs {
				for name, raw := range d.names {
					if raw.number == 0 {
						inode, err := f.inode(number)
						if err != nil {
							continue // gone as well
						}
						_, err = dirNode{node{inode}}.Lookup(name)
						require.ErrorIs(t, err, fs.ErrNotExist)
						gone++
					}
				}
			}
			if strings.HasSuffix(name, "names") {
				require.Greater(t, gone, 20)
				require.Equal(t, 4, f.Journal().FastCommits)
				inode, err := base.inode(f.lookup(t, "big"))
				require.NoError(t, err)
				require.NotZero(t, inode.Flags&flagHashIndex)
			}
		})
	}
}

// lookup returns the inode of a path.
func (f *FS) lookup(t *testing.T, p string) uint32 {
	info, err := f.Lstat(p)
	require.NoError(t, err)
	return info.Sys().(*Inode).Number
}

// TestFastCommitsRefused reads what the kernel's replay fails on: it forgets
// how to go on, not what was committed.
func TestFastCommitsRefused(t *testing.T) {
	for name, want := range map[string][]string{
		// A file without links that was open: a record of it, and no name.
		"unlinked": {"a", "lost+found"},
		// A directory in the inode of one that was removed, with a file in it.
		"reused": {"lost+found", "new", "new/file", "sync"},
		// A new directory with an index, which its one new block is not.
		"indexed": {"a", "dir", "dir/0*", "dir/1*", "dir/2*", "dir/3*", "dir/4*", "dir/5*", "dir/6*", "dir/7*", "lost+found", "sync"},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := open(t, "dirty-ext4-fc-"+name)
			require.NoError(t, err)
			require.NoError(t, f.Journal().Err)
			require.Empty(t, f.Warnings())
			var got []string
			for p := range testimg.Describe(t, f) {
				if p != "." {
					got = append(got, p)
				}
			}
			require.Len(t, got, len(want))
			for _, p := range got {
				ok := false
				for _, w := range want {
					match, err := path.Match(w, p)
					require.NoError(t, err)
					ok = ok || match
				}
				require.True(t, ok, p)
			}
		})
	}
	f, err := open(t, "dirty-ext4-fc-unlinked")
	require.NoError(t, err)
	info, err := f.Stat("a")
	require.NoError(t, err)
	require.EqualValues(t, 2, info.Size()) // what the same fast commit has of another file
}

// TestTornFirstFastCommit: without one good tail the file system is as the log
// leaves it, and says so, as the kernel does not mount it.
func TestTornFirstFastCommit(t *testing.T) {
	f, err := open(t, "dirty-ext4-fc-torn-first")
	require.NoError(t, err)
	j := f.Journal()
	require.ErrorIs(t, j.Err, layer.ErrCorrupt)
	require.ErrorContains(t, j.Err, "no good tail")
	require.Contains(t, f.Warnings(), j.Err)
	require.Zero(t, j.FastCommits)
	_, err = f.Stat("old-0")
	require.NoError(t, err)
	_, err = f.Stat("new")
	require.ErrorIs(t, err, fs.ErrNotExist)
}

// A baseMap is a file of whole blocks, each in a place of its own.
type baseMap struct{ size int64 }

func (m baseMap) Map(off int64) (extent.Run, error) {
	if off >= m.size {
		return extent.Run{Offset: m.size, Length: 1 << 40, Source: extent.Hole}, nil
	}
	at := off &^ 15
	return extent.Run{Offset: at, Length: 16, Physical: at + 1<<20}, nil
}

// TestPatches lays ranges one over the other, as a table of blocks does.
func TestPatches(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	const blocks, blockSize = 60, 8
	for range 300 {
		var want [blocks]int64 // where each block is, -1 for a hole
		for i := range want {
			want[i] = int64(i)*blockSize + 1<<20
			if i >= 40 {
				want[i] = -1
			}
		}
		var ranges []blockRange
		for range rnd.IntN(12) {
			r := blockRange{first: uint64(rnd.IntN(blocks)), start: uint64(rnd.IntN(1000)), hole: rnd.IntN(3) == 0, unwritten: rnd.IntN(4) == 0}
			r.length = 1 + uint64(rnd.IntN(blocks-int(r.first)))
			ranges = append(ranges, r)
			for i := range r.length {
				want[r.first+i] = int64(r.start+i) * blockSize
				if r.hole || r.unwritten {
					want[r.first+i] = -1
				}
			}
		}
		m := patchedMap{baseMap{40 * blockSize}, patches(ranges, blockSize)}
		for i, w := range want {
			for _, off := range []int64{int64(i) * blockSize, int64(i)*blockSize + blockSize - 1} {
				run, err := m.Map(off)
				require.NoError(t, err)
				require.True(t, run.Offset <= off && off < run.Offset+run.Length, "%d is not in %+v", off, run)
				require.Equal(t, w < 0, run.Source == extent.Hole)
				if w >= 0 {
					require.Equal(t, w+off%blockSize, run.Physical+off-run.Offset)
				}
			}
		}
	}
	broken := errors.New("no map")
	_, err := patchedMap{failingMap{broken}, nil}.Map(0)
	require.ErrorIs(t, err, broken)
}

type failingMap struct{ err error }

func (m failingMap) Map(int64) (extent.Run, error) { return extent.Run{}, m.err }

// TestFastCommitExtents: what a fast commit wrote to a file lies where it says.
func TestFastCommitExtents(t *testing.T) {
	image := testimg.Load(t, "ext/dirty-ext4-fc-ranges.img.gz")
	f, err := Open(bytes.NewReader(image), int64(len(image)))
	require.NoError(t, err)
	patched := 0
	for p, file := range testimg.Manifest(t, "ext/dirty-ext4-fc-ranges.manifest.jsonl.gz") {
		if file.Type != "file" {
			continue
		}
		opened, err := f.Open(p)
		require.NoError(t, err)
		whole := make([]byte, file.Size)
		rebuilt := make([]byte, file.Size)
		_, err = opened.(io.ReaderAt).ReadAt(whole, 0)
		require.True(t, err == nil || err == io.EOF)
		for e, err := range opened.(layer.File).Extents() {
			require.NoError(t, err)
			require.GreaterOrEqual(t, e.Physical, int64(0))
			copy(rebuilt[e.Offset:e.Offset+e.Length], image[e.Physical:])
		}
		require.Equal(t, whole, rebuilt, p)
		patched += len(f.fast.maps[uint32(file.Inode)])
	}
	require.Greater(t, patched, 20)
}

// TestFastCommitErrors replays records that no kernel writes.
func TestFastCommitErrors(t *testing.T) {
	f, _ := recovered(t, "dirty-ext4-fc-names")
	whole, err := open(t, "dirty-ext4-fc-names")
	require.NoError(t, err)
	file, dir := whole.lookup(t, "b/four"), whole.lookup(t, "a")
	dentry := func(parent, number uint32, name string) []byte { return append(words(parent, number), name...) }
	inode := func(number uint32, change func(raw rawInode)) []byte {
		raw, _, err := f.rawInode(file)
		require.NoError(t, err)
		raw = bytes.Clone(raw)
		change(raw)
		return append(words(number), raw...)
	}
	noExtents := fastTag{fcTagInode, inode(file, func(raw rawInode) { le.PutUint32(raw[0x20:], 0) })}
	inline := fastTag{fcTagInode, inode(file, func(raw rawInode) { le.PutUint32(raw[0x20:], flagInlineData) })}
	noExtentsDir := fastTag{fcTagInode, inode(1500, func(raw rawInode) { le.PutUint32(raw[0x20:], 0); raw[1] = 0x41 })}
	folded := fastTag{fcTagInode, inode(1500, func(raw rawInode) { le.PutUint32(raw[0x20:], flagCasefold); raw[1] = 0x41 })}
	for _, c := range []struct {
		what string
		tags []fastTag
		kind error
		text string
	}{
		{"special inode", []fastTag{{fcTagUnlink, dentry(2, 8, "x")}}, layer.ErrCorrupt, "the inode 8"},
		{"inode out of bounds", []fastTag{{fcTagLink, dentry(2, 99999, "x")}}, layer.ErrCorrupt, "the last inode is"},
		{"root's inode", []fastTag{{fcTagInode, inode(2, func(rawInode) {})}}, layer.ErrCorrupt, "the inode 2"},
		{"slash", []fastTag{{fcTagLink, dentry(2, file, "a/b")}}, layer.ErrCorrupt, `the name "a/b"`},
		{"dot dot", []fastTag{{fcTagUnlink, dentry(dir, 2, "..")}}, layer.ErrCorrupt, `the name ".."`},
		{"name in a file", []fastTag{{fcTagLink, dentry(file, file, "x")}}, layer.ErrCorrupt, "which is no directory"},
		{"range over the end of a file", []fastTag{{fcTagDelRange, words(file, ^uint32(0), 2)}}, layer.ErrCorrupt, "2 blocks at block 4294967295"},
		{"range outside", []fastTag{{fcTagAddRange, append(words(file, 0), 5, 0, 0, 0, 0xFF, 0xFF, 0, 0)}}, layer.ErrCorrupt, "the 5 blocks at 65535"},
		{"range of a block map", []fastTag{noExtents, {fcTagDelRange, words(file, 0, 2)}}, layer.ErrUnsupported, "has no extents"},
		{"directory without extents", []fastTag{noExtentsDir, {fcTagCreat, dentry(2, 1500, "x")}}, layer.ErrUnsupported, "has no extents"},
		{"casefolded directory", []fastTag{folded, {fcTagLink, dentry(1500, file, "x")}}, layer.ErrUnsupported, "casefolded"},
		{"bad inode", []fastTag{{fcTagInode, inode(file, func(raw rawInode) { raw[0x80] = 3 })}, {fcTagUnlink, dentry(2, file, "x")}}, layer.ErrCorrupt, "extra bytes"},
	} {
		t.Run(c.what, func(t *testing.T) {
			_, err := f.replayFastCommits(c.tags)
			require.ErrorIs(t, err, c.kind)
			require.ErrorContains(t, err, c.text)
		})
	}
	// What the kernel passes over.
	for what, tags := range map[string][]fastTag{
		"deleted inode":  {{fcTagLink, dentry(2, 1500, "x")}, {fcTagUnlink, dentry(2, 1500, "x")}, {fcTagDelRange, words(1500, 0, 1)}, {fcTagCreat, dentry(2, 1500, "x")}},
		"deleted parent": {{fcTagLink, dentry(1500, file, "x")}, {fcTagUnlink, dentry(1500, file, "x")}},
		"no such name":   {{fcTagUnlink, dentry(2, file, "nowhere")}},
		"name is there":  {{fcTagLink, dentry(2, file, "lost+found")}},
		"no blocks":      {{fcTagDelRange, words(file, 3, 0)}},
	} {
		changes, err := f.replayFastCommits(tags)
		require.NoError(t, err, what)
		for number, raw := range changes.inodes {
			was, _, err := f.rawInode(number)
			require.NoError(t, err)
			require.Equal(t, was, raw, what)
		}
		for _, d := range changes.dirs {
			require.Empty(t, d.added, what)
		}
		require.Empty(t, changes.maps, what)
	}
	changes, err := f.replayFastCommits([]fastTag{inline, {fcTagDelRange, words(file, 0, 2)}})
	require.NoError(t, err)
	require.Empty(t, changes.maps)
	// A name that is another's by now still costs a link, the last one the inode.
	changes, err = f.replayFastCommits([]fastTag{{fcTagUnlink, dentry(2, dir, "lost+found")}, {fcTagUnlink, dentry(2, dir, "lost+found")}})
	require.NoError(t, err)
	require.Zero(t, changes.inodes[dir].iLinksCount())
	require.Empty(t, changes.dirs[rootInode].names)
}

// FuzzFastCommit replays records of a fuzzer, on a file system that has a use
// for them, and reads what is left.
func FuzzFastCommit(f *testing.F) {
	images := []string{"dirty-ext4-fc-names", "dirty-ext4-fc-inline", "dirty-ext4-fc-ranges"}
	bases := make([]*FS, len(images))
	for i, name := range images {
		base, tags := recovered(f, name)
		bases[i] = base
		var all []byte
		for _, t := range tags {
			all = append(le.AppendUint16(le.AppendUint16(all, t.tag), uint16(len(t.value))), t.value...)
		}
		f.Add(uint8(i), all)
		f.Add(uint8(i), all[:len(all)/2])
	}
	f.Fuzz(func(t *testing.T, image uint8, data []byte) {
		base := bases[int(image)%len(bases)]
		s := &fastScan{inodeSize: base.geo.inodeSize}
		if err := s.block(data); err != nil {
			require.ErrorIs(t, err, layer.ErrUnsupported)
		}
		fsys := &FS{device: base.device, cache: base.cache, super: base.super, geo: base.geo, seed: base.seed}
		changes, err := fsys.replayFastCommits(s.tags)
		if err != nil {
			require.True(t, errors.Is(err, layer.ErrCorrupt) || errors.Is(err, layer.ErrUnsupported), fmt.Sprint(err))
			return
		}
		fsys.fast = changes
		root, err := fsys.node(rootInode)
		if err != nil {
			return
		}
		if dir, ok := root.(dirNode); ok {
			testimg.Exercise(t, vnode.New(dir))
		}
	})
}
