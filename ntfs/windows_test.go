package ntfs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
)

// windowsNames are the volumes that Windows made, and what ntfsinfo says of
// them.
var windowsNames = map[string]Info{
	"compressed": {Label: "Test Volume", Version: "3.1", SectorSize: 512, ClusterSize: 1024, RecordSize: 1024, Clusters: 10239, FreeClusters: 6179},
	"streams":    {Label: "Charlie", Version: "3.1", SectorSize: 512, ClusterSize: 4096, RecordSize: 1024, Clusters: 9471, FreeClusters: 7983},
}

// windows opens a volume that Windows made.
func windows(tb testing.TB, name string) *FS {
	tb.Helper()
	data := testimg.Load(tb, "ntfs/windows/"+name+".img.gz")
	f, err := Open(bytes.NewReader(data), int64(len(data)))
	require.NoError(tb, err)
	return f
}

// TestWindows compares the volumes that Windows made with what ntfs-3g reads
// from them.
func TestWindows(t *testing.T) {
	for name, info := range windowsNames {
		t.Run(name, func(t *testing.T) {
			f := windows(t, name)
			require.Empty(t, f.Warnings())
			want := manifest(t, "windows/"+name)
			require.Len(t, allPaths(t, f), len(want))
			for _, l := range want {
				compare(t, f, l)
			}
			got, err := f.Info()
			require.NoError(t, err)
			info.Serial, info.FullSerial, info.Size, info.Records = got.Serial, got.FullSerial, got.Size, got.Records
			require.Equal(t, info, got)
			s, err := f.State()
			require.NoError(t, err)
			require.Equal(t, State{LogClean: true, Compressed: name == "compressed", Flags: 0x80}, s)
			for d, err := range f.Deleted() {
				require.NoError(t, err)
				require.LessOrEqual(t, d.Reused, d.Clusters)
			}
			for _, l := range want {
				info, err := f.Lstat(l.Path)
				require.NoError(t, err)
				s, err := info.Sys().(*FileRecord).Security()
				require.NoError(t, err, l.Path)
				require.Regexp(t, "^O:.*G:.*D:", s.SDDL, l.Path)
			}
		})
	}
}

// TestWindowsCompressed: a file that Windows compressed is in units of LZNT1.
// Windows gave it the clusters of a unit that are left to the unit's end.
func TestWindowsCompressed(t *testing.T) {
	f := windows(t, "compressed")
	info, err := f.Stat("ones.bin")
	require.NoError(t, err)
	x, err := info.Sys().(*FileRecord).file()
	require.NoError(t, err)
	c, err := x.open(nil)
	require.NoError(t, err)
	u, _, err := c.(*compressed).describe(0, nil)
	require.NoError(t, err)
	require.Equal(t, unit{storage: storedPacked, stored: 1024}, u)
}

