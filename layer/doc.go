// Package layer holds what every layer of vmdkfs shares with its callers: the
// kinds of error, the file and the extent.
//
// A layer is a package that opens an [io.ReaderAt] and presents what lies in
// it as an [io/fs.FS]: vmdk, partition, lvm, ext3, ntfs, iso. Its regular files are
// again io.ReaderAts, so that a file of one layer is what the next one opens.
package layer
