package ntfs

import (
	"math/bits"

	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/internal/vnode"
)

// bitmapPiece is how much of $Bitmap is counted at once.
const bitmapPiece = 256 << 10

// A clusterBitmap is $Bitmap: a bit for each cluster, set when it is in use.
type clusterBitmap struct {
	content  vnode.Content
	clusters int64
}

func (f *FS) bitmap() (clusterBitmap, error) {
	x, err := f.file(recordBitmap)
	if err != nil {
		return clusterBitmap{}, err
	}
	a, err := x.find(attrData, nil)
	if err == nil && a == nil {
		err = corrupt("$Bitmap", noOffset, "it has no data")
	}
	if err != nil {
		return clusterBitmap{}, err
	}
	content, err := x.metadata(a)
	if err == nil && content.Size() < (f.geo.clusters+7)/8 {
		err = corrupt("$Bitmap", noOffset, "%d bytes for %d clusters", content.Size(), f.geo.clusters)
	}
	return clusterBitmap{content, f.geo.clusters}, err
}

// used returns how many of n clusters from lcn on are in use.
func (b clusterBitmap) used(lcn, n int64) (int64, error) {
	if !ondisk.Within(lcn, n, b.clusters) {
		return 0, corrupt("$Bitmap", noOffset, "%d clusters at %d of %d", n, lcn, b.clusters)
	}
	used := int64(0)
	for end := lcn + n; lcn < end; {
		first := lcn / 8
		data, err := ondisk.Read(b.content, first, min((end+7)/8-first, bitmapPiece))
		if err != nil {
			return 0, failed("$Bitmap", noOffset, err)
		}
		stop := min(end, (first+int64(len(data)))*8)
		data[0] &= 0xFF << (lcn % 8)
		if rest := stop % 8; rest > 0 {
			data[len(data)-1] &= 1<<rest - 1
		}
		for _, c := range data {
			used += int64(bits.OnesCount8(c))
		}
		lcn = stop
	}
	return used, nil
}
