package restore

import "github.com/vmdkfs/vmdkfs/internal/ondisk"

// freeBytes returns how many bytes so many blocks of size bytes are, and
// whether that can be. FreeBSD has less than no blocks where only root could
// still write.
func freeBytes[N int64 | uint64](blocks N, size uint64) (int64, bool) {
	return ondisk.Mul(uint64(max(0, blocks)), size)
}
