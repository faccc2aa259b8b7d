package ntfs

import (
	"bytes"

	"github.com/vmdkfs/vmdkfs/internal/vnode"
)

const (
	compressionNone  = 0
	compressionLZNT1 = 1
	// maxCompressionUnit is the log2 of the clusters of a unit. Windows makes
	// units of 16 clusters.
	maxCompressionUnit = 6
	// maxUnitBytes bounds a unit, which is decoded as a whole. Windows compresses
	// on volumes with clusters of up to 4 KiB: units of 64 KiB.
	maxUnitBytes = 4 << 20
)

// open opens a stream of the file as it is stored: the unnamed one, or that of
// a name in UTF-16.
func (x *file) open(name []byte) (vnode.Content, error) {
	a, err := x.find(attrData, name)
	if err != nil {
		return nil, err
	}
	if a == nil {
		return nil, corrupt(x.name(), noOffset, "it has no data")
	}
	return x.content(a)
}

// content returns what an attribute holds.
func (x *file) content(a attribute) (vnode.Content, error) {
	if a.flags()&attrEncrypted != 0 {
		return nil, unsupported(x.name(), "its content is encrypted (EFS)")
	}
	if !a.nonResident() {
		return inline(bytes.Clone(a.value())), nil
	}
	m, err := x.mapper(a)
	if err != nil {
		return nil, err
	}
	switch method := a.flags() & attrCompressionMask; {
	case method == compressionNone:
		return x.plain(a, m, x.fsys.device)
	case method != compressionLZNT1:
		return nil, unsupported(x.name(), "its content is compressed by method %d", method)
	case a.compressionUnit() == 0 || a.compressionUnit() > maxCompressionUnit:
		return nil, corrupt(x.name(), noOffset, "compression units of 2^%d clusters, of 2^1 to 2^%d", a.compressionUnit(), maxCompressionUnit)
	case a.dataSize() > a.allocatedSize():
		return nil, corrupt(x.name(), noOffset, "%d bytes in %d", a.dataSize(), a.allocatedSize())
	}
	unit := x.fsys.geo.clusterSize << a.compressionUnit()
	if unit > maxUnitBytes {
		return nil, corrupt(x.name(), noOffset, "compression units of %d bytes, more than %d", unit, maxUnitBytes)
	}
	return newCompressed(m, x.fsys.device, unit, a.dataSize(), a.initializedSize(), x.name(), &x.fsys.scratch), nil
}
