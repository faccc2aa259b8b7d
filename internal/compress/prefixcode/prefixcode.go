// Package prefixcode decodes canonical Huffman codes whose bits come in 16-bit
// little-endian words, the most significant bit first: those of LZX and of
// LZXPRESS Huffman.
package prefixcode

// MaxLength is the longest codeword.
const MaxLength = 16

// fastBits is how long a codeword may be to be found by one look into a table.
// The table is small enough to be filled anew for every few KiB of output.
const fastBits = 10

// MaxSymbols is the largest alphabet.
const MaxSymbols = 512

// A Code is a canonical code of up to MaxSymbols symbols. It is used again and
// again: Build replaces it.
type Code struct {
	fast    [1 << fastBits]uint16 // symbol<<4 | length, of codewords up to fastBits; 0 of others
	limit   [MaxLength + 1]uint32 // by length: the first 16-bit value behind its codewords
	offset  [MaxLength + 1]int    // by length: what to add to a codeword for its place in symbols
	symbols [MaxSymbols]uint16    // by codeword
}

// Build makes the code whose codewords have the lengths given, 0 for symbols
// without one. It reports whether they are a code: neither more codewords than
// there are nor fewer, or none at all.
func (c *Code) Build(lengths []uint8) bool {
	var count [MaxLength + 1]int
	for _, n := range lengths {
		if n > MaxLength {
			return false
		}
		count[n]++
	}
	clear(c.fast[:])
	var next [MaxLength + 1]int // by length: the place in symbols of the next one
	place, code := 0, uint32(0)
	for n := 1; n <= MaxLength; n++ {
		next[n] = place
		c.offset[n] = place - int(code>>(MaxLength-n))
		code += uint32(count[n]) << (MaxLength - n)
		c.limit[n] = code
		place += count[n]
		if code > 1<<MaxLength {
			return false
		}
	}
	if code != 1<<MaxLength && place != 0 {
		return false
	}
	for symbol, n := range lengths {
		if n > 0 {
			c.symbols[next[n]] = uint16(symbol)
			next[n]++
		}
	}
	at, place := 0, 0
	for n := 1; n <= fastBits; n++ {
		for range count[n] {
			entry := c.symbols[place]<<4 | uint16(n)
			for end := at + 1<<(fastBits-n); at < end; at++ {
				c.fast[at] = entry
			}
			place++
		}
	}
	return true
}

// Lookup returns the symbol whose codeword the 16 bits of v begin with, and the
// codeword's length; 0 when the code is empty.
func (c *Code) Lookup(v uint32) (symbol, length uint) {
	if e := uint(c.fast[v>>(MaxLength-fastBits)&(1<<fastBits-1)]); e != 0 {
		return e >> 4, e & 15
	}
	return c.long(v)
}

// long is Lookup for codewords longer than fastBits.
func (c *Code) long(v uint32) (symbol, length uint) {
	for n := fastBits + 1; n <= MaxLength; n++ {
		if v < c.limit[n] {
			return uint(c.symbols[c.offset[n]+int(v>>(MaxLength-n))]), uint(n)
		}
	}
	return 0, 0
}
