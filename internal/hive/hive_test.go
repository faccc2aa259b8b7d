package hive

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
	"github.com/vmdkfs/vmdkfs/layer"
)

// An xmlNode is a key as hivexml prints it.
type xmlNode struct {
	Name   string `xml:"name,attr"`
	Values []struct {
		Key      string `xml:"key,attr"`
		Type     string `xml:"type,attr"`
		Encoding string `xml:"encoding,attr"`
		Value    string `xml:"value,attr"`
		Text     string `xml:",chardata"`
	} `xml:"value"`
	Nodes []xmlNode `xml:"node"`
}

func open(t testing.TB, name string) *Hive {
	t.Helper()
	data := testimg.Load(t, "winguest/hives/"+name+".gz")
	h, err := Open(bytes.NewReader(data), int64(len(data)))
	require.NoError(t, err)
	return h
}

// TestHives compares hives with what hivexml reads in them.
func TestHives(t *testing.T) {
	for _, name := range testimg.Names(t, "winguest/hives/*.xml.gz") {
		name := strings.TrimSuffix(path.Base(name), ".xml.gz")
		t.Run(name, func(t *testing.T) {
			var want struct {
				Node xmlNode `xml:"node"`
			}
			require.NoError(t, xml.Unmarshal(testimg.Load(t, "winguest/hives/"+name+".xml.gz"), &want))
			h := open(t, name)
			require.True(t, h.Clean())
			require.Equal(t, 2022, h.Written().Year())
			root, err := h.Root()
			require.NoError(t, err)
			compare(t, want.Node, root)
		})
	}
}

