package vmdk

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/layer"
)

// whole returns what an undamaged disk holds.
func whole(t testing.TB, dir fstest.MapFS, name string) []byte {
	data, err := mustOpen(t, dir, name).ReadFile("disk")
	require.NoError(t, err)
	return data
}

// patched returns dir with a copy of a file that edit has changed.
func patched(dir fstest.MapFS, name string, edit func(data []byte)) fstest.MapFS {
	data := bytes.Clone(dir[name].Data)
	edit(data)
	dir[name] = &fstest.MapFile{Data: data}
	return dir
}

// failing reads a disk in pieces of step bytes and returns the offsets of those
// that cannot be read, and the last error. The others must be as they should.
func failing(t testing.TB, f *FS, want []byte, step int) (bad []int, last error) {
	file := content(t, f)
	require.EqualValues(t, len(want), file.Size())
	buf := make([]byte, step)
	for off := 0; off < len(want); off += step {
		part := want[off:min(off+step, len(want))]
		_, err := file.ReadAt(buf[:len(part)], int64(off))
		if err != nil {
			bad, last = append(bad, off), err
			continue
		}
		require.True(t, bytes.Equal(part, buf[:len(part)]), "wrong bytes at %d", off)
	}
	return bad, last
}

func isDamage(err error) bool {
	return errors.Is(err, layer.ErrCorrupt) || errors.Is(err, layer.ErrIncomplete)
}

// TestTruncated: whatever is cut off, what is read is right, and what is not
// there is an error.
func TestTruncated(t *testing.T) {
	for disk, file := range map[string]string{
		"monolithicSparse.vmdk": "monolithicSparse.vmdk",
		"tables16.vmdk":         "tables16.vmdk",
		"streamOptimized.vmdk":  "streamOptimized.vmdk",
		"ovf.vmdk":              "ovf.vmdk",
		"ovf-gd.vmdk":           "ovf-gd.vmdk",
		"base-000001.vmdk":      "base-000001-delta.vmdk",
		"base-000002.vmdk":      "base-000002-sesparse.vmdk",
		"chain7.vmdk":           "chain4.vmdk",
		"large.vmdk":            "large-sesparse.vmdk",
	} {
		t.Run(disk, func(t *testing.T) {
			dir := sparseFS(t)
			want := whole(t, dir, disk)
			data := dir[file].Data
			random := rand.New(rand.NewPCG(1, 2))
			cuts := []int{0, 1, 511, 512, 1024, 4096, len(data) - 1, len(data) - 512, len(data) - 1024, len(data) - 2000}
			for range 25 {
				cuts = append(cuts, random.IntN(len(data)))
			}
			opened := 0
			for _, n := range cuts {
				dir[file] = &fstest.MapFile{Data: data[:n]}
				f, err := Open(dir, disk)
				if err != nil {
					require.True(t, isDamage(err) || errors.Is(err, layer.ErrFormat), "%d: %v", n, err)
					continue
				}
				if opened++; f.Descriptor() == nil {
					continue // all that is left reads as a raw image
				}
				bad, err := failing(t, f, want, 4096)
				if len(bad) > 0 {
					require.True(t, isDamage(err), "%d: %v", n, err)
				}
			}
			require.Greater(t, opened, 5)
		})
	}
}

// grainTables returns where the grain tables of a hosted extent lie in data,
// of the directory that begins at sector gd.
func grainTables(data []byte, gd uint64) (tables []int) {
	for off := int(gd) * 512; ; off += 4 {
		sector := binary.LittleEndian.Uint32(data[off:])
		if sector == 0 {
			return tables
		}
		tables = append(tables, int(sector)*512)
	}
}

// firstStored returns the offset of the first entry of a table that is a
// grain's.
func firstStored(t testing.TB, data []byte, tables []int) int {
	for _, table := range tables {
		for i := range 16 {
			if binary.LittleEndian.Uint32(data[table+4*i:]) > 1 {
				return table + 4*i
			}
		}
	}
	require.Fail(t, "no grain is stored")
	return 0
}

