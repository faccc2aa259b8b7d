package lvm

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/layer"
)

// one returns the metadata of a group with one volume, at that extent.
func one(name string, id byte, seqno int, ids string, extent int64) string {
	return vgText(name, id, seqno, ids, lvText("lv", linear(0, 1, "pv0", extent)))
}

func TestOpenErrors(t *testing.T) {
	none := memory("none", make([]byte, 8192))
	orphan := onePV('o', "").pv()
	damaged := onePV('a', one("vg", 'g', 1, "a", 0)).image()
	damaged[4096+areaHeaderSize+3]++
	failed := errors.New("bad sector")
	for name, c := range map[string]struct {
		pvs  []PV
		kind error
		text string
	}{
		"nothing":         {nil, layer.ErrFormat, "no physical volumes"},
		"no label":        {[]PV{none, none}, layer.ErrFormat, "none: no LVM2 label"},
		"cannot be read":  {[]PV{none, {Name: "bad", Reader: failing{failed}, Size: 8192}, none}, failed, "bad: reading the label"},
		"metadata":        {[]PV{orphan, memory("sda2", damaged)}, layer.ErrCorrupt, "sda2: metadata area: text has checksum 0x"},
		"syntax":          {[]PV{onePV('a', "vg {").pv()}, layer.ErrCorrupt, "pv-a: metadata: section without an end at byte 4 of the text (corrupt, at byte 4096)"},
		"not metadata":    {[]PV{onePV('a', `contents = "x" version = 1`).pv()}, layer.ErrCorrupt, `contents "x"`},
		"newer":           {[]PV{onePV('a', strings.Replace(one("vg", 'g', 1, "a", 0), "version = 1", "version = 2", 1)).pv()}, layer.ErrUnsupported, "format version 2"},
		"no version":      {[]PV{onePV('a', strings.Replace(one("vg", 'g', 1, "a", 0), "version = 1", "", 1)).pv()}, layer.ErrCorrupt, `no number "version"`},
		"no group":        {[]PV{onePV('a', `contents = "Text Format Volume Group" version = 1`).pv()}, layer.ErrCorrupt, "no group"},
		"two groups":      {[]PV{onePV('a', one("vg", 'g', 1, "a", 0)+"more { }").pv()}, layer.ErrCorrupt, `two groups, "vg" and "more"`},
		"name of group":   {[]PV{onePV('a', one(`".."`, 'g', 1, "a", 0)).pv()}, layer.ErrCorrupt, `name ".."`},
		"seqno":           {[]PV{onePV('a', one("vg", 'g', -1, "a", 0)).pv()}, layer.ErrCorrupt, `group "vg": no number "seqno"`},
		"extent size":     {[]PV{onePV('a', strings.Replace(one("vg", 'g', 1, "a", 0), "extent_size = 8", "extent_size = 0", 1)).pv()}, layer.ErrCorrupt, "extent size of 0"},
		"status":          {[]PV{onePV('a', strings.Replace(one("vg", 'g', 1, "a", 0), `"RESIZEABLE"`, "5", 1)).pv()}, layer.ErrCorrupt, `"status" holds 5`},
		"name of volume":  {[]PV{onePV('a', vgText("vg", 'g', 1, "a", lvText(`"a/b"`, linear(0, 1, "pv0", 0)))).pv()}, layer.ErrCorrupt, `"a/b" cannot be a logical volume`},
		"volume is a PV":  {[]PV{onePV('a', vgText("vg", 'g', 1, "a", lvText("pv0", linear(0, 1, "pv0", 0)))).pv()}, layer.ErrCorrupt, `"pv0" cannot be`},
		"no volume":       {[]PV{onePV('a', vgText("vg", 'g', 1, "a", "lv = 1\n")).pv()}, layer.ErrCorrupt, `"lv" cannot be`},
		"PV twice":        {[]PV{onePV('a', one("vg", 'g', 1, "aa", 0)).pv()}, layer.ErrCorrupt, `"pv1": UUID ` + testUUID('a') + " for the second time"},
		"no PV":           {[]PV{onePV('a', strings.Replace(one("vg", 'g', 1, "a", 0), "pv0 {", "pv = 1\npv0 {", 1)).pv()}, layer.ErrCorrupt, `"pv": is no section`},
		"PV without size": {[]PV{onePV('a', strings.Replace(one("vg", 'g', 1, "a", 0), "pe_count =", "no =", 1)).pv()}, layer.ErrCorrupt, `no number "pe_count"`},
		"PV too large":    {[]PV{onePV('a', strings.Replace(one("vg", 'g', 1, "a", 0), "pe_start = 32", "pe_start = 36028797018963968", 1)).pv()}, layer.ErrCorrupt, "a size overflows"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Open(c.pvs)
			require.ErrorIs(t, err, c.kind)
			require.ErrorContains(t, err, c.text)
			require.NotContains(t, err.Error(), "\n")
		})
	}
}

