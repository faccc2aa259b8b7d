package lvm

import (
	"encoding/binary"
	"slices"

	"github.com/vmdkfs/vmdkfs/internal/extent"
	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/layer"
)

const (
	integritySectors  = 8 // SB_SECTORS: the journal begins behind them
	journalSectors    = 8 // JOURNAL_BLOCK_SECTORS: of entries, in each section
	journalCommitSize = 8 // at the end of every sector
	journalMACSize    = 8 // JOURNAL_MAC_PER_SECTOR

	journalSequences = 4 // N_COMMIT_IDS
)

// journalIDs are what a sector of the journal ends in, by the sequence of its
// commit (commit_ids in create_journal).
var journalIDs = [journalSequences]uint64{0x1111111111111111, 0x2222222222222222, 0x3333333333333333, 0x4444444444444444}

// An integrityJournal is the journal of a volume with checksums: sections that
// are written one after the other, round and round. Each has entries in its
// first sectors, an entry a block, and behind them the blocks. All sectors end
// in an identifier of the commit; the bytes whose place it takes are in the
// entries.
//
// As an io.ReaderAt it gives the blocks of all entries as they were.
type integrityJournal struct {
	volume *extent.Reader
	object string // the volume, for errors
	// sectors is how many the volume with the data has.
	sectors int64

	block          int64 // bytes
	entrySize      int64 // bytes
	entries        int64 // of a section
	sectionSectors int64
	sections       int64
}

// size returns how many bytes the blocks of all entries have.
func (j *integrityJournal) size() int64 { return j.sections * j.entries * j.block }

// section reads the sectors of a section.
func (j *integrityJournal) section(i int64) ([]byte, error) {
	data := make([]byte, j.sectionSectors*sectorSize)
	if err := ondisk.ReadFull(j.volume, data, (integritySectors+i*j.sectionSectors)*sectorSize); err != nil {
		return nil, j.fail(err, "reading section %d of the journal", i)
	}
	return data, nil
}

// sequences returns the sequence of each sector of section i, or false when
// one of them was not written as a part of this journal.
func (j *integrityJournal) sequences(section []byte, i int64) ([]int, bool) {
	list := make([]int, j.sectionSectors)
	for n := range list {
		id := binary.LittleEndian.Uint64(section[(n+1)*sectorSize-journalCommitSize:])
		if list[n] = slices.Index(journalIDs[:], id^(uint64(i)<<32^uint64(n))); list[n] < 0 {
			return nil, false
		}
	}
	return list, true
}

// entry returns entry n of a section: entries are dealt out to its sectors.
func (j *integrityJournal) entry(section []byte, n int64) []byte {
	at := n%journalSectors*sectorSize + n/journalSectors*j.entrySize
	return section[at:][:j.entrySize]
}

// replay returns the blocks that the kernel would copy from the journal
// (replay_journal in dm-integrity.c): those of the sections from the oldest one
// on, up to one that was not written whole.
func (j *integrityJournal) replay() ([]overlay, error) {
	blocks := make([][]overlay, j.sections)
	var last [journalSequences]int64 // section in which the sequence was seen last
	for i := range last {
		last[i] = -1
	}
	whole := make([]int, j.sections) // the one sequence of all sectors of the section, or -1
	for i := range j.sections {
		section, err := j.section(i)
		if err != nil {
			return nil, err
		}
		list, ok := j.sequences(section, i)
		if !ok {
			return nil, nil // the kernel begins a new journal
		}
		whole[i] = list[0]
		for _, s := range list {
			last[s] = i
			if s != whole[i] {
				whole[i] = -1
			}
		}
		if blocks[i], err = j.used(section, i); err != nil {
			return nil, err
		}
	}
	unused := journalSequences - 1
	for unused > 0 && last[unused] < 0 && last[unused-1] < 0 {
		unused--
	}
	if last[unused] >= 0 {
		if unused = slices.Index(last[:], -1); unused < 0 {
			return nil, j.fail(layer.ErrCorrupt, "the journal has sectors of all sequences")
		}
	}
	before := func(s int) int { return (s + journalSequences - 1) % journalSequences }
	newest := before(unused)
	start, want := last[newest]+1, before(newest)
	if last[want] < 0 && last[before(want)] >= 0 {
		return nil, nil
	}
	if start >= j.sections {
		start, want = 0, newest
	}
	latest := make(map[uint64]uint64)
	for n := range j.sections {
		i := (start + n) % j.sections
		if n > 0 && i == 0 {
			want = (want + 1) % journalSequences
		}
		if whole[i] != want {
			break
		}
		for _, o := range blocks[i] {
			latest[o.block] = o.at
		}
	}
	list := make([]overlay, 0, len(latest))
	for block, at := range latest {
		list = append(list, overlay{block, at})
	}
	return list, nil
}

// used returns the entries of a section that have a block.
func (j *integrityJournal) used(section []byte, i int64) ([]overlay, error) {
	var list []overlay
	perBlock := j.block / sectorSize
	for n := range j.entries {
		sector := binary.LittleEndian.Uint64(j.entry(section, n))
		if sector>>32 >= 1<<32-2 {
			continue // unused, or in the making
		}
		if sector%uint64(perBlock) != 0 || sector >= uint64(j.sectors) {
			return nil, j.fail(layer.ErrCorrupt, "entry %d in section %d of the journal is for sector %d of %d", n, i, sector, j.sectors)
		}
		list = append(list, overlay{sector / uint64(perBlock), uint64(i*j.entries + n)})
	}
	return list, nil
}

// ReadAt reads the blocks of entries.
func (j *integrityJournal) ReadAt(p []byte, off int64) (int, error) {
	for done := 0; done < len(p); {
		at := off + int64(done)
		if at >= j.size() {
			return done, j.fail(layer.ErrCorrupt, "byte %d of the journal's blocks", at)
		}
		index := at / j.block
		i, n := index/j.entries, index%j.entries
		base := (integritySectors + i*j.sectionSectors) * sectorSize
		block := make([]byte, j.block)
		if err := ondisk.ReadFull(j.volume, block, base+journalSectors*sectorSize+n*j.block); err != nil {
			return done, j.fail(err, "reading the journal")
		}
		entry := make([]byte, j.entrySize)
		if err := ondisk.ReadFull(j.volume, entry, base+n%journalSectors*sectorSize+n/journalSectors*j.entrySize); err != nil {
			return done, j.fail(err, "reading the journal")
		}
		for s := range j.block / sectorSize {
			copy(block[(s+1)*sectorSize-journalCommitSize:], entry[8+8*s:][:8])
		}
		done += copy(p[done:], block[at%j.block:])
	}
	return len(p), nil
}
