package partition

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/layer"
)

// gptSignature begins every header of a GPT.
const gptSignature = "EFI PART"

const (
	minHeader = 92  // bytes of a header up to its last field
	minEntry  = 128 // bytes of an entry up to its last field

	// maxEntries is how many bytes the entries of a GPT may take. Linux reads
	// no more; common is 16 KiB, 128 entries.
	maxEntries = 4 << 20
)

// A gptHeader is the sector of one of the two headers (UEFI specification,
// table "GPT Header"). It has at least 512 bytes.
type gptHeader []byte

func (h gptHeader) signature() string                { return string(h[:8]) }
func (h gptHeader) headerSize() uint32               { return binary.LittleEndian.Uint32(h[12:]) }
func (h gptHeader) headerCRC32() uint32              { return binary.LittleEndian.Uint32(h[16:]) }
func (h gptHeader) myLBA() uint64                    { return binary.LittleEndian.Uint64(h[24:]) }
func (h gptHeader) alternateLBA() uint64             { return binary.LittleEndian.Uint64(h[32:]) }
func (h gptHeader) diskGUID() guid                   { return guid(h[56:72]) }
func (h gptHeader) partitionEntryLBA() uint64        { return binary.LittleEndian.Uint64(h[72:]) }
func (h gptHeader) numberOfPartitionEntries() uint32 { return binary.LittleEndian.Uint32(h[80:]) }
func (h gptHeader) sizeOfPartitionEntry() uint32     { return binary.LittleEndian.Uint32(h[84:]) }
func (h gptHeader) partitionEntryArrayCRC32() uint32 { return binary.LittleEndian.Uint32(h[88:]) }

// check returns what is wrong with the header that was read from the sector
// lba.
func (h gptHeader) check(lba uint64, object string, off int64) error {
	bad := func(format string, args ...any) error {
		return layer.Errorf(layer.ErrCorrupt, "partition", object, off, format, args...)
	}
	if h.signature() != gptSignature {
		return bad("no signature")
	}
	size := h.headerSize()
	if size < minHeader || size > uint32(len(h)) {
		return bad("%d bytes of header in a sector of %d", size, len(h))
	}
	// The checksum is made while its own field is zero.
	sum := crc32.ChecksumIEEE(h[:16])
	sum = crc32.Update(sum, crc32.IEEETable, []byte{0, 0, 0, 0})
	sum = crc32.Update(sum, crc32.IEEETable, h[20:size])
	switch {
	case sum != h.headerCRC32():
		return bad("the header's CRC is %08x, and %08x is stored", sum, h.headerCRC32())
	case h.myLBA() != lba:
		return bad("the header is that of sector %d, and lies in sector %d", h.myLBA(), lba)
	case h.sizeOfPartitionEntry() < minEntry || h.sizeOfPartitionEntry() > maxEntries || h.sizeOfPartitionEntry()%8 != 0:
		return bad("entries of %d bytes", h.sizeOfPartitionEntry())
	}
	return nil
}

// A gpt is one of the two copies of a GPT.
type gpt struct {
	header     gptHeader
	entries    []byte
	sectorSize int
	off        int64 // of the header
}

// readGPTCopy returns the copy whose header is in the sector lba. What is read
// of the header is returned even if it is not valid, so that it may lead to
// the other copy.
func (d *disk) readGPTCopy(object string, lba uint64, sectorSize int) (*gpt, error) {
	off, ok := ondisk.Mul(lba, uint64(sectorSize))
	if !ok {
		return nil, layer.Errorf(layer.ErrCorrupt, "partition", object, -1, "no disk has a sector %d", lba)
	}
	header, err := d.read(object, off, int64(sectorSize))
	if err != nil {
		return nil, err
	}
	g := &gpt{header: header, sectorSize: sectorSize, off: off}
	if err := g.header.check(lba, object, off); err != nil {
		return g, err
	}
	size, ok := ondisk.Mul(uint64(g.header.numberOfPartitionEntries()), uint64(g.header.sizeOfPartitionEntry()))
	if !ok || size > maxEntries {
		return g, layer.Errorf(layer.ErrCorrupt, "partition", object, off, "%d entries of %d bytes, which are more than %d bytes",
			g.header.numberOfPartitionEntries(), g.header.sizeOfPartitionEntry(), maxEntries)
	}
	start, ok := ondisk.Mul(g.header.partitionEntryLBA(), uint64(sectorSize))
	if !ok {
		return g, layer.Errorf(layer.ErrCorrupt, "partition", object, off, "entries in sector %d", g.header.partitionEntryLBA())
	}
	if g.entries, err = d.read(object, start, size); err != nil {
		return g, err
	}
	if sum := crc32.ChecksumIEEE(g.entries); sum != g.header.partitionEntryArrayCRC32() {
		return g, layer.Errorf(layer.ErrCorrupt, "partition", object, start, "the entries' CRC is %08x, and %08x is stored", sum, g.header.partitionEntryArrayCRC32())
	}
	return g, nil
}
