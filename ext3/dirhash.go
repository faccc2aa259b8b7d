package ext3

import "math/bits"

// The hashes of names in hashed directories. Source: the kernel's
// documentation, "Hash Tree Directories"; the functions are the MD4 of RFC 1320
// with half of its input, and the Tiny Encryption Algorithm.
const (
	hashLegacy  = 0
	hashHalfMD4 = 1
	hashTEA     = 2
	// hashUnsigned is added where the machine that made the file system had
	// unsigned characters: names that are not ASCII hash differently.
	hashUnsigned = 3
)

// hashEnd is the one value that no name has: it ends a readdir.
const hashEnd = 0x7FFFFFFF << 1

// A dirHash computes the hashes of one directory.
type dirHash struct {
	version uint8 // one of the three, without hashUnsigned
	signed  bool
	seed    [4]uint32
}

// dirHash returns the hash that the root of an index names; false when this
// package does not know it.
func (s *superblock) dirHash(version uint8) (dirHash, bool) {
	h := dirHash{version: version, signed: s.sFlags()&superUnsignedHash == 0, seed: s.sHashSeed()}
	if version >= hashUnsigned {
		h.version, h.signed = version-hashUnsigned, false
	}
	if h.seed == [4]uint32{} {
		h.seed = [4]uint32{0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476}
	}
	return h, h.version <= hashTEA
}

// of returns the hash of a name, whose lowest bit is clear.
func (h dirHash) of(name []byte) uint32 {
	var sum uint32
	switch h.version {
	case hashLegacy:
		sum = h.legacy(name)
	case hashHalfMD4:
		buf := h.seed
		for rest := name; len(rest) > 0; rest = rest[min(32, len(rest)):] {
			var in [8]uint32
			h.words(in[:], rest)
			halfMD4(&buf, &in)
		}
		sum = buf[1]
	case hashTEA:
		buf := h.seed
		for rest := name; len(rest) > 0; rest = rest[min(16, len(rest)):] {
			var in [4]uint32
			h.words(in[:], rest)
			tea(&buf, &in)
		}
		sum = buf[0]
	}
	if sum &^= 1; sum == hashEnd {
		sum -= 2
	}
	return sum
}

// char returns a character as the machine that made the file system saw it.
func (h dirHash) char(c byte) uint32 {
	if h.signed {
		return uint32(int32(int8(c)))
	}
	return uint32(c)
}

// words packs the start of a name into words, highest character first, padded
// with the length of the rest of the name.
func (h dirHash) words(words []uint32, name []byte) {
	pad := uint32(len(name))
	pad |= pad << 8
	pad |= pad << 16
	for i := range words {
		words[i] = pad
		for _, c := range name[min(4*i, len(name)):min(4*i+4, len(name))] {
			words[i] = words[i]<<8 + h.char(c)
		}
	}
}

func (h dirHash) legacy(name []byte) uint32 {
	hash0, hash1 := uint32(0x12A3FE2D), uint32(0x37ABE8F9)
	for _, c := range name {
		hash := hash1 + (hash0 ^ h.char(c)*7152373)
		if hash&0x80000000 != 0 {
			hash -= 0x7FFFFFFF
		}
		hash0, hash1 = hash, hash0
	}
	return hash0 << 1
}

// halfMD4 is three rounds of eight steps instead of MD4's sixteen.
func halfMD4(buf *[4]uint32, in *[8]uint32) {
	a, b, c, d := buf[0], buf[1], buf[2], buf[3]
	for _, round := range [...]struct {
		f     func(x, y, z uint32) uint32
		k     uint32
		order [8]int
		turn  [4]int
	}{
		{func(x, y, z uint32) uint32 { return z ^ x&(y^z) }, 0, [8]int{0, 1, 2, 3, 4, 5, 6, 7}, [4]int{3, 7, 11, 19}},
		{func(x, y, z uint32) uint32 { return x&y + (x^y)&z }, 0x5A827999, [8]int{1, 3, 5, 7, 0, 2, 4, 6}, [4]int{3, 5, 9, 13}},
		{func(x, y, z uint32) uint32 { return x ^ y ^ z }, 0x6ED9EBA1, [8]int{3, 7, 2, 6, 1, 5, 0, 4}, [4]int{3, 9, 11, 15}},
	} {
		for i, word := range round.order {
			sum := bits.RotateLeft32(a+round.f(b, c, d)+in[word]+round.k, round.turn[i%4])
			a, b, c, d = d, sum, b, c
		}
	}
	buf[0], buf[1], buf[2], buf[3] = buf[0]+a, buf[1]+b, buf[2]+c, buf[3]+d
}

// tea is sixteen cycles of the Tiny Encryption Algorithm, with the words of the
// name as its key.
func tea(buf *[4]uint32, key *[4]uint32) {
	const delta = 0x9E3779B9
	x, y := buf[0], buf[1]
	for sum, n := uint32(delta), 0; n < 16; sum, n = sum+delta, n+1 {
		x += (y<<4 + key[0]) ^ (y + sum) ^ (y>>5 + key[1])
		y += (x<<4 + key[2]) ^ (x + sum) ^ (x>>5 + key[3])
	}
	buf[0] += x
	buf[1] += y
}