// TestRedundantTables damages what a redundant grain directory can make good.
func TestRedundantTables(t *testing.T) {
	const name = "tables16.vmdk"
	want := whole(t, sparseFS(t), name)
	header := (*hostedHeader)(sparseFS(t)[name].Data)
	gd, rgd := int(header.gdOffset())*512, int(header.rgdOffset())*512
	tables := grainTables(sparseFS(t)[name].Data, header.gdOffset())
	require.Greater(t, len(tables), 10)
	for what, edit := range map[string]func(data []byte){
		"a directory of zeros":          func(d []byte) { clear(d[gd : gd+4*len(tables)]) },
		"a directory of nonsense":       func(d []byte) { copy(d[gd:], bytes.Repeat([]byte{0xfe}, 4*len(tables))) },
		"a directory of 0xff":           func(d []byte) { copy(d[gd:], bytes.Repeat([]byte{0xff}, 40)) },
		"a table of zeros":              func(d []byte) { clear(d[tables[0] : tables[0]+64]) },
		"a table of nonsense":           func(d []byte) { copy(d[tables[0]:], bytes.Repeat([]byte{0xfe}, 64)) },
		"an entry that names metadata":  func(d []byte) { d[firstStored(t, d, tables)] = 1; clear(d[firstStored(t, d, tables)+1:][:3]) },
		"the redundant one of nonsense": func(d []byte) { copy(d[rgd:], bytes.Repeat([]byte{0xfe}, 4*len(tables))) },
	} {
		f := mustOpen(t, patched(sparseFS(t), name, edit), name)
		bad, err := failing(t, f, want, 4096)
		require.Empty(t, bad, "%s: %v", what, err)
		require.NotEmpty(t, f.Warnings(), what)
		require.LessOrEqual(t, len(f.Warnings()), maxWarnings)
		require.ErrorContains(t, f.Warnings()[0], "damaged", what)
	}
	// Two tables that name two grains: nobody knows which is right.
	f := mustOpen(t, patched(sparseFS(t), name, func(d []byte) {
		e := d[firstStored(t, d, tables):]
		binary.LittleEndian.PutUint32(e, binary.LittleEndian.Uint32(e)-16)
	}), name)
	bad, err := failing(t, f, want, 4096)
	require.ErrorIs(t, err, layer.ErrCorrupt)
	require.ErrorContains(t, err, "the two grain tables differ")
	require.Len(t, bad, 2) // one grain of 8 KiB
}

// TestDamagedEntries: a bad entry costs its own grain and nothing else.
func TestDamagedEntries(t *testing.T) {
	const outside = 0x7fffff00
	for _, tt := range []struct {
		disk, file string
		grain      int // bytes
		entry      func(data []byte) int
		set        func(entry []byte)
		want       string
	}{
		{"base-000001.vmdk", "base-000001-delta.vmdk", 512, cowdEntry, func(e []byte) { binary.LittleEndian.PutUint32(e, outside) }, "where none can be"},
		{"base-000001.vmdk", "base-000001-delta.vmdk", 512, cowdEntry, func(e []byte) { binary.LittleEndian.PutUint32(e, 3) }, "where none can be"},
		{"base-000002.vmdk", "base-000002-sesparse.vmdk", 4096, seEntry, func(e []byte) { e[7] = 0x40 }, "where none can be"},
		{"base-000002.vmdk", "base-000002-sesparse.vmdk", 4096, seEntry, func(e []byte) { e[5] = 0x10 }, "where none can be"},
		{"base-000002.vmdk", "base-000002-sesparse.vmdk", 4096, seEntry, func(e []byte) { e[7] = 0 }, "where none can be"},
		{"ovf-gd.vmdk", "ovf-gd.vmdk", 65536, streamEntry, func(e []byte) { binary.LittleEndian.PutUint32(e, outside) }, "where none can be"},
		{"ovf-gd.vmdk", "ovf-gd.vmdk", 65536, streamEntry, func(e []byte) { copy(e[:4], e[4:8]) }, "says that it is the one of sector 128, not 0"},
		{"ovf-raw.vmdk", "ovf-raw.vmdk", 65536, streamEntry, func(e []byte) { binary.LittleEndian.PutUint32(e, 1) }, "compressed grain 0: zlib"},
	} {
		dir := sparseFS(t)
		want := whole(t, dir, tt.disk)
		patched(dir, tt.file, func(data []byte) { tt.set(data[tt.entry(data):]) })
		bad, err := failing(t, mustOpen(t, dir, tt.disk), want, 512)
		require.ErrorIs(t, err, layer.ErrCorrupt)
		require.ErrorContains(t, err, tt.want)
		require.ErrorContains(t, err, tt.file)
		require.Len(t, bad, tt.grain/512, tt.file)
		require.Equal(t, bad[0]/tt.grain, bad[len(bad)-1]/tt.grain)
	}
}

