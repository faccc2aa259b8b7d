package ntfs

// fixupStride is the distance of the places that an update sequence array
// protects. It is 512 bytes whatever the sector size.
const fixupStride = 512

// The signatures of protected records.
const (
	magicFile  = "FILE"
	magicIndex = "INDX"
	magicBad   = "BAAD" // chkdsk found it torn, or we did
)

// applyFixups checks that all sectors of a protected record were written
// together, and puts back the two bytes at the end of each that hold the update
// sequence number meanwhile. Source: "Fixup" in the documentation of the
// Linux-NTFS project; MULTI_SECTOR_HEADER in the WDK. It reports whether the
// record is whole.
func applyFixups(record []byte) bool {
	if len(record) < 8 || len(record)%fixupStride != 0 {
		return false
	}
	at, count := int(le.Uint16(record[4:6])), int(le.Uint16(record[6:8]))
	// The array is the number, then one value for each sector.
	if count != len(record)/fixupStride+1 || at%2 != 0 || at < 8 || at+2*count > fixupStride-2 {
		return false
	}
	number, values := [2]byte(record[at:]), record[at+2:at+2*count]
	for end := fixupStride; end <= len(record); end += fixupStride {
		if [2]byte(record[end-2:end]) != number {
			return false
		}
		copy(record[end-2:end], values)
		values = values[2:]
	}
	return true
}
