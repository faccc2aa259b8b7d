package vm

import (
	"errors"
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
	"github.com/vmdkfs/vmdkfs/layer"
)

func text(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }

func TestVMX(t *testing.T) {
	m, err := Open(testimg.Files(t, "vm/web01.vmx", "vm/web01.vmsd"), "web01.vmx", nil)
	require.NoError(t, err)
	require.Equal(t, []string{"web01.vmx", `web "01"`, "ubuntu-64", "web01-5f3a.vmss"}, []string{m.File, m.Name, m.GuestOS, m.Suspended})
	var disks []Disk
	for _, d := range m.Disks {
		require.NotNil(t, d.FS)
		d.FS = nil
		disks = append(disks, d)
	}
	require.Equal(t, []Disk{
		{Slot: "scsi0:0", File: "web01-000002.vmdk", Name: "web01-000002.vmdk"},
		{Slot: "sata0:1", File: "mono.vmdk", Name: "mono.vmdk"},
		{Slot: "nvme0:0", File: "gone-000001.vmdk", Name: "gone-000001.vmdk"},
	}, disks)
	require.Equal(t, []Device{
		{"scsi0:3", "old.vmdk", "not present"},
		{"scsi1:0", "other.vmdk", "its controller is not present"},
		{"sata0:0", "/isos/ubuntu.iso", "a CD-ROM drive"},
	}, m.Skipped)
	require.Empty(t, m.Warnings)
	require.Equal(t, 2, m.Snapshots.Current)
	require.NoError(t, m.Close())
}

// Each of these is the line or lines of a disk, and what becomes of it.
func TestVMXDisks(t *testing.T) {
	for _, test := range []struct {
		lines, name string
		kind        error
		want        string
	}{
		{`scsi0:0.fileName = "a.vmdk"`, "vms/a.vmdk", nil, ""},
		{`scsi0:0.fileName = a.vmdk`, "vms/a.vmdk", nil, ""},
		{"\ufeffscsi0:0.fileName=\"a b|7Cc|.vmdk\"  # the root\r\n", "vms/a b|c|.vmdk", nil, ""},
		{`ide0:1.fileName = "sub/./a.vmdk"`, "vms/sub/a.vmdk", nil, ""},
		{`ide0:1.fileName = "sub\a.vmdk"`, "vms/sub/a.vmdk", nil, ""},
		{"scsi0:0.fileName = \"caf\xe9.vmdk\"\n.encoding = \"windows-1252\"", "vms/café.vmdk", nil, ""},
		{"scsi0:0.fileName = \"caf\xe9.vmdk\"", "vms/café.vmdk", nil, ""},
		{".encoding = \"Shift_JIS\"\nscsi0:0.fileName = \"\x83|22.vmdk\"", "vms/ポ22.vmdk", nil, ""},
		{"nvme3:254.fileName = \"a.vmdk\"\nnvme3:254.deviceType = \"disk\"", "vms/a.vmdk", nil, ""},
		{"scsi0:0.fileName = \"a.vmdk\"\nscsi0:0.deviceType = \"scsi-hardDisk\"", "vms/a.vmdk", nil, ""},
		{"scsi0:0.fileName = \"a.vmdk\"\nscsi0:0.deviceType = \"tape\"", "", layer.ErrUnsupported, `unknown deviceType "tape"`},
		{"scsi0:0.fileName = \"/dev/sg1\"\nscsi0:0.deviceType = \"scsi-passthru\"", "", layer.ErrUnsupported, "device of the host"},
		{"scsi0:0.fileName = \"a.vmdk\"\nscsi0:0.redo = \"a.vmdk.REDO\"", "", layer.ErrUnsupported, "redo log"},
		{`scsi0:0.present = "TRUE"`, "", layer.ErrCorrupt, "does not say which file"},
		{`scsi0:0.fileName = "../a.vmdk"`, "", layer.ErrUnsupported, `leads out of the directory by ".."`},
		{`scsi0:0.fileName = "sub/../../a.vmdk"`, "", layer.ErrUnsupported, `leads out of the directory by ".."`},
		{`scsi0:0.fileName = "..\a.vmdk"`, "", layer.ErrUnsupported, `leads out of the directory by ".."`},
		{`scsi0:0.fileName = "/vmfs/a.vmdk"`, "", layer.ErrUnsupported, "absolute"},
		{`scsi0:0.fileName = "C:\a.vmdk"`, "", layer.ErrUnsupported, "names a drive"},
		{`scsi0:0.fileName = "[store] a/a.vmdk"`, "", layer.ErrUnsupported, "another datastore"},
		{`scsi0:0.fileName = "|00"`, "", layer.ErrUnsupported, "not the name of a file"},
		{`scsi0:0.fileName = "."`, "", layer.ErrUnsupported, "not the name of a file"},
	} {
		m, err := Open(fstest.MapFS{"vms/x.vmx": text(test.lines)}, "vms/x.vmx", nil)
		require.NoError(t, err, test.lines)
		require.Len(t, m.Disks, 1, test.lines)
		if test.kind == nil {
			require.NoError(t, m.Disks[0].Err, test.lines)
			require.Equal(t, test.name, m.Disks[0].Name)
			continue
		}
		require.ErrorIs(t, m.Disks[0].Err, test.kind, test.lines)
		require.ErrorContains(t, m.Disks[0].Err, test.want)
	}
}

