package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
)

// ntfsVolume writes an NTFS volume of testdata to a file.
func ntfsVolume(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name+".img")
	require.NoError(t, os.WriteFile(path, testimg.NTFS(t, name), 0o600))
	return path
}

func TestInfoLog(t *testing.T) {
	r := invoke(t, "info", "--log", ntfsVolume(t, "dirty-log"))
	require.Zero(t, r.status, r.err)
	require.Regexp(t, `(?m)^\$LogFile  version 1\.1, not clean, LSN 0x[0-9a-f]+, checkpoint 0x[0-9a-f]+, 3 file records with changes that are not on the disk$`, r.out)
	require.Regexp(t, `(?m)^  file record \d+  resident, 30 changes, LSN on disk 0x[0-9a-f]+, in the log 0x[0-9a-f]+$`, r.out)

	r = invoke(t, "info", "--log", "--json", ntfsVolume(t, "dirty-log"))
	require.Zero(t, r.status, r.err)
	var f facts
	require.NoError(t, json.Unmarshal([]byte(r.out), &f))
	require.Len(t, f.Logs, 1)
	require.Len(t, f.Logs[0].Newer, 3)
	require.False(t, f.Logs[0].Clean)

	r = invoke(t, "info", "--log", ntfsVolume(t, "c4096"))
	require.Zero(t, r.status, r.err)
	require.Contains(t, r.out, "$LogFile  reset, nothing to be redone\n")

	r = invoke(t, "info", ntfsVolume(t, "c4096"))
	require.NotContains(t, r.out, "$LogFile")
}
