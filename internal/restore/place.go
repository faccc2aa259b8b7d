package restore

import (
	"context"
	"errors"
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
	if !j.complete { // as late as this: the part may have to be written to by the next run
		if err := j.to.Chmod(j.file.Mode); err != nil {
			return result, err
		}
	}
	if !j.complete && !j.owned() {
		return result, failed(layer.ErrIncomplete, j.file.To, "another restore has begun it anew meanwhile")
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
	return result, giveName(j.run.to, part, j.file.To, j.run.opts.Overwrite)
}

// giveName gives a complete file its name, which nothing may have unless it may
// be replaced.
func giveName(root *os.Root, part, name string, overwrite bool) error {
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