func TestVMXErrors(t *testing.T) {
	for lines, want := range map[string]struct {
		kind error
		text string
	}{
		"":                                   {layer.ErrFormat, "neither a version nor a disk"},
		"what is this":                       {layer.ErrCorrupt, "line 1: neither a comment nor a key with a value"},
		"a b = \"c\"":                        {layer.ErrCorrupt, "neither a comment nor a key"},
		"\x00\x00\x00":                       {layer.ErrCorrupt, "neither a comment nor a key"},
		"a = \"b":                            {layer.ErrCorrupt, "quote of a is not closed"},
		"# x\na = \"b\"\nA = \"c\"":          {layer.ErrCorrupt, `line 3: a is "c" here and was "b" before`},
		"encryption.data = \"x\"":            {layer.ErrUnsupported, "encrypted"},
		".encoding = \"EBCDIC\"\na=\"\xe9\"": {layer.ErrUnsupported, `encoding "EBCDIC"`},
	} {
		_, err := Open(fstest.MapFS{"x.vmx": text(lines)}, "x.vmx", nil)
		require.ErrorIs(t, err, want.kind, lines)
		require.ErrorContains(t, err, want.text)
	}
	_, err := Open(fstest.MapFS{"x.vmx": {Data: make([]byte, maxText+1)}}, "x.vmx", nil)
	require.ErrorIs(t, err, layer.ErrFormat)
	for _, name := range []string{"none.vmx", "none.ovf", "none.ova"} {
		_, err = Open(fstest.MapFS{}, name, nil)
		require.ErrorIs(t, err, fs.ErrNotExist)
	}
}

// What leads outside is asked for by its path from the root of the file
// system, or by the absolute one.
func TestOutside(t *testing.T) {
	for name, want := range map[string]string{
		`../b/a.vmdk`:   "b/a.vmdk",
		`../../a.vmdk`:  "../a.vmdk",
		`..\b\a.vmdk`:   "b/a.vmdk",
		`/vmfs/a.vmdk`:  "/vmfs/a.vmdk",
		`C:\VMs\a.vmdk`: `C:\VMs\a.vmdk`,
		`a.vmdk`:        "",
	} {
		asked := ""
		m, err := Open(fstest.MapFS{"vms/x.vmx": text(`scsi0:0.fileName = "` + name + `"`)}, "vms/x.vmx", func(p string) (fs.FS, string, error) {
			asked = p
			return fstest.MapFS{}, "there", nil
		})
		require.NoError(t, err)
		require.NoError(t, m.Disks[0].Err)
		require.Equal(t, want, asked)
	}
	m, err := Open(fstest.MapFS{"x.vmx": text(`scsi0:0.fileName = "/a"`)}, "x.vmx", func(string) (fs.FS, string, error) { return nil, "", errors.New("not here") })
	require.NoError(t, err)
	require.ErrorContains(t, m.Disks[0].Err, "because not here")
}

func TestNoDisk(t *testing.T) {
	for _, name := range []string{"a.vmsd", "a.VMSN", "a.vmss", "a.vmem", "a.vswp", "a.nvram", "a.vmxf", "a.vmx.lck", ".lck-5f00000000000000", "vmware-1.log", "a.mf", "a.cert"} {
		_, err := Open(fstest.MapFS{"d/" + name: text("x")}, "d/"+name, nil)
		require.ErrorIs(t, err, layer.ErrFormat, name)
	}
	for _, name := range []string{"a.vmdk", "a.raw", "a", "a.img", "a.01", "a.12a", ".001"} {
		m, err := Open(fstest.MapFS{name: text("x")}, name, nil)
		require.NoError(t, err)
		require.Nil(t, m, name)
	}
}

func FuzzVMX(f *testing.F) {
	f.Add(testimg.Load(f, "vm/web01.vmx"))
	f.Add([]byte("scsi0:0.fileName=\"../a\"\n.encoding=\"GBK\"\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Open(fstest.MapFS{"x.vmx": {Data: data}}, "x.vmx", nil)
		if err != nil {
			kindOf(t, err)
			return
		}
		for _, d := range m.Disks {
			if d.Err != nil {
				kindOf(t, d.Err)
			} else if !fs.ValidPath(d.Name) || d.Name == "." {
				t.Errorf("the disk %q is the file %q", d.File, d.Name)
			}
		}
	})
}

// kindOf fails the test for an error that is of no kind.
func kindOf(t *testing.T, err error) {
	t.Helper()
	for _, kind := range []error{layer.ErrFormat, layer.ErrCorrupt, layer.ErrUnsupported, layer.ErrIncomplete, fs.ErrNotExist} {
		if errors.Is(err, kind) {
			return
		}
	}
	t.Errorf("error of no kind: %v", err)
}
