package ntfs

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/layer"
)

// withSecurityID returns the number of a file whose descriptor is in $Secure.
func withSecurityID(t *testing.T, f *FS) *FileRecord {
	for n := range fileRef(firstUserRecord) {
		if r, err := f.fileRecord(n); err == nil && r.SecurityID != 0 {
			return r
		}
	}
	t.Fatal("no file has a security ID")
	return nil
}

// TestSecure reads descriptors out of $Secure, from the copy where the first is
// damaged, and none that is not there.
func TestSecure(t *testing.T) {
	p := newPatient(t, "c4096")
	r := withSecurityID(t, p.fsys)
	want, err := r.SecurityDescriptor()
	require.NoError(t, err)
	require.Greater(t, len(want), securityHeader)
	s, err := r.Security()
	require.NoError(t, err)
	require.NotEmpty(t, s.SDDL)

	at := bytes.Index(p.image, want)
	require.Positive(t, at)
	p.image[at-16]++ // the ID
	f, err := p.reopen()
	require.NoError(t, err)
	got, err := f.securityDescriptor(r.SecurityID)
	require.NoError(t, err)
	require.Equal(t, want, got)

	copied := at + 1 + bytes.Index(p.image[at+1:], want)
	require.Greater(t, copied, at)
	p.image[copied-16]++
	f, err = p.reopen()
	require.NoError(t, err)
	_, err = f.securityDescriptor(r.SecurityID)
	require.ErrorIs(t, err, layer.ErrCorrupt)
	require.ErrorContains(t, err, "is not at byte")
	_, err = f.securityDescriptor(0xEEEE)
	require.ErrorContains(t, err, "no descriptor with the ID")
}
