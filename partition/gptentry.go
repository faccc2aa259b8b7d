package partition

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/vmdkfs/vmdkfs/layer"
)

// A gptEntry is one entry of a GPT (UEFI specification, table "GPT Partition
// Entry"). It has at least 128 bytes.
type gptEntry []byte

func (e gptEntry) partitionTypeGUID() guid   { return guid(e[:16]) }
func (e gptEntry) uniquePartitionGUID() guid { return guid(e[16:32]) }
func (e gptEntry) startingLBA() uint64       { return binary.LittleEndian.Uint64(e[32:]) }
func (e gptEntry) endingLBA() uint64         { return binary.LittleEndian.Uint64(e[40:]) }
func (e gptEntry) attributes() Attributes    { return Attributes(binary.LittleEndian.Uint64(e[48:])) }
func (e gptEntry) partitionName() []byte     { return e[56:128] }

// entry returns the partition of number n. Its last sector is a part of it.
func (e gptEntry) entry(n int) entry {
	kind := e.partitionTypeGUID().String()
	p := entry{
		Partition: Partition{
			Number:     n,
			Type:       kind,
			TypeName:   gptTypes[kind],
			GUID:       e.uniquePartitionGUID().String(),
			Label:      decodeLabel(e.partitionName()),
			Attributes: e.attributes(),
			Bootable:   e.attributes()&legacyBIOSBootable != 0,
		},
		first:   e.startingLBA(),
		sectors: e.endingLBA() - e.startingLBA() + 1,
	}
	if e.endingLBA() < e.startingLBA() || p.sectors == 0 {
		p.sectors = 0
		p.err = layer.Errorf(layer.ErrCorrupt, "partition", fmt.Sprintf("p%d", n), -1, "it begins with sector %d and ends with sector %d", e.startingLBA(), e.endingLBA())
	}
	return p
}

// decodeLabel returns UTF-16, up to its first NUL, as UTF-8. Half a surrogate
// pair appears as \uNNNN.
func decodeLabel(b []byte) string {
	var s strings.Builder
	for ; len(b) >= 2; b = b[2:] {
		r := rune(binary.LittleEndian.Uint16(b))
		if r == 0 {
			break
		}
		if utf16.IsSurrogate(r) {
			pair := rune(utf8.RuneError)
			if len(b) >= 4 {
				pair = utf16.DecodeRune(r, rune(binary.LittleEndian.Uint16(b[2:])))
			}
			if pair == utf8.RuneError {
				fmt.Fprintf(&s, `\u%04x`, r)
				continue
			}
			r, b = pair, b[2:]
		}
		s.WriteRune(r)
	}
	return s.String()
}

// A guid is a GUID as it lies on the disk: the first three of its numbers are
// little-endian (UEFI specification, appendix "GUID and Time Formats").
type guid [16]byte

// String returns the GUID in lower case, as Linux writes it.
func (g guid) String() string {
	le := binary.LittleEndian
	return fmt.Sprintf("%08x-%04x-%04x-%s-%s", le.Uint32(g[:]), le.Uint16(g[4:]), le.Uint16(g[6:]), hex.EncodeToString(g[8:10]), hex.EncodeToString(g[10:]))
}
