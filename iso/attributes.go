package iso

import (
	"bytes"
	"strings"
	"time"

	"github.com/vmdkfs/vmdkfs/internal/vnode"
	"github.com/vmdkfs/vmdkfs/layer"
)

// attributes are what the system use fields of a record tell.
type attributes struct {
	name         []byte // nil without NM
	hasPX        bool
	mode, links  uint32
	uid, gid     uint32
	serial       uint32 // 0 before RRIP 1.12
	major, minor uint32
	mtime, atime time.Time
	ctime, birth time.Time
	target       targetReader
	hasTarget    bool
	child        uint32 // block of a directory that was relocated to there; 0 if none
	parent       uint32 // in "..": block of the directory that a relocated one belongs in; 0 if none
	relocated    bool   // the record is shown elsewhere
	zisofs       bool
	size         uint32 // uncompressed, with zisofs
	xattrs       bool   // an AAIP field holds extended attributes
	nameComplete bool
	rockRidge    bool // an ER field says so
}

// attributes reads the fields of the record at off.
func (f *FS) attributes(r record, off int64) (*attributes, error) {
	a := &attributes{}
	area := r.systemUse()
	area = area[min(f.skip, len(area)):]
	for fd, err := range f.fields(area, off+int64(len(r)-len(area))) {
		if err == nil {
			err = a.add(fd)
		}
		if err != nil {
			return nil, err
		}
	}
	return a, nil
}

// minData holds how much data the fields that are read have at least, in
// bytes.
var minData = map[[2]byte]int{
	{'E', 'R'}: 4, {'P', 'X'}: 32, {'P', 'N'}: 16, {'N', 'M'}: 1, {'S', 'L'}: 1,
	{'T', 'F'}: 1, {'C', 'L'}: 8, {'P', 'L'}: 8, {'Z', 'F'}: 12,
}

// add takes over what a field tells.
func (a *attributes) add(fd field) error {
	d := fd.data
	if len(d) < minData[fd.signature] {
		return fd.corrupt("%d bytes of data", len(d))
	}
	switch string(fd.signature[:]) {
	case "ER":
		id := d[4:][:min(int(d[0]), len(d)-4)]
		for _, known := range rripIDs {
			a.rockRidge = a.rockRidge || bytes.Equal(id, known)
		}
	case "PX":
		a.hasPX = true
		a.mode, a.links, a.uid, a.gid = le32(d), le32(d[8:]), le32(d[16:]), le32(d[24:])
		if len(d) >= 36 {
			a.serial = le32(d[32:])
		}
	case "PN":
		a.major, a.minor = deviceNumber(le32(d), le32(d[8:]))
	case "NM":
		// A name that is "." or ".." by its flags is the identifier's.
		if d[0]&(flagCurrent|flagParent) == 0 && !a.nameComplete {
			a.name = append(a.name, d[1:]...)
			a.nameComplete = d[0]&flagContinue == 0
		}
	case "SL":
		a.hasTarget = true
		return a.target.add(fd)
	case "TF":
		return a.addTimes(fd)
	case "CL":
		a.child = le32(d)
	case "PL":
		a.parent = le32(d)
	case "RE":
		a.relocated = true
	case "ZF":
		a.zisofs, a.size = true, le32(d[4:])
	case "AL", "AA":
		a.xattrs = true
	}
	return nil
}

func (fd field) corrupt(format string, args ...any) error {
	return layer.Errorf(layer.ErrCorrupt, layerName, string(fd.signature[:])+" field", fd.off, format, args...)
}

// deviceNumber returns the two parts of a device number. RRIP 4.1.2 stores a
// number of 64 bits; writers store the major number in the high half and the
// minor in the low, or an old Linux number of 16 bits in the low one.
func deviceNumber(high, low uint32) (major, minor uint32) {
	if high == 0 && low > 0xff {
		return low >> 8, low & 0xff
	}
	return high, low
}

// addTimes takes over the times of a TF field (RRIP 4.1.6), which lie in the
// order of their flags.
func (a *attributes) addTimes(fd field) error {
	flags, b := fd.data[0], fd.data[1:]
	size, decode := shortDateSize, shortDate
	if flags&timeLong != 0 {
		size, decode = longDateSize, longDate
	}
	var unused time.Time
	for bit := range 7 {
		if flags&(1<<bit) == 0 {
			continue
		}
		if len(b) < size {
			return fd.corrupt("%d bytes left for a time", len(b))
		}
		dst := &unused
		switch 1 << bit {
		case timeCreation:
			dst = &a.birth
		case timeModify:
			dst = &a.mtime
		case timeAccess:
			dst = &a.atime
		case timeAttributes:
			dst = &a.ctime
		}
		*dst = decode(b)
		b = b[size:]
	}
	return nil
}

// A targetReader puts the components of a symbolic link's target together.
type targetReader struct {
	text     []byte
	slash    bool // a further component begins with a slash
	goesOn   bool // a component is continued
	foreign  bool // a component means something that only the writing host knew
	complete bool
}

// add takes over an SL field (RRIP 4.1.3).
func (t *targetReader) add(fd field) error {
	if t.complete {
		return nil
	}
	t.complete = fd.data[0]&flagContinue == 0
	for b := fd.data[1:]; len(b) > 0; {
		if len(b) < componentHeader || len(b) < componentHeader+int(b[1]) {
			return fd.corrupt("a component does not fit")
		}
		flags, name := b[0], b[componentHeader:][:b[1]]
		b = b[componentHeader+int(b[1]):]
		if t.slash && !t.goesOn {
			t.text = append(t.text, '/')
		}
		t.slash = true
		switch {
		case flags&flagRoot != 0:
			t.text = append(t.text[:0], '/')
			t.slash = false
		case flags&flagCurrent != 0:
			t.text = append(t.text, '.')
		case flags&flagParent != 0:
			t.text = append(t.text, ".."...)
		case flags&^flagContinue != 0:
			t.foreign = true
		default:
			t.text = append(t.text, name...)
		}
		t.goesOn = flags&flagContinue != 0
	}
	return nil
}

// string returns the target, escaped as names are.
func (t *targetReader) string() string { return vnode.Escape(t.text) }

// plainName returns the name that a record has in a view without Rock Ridge:
// its identifier without the version 1 and without a dot at the end.
func plainName(id []byte, isJoliet bool) (raw []byte, name string) {
	if isJoliet {
		name = escapeUCS2(id)
		name = strings.TrimSuffix(name, ";1")
		return id, name
	}
	id = bytes.TrimSuffix(id, []byte(";1"))
	if len(id) > 1 {
		id = bytes.TrimSuffix(id, []byte("."))
	}
	return id, vnode.Escape(id)
}
