package twin

import (
	"cmp"
	"context"
	"io"
	"slices"

	"github.com/vmdkfs/vmdkfs/internal/ondisk"
)

const (
	// PartSize is how much of two versions of a volume is read at once to be
	// compared.
	PartSize = 1 << 20
	// maxGap is how many bytes between two parts are read in vain, rather than
	// with one more read.
	maxGap = 64 << 10
)

// Read reads the same bytes of two versions at once: storage answers two
// requests as fast as one.
func Read(a, b io.ReaderAt, bufA, bufB []byte, off int64) error {
	done := make(chan error, 1)
	go func() { done <- ondisk.ReadFull(b, bufB, off) }()
	err := ondisk.ReadFull(a, bufA, off)
	if other := <-done; err == nil {
		err = other
	}
	return err
}

// A Part is a piece of both versions, of at most PartSize bytes, and whose it
// is.
type Part[Owner any] struct {
	Off    int64
	Length int
	Owner  Owner
}

// Compare reads parts of two versions in the order in which they lie, those
// that are near to one another together, and gives each with its bytes, which
// the function may change; nil where they could not be read. The error is that
// of the context.
func Compare[Owner any](ctx context.Context, a, b io.ReaderAt, parts []Part[Owner], each func(p Part[Owner], bytesA, bytesB []byte)) error {
	slices.SortStableFunc(parts, func(x, y Part[Owner]) int { return cmp.Compare(x.Off, y.Off) })
	bufA, bufB := make([]byte, PartSize), make([]byte, PartSize)
	for rest := parts; len(rest) > 0; {
		if err := ctx.Err(); err != nil {
			return err
		}
		start, n := rest[0].Off, 0
		end := start
		// Parts that overlap, as in no sound volume, are read one by one: each
		// may change its bytes.
		for n < len(rest) && (n == 0 || rest[n].Off >= end) && rest[n].Off <= end+maxGap && rest[n].Off+int64(rest[n].Length) <= start+PartSize {
			end = max(end, rest[n].Off+int64(rest[n].Length))
			n++
		}
		partA, partB := bufA[:end-start], bufB[:end-start]
		err := Read(a, b, partA, partB, start)
		for _, p := range rest[:n] {
			from := int(p.Off - start)
			if to := from + p.Length; err == nil {
				each(p, partA[from:to:to], partB[from:to:to])
			} else {
				each(p, nil, nil)
			}
		}
		rest = rest[n:]
	}
	return nil
}
