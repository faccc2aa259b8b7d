package layer

import (
	"io"
	"io/fs"
	"iter"
)

// A File is what every layer's Open returns for a regular file. ReadAt and
// Extents may be called from any number of goroutines at once; Read, Seek and
// WriteTo share the file's one position and may not.
type File interface {
	fs.File
	io.ReaderAt
	io.Seeker
	io.WriterTo
	// Size returns the file's length in bytes.
	Size() int64
	// Extents yields where the file's data lies, in the file's order and
	// without overlap, then at most one error. What no extent covers is a
	// hole: it reads as zeros and costs no read of the source.
	Extents() iter.Seq2[Extent, error]
}

// An Extent is a run of a file's bytes that lie together in one source of the
// layer. All numbers are bytes.
type Extent struct {
	Offset   int64 // in the file
	Length   int64 // always positive
	Source   int   // which of the layer's sources: 0 where there is only one
	Physical int64 // in that source; negative where the bytes do not lie there as they are (inline in metadata, compressed)
}
