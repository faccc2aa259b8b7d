package ext3

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vmdkfs/vmdkfs/internal/testimg"
	"github.com/vmdkfs/vmdkfs/layer"
)

// refused are the golden images that are not read yet, with the feature that
// the refusal must name.
var refused = map[string]string{
	"ext4-inline-data":       "inline_data",
	"ext4-ea-inode":          "ea_inode",
	"ext4-encrypt":           "encrypt",
	"ext4-casefold":          "casefold",
	"ext4-journal-dev":       "external journal",
	"dirty-ext4-fast-commit": "fast commits",
}

// damagedJournals are those whose log stops in the middle: the kernel refuses
// them, so there is no manifest.
var damagedJournals = []string{"bad-descriptor", "bad-data", "bad-last-data", "bad-commit", "bad-last-commit"}

func isDamaged(name string) bool {
	for _, d := range damagedJournals {
		if strings.HasSuffix(name, d) && name != "dirty-ext4-async-bad-last-data" {
			return true
		}
	}
	return false
}

// open opens a golden image.
func open(tb testing.TB, name string, opts ...Option) (*FS, error) {
	tb.Helper()
	data := testimg.Load(tb, "ext/"+name+".img.gz")
	return Open(bytes.NewReader(data), int64(len(data)), opts...)
}

// names returns the golden images without the external journal of one.
func names(tb testing.TB) []string {
	var list []string
	for _, p := range testimg.Names(tb, "ext/*.img.gz") {
		if name := strings.TrimSuffix(strings.TrimPrefix(p, "ext/"), ".img.gz"); !strings.HasSuffix(name, ".journal") {
			list = append(list, name)
		}
	}
	return list
}

// TestGolden compares every golden image with what the kernel reads from it.
func TestGolden(t *testing.T) {
	for _, name := range names(t) {
		if _, no := refused[name]; no || isDamaged(name) || name == "dirty-ext3-external-journal" {
			continue // other tests are about these
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, err := open(t, name)
			require.NoError(t, err)
			require.Equal(t, strings.HasPrefix(name, "dirty-"), f.Journal().Replayed)
			require.NoError(t, f.Journal().Err)
			require.Empty(t, f.Warnings())
			testimg.Compare(t, testimg.Describe(t, f), testimg.Manifest(t, "ext/"+name+".manifest.jsonl.gz"))
		})
	}
}

// TestRefused checks that what cannot be read is refused by its name.
func TestRefused(t *testing.T) {
	for name, feature := range refused {
		_, err := open(t, name)
		require.ErrorIs(t, err, layer.ErrUnsupported, name)
		require.ErrorContains(t, err, feature, name)
	}
}
