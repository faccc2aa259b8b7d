package main

import "github.com/vmdkfs/vmdkfs/internal/fat"

// fat adds what a FAT file system knows.
func (c *contentFacts) fat(x *fat.FS) error {
	info, err := x.Info()
	c.Kind, c.UUID, c.Label = info.Type, info.Serial, info.Label
	c.BlockSize, c.Size, c.Clean = info.ClusterSize, info.Size, info.Clean
	c.Free = max(0, info.Free)
	return err
}
