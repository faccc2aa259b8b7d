package fat

import (
	"io/fs"
	"testing"
)

// FuzzNames decodes records of directories, and the long names in front of
// them.
func FuzzNames(f *testing.F) {
	long := []byte{0x41, 'l', 0, 'o', 0, 'n', 0, 'g', 0, '.', 0, 0x0f, 0, 0x62, 't', 0, 'x', 0, 't', 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0xff, 0xff, 0xff, 0xff}
	f.Add(append(long, "LONG    TXT                     "...))
	f.Add(append(append(append([]byte{}, long...), 0x40), long[1:]...)) // a part 0, behind the last one
	f.Add([]byte("\xe5HORT   \x00\x00\x00\x20\x18             \xff\xff\xff\x7f  "))
	f.Fuzz(func(t *testing.T, data []byte) {
		var namer longNamer
		for ; len(data) >= 32; data = data[32:] {
			r := (*record)(data)
			timestamp(r.wrtDate(), r.wrtTime(), r.crtTimeTenth())
			if r.attr().isLongName() {
				namer.add(r)
				continue
			}
			units := namer.take(r)
			if len(units) > maxUnits {
				t.Fatalf("%d units", len(units))
			}
			for _, name := range []string{decodeUnits(units), shortName(r)} {
				if name != "" && name != ".." && !fs.ValidPath("a/"+name) && name != "." {
					// Whether a name is one is for the directory to judge; it must not be cut in two.
					t.Logf("%q", name)
				}
			}
		}
	})
}
