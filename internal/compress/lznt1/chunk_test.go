package lznt1

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestChunks decodes chunks that are written out here from [MS-XCA] 2.5.
func TestChunks(t *testing.T) {
	for _, c := range []struct {
		name string
		src  string
		room int
		want string
	}{
		{"nothing", "", 4, ""},
		{"end", "\x00\x00\x05\xb0", 4, ""},
		{"half a header", "\x05", 4, ""},
		{"stored", "\x02\x30abc", 8, "abc"},
		{"stored, no room", "\x02\x30abc", 2, "ab"},
		{"literals", "\x03\xb0\x00abc", 8, "abc"},
		{"run", "\x03\xb0\x02a\x04\x00", 16, "aaaaaaaa"},
		{"run, no room", "\x03\xb0\x02a\x04\x00", 3, "aaa"},
		{"short chunk is padded", "\x02\x30abc\x02\x30def", 4099, "abc" + string(make([]byte, 4093)) + "def"},
		{"padding without room", "\x02\x30abc\x02\x30def", 10, "abc" + string(make([]byte, 7))},
	} {
		dst := make([]byte, c.room)
		n, err := Decode(dst, []byte(c.src))
		require.NoError(t, err, c.name)
		require.Equal(t, c.want, string(dst[:n]), c.name)
	}
	for name, src := range map[string]string{
		"no signature":         "\x02\x40abc",
		"longer than there is": "\x05\x30abc",
		"half a phrase":        "\x02\xb0\x02a\x04",
		"phrase at the start":  "\x03\xb0\x01\x00\x00a",
		"before the start":     "\x03\xb0\x02a\x00\x10",
		"beyond the chunk":     "\x03\xb0\x02a\xff\x0f",
	} {
		_, err := Decode(make([]byte, 8192), []byte(src))
		require.ErrorIs(t, err, ErrCorrupt, name)
	}
}
