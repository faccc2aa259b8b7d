package ntfs

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/extent"
)

// What tests build in memory: attributes, records, and room for them in a
// golden image.

// utf16le returns ASCII as UTF-16.
func utf16le(s string) []byte {
	raw := make([]byte, 0, 2*len(s))
	for _, c := range []byte(s) {
		raw = append(raw, c, 0)
	}
	return raw
}

// builtAttribute returns an attribute with a header of that many bytes, then
// its name, then what follows.
func builtAttribute(header int, kind uint32, name string, instance uint16, rest []byte) (a attribute, at int) {
	raw := utf16le(name)
	at = (header + len(raw) + 7) &^ 7
	a = make(attribute, (at+len(rest)+7)&^7)
	le.PutUint32(a, kind)
	le.PutUint32(a[0x04:], uint32(len(a)))
	a[0x09] = byte(len(name))
	le.PutUint16(a[0x0A:], uint16(header))
	le.PutUint16(a[0x0E:], instance)
	copy(a[header:], raw)
	copy(a[at:], rest)
	return a, at
}

// residentAttribute returns an attribute with a value.
func residentAttribute(kind uint32, name string, instance uint16, value []byte) attribute {
	a, at := builtAttribute(residentHeader, kind, name, instance, value)
	le.PutUint32(a[0x10:], uint32(len(value)))
	le.PutUint16(a[0x14:], uint16(at))
	return a
}

// A stretch is a run of clusters at lcn, or a hole.
type stretch struct{ lcn, clusters int64 }

const holeLCN = -1

// outsideAttribute returns an attribute of size bytes that is not resident: the
// part of it that begins at a VCN and has these clusters.
func outsideAttribute(kind uint32, name string, instance uint16, size, clusterSize, vcn int64, runs ...stretch) attribute {
	var pairs []byte
	last, clusters := int64(0), int64(0)
	for _, r := range runs {
		if r.lcn == holeLCN {
			pairs = le.AppendUint64(append(pairs, 0x08), uint64(r.clusters))
		} else if delta := r.lcn - last; int64(int8(delta)) == delta && r.clusters < 128 {
			pairs = append(pairs, 0x11, byte(r.clusters), byte(delta))
		} else {
			pairs = le.AppendUint64(append(pairs, 0x88), uint64(r.clusters))
			pairs = le.AppendUint64(pairs, uint64(r.lcn-last))
		}
		if r.lcn != holeLCN {
			last = r.lcn
		}
		clusters += r.clusters
	}
	a, at := builtAttribute(compressedHeader, kind, name, instance, append(pairs, 0))
	a[0x08] = 1
	le.PutUint64(a[0x10:], uint64(vcn))
	le.PutUint64(a[0x18:], uint64(vcn+clusters-1))
	le.PutUint16(a[0x20:], uint16(at))
	le.PutUint64(a[0x28:], uint64(clusters*clusterSize))
	le.PutUint64(a[0x30:], uint64(size))
	le.PutUint64(a[0x38:], uint64(size))
	return a
}

// listEntryOf returns an entry of an attribute list of at least length bytes.
func listEntryOf(kind uint32, vcn int64, ref fileRef, instance uint16, length int) []byte {
	e := make([]byte, max(length, 0x20))
	le.PutUint32(e, kind)
	le.PutUint16(e[0x04:], uint16(len(e)))
	e[0x07] = attributeListEntry
	le.PutUint64(e[0x08:], uint64(vcn))
	le.PutUint64(e[0x10:], uint64(ref))
	le.PutUint16(e[0x18:], instance)
	return e
}

// seal writes the update sequence array of a protected record.
func seal(r []byte) {
	at := int(le.Uint16(r[4:]))
	values := r[at+2:]
	for end := fixupStride; end <= len(r); end += fixupStride {
		copy(values[:2], r[end-2:end])
		copy(r[end-2:end], r[at:at+2])
		values = values[2:]
	}
}

