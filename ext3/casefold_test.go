package ext3

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"github.com/vmdkfs/vmdkfs/internal/testimg"
	"github.com/vmdkfs/vmdkfs/internal/vnode"
	"github.com/vmdkfs/vmdkfs/layer"
)

// TestCasefoldKernel looks up what the kernel looked up: in a directory that
// folds, in one with an index that does, and in one that does not.
func TestCasefoldKernel(t *testing.T) {
	f, err := open(t, "ext4-casefold-kernel")
	require.NoError(t, err)
	lookups := json.NewDecoder(bytes.NewReader(testimg.Load(t, "ext/ext4-casefold-kernel.lookups.jsonl.gz")))
	hits, misses := make(map[string]int), make(map[string]int)
	for lookups.More() {
		var want struct {
			Dir, Name string
			Inode     uint32
		}
		require.NoError(t, lookups.Decode(&want))
		raw, err := hex.DecodeString(want.Name)
		require.NoError(t, err)
		got := uint32(0)
		info, err := f.Lstat(want.Dir + "/" + vnode.Escape(raw))
		if err == nil {
			got = info.Sys().(*Inode).Number
		} else {
			require.ErrorIs(t, err, fs.ErrNotExist)
		}
		require.Equal(t, want.Inode, got, "%s/%s %q", want.Dir, want.Name, raw)
		if got == 0 {
			misses[want.Dir]++
			continue
		}
		hits[want.Dir]++
		if want.Dir != "many" {
			continue
		}
		dir, err := f.Stat(want.Dir)
		require.NoError(t, err)
		entry, ok := dir.Sys().(*Inode).find(dir.Sys().(*Inode).match(raw))
		require.True(t, ok, "%q is not where its hash says", raw)
		require.Equal(t, got, entry.number)
	}
	require.Greater(t, hits["fold"], hits["plain"]+30)
	require.Greater(t, hits["many"], 100)
	for _, dir := range []string{"fold", "many", "plain"} {
		require.NotZero(t, misses[dir], dir)
	}
	require.Empty(t, f.Warnings())
}

// Another encoding than that of all kernels: names are what they are.
func TestUnknownEncoding(t *testing.T) {
	p := admit(t, "ext4-casefold-kernel")
	le.PutUint16(p.image[superblockOffset+0x27C:], 7)
	p.sealSuper()
	f, err := p.reopen()
	require.NoError(t, err)
	require.Len(t, f.Warnings(), 1)
	require.ErrorIs(t, f.Warnings()[0], layer.ErrUnsupported)
	_, err = f.Lstat("fold/Straße")
	require.NoError(t, err)
	_, err = f.Lstat("fold/STRASSE")
	require.ErrorIs(t, err, fs.ErrNotExist)
}

// Characters that differ by case only fold alike, and what is folded stays.
func TestFoldEveryCharacter(t *testing.T) {
	if testing.Short() {
		t.Skip("a million characters: long, and nothing in it is concurrent")
	}
	for r := rune(0x80); r <= unicode.MaxRune; r++ {
		if !utf8.ValidRune(r) {
			continue
		}
		folded := foldName([]byte(string(r)))
		if folded == nil {
			continue // ignored, or no character
		}
		require.Equal(t, folded, foldName(folded), "%U", r)
		for o := unicode.SimpleFold(r); o != r; o = unicode.SimpleFold(o) {
			require.Equal(t, folded, foldName([]byte(string(o))), "%U and %U", r, o)
		}
	}
}
