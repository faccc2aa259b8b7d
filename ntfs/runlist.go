package ntfs

import (
	"fmt"
	"math"

	"github.com/vmdkfs/vmdkfs/internal/extent"
)

// decodeRuns appends the runs that mapping pairs describe, which must cover
// the clusters from vcn up to end of a stream, without a gap and not one more.
//
// Each pair is a byte with the lengths of two numbers in its nibbles, then the
// numbers: how many clusters, and, relative to the run before, where; without
// the second the run is a hole. Source: "Data Runs" in the documentation of the
// Linux-NTFS project.
func decodeRuns(runs []extent.Run, pairs []byte, vcn, end int64, g *geometry) ([]extent.Run, error) {
	lcn := int64(0)
	for len(pairs) > 0 && pairs[0] != 0 {
		lengthSize, offsetSize := int(pairs[0]&0xF), int(pairs[0]>>4)
		if lengthSize == 0 || lengthSize > 8 || offsetSize > 8 || len(pairs) <= lengthSize+offsetSize {
			return nil, fmt.Errorf("a run of the form %#02x with %d bytes left", pairs[0], len(pairs))
		}
		length := signed(pairs[1:][:lengthSize])
		if length <= 0 || length > end-vcn || end > math.MaxInt64/g.clusterSize {
			return nil, fmt.Errorf("a run of %d clusters at %d of %d", length, vcn, end)
		}
		run := extent.Run{Offset: vcn * g.clusterSize, Length: length * g.clusterSize, Source: extent.Hole}
		if offsetSize > 0 {
			// A sum that overflows is negative, or wrong as any other may be.
			lcn += signed(pairs[1+lengthSize:][:offsetSize])
			if lcn < 0 || lcn > g.clusters-length {
				return nil, fmt.Errorf("a run of %d clusters at cluster %d of %d", length, lcn, g.clusters)
			}
			run.Source, run.Physical = 0, lcn*g.clusterSize
		}
		runs = append(runs, run)
		vcn += length
		pairs = pairs[1+lengthSize+offsetSize:]
	}
	if vcn != end {
		return nil, fmt.Errorf("its runs end at cluster %d, not %d", vcn, end)
	}
	return runs, nil
}

// signed decodes a little-endian two's complement number of 1 to 8 bytes.
func signed(b []byte) int64 {
	n := int64(int8(b[len(b)-1]))
	for i := len(b) - 2; i >= 0; i-- {
		n = n<<8 | int64(b[i])
	}
	return n
}
