package vmdk

import (
	"cmp"
	"math"
	"slices"

	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/layer"
)

// A scan is what the markers of a stream tell where its directory is missing:
// that of a file that was cut short is at the end that it lacks.
type scan struct {
	grains []scanned // in order
	// known is how far the stream goes. What is not stored before was never
	// written; of what lies behind, nothing is known.
	known int64
	file  *file
}

// A scanned is a grain, and where its marker lies in the file.
type scanned struct{ grain, off int64 }

// scanStep is how much is read for a marker: small grains lie close together,
// and are then one read for many.
const scanStep = 4096

// scanStream follows the markers of the stream in f, of length bytes with
// header h, from the first grain on. Of a stream that only lacks its footer it
// finds the grain directory, whose byte it returns, and else the grains.
func scanStream(f *file, h *hostedHeader, length int64) (s *scan, directory int64, err error) {
	grain, grainOK := ondisk.Mul(h.grainSize(), sectorSize)
	off, ok := ondisk.Mul(max(1, h.overHead(), h.descriptorOffset()+h.descriptorSize()), sectorSize)
	s = &scan{file: f}
	if !ok || !grainOK || grain == 0 || grain > maxPackedGrain {
		return s, 0, nil
	}
	ordered := true
	buf, start := []byte(nil), int64(0) // what was read, and from where
	for off <= f.size-sectorSize {
		if off-start > int64(len(buf))-sectorSize {
			start = off
			buf = slices.Grow(buf[:0], scanStep)[:min(scanStep, f.size-off)]
			if err := ondisk.ReadFull(f, buf, off); err != nil {
				return nil, 0, err
			}
		}
		m := (*marker)(buf[off-start:])
		size := int64(m.size())
		if size == 0 {
			if m.kind() == markerEnd || m.kind() == markerFooter || m.val() > uint64(f.size)/sectorSize {
				break
			}
			if m.kind() == markerDirectory {
				if int64(m.val())*sectorSize <= f.size-off-sectorSize {
					return nil, off + sectorSize, nil
				}
				s.known = math.MaxInt64 // it comes behind all grains
				break
			}
			off += sectorSize + int64(m.val())*sectorSize
			continue
		}
		index := m.val() / h.grainSize()
		if m.val()%h.grainSize() != 0 || index > uint64(length-1)/uint64(grain) || size > 2*grain {
			break // nonsense
		}
		g := scanned{int64(index), off}
		ordered = ordered && (len(s.grains) == 0 || s.grains[len(s.grains)-1].grain < g.grain)
		s.grains = append(s.grains, g)
		off += (grainMarker + size + sectorSize - 1) / sectorSize * sectorSize
	}
	if n := len(s.grains); ordered && n > 0 && s.known == 0 {
		s.known = s.grains[n-1].grain + 1
	}
	slices.SortFunc(s.grains, func(a, b scanned) int { return cmp.Compare(a.grain, b.grain) })
	for i := 1; i < len(s.grains); i++ {
		if g := s.grains[i]; g.grain == s.grains[i-1].grain {
			return nil, 0, layer.Errorf(layer.ErrCorrupt, "vmdk", f.path, g.off, "the stream has no directory, and grain %d twice", g.grain)
		}
	}
	return s, 0, nil
}

// window returns what is known of the grains of t from g on, as far as it is
// the same.
func (s *scan) window(t *tables, g int64) window {
	w := window{tables: t, first: g}
	i, found := slices.BinarySearchFunc(s.grains, g, func(x scanned, g int64) int { return cmp.Compare(x.grain, g) })
	if found {
		n := 1
		for n < maxScan && i+n < len(s.grains) && s.grains[i+n].grain == g+int64(n) {
			n++
		}
		w.n, w.scanned = int64(n), s.grains[i:i+n]
		return w
	}
	next := t.grains
	if i < len(s.grains) {
		next = s.grains[i].grain
	}
	if g < s.known {
		w.none, w.n = true, min(next, s.known)-g
		return w
	}
	w.n = next - g
	w.broken = layer.Errorf(layer.ErrIncomplete, "vmdk", s.file.path, s.file.size, "the file was cut short before the place of grain %d, if it was ever written", g)
	return w
}

// rescue returns a header, and the grains, of the stream in f whose footer
// cannot be read: missing says so.
func (s *files) rescue(f *file, h *hostedHeader, length int64, missing error) (*hostedHeader, *scan, error) {
	if h.flags()&flagMarkers == 0 || h.flags()&flagCompressed == 0 || f.size >= maxFileSize || length == 0 {
		return nil, nil, missing
	}
	found, directory, err := scanStream(f, h, length)
	if err != nil {
		return nil, nil, err
	}
	fixed := *h
	if h.capacity() == 0 {
		fixed.setCapacity(uint64(length) / sectorSize) // the footer has it
	}
	if directory != 0 {
		fixed.setGDOffset(uint64(directory) / sectorSize)
		s.warnings.add(layer.Errorf(nil, "vmdk", f.path, -1, "the stream ends without its footer; its grain directory was found by the markers"))
		return &fixed, nil, nil
	}
	if len(found.grains) == 0 {
		return nil, nil, missing
	}
	fixed.setGDOffset(math.MaxUint32) // nothing is read by it
	s.warnings.add(layer.Errorf(layer.ErrIncomplete, "vmdk", f.path, f.size, "the stream ends without its footer: the file was cut short; the %d grains that are in it were found by their markers", len(found.grains)))
	return &fixed, found, nil
}
