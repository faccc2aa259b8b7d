package ldm

import (
	"encoding/binary"
	"encoding/hex"
	"strings"

	"github.com/vmdkfs/vmdkfs/internal/ondisk"
)

// The objects of a database refer to one another by number: partitions to the
// component and the disk that they are a part of, components to their volume.
// Sizes are in sectors.
type (
	volumeObject struct {
		id       uint64
		name     string
		state    string
		kind     byte // volumeGeneric or volumeRAID5
		children uint64
		size     uint64
		partType byte
		guid     string
		hint     string // the drive letter that it should have: "E:"
	}
	componentObject struct {
		id       uint64
		state    string
		kind     byte
		children uint64
		parent   uint64
		chunk    uint64
		columns  uint64
	}
	partitionObject struct {
		id     uint64
		name   string
		start  uint64 // from the start of the disk's data
		offset uint64 // in the component
		size   uint64
		parent uint64
		disk   uint64
		index  uint64 // which column it is
	}
	diskObject struct {
		id   uint64
		name string
		guid string
	}
)

// Kinds of volumes, and of components.
const (
	volumeGeneric = 3
	volumeRAID5   = 4

	componentStriped = 1
	componentSpanned = 2
	componentRAID    = 3
)

// The objects of a database, by number where others refer to them.
type objects struct {
	volumes    []*volumeObject
	components []*componentObject
	partitions []*partitionObject
	disks      map[uint64]*diskObject
	group      string // its name
}

// objects decodes the records of a database, whose head says how many of each
// there are.
func (d *database) objects() (*objects, error) {
	records, err := d.records()
	if err != nil {
		return nil, err
	}
	o := &objects{disks: make(map[uint64]*diskObject), group: d.vmdb.diskGroupName()}
	disks := 0
	for _, r := range records {
		if r[3]&0xf == typeDisk {
			disks++
		}
		if err := o.add(r); err != nil {
			return nil, failed(d.object, d.off, err)
		}
	}
	for i, n := range []int{len(o.volumes), len(o.components), len(o.partitions), disks} {
		if uint64(n) != uint64(d.vmdb.committed(i)) {
			return nil, corrupt(d.object, d.off, "%d %s, and there should be %d", n, [...]string{"volumes", "components", "partitions", "disks"}[i], d.vmdb.committed(i))
		}
	}
	return o, nil
}

// add decodes one record (libldm, struct _vblk_rec_head).
func (o *objects) add(r []byte) error {
	flags, kind, revision := r[2], r[3]&0xf, r[3]>>4
	size := int64(binary.BigEndian.Uint32(r[4:]))
	if kind == typeBlank {
		return nil
	}
	if size > int64(len(r)-8) {
		return corrupt("record", noOffset, "%d bytes in one of %d", size, len(r)-8)
	}
	f := &fields{Cursor: ondisk.NewCursor(r[8:8+size], binary.BigEndian)}
	switch r[3] {
	case 5<<4 | typeVolume:
		o.volumes = append(o.volumes, f.volume(flags))
	case 3<<4 | typeComponent:
		o.components = append(o.components, f.component(flags))
	case 3<<4 | typePartition:
		o.partitions = append(o.partitions, f.partition(flags))
	case 3<<4 | typeDisk, 4<<4 | typeDisk:
		d := f.disk(revision)
		if o.disks[d.id] != nil {
			return corrupt("record", noOffset, "two disks have the number %d", d.id)
		}
		o.disks[d.id] = d
	case 3<<4 | typeGroup, 4<<4 | typeGroup:
		f.number()
		if name := f.text(); name != "" {
			o.group = name
		}
	default:
		return unsupported("record", "type %02x", r[3])
	}
	if f.Err() != nil || f.bad {
		return corrupt("record", noOffset, "of type %02x: its fields do not fit in its %d bytes", r[3], size)
	}
	return nil
}

func (f *fields) volume(flags byte) *volumeObject {
	v := &volumeObject{id: f.number(), name: f.text()}
	f.text() // "gen" or "raid5", as kind says
	f.text() // whether it is to have a drive letter
	v.state = text(f.Bytes(14))
	v.kind = f.U8()
	f.Skip(6) // unknown, its number, zeros, flags
	v.children = f.number()
	f.Skip(16) // the transaction that committed it, and an identifier
	v.size = f.number()
	f.Skip(4)
	v.partType = f.U8()
	v.guid = formatGUID(f.Bytes(16))
	for _, flag := range []byte{flagVolumeID1, flagVolumeID2, flagVolumeSize} {
		if flags&flag != 0 {
			f.text()
		}
	}
	if flags&flagVolumeDrive != 0 {
		v.hint = f.text()
	}
	return v
}

func (f *fields) component(flags byte) *componentObject {
	c := &componentObject{id: f.number()}
	f.text() // name
	c.state = f.text()
	c.kind = f.U8()
	f.Skip(4)
	c.children = f.number()
	f.Skip(16)
	c.parent = f.number()
	f.Skip(1)
	if flags&flagComponentStripe != 0 {
		c.chunk, c.columns = f.number(), f.number()
	}
	return c
}

func (f *fields) partition(flags byte) *partitionObject {
	p := &partitionObject{id: f.number(), name: f.text()}
	f.Skip(12)
	p.start, p.offset = f.U64(), f.U64()
	p.size, p.parent, p.disk = f.number(), f.number(), f.number()
	if flags&flagPartitionIndex != 0 {
		p.index = f.number()
	}
	return p
}

func (f *fields) disk(revision byte) *diskObject {
	d := &diskObject{id: f.number(), name: f.text()}
	if revision == 3 {
		d.guid = strings.ToLower(f.text())
	} else {
		d.guid = formatGUID(f.Bytes(16))
	}
	return d
}

// formatGUID returns the GUID in b, whose bytes are in the order of the text.
func formatGUID(b []byte) string {
	if len(b) != 16 {
		return ""
	}
	h := hex.EncodeToString(b)
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
