package lzx

// readCodes reads the codes of a block. The lengths of codewords are told as
// what has changed since the last block.
func (d *Decoder) readCodes(in *bitReader, aligned bool) bool {
	if aligned {
		var lengths [alignSymbols]uint8
		for i := range lengths {
			lengths[i] = uint8(in.read(3))
		}
		if !d.align.Build(lengths[:]) {
			return false
		}
	}
	return d.readLengths(in, d.mainLengths[:256]) && d.readLengths(in, d.mainLengths[256:]) && d.main.Build(d.mainLengths[:]) &&
		d.readLengths(in, d.lengthLengths[:]) && d.length.Build(d.lengthLengths[:])
}

// The symbols behind the lengths' differences, 0 to 16: runs.
const (
	preZeros     = 17 // 4 to 19 zeros
	preManyZeros = 18 // 20 to 51 zeros
	preSame      = 19 // 4 or 5 equal lengths
	preModulus   = 17
)

// readLengths reads lengths, which hold those of the last block.
func (d *Decoder) readLengths(in *bitReader, lengths []uint8) bool {
	var pre [preSymbols]uint8
	for i := range pre {
		pre[i] = uint8(in.read(4))
	}
	if !d.pre.Build(pre[:]) {
		return false
	}
	for i := 0; i < len(lengths); {
		symbol, ok := d.preSymbol(in)
		run, length := 1, uint8(0)
		switch {
		case !ok:
			return false
		case symbol == preZeros:
			run = 4 + int(in.read(4))
		case symbol == preManyZeros:
			run = 20 + int(in.read(5))
		case symbol == preSame:
			run = 4 + int(in.read(1))
			if symbol, ok = d.preSymbol(in); !ok || symbol >= preModulus {
				return false
			}
			fallthrough
		default:
			length = uint8((uint(lengths[i]) + preModulus - symbol) % preModulus)
		}
		if run > len(lengths)-i {
			return false
		}
		for end := i + run; i < end; i++ {
			lengths[i] = length
		}
	}
	return true
}

func (d *Decoder) preSymbol(in *bitReader) (uint, bool) {
	in.fill()
	symbol, n := d.pre.Lookup(in.peek())
	in.skip(n)
	return symbol, n > 0
}
