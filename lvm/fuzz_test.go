package lvm

import (
	"bytes"
	"io"
	"io/fs"
	"path/filepath"
	"testing"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
	"github.com/vmdkfs/vmdkfs/layer"
)

// goldenTexts yields the metadata texts of all sets in testdata.
func goldenTexts(f *testing.F, yield func([]byte)) {
	for _, set := range goldenSets {
		for _, pv := range golden(f, set.name) {
			label, err := readLabel(pv)
			if err != nil {
				f.Fatal(err)
			}
			for _, area := range label.MetadataAreas {
				if text, _, err := readText(pv, area); err == nil && text != nil {
					yield(text)
				}
			}
		}
	}
}

// FuzzText builds groups from texts, on a PV that is there when the text names
// it, and reads their volumes.
func FuzzText(f *testing.F) {
	goldenTexts(f, func(text []byte) { f.Add(string(text)) })
	for _, c := range volumeErrors {
		f.Add(vgText("vg", 'g', 1, "ab", c.volume))
	}
	const room = 64 << 10 // for the text
	area := testArea{offset: testStart, size: areaHeaderSize + room, at: areaHeaderSize + room/2}
	empty := testPV{id: 'a', areas: []testArea{area}}.image()[:area.offset+area.size]
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > room {
			return
		}
		data := bytes.Clone(empty)
		testPV{text: text}.writeArea(data, area)
		pv := memory("fuzz", data)
		pv.Size = testSize // the source ends early
		if fsys, err := Open([]PV{pv}); err == nil {
			readAll(t, fsys)
		}
	})
}

// FuzzOpen opens PVs. Their checksums are made right where there is something
// that could be one.
func FuzzOpen(f *testing.F) {
	for _, set := range []string{"areas", "wrapped", "linear"} {
		names, err := filepath.Glob(testdata + set + ".pv*.img.gz")
		if err != nil || len(names) == 0 {
			f.Fatal(set, err)
		}
		for _, name := range names {
			f.Add(gunzip(f, filepath.Base(name))[:72<<10], true)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, seal bool) {
		data = bytes.Clone(data)
		if seal {
			testimg.SealLVM(data)
		}
		if fsys, err := Open([]PV{memory("fuzz", data)}); err == nil {
			readAll(t, fsys)
		}
	})
}

// readAll reads every volume, up to a limit, and checks what it is told.
func readAll(t *testing.T, fsys *FS) {
	const limit = 64 << 10
	fsys.Warnings()
	err := fs.WalkDir(fsys, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		opened, err := fsys.Open(path)
		if err != nil {
			return nil
		}
		f := opened.(layer.File)
		n, err := io.Copy(io.Discard, io.LimitReader(f, limit))
		if err == nil && n != min(f.Size(), limit) {
			t.Errorf("%s: %d bytes of %d without an error", path, n, f.Size())
		}
		end, count := int64(0), 0
		for e, err := range f.Extents() {
			if err != nil {
				break
			}
			if e.Offset < end || e.Length <= 0 || e.Physical < 0 || e.Length > f.Size()-e.Offset {
				t.Fatalf("%s: extent %+v behind %d of %d", path, e, end, f.Size())
			}
			if end, count = e.Offset+e.Length, count+1; count > 1000 {
				break
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
