package partition

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/layer"
)

const goldenDir = "../testdata/partition"

// image returns the bytes of a golden image.
func image(t testing.TB, name string) []byte {
	f, err := os.Open(filepath.Join(goldenDir, name+".img.gz"))
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	data, err := io.ReadAll(z)
	require.NoError(t, err)
	return data
}

// open opens a disk in memory.
func open(disk []byte) (*FS, error) { return Open(bytes.NewReader(disk), int64(len(disk))) }

func mustOpen(t testing.TB, disk []byte) *FS {
	f, err := open(disk)
	require.NoError(t, err)
	return f
}

// contents returns the named partition, as a layer.File.
func contents(t testing.TB, f fs.FS, name string) layer.File {
	file, err := f.Open(name)
	require.NoError(t, err)
	return file.(layer.File)
}

// manifest returns the lines of a golden manifest: the first is the table.
func manifest(t testing.TB, name string) []map[string]string {
	text, err := os.ReadFile(filepath.Join(goldenDir, name+".manifest"))
	require.NoError(t, err)
	pair := regexp.MustCompile(`(\w+)=("[^"]*")`)
	var lines []map[string]string
	for line := range strings.Lines(string(text)) {
		m := make(map[string]string)
		for _, kv := range pair.FindAllStringSubmatch(line, -1) {
			m[kv[1]], err = strconv.Unquote(kv[2])
			require.NoError(t, err, line)
		}
		lines = append(lines, m)
	}
	return lines
}

func number(t testing.TB, s string) int64 {
	n, err := strconv.ParseInt(s, 0, 64)
	require.NoError(t, err)
	return n
}

// expected returns the partitions that libblkid listed, in our terms.
func expected(t testing.TB, lines []map[string]string) []Partition {
	var list []Partition
	for _, m := range lines {
		p := Partition{
			Name:   "p" + m["NR"],
			Number: int(number(t, m["NR"])),
			Start:  number(t, m["START"]) * 512,
			Size:   number(t, m["SECTORS"]) * 512,
			Type:   m["TYPE"],
			Label:  m["NAME"],
		}
		flags := number(t, m["FLAGS"])
		if strings.HasPrefix(p.Type, "0x") { // MBR
			p.Type = fmt.Sprintf("%02x", number(t, p.Type))
			p.TypeName = mbrTypes[byte(number(t, m["TYPE"]))]
			p.Bootable = flags&0x80 != 0
			p.Logical = p.Number > 4
			if strings.HasPrefix(p.TypeName, "Extended") {
				continue
			}
		} else {
			p.TypeName = gptTypes[p.Type]
			p.GUID = m["UUID"]
			p.Bootable = flags&4 != 0
			p.Attributes = Attributes(flags)
		}
		list = append(list, p)
	}
	return list
}

// goldens returns the names of the images that have a manifest.
func goldens(t testing.TB) []string {
	paths, err := filepath.Glob(filepath.Join(goldenDir, "*.manifest"))
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(paths), 11)
	for i, p := range paths {
		paths[i] = strings.TrimSuffix(filepath.Base(p), ".manifest")
	}
	return paths
}

func TestGolden(t *testing.T) {
	warnings := map[string][]string{
		"gpt-header":  {"CRC", "backup is used"},
		"gpt-entries": {"CRC", "backup is used"},
		"gpt-hybrid":  {"hybrid MBR"},
		"gpt-cut":     {"cut short", "p3", "p128"},
	}
	for _, name := range goldens(t) {
		t.Run(name, func(t *testing.T) {
			disk := image(t, name)
			f := mustOpen(t, disk)
			lines := manifest(t, name)

			table := f.Table()
			require.Equal(t, strings.Replace(lines[0]["PTTYPE"], "dos", "mbr", 1), table.Scheme)
			require.Equal(t, lines[0]["PTUUID"], table.ID)
			require.Equal(t, lines[0]["SECTORSIZE"], strconv.Itoa(table.SectorSize))
			require.Len(t, table.Warnings, len(warnings[name]), "%v", table.Warnings)
			for i, w := range warnings[name] {
				require.ErrorContains(t, table.Warnings[i], w)
			}

			want := expected(t, lines[1:])
			require.Equal(t, want, f.Partitions())
			for _, p := range want {
				require.NotEmpty(t, p.TypeName)
			}
			for _, m := range lines[1:] {
				testBytes(t, f, disk, m)
			}
		})
	}
}

