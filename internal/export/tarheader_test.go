package export

import (
	"archive/tar"
	"bytes"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Go's own reader has of a header what was put into it.
func TestTarHeader(t *testing.T) {
	for _, h := range []tarHeader{
		{name: "a", kind: tarFile, mode: 0o644, uid: 1000, gid: 1000, size: 3, modified: time.Unix(1e9, 0)},
		{name: strings.Repeat("n", 100), kind: tarFile, mode: 0o7777, modified: time.Unix(0, 0)},
		{name: strings.Repeat("n", 101), kind: tarFile, modified: time.Unix(1e9, 5)},
		{name: strings.Repeat("directory/", 90), kind: tarDir, modified: time.Unix(1e9, 999999999)},
		{name: "\u00e9", link: "target", kind: tarSymlink, modified: time.Unix(-2, 5e8)},
		{name: "l", link: strings.Repeat("t", 4000), kind: tarSymlink, modified: time.Unix(-1, 0)},
		{name: "ids", kind: tarFile, uid: 1<<21 - 1, gid: 1 << 21, modified: time.Unix(1<<33-1, 0)},
		{name: "large", kind: tarFile, size: 1 << 33, modified: time.Unix(1<<33, 0)},
		{name: "larger", kind: tarFile, size: math.MaxInt64, modified: time.Unix(-1<<40, 1)},
		{name: "null", kind: tarChar, major: 1, minor: 3, modified: time.Unix(1, 0)},
	} {
		want := h
		b, err := h.appendTo(nil)
		require.NoError(t, err)
		require.Zero(t, len(b)%tarBlock)
		got, err := tar.NewReader(bytes.NewReader(b)).Next()
		require.NoError(t, err, want.name)
		require.Equal(t, []any{want.name, want.link, want.kind, want.mode, int(want.uid), int(want.gid), want.size, int64(want.major), int64(want.minor)},
			[]any{got.Name, got.Linkname, got.Typeflag, got.Mode, got.Uid, got.Gid, got.Size, got.Devmajor, got.Devminor})
		require.True(t, want.modified.Equal(got.ModTime), "%s: %s", want.name, got.ModTime)
	}
	for _, h := range []tarHeader{{name: "a\x00"}, {link: "a\x00b"}, {name: "a", records: []record{{"a=b", "c"}}}} {
		_, err := h.appendTo(nil)
		require.ErrorIs(t, err, errHeader)
	}
}

// A record counts its own length.
func TestRecordLength(t *testing.T) {
	for n := range 1100 {
		h := tarHeader{name: "x", kind: tarFile, records: []record{{"comment.x", strings.Repeat("v", n)}}}
		b, err := h.appendTo(nil)
		require.NoError(t, err)
		got, err := tar.NewReader(bytes.NewReader(b)).Next()
		require.NoError(t, err, n)
		require.Len(t, got.PAXRecords["comment.x"], n)
	}
}

// Owners that an int of 32 bits does not hold.
func TestLargeOwner(t *testing.T) {
	h := tarHeader{name: "x", kind: tarFile, uid: math.MaxUint32, gid: math.MaxUint32 - 1}
	b, err := h.appendTo(nil)
	require.NoError(t, err)
	require.Contains(t, string(b), " uid=4294967295\n")
	require.Contains(t, string(b), " gid=4294967294\n")
}
