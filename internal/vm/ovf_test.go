package vm

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
	"github.com/vmdkfs/vmdkfs/layer"
)

// ovfText returns a description with the given files, disks and devices.
func ovfText(files, disks, items string) string {
	return `<?xml version="1.0"?><ovf:Envelope xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/2" xmlns:rasd="urn:r">` +
		`<ovf:References>` + files + `</ovf:References><ovf:DiskSection><ovf:Info/>` + disks + `</ovf:DiskSection>` +
		`<ovf:VirtualSystem ovf:id="vm"><ovf:OperatingSystemSection ovf:id="1"><ovf:Description>Linux</ovf:Description></ovf:OperatingSystemSection>` +
		`<ovf:VirtualHardwareSection>` + items + `</ovf:VirtualHardwareSection></ovf:VirtualSystem></ovf:Envelope>`
}

const (
	oneFile = `<ovf:File ovf:id="f" ovf:href="a.vmdk"/>`
	oneDisk = `<ovf:Disk ovf:diskId="d" ovf:fileRef="f" ovf:capacity="3" ovf:capacityAllocationUnits="byte * 2^20"/>`
)

func item(kind, id, parent, place, rest string) string {
	return `<ovf:Item><rasd:ResourceType>` + kind + `</rasd:ResourceType><rasd:InstanceID>` + id + `</rasd:InstanceID><rasd:Parent>` + parent +
		`</rasd:Parent><rasd:AddressOnParent>` + place + `</rasd:AddressOnParent><rasd:Address>0</rasd:Address>` + rest + `</ovf:Item>`
}

func TestOVF(t *testing.T) {
	host := func(id string) string { return `<rasd:HostResource>` + id + `</rasd:HostResource>` }
	nvme := `<rasd:ResourceSubType>vmware.nvme.controller</rasd:ResourceSubType>`
	for _, test := range []struct {
		name, files, disks, items string
		want                      []Disk // without FS
		skipped                   int
	}{
		{"no devices", oneFile, oneDisk, "", []Disk{{"", "a.vmdk", nil, "p/a.vmdk", 3 << 20, nil}}, 0},
		{"IDE", oneFile, oneDisk, item("5", "1", "", "", "") + item("17", "2", "1", "1", host("/disk/d")), []Disk{{"ide0:1", "a.vmdk", nil, "p/a.vmdk", 3 << 20, nil}}, 0},
		{"SATA", oneFile, oneDisk, item("20", "1", "", "", "") + item("17", "2", "1", "4", host("ovf:/disk/d")), []Disk{{"sata0:4", "a.vmdk", nil, "p/a.vmdk", 3 << 20, nil}}, 0},
		{"NVMe", oneFile, oneDisk, item("20", "1", "", "", nvme) + item("17", "2", "1", "4", host("ovf:/disk/d")), []Disk{{"nvme0:4", "a.vmdk", nil, "p/a.vmdk", 3 << 20, nil}}, 0},
		{"a file for a disk", oneFile, "", item("17", "2", "9", "4", host("ovf:/file/f")), []Disk{{"", "a.vmdk", nil, "p/a.vmdk", 0, nil}}, 0},
		{"a disk without anything", oneFile, oneDisk, item("17", "2", "", "", ""), []Disk{{"", "a.vmdk", nil, "p/a.vmdk", 3 << 20, nil}}, 1},
		{"an escaped name", `<ovf:File ovf:id="f" ovf:href="a%20b.vmdk" ovf:compression="identity"/>`, oneDisk, "", []Disk{{"", "a b.vmdk", nil, "p/a b.vmdk", 3 << 20, nil}}, 0},
		{"no capacity to trust", oneFile, strings.Replace(oneDisk, `"3"`, `"${size}"`, 1), "", []Disk{{"", "a.vmdk", nil, "p/a.vmdk", 0, nil}}, 0},
		{"unknown units", oneFile, strings.Replace(oneDisk, `2^20`, `7^2`, 1), "", []Disk{{"", "a.vmdk", nil, "p/a.vmdk", 0, nil}}, 0},
		{"too many bytes", oneFile, strings.Replace(oneDisk, `2^20`, `2^62`, 1), "", []Disk{{"", "a.vmdk", nil, "p/a.vmdk", 0, nil}}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			files := fstest.MapFS{"p/x.ovf": text(ovfText(test.files, test.disks, test.items)), "p/a.vmdk": text("x"), "p/a b.vmdk": text("x")}
			m, err := Open(files, "p/x.ovf", nil)
			require.NoError(t, err)
			require.Equal(t, []string{"vm", "Linux"}, []string{m.Name, m.GuestOS})
			for i := range m.Disks {
				require.NotNil(t, m.Disks[i].FS)
				m.Disks[i].FS = nil
			}
			require.Equal(t, test.want, m.Disks)
			require.Len(t, m.Skipped, test.skipped)
		})
	}
}

