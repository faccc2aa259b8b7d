package ntfs

import "slices"

// maxPathDepth bounds the directories above a file: Windows' longest path has
// 32767 characters, half of them separators.
const maxPathDepth = 16384

// Path returns the path that a deleted file had, as far as the directories
// above it can be told, from the root of the volume on. It is not whole when
// one of them has become another file.
func (f *FS) Path(d Deleted) (elems []string, whole bool) {
	if d.Name.Name == "" {
		return nil, false
	}
	elems, whole = f.above(fileRef(d.Name.ParentSequence)<<48 | fileRef(d.Name.Parent))
	return append(elems, d.Name.Name), whole
}

// PathOf returns the path of a file of the volume, by one of its names.
func (r *FileRecord) PathOf() (elems []string, whole bool) { return r.fsys.above(r.ref()) }

// above returns the path of a directory, which may be deleted itself.
func (f *FS) above(dir fileRef) (elems []string, whole bool) {
	for dir.number() != recordRoot && len(elems) < maxPathDepth {
		name, ok := f.nameAt(dir)
		if !ok {
			slices.Reverse(elems)
			return elems, false
		}
		elems = append(elems, shownName(name.name()))
		dir = name.parent()
	}
	slices.Reverse(elems)
	return elems, dir.number() == recordRoot
}

// nameAt returns the name in a record, if it is still, or was last, that of the
// file that the reference is to. Deleting a file counts its sequence number up.
func (f *FS) nameAt(ref fileRef) (fileName, bool) {
	r, err := f.mft.record(nil, ref.number())
	if err != nil {
		return nil, false
	}
	was := r.sequenceNumber()
	if !r.inUse() {
		was--
	}
	if was != ref.sequence() {
		return nil, false
	}
	x := &file{fsys: f, ref: ref, base: r}
	var found fileName
	s := attributesOf(r)
	for s.advance() {
		if s.kind() != attrFileName {
			continue
		}
		if n, err := x.fileName(s.attribute); err == nil && (found == nil || found.namespace() == namespaceDOS) {
			found = n
		}
	}
	return found, found != nil
}
