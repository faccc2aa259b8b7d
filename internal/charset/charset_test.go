package charset

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDecode(t *testing.T) {
	for _, test := range []struct{ encoding, in, want string }{
		{"nonsense", "plain", "plain"},
		{"UTF-8", "Grüße", "Grüße"},
		{"UTF-8", "caf\xe9", `caf\xe9`},
		{"", "Grüße", "Grüße"},
		{"", "caf\xe9 \x80", "café €"},
		{"windows-1252", "\x80", "€"},
		{"Windows-1251", "\xcf", "П"},
		{"ISO-8859-1", "\xe9", "é"},
		{"Shift_JIS", "\x83\x5c", "ソ"},
		{"GBK", "\xc4\xe3", "你"},
		{"Big5", "\xa7\x41", "你"},
		{"EUC-KR", "\xb0\xa1", "가"},
		{"windows-932", "\x83\x5c", "ソ"},
		{"windows-936", "\xc4\xe3", "你"},
		{"windows-949", "\xb0\xa1", "가"},
		{"Windows-950", "\xa7\x41", "你"},
	} {
		got, err := Decode(test.encoding, test.in)
		require.NoError(t, err)
		require.Equal(t, test.want, got)
	}
	_, err := Decode("EBCDIC", "\xe9")
	require.ErrorContains(t, err, `the encoding "EBCDIC"`)
}

func TestEncode(t *testing.T) {
	for _, test := range []struct{ encoding, in, want string }{
		{"nonsense", "plain", "plain"},
		{"", "plain", "plain"},
		{"UTF-8", "Grüße", "Grüße"},
		{"windows-1252", "€", "\x80"},
		{"ISO-8859-1", "é", "\xe9"},
		{"windows-932", "ソ", "\x83\x5c"},
		{"GBK", "你", "\xc4\xe3"},
	} {
		got, err := Encode(test.encoding, test.in)
		require.NoError(t, err)
		require.Equal(t, test.want, got)
	}
	for encoding, want := range map[string]string{
		"":             "no encoding",
		"EBCDIC":       `the encoding "EBCDIC"`,
		"windows-1252": "lacks characters",
		"Shift_JIS":    "lacks characters",
	} {
		_, err := Encode(encoding, "한")
		require.ErrorContains(t, err, want)
	}
}
