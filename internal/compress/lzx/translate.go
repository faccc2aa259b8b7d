package lzx

import (
	"bytes"
	"encoding/binary"
)

const (
	callOpcode = 0xe8
	// fileSize is what WIM has LZX take for the size of the file.
	fileSize = 12_000_000
	// callTail is how many bytes at the end of a chunk begin no call.
	callTail = 10
)

// untranslate undoes what the encoder did to x86 calls: their relative targets
// were made absolute, so that calls of one function are alike.
func untranslate(data []byte) {
	for i := 0; i < len(data)-callTail; {
		next := bytes.IndexByte(data[i:len(data)-callTail], callOpcode)
		if next < 0 {
			return
		}
		i += next
		target := data[i+1 : i+5]
		switch absolute := int32(binary.LittleEndian.Uint32(target)); {
		case absolute >= 0 && absolute < fileSize:
			binary.LittleEndian.PutUint32(target, uint32(absolute-int32(i)))
		case absolute < 0 && absolute >= -int32(i):
			binary.LittleEndian.PutUint32(target, uint32(absolute+fileSize))
		}
		i += 5
	}
}
