package fat

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
	"github.com/vmdkfs/vmdkfs/layer"
)

var le = binary.LittleEndian

// A patient is a golden image to be damaged.
type patient struct {
	testing.TB
	image []byte
	fsys  *FS
}

func newPatient(tb testing.TB, name string) *patient {
	image := golden(tb, name)
	return &patient{tb, image, mustOpen(tb, image)}
}

// entry returns what is known of a file.
func (p *patient) entry(name string) *Entry {
	info, err := p.fsys.Lstat(name)
	require.NoError(p, err)
	return info.Sys().(*Entry)
}

// record returns a file's record.
func (p *patient) record(name string) []byte { return p.image[p.entry(name).place:][:recordSize] }

// follow returns the n-th cluster of a file.
func (p *patient) follow(name string, n int) uint32 {
	c, t := p.entry(name).Cluster, tableReader{f: p.fsys}
	for range n {
		next, last, err := t.next(name, c)
		require.NoError(p, err)
		require.False(p, last)
		c = next
	}
	return c
}

// set changes an entry of the table.
func (p *patient) set(cluster, value uint32) {
	at := p.fsys.geo.fat + int64(cluster)*int64(p.fsys.geo.bits)/8
	switch p.fsys.geo.bits {
	case 12:
		v := le.Uint16(p.image[at:])
		if cluster%2 == 0 {
			v = v&0xf000 | uint16(value&0xfff)
		} else {
			v = v&0xf | uint16(value<<4)
		}
		le.PutUint16(p.image[at:], v)
	case 16:
		le.PutUint16(p.image[at:], uint16(value))
	default:
		le.PutUint32(p.image[at:], value|0xa0000000) // the reserved bits count for nothing
	}
}

// TestDamagedChains: a file can be read up to the damage, and the rest of the
// volume as before.
func TestDamagedChains(t *testing.T) {
	for _, image := range []string{"fat12-floppy", "fat16", "fat32-small"} {
		for _, tt := range []struct {
			name   string
			damage func(p *patient)
			text   string
			keep   int64 // clusters that can be read
		}{
			{"free", func(p *patient) { p.set(p.follow("left.log", 5), 0) }, "a free cluster", 6},
			{"bad", func(p *patient) { p.set(p.follow("left.log", 5), 0x0ffffff7) }, "a bad cluster", 6},
			{"outside", func(p *patient) { p.set(p.follow("left.log", 5), p.fsys.geo.clusters+2) }, "is followed by cluster", 6},
			{"short", func(p *patient) { p.set(p.follow("left.log", 5), 0x0fffffff) }, "ends after 6 clusters", 6},
			{"loop", func(p *patient) { p.set(p.follow("left.log", 9), p.follow("left.log", 3)) }, "comes back", 0},
			{"into itself", func(p *patient) { p.set(p.follow("left.log", 9), p.follow("left.log", 9)) }, "comes back", 0},
			{"no start", func(p *patient) {
				le.PutUint16(p.record("left.log")[26:], 0)
				le.PutUint16(p.record("left.log")[20:], 0)
			}, "begins in cluster 0", 0},
			{"huge", func(p *patient) { le.PutUint32(p.record("left.log")[28:], 1<<32-1) }, "ends after", 50},
		} {
			t.Run(image+" "+tt.name, func(t *testing.T) {
				p := newPatient(t, image)
				want, err := p.fsys.ReadFile("left.log")
				require.NoError(t, err)
				other, err := p.fsys.ReadFile("RIGHT.LOG")
				require.NoError(t, err)
				tt.damage(p)

				f := mustOpen(t, p.image)
				if _, err = f.ReadFile("left.log"); strconv.IntSize == 32 && tt.name == "huge" {
					require.ErrorContains(t, err, "address space") // which is asked first
				} else {
					require.ErrorIs(t, err, layer.ErrCorrupt)
					require.ErrorContains(t, err, tt.text)
				}
				require.ErrorContains(t, err, "left.log")
				opened, err := f.Open("left.log")
				require.NoError(t, err)
				var got bytes.Buffer
				_, err = opened.(layer.File).WriteTo(&got)
				require.ErrorIs(t, err, layer.ErrCorrupt)
				part := make([]byte, min(int64(len(want)), tt.keep*f.geo.clusterSize))
				n, _ := opened.(layer.File).ReadAt(part, 0)
				require.Equal(t, len(part), n)
				require.Equal(t, want[:n], part)
				again, err := f.ReadFile("RIGHT.LOG")
				require.NoError(t, err)
				require.Equal(t, other, again)
			})
		}
	}
}

