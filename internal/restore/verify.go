package restore

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"

	"github.com/vmdkfs/vmdkfs/layer"
)

// copyHashed copies the whole file from its beginning to its end, and returns
// the hash of the source.
func (j *job) copyHashed(ctx context.Context, buf []byte) (string, error) {
	hash := sha256.New()
	at := int64(0)
	hole := func(to int64) error {
		clear(buf)
		for at < to {
			if err := context.Cause(ctx); err != nil {
				return err
			}
			n := min(to-at, int64(len(buf)))
			hash.Write(buf[:n])
			at += n
		}
		return nil
	}
	for _, s := range append(j.data, span{j.file.Size, 0}) {
		if err := hole(s.offset); err != nil {
			return "", err
		}
		if err := j.copySpan(ctx, s, buf, hash); err != nil {
			return "", err
		}
		at += s.length
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// verify reads the file back from where it is stored.
func (j *job) verify(ctx context.Context, want string) error {
	dropCache(j.to)
	hash, buf := sha256.New(), make([]byte, bufferSize)
	for at := int64(0); ; {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		n, err := j.to.ReadAt(buf, at)
		hash.Write(buf[:n])
		at += int64(n)
		j.run.progress(int64(n))
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
	}
	if sum := hex.EncodeToString(hash.Sum(nil)); sum != want {
		j.distrusted = true
		return failed(layer.ErrCorrupt, j.file.To, "what was written reads back otherwise: SHA-256 %s, and not %s", sum, want)
	}
	return nil
}
