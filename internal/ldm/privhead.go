package ldm

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"

	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/layer"
)

// Places of the three private headers of an MBR disk, in sectors: the first
// counts from the start of the disk, the others in the database, which takes
// the disk's last MiB. On a GPT disk the header is the last sector of the
// partition for LDM's metadata.
const (
	privheadSector  = 6
	privheadBackup1 = 1856
	privheadBackup2 = 2047
	databaseSectors = 2048
)

// headerSize is the length of a header, and of the head of the database.
const headerSize = 512

// A privhead is a private header (libldm, struct _privhead).
type privhead [headerSize]byte

func (p *privhead) magic() string            { return string(p[:8]) }
func (p *privhead) versionMajor() uint16     { return binary.BigEndian.Uint16(p[12:]) }
func (p *privhead) versionMinor() uint16     { return binary.BigEndian.Uint16(p[14:]) }
func (p *privhead) diskGUID() string         { return text(p[48:112]) }
func (p *privhead) diskGroupGUID() string    { return text(p[176:240]) }
func (p *privhead) diskGroupName() string    { return text(p[240:272]) }
func (p *privhead) logicalDiskStart() uint64 { return binary.BigEndian.Uint64(p[283:]) }
func (p *privhead) logicalDiskSize() uint64  { return binary.BigEndian.Uint64(p[291:]) }
func (p *privhead) configStart() uint64      { return binary.BigEndian.Uint64(p[299:]) }
func (p *privhead) configSize() uint64       { return binary.BigEndian.Uint64(p[307:]) }

// text returns a field of text up to its first NUL.
func text(b []byte) string {
	b, _, _ = bytes.Cut(b, []byte{0})
	return string(b)
}

// maxConfig is how many bytes a database may take; it is said to have one MiB
// on every disk.
const maxConfig = 16 << 20

// A member is one of the disks that Open was given, with what its header says.
type member struct {
	Disk
	index     int
	guid      string
	group     string // GUID
	groupName string
	dataStart int64 // in bytes, as all of these
	dataSize  int64
	config    int64
	size      int64 // of the config
	seq       uint64
	stale     bool // its database is older than that of another disk
}

// headers returns the places of the disk's private headers, the first one
// first.
func (d *Disk) headers() []int64 {
	sector := int64(d.SectorSize)
	if d.Metadata > 0 {
		return []int64{d.Metadata}
	}
	database := d.Size/sector - databaseSectors
	return []int64{privheadSector * sector, (database + privheadBackup1) * sector, (database + privheadBackup2) * sector}
}

// readMember reads the private header of a disk, or a copy of it. The error is
// layer.ErrFormat where there is none.
func readMember(d Disk, index int) (*member, error) {
	var first error
	for _, off := range d.headers() {
		m, err := d.readHeader(off)
		if err == nil {
			m.Disk, m.index = d, index
			return m, nil
		}
		if first == nil || errors.Is(first, layer.ErrFormat) {
			first = err
		}
	}
	return nil, first
}

// readHeader reads the private header at off.
func (d *Disk) readHeader(off int64) (*member, error) {
	object := "private header of " + d.Name
	if !ondisk.Within(off, headerSize, d.Size) {
		return nil, layer.Errorf(layer.ErrIncomplete, layerName, object, off, "the disk ends at byte %d", d.Size)
	}
	p := new(privhead)
	if err := ondisk.ReadFull(d.Reader, p[:], off); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, failed(object, off, err)
	}
	if p.magic() != "PRIVHEAD" {
		return nil, layer.Errorf(layer.ErrFormat, layerName, object, off, "there is none")
	}
	if p.versionMajor() != 2 {
		return nil, unsupported(object, "version %d.%d", p.versionMajor(), p.versionMinor())
	}
	m := &member{guid: strings.ToLower(p.diskGUID()), group: strings.ToLower(p.diskGroupGUID()), groupName: p.diskGroupName()}
	sector := uint64(d.SectorSize)
	for _, f := range []struct {
		to    *int64
		value uint64
	}{{&m.dataStart, p.logicalDiskStart()}, {&m.dataSize, p.logicalDiskSize()}, {&m.config, p.configStart()}, {&m.size, p.configSize()}} {
		n, ok := ondisk.Mul(f.value, sector)
		if !ok {
			return nil, corrupt(object, off, "a place in sector %d", f.value)
		}
		*f.to = n
	}
	switch {
	case m.guid == "" || m.group == "":
		return nil, corrupt(object, off, "no GUID")
	case m.size < headerSize || m.size > maxConfig:
		return nil, corrupt(object, off, "a database of %d bytes", m.size)
	case m.dataStart+m.dataSize < m.dataStart:
		return nil, corrupt(object, off, "%d bytes of data at %d", m.dataSize, m.dataStart)
	}
	return m, nil
}
