package ntfs

import (
	"encoding/binary"
	"io"
	"iter"
	"math"

	"github.com/vmdkfs/vmdkfs/internal/cache"
	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/internal/vnode"
	"github.com/vmdkfs/vmdkfs/layer"
)

// The algorithms of FILE_PROVIDER_EXTERNAL_INFO in the WDK, and the size of
// their chunks.
const (
	wofXpress4K  = 0
	wofLZX       = 1
	wofXpress8K  = 2
	wofXpress16K = 3
)

var wofChunkSize = map[uint32]int64{wofXpress4K: 4 << 10, wofLZX: 32 << 10, wofXpress8K: 8 << 10, wofXpress16K: 16 << 10}

const (
	// wofTablePiece is how much of the table of chunks is read at once: the
	// offsets of 4096 chunks, or of 2048.
	wofTablePiece = 16 << 10
	// wofTableBudget is how much of the table is kept.
	wofTableBudget = 64 << 10
)

// wof is the content of a file that the Windows Overlay Filter compressed, in
// chunks of equal size but for the last. The stream begins with the offsets of
// all chunks but the first, counted from the table's end: numbers of 32 bits,
// or of 64 for files of 4 GiB and more. A chunk as long as what it decodes to is
// stored. Source: the documentation of wimlib on "compressed resources", which
// have the same form.
type wof struct {
	stream    io.ReaderAt
	algorithm uint32
	chunk     int64
	chunks    int64
	size      int64
	entry     int64 // bytes of an offset in the table
	table     int64 // bytes
	data      int64 // bytes behind the table
	offsets   *cache.Cache
	object    string

	scratch *scratch
	last    lastPiece
}

// newWOF returns what the streamSize bytes of stream decode to: size bytes.
func newWOF(stream io.ReaderAt, streamSize int64, algorithm uint32, size int64, object string, s *scratch) (vnode.Content, error) {
	chunk, known := wofChunkSize[algorithm]
	switch {
	case !known:
		return nil, unsupported(object, "its content is compressed by WOF's algorithm %d", algorithm)
	case size < 0:
		return nil, corrupt(object, noOffset, "%d bytes", size)
	case size == 0:
		return inline(nil), nil
	}
	w := &wof{stream: stream, algorithm: algorithm, chunk: chunk, chunks: (size-1)/chunk + 1, size: size, entry: 4, object: object, scratch: s}
	if size > math.MaxUint32 {
		w.entry = 8
	}
	w.table = (w.chunks - 1) * w.entry
	w.data = streamSize - w.table
	if w.data < w.chunks {
		return nil, corrupt(object, noOffset, "%d bytes of %s for %d chunks", streamSize, wofStream, w.chunks)
	}
	w.offsets = cache.New(io.NewSectionReader(stream, 0, w.table), wofTableBudget)
	return w, nil
}

// Size returns the length in bytes.
func (w *wof) Size() int64 { return w.size }

// Extents yields the whole file as one that lies in no place.
func (w *wof) Extents() iter.Seq2[layer.Extent, error] {
	return func(yield func(layer.Extent, error) bool) {
		yield(layer.Extent{Length: w.size, Physical: -1}, nil)
	}
}

// start returns where a chunk begins behind the table. That of the one behind
// the last is the end.
func (w *wof) start(i int64) (int64, error) {
	if i == 0 {
		return 0, nil
	}
	if i == w.chunks {
		return w.data, nil
	}
	at := (i - 1) * w.entry
	piece := at - at%wofTablePiece
	data, err := w.offsets.Get(piece, int(min(wofTablePiece, w.table-piece)))
	if err != nil {
		return 0, failed(w.object, noOffset, err)
	}
	v := uint64(binary.LittleEndian.Uint32(data[at-piece:]))
	if w.entry == 8 {
		v = binary.LittleEndian.Uint64(data[at-piece:])
	}
	if v > uint64(w.data) {
		return 0, corrupt(w.object, noOffset, "chunk %d begins at %d of %d", i, v, w.data)
	}
	return int64(v), nil
}

// length returns how many bytes chunk i decodes to.
func (w *wof) length(i int64) int64 { return min(w.chunk, w.size-i*w.chunk) }

// bounds returns where a chunk lies behind the table.
func (w *wof) bounds(i int64) (start, end int64, err error) {
	if start, err = w.start(i); err != nil {
		return
	}
	if end, err = w.start(i + 1); err == nil && (end <= start || end-start > w.length(i)) {
		err = corrupt(w.object, noOffset, "chunk %d lies from %d to %d, for %d bytes", i, start, end, w.length(i))
	}
	return
}

// ReadAt implements io.ReaderAt. The chunks that p needs are read together.
func (w *wof) ReadAt(p []byte, off int64) (int, error) {
	p, err := clip(p, off, w.size)
	if err != nil && err != io.EOF {
		return 0, err
	}
	for done := 0; done < len(p); {
		n, gerr := w.readGroup(p[done:], off+int64(done))
		if gerr != nil {
			return done, gerr
		}
		done += n
	}
	return len(p), err
}

// readGroup fills the start of p, which begins at off, and returns how much
// that is.
func (w *wof) readGroup(p []byte, off int64) (int, error) {
	if n := w.last.read(p, off); n > 0 {
		return n, nil
	}
	first := off / w.chunk
	start, end, err := w.bounds(first)
	if err != nil {
		return 0, err
	}
	ends := []int64{end - start}
	for i := first + 1; i*w.chunk < off+int64(len(p)); i++ {
		_, next, err := w.bounds(i)
		if err != nil || next-start > maxPacked {
			break // an error is met again when its turn comes
		}
		end, ends = next, append(ends, next-start)
	}
	packed, release := w.scratch.borrow(end - start)
	defer release()
	if err := ondisk.ReadFull(w.stream, packed, w.table+start); err != nil {
		return 0, failed(w.object, noOffset, err)
	}
	from := int64(0)
	for i, to := range ends {
		if err := w.unpack(p, off, first+int64(i), packed[from:to]); err != nil {
			return 0, err
		}
		from = to
	}
	return int(min(int64(len(p)), (first+int64(len(ends)))*w.chunk-off)), nil
}

// unpack decodes chunk i to where it lies in p, which begins at off.
func (w *wof) unpack(p []byte, off, i int64, src []byte) error {
	at, n := i*w.chunk, w.length(i)
	if at >= off && at+n <= off+int64(len(p)) {
		return w.decode(p[at-off:][:n], src, i)
	}
	whole := make([]byte, n)
	if err := w.decode(whole, src, i); err != nil {
		return err
	}
	w.last.keep(whole, at)
	from := max(off, at)
	copy(p[from-off:], whole[from-at:])
	return nil
}

// decode fills dst from a chunk.
func (w *wof) decode(dst, src []byte, i int64) error {
	if len(src) == len(dst) {
		copy(dst, src)
		return nil
	}
	if err := w.scratch.decode(w.algorithm, dst, src); err != nil {
		return corrupt(w.object, noOffset, "chunk %d: %v", i, err)
	}
	return nil
}
