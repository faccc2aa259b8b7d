package partition

import "encoding/binary"

// mbrSectorSize returns the unit of an MBR's sectors. The table does not say;
// it is 512 unless the disk is large enough for the other reading, and more
// partitions begin as they should there than at 512 bytes a sector. A disk of
// 4096-byte sectors whose partitions hold nothing known is misread.
func (d *disk) mbrSectorSize(m *mbr) int {
	known, known4 := 0, 0
	for i := range 4 {
		p := m.partitionRecord(i)
		if !p.inUse() {
			continue
		}
		if p.end() > uint64(d.size)/sectorSize4 {
			return sectorSize
		}
		if d.isKnown(p, sectorSize) {
			known++
		}
		if d.isKnown(p, sectorSize4) {
			known4++
		}
	}
	if known4 > known {
		return sectorSize4
	}
	return sectorSize
}

// isKnown reports whether something recognisable begins where p does in
// sectors of the given size: a table in an extended partition, and in others a
// boot sector, ext2 to 4, XFS, LUKS, swap or an LVM label. It only lends weight
// to a guess, so that what cannot be read is not known.
func (d *disk) isKnown(p *partitionRecord, sectorSize int64) bool {
	off := int64(p.startingLBA()) * sectorSize
	b, err := d.read("partition", off, max(2048, min(4096, d.size-off)))
	if err != nil {
		return false
	}
	if binary.LittleEndian.Uint16(b[510:]) == mbrSignature {
		return true
	}
	if p.isExtended() {
		return false
	}
	for label := b[:2048]; len(label) > 0; label = label[512:] {
		if string(label[:8]) == "LABELONE" {
			return true
		}
	}
	return binary.LittleEndian.Uint16(b[1024+56:]) == 0xef53 || string(b[:4]) == "XFSB" || string(b[:6]) == "LUKS\xba\xbe" ||
		string(b[len(b)-10:]) == "SWAPSPACE2"
}
