package restore

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/layer"
	"github.com/vmdkfs/vmdkfs/vmdk"
)

func TestName(t *testing.T) {
	from, dir := folder(t)
	_, err := NewPlan(from.FS(), ".", "neu-ä")
	require.ErrorContains(t, err, "in a text of another encoding") // the .vmxf and the .vmsd name none
	for _, name := range []string{"web.vmxf", "web.vmsd"} {
		data, err := from.ReadFile(name)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), append([]byte(".encoding = \"UTF-8\"\n"), data...), 0o600))
	}
	to := root(t, t.TempDir())
	_, failures := do(t, t.Context(), from, to, ".", "neu-ä", Options{Verify: true})
	require.Empty(t, failures)
	for file, texts := range map[string][]string{
		"neu-ä.vmx":         {`displayName = "neu-ä"`, `nvram = "neu-ä.nvram"`, `"neu-ä-000001.vmdk"`, `"/iso/x.iso"`},
		"neu-ä.vmxf":        {">neu-ä.vmx<"},
		"neu-ä-000001.vmdk": {`parentFileNameHint="neu-ä.vmdk"`, `"neu-ä-000001-f001.vmdk"`, `"other.vmdk"`},
	} {
		data, err := to.ReadFile(file)
		require.NoError(t, err)
		for _, text := range texts {
			require.Contains(t, string(data), text)
		}
	}
	d, err := vmdk.Open(to.FS(), "neu-ä-000001.vmdk")
	require.NoError(t, err)
	defer d.Close()
	require.Len(t, d.Chain(), 2)
	for _, bad := range []string{"a/b", "..", `a"b`, "a\nb"} {
		_, err := NewPlan(from.FS(), ".", bad)
		require.ErrorIs(t, err, layer.ErrUnsupported)
	}
}

// An embedded descriptor is rewritten in its place.
func TestEmbedded(t *testing.T) {
	dir := t.TempDir()
	file := make([]byte, 64<<10)
	copy(file, "KDMV")
	file[hostedDescriptor], file[hostedDescriptorSize] = 1, 2
	text := descriptor("1", "ffffffff", "", "web.vmdk")
	copy(file[sector:], text)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "web.vmdk"), file, 0o600))
	p := &planner{root(t, dir).FS(), &Plan{}, make(map[string]int)}
	require.NoError(t, p.add("web.vmdk", true))
	require.NoError(t, p.rename("web", "longer-name"))
	f := p.plan.Files[0]
	require.Equal(t, "longer-name.vmdk", f.To)
	require.Len(t, f.Patch, 2*sector)
	require.Equal(t, int64(sector), f.PatchAt)
	for _, opts := range []Options{{}, {Verify: true}} {
		to := root(t, t.TempDir())
		_, err := Run(t.Context(), root(t, dir), to, p.plan, opts)
		require.NoError(t, err)
		got, err := to.ReadFile("longer-name.vmdk")
		require.NoError(t, err)
		require.Len(t, got, len(file))
		require.Equal(t, strings.ReplaceAll(text, "web.vmdk", "longer-name.vmdk"), string(bytes.TrimRight(got[sector:3*sector], "\x00")))
		require.Equal(t, file[:sector], got[:sector])
		require.Equal(t, file[3*sector:], got[3*sector:])
	}
	p.plan.Files[0] = File{Name: "web.vmdk"}
	require.ErrorContains(t, p.rename("web", string(bytes.Repeat([]byte("x"), 1000))), "no room")
}
