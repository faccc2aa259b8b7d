package ntfs

import (
	"fmt"
	"io/fs"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/layer"
)

// What a file with a reparse point is.
const (
	isElsewhere = iota // its content is not given
	isCached           // its content is given, unless the file says that it is away
	isLink
	isFIFO
	isSocket
	isChar
	isBlock
)

// reparseTags are the tags of [MS-FSCC] 2.1.2.1, and those that winnt.h has
// beside them, but for those of WOF and NFS, which have tests of their own.
var reparseTags = map[uint32]struct {
	name string
	is   int
}{
	0xA0000003: {"MOUNT_POINT", isLink},
	0xC0000004: {"HSM", isElsewhere},
	0x80000005: {"DRIVE_EXTENDER", isElsewhere},
	0x80000006: {"HSM2", isElsewhere},
	0x80000007: {"SIS", isElsewhere},
	0x80000008: {"WIM", isElsewhere},
	0x80000009: {"CSV", isElsewhere},
	0x8000000A: {"DFS", isElsewhere},
	0x8000000B: {"FILTER_MANAGER", isElsewhere},
	0xA000000C: {"SYMLINK", isLink},
	0xA0000010: {"IIS_CACHE", isElsewhere},
	0x80000012: {"DFSR", isElsewhere},
	0x80000013: {"DEDUP", isElsewhere},
	0xC0000014: {"APPXSTRM", isElsewhere},
	0x80000015: {"FILE_PLACEHOLDER", isElsewhere},
	0x80000016: {"DFM", isElsewhere},
	0x80000018: {"WCI", isElsewhere},
	0x90001018: {"WCI_1", isElsewhere},
	0xA0000019: {"GLOBAL_REPARSE", isElsewhere},
	0x9000001A: {"CLOUD", isCached},
	0x9000101A: {"CLOUD_1", isCached},
	0x9000701A: {"CLOUD_7", isCached},
	0x9000F01A: {"CLOUD_F", isCached},
	0x8000001B: {"APPEXECLINK", isElsewhere},
	0x9000001C: {"PROJFS", isCached},
	0xA000001D: {"LX_SYMLINK", isLink},
	0x8000001E: {"STORAGE_SYNC", isCached},
	0xA000001F: {"WCI_TOMBSTONE", isElsewhere},
	0x80000020: {"UNHANDLED", isElsewhere},
	0x80000021: {"ONEDRIVE", isElsewhere},
	0xA0000022: {"PROJFS_TOMBSTONE", isElsewhere},
	0x80000023: {"AF_UNIX", isSocket},
	0x80000024: {"LX_FIFO", isFIFO},
	0x80000025: {"LX_CHR", isChar},
	0x80000026: {"LX_BLK", isBlock},
	0x90000027: {"STORAGE_SYNC_FOLDER", isElsewhere},
	0xA0000027: {"WCI_LINK", isElsewhere},
	0xA0001027: {"WCI_LINK_1", isElsewhere},
	0xA0000028: {"DATALESS_CIM", isElsewhere},
	0x80000FFF: {"", isElsewhere}, // of nobody
}

// TestReparseTags gives a file each tag: its name is told, its type is the
// tag's, and what is not in the file is refused with the name of the tag.
func TestReparseTags(t *testing.T) {
	types := map[int]fs.FileMode{isLink: fs.ModeSymlink, isFIFO: fs.ModeNamedPipe, isSocket: fs.ModeSocket,
		isChar: fs.ModeDevice | fs.ModeCharDevice, isBlock: fs.ModeDevice}
	for tag, want := range reparseTags {
		name := "IO_REPARSE_TAG_" + want.name
		if want.name == "" {
			name = fmt.Sprintf("0x%08X", tag)
		}
		t.Run(name, func(t *testing.T) {
			for _, away := range []uint32{0, AttributeOffline} {
				p := newPatient(t, "reparse")
				p.attribute(p.number("dedup"), attrReparsePoint, "", func(a attribute) { le.PutUint32(a.value(), tag) })
				p.attribute(p.number("dedup"), attrStandardInformation, "", func(a attribute) {
					le.PutUint32(a.value()[0x20:], AttributeReparsePoint|away)
				})
				f, err := p.reopen()
				require.NoError(t, err)
				info, err := f.Lstat("dedup")
				require.NoError(t, err)
				r := info.Sys().(*FileRecord)
				require.Equal(t, tag, r.ReparseTag)
				require.Equal(t, name, r.ReparseName())
				require.Equal(t, types[want.is], info.Mode().Type())
				switch data, err := f.ReadFile("dedup"); {
				case want.is == isCached && away == 0:
					require.NoError(t, err)
					require.Equal(t, "dedup", string(data))
				case want.is == isElsewhere || want.is == isCached:
					require.ErrorIs(t, err, layer.ErrUnsupported)
					require.ErrorContains(t, err, name)
				case want.is == isLink: // to nothing that is one: TestReparse has those
					require.Error(t, err)
				default:
					require.NoError(t, err)
					require.Empty(t, data)
				}
			}
		})
	}
	for tag, name := range tagNames {
		if tag != tagWOF && tag != tagNFS {
			require.Equal(t, name, reparseTags[tag].name)
		}
	}
}

