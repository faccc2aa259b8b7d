package main

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// The file holds the number of its project, the root has none.
func TestProject(t *testing.T) {
	image := unpacked(t, "ext/ext4-project-quota.img.gz")
	require.Contains(t, invoke(t, "stat", image, "project-70000").out, "  project  70000\n")
	require.NotContains(t, invoke(t, "stat", image, ".").out, "project")
	var object struct{ Project uint32 }
	require.NoError(t, json.Unmarshal([]byte(invoke(t, "stat", "--json", image, "project-4294967294").out), &object))
	require.Equal(t, uint32(4294967294), object.Project)
}

func TestFastCommitsInInfo(t *testing.T) {
	image := unpacked(t, "ext/dirty-ext4-fc-names.img.gz")
	require.Regexp(t, `replayed \d+ transactions?, \d+ blocks?, \d+ fast commits`, invoke(t, "info", image).out)
	require.Regexp(t, `"fast_commits": [1-9]`, invoke(t, "info", "--json", image).out)
	require.NotContains(t, invoke(t, "info", "--json", unpacked(t, "ext/dirty-ext4-default.img.gz")).out, "fast_commits")
}
