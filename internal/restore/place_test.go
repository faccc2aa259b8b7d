package restore

import (
	"io"
	"io/fs"
	"testing"

	"github.com/stretchr/testify/require"
)

// A file that exists is replaced only when that is asked for.
func TestGiveName(t *testing.T) {
	to := root(t, t.TempDir())
	for _, name := range []string{"part", "there"} {
		require.NoError(t, to.WriteFile(name, []byte(name), 0o600))
	}
	require.ErrorIs(t, giveName(to, "part", "there", false), fs.ErrExist)
	require.NoError(t, giveName(to, "part", "new", false))
	require.NoError(t, giveName(to, "new", "there", true))
	f, err := to.Open("there")
	require.NoError(t, err)
	defer f.Close()
	text, err := io.ReadAll(f)
	require.NoError(t, err)
	require.Equal(t, "part", string(text))
}
