package ntfs

import (
	"encoding/base64"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/layer"
)

// descriptors are security descriptors that Samba 4.17 made of SDDL. The texts
// are in the form that Windows prints; those of Windows' own files are as icacls
// and sc show them.
var descriptors = []struct{ sddl, raw string }{
	{"O:BAG:BAD:(A;;FA;;;SY)(A;OICIIO;GA;;;SY)(A;OICI;FA;;;BA)(A;;0x1200a9;;;BU)",
		"AQAEgBQAAAAkAAAAAAAAADQAAAABAgAAAAAABSAAAAAgAgAAAQIAAAAAAAUgAAAAIAIAAAQAYAAEAAAAAAAUAP8BHwABAQAAAAAABRIAAAAACxQAAAAAEAEBAAAAAAAFEgAAAAADGAD/AR8AAQIAAAAAAAUgAAAAIAIAAAAAGACpABIAAQIAAAAAAAUgAAAAIQIAAA=="},
	{"O:S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464G:S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464D:PAI(A;OICIIO;GA;;;CO)(A;;0x1301bf;;;SY)(A;OICIIO;GXGR;;;BU)(A;CIIO;GA;;;S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464)(A;;FA;;;S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464)(A;;0x1200a9;;;AC)",
		"AQAElBQAAAA0AAAAAAAAAFQAAAABBgAAAAAABVAAAAC1ifs4GYTCy1xsI21XAHduwAJkhwEGAAAAAAAFUAAAALWJ+zgZhMLLXGwjbVcAd27AAmSHBACwAAYAAAAACxQAAAAAEAEBAAAAAAADAAAAAAAAFAC/ARMAAQEAAAAAAAUSAAAAAAsYAAAAAKABAgAAAAAABSAAAAAhAgAAAAooAAAAABABBgAAAAAABVAAAAC1ifs4GYTCy1xsI21XAHduwAJkhwAAKAD/AR8AAQYAAAAAAAVQAAAAtYn7OBmEwstcbCNtVwB3bsACZIcAABgAqQASAAECAAAAAAAPAgAAAAEAAAA="},
	{"O:SYG:SYD:AI(A;OICIIOID;SDGXGWGR;;;AU)(A;ID;0x1301bf;;;AU)",
		"AQAEhBQAAAAgAAAAAAAAACwAAAABAQAAAAAABRIAAAABAQAAAAAABRIAAAAEADAAAgAAAAAbFAAAAAHgAQEAAAAAAAULAAAAABAUAL8BEwABAQAAAAAABQsAAAA="},
	{"O:S-1-5-21-10-20-30-512G:S-1-5-21-10-20-30-513D:(A;;KA;;;SY)(OA;;CCDC;bf967aba-0de6-11d0-a285-00aa003049e2;;AO)(A;;LCRPRC;;;AU)",
		"AQAEgBQAAAAwAAAAAAAAAEwAAAABBQAAAAAABRUAAAAKAAAAFAAAAB4AAAAAAgAAAQUAAAAAAAUVAAAACgAAABQAAAAeAAAAAQIAAAQAXAADAAAAAAAUAD8ADwABAQAAAAAABRIAAAAFACwAAwAAAAEAAAC6epa/5g3QEaKFAKoAMEniAQIAAAAAAAUgAAAAJAIAAAAAFAAUAAIAAQEAAAAAAAULAAAA"},
	{"O:BAG:SYD:P(D;OICI;FA;;;BG)(D;;GA;;;AN)(A;;KA;;;BA)(A;;KR;;;WD)(A;NPIO;FR;;;WD)(A;;FW;;;WD)(A;;FX;;;WD)(A;;KW;;;NU)S:ARAI(AU;SAFA;FA;;;WD)(AU;OICIFA;CCDC;;;S-1-5-21-1-2-3-500)",
		"AQAUmhQAAAAkAAAAMAAAAHAAAAABAgAAAAAABSAAAAAgAgAAAQEAAAAAAAUSAAAABABAAAIAAAACwBQA/wEfAAEBAAAAAAABAAAAAAKDJAADAAAAAQUAAAAAAAUVAAAAAQAAAAIAAAADAAAA9AEAAAQAsAAIAAAAAQMYAP8BHwABAgAAAAAABSAAAAAiAgAAAQAUAAAAABABAQAAAAAABQcAAAAAABgAPwAPAAECAAAAAAAFIAAAACACAAAAABQAGQACAAEBAAAAAAABAAAAAAAMFACJABIAAQEAAAAAAAEAAAAAAAAUABYBEgABAQAAAAAAAQAAAAAAABQAoAASAAEBAAAAAAABAAAAAAAAFAAGAAIAAQEAAAAAAAUCAAAA"},
	{"O:BAG:BAD:(OA;CIIO;RPWP;4c164200-20c0-11d0-a768-00aa006e0529;bf967aba-0de6-11d0-a285-00aa003049e2;RU)(OD;;CR;;bf967aba-0de6-11d0-a285-00aa003049e2;WD)S:(OU;CIIOIDSA;WP;f30e3bbe-9ff0-11d1-b603-0000f80367c1;bf967aa5-0de6-11d0-a285-00aa003049e2;WD)",
		"AQAUgBQAAAAkAAAANAAAAHQAAAABAgAAAAAABSAAAAAgAgAAAQIAAAAAAAUgAAAAIAIAAAQAQAABAAAAB1o4ACAAAAADAAAAvjsO8/Cf0RG2AwAA+ANnwaV6lr/mDdARooUAqgAwSeIBAQAAAAAAAQAAAAAEAGwAAgAAAAUKPAAwAAAAAwAAAABCFkzAINARp2gAqgBuBSm6epa/5g3QEaKFAKoAMEniAQIAAAAAAAUgAAAAKgIAAAYAKAAAAQAAAgAAALp6lr/mDdARooUAqgAwSeIBAQAAAAAAAQAAAAA="},
	{"D:",
		"AQAEgAAAAAAAAAAAAAAAABQAAAAEAAgAAAAAAA=="},
	{"O:BA",
		"AQAAgBQAAAAAAAAAAAAAAAAAAAABAgAAAAAABSAAAAAgAgAA"},
	{"D:P",
		"AQAEkAAAAAAAAAAAAAAAABQAAAAEAAgAAAAAAA=="},
	{"D:(A;;CCDCLCSWRPWPDTLOCRSDRCWDWOGAGXGWGR;;;IU)",
		"AQAEgAAAAAAAAAAAAAAAABQAAAAEABwAAQAAAAAAFAD/AQ/wAQEAAAAAAAUEAAAA"},
}

