// Package restore copies a virtual machine's disk, or the whole machine, file
// by file, from one directory into another: a descriptor with its extents and
// its parents, a configuration with all that it names.
//
// Nothing is read or written outside of the two directories. A file has its
// name when it is complete, and those that name others come last, so that what
// can be opened is whole.
package restore
