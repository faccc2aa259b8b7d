package iso

import (
	"io"
	"math"

	"github.com/vmdkfs/vmdkfs/layer"
)

// The characteristics of a file identifier (ECMA-167 4/14.4.3).
const (
	identifiesDirectory = 1 << 1
	identifiesParent    = 1 << 3
)

// appendIdentifier appends a file identifier descriptor (ECMA-167 4/14.4) that
// lies at a block. Its name is UCS-2; that of the parent has none.
func (m *image) appendIdentifier(b []byte, n *node, name string, characteristics byte, at uint32) []byte {
	start := len(b)
	b = beginTag(b)
	b = append(b, 1, 0, characteristics, 0) // version 1; length of the name, to come
	b = appendLongAD(b, sectorSize, block(m.entrySector(n.owner())), uint32(m.uniqueID(n.owner())))
	b = append(b, 0, 0) // nothing for implementations
	if name != "" {
		before := len(b)
		b = appendCS0(b, name)
		b[start+tagSize+3] = byte(len(b) - before)
	}
	for (len(b)-start)%4 != 0 {
		b = append(b, 0)
	}
	seal(b[start:], tagFileIdentifier, at)
	return b
}

// writeIdentifiers writes the file identifiers of a directory, and returns how
// many bytes they took. The same code measures, writing to io.Discard.
func (m *image) writeIdentifiers(w io.Writer, d *node) (size int64, err error) {
	names, err := udfNames(d.dir.children)
	if err != nil {
		return 0, &pathError{d, err}
	}
	var b []byte
	put := func(n *node, name string, characteristics byte) error {
		b = m.appendIdentifier(b[:0], n, name, characteristics, block(d.dir.udf.start)+uint32(size/sectorSize))
		size += int64(len(b))
		_, err := w.Write(b)
		return err
	}
	parent := d.parent
	if parent == nil {
		parent = d
	}
	if err := put(parent, "", identifiesDirectory|identifiesParent); err != nil {
		return 0, err
	}
	for _, name := range names {
		var characteristics byte
		if name.node.isDir() {
			characteristics = identifiesDirectory
		}
		if err := put(name.node, name.id, characteristics); err != nil {
			return 0, err
		}
	}
	return size, nil
}

// measureUDF finds the size of each directory, and counts what there is.
func (m *image) measureUDF() error {
	for _, d := range m.dirs[primary] {
		size, err := m.writeIdentifiers(io.Discard, d)
		if err != nil {
			return err
		}
		if size > math.MaxUint32-sectorSize {
			return &pathError{d, layer.Errorf(layer.ErrUnsupported, layerName, "", -1, "a directory of more than 4 GiB")}
		}
		d.dir.udf.size = uint32(size)
	}
	m.udf.dirs = uint32(len(m.dirs[primary]))
	return nil
}

// writeUDFDirectories writes the file identifiers of all directories.
func (m *image) writeUDFDirectories(w io.Writer) error {
	for _, d := range m.dirs[primary] {
		size, err := m.writeIdentifiers(w, d)
		if err == nil {
			err = writeZeros(w, sectors(size)*sectorSize-size)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
