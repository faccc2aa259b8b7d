package testimg

import (
	"encoding/binary"
	"hash/crc32"
)

var (
	le         = binary.LittleEndian
	be         = binary.BigEndian
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
)

// crc32c is the kernel's: it inverts neither its start nor its end.
func crc32c(sum uint32, data ...[]byte) uint32 {
	sum = ^sum
	for _, d := range data {
		sum = crc32.Update(sum, castagnoli, d)
	}
	return ^sum
}

// SealExt makes the checksums of an ext file system right that a mutation has
// made wrong: those of its superblock, group descriptors and inodes, and those
// of its journal, where a wrong one ends the replay. Source: the kernel's
// documentation of ext4, "Checksums", and its "Journal (jbd2)".
//
// It reads what it needs without trust: what is out of bounds stays as it is.
func SealExt(data []byte) {
	const (
		metadataCsum = 0x400 // s_feature_ro_compat
		bit64        = 0x80  // s_feature_incompat
		csumSeed     = 0x2000
	)
	if len(data) < 2048 {
		return
	}
	s := data[1024:2048]
	blockSize := 1024 << min(s[0x18], 6)
	sealJournal(data, blockSize, logBlocks(data, s, blockSize))
	if le.Uint32(s[0x64:])&metadataCsum == 0 {
		return
	}
	incompat := le.Uint32(s[0x60:])
	le.PutUint32(s[0x3FC:], crc32c(^uint32(0), s[:0x3FC]))
	seed := crc32c(^uint32(0), s[0x68:0x78])
	if incompat&csumSeed != 0 {
		seed = le.Uint32(s[0x270:])
	}
	descSize := 32
	if incompat&bit64 != 0 {
		descSize = min(max(32, int(le.Uint16(s[0xFE:]))), 1024)
	}
	inodeSize, perGroup := int(le.Uint16(s[0x58:])), int(le.Uint32(s[0x28:]))
	table := blockStart(data, le.Uint32(s[0x14:]), blockSize) + blockSize // behind the superblock's block, but with meta_bg
	groups := (le.Uint32(s[4:]) - le.Uint32(s[0x14:]) + le.Uint32(s[0x20:]) - 1) / max(1, le.Uint32(s[0x20:]))
	for group := range min(64, int(groups)) {
		at := table + group*descSize
		if at < 0 || at+descSize > len(data) || isZero(data[at:at+descSize]) {
			return
		}
		desc := data[at : at+descSize]
		sum := crc32c(seed, le.AppendUint32(nil, uint32(group)), desc[:0x1E], []byte{0, 0}, desc[0x20:])
		le.PutUint16(desc[0x1E:], uint16(sum))
		inodes := blockStart(data, le.Uint32(desc[8:]), blockSize)
		for i := 0; i < min(perGroup, 1024) && inodeSize >= 128 && inodes >= 0 && inodes+(i+1)*inodeSize <= len(data); i++ {
			sealInode(data[inodes+i*inodeSize:][:inodeSize], seed, uint32(group*perGroup+i+1))
		}
	}
}

func sealInode(inode []byte, seed, number uint32) {
	if isZero(inode) {
		return
	}
	large := len(inode) > 128 && le.Uint16(inode[0x80:]) >= 4
	le.PutUint16(inode[0x7C:], 0)
	if large {
		le.PutUint16(inode[0x82:], 0)
	}
	sum := crc32c(seed, le.AppendUint32(nil, number), inode[0x64:0x68], inode)
	le.PutUint16(inode[0x7C:], uint16(sum))
	if large {
		le.PutUint16(inode[0x82:], uint16(sum>>16))
	}
}

// blockStart returns the byte at which a block begins, or the end of the data
// for one beyond it.
func blockStart(data []byte, block uint32, blockSize int) int {
	return int(min(int64(block)*int64(blockSize), int64(len(data))))
}

