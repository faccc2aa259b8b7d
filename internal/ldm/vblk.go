package ldm

import (
	"encoding/binary"
	"maps"
	"slices"

	"github.com/vmdkfs/vmdkfs/internal/ondisk"
)

// Sizes of a VBLK: 128 bytes is what Windows makes.
const (
	vblkHead = 16
	minVBLK  = 64
	maxVBLK  = 4096
)

// A vblk is a piece of a record (libldm, struct _vblk_head).
type vblk []byte

func (v vblk) magic() string        { return string(v[:4]) }
func (v vblk) recordID() uint32     { return binary.BigEndian.Uint32(v[8:]) }
func (v vblk) entry() uint16        { return binary.BigEndian.Uint16(v[12:]) }
func (v vblk) entriesTotal() uint16 { return binary.BigEndian.Uint16(v[14:]) }

// A fragment is a record that lies in several VBLKs.
type fragment struct {
	pieces [][]byte
	found  int
}

// records returns the records of a database, put together where they are in
// pieces, in the order of their numbers. All pieces of a record must be there.
func (d *database) records() ([][]byte, error) {
	var list [][]byte
	fragments := make(map[uint32]*fragment)
	size := int(d.vmdb.vblkSize())
	for at := 0; at+size <= len(d.vblks); at += size {
		v := vblk(d.vblks[at : at+size])
		if v.magic() != "VBLK" {
			break
		}
		total, entry := int(v.entriesTotal()), int(v.entry())
		if total <= 1 {
			if total == 1 && entry == 0 {
				list = append(list, v[vblkHead:])
			}
			continue // no piece: the VBLK is free
		}
		off := d.off + int64(d.vmdb.vblkFirst()) + int64(at)
		f := fragments[v.recordID()]
		if f == nil {
			if total > len(d.vblks)/size {
				return nil, corrupt(d.object, off, "record %d has %d pieces, more than there is room for", v.recordID(), total)
			}
			f = &fragment{pieces: make([][]byte, total)}
			fragments[v.recordID()] = f
		}
		if entry >= len(f.pieces) || total != len(f.pieces) || f.pieces[entry] != nil {
			return nil, corrupt(d.object, off, "piece %d of %d of record %d does not go with the others", entry, total, v.recordID())
		}
		f.pieces[entry] = v[vblkHead:]
		f.found++
	}
	for _, id := range slices.Sorted(maps.Keys(fragments)) {
		f := fragments[id]
		if f.found != len(f.pieces) {
			return nil, corrupt(d.object, d.off, "%d of %d pieces of record %d are there", f.found, len(f.pieces), id)
		}
		list = append(list, slices.Concat(f.pieces...))
	}
	return list, nil
}

// Types of records, the low digit of the type; the other is the revision.
const (
	typeBlank = iota
	typeVolume
	typeComponent
	typePartition
	typeDisk
	typeGroup
)

// Flags of records: which optional fields they have.
const (
	flagVolumeDrive     = 0x02
	flagVolumeID1       = 0x08
	flagVolumeID2       = 0x20
	flagVolumeSize      = 0x80
	flagComponentStripe = 0x10
	flagPartitionIndex  = 0x08
)

// A fields reads the fields of a record. Those of variable length begin with
// their length, in one byte.
type fields struct {
	*ondisk.Cursor
	bad bool // a number has more than eight bytes
}

// number returns a number of variable length.
func (f *fields) number() uint64 {
	b := f.Bytes(int(f.U8()))
	if len(b) > 8 {
		f.bad = true
		return 0
	}
	var n uint64
	for _, c := range b {
		n = n<<8 | uint64(c)
	}
	return n
}

// text returns a text of variable length.
func (f *fields) text() string { return string(f.Bytes(int(f.U8()))) }
