package testimg

import "hash/crc32"

// SealGPT makes the checksums of both copies of a GPT right.
func SealGPT(disk []byte) {
	for _, h := range []int{512, len(disk) - 512} {
		SealGPTHeader(disk, h, 512)
	}
}

// SealGPTHeader makes the checksums of the GPT header at h, and of its
// entries, right. Source: the UEFI specification, 5.3.
func SealGPTHeader(disk []byte, h, sectorSize int) {
	if h < 0 || h+512 > len(disk) {
		return
	}
	header := disk[h : h+512]
	start := le.Uint64(header[72:]) * uint64(sectorSize)
	size := uint64(le.Uint32(header[80:])) * uint64(le.Uint32(header[84:]))
	if n := uint64(len(disk)); start <= n && size <= n-start {
		le.PutUint32(header[88:], crc32.ChecksumIEEE(disk[start:start+size]))
	}
	if size := le.Uint32(header[12:]); size >= 20 && size <= 512 {
		le.PutUint32(header[16:], 0)
		le.PutUint32(header[16:], crc32.ChecksumIEEE(header[:size]))
	}
}

// lvmSum is LVM2's CRC: its own start, and no inversion.
func lvmSum(data ...[]byte) uint32 {
	sum := ^uint32(0xf597a6cf)
	for _, d := range data {
		sum = crc32.Update(sum, crc32.IEEETable, d)
	}
	return ^sum
}

// SealLVM makes the checksums of a PV right: those of its label, of the headers
// of its metadata areas and of the texts that these name. Source: label.h,
// layout.h of LVM2.
func SealLVM(pv []byte) {
	for at := 0; at < 4*sector && at+sector <= len(pv); at += sector {
		label := pv[at : at+sector]
		if string(label[:8]) != "LABELONE" {
			continue
		}
		le.PutUint32(label[16:], lvmSum(label[20:]))
		sealAreas(pv, label)
	}
}

func sealAreas(pv, label []byte) {
	header := uint64(le.Uint32(label[20:]))
	if header+40 > sector {
		return
	}
	lists, list := label[header+40:], 0 // of the data areas, then of the metadata areas: each ends with zeros
	for ; len(lists) >= 16 && list < 2; lists = lists[16:] {
		off, size := le.Uint64(lists), le.Uint64(lists[8:])
		switch {
		case off == 0:
			list++
		case list == 1 && size > sector && off <= uint64(len(pv)) && size <= uint64(len(pv))-off:
			sealArea(pv[off : off+size])
		}
	}
}

func sealArea(area []byte) {
	location := area[40:]
	off, n, size := le.Uint64(location), le.Uint64(location[8:]), uint64(len(area))
	if off >= sector && off < size && n > 0 && n <= size-sector {
		first := min(n, size-off)
		le.PutUint32(location[16:], lvmSum(area[off:off+first], area[sector:sector+n-first]))
	}
	le.PutUint32(area, lvmSum(area[4:sector]))
}

// SealNTFS writes the update sequence number of every protected record to the
// ends of its sectors, where fixups are checked by it. Source: MULTI_SECTOR_HEADER
// in the WDK.
func SealNTFS(volume []byte) {
	for at := 0; at+sector <= len(volume); at += sector {
		switch string(volume[at : at+4]) {
		case "FILE", "INDX", "RCRD", "RSTR":
		default:
			continue
		}
		array, count := int(le.Uint16(volume[at+4:])), int(le.Uint16(volume[at+6:]))
		if array > sector-2 || count < 2 || at+(count-1)*sector > len(volume) {
			continue
		}
		for end := at + sector; end <= at+(count-1)*sector; end += sector {
			copy(volume[end-2:end], volume[at+array:at+array+2])
		}
	}
}
