module github.com/vmdkfs/vmdkfs

go 1.26.8
