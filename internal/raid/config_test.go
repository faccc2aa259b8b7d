package raid

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/extent"
	"github.com/vmdkfs/vmdkfs/layer"
)

// TestConfigErrors lists arrays that cannot be.
func TestConfigErrors(t *testing.T) {
	good := func(sizes ...int64) []Member {
		var list []Member
		for i, size := range sizes {
			list = append(list, Member{Name: "disk", Mapper: single{i, size}, Size: size, Synced: size})
		}
		return list
	}
	missing := func(n int) []Member { return make([]Member, n) }
	const huge = math.MaxInt64 - 511
	for _, c := range []struct {
		config Config
		kind   error
		text   string
	}{
		{Config{Level: RAID1}, layer.ErrCorrupt, "0 members"},
		{Config{Level: RAID1, Members: missing(maxMembers + 1)}, layer.ErrCorrupt, "1921 members"},
		{Config{Level: RAID5, Chunk: 100, Members: good(1, 1)}, layer.ErrCorrupt, "chunks of 100 bytes"},
		{Config{Level: RAID5, Chunk: -512, Members: good(1, 1)}, layer.ErrCorrupt, "chunks of -512"},
		{Config{Level: RAID1, Size: -1, Members: good(1, 1)}, layer.ErrCorrupt, "-1 bytes of a member"},
		{Config{Level: RAID0, Members: good(1, 1)}, layer.ErrCorrupt, "without a chunk size"},
		{Config{Level: 3, Chunk: 512, Members: good(1, 1)}, layer.ErrUnsupported, "level 3"},
		{Config{Level: RAID1, Size: 2, Members: good(1, 2)}, layer.ErrIncomplete, "disk has 1 bytes of 2"},
		{Config{Level: RAID1, Members: missing(2)}, layer.ErrIncomplete, "cannot do without member 0 (), member 1 ()"},
		{Config{Level: RAID5, Chunk: 512, Members: good(1)}, layer.ErrCorrupt, "level 5 of 1 members"},
		{Config{Level: RAID6, Chunk: 512, Members: missing(256)}, layer.ErrCorrupt, "level 6 of 256 members"},
		{Config{Level: RAID5, Layout: 6, Chunk: 512, Members: good(1, 1)}, layer.ErrUnsupported, "layout 6 of level 5"},
		{Config{Level: RAID5, Layout: 8, Chunk: 512, Members: good(1, 1)}, layer.ErrUnsupported, "layout 8 of level 5"},
		{Config{Level: RAID6, Layout: 21, Chunk: 512, Members: missing(4)}, layer.ErrUnsupported, "layout 21"},
		{Config{Level: RAID5, Chunk: 512, Size: huge, Members: missing(4)}, layer.ErrCorrupt, "4 members of"},
		{Config{Level: RAID10, Layout: 0x102, Chunk: 512, Size: huge, Members: missing(3)}, layer.ErrCorrupt, "3 members of"},
		{Config{Level: RAID10, Layout: 0x100, Chunk: 512, Members: good(1, 1)}, layer.ErrCorrupt, "layout 0x100"},
		{Config{Level: RAID10, Layout: 0x103, Chunk: 512, Members: good(1, 1)}, layer.ErrCorrupt, "layout 0x103"},
		{Config{Level: RAID10, Layout: 0x102 | 3<<17, Chunk: 512, Members: good(1, 1)}, layer.ErrUnsupported, "layout 0x60102"},
		{Config{Level: RAID10, Layout: 0x102, Chunk: 512, Size: 1024, Members: append(good(1024, 1024), missing(2)...)}, layer.ErrIncomplete, "member 2"},
		{Config{Level: RAID0, Chunk: 512, Members: append(good(512), missing(1)...)}, layer.ErrIncomplete, "member 1"},
		{Config{Level: Linear, Members: append(good(512), missing(1)...)}, layer.ErrIncomplete, "member 1"},
		{Config{Level: Linear, Members: good(huge, huge)}, layer.ErrCorrupt, "members of"},
		{Config{Level: RAID0, Chunk: 512, Members: good(huge, huge)}, layer.ErrCorrupt, "members of"},
		{Config{Level: RAID0, Chunk: 512, Members: good(1024, 512)}, layer.ErrUnsupported, "unequal members with layout 0"},
	} {
		_, err := New(c.config)
		require.ErrorIs(t, err, c.kind, c.text)
		require.ErrorContains(t, err, c.text)
	}
}