func compare(t *testing.T, want xmlNode, k *Key) {
	require.Equal(t, want.Name, k.Name)
	at := 0
	for v, err := range k.Values() {
		require.NoError(t, err)
		w := want.Values[at]
		at++
		require.Equal(t, w.Key, v.Name)
		data, err := v.Data()
		require.NoError(t, err)
		text := strings.ReplaceAll(w.Value+w.Text, "\n", "")
		switch w.Type {
		case "string", "expand":
			got, err := v.Text()
			require.NoError(t, err)
			if w.Encoding == "base64" { // it ends before its data does
				require.Equal(t, text, base64.StdEncoding.EncodeToString(data))
				continue
			}
			require.Equal(t, text, got)
		case "int32":
			got, err := v.Number()
			require.NoError(t, err)
			require.Equal(t, text, strconv.Itoa(int(int32(got))))
		default:
			require.Equal(t, text, base64.StdEncoding.EncodeToString(data), "%s of type %s", v.Name, w.Type)
		}
	}
	require.Len(t, want.Values, at)
	at = 0
	for sub, err := range k.Subkeys() {
		require.NoError(t, err)
		compare(t, want.Nodes[at], sub)
		found, err := k.Subkey(strings.ToUpper(sub.Name))
		require.NoError(t, err)
		require.Equal(t, sub.Name, found.Name)
		at++
	}
	require.Len(t, want.Nodes, at)
	_, err := k.Subkey("none such")
	require.ErrorIs(t, err, fs.ErrNotExist)
	_, err = k.Value("none such")
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func TestValues(t *testing.T) {
	h := open(t, "SYSTEM")
	k, err := h.Key(`controlset002\control\TIMEZONEINFORMATION`)
	require.NoError(t, err)
	v, err := k.Value("timezonekeyname")
	require.NoError(t, err)
	text, err := v.Text()
	require.NoError(t, err)
	require.Equal(t, "W. Euro", text) // what is behind the NUL is not there
	_, err = v.Number()
	require.ErrorIs(t, err, layer.ErrCorrupt)
	_, err = v.Time()
	require.ErrorIs(t, err, layer.ErrCorrupt)
	v, err = k.Value("Bias")
	require.NoError(t, err)
	_, err = v.Text()
	require.ErrorIs(t, err, layer.ErrCorrupt)

	k, err = h.Key(`ControlSet002\Control\Windows`)
	require.NoError(t, err)
	v, err = k.Value("ShutdownTime")
	require.NoError(t, err)
	when, err := v.Time()
	require.NoError(t, err)
	require.Equal(t, time.Date(2026, 11, 17, 3, 4, 5, 123456700, time.UTC), when)
	require.True(t, FileTime(0).IsZero())
	_, err = h.Key(`ControlSet002\Nothing\Windows`)
	require.ErrorIs(t, err, fs.ErrNotExist)
}

// A builder makes hives with what hivexsh does not make.
type builder struct{ bins []byte }

// add appends a cell and returns its offset.
func (b *builder) add(parts ...any) uint32 {
	if len(b.bins) == 0 {
		b.bins = make([]byte, 32)
	}
	var data []byte
	for _, p := range parts {
		switch p := p.(type) {
		case string:
			data = append(data, p...)
		case []byte:
			data = append(data, p...)
		default:
			data, _ = binary.Append(data, binary.LittleEndian, p)
		}
	}
	size := (len(data) + 4 + 7) &^ 7
	at := len(b.bins)
	b.bins = binary.LittleEndian.AppendUint32(b.bins, uint32(-size))
	b.bins = append(append(b.bins, data...), make([]byte, size-4-len(data))...)
	return uint32(at)
}

// key appends a key.
func (b *builder) key(name string, subkeys int, list uint32, values int, valueList uint32) uint32 {
	c := make([]byte, keyName)
	copy(c, "nk")
	le := binary.LittleEndian
	le.PutUint16(c[keyFlags:], flagLatin1)
	le.PutUint32(c[keySubkeyCount:], uint32(subkeys))
	le.PutUint32(c[keySubkeys:], list)
	le.PutUint32(c[keyValueCount:], uint32(values))
	le.PutUint32(c[keyValues:], valueList)
	le.PutUint16(c[keyNameLength:], uint16(len(name)))
	return b.add(c, name)
}

// value appends a value without a name.
func (b *builder) value(size, offset uint32) uint32 {
	return b.add("vk", uint16(0), size, offset, uint32(TypeBinary), uint16(1), uint16(0))
}

// hive returns the hive with that root; change may spoil the base block.
func (b *builder) hive(root uint32, change func(base []byte)) (*Hive, error) {
	base := make([]byte, baseSize)
	le := binary.LittleEndian
	copy(base, "regf")
	for at, n := range map[int]uint32{4: 2, 8: 1, 20: 1, 24: 5, 32: 1, 36: root, 40: uint32(len(b.bins))} {
		le.PutUint32(base[at:], n)
	}
	if change != nil {
		change(base)
	}
	le.PutUint32(base[508:], (*baseBlock)(base).sum())
	all := append(base, b.bins...)
	return Open(bytes.NewReader(all), int64(len(all)))
}

// TestLists: keys in every kind of list, and data in several cells.
func TestLists(t *testing.T) {
	var b builder
	one, two, three := b.key("one", 0, none, 0, none), b.key("T\xdco", 0, none, 0, none), b.key("three", 0, none, 0, none)
	li := b.add("li", uint16(1), one)
	lf := b.add("lf", uint16(1), two, "T\xdco\x00")
	lh := b.add("lh", uint16(1), three, uint32(12345)) // a hash that is wrong
	ri := b.add("ri", uint16(3), li, lf, lh)
	big := bytes.Repeat([]byte("segments "), 4000)
	parts := []uint32{b.add(big[:bigSegment]), b.add(big[bigSegment : 2*bigSegment]), b.add(big[2*bigSegment:])}
	db := b.add("db", uint16(3), b.add(parts))
	values := b.add(b.value(uint32(len(big)), db), b.value(0, none))
	h, err := b.hive(b.key("root", 3, ri, 2, values), nil)
	require.NoError(t, err)
	require.False(t, h.Clean())
	root, err := h.Root()
	require.NoError(t, err)
	var names []string
	for k, err := range root.Subkeys() {
		require.NoError(t, err)
		names = append(names, k.Name)
	}
	require.Equal(t, []string{"one", "T\u00dco", "three"}, names)
	_, err = root.Subkey("t\u00fcO")
	require.NoError(t, err)
	_, err = root.Subkey("Three")
	require.NoError(t, err)
	var datas [][]byte
	for v, err := range root.Values() {
		require.NoError(t, err)
		data, err := v.Data()
		require.NoError(t, err)
		datas = append(datas, data)
	}
	require.Equal(t, [][]byte{big, nil}, datas)
}

// TestDamage: what is wrong is told, and ends.
func TestDamage(t *testing.T) {
	for name, test := range map[string]struct {
		build func(b *builder) uint32 // returns the root
		kind  error
		text  string
	}{
		"no cell":       {func(b *builder) uint32 { return 0x7FFFFFF8 }, layer.ErrCorrupt, "no cell can be there"},
		"between cells": {func(b *builder) uint32 { return 33 }, layer.ErrCorrupt, "no cell can be there"},
		"a free cell":   {func(b *builder) uint32 { b.add("x"); b.bins[32] = 8; copy(b.bins[33:], "\x00\x00\x00"); return 32 }, layer.ErrCorrupt, "not in use"},
		"a short key":   {func(b *builder) uint32 { return b.add("nk") }, layer.ErrCorrupt, "a cell of 8 bytes"},
		"a long cell":   {func(b *builder) uint32 { at := b.key("k", 0, none, 0, none); b.bins[at] = 0; return at }, layer.ErrCorrupt, "a cell of 256 bytes"},
		"no key":        {func(b *builder) uint32 { return b.add("xx", make([]byte, 100)) }, layer.ErrCorrupt, `"xx" where a key`},
		"a long name": {func(b *builder) uint32 {
			at := b.key("k", 0, none, 0, none)
			b.bins[at+4+keyNameLength] = 99
			return at
		}, layer.ErrCorrupt, "a name of 99"},
		"no list":      {func(b *builder) uint32 { return b.key("k", 1, b.add("xx", uint32(0)), 0, none) }, layer.ErrCorrupt, "where a list"},
		"a short list": {func(b *builder) uint32 { return b.key("k", 1, b.add("li", uint16(9)), 0, none) }, layer.ErrCorrupt, "a list of 9"},
		"fewer keys": {func(b *builder) uint32 {
			k := b.key("k", 0, none, 0, none)
			return b.key("k", 2, b.add("li", uint16(1), k), 0, none)
		}, layer.ErrCorrupt, "has 1 fewer"},
		"more keys": {func(b *builder) uint32 {
			k := b.key("k", 0, none, 0, none)
			return b.key("k", 1, b.add("li", uint16(2), k, k), 0, none)
		}, layer.ErrCorrupt, "more keys than"},
		"too many keys":    {func(b *builder) uint32 { return b.key("k", 1<<20, none, 0, none) }, layer.ErrCorrupt, "a key with 1048576 keys"},
		"a list of itself": {func(b *builder) uint32 { return b.key("k", 1, b.add("ri", uint16(1), uint32(32)), 0, none) }, layer.ErrCorrupt, "a list of lists"},
		"an empty list": {func(b *builder) uint32 {
			li := b.add("li", uint16(0))
			return b.key("k", 1, b.add("ri", uint16(1), li), 0, none)
		}, layer.ErrCorrupt, "an empty list"},
		"too many values":   {func(b *builder) uint32 { return b.key("k", 0, none, 1<<20, none) }, layer.ErrCorrupt, "a key with 1048576 values"},
		"no list of values": {func(b *builder) uint32 { return b.key("k", 0, none, 1, none) }, layer.ErrCorrupt, "no cell can be"},
		"no value":          {func(b *builder) uint32 { k := b.key("k", 0, none, 0, none); return b.key("k", 0, none, 1, b.add(k)) }, layer.ErrCorrupt, "where a value"},
		"inline":            {func(b *builder) uint32 { return b.key("k", 0, none, 1, b.add(b.value(sizeInline|5, 0))) }, layer.ErrCorrupt, "5 bytes in the place of four"},
		"too large":         {func(b *builder) uint32 { return b.key("k", 0, none, 1, b.add(b.value(maxValue+1, 0))) }, layer.ErrUnsupported, "a value of 1048577 bytes"},
		"no data":           {func(b *builder) uint32 { return b.key("k", 0, none, 1, b.add(b.value(100, none))) }, layer.ErrCorrupt, "no cell can be"},
		"no segments": {func(b *builder) uint32 {
			return b.key("k", 0, none, 1, b.add(b.value(bigSegment+1, b.add("db", uint16(1), uint32(0)))))
		}, layer.ErrCorrupt, "of 1 segments"},
		"no list of them": {func(b *builder) uint32 {
			return b.key("k", 0, none, 1, b.add(b.value(bigSegment+1, b.add("db", uint16(2), uint32(none)))))
		}, layer.ErrCorrupt, "no cell can be"},
		"a segment is short": {func(b *builder) uint32 {
			s := b.add("s")
			return b.key("k", 0, none, 1, b.add(b.value(bigSegment+1, b.add("db", uint16(2), b.add(s, s)))))
		}, layer.ErrCorrupt, "a cell of 8 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			var b builder
			h, err := b.hive(test.build(&b), nil)
			require.NoError(t, err)
			err = readAll(h)
			require.ErrorIs(t, err, test.kind)
			require.ErrorContains(t, err, test.text)
		})
	}
}

