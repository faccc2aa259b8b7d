package vmdk

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path"

	"github.com/vmdkfs/vmdkfs/internal/extent"
	"github.com/vmdkfs/vmdkfs/layer"
)

// maxChain is how many disks may build on each other. VMware's products make
// 32 at most; linked clones of such clones, and copies by other programs, may
// have some more.
const maxChain = 256

// A chain is the disks of which each holds what was written since the next one
// was frozen, and the first is what the guest sees. It is an extent.Mapper.
type chain []*image

// Map implements extent.Mapper: the uppermost disk that says anything of a
// byte is right.
func (c chain) Map(off int64) (extent.Run, error) {
	window := extent.Run{Offset: 0, Length: math.MaxInt64, Source: extent.Hole}
	for _, m := range c {
		run, err := m.Map(off)
		if err != nil {
			return extent.Run{}, err
		}
		run = clip(run, window)
		if run.Source != fromParent {
			return run, nil
		}
		window = run
		window.Source = extent.Hole
	}
	return window, nil
}

// clip returns the part of r that lies in window.
func clip(r, window extent.Run) extent.Run {
	start := max(r.Offset, window.Offset)
	end := min(r.Offset+r.Length, window.Offset+window.Length)
	r.Physical += start - r.Offset
	r.Offset, r.Length = start, end-start
	return r
}

// openChain opens the image in f and its parents, down to the base.
func (s *files) openChain(f *file) (chain, error) {
	m, err := s.openImageIn(f)
	if err != nil {
		return nil, err
	}
	c := chain{m}
	for m.descriptor != nil && m.descriptor.ParentCID != NoParent {
		if len(c) == maxChain {
			return nil, layer.Errorf(layer.ErrUnsupported, "vmdk", m.file.path, -1, "a chain of more than %d snapshots", maxChain)
		}
		if m, err = s.openParent(m, c); err != nil {
			return nil, err
		}
		c = append(c, m)
	}
	return c, nil
}

// openParent opens the disk that m is a snapshot of.
func (s *files) openParent(m *image, above chain) (*image, error) {
	d := m.descriptor
	missing := func(format string, args ...any) error {
		return layer.Errorf(layer.ErrIncomplete, "vmdk", m.file.path, -1, "the parent %s %s", quote(d.ParentFileNameHint), fmt.Sprintf(format, args...))
	}
	if d.ParentFileNameHint == "" {
		return nil, layer.Errorf(layer.ErrIncomplete, "vmdk", m.file.path, -1, "a snapshot that does not name its parent, whose content ID is %08x", d.ParentCID)
	}
	p, reason := m.file.beside(d.ParentFileNameHint, &s.options)
	if reason == "" {
		f, err := s.openPart("parent", p)
		if err == nil {
			return s.parentIn(f, m, above)
		}
		if !errors.Is(err, layer.ErrIncomplete) {
			return nil, err
		}
		reason = "it does not exist"
	}
	// Where the parent was may be nowhere here: what has its name beside the
	// snapshot, and the content that the snapshot builds on, is the parent.
	base := baseName(d.ParentFileNameHint)
	guess := place{path.Join(path.Dir(m.file.path), base), m.file.outside}
	if refuseName(base) != "" || guess == p {
		return nil, missing("is missing: %s", reason)
	}
	f, err := s.openPart("parent", guess)
	switch {
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, layer.ErrIncomplete):
		return nil, missing("is not opened, because %s, and there is no %q beside the snapshot", reason, base)
	case err != nil:
		return nil, err
	}
	parent, err := s.openImageIn(f)
	switch {
	case err != nil:
		return nil, err
	case parent.descriptor == nil || parent.descriptor.CID != d.ParentCID:
		return nil, missing("is not opened, because %s, and %q is another disk: its content ID is not %08x", reason, guess.path, d.ParentCID)
	}
	s.warnings.add(layer.Errorf(nil, "vmdk", m.file.path, -1, "the parent %s is not opened, because %s; %q, which has its content ID, is", quote(d.ParentFileNameHint), reason, guess.path))
	return parent, above.refuseCycle(f, m)
}

// parentIn opens the parent of m in f and compares the content IDs.
func (s *files) parentIn(f *file, m *image, above chain) (*image, error) {
	if err := above.refuseCycle(f, m); err != nil {
		return nil, err
	}
	parent, err := s.openImageIn(f)
	if err != nil {
		return nil, err
	}
	what := "it has none"
	if parent.descriptor != nil {
		if parent.descriptor.CID == m.descriptor.ParentCID {
			return parent, nil
		}
		what = fmt.Sprintf("its own is %08x", parent.descriptor.CID)
	}
	kind := layer.ErrCorrupt
	if s.options.anyCID {
		kind = nil
	}
	mismatch := layer.Errorf(kind, "vmdk", m.file.path, -1, "the parent %q is not what the snapshot was taken of, whose content ID is %08x: %s", f.path, m.descriptor.ParentCID, what)
	if !s.options.anyCID {
		return nil, mismatch
	}
	s.warnings.add(mismatch)
	return parent, nil
}

// refuseCycle returns an error if f, the parent of m, is a disk above m.
func (c chain) refuseCycle(f *file, m *image) error {
	for _, above := range c {
		if f.same(above.file) {
			return layer.Errorf(layer.ErrCorrupt, "vmdk", m.file.path, -1, "the parent %q is a snapshot of this disk itself", f.path)
		}
	}
	return nil
}
