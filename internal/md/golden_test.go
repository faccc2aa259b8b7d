package md

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/raid"
	"github.com/vmdkfs/vmdkfs/internal/testimg"
	"github.com/vmdkfs/vmdkfs/layer"
)

// A sum is what the kernel read from an array: its hash and its length.
type sum struct {
	hash string
	size int64
}

// sums returns a manifest, by the names of the arrays.
func sums(t testing.TB, name string) map[string]sum {
	list := make(map[string]sum)
	for line := range strings.Lines(string(testimg.Load(t, "md/"+name+".sha256"))) {
		f := strings.Fields(line)
		require.Len(t, f, 3, line)
		size, err := strconv.ParseInt(f[1], 10, 64)
		require.NoError(t, err)
		list[f[2]] = sum{f[0], size}
	}
	return list
}

// loadedDisks are the sets that disks has returned.
var loadedDisks sync.Map

// disks returns the disks of a set, which nobody may change.
func disks(t testing.TB, set string) [][]byte {
	if list, ok := loadedDisks.Load(set); ok {
		return list.([][]byte)
	}
	var list [][]byte
	for _, name := range testimg.Names(t, "md/"+set+".disk*.img.gz") {
		list = append(list, testimg.Load(t, name))
	}
	loadedDisks.Store(set, list)
	return list
}

// partition returns partition n of disk i: all are 512 KiB long, the first at
// 1 MiB.
func partition(disks [][]byte, i, n int) Device {
	data := disks[i][(n+1)<<19:][:1<<19]
	return Device{Name: fmt.Sprintf("%c%d", 'a'+i, n), Reader: bytes.NewReader(data), Size: int64(len(data))}
}

// parts returns the partitions of arrays by the arrays' names.
func parts(t testing.TB, disks [][]byte) map[string][]Device {
	list := make(map[string][]Device)
	for n := 1; (n+2)<<19 < len(disks[0]); n++ {
		var devices []Device
		name := ""
		for i := range disks {
			d := partition(disks, i, n)
			sb, err := ReadSuperblock(d.Reader, d.Size)
			if err != nil {
				require.ErrorIs(t, err, layer.ErrFormat)
				continue
			}
			if name = sb.ShortName(); name == "" {
				name = "md-" + sb.UUID[:8]
			}
			devices = append(devices, d)
		}
		if devices != nil {
			list[name] = devices
		}
	}
	return list
}

// check reads an array as a whole, and in pieces from many goroutines.
func check(t *testing.T, f layer.File, want sum) {
	t.Helper()
	require.Equal(t, want.size, f.Size())
	var content bytes.Buffer
	_, err := f.WriteTo(&content)
	require.NoError(t, err)
	got := sha256.Sum256(content.Bytes())
	require.Equal(t, want.hash, hex.EncodeToString(got[:]))
	var wait sync.WaitGroup
	for seed := range uint64(3) {
		wait.Go(func() {
			random := rand.New(rand.NewPCG(seed, 0))
			for range 10 {
				off := random.Int64N(f.Size())
				buf := make([]byte, 1+random.IntN(1<<(1+random.IntN(17))))
				n, err := f.ReadAt(buf, off)
				want := content.Bytes()[off:min(off+int64(len(buf)), f.Size())]
				if n != len(want) || (err != nil && err != io.EOF) || !bytes.Equal(buf[:n], want) {
					t.Errorf("ReadAt(%d bytes, %d) = %d, %v", len(buf), off, n, err)
				}
			}
		})
	}
	wait.Wait()
}

// spare returns how many members an array can do without, whichever they are.
func spare(a *Array, sb *Superblock) int {
	switch sb.Level {
	case raid.RAID1:
		return sb.Devices - 1
	case raid.RAID4, raid.RAID5:
		return 1
	case raid.RAID6:
		return 2
	case raid.RAID10:
		return int(sb.Layout&0xff)*int(sb.Layout>>8&0xff) - 1
	}
	return 0
}