// logBlocks returns the blocks of the journal's inode, in order.
func logBlocks(data, super []byte, blockSize int) (list []int) {
	block := func(n uint32) []byte {
		if at := blockStart(data, n, blockSize); n > 0 && at+blockSize <= len(data) {
			return data[at : at+blockSize]
		}
		return nil
	}
	var indirect func(n uint32, depth int)
	indirect = func(n uint32, depth int) {
		switch b := block(n); {
		case depth == 0:
			list = append(list, blockStart(data, n, blockSize)/blockSize)
		case b != nil:
			for ; len(b) > 0; b = b[4:] {
				indirect(le.Uint32(b), depth-1)
			}
		}
	}
	var extents func(node []byte, depth int)
	extents = func(node []byte, depth int) {
		if node == nil || int(le.Uint16(node[6:])) != depth {
			return
		}
		for i := range min(int(le.Uint16(node[2:])), len(node)/12-1) {
			e := node[12+12*i:]
			if depth > 0 {
				extents(block(le.Uint32(e[4:])), depth-1)
				continue
			}
			for j := range min(int(le.Uint16(e[4:])), len(data)/blockSize) {
				list = append(list, blockStart(data, le.Uint32(e[8:]), blockSize)/blockSize+j)
			}
		}
	}
	const journalInode = 8
	desc := block(le.Uint32(super[0x14:]) + 1)
	size := int(le.Uint16(super[0x58:]))
	if desc == nil || size < 128 {
		return nil
	}
	at := blockStart(data, le.Uint32(desc[8:]), blockSize) + (journalInode-1)*size
	if at+128 > len(data) {
		return nil
	}
	inode := data[at : at+128]
	pointers := inode[0x28:0x64]
	if le.Uint32(inode[0x20:])&0x80000 != 0 { // EXT4_EXTENTS_FL
		extents(pointers, min(2, int(le.Uint16(pointers[6:]))))
		return list
	}
	for i := range 15 {
		indirect(le.Uint32(pointers[4*i:]), max(0, i-11))
	}
	return list
}

// sealJournal makes the checksums of version 2 and 3 of a log right, in the
// given blocks.
func sealJournal(data []byte, blockSize int, log []int) {
	const (
		magic                             = 0xC03B3998
		descriptor, commit, super, revoke = 1, 2, 4, 5
		csumV2, csumV3, bit64             = 0x8, 0x10, 0x2
	)
	block := func(i int) []byte {
		if i < 0 || i >= len(log) || log[i] <= 0 || (log[i]+1)*blockSize > len(data) {
			return nil
		}
		return data[log[i]*blockSize:][:blockSize]
	}
	var features, seed uint32
	first := 1
	for i := range log {
		b := block(i)
		if b == nil || be.Uint32(b) != magic {
			continue
		}
		kind := be.Uint32(b[4:])
		if kind == super {
			features, seed, first = be.Uint32(b[0x28:]), crc32c(^uint32(0), b[0x30:0x40]), int(be.Uint32(b[0x14:]))
			if features&(csumV2|csumV3) != 0 {
				be.PutUint32(b[0xFC:], 0)
				be.PutUint32(b[0xFC:], crc32c(^uint32(0), b[:1024]))
			}
		}
		if features&(csumV2|csumV3) == 0 {
			continue
		}
		body, tail := b[:blockSize-4], b[blockSize-4:]
		switch kind {
		case commit:
			be.PutUint32(b[0x10:], 0)
			be.PutUint32(b[0x10:], crc32c(seed, b))
		case revoke:
			be.PutUint32(tail, crc32c(seed, body, make([]byte, 4)))
		case descriptor:
			sealTags(body, features&csumV3 != 0, features&bit64 != 0, func(tag int) uint32 {
				n := i + 1 + tag
				if n >= len(log) { // the log goes on at its start
					n += first - len(log)
				}
				return crc32c(seed, b[8:12], block(n))
			})
			be.PutUint32(tail, crc32c(seed, body, make([]byte, 4)))
		}
	}
}

// sealTags stores the sums of the data blocks in the tags of a descriptor
// block.
func sealTags(body []byte, v3, bit64 bool, sum func(tag int) uint32) {
	const flagSameUUID, flagLast = 2, 8
	at := 12
	for tag := 0; at+16 <= len(body); tag++ {
		size, flags := 10, uint32(be.Uint16(body[at+6:]))
		if v3 {
			size, flags = 16, be.Uint32(body[at+4:])
			be.PutUint32(body[at+12:], sum(tag))
		} else {
			be.PutUint16(body[at+4:], uint16(sum(tag)))
			if bit64 {
				size += 4
			}
		}
		if at += size; flags&flagSameUUID == 0 {
			at += 16
		}
		if flags&flagLast != 0 {
			return
		}
	}
}