func TestOVFErrors(t *testing.T) {
	whole := ovfText(oneFile, oneDisk, "")
	for _, test := range []struct {
		text string
		kind error
		want string
	}{
		{"", layer.ErrCorrupt, "EOF"},
		{"<a/>", layer.ErrFormat, `root element is "a"`},
		{whole[:len(whole)-20], layer.ErrCorrupt, "unexpected EOF"},
		{strings.Replace(whole, "1.0", "1.0\" encoding=\"x-none", 1) + "\xe9", layer.ErrCorrupt, `the encoding "x-none"`},
		{strings.Replace(whole, `<ovf:VirtualSystem`, `<ovf:VirtualSystem ovf:id="2"/><ovf:VirtualSystem`, 1), layer.ErrUnsupported, `several virtual machines are in it: "2", "vm"`},
		{`<Envelope><VirtualSystemCollection/></Envelope>`, layer.ErrCorrupt, "no virtual machine"},
		{ovfText("", oneDisk, ""), layer.ErrCorrupt, `file "f" of the disk "d" is not referred to`},
		{ovfText("", "", item("17", "1", "", "", "<HostResource>ovf:/disk/none</HostResource>")), layer.ErrCorrupt, `the disk "none" of a device is not described`},
		{ovfText("", "", item("17", "1", "", "", "")+item("6", "1", "", "", "")), layer.ErrCorrupt, "two devices"},
	} {
		_, err := Open(fstest.MapFS{"x.ovf": text(test.text)}, "x.ovf", nil)
		require.ErrorIs(t, err, test.kind, test.text)
		require.ErrorContains(t, err, test.want)
	}
	for attributes, want := range map[string]struct {
		kind error
		text string
	}{
		`ovf:href="a.vmdk" ovf:compression="gzip"`: {layer.ErrUnsupported, `compressed as "gzip"`},
		`ovf:href="http://x/a.vmdk"`:               {layer.ErrUnsupported, "elsewhere on the network"},
		`ovf:href="../a.vmdk"`:                     {layer.ErrUnsupported, `by ".."`},
		`ovf:href="/a.vmdk"`:                       {layer.ErrUnsupported, "absolute"},
		`ovf:href="a.vmdk" ovf:chunkSize="0"`:      {layer.ErrCorrupt, "chunks of"},
		`ovf:href="a.vmdk" ovf:chunkSize="10"`:     {layer.ErrIncomplete, "a.vmdk.000000000: the first part of a.vmdk does not exist"},
	} {
		m, err := Open(fstest.MapFS{"x.ovf": text(ovfText(`<ovf:File ovf:id="f" `+attributes+`/>`, oneDisk, ""))}, "x.ovf", nil)
		require.NoError(t, err, attributes)
		require.ErrorIs(t, m.Disks[0].Err, want.kind)
		require.ErrorContains(t, m.Disks[0].Err, want.text)
	}
	delta := strings.Replace(oneDisk, "/>", ` ovf:parentRef="base"/>`, 1)
	m, err := Open(fstest.MapFS{"x.ovf": text(ovfText(oneFile, delta, ""))}, "x.ovf", nil)
	require.NoError(t, err)
	require.ErrorContains(t, m.Disks[0].Err, `what differs from the disk "base"`)
	short := strings.Replace(oneFile, "/>", ` ovf:size="10"/>`, 1)
	m, err = Open(fstest.MapFS{"x.ovf": text(ovfText(short, oneDisk, "")), "a.vmdk": text("123")}, "x.ovf", nil)
	require.NoError(t, err)
	require.Len(t, m.Warnings, 1)
	require.ErrorContains(t, m.Warnings[0], "says that it has 10 bytes, and it has 3")
}

