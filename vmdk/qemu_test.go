package vmdk

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// qemu runs a program of QEMU's in dir, and skips the test where the program
// is not installed or does not know the options.
func qemu(t *testing.T, dir, program string, args ...string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Skip(program + " is not installed")
	}
	c := exec.Command(program, args...)
	c.Dir = dir
	out, err := c.CombinedOutput()
	if text := string(out); err != nil && (strings.Contains(text, "not support")) {
		t.Skipf("qemu-img does not write it: %s", out)
	}
	require.NoError(t, err, "%s", out)
}

// patchy returns a disk of stretches that are data, zeros, or both in turn.
func patchy(size int, random *rand.Rand) []byte {
	disk := make([]byte, size)
	for off := 0; off < size; {
		n := min(size-off, 512*(1+random.IntN(600)))
		if random.IntN(3) == 0 {
			for i := range disk[off : off+n] {
				disk[off+i] = byte(random.IntN(7)) // it can be compressed
			}
		}
		off += n
	}
	disk[size-1] = 1
	return disk
}

// TestQemu compares what is read with what qemu-img converts back, for every
// subformat that it writes, with its options, sizes and backing files.
func TestQemu(t *testing.T) {
	sizes := []int{512, 65536 - 512, 65536 + 512, 3<<20 + 3*512, 33<<20 + 512}
	for _, kind := range []string{"monolithicSparse", "monolithicFlat", "twoGbMaxExtentSparse", "twoGbMaxExtentFlat", "streamOptimized"} {
		for _, options := range []string{"", ",zeroed_grain=on", ",compat6=on", ",hwversion=13,adapter_type=lsilogic"} {
			if strings.HasSuffix(kind, "Flat") && options == ",zeroed_grain=on" {
				continue // there are no grains
			}
			sizes := sizes
			if options != "" {
				sizes = sizes[2:4]
			}
			for i, size := range sizes {
				t.Run(fmt.Sprint(kind, options, ",", size), func(t *testing.T) {
					dir := t.TempDir()
					random := rand.New(rand.NewPCG(uint64(i), 1))
					require.NoError(t, os.WriteFile(filepath.Join(dir, "in.raw"), patchy(size, random), 0o600))
					qemu(t, dir, "qemu-img", "convert", "-f", "raw", "-O", "vmdk", "-o", "subformat="+kind+options, "in.raw", "disk.vmdk")
					compareQemu(t, dir, "disk.vmdk")
					if kind == "streamOptimized" {
						return // it is written once
					}
					// What is written over it, zeroed, and over a snapshot of it
					write := func(name string) {
						var commands []string
						for range 6 {
							off := random.IntN(size/512) * 512
							n := min(size-off, 512*(1+random.IntN(300)))
							command := fmt.Sprintf("write -P %d %d %d", 1+random.IntN(250), off, n)
							if random.IntN(2) == 0 {
								command = fmt.Sprintf("write -z %d %d", off, n)
							}
							commands = append(commands, "-c", command)
						}
						qemu(t, dir, "qemu-io", append(append([]string{"-f", "vmdk"}, commands...), name)...)
						compareQemu(t, dir, name)
					}
					write("disk.vmdk")
					base, kind := "disk.vmdk", strings.Replace(kind, "Flat", "Sparse", 1) // there are no flat snapshots
					for _, name := range []string{"snap1.vmdk", "snap2.vmdk"} {
						qemu(t, dir, "qemu-img", "create", "-q", "-f", "vmdk", "-F", "vmdk", "-b", base, "-o", "subformat="+kind+options, name)
						write(name)
						base = name
					}
				})
			}
		}
	}
}

func compareQemu(t *testing.T, dir, name string) {
	t.Helper()
	qemu(t, dir, "qemu-img", "convert", "-f", "vmdk", "-O", "raw", name, "out.raw")
	want, err := os.ReadFile(filepath.Join(dir, "out.raw"))
	require.NoError(t, err)
	f, err := Open(os.DirFS(dir), name)
	require.NoError(t, err)
	defer f.Close()
	got, err := f.ReadFile("disk")
	require.NoError(t, err)
	require.True(t, bytes.Equal(want, got), "%s: %d bytes, and qemu-img reads %d", name, len(got), len(want))
	require.Empty(t, f.Warnings())
}