// TestWindowsLog reads the log that Windows wrote as ntfsrecover does: of the
// round before the last, which has written over the first page only, all that
// is behind that. The volume was dismounted, so that no file record may be older
// than the log's last change of it: which is what Pending counts.
func TestWindowsLog(t *testing.T) {
	f := windows(t, "compressed")
	var want []logLine
	d := json.NewDecoder(bytes.NewReader(testimg.Load(t, "ntfs/windows/compressed.log.jsonl.gz")))
	for d.More() {
		var l logLine
		require.NoError(t, d.Decode(&l))
		if 0x100a00 <= l.LSN && l.LSN < 0x180000 {
			want = append(want, l)
		}
	}
	require.Greater(t, len(want), 2000)
	l, err := f.Log()
	require.NoError(t, err)
	require.True(t, l.Clean)
	require.Equal(t, "NTFS", l.Client)
	l.OldestLSN, l.CurrentLSN = want[0].LSN, want[len(want)-1].LSN
	found, blocks := newPendings(f), make(map[int64]uint64)
	last := make(map[uint64]uint64) // the last LSN of each record
	n := 0
	for r, err := range l.Records() {
		require.NoError(t, err)
		require.Less(t, n, len(want))
		line := logLine{r.LSN, r.Previous, r.Transaction, uint16(r.Redo), uint16(r.Undo)}
		if r.Checkpoint {
			line.Redo, line.Undo = want[n].Redo, want[n].Undo // it has none: ntfsrecover shows what lies there
		}
		require.Equal(t, want[n], line)
		n++
		found.add(r)
		if onIndexBlock[r.Redo] && !r.Checkpoint {
			blocks[int64(r.TargetLCN)*f.geo.clusterSize+int64(r.ClusterIndex)*fixupStride] = r.LSN
		}
		if onFileRecord[r.Redo] && !r.Checkpoint {
			last[(r.TargetVCN*uint64(f.geo.clusterSize)+uint64(r.ClusterIndex)*fixupStride)/uint64(f.geo.recordSize)] = r.LSN
		}
	}
	require.Len(t, want, n)
	require.Greater(t, len(found.records), 20)
	equal := 0
	for number, p := range found.records {
		assert.Zero(t, p.Changes, "file record %d: LSN %#x on disk, %#x in the log", number, p.DiskLSN, p.LogLSN)
		if p.DiskLSN == last[number] {
			equal++
		}
	}
	require.Greater(t, equal, 20)
	require.Len(t, blocks, 3)
	index := make(map[string]int)
	for off, p := range found.blocks {
		assert.Zero(t, p.Changes, "index block at %d", off)
		assert.Equal(t, blocks[off], p.DiskLSN, "index block at %d", off)
		index[fmt.Sprint(f.anyName(p.Record), " ", p.Index)]++
	}
	require.Equal(t, map[string]int{`\x2e $I30`: 1, "$Secure $SDH": 1, "$Secure $SII": 1}, index)
}

// TestWindowsPending sets what Windows wrote back to a moment at which it was
// running: the log is open, and an index block of the root is older than the
// log's last changes of it.
func TestWindowsPending(t *testing.T) {
	f := windows(t, "compressed")
	x, err := f.file(recordLogFile)
	require.NoError(t, err)
	log, err := x.open(nil)
	require.NoError(t, err)
	image := testimg.Load(t, "ntfs/windows/compressed.img.gz")
	const first, last, root = 0x100a09, 0x10c549, 0x23c00 // log records; a block
	for e, err := range log.Extents() {
		require.NoError(t, err)
		for _, page := range []int64{0, defaultLogPage} {
			if page < e.Offset || page >= e.Offset+e.Length {
				continue
			}
			area := image[e.Physical+page-e.Offset:][le.Uint16(image[e.Physical+page-e.Offset+24:]):]
			le.PutUint64(area, last)
			le.PutUint16(area[12:], 0) // its client is there
			le.PutUint16(area[14:], 0)
			le.PutUint64(area[le.Uint16(area[22:]):], first)
		}
	}
	older := le.Uint64(image[root+8:]) - 1
	le.PutUint64(image[root+8:], older)

	f, err = Open(bytes.NewReader(image), int64(len(image)))
	require.NoError(t, err)
	got, err := f.Pending()
	require.NoError(t, err)
	require.Equal(t, []Pending{{Record: recordRoot, Name: `\x2e`, IndexBlock: true, Index: indexNames, Offset: root,
		DiskLSN: older, LogLSN: older + 1, Changes: 1}}, got)
}

// TestWindowsMetadata opens what only Windows makes, by name.
func TestWindowsMetadata(t *testing.T) {
	f := windows(t, "streams")
	for _, name := range []string{"$Extend/$ObjId", "$Extend/$RmMetadata/$TxfLog/$Tops:$T", "$Secure:$SDS", "$UpCase:$Info", "$BadClus:$Bad"} {
		_, err := fs.Stat(f, name)
		assert.NoError(t, err, name)
	}
	info, err := fs.Stat(f, "$Secure:$SDS")
	require.NoError(t, err)
	require.EqualValues(t, 263264, info.Size()) // as go-ntfs says
	r, err := f.fileRecord(recordUpCase)
	require.NoError(t, err)
	streams, err := r.Streams()
	require.NoError(t, err)
	require.Len(t, streams, 1)
	require.Equal(t, "$Info", streams[0].Name)
	require.EqualValues(t, 32, streams[0].Size)
}