// The manifest tells a byte that changed, a file that is gone, and one that it
// does not know.
func TestVerify(t *testing.T) {
	files := testimg.Files(t, "vm/chunks.tar.gz")
	check := func(change func(fsys fstest.MapFS)) (failures []string, err error) {
		fsys := make(fstest.MapFS)
		for name, f := range files {
			fsys[name] = &fstest.MapFile{Data: append([]byte(nil), f.Data...)}
		}
		change(fsys)
		m, err := Open(fsys, "chunks.ovf", nil)
		require.NoError(t, err)
		defer m.Close()
		last, total := int64(0), int64(0)
		for c, err := range m.Verify(t.Context(), func(done, all int64) { last, total = done, all }) {
			if err != nil {
				return nil, err
			}
			if c.Err != nil {
				failures = append(failures, c.Err.Error())
			}
		}
		require.Equal(t, total, last)
		return failures, nil
	}
	failures, err := check(func(fstest.MapFS) {})
	require.NoError(t, err)
	require.Empty(t, failures)
	failures, err = check(func(fsys fstest.MapFS) { fsys["big.vmdk.000000001"].Data[77] ^= 1 })
	require.NoError(t, err)
	require.Len(t, failures, 1)
	require.Contains(t, failures[0], "big.vmdk.000000001: its SHA256 is ")
	mf := files["chunks.mf"].Data
	failures, err = check(func(fsys fstest.MapFS) { fsys["chunks.mf"].Data = mf[:strings.LastIndex(string(mf), "SHA256")] })
	require.NoError(t, err)
	require.Len(t, failures, 1)
	require.Contains(t, failures[0], "it is not in the manifest chunks.mf")
	line := func(s string) func(fstest.MapFS) {
		return func(fsys fstest.MapFS) { fsys["chunks.mf"].Data = append(append([]byte(nil), mf...), s...) }
	}
	zero := strings.Repeat("00", 32)
	failures, err = check(line("SHA-256 (../x) = " + zero + "\r\nsha256(gone)=" + zero + "\n\n"))
	require.NoError(t, err)
	require.Len(t, failures, 2)
	require.Contains(t, failures[0], `leads out of the directory by ".."`)
	require.Contains(t, failures[1], "gone: the file does not exist")
	for bad, want := range map[string]string{"SHA256(a)= 00\n": "no checksum", "nonsense": "no checksum", "MD5(a)= " + zero: `the checksum "MD5"`, "SHA1(a)= zz": "no checksum"} {
		_, err = check(line(bad))
		require.ErrorContains(t, err, want)
	}
	_, err = check(func(fsys fstest.MapFS) { delete(fsys, "chunks.mf") })
	require.ErrorIs(t, err, layer.ErrIncomplete)
}

func FuzzOVF(f *testing.F) {
	f.Add([]byte(ovfText(oneFile, oneDisk, item("17", "1", "", "", ""))))
	f.Add(testimg.Files(f, "vm/chunks.tar.gz")["chunks.ovf"].Data)
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Open(fstest.MapFS{"x.ovf": {Data: data}, "a.vmdk": text("x"), "big.vmdk.000000000": text("x")}, "x.ovf", nil)
		if err != nil {
			kindOf(t, err)
			return
		}
		for _, d := range m.Disks {
			if d.Err != nil {
				kindOf(t, d.Err)
			} else if !fs.ValidPath(d.Name) || d.Capacity < 0 {
				t.Errorf("%+v", d)
			}
		}
	})
}

func FuzzManifest(f *testing.F) {
	f.Add([]byte("SHA256(a)= " + strings.Repeat("00", 32) + "\nSHA1(b=(c))= " + strings.Repeat("ff", 20)))
	f.Fuzz(func(t *testing.T, data []byte) {
		sums, err := parseManifest("x.mf", data)
		if err != nil {
			kindOf(t, err)
		}
		for _, s := range sums {
			if len(s.digest) != algorithms[s.algorithm].Size() {
				t.Errorf("%s has %d bytes", s.algorithm, len(s.digest))
			}
		}
	})
}
