// Package export takes files out of an image: into a directory of the machine
// that it runs on.
//
// The image is hostile until shown otherwise. Everything is created by a
// single name in a directory that is held open through [os.Root], under a
// temporary name and with O_EXCL, and gets its own name when it is complete:
// what the image planted before is neither followed nor written through, and
// an interrupted copy leaves complete files only.
package export
