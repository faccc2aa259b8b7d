// Package iso writes ISO 9660 images of any [io/fs.FS], and reads them as one.
//
// [Write] needs no scratch space and never seeks: it walks the tree once for
// its metadata, from which every size and place follows, then streams the
// image from its first byte to its last. Each image has four views of the one
// copy of the data: Rock Ridge 1.12 for Unix (names to 255 bytes, modes,
// owners, times, links, devices), Joliet for Windows, names of 8.3 characters
// for everything else, and UDF 2.01 (OSTA; ECMA-167), which has files of 4 GiB
// and more and long names where Joliet has not, unless [WithoutUDF] leaves it
// out. Memory grows with the number of entries, never with the data.
//
// [Open] reads images of any writer through the best view that they have.
//
// # What an image cannot hold
//
// Times are whole seconds: that is all that Rock Ridge has; UDF has microseconds.
// There is no place for extended attributes and ACLs: [WithManifest] lists what
// is lost. 7-Zip reads the UDF view of no tree with links or devices. A view with 8.3 names or Joliet has
// neither links nor devices. Directories deeper than the 8 levels of ECMA-119
// 6.8.2.1 are written where they are rather than relocated: Linux 6.1, xorriso,
// isoinfo, libarchive and 7-Zip read them.
// Years before 1900 and after 2155 take the long form of time stamps, which
// Linux 6.1 and libarchive 3.6 misread; of names of 254 and 255 bytes Linux 6.1
// shows the first 250.
// Hard links are names of one file by their Rock Ridge serial number and share
// their data; Linux's own driver shows them as files of their own.
//
// # Sources
//
// ECMA-119 (the text of ISO 9660), SUSP 1.12 and RRIP 1.12 (IEEE P1281 and
// P1282), Microsoft's Joliet specification of 1995.
package iso
