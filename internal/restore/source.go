package restore

import (
	"io/fs"
	"os"

	"github.com/vmdkfs/vmdkfs/layer"
)

// measure finds out what there is to copy.
func (j *job) measure() error {
	if j.file.Text != nil {
		j.data = wholeSpan(j.file.Size)
		return nil
	}
	from, err := j.source()
	if err != nil {
		return err
	}
	defer from.Close()
	j.data = dataSpans(from, j.file.Size)
	return nil
}

// source opens the source.
func (j *job) source() (*os.File, error) {
	from, err := j.run.from.Open(j.file.Name)
	if err != nil {
		return nil, err
	}
	info, err := from.Stat()
	if err == nil && !j.unchanged(info) {
		err = failed(layer.ErrIncomplete, j.file.Name, "it changes while it is read")
	}
	if err != nil {
		from.Close()
		return nil, err
	}
	return from, nil
}

// unchanged reports whether the source is still what was planned with.
func (j *job) unchanged(info fs.FileInfo) bool {
	return (j.file.Text != nil || info.Size() == j.file.Size) && info.ModTime().Equal(j.file.ModTime)
}
