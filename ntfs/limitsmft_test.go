package ntfs

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/extent"
)

// oneRun maps size bytes to where they are.
func oneRun(size int64) []extent.Run { return []extent.Run{{Length: size}} }

// nested is a $MFT in which each file record behind the root is a directory in
// the one before it.
type nested struct{}

func (nested) ReadAt(p []byte, off int64) (int, error) {
	for done := 0; done < len(p); done += 1024 {
		number := uint64(off+int64(done)) / 1024
		name := make([]byte, fileNameHeader+2)
		le.PutUint64(name, (number-1)|1<<48)
		name[0x40], name[0x41], name[fileNameHeader] = 1, namespacePOSIX, 'd'
		copy(p[done:], builtRecord(1024, 1, 0, recordDirectory, residentAttribute(attrFileName, "", 0, name)))
	}
	return len(p), nil
}

// An mftMap gives $MFT of a volume more parts than it has.
type mftMap struct {
	*patient
	known []stretch // what its own record maps
	next  int64     // the first cluster that no part maps yet
	first uint64    // the first record of those that are added
	added int
	parts [][]byte // entries of the attribute list

	claimed int64 // bytes that the volume says it has, 0 for those that it has
}

// newMFTMap lengthens $MFT by so many records, which are not in use yet.
func newMFTMap(t *testing.T, records int64) *mftMap {
	m := &mftMap{patient: newPatient(t, "c512")}
	clear(m.image[m.fsys.geo.mirror:][:mirrored*m.fsys.geo.recordSize]) // no second try
	g := &m.fsys.geo
	m.known = m.runs(recordMFT, attrData, "")
	for _, r := range m.known {
		m.next += r.clusters
	}
	m.first = uint64(m.next * g.clusterSize / g.recordSize)
	more := m.grow(make([]byte, records*g.recordSize))
	m.known = append(m.known, more)
	m.next += more.clusters
	return m
}

// extension adds a record that holds an attribute of another one's file.
func (m *mftMap) extension(base fileRef, a attribute) fileRef {
	g := &m.fsys.geo
	room := m.known[len(m.known)-1]
	require.Less(m.t, int64(m.added)*g.recordSize, room.clusters*g.clusterSize)
	copy(m.image[room.lcn*g.clusterSize+int64(m.added)*g.recordSize:], builtRecord(g.recordSize, 1, base, 0, a))
	m.added++
	return fileRef(m.first+uint64(m.added)-1) | 1<<48
}

// add adds a part of $MFT with these clusters.
func (m *mftMap) add(runs []stretch) {
	const instance = 7
	ref := m.extension(recordMFT|1<<48, outsideAttribute(attrData, "", instance, 0, m.fsys.geo.clusterSize, m.next, runs...))
	m.parts = append(m.parts, listEntryOf(attrData, m.next, ref, instance, 0))
	for _, r := range runs {
		m.next += r.clusters
	}
}

// open opens the volume with a list of the parts and of what else its record
// has, with so many parts that nobody needs before them.
func (m *mftMap) open(needless int) (*FS, error) {
	g := &m.fsys.geo
	clusters := int64(0)
	for _, r := range m.known {
		clusters += r.clusters
	}
	data := outsideAttribute(attrData, "", 6, clusters*g.clusterSize, g.clusterSize, 0, m.known...)
	le.PutUint64(data[0x28:], uint64(m.next*g.clusterSize))
	m.set(recordMFT, data)
	var list []byte
	m.record(recordMFT, func(r record) {
		require.EqualValues(m.t, 1, r.sequenceNumber())
		for _, a := range m.attributesOf(r) {
			list = append(list, listEntryOf(a.kind(), 0, recordMFT|1<<48, a.instance(), 0)...)
			for vcn := 1; a.kind() == attrData && vcn <= needless; vcn++ {
				list = append(list, listEntryOf(attrData, int64(vcn), recordMFT|1<<48, 0, 0)...)
			}
			for _, e := range m.parts {
				if a.kind() == attrData {
					list = append(list, e...)
				}
			}
		}
	})
	m.outside(recordMFT, attrAttributeList, "", list)
	if m.claimed > 0 {
		m.claim(m.claimed)
	}
	return m.reopen()
}

// read reads a file of a volume that is open, and the last record of $MFT.
func (m *mftMap) read(f *FS, err error) error {
	if err != nil {
		return err
	}
	for _, w := range f.Warnings() {
		require.NotContains(m.t, w.Error(), "$MFTMirr")
	}
	require.Equal(m.t, m.next*f.geo.clusterSize, m.allocated(f))
	_, err = f.ReadFile("sizes/1")
	require.NoError(m.t, err)
	_, err = f.mft.record(nil, m.first+uint64(m.added)-1)
	return err
}

// allocated returns how many bytes the clusters of $MFT have.
func (m *mftMap) allocated(f *FS) int64 {
	x, err := f.file(recordMFT)
	require.NoError(m.t, err)
	a, err := x.find(attrData, nil)
	require.NoError(m.t, err)
	return a.allocatedSize()
}

// tryMFTParts has a list of as many parts, of which the last is needed.
func tryMFTParts(t *testing.T, over int64) error {
	m := newMFTMap(t, maxMFTParts)
	m.add([]stretch{{100, 1}})
	return m.read(m.open(maxMFTParts - 2 + int(over)))
}

// tryMFTRuns has as many runs, of a cluster each: most behind the source's end.
func tryMFTRuns(t *testing.T, over int64) error {
	const perPart = 250
	m := newMFTMap(t, maxMFTRuns/perPart+1)
	for left := maxMFTRuns + int(over) - len(m.known); left > 0; left -= perPart {
		var runs []stretch
		for i := range min(left, perPart) {
			runs = append(runs, stretch{1<<24 + 2*m.next + 2*int64(i), 1})
		}
		m.add(runs)
	}
	m.claimed = 1 << 40
	return m.read(m.open(0))
}
