package restore

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"

	"github.com/vmdkfs/vmdkfs/layer"
)

// place gives the complete file its attributes and its name, after what was
// written has been read back where that was asked for: sum is the hash of the
// source then.
func (j *job) place(ctx context.Context, sum string) (Result, error) {
	result := Result{File: j.file.To, Size: j.file.Size, Cloned: j.cloned, Skipped: j.complete, Written: j.written.Load()}
	info, err := j.from.Stat()
	if err == nil && !j.unchanged(info) {
		err = failed(layer.ErrIncomplete, j.file.Name, "it has changed while it was read")
		j.distrusted = true
	}
	if err != nil {
		return result, err
	}
	if !j.complete {
		if j.file.Patch != nil { // a clone, or a copy by the server, lacks it
			if _, err := j.to.WriteAt(j.file.Patch, j.file.PatchAt); err != nil {
				return result, err
			}
		}
		if err := j.to.Chmod(j.file.Mode); err != nil {
			return result, err
		}
		if err := j.to.Sync(); err != nil {
			return result, err
		}
	}
	if j.run.opts.Verify {
		if err := j.verify(ctx, sum); err != nil {
			return result, err
		}
		result.SHA256 = sum
	}
	j.from.Close()
	err = j.to.Close()
	j.from, j.to = nil, nil
	if err != nil || j.complete {
		return result, err
	}
	part := partName(j.file.To)
	if err := j.run.to.Chtimes(part, j.file.ModTime, j.file.ModTime); err != nil {
		return result, err
	}
	return result, rename(j.run.to, part, j.file.To, j.run.opts.Overwrite)
}

// rename gives a complete file its name, which nothing may have unless it may
// be replaced.
func rename(root *os.Root, part, name string, overwrite bool) error {
	if overwrite {
		return root.Rename(part, name)
	}
	switch err := root.Link(part, name); {
	case err == nil:
		return root.Remove(part)
	case errors.Is(err, fs.ErrExist):
		return exists(name, "")
	}
	// A file system without hard links
	if _, err := root.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
		return exists(name, "")
	}
	return root.Rename(part, name)
}

// leave closes what is not complete, and keeps of it what the next run can
// rely on: it ends where the copy without a gap does, and has the time of the
// source to tell so.
func (j *job) leave() {
	if j.from != nil {
		j.from.Close()
		j.from = nil
	}
	if j.to == nil {
		return
	}
	part, copied := partName(j.file.To), j.copied()
	keep := !j.complete && !j.distrusted && copied > 0
	if keep {
		keep = j.to.Truncate(copied) == nil && j.to.Sync() == nil
	}
	keep = j.to.Close() == nil && keep
	j.to = nil
	if keep {
		keep = j.run.to.Chtimes(part, j.file.ModTime, j.file.ModTime) == nil
	}
	if !keep && !j.complete {
		j.run.to.Remove(part) // if it cannot be removed, its time tells that it is nothing to go on with
	}
}

// copyHashed copies the whole file from its beginning to its end, and returns
// the hash of the source.
func (j *job) copyHashed(ctx context.Context, buf []byte) (string, error) {
	hash := sha256.New()
	at := int64(0)
	hole := func(to int64) error {
		clear(buf)
		for at < to {
			if err := context.Cause(ctx); err != nil {
				return err
			}
			n := min(to-at, int64(len(buf)))
			hash.Write(buf[:n])
			at += n
		}
		return nil
	}
	for _, s := range append(j.data, span{j.file.Size, 0}) {
		if err := hole(s.offset); err != nil {
			return "", err
		}
		if err := j.copySpan(ctx, s, buf, hash); err != nil {
			return "", err
		}
		at += s.length
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// verify reads the file back from where it is stored.
func (j *job) verify(ctx context.Context, want string) error {
	dropCache(j.to)
	hash, buf := sha256.New(), make([]byte, bufferSize)
	for at := int64(0); ; {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		n, err := j.to.ReadAt(buf, at)
		hash.Write(buf[:n])
		at += int64(n)
		j.run.progress(int64(n))
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
	}
	if sum := hex.EncodeToString(hash.Sum(nil)); sum != want {
		j.distrusted = true
		return failed(layer.ErrCorrupt, j.file.To, "what was written reads back otherwise: SHA-256 %s, and not %s", sum, want)
	}
	return nil
}
