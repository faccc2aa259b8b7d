// Package export takes files out of an image: into a directory of the machine
// that it runs on ([Copy], and [Plan] without a change), into a tar or a zip
// archive ([Tar], [Zip]).
//
// There is one walk (tree.go): through each source once, in the order of names
// in every directory, without what a [Filter] leaves out. (In the order of inode
// numbers it would read the source 79,161 times rather than 79,405 for the /usr
// of bench/build-disk.sh: too little for a sort that needs the inodes.) A copy has it make the
// directories (copy.go, dir.go), and hands all other files in batches to a few
// workers (file.go, links.go), so that memory does not depend on how many files
// there are, but for those with several names, which are remembered until the
// last of them. An archive (archive.go) reads each file while the one before it
// is written. A file that fails is told of and counted, and the rest goes on.
//
// The image is hostile until shown otherwise. Everything is created by a single
// name in a directory that is held open, below an [os.Root], under a temporary
// name and with O_EXCL or without a name, and gets its own name when it is
// complete: what the image planted before is neither followed nor written
// through, and an interrupted copy leaves complete files only.
package export
