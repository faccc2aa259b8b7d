package lvm

import (
	"encoding/binary"
	"errors"

	"github.com/vmdkfs/vmdkfs/internal/extent"
	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/layer"
)

const (
	integrityMagic       = "integrt\x00"
	maxIntegrityVersion  = 5
	integrityJournalMAC  = 0x1 // SB_FLAG_HAVE_JOURNAL_MAC
	integrityDirtyBitmap = 0x4 // SB_FLAG_DIRTY_BITMAP: the journal's place holds a bitmap
	integrityInline      = 0x20

	maxIntegrityLog2 = 3   // log2 of MAX_SECTORS_PER_BLOCK
	maxIntegrityTag  = 424 // MAX_TAG_SIZE
	// maxJournalSectors is the largest journal that the kernel makes by itself
	// (DEFAULT_MAX_JOURNAL_SECTORS).
	maxJournalSectors = 131072
)

// An integritySuperblock is the first sector of the volume with the checksums:
// struct superblock in the kernel's drivers/md/dm-integrity.c.
type integritySuperblock [sectorSize]byte

func (s *integritySuperblock) magic() string              { return string(s[:8]) }
func (s *integritySuperblock) version() uint8             { return s[8] }
func (s *integritySuperblock) integrityTagSize() uint16   { return binary.LittleEndian.Uint16(s[10:]) }
func (s *integritySuperblock) journalSections() uint32    { return binary.LittleEndian.Uint32(s[12:]) }
func (s *integritySuperblock) flags() uint32              { return binary.LittleEndian.Uint32(s[24:]) }
func (s *integritySuperblock) log2SectorsPerBlock() uint8 { return s[28] }

// integrity reads the entries of a segment with checksums: origin, which holds
// the data, meta_dev, mode. In mode "J" data is written to a journal on
// meta_dev first, and may be there only. The checksums themselves are not
// looked at.
func (b *builder) integrity(s *segmentText) (extent.Mapper, error) {
	d := decode(s.text)
	fail := func(kind error, format string, args ...any) (extent.Mapper, error) {
		return nil, failure(kind, b.current.object(), -1, s.key+": "+format, args...)
	}
	name, meta, mode := d.text("origin"), d.optionalText("meta_dev"), d.text("mode")
	if d.err != nil {
		return fail(layer.ErrCorrupt, "%v", d.err)
	}
	if meta == "" {
		return fail(layer.ErrUnsupported, `segment type "integrity" with checksums among the data`)
	}
	s.Stripes = []Stripe{{name, 0}, {meta, 0}}
	origin, err := b.lower(s, name)
	if err != nil {
		return nil, err
	}
	if origin.Size < s.Length {
		return fail(layer.ErrCorrupt, "%d bytes on an origin of %d", s.Length, origin.Size)
	}
	data := onVolume{origin.layout, 0, s.Length}
	if mode == "D" { // written without a journal
		return data, nil
	}
	if mode != "J" && mode != "B" {
		return fail(layer.ErrUnsupported, "integrity mode %q", mode)
	}
	volume, err := b.lower(s, meta)
	if err != nil {
		return nil, err
	}
	j := &integrityJournal{volume: b.reader(volume), object: volume.object(), sectors: s.Length / sectorSize}
	if err := j.open(); err != nil {
		var e *layer.Error
		errors.As(err, &e)
		return fail(e.Err, "integrity: %s: %s", e.Object, e.Detail)
	}
	if j.sections == 0 {
		return data, nil
	}
	place, err := volume.layout.Map(0)
	if err != nil || place.Source == extent.Hole {
		return fail(layer.ErrCorrupt, "integrity: %s lies nowhere", volume.object())
	}
	source := len(b.set.sources)
	b.set.sources = append(b.set.sources, extent.Derived{ReaderAt: j, Source: place.Source})
	return &overlaid{
		origin: origin.layout,
		cache: &layout{
			object: volume.object(),
			parts:  []part{{0, j.size(), onPV{extent.Run{Length: j.size(), Source: source}}}},
		},
		size: j.block,
		load: j.replay,
	}, nil
}

func (j *integrityJournal) fail(kind error, format string, args ...any) error {
	return failure(kind, j.object, -1, format, args...)
}

// open reads the superblock. There are no sections where there is no journal.
func (j *integrityJournal) open() error {
	var s integritySuperblock
	if err := ondisk.ReadFull(j.volume, s[:], 0); err != nil {
		return j.fail(err, "reading the superblock")
	}
	switch {
	case s.magic() != integrityMagic:
		return j.fail(layer.ErrCorrupt, "superblock with magic %q", s.magic())
	case s.version() < 1 || s.version() > maxIntegrityVersion || s.flags()&integrityInline != 0:
		return j.fail(layer.ErrUnsupported, "superblock of version %d", s.version())
	case s.log2SectorsPerBlock() > maxIntegrityLog2 || s.integrityTagSize() > maxIntegrityTag:
		return j.fail(layer.ErrCorrupt, "blocks of 2^%d sectors with tags of %d bytes", s.log2SectorsPerBlock(), s.integrityTagSize())
	case s.flags()&integrityJournalMAC != 0:
		return j.fail(layer.ErrUnsupported, "a journal with a keyed checksum")
	}
	if s.flags()&integrityDirtyBitmap != 0 {
		return nil
	}
	perBlock := int64(1) << s.log2SectorsPerBlock()
	j.block = perBlock * sectorSize
	// An entry: the sector, the last 8 bytes of each sector, the tag.
	j.entrySize = (8 + 8*perBlock + int64(s.integrityTagSize()) + 7) &^ 7
	j.entries = (sectorSize - journalCommitSize - journalMACSize) / j.entrySize * journalSectors
	j.sectionSectors = journalSectors + j.entries*perBlock
	j.sections = int64(s.journalSections())
	if total := j.sections * j.sectionSectors; j.entries == 0 || total > maxJournalSectors || integritySectors+total > j.volume.Size()/sectorSize {
		return j.fail(layer.ErrCorrupt, "a journal of %d sections of %d sectors", j.sections, j.sectionSectors)
	}
	return nil
}
