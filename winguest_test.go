package vmdkfs

import (
	"io/fs"
	"path"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
	"github.com/vmdkfs/vmdkfs/internal/vnode"
	"github.com/vmdkfs/vmdkfs/layer"
)

// windowsSet opens disks of testdata/winguest as those of one machine.
func windowsSet(t *testing.T, names []string, opts ...Option) *Disk {
	t.Helper()
	fsys := fstest.MapFS{}
	for i, name := range names {
		fsys[name] = &fstest.MapFile{Data: testimg.Load(t, "winguest/"+name+".img.gz")}
		if i > 0 {
			opts = append(opts, WithDisk(fsys, name))
		}
	}
	return opened(t)(Open(fsys, names[0], opts...))
}

// mountRows returns mounts as texts: path, volume, source, error and note.
func mountRows(g *Guest) (rows [][5]string) {
	for _, m := range g.Mounts {
		row := [5]string{m.Path, "", m.Source, "", m.Note}
		if m.Volume != nil {
			row[1] = m.Volume.Path
		}
		if m.Err != nil {
			row[3] = m.Err.Error()
		}
		rows = append(rows, row)
	}
	return rows
}

func TestWindowsGuest(t *testing.T) {
	g, err := windowsSet(t, []string{"system", "data"}).Guest()
	require.NoError(t, err)
	require.True(t, g.Windows)
	system, err := g.System()
	require.NoError(t, err)
	require.Equal(t, System{Name: "Windows 11 Pro", Version: "23H2 (10.0.22631.4460)", Hostname: "win02", TimeZone: "W. Euro",
		Shutdown: time.Date(2026, 11, 17, 3, 4, 5, 123456700, time.UTC)}, system)
	require.Equal(t, [][5]string{
		{"/C", "system/p1", "disk a1b2c3d4 at 32768"},
		{"/D", "system/p2", "disk a1b2c3d4 at 4227072"},
		{"/E", "data/p1", "volume 5d1c2b3a-0001-4002-8003-1234567890ab"},
		{"/F", "", "disk 01020304 at 1048576", errNoDevice.Error()},
		{"/volume{11111111-2222-3333-4444-555555555555}", "system/p3", "disk a1b2c3d4 at 7372800"},
		{"/volume{66666666-2222-3333-4444-555555555555}", "data/p1", "volume 5d1c2b3a-0001-4002-8003-1234567890ab"},
	}, mountRows(g))
	require.Equal(t, "C/ D/ E/", list(t, g, "."))
	entries, err := g.ReadDir("C")
	require.NoError(t, err)
	for _, e := range entries { // diff asks the entries of the volume
		_, ok := vnode.EntryOf[interface {
			vnode.Entry
			IsDir() bool // which those that wrap them have not
		}](e)
		require.True(t, ok, e.Name())
	}

	// What ntfs-3g reads on each drive
	for drive, manifest := range map[string]string{"C": "system", "d": "d", "E": "e"} {
		for _, want := range testimg.Manifest(t, "winguest/"+manifest+".manifest.jsonl.gz") {
			info, err := g.Lstat(path.Join(drive, want.Path))
			require.NoError(t, err)
			require.Equal(t, want.Type == "dir", info.IsDir(), want.Path)
			if want.Type == "file" {
				require.Equal(t, want.Size, info.Size(), want.Path)
			}
		}
	}
	const note, all, backup = "of alice\n", "of all\n", "of the backup\n"
	for name, want := range map[string]string{
		`C:\Users\alice\Desktop\note.txt`:                            note,
		`c:/users/ALICE/desktop/Note.txt`:                            note,
		`\\?\C:\Users\alice\Desktop\note.txt`:                        note,
		"/C/Users/alice/Desktop/note.txt":                            note,
		"/c/Documents and Settings/alice/desktop/note.txt":           note,
		"/C/note-relative":                                           note,
		"/C/note-of-drive":                                           note,
		"/C/note-absolute":                                           note,
		"/C/Users/alice/everyone/alice/Desktop/note.txt":             note,
		"/C/Users/alice/shared/all.txt":                              all,
		"/D/root-note":                                               all,
		"/D/Shared/home/Desktop/note.txt":                            note, // over C: and its junction
		"/C/Users/alice/shared/home/shared/all.txt":                  all,  // from C: to D: and back
		"/C/mnt/p3/F.TXT":                                            "of the folder\n",
		"/D/mounted/Backup/b.txt":                                    backup,
		"/Volume{66666666-2222-3333-4444-555555555555}/Backup/b.txt": backup,
	} {
		text, err := g.ReadFile(g.Path(name))
		require.NoError(t, err, name)
		require.Equal(t, want, string(text), name)
	}
	for name, kind := range map[string]error{
		"C/mnt/gone/x": fs.ErrNotExist,
		"C/missing":    errNoDevice,
		"F/x":          errNoDevice,
		"Z/x":          fs.ErrNotExist,
		"Users":        fs.ErrNotExist,
		"C/on-share":   layer.ErrUnsupported,
		"Volume{x}":    fs.ErrNotExist,
	} {
		_, err := g.Stat(name)
		require.ErrorIs(t, err, kind, name)
	}
	_, err = g.Stat("C/loop/x")
	require.ErrorContains(t, err, "too many levels")
	target, err := g.ReadLink("C/Documents and Settings")
	require.NoError(t, err)
	require.Equal(t, "C:/Users", target)
	for dir, file := range map[string]string{"C/Windows": "System32/config/SYSTEM", "E": "Backup/b.txt"} { // without links to nothing
		below, err := g.Sub(dir)
		require.NoError(t, err)
		require.NoError(t, fstest.TestFS(below, file))
	}
}