// TestLXMetadata: owners, permissions and the numbers of a device that WSL keeps
// in EAs; one of another length is another's.
func TestLXMetadata(t *testing.T) {
	type eas map[string][]byte
	u32 := func(list ...uint32) (b []byte) {
		for _, v := range list {
			b = le.AppendUint32(b, v)
		}
		return b
	}
	for name, c := range map[string]struct {
		eas      eas
		mode     fs.FileMode
		uid, gid uint32
		owner    bool
		dev      [2]uint32
	}{
		"none":              {nil, 0o777, 0, 0, false, [2]uint32{}},
		"another's":         {eas{"$LXSOMETHING": u32(7)}, 0o777, 0, 0, false, [2]uint32{}},
		"owner":             {eas{lxUID: u32(1000)}, 0o777, 1000, 0, true, [2]uint32{}},
		"group":             {eas{lxGID: u32(4_000_000_000)}, 0o777, 0, 4_000_000_000, true, [2]uint32{}},
		"mode":              {eas{lxMode: u32(0o100640)}, 0o640, 0, 0, true, [2]uint32{}},
		"no permission":     {eas{lxMode: u32(0o100000)}, 0, 0, 0, true, [2]uint32{}},
		"setuid":            {eas{lxMode: u32(0o104755)}, fs.ModeSetuid | 0o755, 0, 0, true, [2]uint32{}},
		"setgid":            {eas{lxMode: u32(0o102711)}, fs.ModeSetgid | 0o711, 0, 0, true, [2]uint32{}},
		"sticky":            {eas{lxMode: u32(0o101777)}, fs.ModeSticky | 0o777, 0, 0, true, [2]uint32{}},
		"all":               {eas{lxUID: u32(1), lxGID: u32(2), lxMode: u32(0o100600), lxDevice: u32(8, 1)}, 0o600, 1, 2, true, [2]uint32{8, 1}},
		"length of a mode":  {eas{lxMode: {1, 2}, lxUID: u32(1)}, 0o777, 1, 0, true, [2]uint32{}},
		"length of an ID":   {eas{lxUID: u32(1, 2)}, 0o777, 0, 0, false, [2]uint32{}},
		"length of numbers": {eas{lxDevice: u32(8)}, 0o777, 0, 0, false, [2]uint32{}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPatient(t, "resumed")
			var list []byte
			for name, value := range c.eas {
				size := (eaHeader + len(name) + 1 + len(value) + 3) &^ 3
				e := make([]byte, size)
				le.PutUint32(e, uint32(size))
				e[5] = byte(len(name))
				le.PutUint16(e[6:], uint16(len(value)))
				copy(e[eaHeader:], name)
				copy(e[eaHeader+len(name)+1:], value)
				list = append(list, e...)
			}
			if list != nil {
				p.set(p.number("dir/resident"), residentAttribute(attrEA, "", 0x7000, list))
			}
			f, err := p.reopen()
			require.NoError(t, err)
			info, err := f.Stat("dir/resident")
			require.NoError(t, err)
			require.Equal(t, c.mode, info.Mode())
			u := info.Sys().(*FileRecord).Unix()
			require.Equal(t, []any{c.uid, c.gid, c.owner, c.dev}, []any{u.UID, u.GID, !u.NoOwner, [2]uint32{u.Major, u.Minor}})
		})
	}
}
