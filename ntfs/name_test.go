package ntfs

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestShownName: the forms that a name may need.
func TestShownName(t *testing.T) {
	for want, units := range map[string][]uint16{
		"plain":         {'p', 'l', 'a', 'i', 'n'},
		"\u00e9\u2603":  {0xE9, 0x2603},
		"\U0001f600":    {0xD83D, 0xDE00},
		`\ud83d`:        {0xD83D},
		`\ude00\ud83dx`: {0xDE00, 0xD83D, 'x'},
		`a\x2fb`:        {'a', '/', 'b'},
		`\x00`:          {0},
		`\x2e`:          {'.'},
		`\x2e\x2e`:      {'.', '.'},
		"...":           {'.', '.', '.'},
		`\x5cx41`:       {'\\', 'x', '4', '1'},
		`\x4G`:          {'\\', 'x', '4', 'G'},
		`\x5cud8FF`:     {'\\', 'u', 'd', '8', 'F', 'F'},
		"\\u\x10000":    {'\\', 'u', 0x10, '0', '0', '0'},
		`\ud8`:          {'\\', 'u', 'd', '8'},
		`\xAB`:          {'\\', 'x', 'A', 'B'},
		`\`:             {'\\'},
	} {
		var raw []byte
		for _, u := range units {
			raw = le.AppendUint16(raw, u)
		}
		require.Equal(t, want, shownName(raw))
		got, ok := storedName(want)
		require.True(t, ok, want)
		require.Equal(t, units, got, want)
	}
	for _, name := range []string{".", "..", `\x41`, `\ud800\udc00`, `\x5cA`, "\xff"} {
		_, ok := storedName(name)
		require.False(t, ok, "%q", name)
	}
}

// TestEAErrors breaks the extended attributes of a file.
func TestEAErrors(t *testing.T) {
	f := golden(t, "wsl")
	path := ""
	for _, l := range manifest(t, "wsl") {
		if len(l.EA) > 0 && l.Type == "file" {
			path = l.Path
		}
	}
	require.NotEmpty(t, path)
	info, err := f.Lstat(path)
	require.NoError(t, err)
	for text, hurt := range map[string]func(v []byte){
		"extended attributes: one of": func(v []byte) { v[5] = 0xFF },
		"the next 3 behind it":        func(v []byte) { le.PutUint32(v, 3) },
		"are left":                    func(v []byte) { le.PutUint32(v, uint32(len(v)-4)) },
	} {
		p := newPatient(t, "wsl")
		number := info.Sys().(*FileRecord).Number
		p.attribute(number, attrEA, "", func(a attribute) { hurt(a.value()) })
		f, err := p.reopen()
		require.NoError(t, err)
		_, err = f.fileRecord(fileRef(number))
		require.ErrorContains(t, err, text)
	}
}
