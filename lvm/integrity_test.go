package lvm

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/layer"
)

// A testJournal is an integrity journal of blocks of one sector with tags of 4
// bytes: 24-byte entries, 20 in a sector, 160 in a section.
type testJournal struct {
	data     []byte // of the volume with the checksums
	sections int
}

const (
	testJournalEntries = (sectorSize - 16) / 24 * journalSectors
	testJournalSectors = journalSectors + testJournalEntries
)

func newTestJournal(data []byte, sections int) *testJournal {
	le := binary.LittleEndian
	copy(data, integrityMagic)
	data[8] = 2
	le.PutUint16(data[10:], 4)
	le.PutUint32(data[12:], uint32(sections))
	j := &testJournal{data, sections}
	for i := range sections {
		j.commit(i, 0)
	}
	return j
}

// section returns the bytes of section i.
func (j *testJournal) section(i int) []byte {
	return j.data[(integritySectors+i*testJournalSectors)*sectorSize:][:testJournalSectors*sectorSize]
}

// commit writes section i with that sequence: each entry is a sector of the
// data and the byte that fills it.
func (j *testJournal) commit(i, sequence int, entries ...[2]int) {
	le := binary.LittleEndian
	s := j.section(i)
	clear(s)
	for n := range testJournalEntries {
		e := s[n%journalSectors*sectorSize+n/journalSectors*24:]
		if n >= len(entries) {
			le.PutUint64(e, 1<<64-1)
			continue
		}
		le.PutUint64(e, uint64(entries[n][0]))
		block := s[(journalSectors+n)*sectorSize:][:sectorSize]
		for k := range block {
			block[k] = byte(entries[n][1])
		}
		copy(e[8:16], block[:8])
	}
	for n := range testJournalSectors {
		le.PutUint64(s[(n+1)*sectorSize-8:], journalIDs[sequence]^(uint64(i)<<32^uint64(n)))
	}
}

// pv returns the PV with vg/lv, two extents of data at 200, after change has
// seen the volume with the checksums.
func integrityPV(mode string, sections int, change func(j *testJournal)) PV {
	text := vgText("vg", 'g', 1, "a",
		lvText("lv", segText(0, 2, "integrity", "origin = \"iorig\"\ndata_sectors = 16\nmode = \""+mode+"\"\ntag_size = 4\nblock_size = 512\ninternal_hash = \"crc32c\"\nmeta_dev = \"imeta\"")),
		lvText("iorig", linear(0, 2, "pv0", 200)), lvText("imeta", linear(0, 190, "pv0", 0)))
	data := onePV('a', text).image()
	at := data[testStart:][:190*4096]
	clear(at)
	j := newTestJournal(at, sections)
	if change != nil {
		change(j)
	}
	return memory("pv-a", data)
}

// integrityView returns the data with these sectors filled.
func integrityView(filled ...[2]int) []byte {
	data := expect('a', 200, 2)
	for _, f := range filled {
		for k := range sectorSize {
			data[f[0]*sectorSize+k] = byte(f[1])
		}
	}
	return data
}

