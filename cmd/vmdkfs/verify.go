package main

import (
	"context"

	"github.com/vmdkfs/vmdkfs"
)

// checkFacts is a file of a package compared with its manifest.
type checkFacts struct {
	File      string `json:"file"`
	Algorithm string `json:"algorithm,omitempty"`
	OK        bool   `json:"ok"`
	Error     string `json:"error,omitempty"`
}

// verify compares the files of a package with its manifest, and reports what
// is not as it was packed.
func (a *app) verify(ctx context.Context, d *vmdkfs.Disk) []checkFacts {
	p := a.progress(nil)
	defer p.stop()
	list := []checkFacts{}
	for c, err := range d.Verify(ctx, p.set) {
		if err == nil {
			err = c.Err
			list = append(list, checkFacts{File: c.File, Algorithm: c.Algorithm, OK: err == nil})
			if err != nil {
				list[len(list)-1].Error = printable(err.Error())
			}
		}
		a.fail(c.File, err)
		if ctx.Err() != nil {
			break
		}
	}
	return list
}

func (c checkFacts) text(b []byte) []byte {
	if !c.OK {
		return line(b, 0, c.File, "FAILED: "+c.Error)
	}
	return line(b, 0, c.File, "as the manifest says, "+c.Algorithm)
}
