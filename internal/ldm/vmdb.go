package ldm

import (
	"encoding/binary"

	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/layer"
)

// tocSectors are the places of the four copies of the table of contents, in
// the database.
var tocSectors = []int64{1, 2, 2045, 2046}

// A tocblock is a table of contents (libldm, struct _tocblock): it tells where
// the records are ("config") and where changes are noted before they are made
// ("log").
type tocblock []byte

// config returns the sector, in the database, where the records begin.
func (t tocblock) config() (sector uint64, ok bool) {
	if string(t[:8]) != "TOCBLOCK" {
		return 0, false
	}
	for _, bitmap := range [][]byte{t[36:], t[70:]} {
		if text(bitmap[:8]) == "config" {
			return binary.BigEndian.Uint64(bitmap[10:]), true
		}
	}
	return 0, false
}

// A vmdb is the head of the records (libldm, struct _vmdb).
type vmdb []byte

func (v vmdb) magic() string          { return string(v[:4]) }
func (v vmdb) vblkSize() uint32       { return binary.BigEndian.Uint32(v[8:]) }
func (v vmdb) vblkFirst() uint32      { return binary.BigEndian.Uint32(v[12:]) }
func (v vmdb) updateStatus() uint16   { return binary.BigEndian.Uint16(v[16:]) }
func (v vmdb) versionMajor() uint16   { return binary.BigEndian.Uint16(v[18:]) }
func (v vmdb) versionMinor() uint16   { return binary.BigEndian.Uint16(v[20:]) }
func (v vmdb) diskGroupName() string  { return text(v[22:53]) }
func (v vmdb) committedSeq() uint64   { return binary.BigEndian.Uint64(v[117:]) }
func (v vmdb) pendingSeq() uint64     { return binary.BigEndian.Uint64(v[125:]) }
func (v vmdb) committed(i int) uint32 { return binary.BigEndian.Uint32(v[133+4*i:]) }

// consistent is the value of updateStatus when no change is under way.
const consistent = 1

// A database is what one disk holds of the group's configuration.
type database struct {
	object string
	off    int64 // of the records on the disk
	vmdb   vmdb
	vblks  []byte
}

// settled reports whether no change was under way when the disk was last
// written.
func (d *database) settled() bool {
	return d.vmdb.updateStatus() == consistent && d.vmdb.pendingSeq() == d.vmdb.committedSeq()
}

// readDatabase reads the database of a disk.
func (m *member) readDatabase() (*database, error) {
	object := "database of " + m.Name
	if !ondisk.Within(m.config, m.size, m.Size) {
		return nil, layer.Errorf(layer.ErrIncomplete, layerName, object, m.config, "the disk ends at byte %d", m.Size)
	}
	config, err := ondisk.Read(m.Reader, m.config, m.size)
	if err != nil {
		return nil, failed(object, m.config, err)
	}
	at := int64(-1)
	for _, sector := range tocSectors {
		off := sector * int64(m.SectorSize)
		if !ondisk.Within(off, headerSize, m.size) {
			continue
		}
		if s, ok := tocblock(config[off:]).config(); ok {
			if n, ok := ondisk.Mul(s, uint64(m.SectorSize)); ok && ondisk.Within(n, headerSize, m.size) {
				at = n
				break
			}
		}
	}
	if at < 0 {
		return nil, corrupt(object, m.config, "no table of contents is valid")
	}
	d := &database{object: object, off: m.config + at, vmdb: vmdb(config[at:])}
	switch {
	case d.vmdb.magic() != "VMDB":
		return nil, corrupt(object, d.off, "no VMDB")
	case d.vmdb.versionMajor() != 4:
		return nil, unsupported(object, "version %d.%d", d.vmdb.versionMajor(), d.vmdb.versionMinor())
	case d.vmdb.vblkSize() < minVBLK || d.vmdb.vblkSize() > maxVBLK:
		return nil, corrupt(object, d.off, "records of %d bytes", d.vmdb.vblkSize())
	case int64(d.vmdb.vblkFirst()) > int64(len(d.vmdb)):
		return nil, corrupt(object, d.off, "the first record at byte %d", d.vmdb.vblkFirst())
	}
	d.vblks = d.vmdb[d.vmdb.vblkFirst():]
	return d, nil
}
