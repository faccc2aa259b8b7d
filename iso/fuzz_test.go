package iso

import (
	"testing"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
)

// FuzzSystemUse decodes system use areas: SUSP, and Rock Ridge in it.
func FuzzSystemUse(f *testing.F) {
	f.Add([]byte("NM\x09\x01\x00nameSL\x0c\x01\x00\x00\x02up\x04\x00"))
	f.Add([]byte("SP\x07\x01\xbe\xef\x00CE\x1c\x01\x13\x00\x00\x00\x00\x00\x00\x13\x00\x00\x00\x00\x00\x00\x00\x00\x10\x00\x00\x00\x00\x00\x00\x10"))
	f.Add([]byte("TF\x1a\x01\x0e\x7a\x01\x01\x01\x01\x01\x00\x7a\x01\x01\x01\x01\x01\x00\x7a\x01\x01\x01\x01\x01\x00"))
	f.Fuzz(func(t *testing.T, area []byte) {
		used := 0
		var a attributes
		next, err, _ := fieldsOf(area, 0, func(fd field, err error) bool {
			used += fieldHeader + len(fd.data)
			testimg.CheckKind(t, "field", a.add(fd))
			return true
		})
		testimg.CheckKind(t, "area", err)
		if used > len(area) || next != nil && len(next.data) > len(area) {
			t.Fatalf("%d bytes of fields in %d", used, len(area))
		}
	})
}

// FuzzDate: no date makes trouble, and years are those that fit.
func FuzzDate(f *testing.F) {
	f.Add([]byte("2026112801020300\x04"))
	f.Add([]byte{126, 11, 28, 1, 2, 3, 0xf8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) < 17 {
			return
		}
		if d := shortDate(b); !d.IsZero() && (d.Year() < 1899 || d.Year() > 2156) {
			t.Fatalf("%x is in %d", b[:7], d.Year())
		}
		if d := longDate(b); d.Year() > 10000 {
			t.Fatalf("%q is in %d", b[:17], d.Year())
		}
	})
}
