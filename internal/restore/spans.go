package restore

// A span is a part of a file.
type span struct{ offset, length int64 }

// wholeSpan is all of a file of size bytes.
func wholeSpan(size int64) []span {
	if size == 0 {
		return nil
	}
	return []span{{0, size}}
}