// pe_start and the extents of a PV overflow only when they are added.
func TestOverflow(t *testing.T) {
	text := strings.Replace(one("vg", 'g', 1, "a", 1), "pe_start = 32", "pe_start = 18014398509481983", 1)
	_, err := mustOpen(t, onePV('a', text).pv()).Open("vg/lv")
	require.ErrorIs(t, err, layer.ErrCorrupt)
	require.ErrorContains(t, err, "overflows")
}

func TestOrphans(t *testing.T) {
	used := onePV('u', "")
	used.used, used.areas = true, nil
	fsys := mustOpen(t, memory("none", make([]byte, 4096)), onePV('o', "").pv(), used.pv())
	require.Empty(t, fsys.Groups())
	list, err := fsys.ReadDir(".")
	require.NoError(t, err)
	require.Empty(t, list)
	require.Equal(t, []string{
		"lvm: none: no LVM2 label in the first 4 sectors (not this format)",
		"lvm: pv-o: PV " + testUUID('o') + " belongs to no group (at byte 512)",
		"lvm: pv-u: PV " + testUUID('u') + " belongs to a group whose metadata is not there (incomplete, at byte 512)",
	}, texts(fsys.Warnings()))
}

// read returns the extent that vg/lv of one lies on.
func read(t *testing.T, fsys *FS) []byte {
	t.Helper()
	data, err := fsys.ReadFile("vg/lv")
	require.NoError(t, err)
	return data
}

func TestNewestCopy(t *testing.T) {
	older, newer := one("vg", 'g', 4, "ab", 1), one("vg", 'g', 5, "ab", 2)
	fsys := mustOpen(t, onePV('a', newer).pv(), onePV('b', older).pv())
	require.Equal(t, expect('a', 2, 1), read(t, fsys))
	require.Equal(t, []string{`lvm: pv-b: metadata of group "vg", change 4, is out of date: pv-a has change 5 (at byte 4096)`}, texts(fsys.Warnings()))
	fsys = mustOpen(t, onePV('b', newer).pv(), onePV('a', older).pv())
	require.Equal(t, expect('a', 2, 1), read(t, fsys))
	require.Equal(t, []string{`lvm: pv-a: metadata of group "vg", change 4, is out of date: pv-b has change 5 (at byte 4096)`}, texts(fsys.Warnings()))
}

func TestDamagedCopy(t *testing.T) {
	older, newer := one("vg", 'g', 4, "ab", 1), one("vg", 'g', 5, "ab", 2)
	damaged := onePV('b', newer).image()
	damaged[4096+areaHeaderSize+1]++
	fsys := mustOpen(t, onePV('a', older).pv(), memory("pv-b", damaged))
	require.Equal(t, expect('a', 1, 1), read(t, fsys))
	require.Len(t, fsys.Warnings(), 1)
	require.ErrorIs(t, fsys.Warnings()[0], layer.ErrCorrupt)
	require.ErrorContains(t, fsys.Warnings()[0], "pv-b: metadata area: text has checksum 0x")

	// One that is sealed and makes no sense counts as damaged too.
	senseless := strings.Replace(newer, "extent_size = 8", "extent_size = 0", 1)
	fsys = mustOpen(t, onePV('a', older).pv(), onePV('b', senseless).pv())
	require.Equal(t, expect('a', 1, 1), read(t, fsys))
	require.Len(t, fsys.Warnings(), 1)
	require.ErrorContains(t, fsys.Warnings()[0], "extent size of 0 sectors")
}

