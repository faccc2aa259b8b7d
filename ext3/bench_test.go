package ext3

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// The images of these benchmarks are made by e2fsprogs, and the one with a
// directory of a million names by the kernel. Without them they are skipped.

// counted counts the reads of an image.
type counted struct {
	io.ReaderAt
	reads atomic.Int64
}

func (c *counted) ReadAt(p []byte, off int64) (int, error) {
	c.reads.Add(1)
	return c.ReaderAt.ReadAt(p, off)
}

// tool runs a program, or skips the benchmark when it is not there.
func tool(b *testing.B, stdin, name string, args ...string) string {
	b.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		b.Skip(err)
	}
	cmd := exec.Command(path, args...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	require.NoError(b, err, "%s", out)
	return string(out)
}

// made opens an image file to be measured.
func made(b *testing.B, path string) (source *counted, size int64) {
	b.Helper()
	f, err := os.Open(path)
	require.NoError(b, err)
	b.Cleanup(func() { f.Close() })
	info, err := f.Stat()
	require.NoError(b, err)
	return &counted{ReaderAt: f}, info.Size()
}

// BenchmarkReplay opens a file system whose log of 128 MiB, with checksums of
// version 3, is full of transactions.
func BenchmarkReplay(b *testing.B) {
	const transactions, blocks = 105, 300 // of 4 KiB: 126 MiB, with their descriptors
	image, data := filepath.Join(b.TempDir(), "image"), filepath.Join(b.TempDir(), "data")
	tool(b, "", "mke2fs", "-q", "-t", "ext4", "-b", "4096", "-J", "size=128", image, "1G")
	content := make([]byte, blocks*4096)
	for i := range content {
		content[i] = byte(i % 251)
	}
	require.NoError(b, os.WriteFile(data, content, 0o600))
	var commands strings.Builder
	commands.WriteString("jo -c -v 3\n")
	for t := range transactions {
		list := make([]string, blocks)
		for i := range list {
			list[i] = strconv.Itoa(100_000 + 3*(t*blocks+i)) // of groups without anything
		}
		fmt.Fprintf(&commands, "jw -b %s %s\n", strings.Join(list, ","), data)
	}
	tool(b, commands.String()+"jc\n", "debugfs", "-w", "-f", "-", image)
	source, size := made(b, image)
	var f *FS
	b.ReportAllocs()
	for b.Loop() {
		var err error
		f, err = Open(source, size)
		require.NoError(b, err)
	}
	require.NoError(b, f.Journal().Err)
	require.Equal(b, transactions, f.Journal().Transactions)
	b.ReportMetric(float64(f.Journal().Blocks), "blocks")
	b.ReportMetric(float64(source.reads.Load())/float64(b.N), "reads/op")
}

// BenchmarkWalk describes 92,000 files in 6,500 directories.
func BenchmarkWalk(b *testing.B) {
	const dirs, files = 6500, 13
	tree := b.TempDir()
	for d := range dirs {
		dir := filepath.Join(tree, fmt.Sprintf("%03d", d/100), fmt.Sprintf("directory-%04d", d))
		require.NoError(b, os.MkdirAll(dir, 0o755))
		for n := range files {
			require.NoError(b, os.WriteFile(filepath.Join(dir, fmt.Sprintf("file-number-%d.txt", n)), nil, 0o644))
		}
	}
	image := filepath.Join(b.TempDir(), "image")
	tool(b, "", "mke2fs", "-q", "-t", "ext4", "-b", "4096", "-N", "200000", "-d", tree, image, "3G")
	source, size := made(b, image)
	seen := 0
	b.ReportAllocs()
	for b.Loop() {
		f, err := Open(source, size)
		require.NoError(b, err)
		seen = 0
		require.NoError(b, fs.WalkDir(f, ".", func(_ string, d fs.DirEntry, err error) error {
			if err == nil {
				_, err = d.Info()
			}
			seen++
			return err
		}))
	}
	require.GreaterOrEqual(b, seen, dirs*(files+1))
	b.ReportMetric(float64(source.reads.Load())/float64(b.N), "reads/op")
}

// BenchmarkMillion looks up one of a million names with nothing in the cache.
func BenchmarkMillion(b *testing.B) {
	const names, perFile = 1_000_000, 60_000
	image, mount := filepath.Join(b.TempDir(), "image"), b.TempDir()
	tool(b, "", "mke2fs", "-q", "-t", "ext4", "-b", "4096", "-O", "^has_journal", image, "1G")
	if out, err := exec.Command("mount", "-t", "ext4", "-o", "loop", image, mount).CombinedOutput(); err != nil {
		b.Skipf("an image cannot be mounted: %s", out)
	}
	defer exec.Command("umount", mount).Run() // where an assertion below fails
	dir := filepath.Join(mount, "dir")
	require.NoError(b, os.Mkdir(dir, 0o755))
	first := ""
	for n := range names {
		name := filepath.Join(dir, fmt.Sprintf("name-%07d", n))
		if n%perFile == 0 { // the others are links to it: no inodes need be written
			first = name
			require.NoError(b, os.WriteFile(name, nil, 0o644))
		} else if err := os.Link(first, name); err != nil {
			require.NoError(b, err)
		}
	}
	tool(b, "", "umount", mount)
	source, size := made(b, image)
	var reads int64
	n := 0
	for b.Loop() {
		b.StopTimer()
		f, err := Open(source, size)
		require.NoError(b, err)
		before := source.reads.Load()
		b.StartTimer()
		n = (n + 7919*31) % names
		_, err = f.Lstat(fmt.Sprintf("dir/name-%07d", n))
		require.NoError(b, err)
		reads += source.reads.Load() - before
	}
	b.ReportMetric(float64(reads)/float64(b.N), "reads/op")
}
