package datastore

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// put makes a file that was last written at a time.
func put(t *testing.T, root, name string, at time.Time) {
	t.Helper()
	file := filepath.Join(root, filepath.FromSlash(name))
	require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
	require.NoError(t, os.WriteFile(file, []byte("x"), 0o600))
	require.NoError(t, os.Chtimes(file, at, at))
}

func day(n int) time.Time { return time.Date(2026, 11, n, 0, 0, 0, 0, time.UTC) }

func TestVersions(t *testing.T) {
	root := filepath.Join(t.TempDir(), "ds[1]*") // which are no pattern
	put(t, root, "web/web.vmdk", day(1))
	put(t, root, "web/web-flat.vmdk", day(20))
	put(t, root, "web/web-ctk.vmdk", day(25)) // holds no data
	put(t, root, ".snapshot/daily.2026-11-18_0010/web/web.vmdk", day(1))
	put(t, root, ".snapshot/weekly/web/web.vmdk", day(1))
	put(t, root, ".snapshot/weekly/web/web-flat.vmdk", day(10))
	put(t, root, ".snapshot/daily.2026-11-17_0010/web/web.vmdk", day(1))
	put(t, root, ".snapshot/daily.2026-11-16_0010/other/other.vmdk", day(1))
	put(t, root, "backups/old/web/web.vmdk", day(3))

	list, err := Versions(root, "web/web.vmdk", append([]string{"backups/*"}, Layouts...))
	require.NoError(t, err)
	type row struct {
		name  string
		time  time.Time
		named bool
	}
	var got []row
	for _, v := range list {
		got = append(got, row{v.Name, v.Time.UTC(), v.Named})
		require.FileExists(t, v.File)
	}
	require.Equal(t, []row{
		{"old", day(3), false},
		{"weekly", day(10), false},
		{"daily.2026-11-17_0010", day(17).Add(10 * time.Minute), true},
		{"daily.2026-11-18_0010", day(18).Add(10 * time.Minute), true},
		{Current, day(20), false},
	}, got)

	require.NoError(t, os.Remove(filepath.Join(root, "web", "web.vmdk")))
	list, err = Versions(root, "web/web.vmdk", Layouts)
	require.NoError(t, err)
	require.Len(t, list, 3)

	_, err = Versions(root, "none.vmdk", Layouts)
	require.ErrorIs(t, err, fs.ErrNotExist)
	for _, image := range []string{"../x", "/etc/passwd", ""} {
		_, err = Versions(root, image, Layouts)
		require.ErrorIs(t, err, errLeads)
	}
	_, err = Versions(root, "web/web.vmdk", []string{"["})
	require.ErrorIs(t, err, filepath.ErrBadPattern)
}

func TestNameTime(t *testing.T) {
	for name, want := range map[string]time.Time{
		"daily.2026-11-17_0010":                 day(17).Add(10 * time.Minute),
		"2026-11-17":                            day(17),
		"zfs-auto-snap_hourly-2026-11-17-1017":  day(17).Add(10*time.Hour + 17*time.Minute),
		"@GMT-2026.11.17-10.17.05":              day(17).Add(10*time.Hour + 17*time.Minute + 5*time.Second),
		"before-update-2026-11-17T10:17:05-web": day(17).Add(10*time.Hour + 17*time.Minute + 5*time.Second),
	} {
		got, ok := nameTime(name)
		require.True(t, ok, name)
		require.Equal(t, want, got, name)
	}
	for _, name := range []string{"hourly.0", "2026-13-45", "20261117", ""} {
		_, ok := nameTime(name)
		require.False(t, ok, name)
	}
}