// Both areas of a PV count; so do those that are not set to be ignored only.
func TestTwoAreas(t *testing.T) {
	p := onePV('a', one("vg", 'g', 1, "a", 3))
	p.areas = []testArea{{offset: 4096, size: 4096, at: 512}, {offset: testSize - 4096, size: 4096, at: 3000}}
	data := p.image()
	require.Empty(t, mustOpen(t, memory("pv-a", data)).Warnings())
	data[4096+600]++
	fsys := mustOpen(t, memory("pv-a", data))
	require.Equal(t, expect('a', 3, 1), read(t, fsys))
	require.Len(t, fsys.Warnings(), 1)

	p.areas[0].flags, p.areas[1].flags = locationIgnored, locationIgnored
	fsys = mustOpen(t, p.pv())
	require.Empty(t, fsys.Groups())
	require.Len(t, fsys.Warnings(), 3)
}

func TestSplitBrain(t *testing.T) {
	fsys := mustOpen(t, onePV('b', one("vg", 'g', 5, "ab", 1)).pv(), onePV('a', one("vg", 'g', 5, "ab", 2)).pv())
	require.Equal(t, expect('a', 1, 1), read(t, fsys))
	require.Len(t, fsys.Warnings(), 1)
	require.ErrorIs(t, fsys.Warnings()[0], layer.ErrCorrupt)

	// When it was written is no part of the group.
	later := strings.Replace(one("vg", 'g', 5, "ab", 1), "1700000000", "1700000001 # later", 1)
	require.Empty(t, mustOpen(t, onePV('b', one("vg", 'g', 5, "ab", 1)).pv(), onePV('a', later).pv()).Warnings())
}

func TestFlaggedMissing(t *testing.T) {
	text := strings.Replace(one("vg", 'g', 5, "a", 1), "device =", "flags = [\"MISSING\"]\ndevice =", 1)
	fsys := mustOpen(t, onePV('a', text).pv())
	require.Equal(t, expect('a', 1, 1), read(t, fsys))
	require.Equal(t, []string{`lvm: pv-a: group "vg" counts PV ` + testUUID('a') + " as missing: it may be out of date"}, texts(fsys.Warnings()))
}

func TestGroupNames(t *testing.T) {
	dirs := func(groups ...*Group) []string {
		nameDirs(groups)
		var list []string
		for _, g := range groups {
			list = append(list, g.Dir)
		}
		return list
	}
	a, b := testUUID('a'), "aaaaaa-abbb-bbbb-bbbb-bbbb-bbbb-bbbbbb"
	require.Equal(t, []string{"vg"}, dirs(&Group{Name: "vg", UUID: a}))
	require.Equal(t, []string{"vg~aaaaaa-a", "vg~bbbbbb-b", "other"},
		dirs(&Group{Name: "vg", UUID: a}, &Group{Name: "vg", UUID: testUUID('b')}, &Group{Name: "other", UUID: a}))
	require.Equal(t, []string{"vg~" + a, "vg~" + b}, dirs(&Group{Name: "vg", UUID: a}, &Group{Name: "vg", UUID: b}))
	require.Equal(t, []string{"vg~aaaaaa-a~1", "vg~aaaaaa-a~2", "vg~bbbbbb-b"},
		dirs(&Group{Name: "vg", UUID: a}, &Group{Name: "vg", UUID: a}, &Group{Name: "vg", UUID: testUUID('b')}))
}

func TestSys(t *testing.T) {
	text := strings.Replace(one("vg", 'g', 5, "a", 1), "segment_count", "creation_time = 1600000000\nsegment_count", 1)
	fsys := mustOpen(t, onePV('a', text).pv())
	info, err := fs.Stat(fsys, ".")
	require.NoError(t, err)
	require.Nil(t, info.Sys())
	require.True(t, info.ModTime().IsZero())
	info, err = fs.Stat(fsys, "vg")
	require.NoError(t, err)
	require.Same(t, fsys.Groups()[0], info.Sys())
	require.EqualValues(t, 1700000000, info.ModTime().Unix())
	info, err = fs.Stat(fsys, "vg/lv")
	require.NoError(t, err)
	require.Same(t, fsys.Groups()[0].Volumes[0], info.Sys())
	require.EqualValues(t, 1600000000, info.ModTime().Unix())
	require.EqualValues(t, 4096, info.Size())
	require.Equal(t, []Segment{{Length: 4096, Type: "striped", Stripes: []Stripe{{"pv0", testStart + 4096}}}}, info.Sys().(*Volume).Segments)
}