// cowdEntry returns where the first entry of a grain lies in a COWD extent.
func cowdEntry(data []byte) int {
	table := int(binary.LittleEndian.Uint32(data[4*512:])) * 512
	for ; binary.LittleEndian.Uint32(data[table:]) == 0; table += 4 {
	}
	return table
}

// seEntry returns that of a space-efficient one.
func seEntry(data []byte) int {
	table := int((*seHeader)(data).grainTablesOffset()) * 512
	for ; data[table+7]>>4 != 3 || binary.LittleEndian.Uint64(data[table:]) == 3<<60; table += 8 {
	}
	return table
}

// streamEntry returns that of a stream with its directory in the header or in
// the footer.
func streamEntry(data []byte) int {
	header := (*hostedHeader)(data)
	if header.gdOffset() == directoryEnd {
		header = (*hostedHeader)(data[len(data)-1024:])
	}
	return grainTables(data, header.gdOffset())[0]
}

// TestDamagedGrains damages compressed grains.
func TestDamagedGrains(t *testing.T) {
	const name = "ovf-gd.vmdk"
	want := whole(t, sparseFS(t), name)
	for text, edit := range map[string]func(grain []byte){
		"has a length of 0 bytes":          func(g []byte) { clear(g[8:12]) },
		"has a length of 4294967295 bytes": func(g []byte) { copy(g[8:], "\xff\xff\xff\xff") },
		"unexpected EOF":                   func(g []byte) { binary.LittleEndian.PutUint32(g[8:], binary.LittleEndian.Uint32(g[8:])-9) },
		"zlib: invalid header":             func(g []byte) { g[12] = 0 },
		"zlib: invalid checksum":           func(g []byte) { g[12+binary.LittleEndian.Uint32(g[8:])-1]++ },
		"sector 1, not 0":                  func(g []byte) { g[0] = 1 },
		"flate: corrupt input":             func(g []byte) { copy(g[14:], "\xff\xff\xff\xff\xff\xff") },
		"less data than the grain has":     func(g []byte) { replace(g, make([]byte, 1000)) },
		"more data than the grain has":     func(g []byte) { replace(g, make([]byte, 70000)) },
	} {
		dir := patched(sparseFS(t), name, func(data []byte) {
			edit(data[512*binary.LittleEndian.Uint32(data[streamEntry(data):]):])
		})
		f := mustOpen(t, dir, name)
		bad, err := failing(t, f, want, 512)
		require.ErrorIs(t, err, layer.ErrCorrupt, text)
		require.ErrorContains(t, err, text)
		require.Len(t, bad, 128, text)
		// A larger read gives an error too, and the others are read whole.
		bad, err = failing(t, f, want, 65536)
		require.ErrorContains(t, err, text)
		require.Equal(t, []int{0}, bad)
		_, err = content(t, f).ReadAt(make([]byte, 1<<20), 0)
		require.ErrorContains(t, err, text)
	}
}

// TestOverlappingGrains: entries that name one grain twice are told by what
// the grain says of itself.
func TestOverlappingGrains(t *testing.T) {
	const name = "ovf-gd.vmdk"
	want := whole(t, sparseFS(t), name)
	dir := patched(sparseFS(t), name, func(data []byte) {
		e := data[streamEntry(data):]
		a, b := slices.Clone(e[:4]), slices.Clone(e[4:8])
		copy(e, b)
		copy(e[4:], a)
	})
	bad, err := failing(t, mustOpen(t, dir, name), want, 65536)
	require.ErrorContains(t, err, "says that it is")
	require.Equal(t, []int{0, 65536}, bad)
}

// replace puts other data in the place of a compressed grain.
func replace(grain, data []byte) {
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	z.Write(data)
	z.Close()
	binary.LittleEndian.PutUint32(grain[8:], uint32(b.Len()))
	copy(grain[12:], b.Bytes())
}