// TestDamagedDirectories: what can be listed is, and then comes an error.
func TestDamagedDirectories(t *testing.T) {
	for _, tt := range []struct {
		name   string
		image  string
		dir    string
		damage func(p *patient)
		text   string
	}{
		{"chain", "fat16", "many", func(p *patient) { p.set(p.follow("many", 2), 0) }, "a free cluster"},
		{"loop", "fat32-small", "many", func(p *patient) { p.set(p.follow("many", 2), p.follow("many", 0)) }, "comes back"},
		{"root", "fat32-small", ".", func(p *patient) { p.set(p.fsys.geo.rootCluster, 1) }, "followed by cluster 1"},
		{"no start", "fat12-floppy", "many", func(p *patient) { le.PutUint16(p.record("many")[26:], 1) }, "begins in cluster 1"},
		{"slash", "fat12-floppy", ".", func(p *patient) { copy(p.record("CÜNüäß.TXT"), "A/B") }, `an entry has the name "A/B`},
		{"no name", "fat12-floppy", ".", func(p *patient) { copy(p.record("CÜNüäß.TXT"), "           ") }, `an entry has the name ""`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newPatient(t, tt.image)
			before, err := p.fsys.ReadDir(tt.dir)
			require.NoError(t, err)
			tt.damage(p)
			f := mustOpen(t, p.image)
			after, err := f.ReadDir(tt.dir)
			require.ErrorIs(t, err, layer.ErrCorrupt)
			require.ErrorContains(t, err, tt.text)
			require.Less(t, len(after), len(before))
			_, err = f.Stat(strings.TrimPrefix(tt.dir+"/nothing", "./"))
			require.NotErrorIs(t, err, fs.ErrNotExist, "it may be there")
			_, err = f.ReadFile("README.TXT")
			if tt.dir != "." {
				require.NoError(t, err)
			}
		})
	}
}

// A directory that lies in itself does not end in an endless tree.
func TestDirectoryInItself(t *testing.T) {
	p := newPatient(t, "fat16")
	le.PutUint16(p.record("deep/1/2/3")[26:], uint16(p.entry("deep/1").Cluster))
	f := mustOpen(t, p.image)
	_, err := f.ReadDir("deep/1/2/3")
	require.ErrorIs(t, err, layer.ErrCorrupt)
	require.ErrorContains(t, err, "lies in itself")
	testimg.Exercise(t, f)
}

func TestDepth(t *testing.T) {
	d := &dirNode{Entry: &Entry{}, depth: maxDepth}
	_, err := listed{d, &Entry{Attributes: Directory, Cluster: 7}}.Node()
	require.ErrorContains(t, err, "deep")
}

func TestBootSectors(t *testing.T) {
	for _, tt := range []struct {
		name   string
		image  string
		damage func(b []byte)
		kind   error
		text   string
	}{
		{"signature", "fat16", func(b []byte) { b[510] = 0 }, layer.ErrFormat, "no parameters"},
		{"sector size", "fat16", func(b []byte) { le.PutUint16(b[11:], 513) }, layer.ErrFormat, "no parameters"},
		{"version", "fat32-small", func(b []byte) { b[42] = 1 }, layer.ErrUnsupported, "version 0.1"},
		{"table in use", "fat32-small", func(b []byte) { b[40] = 0x82 }, layer.ErrCorrupt, "table 2 of 2"},
		{"root", "fat32-small", func(b []byte) { le.PutUint32(b[44:], 1) }, layer.ErrCorrupt, "begins in cluster 1"},
		{"too small", "fat16", func(b []byte) { le.PutUint16(b[19:], 10) }, layer.ErrCorrupt, "the data begins"},
		{"too many clusters", "fat16", func(b []byte) { b[13] = 1; le.PutUint16(b[19:], 0); le.PutUint32(b[32:], 100000) }, layer.ErrCorrupt, "clusters in a table for FAT16"},
		{"table beyond", "fat32-small", func(b []byte) { le.PutUint32(b[36:], 1<<20); le.PutUint16(b[19:], 0); le.PutUint32(b[32:], 1<<31) }, layer.ErrIncomplete, "before the data"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			image := golden(t, tt.image)
			tt.damage(image)
			_, err := open(image)
			require.ErrorIs(t, err, tt.kind)
			require.ErrorContains(t, err, tt.text)
		})
	}
	_, err := open(make([]byte, 100))
	require.ErrorIs(t, err, layer.ErrFormat)
	for _, foreign := range []string{"partition/ntfs.img.gz", "partition/gpt.img.gz", "ext/ext2-1k.img.gz"} {
		require.False(t, Match(testimg.Load(t, foreign)))
	}
	require.True(t, Match(testimg.Load(t, "partition/fat.img.gz")))
	require.False(t, Match(nil))
}

// TestSecondTable: a FAT32 volume may say that its second table is the one in
// use.
func TestSecondTable(t *testing.T) {
	image := golden(t, "fat32-small")
	want, err := mustOpen(t, image).ReadFile("left.log")
	require.NoError(t, err)
	le.PutUint16(image[40:], 0x81)
	f := mustOpen(t, image)
	require.Equal(t, f.boot.rsvdSecCnt(), uint16(32))
	clear(image[32*512:][:f.geo.fatSize])
	got, err := f.ReadFile("left.log")
	require.NoError(t, err)
	require.Equal(t, want, got)
}

