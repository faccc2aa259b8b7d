package restore

import (
	"errors"
	"io/fs"
	"os"

	"github.com/vmdkfs/vmdkfs/layer"
)

// look finds out what there is of the file in the destination. A file with the
// size and time of the source is complete; a part with its time has what an
// interrupted run has copied, in order. Time is the last that a file gets.
func (j *job) look() error {
	f, opts := j.file, j.run.opts
	switch info, err := j.run.to.Lstat(f.To); {
	case err == nil && opts.Resume && info.Mode().IsRegular() && info.Size() == f.Size && info.ModTime().Equal(f.ModTime):
		j.complete = true
		return j.removePart() // a run that was killed may have left it beside
	case err == nil && !opts.Overwrite && opts.Resume:
		return exists(f.To, "it differs from the source in size or time")
	case err == nil && !opts.Overwrite:
		return exists(f.To, "")
	case err == nil && info.IsDir():
		return exists(f.To, "it is a directory")
	case err == nil && j.isSource(info):
		return exists(f.To, "it is the source")
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	switch info, err := j.run.to.Lstat(partName(f.To)); {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !opts.Resume && !opts.Overwrite:
		return exists(partName(f.To), "a part of a restore that did not end, which --resume goes on with")
	case opts.Resume && info.Mode().IsRegular() && info.ModTime().Equal(f.ModTime) && 0 < info.Size() && info.Size() <= f.Size:
		j.mark = info.Size()
		return nil
	}
	return j.removePart()
}

// isSource reports whether a file of the destination is the source itself.
func (j *job) isSource(info fs.FileInfo) bool {
	from, err := j.run.from.Stat(j.file.Name)
	return err == nil && os.SameFile(from, info)
}

// removePart removes what there is of the file under the name of its part.
func (j *job) removePart() error {
	err := j.run.to.Remove(partName(j.file.To))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// left returns how many of them are still to be written.
func (j *job) left() (n int64) {
	for _, s := range j.data {
		n += max(0, min(s.length, s.offset+s.length-j.mark))
	}
	return n
}

// copied returns up to where the file is copied without a gap.
func (j *job) copied() int64 {
	mark := max(j.mark, j.hashed.Load())
	for i, p := range j.pieces {
		if !j.done[i].Load() {
			break
		}
		mark = max(mark, p.offset+p.length)
	}
	return mark
}

// openPart opens the part of the file: a new one, or the one that look has
// found, if that is still as it was. Another run may have begun meanwhile.
func (j *job) openPart() (*os.File, error) {
	part := partName(j.file.To)
	if j.mark == 0 {
		f, err := j.run.to.OpenFile(part, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		if errors.Is(err, fs.ErrExist) {
			err = failed(layer.ErrIncomplete, j.file.To, "another restore has begun it meanwhile")
		}
		return f, err
	}
	f, err := j.run.to.OpenFile(part, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && (info.Size() != j.mark || !info.ModTime().Equal(j.file.ModTime)) {
		err = failed(layer.ErrIncomplete, j.file.To, "another restore goes on with it")
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// owned reports whether the part is the file that is written, and not one that
// another run, started in the belief that this one had ended, has put there.
func (j *job) owned() bool {
	mine, err := j.to.Stat()
	if err != nil {
		return false
	}
	there, err := j.run.to.Lstat(partName(j.file.To))
	return err == nil && os.SameFile(mine, there)
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
	part, copied, owned := partName(j.file.To), j.copied(), j.owned()
	keep := owned && !j.complete && !j.distrusted && copied > 0
	if keep {
		keep = j.to.Truncate(copied) == nil && j.to.Sync() == nil
	}
	keep = j.to.Close() == nil && keep
	j.to = nil
	if keep {
		keep = j.run.to.Chtimes(part, j.file.ModTime, j.file.ModTime) == nil
	}
	if !keep && !j.complete && owned {
		j.run.to.Remove(part) // if it cannot be removed, its time tells that it is nothing to go on with
	}
}