// TestArrays compares every array, with every set of members that it can do
// without left out, with what the kernel read from it.
func TestArrays(t *testing.T) {
	disks := disks(t, "arrays")
	want := sums(t, "arrays")
	for name, devices := range parts(t, disks) {
		sb, err := ReadSuperblock(devices[0].Reader, devices[0].Size)
		require.NoError(t, err)
		id := name
		if _, ok := want[id]; !ok { // version 0.90 has no names: by the only array of that level and size
			for w := range maps.Keys(want) {
				if strings.HasSuffix(w, "-090") && strings.HasPrefix(w, fmt.Sprintf("r%d-", sb.Level)) {
					id = w
				}
			}
		}
		t.Run(id, func(t *testing.T) {
			expected, ok := want[id]
			require.True(t, ok, id)
			delete(want, id)
			n := len(devices)
			for away := range 1 << n {
				var here []Device
				for i, d := range devices {
					if away>>i&1 == 0 {
						here = append(here, d)
					}
				}
				if len(here) == 0 {
					continue
				}
				fsys, err := Open(here)
				require.NoError(t, err)
				require.Len(t, fsys.Arrays(), 1)
				a := fsys.Arrays()[0]
				require.Equal(t, name, a.Name)
				if a.Err != nil {
					require.Greater(t, n-len(here), spare(a, sb))
					require.ErrorIs(t, a.Err, layer.ErrIncomplete)
					_, err := fsys.Open(a.Name)
					require.ErrorIs(t, err, layer.ErrIncomplete)
					continue
				}
				require.True(t, n-len(here) <= spare(a, sb) || sb.Level == raid.RAID10)
				f, err := fsys.Open(a.Name)
				require.NoError(t, err)
				check(t, f.(layer.File), expected)
			}
		})
	}
	require.Empty(t, slices.Sorted(maps.Keys(want)), "not in the images")
}

func TestFS(t *testing.T) {
	parts := parts(t, disks(t, "arrays"))
	fsys, err := Open(append(slices.Clone(parts["r10-o2"]), parts["r5-ls"]...))
	require.NoError(t, err)
	require.NoError(t, fstest.TestFS(fsys, "r10-o2", "r5-ls"))
}

// TestStale: members that were away, that are being recovered, or that have
// bad sectors are not read where they are not in sync.
func TestStale(t *testing.T) {
	disks := disks(t, "stale")
	want := sums(t, "stale")
	states := map[string]string{"recovers": "recovering", "bad": "in sync", "s090": "faulty"}
	for name, devices := range parts(t, disks) {
		id := name
		if want[name].hash == "" {
			id = "s090"
		}
		t.Run(id, func(t *testing.T) {
			for _, without := range []bool{false, true} {
				here := devices
				if without {
					here = slices.Concat(devices[:1], devices[2:])
				}
				fsys, err := Open(here)
				require.NoError(t, err)
				a := fsys.Arrays()[0]
				require.NoError(t, a.Err)
				state := "out of date"
				if without {
					state = "missing"
				} else if states[id] != "" {
					state = states[id]
				}
				require.Equal(t, state, a.Members[1].State)
				f, err := fsys.Open(name)
				require.NoError(t, err)
				if without && id == "bad" {
					buf := make([]byte, f.(layer.File).Size())
					n, err := f.(layer.File).ReadAt(buf, 0)
					require.ErrorIs(t, err, layer.ErrIncomplete)
					require.Equal(t, 100*sectorSize, n) // 256 of them lie before the data
					_, err = f.(layer.File).ReadAt(buf[:104*sectorSize], 140*sectorSize)
					require.NoError(t, err)
					continue
				}
				check(t, f.(layer.File), want[id])
			}
			// The member that is not in sync is not enough.
			fsys, err := Open(devices[1:2])
			require.NoError(t, err)
			if a := fsys.Arrays()[0]; id != "s1" && id != "bad" {
				require.ErrorIs(t, a.Err, layer.ErrIncomplete)
			}
		})
	}
}

// TestUnequal reads arrays whose members are not of one size.
func TestUnequal(t *testing.T) {
	disks := disks(t, "unequal")
	for name, want := range sums(t, "unequal") {
		n := map[string]int{"original": 1, "alternate": 2, "linear": 3}[name]
		var devices []Device
		for i, disk := range disks {
			size := []int{900, 900, 500}[i]
			if n == 3 {
				size = 700 - 120*i
			}
			data := disk[n<<20:][:size<<10]
			devices = append(devices, Device{Name: fmt.Sprintf("disk%d", i), Reader: bytes.NewReader(data), Size: int64(len(data))})
		}
		fsys, err := Open(devices)
		require.NoError(t, err)
		f, err := fsys.Open(name)
		require.NoError(t, err)
		check(t, f.(layer.File), want)
	}
}
