package lvm

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/layer"
)

// The set "wrapped" was renamed some two hundred times; its area holds what
// was not overwritten of that.
func TestGoldenHistory(t *testing.T) {
	fsys, err := Open(golden(t, "wrapped"))
	require.NoError(t, err)
	current := fsys.Groups()[0]
	list, err := fsys.History()
	require.NoError(t, err)
	require.Greater(t, len(list), 5)
	for i, v := range list {
		require.Equal(t, current.UUID, v.UUID)
		require.Equal(t, "vg_wrapped", v.Group)
		require.Equal(t, i == 0, v.Current)
		require.Equal(t, current.Seqno-int64(i), v.Seqno, "one copy of each change")
		require.Contains(t, v.Description, "Write")
		require.NotEmpty(t, v.Host)
		require.Equal(t, "wrapped.pv0", v.PV)
		require.False(t, v.Created.IsZero())
	}
	require.Empty(t, list[0].Differs)
	require.Equal(t, []string{"data", "renamed"}, list[1].Differs)
	require.Empty(t, list[2].Differs)

	want := sums(t, "wrapped")["vg_wrapped/data"]
	for _, group := range []string{"vg_wrapped", current.UUID} {
		older, err := Open(golden(t, "wrapped"), WithSequence(group, list[1].Seqno))
		require.NoError(t, err)
		require.Equal(t, list[1].Seqno, older.Groups()[0].Seqno)
		f, err := older.Open("vg_wrapped/renamed")
		require.NoError(t, err)
		checkVolume(t, "vg_wrapped/renamed", f.(layer.File), want)
		require.ErrorContains(t, older.Warnings()[len(older.Warnings())-1], "is shown as of change")
	}
	_, err = Open(golden(t, "wrapped"), WithSequence("vg_wrapped", 1))
	require.ErrorIs(t, err, layer.ErrIncomplete)
	require.ErrorContains(t, err, "no copy of the metadata has change 1")
	_, err = Open(golden(t, "wrapped"), WithSequence("vg_other", 1))
	require.ErrorIs(t, err, layer.ErrIncomplete)
	require.ErrorContains(t, err, "vg_other: no such group")
}

func TestHistory(t *testing.T) {
	p := onePV('a', one("vg", 'g', 7, "a", 2))
	p.areas[0].at = 8192
	data := p.image()
	put := func(at int64, text string) { copy(data[4096+at:], text+"\x00") }
	put(512, one("vg", 'g', 5, "a", 1))
	put(2048, strings.Replace(one("vg", 'g', 6, "a", 1), "version = 1", "version = ", 1)) // no longer whole
	put(4096, one("other", 'o', 9, "a", 1))                                               // of a group that is not there any more
	put(6144, one("vg", 'g', 7, "a", 2))                                                  // the same as the one in force
	put(11776, one("vg", 'g', 3, "a", 3)[:500])
	copy(data[4096+512+1500:], make([]byte, 12)) // ends the first
	fsys := mustOpen(t, memory("pv", data))
	list, err := fsys.History()
	require.NoError(t, err)
	require.Len(t, list, 2)
	require.Equal(t, []any{int64(7), true, []string(nil)}, []any{list[0].Seqno, list[0].Current, list[0].Differs})
	require.Equal(t, []any{int64(5), false, []string{"lv"}}, []any{list[1].Seqno, list[1].Current, list[1].Differs})
	older, err := Open([]PV{memory("pv", data)}, WithSequence(testUUID('g'), 5))
	require.NoError(t, err)
	require.Equal(t, expect('a', 1, 1), read(t, older))
}

// Areas that cannot be read cost their own copies only.
func TestHistoryErrors(t *testing.T) {
	text := one("vg", 'g', 7, "ab", 2)
	failed := errors.New("bad sector")
	for name, c := range map[string]struct {
		change func(pv *PV)
		want   error
	}{
		"short": {func(pv *PV) { pv.Size = 8192 }, layer.ErrIncomplete},
		"fails": {func(pv *PV) { pv.Reader = until{pv.Reader, 8192, failed} }, failed},
	} {
		bad := onePV('b', text).pv()
		c.change(&bad)
		fsys := mustOpen(t, onePV('a', text).pv(), bad)
		list, err := fsys.History()
		require.ErrorIs(t, err, c.want, name)
		require.Len(t, list, 1, name)
	}
	_, err := ringTexts(PV{Size: 1 << 40}, Area{4096, maxHistory + 1})
	require.ErrorIs(t, err, layer.ErrUnsupported)
}

func TestHistorical(t *testing.T) {
	text := strings.Replace(one("vg", 'g', 7, "a", 2), "logical_volumes {", `historical_logical_volumes {
		gone { id = "`+testUUID('h')+`" creation_time = 1700000000 removal_time = 1700000100 origin = "x" descendants = ["lv"] }
		broken { id = "x" }
	}
	lock_type = "sanlock"
	system_id = "host"
	logical_volumes {`, 1)
	text = strings.Replace(text, `"RESIZEABLE"`, `"EXPORTED", "CLUSTERED"`, 1)
	fsys := mustOpen(t, onePV('a', text).pv())
	g := fsys.Groups()[0]
	require.Len(t, g.Historical, 1)
	require.Equal(t, []any{"gone", testUUID('h'), int64(1700000000), int64(1700000100)},
		[]any{g.Historical[0].Name, g.Historical[0].UUID, g.Historical[0].Created.Unix(), g.Historical[0].Removed.Unix()})
	require.Equal(t, []any{"sanlock", "host", []string{"EXPORTED", "CLUSTERED", "READ", "WRITE"}}, []any{g.LockType, g.SystemID, g.Status})
	require.Equal(t, expect('a', 2, 1), read(t, fsys))
}
