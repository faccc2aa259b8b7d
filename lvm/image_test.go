package lvm

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// testUUID returns an identifier made of one character.
func testUUID(c byte) string {
	id, ok := formatUUID(strings.Repeat(string(c), uuidLen))
	if !ok {
		panic(c)
	}
	return id
}

// A testPV is a PV of 1 MiB, and behind it room for areas, that is made in
// memory.
type testPV struct {
	name   string
	id     byte   // all of its UUID
	text   string // in all of its areas
	sector int    // of the label
	areas  []testArea
	used   bool
}

// A testArea is a metadata area.
type testArea struct {
	offset, size int64
	at           int64 // of the text in it
	flags        uint32
}

const (
	testSize  = 1 << 20
	testStart = 16 << 10 // of the first extent
)

// image returns the bytes of the PV. Byte i of the data is what pattern says.
func (p testPV) image() []byte {
	le := binary.LittleEndian
	size := int64(testSize)
	for _, a := range p.areas {
		size = max(size, a.offset+a.size)
	}
	data := make([]byte, size)
	for extent := testStart; extent < testSize; extent += 4096 {
		for i := extent; i < extent+256; i++ {
			data[i] = pattern(p.id, i)
		}
		for i := extent + 256; i < extent+4096; i += 256 {
			copy(data[i:], data[extent:extent+256])
		}
	}
	label := data[p.sector*sectorSize:][:sectorSize]
	copy(label, labelID)
	le.PutUint64(label[8:], uint64(p.sector))
	le.PutUint32(label[20:], 32)
	copy(label[24:], labelType)
	copy(label[32:], strings.Repeat(string(p.id), uuidLen))
	le.PutUint64(label[64:], testSize)
	le.PutUint64(label[72:], testStart)
	pos := 104
	for _, a := range p.areas {
		le.PutUint64(label[pos:], uint64(a.offset))
		le.PutUint64(label[pos+8:], uint64(a.size))
		pos += 16
		p.writeArea(data, a)
	}
	pos += 16
	le.PutUint32(label[pos:], 2)
	if p.used {
		le.PutUint32(label[pos+4:], extensionUsed)
	}
	sealLabel(data, p.sector)
	return data
}

// writeArea writes one area with the text.
func (p testPV) writeArea(data []byte, a testArea) {
	le := binary.LittleEndian
	area := data[a.offset:][:a.size]
	copy(area[4:], areaMagic)
	le.PutUint32(area[20:], areaVersion)
	le.PutUint64(area[24:], uint64(a.offset))
	le.PutUint64(area[32:], uint64(a.size))
	if p.text != "" {
		at := a.at
		le.PutUint64(area[40:], uint64(at))
		le.PutUint64(area[48:], uint64(len(p.text)))
		le.PutUint32(area[56:], checksum([]byte(p.text)))
		n := copy(area[at:], p.text)
		copy(area[areaHeaderSize:], p.text[n:])
	}
	le.PutUint32(area[60:], a.flags)
	sealArea(data, a.offset)
}

// sealLabel makes the checksum of a label right.
func sealLabel(data []byte, sector int) {
	h := labelHeader(data[sector*sectorSize:])
	binary.LittleEndian.PutUint32(data[sector*sectorSize+16:], h.checksum())
}

// sealArea makes the checksum of an area's header right.
func sealArea(data []byte, off int64) {
	h := areaHeader(data[off:])
	binary.LittleEndian.PutUint32(data[off:], h.checksum())
}

// pattern is the byte at i of the data of a test PV. It repeats itself every
// 256 bytes of an extent, and differs between extents.
func pattern(id byte, i int) byte { return id ^ byte(i>>12) ^ byte(i*7) }

// onePV returns a test PV whose label lies in sector 1, and whose one area at
// 4 KiB is 12 KiB long.
func onePV(id byte, text string) testPV {
	return testPV{name: "pv-" + string(id), id: id, text: text, sector: 1, areas: []testArea{{offset: 4096, size: 12 << 10, at: areaHeaderSize}}}
}

func (p testPV) pv() PV { return memory(p.name, p.image()) }

// vgText returns the metadata of a group with extents of 4 KiB, on the PVs
// a, b, ... that ids lists.
func vgText(name string, id byte, seqno int, ids string, volumes ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s {\nid = %q\nseqno = %d\nstatus = [\"RESIZEABLE\", \"READ\", \"WRITE\"]\nextent_size = 8\nphysical_volumes {\n", name, testUUID(id), seqno)
	for i, c := range []byte(ids) {
		fmt.Fprintf(&b, "pv%d {\nid = %q\ndevice = \"/dev/sd%c\"\ndev_size = %d\npe_start = %d\npe_count = %d\n}\n",
			i, testUUID(c), c, testSize/sectorSize, testStart/sectorSize, (testSize-testStart)/4096)
	}
	b.WriteString("}\nlogical_volumes {\n" + strings.Join(volumes, "") + "}\n}\n")
	b.WriteString("contents = \"Text Format Volume Group\"\nversion = 1\ncreation_time = 1700000000\n")
	return b.String()
}

// lvText returns a visible volume with an id and segments made by segText.
func lvText(name string, segments ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s {\nid = %q\nstatus = [\"READ\", \"VISIBLE\"]\nsegment_count = %d\n", name, testUUID('v'), len(segments))
	for i, s := range segments {
		fmt.Fprintf(&b, "segment%d {\n%s}\n", i+1, s)
	}
	return b.String() + "}\n"
}

// segText returns the entries of a segment.
func segText(start, count int64, kind, rest string) string {
	return fmt.Sprintf("start_extent = %d\nextent_count = %d\ntype = %q\n%s\n", start, count, kind, rest)
}

// linear returns the entries of a linear segment.
func linear(start, count int64, on string, extent int64) string {
	return segText(start, count, "striped", fmt.Sprintf("stripe_count = 1\nstripes = [%q, %d]", on, extent))
}

// mustOpen opens test PVs.
func mustOpen(t testing.TB, pvs ...PV) *FS {
	t.Helper()
	fsys, err := Open(pvs)
	require.NoError(t, err)
	return fsys
}

// texts returns the messages of errors.
func texts(list []error) []string {
	var out []string
	for _, err := range list {
		out = append(out, err.Error())
	}
	return out
}
