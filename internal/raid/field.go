package raid

import "encoding/binary"

// The field GF(2^8) of raid6: polynomials over GF(2) modulo
// x^8+x^4+x^3+x^2+1, as lib/raid6 in the kernel's sources and H. P. Anvin,
// "The mathematics of RAID-6", have it. 2 generates all but 0.
var powers, logarithms = fieldTables()

// fieldTables returns the powers of 2, and the logarithms to base 2.
func fieldTables() (exp [255]byte, log [256]int) {
	v := 1
	for i := range exp {
		exp[i] = byte(v)
		log[v] = i
		if v <<= 1; v > 0xff {
			v ^= 0x11d
		}
	}
	return exp, log
}

// power returns 2 to the n.
func power(n int) byte { return powers[n%255] }

// product returns a*b.
func product(a, b byte) byte {
	if a == 0 || b == 0 {
		return 0
	}
	return power(logarithms[a] + logarithms[b])
}

// inverse returns 1/a; a is not 0.
func inverse(a byte) byte { return power(255 - logarithms[a]) }

// scale multiplies every byte of p by c.
func scale(p []byte, c byte) {
	var table [256]byte
	for i := range table {
		table[i] = product(byte(i), c)
	}
	for i, b := range p {
		p[i] = table[b]
	}
}

// double multiplies every byte of p by 2, eight at a time: each is shifted,
// and reduced where a bit falls out.
func double(p []byte) {
	const low, high = 0x7f7f7f7f7f7f7f7f, 0x8080808080808080
	for ; len(p) >= 8; p = p[8:] {
		v := binary.LittleEndian.Uint64(p)
		over := v & high
		binary.LittleEndian.PutUint64(p, (v&low)<<1^(over>>7)*0x1d)
	}
	for i, b := range p {
		p[i] = b<<1 ^ (b>>7)*0x1d
	}
}
