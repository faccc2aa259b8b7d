package ntfs

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
	"github.com/vmdkfs/vmdkfs/layer"
)

const logPage = 4096

// A logLine is what ntfsrecover prints of a record.
type logLine struct {
	LSN, Previous uint64
	Transaction   uint32
	Redo, Undo    uint16
}

// dirtyLog returns the $LogFile of a volume that is not clean, and its records
// as ntfsrecover reads them.
func dirtyLog(tb testing.TB) ([]byte, []logLine) {
	tb.Helper()
	x, err := golden(tb, "dirty-log").file(recordLogFile)
	require.NoError(tb, err)
	content, err := x.open(nil)
	require.NoError(tb, err)
	data, err := io.ReadAll(io.NewSectionReader(content, 0, content.Size()))
	require.NoError(tb, err)
	var lines []logLine
	d := json.NewDecoder(bytes.NewReader(testimg.Load(tb, "ntfs/dirty-log.log.jsonl.gz")))
	for d.More() {
		var l logLine
		require.NoError(tb, d.Decode(&l))
		lines = append(lines, l)
	}
	return data, lines
}

// records reads all records of a log.
func records(data []byte) ([]LogRecord, error) {
	l, err := openLog(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, err
	}
	var list []LogRecord
	for r, err := range l.Records() {
		if err != nil {
			return list, err
		}
		list = append(list, r)
	}
	return list, nil
}

func TestLogRecords(t *testing.T) {
	data, lines := dirtyLog(t)
	l, err := openLog(bytes.NewReader(data), int64(len(data)))
	require.NoError(t, err)
	require.False(t, l.Clean || l.Empty)
	require.Equal(t, []any{int16(1), int16(1), 0, "NTFS"}, []any{l.Major, l.Minor, l.Damaged, l.Client})
	require.Equal(t, lines[0].LSN, l.CheckpointLSN)
	require.Equal(t, lines[len(lines)-1].LSN, l.CurrentLSN)
	got, err := records(data)
	require.NoError(t, err)
	require.Len(t, got, len(lines))
	for i, want := range lines {
		r := got[i]
		require.Equal(t, want, logLine{r.LSN, r.Previous, r.Transaction, uint16(r.Redo), uint16(r.Undo)})
	}
	require.True(t, got[0].Checkpoint)
	require.Equal(t, "UpdateResidentValue", got[1].Redo.String())
	require.Equal(t, "operation 0x99", LogOperation(0x99).String())
}

// TestPending finds the file records that the log would change.
func TestPending(t *testing.T) {
	f := golden(t, "dirty-log")
	got, err := f.Pending()
	require.NoError(t, err)
	changes := map[uint64]int{recordRoot: 1}
	for _, p := range []string{"file", "dir/resident"} {
		info, err := f.Lstat(p)
		require.NoError(t, err)
		changes[info.Sys().(*FileRecord).Number] = 30
	}
	require.Len(t, got, len(changes))
	for _, p := range got {
		require.Less(t, p.DiskLSN, p.LogLSN)
		require.Equal(t, changes[p.Record], p.Changes)
	}
}

// TestLogReset: a log that ntfs-3g or mkntfs reset has nothing to redo.
func TestLogReset(t *testing.T) {
	f := golden(t, "c4096")
	l, err := f.Log()
	require.NoError(t, err)
	require.True(t, l.Empty && l.Clean)
	for range l.Records() {
		t.Fatal("a record")
	}
	pending, err := f.Pending()
	require.NoError(t, err)
	require.Empty(t, pending)
}

// both changes both restart pages.
func both(data []byte, change func(page []byte)) []byte {
	data = bytes.Clone(data)
	change(data[:logPage])
	change(data[logPage : 2*logPage])
	return data
}

