package lvm

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
)

// mutateBlocks changes bytes of a PV's metadata as a fuzzer's bytes ask for,
// five for each: the place, and the value. Then it makes the checksums right.
func mutateBlocks(m *testMetadata, data, changes []byte) {
	region := data[testStart:][:len(m.blocks)*blockSize]
	for ; len(changes) >= 5; changes = changes[5:] {
		region[int(binary.LittleEndian.Uint32(changes)%uint32(len(region)))] = changes[4]
	}
	for i := range m.blocks {
		b := (*block)(region[i*blockSize:])
		binary.LittleEndian.PutUint32(b[:], b.checksum(m.xors[i]))
	}
}

// content returns the bytes of a PV in memory.
func content(tb testing.TB, pv PV) []byte {
	data := make([]byte, pv.Size)
	if _, err := pv.Reader.ReadAt(data, 0); err != nil {
		tb.Fatal(err)
	}
	return data
}

// at returns the change of a byte of a block.
func at(block, off int, value byte) []byte {
	return append(binary.LittleEndian.AppendUint32(nil, uint32(block*blockSize+off)), value)
}

// FuzzThin reads thin volumes whose metadata is damaged under right checksums.
func FuzzThin(f *testing.F) {
	p := newTestPool(2, []entry64{{0, 1}, {1, 2}, {2, 3}, {3, 5}}, []entry64{{0, 7}, {5, 8}})
	base := content(f, p.pv(2, thinText("one", 4*poolChunk, 1, ""), thinText("two", 9*poolChunk, 2, `external_origin = "plain"`)))
	f.Add([]byte{})
	for b := range p.blocks {
		for _, off := range []int{4, 16, 20, 24, 32, 40, 320, 336, nodeHeaderSize + 8*254} {
			f.Add(at(b, off, 1))
		}
	}
	f.Fuzz(func(t *testing.T, changes []byte) {
		data := bytes.Clone(base)
		mutateBlocks(p.testMetadata, data, changes)
		if fsys, err := Open([]PV{memory("fuzz", data)}); err == nil {
			testimg.Exercise(t, fsys)
		}
	})
}

// FuzzCache does so with the metadata of a cache.
func FuzzCache(f *testing.F) {
	c := newTestCache(2, true, []uint64{mapped(3, 0), 0, mapped(5, mappingDirty), mapped(4, 0)}, 0b1101)
	base := content(f, c.pv("writeback", "a"))
	f.Add([]byte{})
	for b := range c.blocks {
		for _, off := range []int{4, 8, 12, 16, 24, 40, 192, 240, 284} {
			f.Add(at(b, off, 1))
		}
	}
	f.Fuzz(func(t *testing.T, changes []byte) {
		data := bytes.Clone(base)
		mutateBlocks(c.testMetadata, data, changes)
		if fsys, err := Open([]PV{memory("fuzz", data)}); err == nil {
			testimg.Exercise(t, fsys)
		}
	})
}

// FuzzWritecache and FuzzIntegrity change what has no checksums.
func FuzzWritecache(f *testing.F) {
	base := content(f, writecachePV(5, [][2]uint64{{0, 1}, {8, 4}, {16, 4}}, nil))
	fuzzRegion(f, base, 4096)
}

func FuzzIntegrity(f *testing.F) {
	base := content(f, integrityPV("J", 3, func(j *testJournal) { j.commit(0, 1, [2]int{3, 1}, [2]int{15, 2}) }))
	fuzzRegion(f, base, 190*4096)
}

// fuzzRegion reads a PV of which bytes of the first extents are changed.
func fuzzRegion(f *testing.F, base []byte, size int) {
	f.Add([]byte{})
	for off := range 64 {
		f.Add(at(0, off, 1))
	}
	f.Fuzz(func(t *testing.T, changes []byte) {
		data := bytes.Clone(base)
		region := data[testStart:][:size]
		for ; len(changes) >= 5; changes = changes[5:] {
			region[int(binary.LittleEndian.Uint32(changes)%uint32(size))] = changes[4]
		}
		if fsys, err := Open([]PV{memory("fuzz", data)}); err == nil {
			testimg.Exercise(t, fsys)
		}
	})
}
