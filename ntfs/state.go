package ntfs

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/internal/vnode"
)

// Flags of $VOLUME_INFORMATION.
const (
	volumeDirty            = 0x0001
	volumeCheckUnderway    = 0x4000
	volumeModifiedByChkdsk = 0x8000
)

// State tells in which state a volume was left. A volume of a machine that was
// running when its disk was copied is not clean, and that is no damage.
type State struct {
	Dirty            bool // Windows, or its driver, has met an inconsistency, or it was mounted without a log
	CheckPending     bool // chkdsk will run, or was running
	ModifiedByChkdsk bool
	Compressed       bool        // new files in the root directory are compressed
	Hibernation      Hibernation // by hiberfil.sys
	LogClean         bool        // $LogFile was closed, or reset: nothing in it is to be redone
	LogErr           error       // why $LogFile could not be read, so that it counts as not clean
	Flags            uint16      // of $VOLUME_INFORMATION, all of them
}

// A Hibernation is what hiberfil.sys says that Windows did last.
type Hibernation string

// The states of hiberfil.sys. From Windows 8 on a shutdown with Fast Startup
// leaves the same file as a hibernation does.
const (
	NotHibernated         Hibernation = ""
	Hibernated            Hibernation = "hibernated"
	HibernatedOrFastStart Hibernation = "hibernated, or shut down with Fast Startup"
	Resumed               Hibernation = "resumed from hibernation"
)

// hiberfil is the file in the root directory that memory is saved to.
const hiberfil = "hiberfil.sys"

// State reads the state of the volume.
func (f *FS) State() (State, error) {
	x, err := f.file(recordVolume)
	if err != nil {
		return State{}, err
	}
	v, err := x.volumeInformation()
	if err != nil {
		return State{}, err
	}
	flags := le.Uint16(v[10:12])
	s := State{Dirty: flags&volumeDirty != 0, CheckPending: flags&(volumeDirty|volumeCheckUnderway) != 0,
		ModifiedByChkdsk: flags&volumeModifiedByChkdsk != 0, Flags: flags}
	root, err := f.fileRecord(recordRoot)
	if err != nil {
		return s, err
	}
	l, err := f.Log()
	s.LogErr = err
	s.LogClean = err == nil && (l.Clean || l.Empty)
	s.Compressed = root.Attributes&AttributeCompressed != 0
	s.Hibernation, err = root.hibernation()
	return s, err
}

// hibernation reads the start of hiberfil.sys.
func (r *FileRecord) hibernation() (Hibernation, error) {
	n, err := dirNode{node{r}}.Lookup(hiberfil)
	if errors.Is(err, fs.ErrNotExist) {
		return NotHibernated, nil
	}
	if err != nil {
		return NotHibernated, err
	}
	file, ok := n.(vnode.File)
	if !ok || n.Size() < 4 {
		return NotHibernated, nil
	}
	content, err := file.Open()
	if err != nil {
		return NotHibernated, err
	}
	magic, err := ondisk.Read(content, 0, 4)
	if err != nil {
		return NotHibernated, failed(hiberfil, noOffset, err)
	}
	switch string(magic) {
	case "hibr":
		return Hibernated, nil
	case "HIBR":
		return HibernatedOrFastStart, nil
	case "wake", "WAKE", "RSTR":
		return Resumed, nil
	}
	return NotHibernated, nil
}

// String says in a sentence what the state means for the files that are read.
func (s State) String() string {
	var notes []string
	switch {
	case s.LogErr != nil:
		notes = append(notes, "whether it was in use cannot be told: "+s.LogErr.Error())
	case !s.LogClean:
		notes = append(notes, "it was in use when it was copied: the newest changes may be in $LogFile only, or in part on the disk")
	}
	switch s.Hibernation {
	case Hibernated, HibernatedOrFastStart:
		notes = append(notes, fmt.Sprintf("Windows is %s: what it had not written yet is in its memory, in %s", s.Hibernation, hiberfil))
	}
	switch {
	case s.Flags&volumeCheckUnderway != 0:
		notes = append(notes, "chkdsk was at work on it: what it was to repair may be damaged")
	case s.Dirty:
		notes = append(notes, "it is marked for chkdsk: parts of it may be damaged")
	}
	if len(notes) == 0 {
		return "clean"
	}
	return strings.Join(notes, "; ")
}

// Clean reports whether nothing of the state speaks against what is read.
func (s State) Clean() bool { return s.String() == "clean" }
