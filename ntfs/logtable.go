package ntfs

// An openAttribute is what the log means by the number of an attribute.
type openAttribute struct {
	ref  fileRef
	kind uint32
	name string
}

const (
	logOpenAttribute  = LogOperation(0x1C)
	logOpenTable      = LogOperation(0x1D)
	logAttributeNames = LogOperation(0x1E)

	// maxLogTable bounds the value of one record that is kept: a table of
	// 20,000 open attributes.
	maxLogTable = 1 << 20
	// restartTable is the header of a table in a checkpoint: the length of an
	// entry, and then what is of no use here.
	restartTable = 24
	tableInUse   = 0xFFFFFFFF
	// The entries of the table of open attributes, of Windows of 64 and of 32
	// bits. Source: OPEN_ATTR_ENRTY in Linux's fs/ntfs3/fslog.c.
	openAttribute64 = 40
	openAttribute32 = 44
)

// hasLogTable reports whether a record of an operation opens attributes.
func (o LogOperation) hasLogTable() bool {
	return o == logOpenAttribute || o == logOpenTable || o == logAttributeNames
}

// openAttributes are those that are open at a record, by their offset in the
// table: the target of a change.
type openAttributes map[uint16]openAttribute

// note takes a record that opens attributes, or repeats which are open.
func (t openAttributes) note(r LogRecord) {
	switch r.Redo {
	case logOpenAttribute:
		if a, ok := decodeOpenAttribute(r.redo); ok {
			a.name = text(r.undo)
			t[r.TargetAttribute] = a
		}
	case logOpenTable:
		if len(r.redo) < restartTable {
			return
		}
		size := int(le.Uint16(r.redo))
		for at := restartTable; size >= openAttribute64 && at+size <= len(r.redo) && at < 1<<16; at += size {
			if e := r.redo[at : at+size]; le.Uint32(e) == tableInUse {
				if a, ok := decodeOpenAttribute(e); ok {
					a.name = t[uint16(at)].name // until the names come
					t[uint16(at)] = a
				}
			}
		}
	case logAttributeNames: // number, length, name and a zero
		for b := r.redo; len(b) >= 4; {
			key, n := le.Uint16(b), int(le.Uint16(b[2:]))
			if key == 0 || 4+n > len(b) {
				return
			}
			if a, ok := t[key]; ok {
				a.name = text(b[4 : 4+n])
				t[key] = a
			}
			b = b[min(len(b), 4+n+2):]
		}
	}
}

// decodeOpenAttribute decodes an entry of the table.
func decodeOpenAttribute(e []byte) (openAttribute, bool) {
	switch len(e) {
	case openAttribute64:
		return openAttribute{ref: fileRef(le.Uint64(e[0x10:])), kind: le.Uint32(e[0x08:])}, true
	case openAttribute32:
		return openAttribute{ref: fileRef(le.Uint64(e[0x08:])), kind: le.Uint32(e[0x1C:])}, true
	}
	return openAttribute{}, false
}
