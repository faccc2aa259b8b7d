package vmdk

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/layer"
)

func TestParseDescriptor(t *testing.T) {
	const text = "\ufeff#  disk descriptorfile\r\n" +
		"VERSION = 3\r\n" +
		"encoding=\"windows-1252\"\r" +
		"CID=fffffffe\r\n" +
		" parentCID = FFFFFFFF \n" +
		"parentFileNameHint=\"gr\xfcn.vmdk\"\n" +
		"createType=\"custom\"\n" +
		"createType=custom\n" +
		"\n# Extent description\n" +
		"rw\t100  flat \"my disk \x80.vmdk\"   7 # the first\n" +
		"RDONLY 200 VMFS plain.vmdk\n" +
		"NOACCESS 300 ZERO\n" +
		"RW 400 ZERO \"\" 0\n" +
		"RW 1 FLAT \"p\" 2 \"partitionUUID\" \"deviceIdentifier\"\n" +
		"# Change Tracking File\nchangeTrackPath=\"x-ctk.vmdk\"\n" +
		"ddb.adapterType = \"lsilogic\"\n" +
		"DDB.comment = \"caf\xe9\"\n" +
		"ddb.geometry.heads=\"255\n" +
		"\x00\x00\x00"
	require.True(t, isDescriptor([]byte(text)))
	d, err := ParseDescriptor("x.vmdk", []byte(text))
	require.NoError(t, err)
	require.Equal(t, &Descriptor{
		Version:            3,
		Encoding:           "windows-1252",
		CID:                0xfffffffe,
		ParentCID:          NoParent,
		ParentFileNameHint: "grün.vmdk",
		CreateType:         "custom",
		Extents: []Extent{
			{Access: ReadWrite, Sectors: 100, Type: Flat, File: "my disk €.vmdk", Offset: 7},
			{Access: ReadOnly, Sectors: 200, Type: VMFS, File: "plain.vmdk"},
			{Access: NoAccess, Sectors: 300, Type: Zero},
			{Access: ReadWrite, Sectors: 400, Type: Zero},
			{Access: ReadWrite, Sectors: 1, Type: Flat, File: "p", Offset: 2},
		},
		DDB:  map[string]string{"adapterType": "lsilogic", "comment": "café", "geometry.heads": "255"},
		name: "x.vmdk",
	}, d)
	require.NoError(t, d.refuseUnsupported())
}

func TestIsDescriptor(t *testing.T) {
	for text, want := range map[string]bool{
		"# Disk DescriptorFile":            true,
		"#Disk DescriptorFile\n":           true,
		"version=1":                        true,
		"\n# words\n\nVersion = \"2\"\n":   true,
		"# words\nencoding=1\nversion=1\n": false,
		"version=0":                        false,
		"version=x":                        false,
		"# only words":                     false,
		"":                                 false,
		"\x33\xc0\x8e\xd0":                 false,
	} {
		require.Equal(t, want, isDescriptor([]byte(text)), "%q", text)
	}
}

