package main

import (
	"io/fs"

	"github.com/vmdkfs/vmdkfs/ext3"
)

// projectOf returns the number of the project that a file is counted for by
// quotas, 0 where there is none.
func projectOf(info fs.FileInfo) uint32 {
	if i, ok := info.Sys().(*ext3.Inode); ok {
		return i.Project
	}
	return 0
}
