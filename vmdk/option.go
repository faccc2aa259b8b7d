package vmdk

import "io/fs"

// An Option changes how a disk is opened.
type Option func(*options)

type options struct {
	anyCID  bool
	outside func(path string) (fs.File, error)
}

// AllowCIDMismatch opens a snapshot whose parent has another content ID than
// the snapshot was taken of, or none: the parent was written to since then, or
// is another disk. [FS.Warnings] tells of it. Without this option it is
// layer.ErrCorrupt, because the two do not make up what the guest saw.
func AllowCIDMismatch() Option {
	return func(o *options) { o.anyCID = true }
}

// WithOutside opens by means of open what lies outside of the file system that
// Open is given: files and parents whose names in a descriptor are absolute,
// name a drive, contain backslashes or "..". Descriptors say what they like,
// so this is for those whose origin is trusted. The path is as the descriptor
// has it where it is absolute or has backslashes, and else relative to the root
// of the file system. What a parent that was opened so names is opened so too.
func WithOutside(open func(path string) (fs.File, error)) Option {
	return func(o *options) { o.outside = open }
}
