package raid

import (
	"crypto/subtle"
	"fmt"

	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/layer"
)

// work is one call's memory for rebuilding.
type work struct {
	*parityArray
	buf, sum []byte
}

// room returns b with n bytes of room.
func room(b []byte, n int) []byte {
	if cap(b) < n {
		return make([]byte, n)
	}
	return b[:n]
}

// rebuild fills p, or its first bytes, with those of a member at off, from the
// other members of the row.
func (w *work) rebuild(p []byte, at place, off int64) (int, error) {
	n := int64(len(p))
	pm, qm := w.parities(at.row)
	other := -1 // a second member with data that cannot be read
	away := 0   // members that cannot be read
	var missing []bool
	for i := range w.members {
		ok, same := w.members[i].readable(off)
		if i == at.member {
			ok = false
		}
		n = min(n, same)
		if ok {
			continue
		}
		if missing == nil {
			missing = make([]bool, len(w.members))
		}
		missing[i] = true
		away++
		if i != at.member && i != pm && i != qm {
			other = i
		}
	}
	p = p[:n]
	switch {
	case away > w.level.parity():
		i := -1
		return 0, lacking(w.members, func(*Member) bool { i++; return missing[i] })
	case w.consistent != nil && !w.consistent(off, n):
		return 0, fmt.Errorf("member %d (%s) at byte %d: its parity is not known to be up to date: %w",
			at.member, w.members[at.member].Name, off, layer.ErrIncomplete)
	case other < 0 && !missing[pm]:
		return len(p), w.fromP(p, at.member, qm, off)
	}
	return len(p), w.fromQ(p, at.member, other, pm, qm, off)
}

// read reads the bytes of a member at off.
func (w *work) read(p []byte, member int, off int64) error {
	if err := ondisk.ReadFull(w.members[member].Reader, p, off); err != nil {
		return fmt.Errorf("member %d (%s): %w", member, w.members[member].Name, err)
	}
	return nil
}

// fromP sums up all members but one and that of Q.
func (w *work) fromP(p []byte, member, qm int, off int64) error {
	w.buf = room(w.buf, len(p))
	clear(p)
	for i := range w.members {
		if i == member || i == qm {
			continue
		}
		if err := w.read(w.buf, i, off); err != nil {
			return err
		}
		subtle.XORBytes(p, p, w.buf)
	}
	return nil
}

// fromQ solves for the bytes x of a member, and y of another where there is
// one:
//
//	x + y = P + the others' sum
//	g^a x + g^b y = Q + the others' weighted sum
//
// Without the other, the second equation is enough, and P is not read.
func (w *work) fromQ(p []byte, member, other, pm, qm int, off int64) error {
	w.buf, w.sum = room(w.buf, len(p)), room(w.sum, len(p))
	// Which members have which coefficients.
	var bySlot [maxParity]int
	for i := range w.n {
		if i != pm && i != qm {
			bySlot[w.coefficient(i, pm, qm)] = i + 1
		}
	}
	clear(p)
	clear(w.sum)
	for slot := w.n - 1; slot >= 0; slot-- {
		double(p)
		i := bySlot[slot] - 1
		if i < 0 || i == member || i == other {
			continue
		}
		if err := w.read(w.buf, i, off); err != nil {
			return err
		}
		subtle.XORBytes(p, p, w.buf)
		subtle.XORBytes(w.sum, w.sum, w.buf)
	}
	if err := w.read(w.buf, qm, off); err != nil {
		return err
	}
	subtle.XORBytes(p, p, w.buf)
	a := power(w.coefficient(member, pm, qm))
	if other < 0 {
		scale(p, inverse(a))
		return nil
	}
	if err := w.read(w.buf, pm, off); err != nil {
		return err
	}
	subtle.XORBytes(w.sum, w.sum, w.buf)
	b := power(w.coefficient(other, pm, qm))
	scale(w.sum, b)
	subtle.XORBytes(p, p, w.sum)
	scale(p, inverse(a^b))
	return nil
}
