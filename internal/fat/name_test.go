package fat

import (
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/require"
)

// short returns a record with a short name.
func short(name string) *record {
	var r record
	copy(r[:11], name)
	return &r
}

// long returns the parts of a long name for the record r, as they lie before
// it.
func long(units []uint16, r *record) []*record {
	for len(units)%unitsPerPart != 0 || len(units) == 0 {
		if len(units)%unitsPerPart == 0 || units[len(units)-1] != 0 && units[len(units)-1] != 0xffff {
			units = append(units, 0)
		} else {
			units = append(units, 0xffff)
		}
	}
	var parts []*record
	for n := 1; len(units) > 0; n++ {
		p := &record{11: byte(longName), 13: checksum(r.name())}
		p[0] = byte(n)
		for i, u := range units[:unitsPerPart] {
			at := 1 + 2*i
			if i >= 5 {
				at += 3
			}
			if i >= 11 {
				at += 2
			}
			le.PutUint16(p[at:], u)
		}
		parts = append([]*record{p}, parts...)
		units = units[unitsPerPart:]
	}
	parts[0][0] |= lastPart
	return parts
}

func TestLongNames(t *testing.T) {
	r := short("NAME    TXT")
	for _, tt := range []struct {
		units []uint16
		want  string
	}{
		{utf16.Encode([]rune("a")), "a"},
		{utf16.Encode([]rune("exactly 13 u.")), "exactly 13 u."},
		{utf16.Encode([]rune("exactly 13 u.x")), "exactly 13 u.x"},
		{utf16.Encode([]rune(strings.Repeat("x", 255))), strings.Repeat("x", 255)},
		{utf16.Encode([]rune("smile 😀")), "smile 😀"},
		{[]uint16{'a', 0xd800, 'b'}, `a\ud800b`},
		{[]uint16{0xdc00, 0xd83d, 0xde00, 0xd83d}, `\udc00😀\ud83d`},
		{utf16.Encode([]rune(`\ud800`)), `\x5cud800`},
		{utf16.Encode([]rune(strings.Repeat("x", 256))), ""}, // longer than may be
	} {
		var l longNamer
		for _, p := range long(tt.units, r) {
			l.add(p)
		}
		require.Equal(t, tt.want, decodeUnits(l.take(r)))
		require.Nil(t, l.take(r), "it is forgotten")
	}
}

// Parts that do not go together are left over from what systems without long
// names have done.
func TestOrphans(t *testing.T) {
	r := short("NAME    TXT")
	parts := func() []*record { return long(utf16.Encode([]rune("a name of three parts, in all")), r) }
	for name, change := range map[string]func(p []*record) []*record{
		"no first":       func(p []*record) []*record { return p[1:] },
		"no middle":      func(p []*record) []*record { return append(p[:1], p[2:]...) },
		"no last":        func(p []*record) []*record { return p[:2] },
		"order":          func(p []*record) []*record { p[1], p[2] = p[2], p[1]; return p },
		"other checksum": func(p []*record) []*record { p[1][13]++; return p },
		"all checksums":  func(p []*record) []*record { p[0][13]++; p[1][13]++; p[2][13]++; return p },
		"number 0":       func(p []*record) []*record { p[0][0] = lastPart; return p },
		"number 21":      func(p []*record) []*record { p[0][0] = lastPart | 21; return p },
		"none":           func(p []*record) []*record { return nil },
	} {
		var l longNamer
		for _, p := range change(parts()) {
			l.add(p)
		}
		require.Nil(t, l.take(r), name)
	}
	var l longNamer
	for _, p := range append(parts()[:2], parts()...) { // one that was broken off, and a whole one
		l.add(p)
	}
	require.Equal(t, "a name of three parts, in all", decodeUnits(l.take(r)))
}

func TestShortNames(t *testing.T) {
	for raw, want := range map[string]string{
		"README  TXT": "README.TXT", "NOEXT      ": "NOEXT", "A B     C  ": "A B.C",
		"\x05X      \x80  ": "σX.Ç", "GR\x9aN       ": "GRÜN", "LEAD    \xff  ": "LEAD.\u00a0",
	} {
		require.Equal(t, want, shortName(short(raw)))
	}
	r := short("Mixed\x8e  TXT")
	r[12] = lowerBase
	require.Equal(t, "mixedÄ.TXT", shortName(r))
	r[12] = lowerExt
	require.Equal(t, "MixedÄ.txt", shortName(r))
	require.Len(t, codePage437, 128)
	require.Equal(t, "σA B", label([11]byte([]byte("\x05A B       "))))
}

// TestLookup: names are found in any case, and by their short form.
func TestLookup(t *testing.T) {
	f := mustOpen(t, golden(t, "fat12-floppy"))
	want, err := f.ReadFile("Mixed Case Name.text")
	require.NoError(t, err)
	for _, name := range []string{"mixed case name.TEXT", "MIXEDC~1.TEX", "mixedc~1.tex"} {
		got, err := f.ReadFile(name)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	_, err = f.ReadFile("mixedc~2.tex")
	require.Error(t, err)
	_, err = f.ReadFile("Program Files/grÖSSe ☃/x")
	require.Error(t, err)
	info, err := f.Stat("PROGRAM FILES/GRÖßE ☃")
	require.NoError(t, err)
	require.True(t, info.IsDir())
	e := info.Sys().(*Entry)
	require.Equal(t, "Größe ☃", e.Name())
	require.Equal(t, Directory, e.Attributes&Directory)
	require.WithinRange(t, e.Created, e.Modified.AddDate(0, 0, -1), e.Modified.AddDate(0, 0, 1))
	later, err := f.Stat("later.txt")
	require.NoError(t, err)
	require.Equal(t, Hidden|System|Archive, later.Sys().(*Entry).Attributes)
}
