//go:build linux || freebsd

package restore

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// dataSpans returns where the size bytes of a file are no hole.
func dataSpans(f *os.File, size int64) []span { return seekSpans(f.Seek, size) }

// seekSpans finds the spans as lseek(2) tells them. What is no clear answer is
// none, and all is data: a file system that does not know its holes, one that
// fails, or contradicts itself.
func seekSpans(seek func(offset int64, whence int) (int64, error), size int64) (list []span) {
	for at := int64(0); at < size; {
		begin, err := seek(at, unix.SEEK_DATA)
		if errors.Is(err, unix.ENXIO) {
			return list // holes to the end
		}
		if err != nil || begin < at {
			return wholeSpan(size)
		}
		if begin >= size {
			return list
		}
		end, err := seek(begin, unix.SEEK_HOLE)
		if err != nil || end <= begin {
			return wholeSpan(size)
		}
		list = append(list, span{begin, min(end, size) - begin})
		at = end
	}
	return list
}
