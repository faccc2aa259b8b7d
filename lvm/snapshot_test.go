package lvm

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/layer"
)

// storeOf returns an exception store of 4 KiB chunks with these exceptions.
func storeOf(chunks int, list ...overlay) []byte {
	le := binary.LittleEndian
	data := make([]byte, chunks*4096)
	for i, v := range []uint32{storeMagic, 1, storeVersion, 8} {
		le.PutUint32(data[4*i:], v)
	}
	for i, x := range list {
		area := 1 + i/256*257
		le.PutUint64(data[area*4096+i%256*16:], x.block)
		le.PutUint64(data[area*4096+i%256*16+8:], x.at)
	}
	return data
}

// TestExceptionStore reads stores of one area and of more.
func TestExceptionStore(t *testing.T) {
	var many []overlay
	for i := range uint64(600) {
		many = append(many, overlay{i * 2, 2 + i + i/256})
	}
	for _, list := range [][]overlay{nil, {{7, 2}}, many[:255], many[:256], many} {
		data := storeOf(700, list...)
		s, err := openStore(bytes.NewReader(data), int64(len(data)))
		require.NoError(t, err)
		got, err := s.exceptions()
		require.NoError(t, err)
		require.Equal(t, list, got)
	}
	s, err := openStore(bytes.NewReader(make([]byte, 4096)), 4096)
	require.NoError(t, err)
	list, err := s.exceptions()
	require.NoError(t, err)
	require.Empty(t, list)
}

func TestExceptionStoreErrors(t *testing.T) {
	full := make([]overlay, 256)
	for i := range full {
		full[i] = overlay{uint64(i), 2}
	}
	for _, c := range []struct {
		data   []byte
		change func([]byte)
		kind   error
		text   string
	}{
		{storeOf(4), func(b []byte) { b[0]++ }, layer.ErrCorrupt, "magic 0x70416e54"},
		{storeOf(4), func(b []byte) { b[4] = 0 }, layer.ErrIncomplete, "marked invalid"},
		{storeOf(4), func(b []byte) { b[8] = 2 }, layer.ErrUnsupported, "version 2"},
		{storeOf(4), func(b []byte) { b[12] = 0 }, layer.ErrCorrupt, "chunks of 0 bytes"},
		{storeOf(4), func(b []byte) { b[12] = 3 }, layer.ErrCorrupt, "chunks of 1536 bytes"},
		{storeOf(4), func(b []byte) { b[13] = 1; b[12] = 0 }, layer.ErrCorrupt, "chunks of 131072 bytes"},
		{storeOf(4), func(b []byte) { b[15] = 0x80; b[12] = 0 }, layer.ErrCorrupt, "chunks of"},
		{storeOf(4, overlay{0, 4}), func([]byte) {}, layer.ErrCorrupt, "exception of chunk 0 in 4 of 4"},
		{storeOf(4, overlay{1 << 52, 2}), func([]byte) {}, layer.ErrCorrupt, "exception of chunk 4503599627370496"},
		{storeOf(200, full...), func([]byte) {}, layer.ErrCorrupt, "behind the end of the store"},
	} {
		c.change(c.data)
		s, err := openStore(bytes.NewReader(c.data), int64(len(c.data)))
		if err == nil {
			_, err = s.exceptions()
		}
		require.ErrorIs(t, err, c.kind, c.text)
		require.ErrorContains(t, err, c.text)
	}
	failed := errors.New("bad sector")
	_, err := openStore(until{bytes.NewReader(nil), 0, failed}, 4096)
	require.ErrorIs(t, err, failed)
	s, err := openStore(until{bytes.NewReader(storeOf(4)), 4096, failed}, 4*4096)
	require.NoError(t, err)
	_, err = s.exceptions()
	require.ErrorIs(t, err, failed)
}

// onStore returns a PV with an origin of 4 extents, from extent 10 on, and a
// store of 6, from extent 20 on, that holds data.
func onStore(holder string, data []byte, more ...string) PV {
	volumes := append(more, lvText("origin", linear(0, 4, "pv0", 10)), lvText("cow", linear(0, 6, "pv0", 20)), lvText("snapshot0", holder))
	image := onePV('a', vgText("vg", 'g', 1, "a", volumes...)).image()
	copy(image[testStart+20*4096:], data)
	return memory("pv", image)
}

// TestSnapshot: a snapshot shows its store's chunks and its origin's, and while
// it is merged its origin shows the same.
func TestSnapshot(t *testing.T) {
	store := storeOf(3, overlay{1, 5}, overlay{3, 2})
	want := append(append(append(expect('a', 10, 1), expect('a', 25, 1)...), expect('a', 12, 1)...), expect('a', 22, 1)...)
	// The store's chunk 2 is what storeOf left there: nothing.
	copy(want[3*4096:], make([]byte, 4096))

	fsys := mustOpen(t, onStore(segText(0, 4, "snapshot", `origin = "origin" cow_store = "cow" chunk_size = 8`), store))
	got, err := fsys.ReadFile("vg/cow")
	require.NoError(t, err)
	require.True(t, bytes.Equal(want, got))
	got, err = fsys.ReadFile("vg/origin")
	require.NoError(t, err)
	require.Equal(t, expect('a', 10, 4), got)

	fsys = mustOpen(t, onStore(segText(0, 4, "snapshot", `origin = "origin" merging_store = "cow" chunk_size = 8`), store))
	got, err = fsys.ReadFile("vg/origin")
	require.NoError(t, err)
	require.True(t, bytes.Equal(want, got))
	_, err = fsys.Open("vg/cow")
	require.Error(t, err)
}

// TestSnapshotErrors: what is wrong with a snapshot is not its origin's matter.
func TestSnapshotErrors(t *testing.T) {
	for _, c := range []struct {
		holder string
		data   []byte
		more   string
		kind   error
		text   string
	}{
		{segText(0, 5, "snapshot", `origin = "origin" cow_store = "cow"`), storeOf(6), "", layer.ErrCorrupt, "snapshot of 20480 bytes, of an origin of 16384"},
		{segText(0, 4, "snapshot", `origin = "cow" cow_store = "cow"`), storeOf(6), "", layer.ErrCorrupt, `lies on "cow", which lies on it`},
		{segText(0, 4, "snapshot", `origin = "origin" cow_store = "cow"`), storeOf(6), lvText("snapshot1", segText(0, 4, "snapshot", `origin = "origin" cow_store = "cow"`)), layer.ErrCorrupt, "both snapshots"},
		{segText(0, 4, "snapshot", `origin = "other" cow_store = "cow"`), storeOf(6), lvText("other", linear(0, 6, "pv0", 30)) +
			lvText("snapshot1", segText(0, 4, "snapshot", `origin = "origin" cow_store = "other"`)), layer.ErrCorrupt, "exception store with magic"},
		{segText(0, 4, "snapshot", `origin = "origin" cow_store = "cow"`), storeOf(6, overlay{1, 2}, overlay{1, 3}), "", layer.ErrCorrupt, "block 1 lies in block"},
	} {
		fsys := mustOpen(t, onStore(c.holder, c.data, c.more))
		f, err := fsys.Open("vg/cow")
		if err == nil {
			_, err = io.Copy(io.Discard, f)
		}
		require.ErrorIs(t, err, c.kind, c.text)
		require.ErrorContains(t, err, c.text)
		got, err := fsys.ReadFile("vg/origin")
		require.NoError(t, err)
		require.Equal(t, expect('a', 10, 4), got)
	}
}
