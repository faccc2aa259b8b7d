package restore

import (
	"context"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// clone has to share its blocks with from, where the file system can.
func clone(to, from *os.File) bool {
	return unix.IoctlFileClone(int(to.Fd()), int(from.Fd())) == nil
}

// serverSide are the file systems of the network whose servers copy by
// themselves.
var serverSide = map[uint32]bool{unix.NFS_SUPER_MAGIC: true, unix.SMB2_SUPER_MAGIC: true, unix.CIFS_SUPER_MAGIC: true, unix.CEPH_SUPER_MAGIC: true}

// copyOnServer copies a span within one file system of the network, of whose
// data none comes here. It returns 0 where that is not so.
func copyOnServer(ctx context.Context, to, from *os.File, s span, progress func(int64)) (int64, error) {
	var a, b unix.Statfs_t
	if unix.Fstatfs(int(to.Fd()), &a) != nil || unix.Fstatfs(int(from.Fd()), &b) != nil || a.Fsid != b.Fsid || !serverSide[uint32(a.Type)] {
		return 0, nil
	}
	return copyRange(ctx, to, from, s, progress)
}

// copyRange copies a span by the system. It returns 0 where that cannot be
// done.
func copyRange(ctx context.Context, to, from *os.File, s span, progress func(int64)) (done int64, err error) {
	for done < s.length {
		if err := ctx.Err(); err != nil {
			return done, err
		}
		in, out := s.offset+done, s.offset+done
		n, err := unix.CopyFileRange(int(from.Fd()), &in, int(to.Fd()), &out, int(min(s.length-done, pieceSize)), 0)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil && done == 0 && err != unix.ENOSPC && err != unix.EDQUOT && err != unix.EIO:
			return 0, nil
		case err != nil:
			return done, os.NewSyscallError("copy_file_range", err)
		case n == 0:
			return done, io.ErrUnexpectedEOF
		}
		done += int64(n)
		progress(int64(n))
	}
	return done, nil
}
