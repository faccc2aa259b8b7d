package datastore

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"
)

// errNoSnapshots is what an image gets that no snapshot has a copy of.
var errNoSnapshots = errors.New("no snapshot beside it, or in a directory above, has a copy")

// Locate returns the datastore that an image lies in, which need not be there
// any more: the nearest directory above it with a snapshot that has a copy; and
// the image's path below it.
func Locate(image string, layouts []string) (root, rel string, err error) {
	full, err := filepath.Abs(image)
	if err != nil {
		return "", "", err
	}
	for dir := filepath.Dir(full); ; dir = filepath.Dir(dir) {
		if rel, err = filepath.Rel(dir, full); err != nil {
			return "", "", err
		}
		switch list, err := Versions(dir, rel, layouts); {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return "", "", err
		case len(list) > 1 || list[0].Name != Current:
			return dir, rel, nil
		}
		if dir == filepath.Dir(dir) {
			return "", "", errNoSnapshots
		}
	}
}

// NewestBy returns the newest of versions, which are ordered by time, that is
// not later than t.
func NewestBy(versions []Version, t time.Time) (Version, error) {
	for i := len(versions) - 1; i >= 0; i-- {
		if v := versions[i]; !v.Time.IsZero() && !v.Time.After(t) {
			return v, nil
		}
	}
	first := "there is none"
	if len(versions) > 0 {
		first = fmt.Sprintf("the first is %s, of %s", versions[0].Name, versions[0].Time.UTC().Format("2006-01-02 15:04"))
	}
	return Version{}, fmt.Errorf("no version by %s: %s", t.UTC().Format("2006-01-02 15:04"), first)
}

// Named returns the version of that name, and whether there is one.
func Named(versions []Version, name string) (Version, bool) {
	for _, v := range versions {
		if v.Name == name {
			return v, true
		}
	}
	return Version{}, false
}
