package partition

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/diskfs/go-diskfs/backend/file"
	diskfs "github.com/diskfs/go-diskfs/partition/gpt"
	"github.com/stretchr/testify/require"
)

// TestAgainstDiskfs compares what we read of a GPT with what go-diskfs reads.
func TestAgainstDiskfs(t *testing.T) {
	for _, name := range []string{"gpt", "gpt-header", "gpt-entries", "gpt-hybrid", "gpt-resized"} {
		t.Run(name, func(t *testing.T) {
			disk := image(t, name)
			path := filepath.Join(t.TempDir(), name)
			require.NoError(t, os.WriteFile(path, disk, 0o600))
			backend, err := file.OpenFromPath(path, true)
			require.NoError(t, err)
			defer backend.Close()
			theirs, err := diskfs.Read(backend, 512, 512)
			require.NoError(t, err)

			f := mustOpen(t, disk)
			require.Equal(t, strings.ToLower(theirs.GUID), f.Table().ID)
			var want []Partition
			for _, p := range theirs.Partitions {
				if p.Type == diskfs.Unused {
					continue
				}
				kind := strings.ToLower(string(p.Type))
				want = append(want, Partition{
					Name: fmt.Sprint("p", p.Index), Number: p.Index, Start: p.GetStart(), Size: p.GetSize(), Type: kind, TypeName: gptTypes[kind],
					GUID: strings.ToLower(p.GUID), Label: p.Name,
					Attributes: Attributes(p.Attributes), Bootable: p.Attributes&legacyBIOSBootable != 0,
				})
			}
			require.NotEmpty(t, want)
			require.Equal(t, want, f.Partitions())
		})
	}
}
