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
	require.Contains(t, r.out, "guest  New Linux 2, host name new01\n  /  new.img\n  /data  data.img, LABEL=data\n")
	require.Contains(t, r.out, "  /gone  LABEL=none, not mounted: no such volume on the disks\n")
	r = invoke(t, append(set, "--json", "info", old)...)
	var f facts
	require.NoError(t, json.NewDecoder(strings.NewReader(r.out)).Decode(&f))
	require.Equal(t, "New Linux 2", f.Guest.OS)
	require.Equal(t, mountFacts{Path: "/data", Volume: "data.img", Source: "LABEL=data"}, f.Guest.Mounts[1])

	r = invoke(t, "--disk", old, "info", old)
	require.Contains(t, r.out, "guest  vmdkfs: guest: several systems to choose from: old.img (Old Linux 1), old.img-2 (Old Linux 1)")
	r = invoke(t, "info", data)
	require.NotContains(t, r.out, "guest")
}
