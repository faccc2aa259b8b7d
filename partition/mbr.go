package partition

import (
	"encoding/binary"
	"fmt"

	"github.com/vmdkfs/vmdkfs/layer"
)

// An mbr is a master boot record, or an extended one (UEFI specification,
// table "Legacy MBR").
type mbr [512]byte

func (m *mbr) uniqueMBRSignature() uint32 { return binary.LittleEndian.Uint32(m[440:]) }
func (m *mbr) signature() uint16          { return binary.LittleEndian.Uint16(m[510:]) }
func (m *mbr) partitionRecord(i int) *partitionRecord {
	return (*partitionRecord)(m[446+16*i:])
}

// mbrSignature is the value of mbr.signature: 55 AA on the disk.
const mbrSignature = 0xaa55

// A partitionRecord is one of the four entries of an MBR (UEFI specification,
// table "Legacy MBR Partition Record").
type partitionRecord [16]byte

func (p *partitionRecord) bootIndicator() byte { return p[0] }
func (p *partitionRecord) osType() byte        { return p[4] }
func (p *partitionRecord) startingLBA() uint32 { return binary.LittleEndian.Uint32(p[8:]) }
func (p *partitionRecord) sizeInLBA() uint32   { return binary.LittleEndian.Uint32(p[12:]) }

// inUse reports whether the record is one of a partition.
func (p *partitionRecord) inUse() bool { return p.osType() != 0 && p.sizeInLBA() != 0 }

// end returns the sector behind the partition.
func (p *partitionRecord) end() uint64 { return uint64(p.startingLBA()) + uint64(p.sizeInLBA()) }

// entry returns partition number n, of which the start counts from the sector
// base.
func (p *partitionRecord) entry(n int, base uint64) entry {
	return entry{
		Partition: Partition{
			Number:   n,
			Type:     fmt.Sprintf("%02x", p.osType()),
			TypeName: mbrTypes[p.osType()],
			Bootable: p.bootIndicator() == active,
			Logical:  n > 4,
		},
		first:   base + uint64(p.startingLBA()),
		sectors: uint64(p.sizeInLBA()),
	}
}

// The boot indicator of the partition that the BIOS starts; that of the others
// is 0.
const active = 0x80

// Types of partition that are not data.
const (
	typeExtended      = 0x05
	typeExtendedLBA   = 0x0f
	typeExtendedLinux = 0x85
	typeProtective    = 0xee // the whole disk is a GPT's
)

func (p *partitionRecord) isExtended() bool {
	switch p.osType() {
	case typeExtended, typeExtendedLBA, typeExtendedLinux:
		return true
	}
	return false
}

// isProtective reports whether the MBR says that the disk has a GPT. Other
// entries make it a hybrid MBR, made for systems that do not know GPT; the GPT
// wins.
func (m *mbr) isProtective() bool {
	if m.signature() != mbrSignature {
		return false
	}
	for i := range 4 {
		if m.partitionRecord(i).osType() == typeProtective {
			return true
		}
	}
	return false
}

// check returns layer.ErrFormat if this is not the MBR of a disk of size
// bytes. The boot sectors of FAT and NTFS volumes have its signature as well,
// and messages or code where it has partitions. So the entries must make
// sense: indicators as they can be, and one entry at least that begins on the
// disk. With the parameters of a file system before them, which boot loaders
// keep when they overwrite a boot sector, all must lie on the disk.
func (m *mbr) check(size int64) error {
	no := func(reason string) error {
		return layer.Errorf(layer.ErrFormat, "partition", "MBR", -1, "%s", reason)
	}
	if m.signature() != mbrSignature {
		return no("the first sector does not end in 55 AA")
	}
	used, onDisk, sane := 0, 0, 0
	for i := range 4 {
		p := m.partitionRecord(i)
		if p.bootIndicator()&^active != 0 {
			return no("the first sector has no partition table")
		}
		if !p.inUse() {
			continue
		}
		used++
		if p.startingLBA() > 0 && uint64(p.startingLBA()) < uint64(size)/sectorSize {
			onDisk++
			if p.end() <= uint64(size)/sectorSize {
				sane++
			}
		}
	}
	volume := (*bootSector)(m).fileSystem()
	switch {
	case volume != "" && (used == 0 || sane < used):
		return no("the first sector is the boot sector of a volume, " + volume)
	case onDisk == 0:
		return no("no entry of the first sector's table lies on the disk")
	}
	return nil
}

// readMBR returns the table of m, which was checked, with its logical
// partitions.
func (d *disk) readMBR(m *mbr) *table {
	t := &table{Table: Table{Scheme: "mbr", SectorSize: d.mbrSectorSize(m), ID: fmt.Sprintf("%08x", m.uniqueMBRSignature())}}
	chain := chain{disk: d, table: t, next: 5}
	for i := range 4 {
		p := m.partitionRecord(i)
		switch {
		case !p.inUse():
		case p.isExtended():
			if t.broken == nil {
				t.broken = chain.follow(uint64(p.startingLBA()), uint64(p.sizeInLBA()))
			}
		default:
			t.partitions = append(t.partitions, p.entry(i+1, 0))
		}
	}
	if t.broken != nil {
		t.Warnings = append(t.Warnings, t.broken)
	}
	return t
}
