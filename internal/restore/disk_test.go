package restore

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
	"github.com/vmdkfs/vmdkfs/layer"
	"github.com/vmdkfs/vmdkfs/vmdk"
)

// A descriptor is known by what vmdk knows it by, and its extents are restored.
func TestDescriptorForms(t *testing.T) {
	const comment = "# Disk DescriptorFile\n"
	text := strings.TrimPrefix(descriptor("11111111", "ffffffff", "", "web-f001.vmdk"), comment)
	for name, head := range map[string]string{
		"usual":         comment,
		"no space":      "#disk descriptorfile  \r\n",
		"other comment": "# words\n\r\n  # Disk DescriptorFile\n",
		"version only":  "\n# words\n",
		"long comment":  "# " + strings.Repeat("words ", 100) + "\n",
	} {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, "web.vmdk"), []byte(head+text), 0o600))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "web-f001.vmdk"), content(1), 0o600))
		from, to := root(t, dir), root(t, t.TempDir())
		d, err := vmdk.Open(from.FS(), "web.vmdk")
		require.NoError(t, err, name)
		require.NoError(t, d.Close())
		_, failures := do(t, t.Context(), from, to, "web.vmdk", "", Options{})
		if name == "long comment" { // longer than what is looked at here, and not in silence
			require.Len(t, failures, 1)
			require.ErrorContains(t, failures[0], "web-f001.vmdk: it belongs to the disk, and is not restored")
			continue
		}
		require.Empty(t, failures, name)
		same(t, from, to, "web.vmdk", "web-f001.vmdk")
	}
}

// A file that is only a part of a disk is told to be one, or to be no disk, and
// is restored as it is.
func TestPartsOfDisks(t *testing.T) {
	dir := t.TempDir()
	for file, data := range map[string][]byte{
		"whole.qcow2":   testimg.Load(t, "vm/v3.qcow2.gz"),
		"backing.qcow2": testimg.Load(t, "vm/refused-backing.qcow2.gz"),
		"outer.qcow2":   testimg.Load(t, "vm/refused-data-file.qcow2.gz"),
		"disk.vdi":      testimg.Load(t, "vm/refused-dynamic.vdi.gz"),
		"extent.vmdk":   testimg.Load(t, "vmdk/sparse/two-s002.vmdk.gz"),
		"raw.img":       make([]byte, 1<<20),
		"words.txt":     []byte("words\n"),
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, file), data, 0o600))
	}
	from := root(t, dir)
	for file, want := range map[string]struct {
		kind error
		text string
	}{
		"whole.qcow2":   {},
		"backing.qcow2": {layer.ErrUnsupported, "only what differs from the backing file"},
		"outer.qcow2":   {layer.ErrUnsupported, "its data lies in another file"},
		"disk.vdi":      {layer.ErrUnsupported, "VirtualBox"},
		"extent.vmdk":   {layer.ErrIncomplete, "open its descriptor"},
		"raw.img":       {},
		"words.txt":     {layer.ErrFormat, "neither a descriptor nor a raw image"},
	} {
		to := root(t, t.TempDir())
		_, failures := do(t, t.Context(), from, to, file, "", Options{})
		same(t, from, to, file)
		if want.kind == nil {
			require.Empty(t, failures, file)
			continue
		}
		require.Len(t, failures, 1, file)
		require.ErrorIs(t, failures[0], want.kind)
		require.ErrorContains(t, failures[0], want.text)
	}
}
