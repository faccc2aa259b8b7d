package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"

	"github.com/vmdkfs/vmdkfs/internal/walk"
)

// hashFile returns the SHA-256 of what e holds.
func hashFile(ctx context.Context, e walk.Entry, buf []byte, p *progress) (sum [sha256.Size]byte, err error) {
	f, err := e.Open()
	if err != nil {
		return sum, err
	}
	defer f.Close()
	h := sha256.New()
	r := struct{ io.Reader }{f} // without WriteTo: the buffer is here
	if _, err := io.CopyBuffer(&output{w: h, ctx: ctx, progress: p}, r, buf); err != nil {
		return sum, err
	}
	h.Sum(sum[:0])
	return sum, nil
}

// appendSum appends a line of sha256sum. A name with a newline, a carriage
// return or a backslash has them escaped, which a backslash in front of the
// line announces.
func appendSum(b []byte, sum [sha256.Size]byte, name []byte) []byte {
	quoted := bytes.ContainsAny(name, "\n\r\\")
	if quoted {
		b = append(b, '\\')
	}
	b = append(hex.AppendEncode(b, sum[:]), "  "...)
	if !quoted {
		return append(append(b, name...), '\n')
	}
	for _, c := range name {
		switch c {
		case '\n':
			b = append(b, `\n`...)
		case '\r':
			b = append(b, `\r`...)
		case '\\':
			b = append(b, `\\`...)
		default:
			b = append(b, c)
		}
	}
	return append(b, '\n')
}
