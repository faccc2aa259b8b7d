package iso

import (
	"io/fs"
	"syscall"
	"time"

	"github.com/vmdkfs/vmdkfs/layer"
)

// hostDevice identifies a file system of the host.
type hostDevice uint64

// hostUnix returns what os.Stat knows of one of the host's files.
func hostUnix(info fs.FileInfo) (layer.Unix, bool) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return layer.Unix{}, false
	}
	rdev := uint64(st.Rdev)
	return layer.Unix{
		Volume: hostDevice(st.Dev),
		Inode:  st.Ino,
		Links:  uint32(st.Nlink),
		UID:    st.Uid,
		GID:    st.Gid,
		// The halves of a device number as glibc's major and minor take them
		// apart.
		Major:  uint32(rdev>>8&0xfff | rdev>>32&^0xfff),
		Minor:  uint32(rdev&0xff | rdev>>12&^0xff),
		Access: time.Unix(int64(st.Atim.Sec), int64(st.Atim.Nsec)),
		Change: time.Unix(int64(st.Ctim.Sec), int64(st.Ctim.Nsec)),
	}, true
}