func TestBaseBlock(t *testing.T) {
	for _, test := range []struct {
		change func(base []byte)
		kind   error
	}{
		{func(base []byte) { base[0] = 'x' }, layer.ErrFormat},
		{func(base []byte) { base[20] = 2 }, layer.ErrUnsupported},
		{func(base []byte) { base[28] = 1 }, layer.ErrUnsupported},
		{func(base []byte) { base[41] = 99 }, layer.ErrIncomplete},
	} {
		var b builder
		_, err := b.hive(b.key("k", 0, none, 0, none), test.change)
		require.ErrorIs(t, err, test.kind)
	}
	_, err := Open(strings.NewReader("regf"), 4)
	require.ErrorIs(t, err, layer.ErrFormat)
	data := testimg.Load(t, "winguest/hives/SYSTEM.gz")
	data[4] ^= 1
	_, err = Open(bytes.NewReader(data), int64(len(data)))
	require.ErrorIs(t, err, layer.ErrCorrupt)
	_, err = Open(bytes.NewReader(nil), baseSize)
	require.Error(t, err)
	block := baseBlock{}
	require.Equal(t, uint32(1), block.sum())
	copy(block[:], "\xff\xff\xff\xff")
	require.Equal(t, uint32(0xFFFFFFFE), block.sum())
}

