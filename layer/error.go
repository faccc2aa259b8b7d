package layer

import (
	"errors"
	"fmt"
	"strings"
)

// The kinds of failure that a layer tells apart. An error of a layer wraps one
// of them, or the error of the source that could not be read; test with
// [errors.Is].
var (
	// ErrFormat means that the source does not hold this format at all.
	ErrFormat = errors.New("not this format")
	// ErrCorrupt means that the format is there and contradicts itself.
	ErrCorrupt = errors.New("corrupt")
	// ErrUnsupported means that the data is encoded in a way which vmdkfs
	// recognises and cannot decode.
	ErrUnsupported = errors.New("not supported")
	// ErrIncomplete means that a part of the set is not there: an extent of a
	// disk, a parent image, a physical volume.
	ErrIncomplete = errors.New("incomplete")
)

// An Error is a failure with its place.
type Error struct {
	Layer  string // the package that failed: "ext3"
	Object string // what was being read: "inode 12"; may be empty
	Offset int64  // where, in bytes of the layer's source; negative when there is no one place
	Detail string // what is wrong with it; may be empty
	Err    error  // one of the kinds above, or the source's own error
}

// Errorf returns an Error whose Detail is formatted from format and args.
func Errorf(kind error, layer, object string, offset int64, format string, args ...any) *Error {
	return &Error{Layer: layer, Object: object, Offset: offset, Detail: fmt.Sprintf(format, args...), Err: kind}
}

// Error returns the whole story in one line.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Layer)
	for _, part := range []string{e.Object, e.Detail} {
		if part != "" {
			b.WriteString(": ")
			b.WriteString(part)
		}
	}
	isKind := false
	for _, kind := range []error{ErrFormat, ErrCorrupt, ErrUnsupported, ErrIncomplete} {
		isKind = isKind || e.Err == kind
	}
	if !isKind && e.Err != nil {
		b.WriteString(": ")
		b.WriteString(e.Err.Error())
	}
	var notes []string
	if isKind {
		notes = append(notes, e.Err.Error())
	}
	if e.Offset >= 0 {
		notes = append(notes, fmt.Sprintf("at byte %d", e.Offset))
	}
	if len(notes) > 0 {
		fmt.Fprintf(&b, " (%s)", strings.Join(notes, ", "))
	}
	return b.String()
}

// Unwrap returns the kind, or the source's own error.
func (e *Error) Unwrap() error { return e.Err }