func TestSDDL(t *testing.T) {
	for _, d := range descriptors {
		raw, err := base64.StdEncoding.DecodeString(d.raw)
		require.NoError(t, err)
		s, err := parseSecurity(raw, "test")
		require.NoError(t, err, d.sddl)
		require.Equal(t, d.sddl, s.SDDL)
	}
}

// TestSecurityDamage cuts descriptors short and changes their bytes: what comes
// of it is an error or a text, and a part outside is never read.
func TestSecurityDamage(t *testing.T) {
	for _, d := range descriptors {
		raw, err := base64.StdEncoding.DecodeString(d.raw)
		require.NoError(t, err)
		for n := range raw {
			if _, err := parseSecurity(raw[:n:n], "test"); err != nil {
				require.ErrorIs(t, err, layer.ErrCorrupt)
			}
			for _, b := range []byte{0, 0x7f, 0xff} {
				bad := append([]byte(nil), raw...)
				bad[n] = b
				if _, err := parseSecurity(bad, "test"); err != nil && !isDamage(err) {
					require.ErrorIs(t, err, layer.ErrUnsupported)
				}
			}
		}
	}
}

// aceOf returns a descriptor with one ACE in its DACL, in the form of [MS-DTYP]
// 2.4.4: type, flags, mask, and what follows.
func aceOf(kind, flags byte, rest ...byte) []byte {
	ace := append([]byte{kind, flags, byte(8 + len(rest)), 0, 1, 0, 0, 0}, rest...)
	acl := append([]byte{2, 0, byte(8 + len(ace)), 0, 1, 0, 0, 0}, ace...)
	return append([]byte{1, 0, 4, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0}, acl...)
}

func TestACEs(t *testing.T) {
	everyone := []byte{1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0}
	low := []byte{1, 1, 0, 0, 0, 0, 0, 16, 0, 0x10, 0, 0}
	far := []byte{1, 1, 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 1, 0, 0, 0}
	for _, c := range []struct {
		raw  []byte
		want string
		err  error
	}{
		{aceOf(0x11, 0, low...), "D:(ML;;NW;;;LW)", nil},
		{aceOf(0, 0, far...), "D:(A;;CC;;;S-1-0x123456789ABC-1)", nil},
		{aceOf(9, 0, everyone...), "D:(XA;;CC;;;WD)", nil},
		{aceOf(9, 0, append(everyone, "artx"...)...), "", layer.ErrUnsupported},
		{aceOf(0xc, 0, everyone...), "", layer.ErrUnsupported},
		{aceOf(0, 0x20, everyone...), "", layer.ErrUnsupported},
		{aceOf(5, 0, everyone...), "", layer.ErrCorrupt},
		{aceOf(5, 0, 1, 0, 0, 0, 2), "", layer.ErrCorrupt},
		{aceOf(5, 0), "", layer.ErrCorrupt},
		{aceOf(0, 0), "", layer.ErrCorrupt},
		{[]byte{1, 0, 4, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, "D:NO_ACCESS_CONTROL", nil},
		{[]byte{1, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, "", layer.ErrCorrupt},
	} {
		s, err := parseSecurity(c.raw, "test")
		require.ErrorIs(t, err, c.err, "%x", c.raw)
		if err == nil {
			require.Equal(t, c.want, s.SDDL)
		}
	}
}

// TestSecurityHash checks the hash of every entry of a $SDS that ntfs-3g wrote.
func TestSecurityHash(t *testing.T) {
	f := golden(t, "c4096")
	x, err := f.file(recordSecure)
	require.NoError(t, err)
	stream, err := x.open([]byte(streamSecurity))
	require.NoError(t, err)
	sds := make([]byte, min(stream.Size(), securityMirror))
	_, err = stream.ReadAt(sds, 0)
	require.NoError(t, err)
	n := 0
	for at := 0; at+securityHeader < len(sds); n++ {
		size := int(le.Uint32(sds[at+16:]))
		if size == 0 {
			break
		}
		require.Equal(t, le.Uint32(sds[at:]), securityHash(sds[at+securityHeader:at+size]), "entry at %d", at)
		at = (at + size + 15) &^ 15
	}
	require.GreaterOrEqual(t, n, 2)
}

func FuzzSecurity(f *testing.F) {
	for _, d := range descriptors {
		raw, err := base64.StdEncoding.DecodeString(d.raw)
		require.NoError(f, err)
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, err := parseSecurity(raw, "test")
		require.Equal(t, err == nil, s != nil)
	})
}
