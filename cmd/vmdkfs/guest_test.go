package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// What is not mounted is said by a command that goes there, and by info.
func TestGuestMounts(t *testing.T) {
	old, system, data := unpacked(t, "guest/old.img.gz"), unpacked(t, "guest/new.img.gz"), unpacked(t, "guest/data.img.gz")
	set := []string{"--disk", system, "--disk", data}

	r := invoke(t, append(set, "cat", old, "/data/file")...)
	require.Equal(t, result{out: "of the volume\n"}, r)
	r = invoke(t, append(set, "cat", old, "/gone/file")...)
	require.Equal(t, 1, r.status)
	require.Equal(t, "vmdkfs: warning: /gone: LABEL=none is not mounted: no such volume on the disks\n"+
		"vmdkfs: /gone/file: no such file or directory\n", r.err)

	dest := t.TempDir()
	require.Equal(t, result{}, invoke(t, append(set, "--quiet", "cp", old, "/data", "/etc/hostname", dest)...))
	text, err := os.ReadFile(filepath.Join(dest, "data", "nested", "etc", "os-release"))
	require.NoError(t, err)
	require.Contains(t, string(text), "Old Linux")

	r = invoke(t, append(set, "info", old)...)
	require.Equal(t, 0, r.status, r.err)
	require.Contains(t, r.out, "guest  New Linux 2, version 2.1, host name new01, time zone Europe/Berlin, last shut down 2026-11-17T03:04:05Z\n"+
		"  /  new.img\n  /data  data.img, LABEL=data, subvol=@data is ignored\n")
	require.Contains(t, r.out, "  another system  Old Linux 1, on old.img, which --root chooses\n")
	require.Contains(t, r.out, "  /gone  LABEL=none, not mounted: no such volume on the disks\n")
	r = invoke(t, append(set, "--json", "info", old)...)
	var f facts
	require.NoError(t, json.NewDecoder(strings.NewReader(r.out)).Decode(&f))
	require.Equal(t, "New Linux 2", f.Guest.OS)
	require.Equal(t, mountFacts{Path: "/data", Volume: "data.img", Source: "LABEL=data", Note: "subvol=@data is ignored"}, f.Guest.Mounts[1])

	r = invoke(t, "--disk", old, "info", old)
	require.Contains(t, r.out, "guest  vmdkfs: guest: several systems to choose from: old.img (Old Linux 1), old.img-2 (Old Linux 1)")
	r = invoke(t, "info", data)
	require.NotContains(t, r.out, "guest")
}

// The drives of a Windows, in every form that its users write.
func TestWindowsPaths(t *testing.T) {
	system, data := unpacked(t, "winguest/system.img.gz"), unpacked(t, "winguest/data.img.gz")
	for _, path := range []string{`C:\Users\alice\Desktop\note.txt`, "c:/users/alice/desktop/note.txt", "/C/Users/alice/Desktop/note.txt",
		`C:\Documents and Settings\alice\Desktop\note.txt`} {
		require.Equal(t, result{out: "of alice\n"}, invoke(t, "--disk", data, "cat", system, path), path)
		for _, command := range [][]string{{"ls"}, {"ls", "-l"}, {"stat"}, {"hash"}, {"find"}, {"tar", "-o", "-"}, {"zip", "-o", "-"}, {"iso", "-o", "-"}} {
			r := invoke(t, append(append([]string{"--quiet", "--disk", data}, command...), system, path)...)
			require.Equal(t, 0, r.status, "%v %s: %s", command, path, r.err)
			require.NotEmpty(t, r.out)
		}
		dest := t.TempDir()
		require.Equal(t, 0, invoke(t, "--quiet", "--disk", data, "cp", system, path, dest).status)
		copied, err := filepath.Glob(filepath.Join(dest, "*"))
		require.NoError(t, err)
		require.Len(t, copied, 1)
	}
	r := invoke(t, "--disk", data, "info", system)
	require.Contains(t, r.out, "guest  Windows 11 Pro, version 23H2 (10.0.22631.4460), host name win02, time zone W. Euro, last shut down 2026-11-17T03:04:05Z\n"+
		"  /C  system.img/p1, disk a1b2c3d4 at 32768\n")
	require.Contains(t, r.out, "  /F  disk 01020304 at 1048576, not mounted: no such volume on the disks\n")
	require.Equal(t, "of the backup\n", invoke(t, "--disk", data, "cat", system, `E:\Backup\b.txt`).out)
	require.Equal(t, 1, invoke(t, "cat", unpacked(t, "winguest/old.img.gz"), `C:\x`).status)
	// On a Linux guest a colon is a character of a name of the volume tree.
	r = invoke(t, "cat", unpacked(t, "guest/old.img.gz"), "C:/x")
	require.Equal(t, "vmdkfs: C:/x: no such file or directory\n", r.err)
}