func TestIntegrity(t *testing.T) {
	for name, c := range map[string]struct {
		mode   string
		change func(j *testJournal)
		want   [][2]int
	}{
		"empty":       {"J", nil, nil},
		"first":       {"J", func(j *testJournal) { j.commit(0, 1, [2]int{3, 1}, [2]int{15, 2}) }, [][2]int{{3, 1}, {15, 2}}},
		"newest wins": {"J", func(j *testJournal) { j.commit(0, 1, [2]int{3, 1}); j.commit(1, 1, [2]int{3, 2}, [2]int{3, 9}) }, [][2]int{{3, 9}}},
		"goes round": {"J", func(j *testJournal) {
			j.commit(0, 2, [2]int{3, 7})
			j.commit(1, 1, [2]int{3, 2}, [2]int{4, 2})
			j.commit(2, 1, [2]int{5, 5})
		}, [][2]int{{3, 7}, {4, 2}, {5, 5}}},
		"all rounds": {"J", func(j *testJournal) {
			j.commit(0, 3, [2]int{1, 1})
			j.commit(1, 3, [2]int{1, 2})
			j.commit(2, 3, [2]int{2, 3})
		}, [][2]int{{1, 2}, {2, 3}}},
		"after three": {"J", func(j *testJournal) {
			j.commit(0, 0, [2]int{1, 1})
			j.commit(1, 3, [2]int{1, 2})
			j.commit(2, 3, [2]int{2, 3})
		}, [][2]int{{1, 1}, {2, 3}}},
		"torn section": {"J", func(j *testJournal) { j.commit(0, 1, [2]int{3, 1}); j.commit(1, 1, [2]int{4, 1}); tear(j, 1) }, [][2]int{{3, 1}}},
		"not ours":     {"J", func(j *testJournal) { j.commit(0, 1, [2]int{3, 1}); clear(j.section(2)[:sectorSize]) }, nil},
		"bitmap":       {"B", func(j *testJournal) { j.data[24] = integrityDirtyBitmap; clear(j.section(1)) }, nil},
		"direct":       {"D", func(j *testJournal) { clear(j.data) }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			fsys := mustOpen(t, integrityPV(c.mode, 3, c.change))
			want := integrityView(c.want...)
			reads(t, fsys, "lv", want)
			f, err := fsys.Open("vg/lv")
			require.NoError(t, err)
			for off := range len(want) - 700 {
				if off%97 == 0 {
					got := make([]byte, 700)
					_, err := f.(layer.File).ReadAt(got, int64(off))
					require.NoError(t, err)
					require.Equal(t, want[off:off+700], got)
				}
			}
		})
	}
}

// tear leaves section i half written: its first sectors are of sequence 1, the
// others of the one before.
func tear(j *testJournal, i int) {
	for n := 4; n < testJournalSectors; n++ {
		binary.LittleEndian.PutUint64(j.section(i)[(n+1)*sectorSize-8:], journalIDs[0]^(uint64(i)<<32^uint64(n)))
	}
}

func TestIntegrityDamage(t *testing.T) {
	le := binary.LittleEndian
	for name, c := range map[string]struct {
		mode   string
		change func(j *testJournal)
		kind   error
		text   string
	}{
		"mode":      {"X", nil, layer.ErrUnsupported, `integrity mode "X"`},
		"magic":     {"J", func(j *testJournal) { j.data[0]++ }, layer.ErrCorrupt, `integrity: vg/imeta: superblock with magic "jntegrt\x00"`},
		"version":   {"J", func(j *testJournal) { j.data[8] = 9 }, layer.ErrUnsupported, "superblock of version 9"},
		"blocks":    {"J", func(j *testJournal) { j.data[28] = 4 }, layer.ErrCorrupt, "blocks of 2^4 sectors"},
		"no blocks": {"J", func(j *testJournal) { j.data[28] = 65 }, layer.ErrCorrupt, "blocks of 2^65 sectors"},
		"keyed":     {"J", func(j *testJournal) { j.data[24] = integrityJournalMAC }, layer.ErrUnsupported, "keyed checksum"},
		"sections":  {"J", func(j *testJournal) { j.data[13] = 1 }, layer.ErrCorrupt, "a journal of 259 sections"},
		"sector":    {"J", func(j *testJournal) { le.PutUint64(j.section(0), 16) }, layer.ErrCorrupt, "entry 0 in section 0 of the journal is for sector 16 of 16"},
		"sequences": {"J", func(j *testJournal) {
			j.commit(0, 0)
			j.commit(1, 1)
			j.commit(2, 2)
			le.PutUint64(j.section(2)[sectorSize-8:], journalIDs[3]^2<<32)
		}, layer.ErrCorrupt, "sectors of all sequences"},
	} {
		fsys := mustOpen(t, integrityPV(c.mode, 3, c.change))
		_, err := fsys.ReadFile("vg/lv")
		require.ErrorIs(t, err, c.kind, name)
		require.ErrorContains(t, err, c.text, name)
		reads(t, fsys, "iorig", integrityView())
	}
	text := vgText("vg", 'g', 1, "a", lvText("lv", segText(0, 1, "integrity", "origin = \"lv\"\nmode = \"J\"")))
	_, err := mustOpen(t, onePV('a', text).pv()).Open("vg/lv")
	require.ErrorIs(t, err, layer.ErrUnsupported)
	require.ErrorContains(t, err, "checksums among the data")
}