// TestTruncation: a source that ends early is an error of what lies beyond.
func TestTruncation(t *testing.T) {
	image := golden(t, "fat16")
	whole := mustOpen(t, image)
	want, err := whole.ReadFile("left.log")
	require.NoError(t, err)
	var data int64
	opened, err := whole.Open("left.log")
	require.NoError(t, err)
	for x := range opened.(layer.File).Extents() {
		if data = x.Physical; x.Offset > 8000 {
			break
		}
	}
	f := mustOpen(t, image[:data+100])
	require.Len(t, f.Warnings(), 1)
	require.ErrorIs(t, f.Warnings()[0], layer.ErrIncomplete)
	_, err = f.ReadFile("left.log")
	require.ErrorIs(t, err, layer.ErrIncomplete)
	opened, err = f.Open("left.log")
	require.NoError(t, err)
	part := make([]byte, 8000)
	_, err = opened.(layer.File).ReadAt(part, 0)
	require.NoError(t, err)
	require.Equal(t, want[:8000], part)
	for size := range 40 {
		if f, err := open(image[:size*len(image)/40]); err == nil {
			testimg.Exercise(t, f)
		}
	}
}

// A failing source fails at the n-th read.
type failing struct {
	*bytes.Reader
	mu   sync.Mutex
	left int
}

var errBroken = errors.New("broken cable")

func (f *failing) ReadAt(p []byte, off int64) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.left--; f.left < 0 {
		return 0, errBroken
	}
	return f.Reader.ReadAt(p, off)
}

func TestSourceErrors(t *testing.T) {
	for _, name := range []string{"fat12-floppy", "fat32-small"} {
		image := golden(t, name)
		for n := 0; ; n++ {
			source := &failing{Reader: bytes.NewReader(image), left: n}
			f, err := Open(source, int64(len(image)))
			for _, op := range []func() error{
				func() error { _, err := f.ReadFile("EFI/BOOT/BOOTX64.EFI"); return err },
				func() error { _, err := f.ReadDir("many"); return err },
				func() error { _, err := f.Info(); return err },
			} {
				if err == nil {
					err = op()
				}
			}
			if err == nil {
				require.Greater(t, n, 4)
				break
			}
			require.ErrorIs(t, err, errBroken, n)
			require.NotErrorIs(t, err, layer.ErrCorrupt)
			if f != nil {
				source.left = 1 << 20
				_, err = f.ReadFile("EFI/BOOT/BOOTX64.EFI")
				require.NoError(t, err, "a failure is not kept")
			}
		}
	}
}

func TestStates(t *testing.T) {
	for _, tt := range []struct {
		image  string
		damage func(p *patient)
		clean  bool
		errors int
	}{
		{"fat12-floppy", func(p *patient) { p.image[37] |= 1 }, false, 0},
		{"fat16", func(p *patient) { p.image[37] |= 1 }, false, 0},
		{"fat16", func(p *patient) { p.set(1, 0x7fff) }, false, 0},
		{"fat16", func(p *patient) { p.set(1, 0xbfff) }, true, 1},
		{"fat32-small", func(p *patient) { p.image[65] |= 1 }, false, 0},
		{"fat32-small", func(p *patient) { p.set(1, 0x07ffffff) }, false, 0},
		{"fat32-small", func(p *patient) { p.set(1, 0x0bffffff) }, true, 1},
	} {
		p := newPatient(t, tt.image)
		tt.damage(p)
		f := mustOpen(t, p.image)
		info, err := f.Info()
		require.NoError(t, err)
		require.Equal(t, tt.clean, info.Clean)
		require.Len(t, f.Warnings(), tt.errors)
	}
	p := newPatient(t, "fat32-small")
	clear(p.image[512:516]) // the hints
	info, err := mustOpen(t, p.image).Info()
	require.NoError(t, err)
	require.EqualValues(t, -1, info.Free)
}

func TestTimestamps(t *testing.T) {
	date := func(y, m, d int) uint16 { return uint16((y-1980)<<9 | m<<5 | d) }
	require.Equal(t, time.Date(2024, 2, 29, 23, 59, 58, 0, time.UTC), timestamp(date(2024, 2, 29), 23<<11|59<<5|29, 0))
	require.Equal(t, time.Date(1980, 1, 1, 0, 0, 1, 5e8, time.UTC), timestamp(date(1980, 1, 1), 0, 150))
	for _, bad := range []time.Time{timestamp(0, 0, 0), timestamp(date(2023, 2, 29), 0, 0), timestamp(date(2023, 13, 1), 0, 0),
		timestamp(date(2023, 1, 0), 0, 0), timestamp(date(2023, 1, 1), 24<<11, 0), timestamp(date(2023, 1, 1), 60<<5, 0), timestamp(date(2023, 1, 1), 30, 0)} {
		require.True(t, bad.IsZero())
	}
}

func TestConcurrent(t *testing.T) {
	f := mustOpen(t, golden(t, "fat16"))
	want, err := f.ReadFile("left.log")
	require.NoError(t, err)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			got, err := f.ReadFile("left.log")
			if err != nil || !bytes.Equal(want, got) {
				t.Error(err)
			}
			if _, err := f.ReadDir("many"); err != nil {
				t.Error(err)
			}
			if _, err := f.Info(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}
