package main

import (
	"context"
	"fmt"

	"github.com/vmdkfs/vmdkfs/internal/walk"
)

// sizeText returns n bytes in the unit that people would use.
func sizeText(n int64) string {
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	value, unit := float64(n), 0
	for value >= 1024 && unit < 6 {
		value /= 1024
		unit++
	}
	digits := 1
	if value >= 100 || value == float64(int64(value)) {
		digits = 0
	}
	return fmt.Sprintf("%.*f %ciB", digits, value, " KMGTPE"[unit])
}

// treeSize returns how many bytes the files at name and below have. What
// fails counts nothing, as the command that asks will tell.
func treeSize(ctx context.Context, fsys walk.FS, name string) int64 {
	w, err := walk.New(fsys, name, nil)
	if err != nil {
		return 0
	}
	total := int64(0)
	for e, err := range w.All() {
		if ctx.Err() != nil {
			break
		}
		if err == nil && e.Type().IsRegular() {
			if info, err := e.Info(); err == nil {
				total += info.Size()
			}
		}
	}
	return total
}