// putAttributes writes the attributes of a record, in the order of their types.
func putAttributes(r record, list []attribute) {
	slices.SortStableFunc(list, func(a, b attribute) int { return cmp.Compare(a.kind(), b.kind()) })
	at := int(r.attrsOffset())
	for _, a := range list {
		at += copy(r[at:len(r)-8], a)
	}
	le.PutUint32(r[at:], attrEnd)
	le.PutUint32(r[0x18:], uint32(at+8))
}

// builtRecord returns a sealed record in use.
func builtRecord(size int64, sequence uint16, base fileRef, flags uint16, list ...attribute) []byte {
	r := make(record, size)
	copy(r, magicFile)
	le.PutUint16(r[0x04:], 0x30)
	le.PutUint16(r[0x06:], uint16(size/fixupStride+1))
	r[0x30] = 1 // the update sequence number
	le.PutUint16(r[0x10:], sequence)
	le.PutUint16(r[0x14:], uint16(0x32+2*size/fixupStride+7)&^7)
	le.PutUint16(r[0x16:], recordInUse|flags)
	le.PutUint32(r[0x1C:], uint32(size))
	le.PutUint64(r[0x20:], uint64(base))
	putAttributes(r, list)
	seal(r)
	return r
}

// attributesOf returns copies of the attributes of a record, for a change.
func (p *patient) attributesOf(r record) []attribute {
	var list []attribute
	s := attributesOf(r)
	for s.advance() {
		list = append(list, bytes.Clone(s.attribute))
	}
	require.NoError(p.t, s.err)
	return list
}

// set puts attributes into a file record, in the place of those of the same
// type and name.
func (p *patient) set(number uint64, attributes ...attribute) {
	p.record(number, func(r record) {
		list := p.attributesOf(r)
		for _, a := range attributes {
			list = slices.DeleteFunc(list, func(old attribute) bool { return old.is(a.kind(), a.name()) })
		}
		list = append(list, attributes...)
		room := len(r) - int(r.attrsOffset()) - 8
		for _, a := range list {
			room -= len(a)
		}
		require.GreaterOrEqual(p.t, room, 0, "the record is full")
		putAttributes(r, list)
	})
}

// grow makes the volume larger by data, and returns where that lies, as so many
// whole clusters.
func (p *patient) grow(data []byte) stretch {
	cluster := p.fsys.geo.clusterSize
	lcn := (int64(len(p.image)) + cluster - 1) / cluster
	clusters := (int64(len(data)) + cluster - 1) / cluster
	p.image = append(p.image, make([]byte, (lcn+clusters)*cluster-int64(len(p.image)))...)
	copy(p.image[lcn*cluster:], data)
	p.claim((lcn + clusters) * cluster)
	return stretch{lcn, clusters}
}

// claim has the boot sector say that the volume has so many bytes.
func (p *patient) claim(size int64) { le.PutUint64(p.image[0x28:], uint64(size/p.fsys.geo.sectorSize)) }

// runs returns the clusters of an attribute that lies outside.
func (p *patient) runs(number uint64, kind uint32, name string) []stretch {
	x, err := p.fsys.file(fileRef(number))
	require.NoError(p.t, err)
	a, err := x.find(kind, utf16le(name))
	require.NoError(p.t, err)
	runs, err := decodeRuns(nil, a.mappingPairs(), 0, a.highestVCN()+1, &p.fsys.geo)
	require.NoError(p.t, err)
	var list []stretch
	for _, r := range runs {
		s := stretch{r.Physical / p.fsys.geo.clusterSize, r.Length / p.fsys.geo.clusterSize}
		if r.Source == extent.Hole {
			s.lcn = holeLCN
		}
		list = append(list, s)
	}
	return list
}

// outside puts an attribute with this value, outside of the record, into a file.
func (p *patient) outside(number uint64, kind uint32, name string, value []byte) {
	at := p.grow(value)
	p.set(number, outsideAttribute(kind, name, 0x7000, int64(len(value)), p.fsys.geo.clusterSize, 0, at))
}
