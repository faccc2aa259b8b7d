package vm

import (
	"archive/tar"
	"bytes"
	"encoding/binary"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/vmdkfs/vmdkfs/internal/extent"
	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/layer"
)

// blockSize is the unit of a tar archive.
const blockSize = 512

// isSparse reports whether an entry lacks its holes, in one of the forms of
// GNU tar ("GNU tar: an archiver tool", appendix "Storing Sparse Files").
// archive/tar reads them too, in order only; it does not give the map away.
func isSparse(h *tar.Header) bool {
	return h.Typeflag == tar.TypeGNUSparse || h.PAXRecords["GNU.sparse.major"] != "" || h.PAXRecords["GNU.sparse.map"] != ""
}

// errSparseMap is what a map gets that archive/tar would refuse too.
var errSparseMap = failed(layer.ErrCorrupt, "", "the map of a sparse file makes no sense")

// sparseRuns returns where the pieces of a sparse entry lie: one after the
// other from data on. Its headers begin at first.
func sparseRuns(r io.ReaderAt, first, data int64, h *tar.Header) ([]extent.Run, error) {
	var numbers []int64 // offset and length of each piece
	var err error
	switch records := h.PAXRecords; {
	case records["GNU.sparse.major"] != "1" && records["GNU.sparse.map"] != "":
		numbers, err = decimals(strings.Split(records["GNU.sparse.map"], ","))
	case records["GNU.sparse.major"] == "0":
		// nothing but a hole
	default:
		var blocks []byte
		if blocks, err = fileBlocks(r, first, data); err != nil {
			return nil, err
		}
		if h.Typeflag == tar.TypeGNUSparse {
			numbers, err = oldMap(blocks)
		} else {
			numbers, err = newMap(blocks[blockSize:])
		}
	}
	if err != nil {
		return nil, err
	}
	var runs []extent.Run
	for ; len(numbers) >= 2; numbers = numbers[2:] {
		run := extent.Run{Offset: numbers[0], Length: numbers[1], Physical: data}
		if run.Length == 0 {
			continue // such a piece ends a file that ends with a hole
		}
		if run.Length < 0 || !ondisk.Within(run.Offset, run.Length, h.Size) || data > math.MaxInt64-run.Length {
			return nil, errSparseMap
		}
		runs = append(runs, run)
		data += run.Length
	}
	return runs, nil
}

// fileBlocks returns the blocks from the header of the file itself on, up to
// its data. Headers with long names and PAX records come before it.
func fileBlocks(r io.ReaderAt, first, data int64) ([]byte, error) {
	if first < 0 || data-first < blockSize {
		return nil, errSparseMap
	}
	blocks, err := ondisk.Read(r, first, data-first) // archive/tar has read, and limited, as much
	if err != nil {
		return nil, err
	}
	for len(blocks) >= blockSize {
		switch blocks[156] { // typeflag
		case tar.TypeXHeader, tar.TypeXGlobalHeader, tar.TypeGNULongName, tar.TypeGNULongLink:
		default:
			return blocks, nil
		}
		size, ok := tarNumber(blocks[124:136])
		if !ok || size > int64(len(blocks)) {
			return nil, errSparseMap
		}
		skip := blockSize + (size+blockSize-1)/blockSize*blockSize
		blocks = blocks[min(skip, int64(len(blocks))):]
	}
	return nil, errSparseMap
}

// oldMap decodes the map of the old GNU format: four pieces in the header, and
// 21 in each block that extends it.
func oldMap(blocks []byte) (numbers []int64, err error) {
	pieces, more := blocks[386:482], blocks[482] != 0
	for {
		for ; len(pieces) >= 24 && pieces[0] != 0; pieces = pieces[24:] {
			offset, ok := tarNumber(pieces[:12])
			length, ok2 := tarNumber(pieces[12:24])
			if !ok || !ok2 {
				return nil, errSparseMap
			}
			numbers = append(numbers, offset, length)
		}
		if !more {
			return numbers, nil
		}
		if blocks = blocks[blockSize:]; len(blocks) < blockSize {
			return nil, errSparseMap
		}
		pieces, more = blocks[:504], blocks[504] != 0
	}
}

// newMap decodes the map of version 1.0: decimal numbers, a line each, the
// first of which says how many pieces follow.
func newMap(text []byte) ([]int64, error) {
	lines := strings.Split(string(bytes.TrimRight(text, "\x00")), "\n")
	count, err := strconv.ParseInt(lines[0], 10, 64)
	if err != nil || count < 0 || count > int64(len(lines)) || int64(len(lines)) < 1+2*count {
		return nil, errSparseMap
	}
	return decimals(lines[1 : 1+2*count])
}

func decimals(list []string) ([]int64, error) {
	numbers := make([]int64, len(list))
	for i, s := range list {
		var err error
		if numbers[i], err = strconv.ParseInt(s, 10, 64); err != nil {
			return nil, errSparseMap
		}
	}
	return numbers, nil
}

// tarNumber decodes a number of 12 bytes: octal digits, or binary where the
// first bit is set.
func tarNumber(b []byte) (int64, bool) {
	if b[0]&0x80 != 0 {
		n := binary.BigEndian.Uint64(b[4:])
		return int64(n), b[0] == 0x80 && b[1]|b[2]|b[3] == 0 && n <= math.MaxInt64
	}
	n, err := strconv.ParseInt(strings.Trim(string(b), " \x00"), 8, 64)
	return n, err == nil && n >= 0
}
