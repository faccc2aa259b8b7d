package export

import "io"

// aheadBuffers is how many buffers of an archive are filled before the first
// of them must be written.
const aheadBuffers = 4

// An ahead is a buffered output: what it has is written while more is made.
type ahead struct {
	buf        []byte      // being filled
	full, free chan []byte // to be written, to be filled
	failed     chan struct{}
	end        chan struct{}
	err        error // of the output, once failed or end is closed
}

func newAhead(w io.Writer) *ahead {
	a := &ahead{buf: make([]byte, 0, bufferSize), full: make(chan []byte, aheadBuffers), free: make(chan []byte, aheadBuffers),
		failed: make(chan struct{}), end: make(chan struct{})}
	for range aheadBuffers - 1 {
		a.free <- make([]byte, 0, bufferSize)
	}
	go func() {
		defer close(a.end)
		for b := range a.full {
			if a.err == nil {
				if _, a.err = w.Write(b); a.err != nil {
					close(a.failed)
				}
			}
			a.free <- b[:0]
		}
	}()
	return a
}

// Write implements io.Writer. An error is that of an earlier write.
func (a *ahead) Write(p []byte) (n int, err error) {
	for n < len(p) {
		part := copy(a.buf[len(a.buf):cap(a.buf)], p[n:])
		a.buf, n = a.buf[:len(a.buf)+part], n+part
		if len(a.buf) < cap(a.buf) {
			break
		}
		select {
		case <-a.failed:
			return n, a.err
		default:
		}
		a.full <- a.buf
		a.buf = <-a.free
	}
	return n, nil
}

// close writes the rest, if all is well so far, and returns the error of the
// output.
func (a *ahead) close(well bool) error {
	if well && len(a.buf) > 0 {
		a.full <- a.buf
	}
	close(a.full)
	<-a.end
	return a.err
}
