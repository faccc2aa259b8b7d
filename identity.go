package vmdkfs

import (
	"bytes"
	"encoding/hex"

	"github.com/vmdkfs/vmdkfs/internal/ondisk"
)

// An identity is what a file system calls itself, in the words of libblkid.
type identity struct {
	uuid  string
	label string
}

// The superblock of ext2, ext3 and ext4 (Linux, Documentation/filesystems/ext4,
// "Super Block").
const (
	extSuperblock = 1024
	extUUID       = 0x68
	extLabel      = 0x78
)

// identity returns what the file system in v calls itself, without opening it:
// a mount by label asks every volume. It is empty for a Kind that has no
// reader.
func (v *Volume) identity() (identity, error) {
	kind, err := v.Kind()
	if err != nil || kind != Ext {
		return identity{}, err
	}
	f, err := v.open()
	if err != nil {
		return identity{}, err
	}
	super, err := ondisk.Read(f, extSuperblock, extLabel+16)
	if err != nil {
		return identity{}, err
	}
	label, _, _ := bytes.Cut(super[extLabel:], []byte{0})
	return identity{dashed(super[extUUID:][:16]), string(label)}, nil
}

// dashed returns the text of a UUID.
func dashed(b []byte) string {
	h := hex.EncodeToString(b)
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
