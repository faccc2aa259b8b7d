package restore

import (
	"context"
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// clone has to share its blocks with from, where the file system can.
func clone(to, from *os.File) bool {
	return unix.IoctlFileClone(int(to.Fd()), int(from.Fd())) == nil
}

// dataSpans returns where the size bytes of a file are no hole. A file system
// that does not say it has none.
func dataSpans(f *os.File, size int64) (list []span, err error) {
	for at := int64(0); at < size; {
		begin, err := f.Seek(at, unix.SEEK_DATA)
		switch {
		case errors.Is(err, unix.ENXIO):
			return list, nil // holes to the end
		case errors.Is(err, unix.EINVAL), errors.Is(err, unix.EOPNOTSUPP):
			return []span{{0, size}}, nil
		case err != nil:
			return nil, err
		}
		end, err := f.Seek(begin, unix.SEEK_HOLE)
		if err != nil {
			return nil, err
		}
		if begin >= size {
			break
		}
		end = min(end, size)
		if end <= begin {
			return nil, io.ErrNoProgress
		}
		list = append(list, span{begin, end - begin})
		at = end
	}
	return list, nil
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

// dropCache has the next read come from the storage.
func dropCache(f *os.File) {
	unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED) // advice may be ignored
}

// syncDir has the names in a directory be on the storage.
func syncDir(root *os.Root, name string) error {
	dir, err := root.Open(name)
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := dir.Sync(); !errors.Is(err, unix.EINVAL) { // as file systems say that cannot
		return err
	}
	return nil
}
