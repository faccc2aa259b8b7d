package ldm

import (
	"io"
	"testing"
)

// FuzzOpen changes the database of a disk, which has no checksums, and reads
// the volumes that are left.
func FuzzOpen(f *testing.F) {
	images := golden(f, 1, 2, 3, 4)
	f.Add([]byte{})
	f.Add([]byte{0, 2, 16, 3, 0, 2, 19, 0x41})
	f.Fuzz(func(t *testing.T, changes []byte) {
		first := append([]byte(nil), images[0]...)
		db := databaseOf(first)
		for ; len(changes) >= 3; changes = changes[3:] { // where, in the first 64 KiB, and what
			db[int(changes[0])<<8|int(changes[1])] = changes[2]
		}
		groups, _ := Open(disks(first, images[1], images[2], images[3]))
		for _, g := range groups {
			for _, v := range g.Volumes {
				r, err := v.Open()
				if err != nil {
					continue
				}
				n, err := io.Copy(io.Discard, io.NewSectionReader(r, 0, min(v.Size, 1<<20)))
				if err == nil && n != min(v.Size, 1<<20) {
					t.Errorf("%s: %d bytes of %d without an error", v.Name, n, v.Size)
				}
				r.ReadAt(make([]byte, 100), max(0, v.Size-50))
				count := 0
				for range r.Extents() {
					if count++; count > 1000 {
						break
					}
				}
			}
		}
	})
}
