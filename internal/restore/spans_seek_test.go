//go:build linux || freebsd

package restore

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// A seeker is a file system's answer.
type seeker func(offset int64, whence int) (int64, error)

// holes answers for a file with data in the spans, as lseek(2) is to.
func holes(size int64, data ...span) seeker {
	return func(offset int64, whence int) (int64, error) {
		if offset >= size {
			return 0, unix.ENXIO
		}
		for _, s := range data {
			end := s.offset + s.length
			if offset >= end {
				continue
			}
			switch {
			case whence == unix.SEEK_DATA:
				return max(offset, s.offset), nil
			case offset < s.offset:
				return offset, nil
			}
			return end, nil
		}
		if whence == unix.SEEK_DATA {
			return 0, unix.ENXIO
		}
		return offset, nil
	}
}

// failing answers otherwise from a byte on.
func failing(s seeker, whence int, from, answer int64, err error) seeker {
	return func(offset int64, w int) (int64, error) {
		if w == whence && offset >= from {
			return answer, err
		}
		return s(offset, w)
	}
}

func TestSeekSpans(t *testing.T) {
	const size = 100 << 10
	two := holes(size, span{8 << 10, 4 << 10}, span{40 << 10, 20 << 10})
	whole := []span{{0, size}}
	for name, c := range map[string]struct {
		seek seeker
		want []span
	}{
		"two":                      {two, []span{{8 << 10, 4 << 10}, {40 << 10, 20 << 10}}},
		"one hole":                 {holes(size), nil},
		"no hole":                  {holes(size, span{0, size}), whole},
		"data to the end":          {holes(size, span{60 << 10, 40 << 10}), []span{{60 << 10, 40 << 10}}},
		"blocks beyond the end":    {holes(size+4096, span{60 << 10, 50 << 10}), []span{{60 << 10, 40 << 10}}},
		"grown meanwhile":          {holes(2*size, span{size + 4096, 4096}), nil},
		"not supported":            {failing(two, unix.SEEK_DATA, 0, 0, unix.EINVAL), whole},
		"not supported by NFS":     {failing(two, unix.SEEK_DATA, 0, 0, unix.EOPNOTSUPP), whole},
		"SEEK_DATA fails":          {failing(two, unix.SEEK_DATA, 10<<10, 0, unix.EIO), whole},
		"SEEK_DATA goes back":      {failing(two, unix.SEEK_DATA, 10<<10, 9<<10, nil), whole},
		"SEEK_HOLE fails":          {failing(two, unix.SEEK_HOLE, 40<<10, 0, unix.EINVAL), whole},
		"SEEK_HOLE without a hole": {failing(two, unix.SEEK_HOLE, 40<<10, 0, unix.ENXIO), whole},
		"SEEK_HOLE stays":          {failing(two, unix.SEEK_HOLE, 40<<10, 40<<10, nil), whole},
	} {
		require.Equal(t, c.want, seekSpans(c.seek, size), name)
	}
	require.Empty(t, seekSpans(failing(two, unix.SEEK_DATA, 0, 0, unix.EINVAL), 0))
}

// A file system that says nothing of holes has none.
func TestSpansWithoutHoles(t *testing.T) {
	f, err := os.Open("/proc/self/maps")
	if err != nil {
		t.Skip(err)
	}
	defer f.Close()
	require.Equal(t, []span{{0, 5}}, dataSpans(f, 5))
	empty, err := os.Create(filepath.Join(t.TempDir(), "x"))
	require.NoError(t, err)
	defer empty.Close()
	require.Empty(t, dataSpans(empty, 0))
}