func TestDescriptorErrors(t *testing.T) {
	const header = "# Disk DescriptorFile\n"
	for _, tt := range []struct {
		text, want string
		kind       error
	}{
		{"", "no extents", layer.ErrCorrupt},
		{"RW 1 ZERO\x00\x00RW 1 ZERO", "goes on behind its end", layer.ErrCorrupt},
		{"RW 1 ZERO\n\x00RW 1 ZERO\n", "goes on behind its end", layer.ErrCorrupt},
		{"RW 1 ZERO\x00ZERA", "goes on behind its end", layer.ErrCorrupt},
		{"RX 1 FLAT \"a\" 0", "line 2: neither", layer.ErrCorrupt},
		{"RX 1 FLAT \"a=b\" 0", "neither", layer.ErrCorrupt},
		{"= 1", "neither", layer.ErrCorrupt},
		{"RW 1", "2 fields", layer.ErrCorrupt},
		{"RW", "1 fields", layer.ErrCorrupt},
		{"RW 1 FLAT a 0 b c d", "8 fields", layer.ErrCorrupt},
		{"RW 1 FLAT \"a 0", "quote", layer.ErrCorrupt},
		{"RW 0 FLAT a 0", `"0" sectors`, layer.ErrCorrupt},
		{"RW -5 FLAT a 0", `"-5" sectors`, layer.ErrCorrupt},
		{"RW 9223372036854775808 FLAT a 0", "sectors", layer.ErrCorrupt},
		{"RW 1 FLAT a -1", "at sector", layer.ErrCorrupt},
		{"RW 1 FLAT a x", "at sector", layer.ErrCorrupt},
		{"RW 1 FLAT", "without a file", layer.ErrCorrupt},
		{"RW 1 ZERO\nversion=one", "version", layer.ErrCorrupt},
		{"RW 1 ZERO\nCID=xyz", "cid", layer.ErrCorrupt},
		{"RW 1 ZERO\nparentCID=123456789", "parentcid", layer.ErrCorrupt},
		{"RW 1 ZERO\ncreateType=vmfs\nCREATETYPE=custom", "was \"vmfs\" before", layer.ErrCorrupt},
		{"encoding=UTF-8\nRW 1 FLAT \"\xff\"", "is not", layer.ErrCorrupt},
		{"encoding=GBK\nRW 1 FLAT \"\xff\xff.vmdk\"", "the encoding is GBK", layer.ErrCorrupt},
		{"encoding=EBCDIC\nRW 1 FLAT \"\xc4\xe3.vmdk\"", "EBCDIC", layer.ErrUnsupported},
		{"RW 1 ZERO\nencryption.keySafe=x", "encrypted", layer.ErrUnsupported},
		{"RW 1 ZERO\nddb.iofilters=vmwarevmcrypt", "encrypted", layer.ErrUnsupported},
	} {
		_, err := ParseDescriptor("x.vmdk", []byte(header+tt.text))
		require.ErrorIs(t, err, tt.kind, "%q", tt.text)
		require.ErrorContains(t, err, tt.want)
		require.ErrorContains(t, err, "vmdk: x.vmdk")
	}
}

func TestRefuseUnsupported(t *testing.T) {
	for text, want := range map[string]string{
		"version=4\nRW 1 ZERO":                                   "version 4",
		"version=0\nRW 1 ZERO":                                   "version 0",
		"createType=vmfsRaw\nRW 1 VMFSRAW a":                     "vmfsRaw",
		"createType=vmfsRDM\nRW 1 VMFSRDM a":                     `vmfsRDM: its data lies on a mapped device, which "a" names`,
		"createType=vmfsPassthroughRawDeviceMap\nRW 1 VMFSRDM a": "vmfsPassthroughRawDeviceMap",
		"createType=holographic\nRW 1 FLAT a":                    `unknown createType "holographic"`,
		"createType=vmfs\nRW 1 VMFSRDM a":                        `type VMFSRDM: extents on a mapped device, which "a" names`,
		"createType=vmfs\nRW 1 VMFSRAW a":                        "type VMFSRAW",
		"createType=vmfs\nRW 1 FLAT a\nRW 1 PUNCHED b":           `unknown extent type "PUNCHED"`,
	} {
		d, err := ParseDescriptor("x.vmdk", []byte(text))
		require.NoError(t, err)
		err = d.refuseUnsupported()
		require.ErrorIs(t, err, layer.ErrUnsupported, text)
		require.ErrorContains(t, err, want)
	}
}

func TestDecodeName(t *testing.T) {
	for _, tt := range []struct{ encoding, raw, want string }{
		{"GBK", "ascii.vmdk", "ascii.vmdk"},
		{"UTF-8", "gr\u00fcn", "grün"},
		{"utf8", "☃", "☃"},
		{"", "☃", "☃"},
		{"", "\xfcber", "über"},
		{"Windows-1252", "\x80\x93\x9f\xff\x81", "€“Ÿÿ\u0081"},
		{"ISO-8859-1", "\x80\xe9", "\u0080é"},
		{"GBK", "\xc4\xe3\xba\xc3.vmdk", "你好.vmdk"},
		{"Shift_JIS", "\x83\x66\x83\x42\x83\x58\x83\x4e", "ディスク"},
		{"Big5", "\xba\xcf\xba\xd0", "磁碟"},
		{"EUC-KR", "\xb5\xf0\xbd\xba\xc5\xa9", "디스크"},
		{"windows-1251", "\xe4\xe8\xf1\xea", "диск"},
	} {
		got, err := decodeName(tt.encoding, tt.raw)
		require.Nil(t, err)
		require.Equal(t, tt.want, got)
	}
	require.Equal(t, `\xc4\xe3`, decodeText("EBCDIC", "\xc4\xe3"))
}

func TestLongLinesInErrorsAreCut(t *testing.T) {
	_, err := ParseDescriptor("x.vmdk", []byte(strings.Repeat("x", 1000)))
	require.ErrorIs(t, err, layer.ErrCorrupt)
	require.Less(t, len(err.Error()), 200)
}
