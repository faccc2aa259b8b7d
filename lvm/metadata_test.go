package lvm

import (
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// An entry64 is an entry of a btree of numbers.
type entry64 struct{ key, value uint64 }

// A testMetadata is metadata of a pool or a cache that is made in memory.
// Block 0 is its superblock.
type testMetadata struct {
	blocks []*block
	xors   []uint32
	perBox int // entries of a node
}

func newTestMetadata() *testMetadata { return &testMetadata{perBox: 252} }

// add adds a block, whose own number lies at numberAt.
func (m *testMetadata) add(b *block, xor uint32, numberAt int) uint64 {
	number := uint64(len(m.blocks))
	binary.LittleEndian.PutUint64(b[numberAt:], number)
	m.blocks, m.xors = append(m.blocks, b), append(m.xors, xor)
	return number
}

// node adds a node whose values are size bytes long, numbers at their start.
func (m *testMetadata) node(flags uint32, size int, entries []entry64) uint64 {
	b := new(block)
	le := binary.LittleEndian
	le.PutUint32(b[4:], flags)
	le.PutUint32(b[16:], uint32(len(entries)))
	room := (blockSize - nodeHeaderSize) / (8 + size)
	le.PutUint32(b[20:], uint32(room))
	le.PutUint32(b[24:], uint32(size))
	for i, e := range entries {
		le.PutUint64(b[nodeHeaderSize+8*i:], e.key)
		at := nodeHeaderSize + 8*room + size*i
		if size == thinDetailsSize {
			at += 8 // the transaction
		}
		le.PutUint64(b[at:], e.value)
	}
	return m.add(b, nodeXOR, 8)
}

// tree adds a btree and returns its root.
func (m *testMetadata) tree(size int, entries []entry64) uint64 {
	flags := uint32(nodeLeaf)
	for {
		var up []entry64
		for first := 0; first < len(entries) || first == 0; first += m.perBox {
			part := entries[first:min(first+m.perBox, len(entries))]
			number := m.node(flags, size, part)
			if len(part) > 0 {
				up = append(up, entry64{part[0].key, number})
			} else {
				up = append(up, entry64{0, number})
			}
		}
		if len(up) == 1 {
			return up[0].value
		}
		entries, flags, size = up, nodeInternal, 8
	}
}

// array adds an array of numbers and returns the root of its tree.
func (m *testMetadata) array(values []uint64) uint64 {
	var index []entry64
	for first := 0; first < len(values); first += arrayPerBlock {
		b := new(block)
		part := values[first:min(first+arrayPerBlock, len(values))]
		binary.LittleEndian.PutUint32(b[4:], arrayPerBlock)
		binary.LittleEndian.PutUint32(b[8:], uint32(len(part)))
		binary.LittleEndian.PutUint32(b[12:], 8)
		for i, v := range part {
			binary.LittleEndian.PutUint64(b[arrayHeaderSize+8*i:], v)
		}
		index = append(index, entry64{uint64(first / arrayPerBlock), m.add(b, arrayXOR, 16)})
	}
	return m.tree(8, index)
}

// write writes the blocks to data with their checksums.
func (m *testMetadata) write(data []byte) {
	for i, b := range m.blocks {
		binary.LittleEndian.PutUint32(b[:], b.checksum(m.xors[i]))
		copy(data[i*blockSize:], b[:])
	}
}

// A testPool is a thin pool on a test PV, and behind it volumes of it.
type testPool struct {
	*testMetadata
	roots map[uint64]uint64 // of the mapping, by device
	trees [2]uint64         // of volumes, of details
}

const (
	poolExtents  = 160 // of the data: ten chunks
	poolMetadata = 32  // extents, and blocks
	poolChunk    = 16  // extents
)

// newTestPool returns a pool with devices from 1 on, whose mappings are given;
// device n was created in transaction n-1, and the pool is at the next one.
func newTestPool(perBox int, devices ...[]entry64) *testPool {
	p := &testPool{testMetadata: newTestMetadata(), roots: make(map[uint64]uint64)}
	p.perBox = perBox
	super := new(block)
	p.add(super, thinSuperblockXOR, 8)
	var volumes, details []entry64
	for i, mapping := range devices {
		for n := range mapping {
			mapping[n].value <<= thinTimeBits
		}
		id := uint64(i + 1)
		p.roots[id] = p.tree(8, mapping)
		volumes = append(volumes, entry64{id, p.roots[id]})
		details = append(details, entry64{id, id - 1})
	}
	p.trees = [2]uint64{p.tree(8, volumes), p.tree(thinDetailsSize, details)}
	le := binary.LittleEndian
	le.PutUint64(super[32:], thinMagic)
	le.PutUint32(super[40:], 2)
	le.PutUint64(super[48:], uint64(len(devices)))
	le.PutUint64(super[320:], p.trees[0])
	le.PutUint64(super[328:], p.trees[1])
	le.PutUint32(super[336:], poolChunk*4096/sectorSize)
	le.PutUint32(super[340:], blockSize/sectorSize)
	return p
}

// thinText returns a volume of a device of the pool, so many extents long.
func thinText(name string, extents int64, device uint64, rest string) string {
	return lvText(name, segText(0, extents, "thin", fmt.Sprintf("thin_pool = \"pool\"\ntransaction_id = %d\ndevice_id = %d\n%s", device-1, device, rest)))
}

// pv returns the PV with the pool and volumes.
func (p *testPool) pv(transaction int, volumes ...string) PV {
	pool := segText(0, poolExtents, "thin-pool", fmt.Sprintf("metadata = \"pool_tmeta\"\npool = \"pool_tdata\"\ntransaction_id = %d\nchunk_size = 128\ndiscards = \"passdown\"", transaction))
	volumes = append(volumes, lvText("pool", pool), lvText("pool_tmeta", linear(0, poolMetadata, "pv0", 0)),
		lvText("pool_tdata", linear(0, poolExtents, "pv0", poolMetadata)), lvText("plain", linear(0, 1, "pv0", 250)))
	data := onePV('a', vgText("vg", 'g', 1, "a", volumes...)).image()
	p.write(data[testStart:])
	return memory("pv-a", data)
}

// chunks returns the bytes of chunks of the pool's data; -1 is zeros.
func chunks(list ...int) []byte {
	var data []byte
	for _, c := range list {
		if c < 0 {
			data = append(data, make([]byte, poolChunk*4096)...)
		} else {
			data = append(data, expect('a', poolMetadata+c*poolChunk, poolChunk)...)
		}
	}
	return data
}

// reads checks what a volume of group vg holds.
func reads(t *testing.T, fsys *FS, name string, want []byte) {
	t.Helper()
	got, err := fsys.ReadFile("vg/" + name)
	require.NoError(t, err)
	require.Equal(t, len(want), len(got))
	require.True(t, string(want) == string(got), name)
}
