package lzx

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// words returns bits, of which each string says some, as 16-bit words.
func words(bits ...string) []byte {
	var out []byte
	var v, n int
	for _, s := range bits {
		for _, b := range s {
			v, n = v<<1|int(b-'0'), n+1
			if n == 16 {
				out, v, n = append(out, byte(v), byte(v>>8)), 0, 0
			}
		}
	}
	if n > 0 {
		v <<= 16 - n
		out = append(out, byte(v), byte(v>>8))
	}
	return out
}

// The offsets that a stored block begins with.
const offsets = "\x01\x00\x00\x00\x02\x00\x00\x00\x03\x00\x00\x00"

// TestUncompressedBlocks decodes what wimlib does not write: stored blocks, of
// which one with an odd size has a byte behind it, and one whose header ends
// with a word has a word behind it.
func TestUncompressedBlocks(t *testing.T) {
	block := func(size string, data string) string {
		return string(words("011", "0", size)) + offsets + data
	}
	src := block("0000000000000011", "abc\x00") + block("0000000000000010", "de")
	dst := make([]byte, 5)
	n, err := new(Decoder).Decode(dst, []byte(src))
	require.NoError(t, err)
	require.Equal(t, "abcde", string(dst[:n]))

	for name, bad := range map[string]string{
		"no size":      block("0000000000000000", "abcde"),
		"too long":     block("0000000000000110", "abcdef"),
		"too short":    block("0000000000000101", "abc"),
		"no offsets":   string(words("011", "0", "0000000000000101")),
		"offset 0":     string(words("011", "0", "0000000000000101")) + string(make([]byte, 12)) + "abcde",
		"type 0":       string(words("000", "0", "0000000000000101")),
		"no codes":     string(words("001", "0", "0000000000000101")),
		"default size": string(words("011", "1")) + offsets + "abcde",
		"nothing":      "",
	} {
		_, err := new(Decoder).Decode(dst, []byte(bad))
		require.ErrorIs(t, err, ErrCorrupt, name)
	}
	_, err = new(Decoder).Decode(make([]byte, MaxSize+1), []byte(src))
	require.ErrorIs(t, err, ErrCorrupt)
}

// TestStoredAtWordEnd has a header of 32 bits: the whole next word is skipped.
func TestStoredAtWordEnd(t *testing.T) {
	// Three stored blocks' headers have 20 bits each; the default size has 4.
	dst := make([]byte, MaxSize)
	plain := make([]byte, MaxSize)
	for i := range plain {
		plain[i] = byte(i % 200)
	}
	n, err := new(Decoder).Decode(dst, append(append(words("011", "1"), offsets...), plain...))
	require.NoError(t, err)
	require.Equal(t, plain, dst[:n])
	in := bitReader{src: []byte("abcdef")}
	in.read(16)
	in.align()
	require.Equal(t, 4, in.pos)
	in = bitReader{src: []byte("abcdef")}
	in.read(15)
	in.align()
	require.Equal(t, 2, in.pos)
}