// TestZones lays out stripes over unequal members by hand.
func TestZones(t *testing.T) {
	const chunk = 512
	member := func(i int, chunks ...byte) Member {
		var data []byte
		for _, c := range chunks {
			data = append(data, bytes.Repeat([]byte{c}, chunk)...)
		}
		return Member{Name: "disk", Mapper: single{i, int64(len(data))}, Reader: bytes.NewReader(data), Size: int64(len(data)) + 100, Synced: 1 << 20}
	}
	for _, c := range []struct {
		level   Level
		layout  Layout
		members []Member
		want    string
	}{
		{Linear, 0, []Member{member(0, 'a', 'b'), member(1, 'c')}, "abc"},
		{RAID0, 0, []Member{member(0, 'a', 'c'), member(1, 'b', 'd')}, "abcd"},
		{RAID0, RAID0Alternate, []Member{member(0, 'a', 'd', 'e'), member(1, 'b'), member(2, 'c', 'e', 'f')}, "abcdeef"},
		// The second zone begins with chunk 3, an odd one, on the second of its members.
		{RAID0, RAID0Original, []Member{member(0, 'a', 'd', 'f'), member(1, 'b'), member(2, 'c', 'e', 'g')}, "abcedgf"},
	} {
		var sources []Member
		sources = append(sources, c.members...) // as runs number them
		a, err := New(Config{Level: c.level, Layout: c.layout, Chunk: chunk, Members: c.members})
		require.NoError(t, err)
		require.EqualValues(t, len(c.want)*chunk, a.Size())
		r := extent.NewReader(a, a.Size())
		got := ""
		for off := int64(0); off < a.Size(); off += chunk {
			run, err := a.Map(off)
			require.NoError(t, err)
			buf := make([]byte, 1)
			_, err = sources[run.Source].Reader.ReadAt(buf, run.Physical)
			require.NoError(t, err)
			got += string(buf)
		}
		require.Equal(t, c.want, got)
		require.Equal(t, a.Size(), r.Size())
		_, err = a.Map(a.Size())
		require.Error(t, err)
	}
	bad := member(0, 'a', 'b')
	bad.Bad = []Range{{600, 10}}
	a, err := New(Config{Level: Linear, Members: []Member{bad}})
	require.NoError(t, err)
	run, err := a.Map(0)
	require.NoError(t, err)
	require.EqualValues(t, 600, run.Length)
	_, err = a.Map(605)
	require.ErrorIs(t, err, layer.ErrIncomplete)
	_, err = a.Map(610)
	require.NoError(t, err)
}

// TestWriteMostly: a member that is write-mostly is read where no other is in
// sync.
func TestWriteMostly(t *testing.T) {
	m := []Member{{Name: "slow", Mapper: single{0, 100}, Size: 100, Synced: 100, Last: true}, {Name: "fast", Mapper: single{1, 100}, Size: 100, Synced: 60}}
	a, err := New(Config{Level: RAID1, Size: 100, Members: m})
	require.NoError(t, err)
	run, err := a.Map(10)
	require.NoError(t, err)
	require.Equal(t, extent.Run{Offset: 10, Length: 50, Source: 1, Physical: 10}, run)
	run, err = a.Map(60)
	require.NoError(t, err)
	require.Equal(t, extent.Run{Offset: 60, Length: 40, Source: 0, Physical: 60}, run)

	// Bad in one place of both.
	m[0].Bad, m[1].Bad = []Range{{20, 10}}, []Range{{25, 10}}
	a, err = New(Config{Level: RAID1, Size: 100, Members: m})
	require.NoError(t, err)
	_, err = a.Map(27)
	require.ErrorIs(t, err, layer.ErrIncomplete)
	require.ErrorContains(t, err, "member 0 (slow), member 1 (fast)")
}

// TestBitmap reads a bitmap of ten regions.
func TestBitmap(t *testing.T) {
	le := binary.LittleEndian
	b := make([]byte, 1024)
	copy(b, "bitm")
	b[4] = 4
	le.PutUint64(b[24:], 7)
	le.PutUint64(b[40:], 10*8)
	le.PutUint32(b[52:], 4096)
	b[256] = 1 << 3
	m, err := ReadBitmap(bytes.NewReader(b), 0, 7)
	require.NoError(t, err)
	require.True(t, m.Clean(0, 3*4096))
	require.False(t, m.Clean(0, 3*4096+1))
	require.False(t, m.Clean(4*4096-1, 1))
	require.True(t, m.Clean(4*4096, 6*4096))
	require.False(t, m.Clean(20*4096, 1))
	m, err = ReadBitmap(bytes.NewReader(b), 0, 8)
	require.NoError(t, err)
	require.Nil(t, m)
	_, err = ReadBitmap(bytes.NewReader(b[:257]), 0, 7)
	require.Error(t, err)
	_, err = ReadBitmap(bytes.NewReader(b[:25]), 0, 7)
	require.Error(t, err)
	le.PutUint64(b[40:], 1<<60)
	_, err = ReadBitmap(bytes.NewReader(b), 0, 7)
	require.ErrorIs(t, err, layer.ErrCorrupt)
	le.PutUint64(b[40:], 1<<50)
	_, err = ReadBitmap(bytes.NewReader(b), 0, 7)
	require.ErrorIs(t, err, layer.ErrUnsupported)
	require.ErrorContains(t, err, "regions, more than 67108864")
	require.False(t, errors.Is(err, layer.ErrCorrupt))
}