func TestRestartPages(t *testing.T) {
	data, lines := dirtyLog(t)
	for i := range 2 {
		bad := bytes.Clone(data)
		copy(bad[i*logPage:], "BAAD")
		l, err := openLog(bytes.NewReader(bad), int64(len(bad)))
		require.NoError(t, err)
		require.Equal(t, 1, l.Damaged)
		got, err := records(bad)
		require.NoError(t, err)
		require.Len(t, got, len(lines))
	}
	const area = 0x30
	clean := both(data, func(p []byte) { p[area+14] |= restartClean })
	l, err := openLog(bytes.NewReader(clean), int64(len(clean)))
	require.NoError(t, err)
	require.True(t, l.Clean)
	closed := both(data, func(p []byte) { p[area+12], p[area+13] = 0xff, 0xff })
	l, err = openLog(bytes.NewReader(closed), int64(len(closed)))
	require.NoError(t, err)
	require.True(t, l.Clean)
	newer := bytes.Clone(data)
	newer[logPage+area]++
	l, err = openLog(bytes.NewReader(newer), int64(len(newer)))
	require.NoError(t, err)
	require.Equal(t, lines[len(lines)-1].LSN+1, l.CurrentLSN)

	for name, change := range map[string]func(p []byte){
		"no signature":  func(p []byte) { p[0] = 'X' },
		"page size":     func(p []byte) { p[20] = 1 },
		"area outside":  func(p []byte) { p[25] = 0xff },
		"torn":          func(p []byte) { p[510]++ },
		"file size":     func(p []byte) { p[area+28] = 1 },
		"no records":    func(p []byte) { p[area+24], p[area+25], p[area+26] = 0, 0x10, 0 },
		"record header": func(p []byte) { p[area+36] = 1 },
		"data offset":   func(p []byte) { p[area+38] = 1 },
		"sequence bits": func(p []byte) { p[area+16] = 63 },
		"two clients":   func(p []byte) { p[area+8] = 2 },
		"client's name": func(p []byte) { p[area+0x40+29] = 1 },
	} {
		bad := both(data, change)
		_, err := openLog(bytes.NewReader(bad), int64(len(bad)))
		require.ErrorIs(t, err, layer.ErrCorrupt, name)
	}
	future := both(data, func(p []byte) { p[28] = 3 })
	_, err = openLog(bytes.NewReader(future), int64(len(future)))
	require.ErrorIs(t, err, layer.ErrUnsupported)
}

// TestLogPages damages a page in the middle, and puts a copy of it in the place
// of those that are being written.
func TestLogPages(t *testing.T) {
	data, lines := dirtyLog(t)
	const torn, tail = 5 * logPage, 2 * logPage
	page := bytes.Clone(data[torn : torn+logPage])
	data[torn+510]++
	got, err := records(data)
	require.ErrorIs(t, err, layer.ErrCorrupt)
	require.NotEmpty(t, got)
	require.Less(t, len(got), len(lines))

	copy(data[tail:], page)
	copy(data[tail+pageLastLSN:], []byte{torn & 0xff, torn >> 8, torn >> 16, 0, 0, 0, 0, 0})
	got, err = records(data)
	require.NoError(t, err)
	require.Len(t, got, len(lines))

	// A page that is older than its copy.
	copy(data[torn:], page)
	data[torn+pageLastEndLSN] = 0
	data[torn+0x40+100] ^= 0xff
	got, err = records(data)
	require.NoError(t, err)
	require.Len(t, got, len(lines))
}

// TestLogReadFailure: what cannot be read is no damage.
func TestLogReadFailure(t *testing.T) {
	data, _ := dirtyLog(t)
	for at := 1; ; at++ {
		r := &counter{ReaderAt: bytes.NewReader(data), failAt: at}
		l, err := openLog(r, int64(len(data)))
		if err == nil {
			for _, err = range l.Records() {
				if err != nil {
					break
				}
			}
		}
		if r.reads < at {
			break
		}
		require.ErrorIs(t, err, errBroken)
		require.False(t, errors.Is(err, layer.ErrCorrupt))
	}
}

// TestLSN: numbers go on behind the log's end with its next round.
func TestLSN(t *testing.T) {
	l := &Log{pageSize: logPage, firstPage: 4 * logPage, Size: 64 * logPage, sequenceBits: 48}
	first := l.lsn(4*logPage+0x40, 5<<16)
	require.Equal(t, uint64(5)<<16|(4*logPage+0x40)/8, first)
	require.Equal(t, int64(4*logPage+0x40), l.offset(first))
	require.Equal(t, uint64(6)<<16|(4*logPage+0x40)/8, l.lsn(4*logPage+0x40, first))
	require.Equal(t, int64(4*logPage), l.next(63*logPage))
	require.Equal(t, int64(5*logPage), l.next(4*logPage))
}

func FuzzLog(f *testing.F) {
	data, _ := dirtyLog(f)
	f.Add([]byte{0, 0, 0, 0, 0, 0})
	f.Add([]byte{0, 0x40, 0x40, 0, 0, 1})
	f.Fuzz(func(t *testing.T, changes []byte) {
		m := testimg.Mutate(data[:16*logPage], changes)
		l, err := openLog(bytes.NewReader(m), int64(len(m)))
		if err != nil {
			return
		}
		for range l.Records() {
		}
	})
}
