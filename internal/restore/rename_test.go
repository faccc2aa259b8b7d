package restore

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"html"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/charset"
	"github.com/vmdkfs/vmdkfs/internal/vm"
	"github.com/vmdkfs/vmdkfs/layer"
	"github.com/vmdkfs/vmdkfs/vmdk"
)

func TestName(t *testing.T) {
	from, dir := folder(t)
	_, err := NewPlan(from.FS(), ".", "neu-ä")
	require.ErrorIs(t, err, layer.ErrUnsupported)
	require.ErrorContains(t, err, "web.vmsd: the name \"neu-ä-Snapshot1.vmsn\" cannot be written: no encoding is stated")
	list, err := from.ReadFile("web.vmsd")
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "web.vmsd"), append([]byte(".encoding = \"UTF-8\"\n"), list...), 0o600))
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

// Names are read and written in the encoding of each text, and as its syntax
// has them.
func TestEncodings(t *testing.T) {
	for _, test := range []struct{ encoding, old, new, not string }{
		{"UTF-8", "Büro", "日本", ""},
		{"windows-1252", "Büro", "Größe €", "日本"},
		{"Shift_JIS", "ソフト", "表", "한국"}, // with bytes that are a backslash otherwise
		{"GBK", "簗", "你", "한국"},         // and a bar
		{"UTF-8", "R&D #1 'x'", "A&B #2", ""},
		{"", "R&D #1", "A&B", "Büro"},
	} {
		in := func(text string) []byte {
			raw, err := charset.Encode(test.encoding, text)
			require.NoError(t, err)
			return []byte(raw)
		}
		encoding, dotted := "", ""
		if test.encoding != "" {
			encoding = "encoding=\"" + test.encoding + "\"\n"
			dotted = "." + encoding
		}
		old, dir := test.old, t.TempDir()
		barred := strings.ReplaceAll(old, "#", "|23")
		for name, data := range map[string][]byte{
			old + ".vmx":            in(dotted + "config.version = \"8\"\ndisplayName = \"" + barred + "\"\nnvram = \"" + barred + ".nvram\"\nextendedConfigFile = \"" + barred + ".vmxf\"\nscsi0.present = \"TRUE\"\nscsi0:0.present = \"TRUE\"\nscsi0:0.fileName = \"" + barred + ".vmdk\"\n"),
			old + ".vmsd":           in(dotted + "snapshot.numSnapshots = \"1\"\nsnapshot0.uid = \"1\"\nsnapshot0.filename = \"" + barred + "-Snapshot1.vmsn\"\n"),
			old + ".vmxf":           []byte("<?xml version=\"1.0\"?>\n<Foundry><VM><vmxPathName type=\"string\">" + html.EscapeString(old) + ".vmx</vmxPathName></VM></Foundry>"),
			old + ".vmdk":           in("# Disk DescriptorFile\nversion=1\n" + encoding + "CID=11111111\nparentCID=ffffffff\ncreateType=\"vmfs\"\nRW 8 VMFS \"" + old + "-flat.vmdk\"\nchangeTrackPath=\"" + old + "-ctk.vmdk\"\n"),
			old + "-flat.vmdk":      make([]byte, 4096),
			old + "-ctk.vmdk":       []byte("changes"),
			old + ".nvram":          []byte("nvram"),
			old + "-Snapshot1.vmsn": []byte("state"),
		} {
			require.NoError(t, os.WriteFile(filepath.Join(dir, name), data, 0o600))
		}
		from := root(t, dir)
		for _, name := range []string{"", test.new} {
			to := root(t, t.TempDir())
			results, failures := do(t, t.Context(), from, to, ".", name, Options{})
			require.Empty(t, failures, old)
			require.Len(t, results, 8)
			name = cmp.Or(name, old)
			m, err := vm.Open(to.FS(), name+".vmx", nil)
			require.NoError(t, err)
			require.Equal(t, name, m.Name)
			require.Len(t, m.Disks, 1)
			require.Equal(t, name+".vmdk", m.Disks[0].Name)
			require.Equal(t, name+"-Snapshot1.vmsn", m.Snapshots.List[0].State)
			d, err := vmdk.Open(to.FS(), name+".vmdk")
			require.NoError(t, err)
			require.NoError(t, d.Close())
			more, err := to.ReadFile(name + ".vmxf")
			require.NoError(t, err)
			var foundry struct {
				Path string `xml:"VM>vmxPathName"`
			}
			require.NoError(t, xml.Unmarshal(more, &foundry))
			require.Equal(t, name+".vmx", foundry.Path)
		}
		if test.not != "" {
			_, err := NewPlan(from.FS(), ".", test.not)
			require.ErrorIs(t, err, layer.ErrUnsupported)
			require.ErrorContains(t, err, "cannot be written")
		}
	}
}

// Where values stand.
func TestValues(t *testing.T) {
	text := "a = \"one\"\r\nb=two  \r\nc = \"\"\n<d e=\"three\">four.vmx</d>\nRW 8 VMFS \"five\"\nf = six seven\n# \"eight\ng =\nh = nine \"ten\"\ni = eleven"
	var list []string
	for begin, end := range values([]byte(text)) {
		list = append(list, text[begin:end])
	}
	require.Equal(t, []string{"one", "two", "", "three", "four.vmx", "five", "six seven", "ten", "eleven"}, list)
}
