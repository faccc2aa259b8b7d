package restore

import "bytes"

// zeroBlock is what a block of zeros is compared with.
var zeroBlock [block]byte

func isZero(b []byte) bool { return bytes.Equal(b, zeroBlock[:len(b)]) }

// zeros returns how many bytes at the start of b are blocks of zeros.
func zeros(b []byte) int {
	at := 0
	for at < len(b) {
		n := min(block, len(b)-at)
		if !isZero(b[at : at+n]) {
			break
		}
		at += n
	}
	return at
}

// data returns how many bytes at the start of b are blocks with data.
func data(b []byte) int {
	at := 0
	for at < len(b) {
		n := min(block, len(b)-at)
		if isZero(b[at : at+n]) {
			break
		}
		at += n
	}
	return at
}
