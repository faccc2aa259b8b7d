package partition

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMBRSectorSize(t *testing.T) {
	// A partition from sector 8 to 16, of 512 or 4096 bytes, and what begins
	// at the one place and at the other
	for _, tt := range []struct {
		name       string
		kind       byte
		at4        int
		text       string
		sectorSize int
	}{
		{"nothing", 0x83, 0, "", 512},
		{"LVM", 0x8e, 512, "LABELONE", 4096},
		{"XFS", 0x83, 0, "XFSB", 4096},
		{"LUKS", 0x83, 0, "LUKS\xba\xbe", 4096},
		{"swap", 0x82, 4086, "SWAPSPACE2", 4096},
		{"ext", 0x83, 1024 + 56, "\x53\xef", 4096},
		{"NTFS", 0x07, 510, "\x55\xaa", 4096},
		{"both", 0x83, 0, "XFSB", 512},
		{"no EBR", typeExtended, 0, "XFSB", 512},
	} {
		t.Run(tt.name, func(t *testing.T) {
			disk := make([]byte, 200*512)
			put(disk, 0, 0, tt.kind, 8, 8)
			copy(disk[8*4096+tt.at4:], tt.text)
			if tt.name == "both" {
				copy(disk[8*512:], tt.text)
			}
			require.Equal(t, tt.sectorSize, mustOpen(t, disk).Table().SectorSize)
			require.Equal(t, 512, mustOpen(t, disk[:100*512]).Table().SectorSize, "the disk is too small for the other")
		})
	}
}