// testBytes compares the bytes of the partition that m describes with the sum
// that dd gave, or expects the error of one that the disk does not have.
func testBytes(t *testing.T, f *FS, disk []byte, m map[string]string) {
	name, start, size := "p"+m["NR"], number(t, m["START"])*512, number(t, m["SECTORS"])*512
	if m["TYPE"] == "0xf" || m["TYPE"] == "0x5" {
		_, err := f.Open(name)
		require.ErrorIs(t, err, fs.ErrNotExist)
		return
	}
	file := contents(t, f, name)
	require.Equal(t, size, file.Size())
	if present := int64(len(disk)) - start; present < size {
		data, err := io.ReadAll(file)
		require.ErrorIs(t, err, layer.ErrIncomplete)
		require.ErrorContains(t, err, name)
		require.Equal(t, disk[min(start, int64(len(disk))):], data)
		return
	}
	sum := sha256.New()
	n, err := file.WriteTo(sum)
	require.NoError(t, err)
	require.Equal(t, size, n)
	require.Equal(t, m["SHA256"], hex.EncodeToString(sum.Sum(nil)), name)
	for e, err := range file.Extents() {
		require.NoError(t, err)
		require.Equal(t, layer.Extent{Length: size, Physical: start}, e)
	}
	info, err := f.Stat(name)
	require.NoError(t, err)
	require.Equal(t, name, info.Sys().(Partition).Name)
}

func TestFSOnGolden(t *testing.T) {
	for _, name := range goldens(t) {
		if name == "gpt-cut" {
			continue // has files that cannot be read as a whole
		}
		t.Run(name, func(t *testing.T) {
			f := mustOpen(t, image(t, name))
			var names []string
			for _, p := range f.Partitions() {
				names = append(names, p.Name)
			}
			require.NoError(t, fstest.TestFS(f, names...))
		})
	}
}

func TestNoTable(t *testing.T) {
	for _, name := range []string{"fat", "ntfs"} {
		_, err := open(image(t, name))
		require.ErrorIs(t, err, layer.ErrFormat, name)
		require.ErrorContains(t, err, strings.ToUpper(name))
	}
}

// TestLoneBackup: a disk whose first sectors were overwritten still has the
// backup of its GPT, for who asks for it.
func TestLoneBackup(t *testing.T) {
	disk := image(t, "gpt")
	want := mustOpen(t, disk)
	clear(disk[:34*sectorSize])
	_, err := open(disk)
	require.ErrorIs(t, err, layer.ErrFormat)
	f, err := OpenBackup(bytes.NewReader(disk), int64(len(disk)))
	require.NoError(t, err)
	require.Equal(t, want.Partitions(), f.Partitions())
	require.Len(t, f.Table().Warnings, 1)
	require.ErrorContains(t, f.Table().Warnings[0], "the first sectors of the disk are gone")
	for _, other := range [][]byte{disk[:len(disk)-sectorSize], image(t, "fat"), make([]byte, sectorSize)} {
		_, err = OpenBackup(bytes.NewReader(other), int64(len(other)))
		require.ErrorIs(t, err, layer.ErrFormat)
	}
}

func TestConcurrentReads(t *testing.T) {
	disk := image(t, "gpt")
	f := mustOpen(t, disk)
	p := f.Partitions()[1]
	file := contents(t, f, p.Name)
	want := disk[p.Start : p.Start+p.Size]
	errs := make(chan error)
	const readers = 8
	for i := range int64(readers) {
		go func() {
			buf := make([]byte, 1000)
			var failed error
			for off := i * 100; off < p.Size; off += 7919 {
				n, err := file.ReadAt(buf, off)
				if (err != nil && err != io.EOF) || !bytes.Equal(buf[:n], want[off:][:n]) || n < int(min(1000, p.Size-off)) {
					failed = errors.Join(failed, fmt.Errorf("%d bytes at %d: %w", n, off, err))
				}
			}
			errs <- failed
		}()
	}
	for range readers {
		require.NoError(t, <-errs)
	}
}

// countingReader counts the reads of a source.
type countingReader struct {
	io.ReaderAt
	reads int
}

func (c *countingReader) ReadAt(p []byte, off int64) (int, error) {
	c.reads++
	return c.ReaderAt.ReadAt(p, off)
}

func TestOneRead(t *testing.T) {
	for _, name := range []string{"gpt", "gpt-4k", "mbr-primary"} {
		disk := image(t, name)
		r := &countingReader{ReaderAt: bytes.NewReader(disk)}
		_, err := Open(r, int64(len(disk)))
		require.NoError(t, err)
		require.Equal(t, 1, r.reads, name)
	}
}
