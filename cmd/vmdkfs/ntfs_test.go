package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
)

// runNTFS runs the command on a golden NTFS volume.
func runNTFS(t *testing.T, image string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "disk.raw")
	require.NoError(t, os.WriteFile(file, testimg.NTFS(t, image), 0o600))
	args = append([]string{args[0]}, append(args[1:len(args):len(args)], file)...)
	var out, errs bytes.Buffer
	status = run(context.Background(), args, &out, &errs)
	return status, out.String(), errs.String()
}

// TestInfoNTFS: the state of a volume, as text and as JSON.
func TestInfoNTFS(t *testing.T) {
	status, out, errs := runNTFS(t, "dirty", "info", "--log")
	require.Zero(t, status, errs)
	require.Contains(t, out, "NTFS 3.1")
	require.Contains(t, out, "marked for chkdsk")
	require.Contains(t, out, "$LogFile")
	require.Contains(t, errs, "warning: ")
	status, out, errs = runNTFS(t, "hibernated", "info", "--json")
	require.Zero(t, status, errs)
	var facts struct {
		Disks []struct {
			Content struct {
				Kind  string
				Clean bool
				NTFS  struct {
					Version, Hibernation, State string
					Log_Clean                   bool
				}
			}
		}
	}
	require.NoError(t, json.Unmarshal([]byte(out), &facts))
	content := facts.Disks[0].Content
	require.Equal(t, "NTFS", content.Kind)
	require.False(t, content.Clean)
	require.Equal(t, "hibernated", content.NTFS.Hibernation)
	require.True(t, content.NTFS.Log_Clean)
}

// TestListNTFS: ls --json tells of named streams.
func TestListNTFS(t *testing.T) {
	status, out, errs := runNTFS(t, "streams", "ls", "-R", "--json")
	require.Zero(t, status, errs)
	require.Contains(t, out, `"streams":[{"name":"`)
}

// TestStatStreams: stat tells of a stream once, and not as an extended
// attribute too.
func TestStatStreams(t *testing.T) {
	file := ntfsVolume(t, "streams")
	r := invoke(t, "stat", file, "dir/file")
	require.Zero(t, r.status, r.err)
	require.Equal(t, 1, strings.Count(r.out, "stream, 24 bytes"), r.out)
	require.NotContains(t, r.out, "user.")
	r = invoke(t, "stat", "--json", file, "dir/file")
	require.Zero(t, r.status, r.err)
	require.Equal(t, 1, strings.Count(r.out, `"streams":[{"name":"stream",`), r.out)
	require.NotContains(t, r.out, "xattrs")
}
