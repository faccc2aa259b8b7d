package lvm

// An Option changes how Open reads the groups.
type Option func(*options)

type options struct {
	versions map[string]int64 // by name or UUID of a group: the version to show
}

// WithSequence shows a group, named by its UUID or its name, as the metadata
// with that sequence number says, an older one of those that [FS.History]
// lists. Where extents have been given to another volume since, the older one
// has the other's bytes.
//
// Open then fails with [layer.ErrIncomplete] when no copy has that number, or
// there is no such group.
func WithSequence(group string, seqno int64) Option {
	return func(o *options) {
		if o.versions == nil {
			o.versions = make(map[string]int64)
		}
		o.versions[group] = seqno
	}
}
