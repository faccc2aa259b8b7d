package ntfs

import (
	"bytes"
	"testing"

	"github.com/vmdkfs/vmdkfs/internal/extent"
)

// FuzzRuns: what mapping pairs are decoded to covers the clusters that they
// are for, inside the volume, and none twice.
func FuzzRuns(f *testing.F) {
	f.Add([]byte{0x21, 0x18, 0x34, 0x56, 0}, int64(0), int64(0x18))
	f.Add([]byte{0x11, 0x30, 0x60, 0x21, 0x10, 0x00, 0x01, 0x11, 0x20, 0xE0, 0x01, 0x08, 0}, int64(3), int64(0x6B))
	f.Add([]byte{0x88, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}, int64(0), int64(1<<62))
	g := &geometry{clusterSize: 4096, clusters: 1 << 20, size: 1 << 32}
	f.Fuzz(func(t *testing.T, pairs []byte, vcn, end int64) {
		if vcn < 0 || end < vcn {
			return // as attributeAt checks
		}
		runs, err := decodeRuns(nil, pairs, vcn, end, g)
		if err != nil {
			return
		}
		at := vcn * g.clusterSize
		for _, r := range runs {
			if r.Offset != at || r.Length <= 0 || r.Source != extent.Hole && (r.Physical < 0 || r.Physical > g.clusters*g.clusterSize-r.Length) {
				t.Fatalf("%+v where %d is due", r, at)
			}
			at += r.Length
		}
		if len(runs) > 0 && at != end*g.clusterSize {
			t.Fatalf("runs to %d of %d", at, end*g.clusterSize)
		}
	})
}

// FuzzRecord goes through the attributes of file records.
func FuzzRecord(f *testing.F) {
	rec := make([]byte, 1024)
	copy(rec, "FILE")
	le.PutUint16(rec[4:], 48)
	le.PutUint16(rec[6:], 3)
	le.PutUint16(rec[0x14:], 56)
	le.PutUint32(rec[0x18:], 512)
	le.PutUint32(rec[0x1C:], 1024)
	le.PutUint32(rec[56:], attrStandardInformation)
	le.PutUint32(rec[60:], 96)
	le.PutUint32(rec[56+0x10:], 72)
	le.PutUint16(rec[56+0x14:], 24)
	le.PutUint32(rec[56+96:], attrData)
	le.PutUint32(rec[60+96:], 72)
	rec[56+96+8] = 1
	le.PutUint16(rec[56+96+0x20:], 64)
	le.PutUint32(rec[56+96+72:], attrEnd)
	f.Add(rec)
	f.Fuzz(func(t *testing.T, data []byte) {
		r := record(bytes.Clone(data))
		if len(r) != 1024 || int(r.bytesInUse()) > len(r) || int(r.attrsOffset()) > int(r.bytesInUse()) {
			return // as those who read records check
		}
		applyFixups(r)
		used := 0
		for list := attributesOf(r); list.advance(); {
			a := list.attribute
			used += len(a)
			a.name()
			if a.nonResident() {
				_, _ = decodeRuns(nil, a.mappingPairs(), a.lowestVCN(), a.highestVCN()+1, &geometry{clusterSize: 512, clusters: 1 << 20})
				continue
			}
			if _, err := parseFileName(a.value()); err == nil {
				fileName(a.value()).name()
			}
		}
		if used > len(r) {
			t.Fatalf("%d bytes of attributes in a record of %d", used, len(r))
		}
	})
}

// FuzzReparse decodes the data of links.
func FuzzReparse(f *testing.F) {
	f.Add([]byte{0, 0, 8, 0, 8, 0, 8, 0, 1, 0, 0, 0, 'a', 0, '\\', 0, '.', 0, '.', 0, 'a', 0, '\\', 0, '.', 0, '.', 0}, true)
	f.Add([]byte{0, 0, 14, 0, 0, 0, 0, 0, '\\', 0, '?', 0, '?', 0, '\\', 0, 'C', 0, ':', 0, '\\', 0}, false)
	f.Fuzz(func(t *testing.T, data []byte, symlink bool) {
		tag := uint32(tagMountPoint)
		if symlink {
			tag = tagSymlink
		}
		name, relative, ok := substituteName(tag, data)
		if !ok {
			return
		}
		if len(name)%2 != 0 || len(name) > len(data) {
			t.Fatalf("a name of %d bytes in %d", len(name), len(data))
		}
		windowsTarget(name, relative)
	})
}
