// Package ntfs reads NTFS volumes, of version 1.2 to 3.1, as an [io/fs.FS].
//
// # Names
//
// Names are shown as UTF-8. Half a surrogate pair, which Windows allows in a
// name, appears as \uNNNN, what no path element may be (a slash, a NUL, the
// names . and ..) as \xNN, and a backslash that would read as such an escape as
// \x5c. A file has an entry under each of its names but for the short ones that
// go with a long one; those are found when they are looked up. Names are found
// in any case, as $UpCase of the volume compares them, and one in the very case
// first, but for the directories that say that their names are case-sensitive.
//
// Metadata files ($MFT, $Secure) are not listed, as Windows does not, and can be
// opened by their names. A named stream is opened as file:stream, or as
// :stream in the directory that it is of.
//
// # Links
//
// Symbolic links, junctions and mount points of Windows, and the links of WSL,
// Interix and the Server for NFS, are symbolic links. The target of one of
// Windows is shown with slashes in place of backslashes: as it is when it is
// relative; as C:/Users for \??\C:\Users, so that it tells an administrator of
// Windows what it told there, and nobody that the drive is this volume;
// as //server/share for a share; and as //?/Volume{GUID}/ for any other name of
// the kernel. Links are followed when they lead from where they are into this
// volume; those with a drive are not.
//
// # Modes and owners
//
// Windows has no modes. Files and directories have 0777 and belong to 0:0, as
// ntfs-3g shows them, but for those to which WSL gave an owner and a mode.
package ntfs
