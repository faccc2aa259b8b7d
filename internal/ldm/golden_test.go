package ldm

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
	"github.com/vmdkfs/vmdkfs/layer"
)

// gptHeader is where the GPT disk has its private header.
const gptHeader = 2111 * 512

// golden returns the bytes of the given disks.
func golden(tb testing.TB, numbers ...int) [][]byte {
	var list [][]byte
	for _, n := range numbers {
		list = append(list, testimg.Load(tb, fmt.Sprintf("ldm/disk%d.img.gz", n)))
	}
	return list
}

// disks returns images as disks. One with a GPT is the one that has one.
func disks(images ...[]byte) []Disk {
	var list []Disk
	for i, image := range images {
		d := Disk{Name: fmt.Sprintf("disk %d", i), Reader: bytes.NewReader(image), Size: int64(len(image)), SectorSize: 512}
		if len(image) > 520 && string(image[512:520]) == "EFI PART" {
			d.Metadata = gptHeader
		}
		list = append(list, d)
	}
	return list
}

// one returns the only group of disks.
func one(tb testing.TB, images ...[]byte) *Group {
	groups, err := Open(disks(images...))
	require.NoError(tb, err)
	require.Len(tb, groups, 1)
	return groups[0]
}

// sum returns the hash of a volume, or its error.
func sum(v *Volume) (string, error) {
	r, err := v.Open()
	if err != nil {
		return "", err
	}
	h := sha256.New()
	n, err := io.Copy(h, io.NewSectionReader(r, 0, v.Size))
	if err == nil && n != v.Size {
		err = io.ErrUnexpectedEOF
	}
	return hex.EncodeToString(h.Sum(nil)), err
}

// manifest returns the hashes that the device-mapper found.
func manifest(tb testing.TB, name string) map[string]string {
	sums := make(map[string]string)
	for line := range strings.Lines(string(testimg.Load(tb, "ldm/"+name+".sha256"))) {
		hash, volume, ok := strings.Cut(strings.TrimSpace(line), " ")
		require.True(tb, ok)
		sums[volume] = hash
	}
	return sums
}

const longVolume = "AVolumeWithANameSoLongThatItsRecordTakesTwoPiecesOfTheDatabase"

func TestGolden(t *testing.T) {
	for _, tt := range []struct {
		manifest string
		disks    []int
		missing  []string
		lost     []string
	}{
		{"all", []int{1, 2, 3, 4}, nil, nil},
		{"all", []int{4, 2, 3, 1}, nil, nil},
		{"without-disk3", []int{1, 2, 4}, []string{"Disk3 (d15c0003-1111-4222-8333-000000000003)"}, []string{"Stripe1", longVolume}},
		{"without-disk2", []int{3, 4, 1}, []string{"Disk2 (d15c0002-1111-4222-8333-000000000002)"}, []string{"Stripe1", "Volume2"}},
	} {
		t.Run(tt.manifest, func(t *testing.T) {
			g := one(t, golden(t, tt.disks...)...)
			require.Equal(t, "WIN01-Dg0", g.Name)
			require.Equal(t, "5d0a8e2c-7f11-4e52-9c6a-0123456789ab", g.GUID)
			require.Equal(t, tt.missing, g.Missing)
			require.Empty(t, g.Warnings)
			want, all := manifest(t, tt.manifest), manifest(t, "all")
			require.Len(t, g.Volumes, len(all))
			for _, v := range g.Volumes {
				got, err := sum(v)
				if strings.Contains(strings.Join(tt.lost, "|"), v.Name) {
					require.ErrorIs(t, err, layer.ErrIncomplete, v.Name)
					require.ErrorContains(t, err, tt.missing[0])
					continue
				}
				require.NoError(t, err, v.Name)
				require.Equal(t, all[v.Name], got, v.Name)
				if hash, ok := want[v.Name]; ok {
					require.Equal(t, hash, got, v.Name)
				}
			}
		})
	}
}

func TestVolumes(t *testing.T) {
	g := one(t, golden(t, 1, 2, 3, 4)...)
	type facts struct {
		Name, Type, Hint string
		Sectors          int64
	}
	var got []facts
	for _, v := range g.Volumes {
		require.Regexp(t, "^d15c01..-1111-4222-8333-0000000001..$", v.GUID)
		got = append(got, facts{v.Name, v.Type, v.Hint, v.Size / 512})
	}
	require.Equal(t, []facts{
		{longVolume, "spanned", "", 258},
		{"Raid1", "RAID-5", "", 1280},
		{"Stripe1", "striped", "", 1536},
		{"Volume1", "simple", "E:", 700},
		{"Volume2", "spanned", "", 800},
		{"Volume4", "mirrored", "", 600},
		{"Volume6", "simple", "F:", 900},
	}, got)
}

// TestCopies: private headers and tables of contents are there more than once.
func TestCopies(t *testing.T) {
	want := manifest(t, "all")["Volume1"]
	images := golden(t, 1, 2, 3, 4)
	config := len(images[0]) - databaseSectors*512
	for _, sector := range []int{6 * 512, config + privheadBackup1*512, config + 1*512, config + 2*512, config + 2045*512} {
		images[0][sector] ^= 1
		g := one(t, images...)
		require.Empty(t, g.Warnings)
		for _, v := range g.Volumes {
			if v.Name == "Volume1" {
				got, err := sum(v)
				require.NoError(t, err)
				require.Equal(t, want, got)
			}
		}
	}
	images[0][config+2046*512] ^= 1 // the last table: the databases of the others are read
	g := one(t, images...)
	require.Len(t, g.Volumes, 7)
	require.NotEmpty(t, g.Warnings)
	require.ErrorIs(t, g.Warnings[0], layer.ErrCorrupt)
	images[0][config+privheadBackup2*512] ^= 1 // the last header
	_, err := Open(disks(images...))
	require.ErrorIs(t, err, layer.ErrFormat)
}
