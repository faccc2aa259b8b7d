package datastore

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestLocate(t *testing.T) {
	root, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	put(t, root, "vm/web/web.vmdk", day(9))
	put(t, root, ".snapshot/daily.2026-11-02/vm/web/web.vmdk", day(1))
	put(t, root, "vm/.snapshot/daily.2026-11-03/other.vmdk", day(1)) // without it
	for _, image := range []string{"vm/web/web.vmdk", "vm/gone/../web/web.vmdk"} {
		dir, rel, err := Locate(filepath.Join(root, image), Layouts)
		require.NoError(t, err)
		require.Equal(t, root, dir)
		require.Equal(t, filepath.FromSlash("vm/web/web.vmdk"), rel)
	}
	put(t, root, "vm/.snapshot/hourly/web/web.vmdk", day(2)) // nearer
	dir, rel, err := Locate(filepath.Join(root, "vm/web/web.vmdk"), Layouts)
	require.NoError(t, err)
	require.Equal(t, []string{filepath.Join(root, "vm"), filepath.FromSlash("web/web.vmdk")}, []string{dir, rel})
	require.NoError(t, os.Remove(filepath.Join(root, "vm/web/web.vmdk")))
	dir, _, err = Locate(filepath.Join(root, "vm/web/web.vmdk"), Layouts)
	require.NoError(t, err)
	require.Equal(t, filepath.Join(root, "vm"), dir)
	_, _, err = Locate(filepath.Join(root, "vm/none.vmdk"), Layouts)
	require.ErrorIs(t, err, errNoSnapshots)
	_, _, err = Locate(filepath.Join(root, "vm/web/web.vmdk"), []string{"["})
	require.Error(t, err)
}

func TestNewestBy(t *testing.T) {
	list := []Version{{Name: "a", Time: day(1)}, {Name: "b", Time: day(3)}, {Name: "c"}, {Name: Current, Time: day(5)}}
	for limit, want := range map[time.Time]string{day(1): "a", day(2): "a", day(3): "b", day(4): "b", day(9): Current} {
		v, err := NewestBy(list, limit)
		require.NoError(t, err)
		require.Equal(t, want, v.Name)
	}
	_, err := NewestBy(list, day(1).Add(-1))
	require.EqualError(t, err, "no version by 2026-10-31 23:59: the first is a, of 2026-11-01 00:00")
	_, err = NewestBy(nil, day(1))
	require.EqualError(t, err, "no version by 2026-11-01 00:00: there is none")
	v, ok := Named(list, "b")
	require.True(t, ok)
	require.Equal(t, day(3), v.Time)
	_, ok = Named(list, "x")
	require.False(t, ok)
}