func TestWindowsAlone(t *testing.T) {
	d := windowsSet(t, []string{"old"})
	g, err := d.Guest()
	require.NoError(t, err)
	require.Equal(t, [][5]string{{"/H"}}, mountRows(g)) // by SystemRoot
	system, err := g.System()
	require.NoError(t, err)
	require.Equal(t, System{Name: "Windows 7 Professional", Version: "Service Pack 1 (6.1.7601)", Hostname: "OLD", TimeZone: "Eastern Standard Time"}, system)
	_, err = g.Stat("h/winnt/system32")
	require.NoError(t, err)
}

// Without the disk of E: the rest is there, and a system that names itself
// comes before one that does not.
func TestWindowsChoice(t *testing.T) {
	d := windowsSet(t, []string{"old", "system"})
	g, err := d.Guest()
	require.NoError(t, err)
	require.Equal(t, "system/p1", g.Mounts[0].Volume.Path)
	require.ErrorIs(t, g.Mounts[2].Err, errNoDevice)
	_, err = g.Stat("D/mounted/Backup")
	require.ErrorIs(t, err, fs.ErrNotExist)
	systems, err := d.Systems()
	require.NoError(t, err)
	require.Len(t, systems, 2)
	g, err = windowsSet(t, []string{"old", "system"}, WithRoot("old")).Guest()
	require.NoError(t, err)
	require.Equal(t, "/H", g.Mounts[0].Path)
	_, err = windowsSet(t, []string{"old", "system"}, WithRoot("system/p2")).Guest()
	require.ErrorIs(t, err, layer.ErrFormat)

	// Two copies of one: no volume is the one of the registry
	fsys := fstest.MapFS{"a": {Data: testimg.Load(t, "winguest/system.img.gz")}}
	fsys["b"] = fsys["a"]
	d = opened(t)(Open(fsys, "a", WithDisk(fsys, "b")))
	_, err = d.Guest()
	require.ErrorContains(t, err, "a/p1 (Windows 11 Pro), b/p1 (Windows 11 Pro)")
	g, err = opened(t)(Open(fsys, "a", WithDisk(fsys, "b"), WithRoot("b/p1"))).Guest()
	require.NoError(t, err)
	require.Equal(t, "b/p1", g.Mounts[0].Volume.Path)
	require.ErrorIs(t, g.Mounts[1].Err, errManyVolume)
}

// A registry that is damaged costs what it would say.
func TestWindowsDamaged(t *testing.T) {
	image := testimg.Load(t, "winguest/system.img.gz")
	at := 0
	for i := 32 << 10; i < len(image); i += 512 {
		if string(image[i:i+4]) == "regf" {
			image[i+36] ^= 8 // where the root is
			at++
		}
	}
	require.Equal(t, 2, at)
	fsys := fstest.MapFS{"d": {Data: image}}
	g, err := opened(t)(Open(fsys, "d")).Guest()
	require.NoError(t, err)
	require.Equal(t, "/C", g.Mounts[0].Path)
	require.ErrorIs(t, g.Mounts[0].Err, layer.ErrCorrupt)
	_, err = g.System()
	require.ErrorIs(t, err, layer.ErrCorrupt)
	_, err = g.Stat("C/Users/alice/Desktop/note.txt")
	require.NoError(t, err)
}
