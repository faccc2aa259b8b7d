package iso

import "io/fs"

// The bits of a POSIX file mode, as RRIP 4.1.1 stores them.
const (
	modeType    = 0170000
	modeSocket  = 0140000
	modeSymlink = 0120000
	modeRegular = 0100000
	modeBlock   = 0060000
	modeDir     = 0040000
	modeChar    = 0020000
	modeFifo    = 0010000
	modeSetuid  = 0004000
	modeSetgid  = 0002000
	modeSticky  = 0001000
)

// modes pairs the types of POSIX with those of io/fs.
var modes = [...]struct {
	posix uint32
	mode  fs.FileMode
}{
	{modeRegular, 0},
	{modeDir, fs.ModeDir},
	{modeSymlink, fs.ModeSymlink},
	{modeFifo, fs.ModeNamedPipe},
	{modeSocket, fs.ModeSocket},
	{modeChar, fs.ModeDevice | fs.ModeCharDevice},
	{modeBlock, fs.ModeDevice},
}

// specials pairs the bits above the permissions.
var specials = [...]struct {
	posix uint32
	mode  fs.FileMode
}{
	{modeSetuid, fs.ModeSetuid},
	{modeSetgid, fs.ModeSetgid},
	{modeSticky, fs.ModeSticky},
}

// posixMode returns a mode of io/fs as POSIX has it, and whether POSIX has its
// type.
func posixMode(mode fs.FileMode) (uint32, bool) {
	posix := uint32(mode.Perm())
	for _, s := range specials {
		if mode&s.mode != 0 {
			posix |= s.posix
		}
	}
	for _, m := range modes {
		if mode.Type() == m.mode {
			return posix | m.posix, true
		}
	}
	return 0, false
}

// fileMode returns a POSIX mode as io/fs has it, and whether it has a type.
func fileMode(posix uint32) (fs.FileMode, bool) {
	mode := fs.FileMode(posix & 0777)
	for _, s := range specials {
		if posix&s.posix != 0 {
			mode |= s.mode
		}
	}
	for _, m := range modes {
		if posix&modeType == m.posix {
			return mode | m.mode, true
		}
	}
	return 0, false
}