// readAll reads all of a hive and returns the first error. The tree may be one
// of a hostile hive, so that its depth is bounded.
func readAll(h *Hive) error {
	root, err := h.Root()
	if err != nil {
		return err
	}
	left := 5000
	return readKey(root, 20, &left)
}

func readKey(k *Key, depth int, left *int) error {
	for v, err := range k.Values() {
		if err != nil {
			return err
		}
		if _, err := v.Data(); err != nil {
			return err
		}
		v.Text()
		v.Number()
		v.Time()
	}
	for sub, err := range k.Subkeys() {
		if err != nil {
			return err
		}
		if *left--; *left > 0 && depth > 0 {
			if err := readKey(sub, depth-1, left); err != nil {
				return err
			}
		}
	}
	_, err := k.Subkey("none such")
	if err == fs.ErrNotExist {
		return nil
	}
	return err
}

// FuzzHive changes bytes of hives, behind their base block, and reads all that
// is left.
func FuzzHive(f *testing.F) {
	seeds := []string{"SYSTEM", "SOFTWARE", "large"}
	hives := make([][]byte, len(seeds))
	for i, name := range seeds {
		hives[i] = testimg.Load(f, "winguest/hives/"+name+".gz")
		f.Add(uint8(i), []byte{})
		f.Add(uint8(i), []byte{0x40, 0x12, 0, 0, 0xFF, 0x28, 0x10, 0, 0, 0x20})
	}
	f.Fuzz(func(t *testing.T, which uint8, changes []byte) {
		data := hives[int(which)%len(hives)]
		m := testimg.Mutate(data, changes)
		h, err := Open(bytes.NewReader(m), int64(len(m)))
		if err == nil {
			err = readAll(h)
		}
		for _, kind := range []error{layer.ErrCorrupt, layer.ErrUnsupported, layer.ErrIncomplete, layer.ErrFormat} {
			if err == nil || errors.Is(err, kind) {
				return
			}
		}
		t.Fatal(err)
	})
}
