package ntfs

import (
	"io/fs"
	"path"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/layer"
)

// TestReparse reads reparse points whose content [MS-FSCC] describes.
func TestReparse(t *testing.T) {
	f := golden(t, "reparse")
	for name, want := range map[string]string{
		"symlink-relative":       "dir/file",
		"symlink-absolute":       "C:/dir/file",
		"symlink-up":             "../../x",
		"symlink-unc":            "//server/share/x",
		"symlink-drive-relative": "/dir/file",
		"symlink-unicode":        "d\u00efr/\U0001f600",
		"symlink-dir":            "dir",
		"junction":               "C:/dir",
		"mount-point":            "//?/Volume{01234567-89ab-cdef-0123-456789abcdef}/",
		"wsl-symlink":            "dir/\u2603",
	} {
		info, err := f.Lstat(name)
		require.NoError(t, err)
		require.Equal(t, fs.ModeSymlink, info.Mode().Type(), name)
		got, err := f.ReadLink(name)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for _, name := range []string{"symlink-relative", "symlink-drive-relative", "symlink-dir/file"} { // inside the volume
		data, err := f.ReadFile(name)
		require.NoError(t, err)
		require.Equal(t, "the target", string(data))
	}
	for name, tag := range map[string]string{"dedup": "DEDUP", "hsm": "HSM", "hsm2": "HSM2", "wci": "WCI", "unknown-with-guid": "0x00000123"} {
		_, err := f.ReadFile(name)
		require.ErrorIs(t, err, layer.ErrUnsupported, name)
		require.ErrorContains(t, err, tag)
		info, err := f.Stat(name)
		require.NoError(t, err)
		require.True(t, info.Mode().IsRegular())
		require.Contains(t, info.Sys().(*FileRecord).ReparseName(), tag)
	}
	for _, name := range []string{"cloud", "cloud-3"} { // downloaded: no attribute says otherwise
		data, err := f.ReadFile(name)
		require.NoError(t, err)
		require.Equal(t, name, string(data))
	}
	data, err := f.ReadFile("app-exec-link")
	require.NoError(t, err)
	require.Empty(t, data)
	_, err = f.ReadDir("cloud-dir")
	require.NoError(t, err)
	_, err = f.ReadFile("junction/file")
	require.ErrorIs(t, err, fs.ErrNotExist)
}

// TestCloud: what a cloud provider has not downloaded is refused.
func TestCloud(t *testing.T) {
	for _, bits := range []uint32{AttributeOffline, AttributeSparse, attributeRecallOnData, attributeRecallOnOpen} {
		p := newPatient(t, "reparse")
		p.attribute(p.number("cloud-3"), attrStandardInformation, "", func(a attribute) { le.PutUint32(a.value()[0x20:], AttributeReparsePoint|bits) })
		f, err := p.reopen()
		require.NoError(t, err)
		_, err = f.ReadFile("cloud-3")
		require.ErrorIs(t, err, layer.ErrUnsupported)
		require.ErrorContains(t, err, "IO_REPARSE_TAG_CLOUD_3")
	}
	require.Equal(t, "IO_REPARSE_TAG_CLOUD", tagName(tagCloud))
}

// TestIncompleteDir: a directory whose entries may be elsewhere says so behind
// those that it has, and to who looks for one that it has not.
func TestIncompleteDir(t *testing.T) {
	for _, c := range []struct {
		tag, bits  uint32
		incomplete bool
	}{
		{tagCloud, 0, false},
		{tagCloud | 0x7000, attributeRecallOnData, true},
		{tagCloud, AttributeOffline, true},
		{tagSyncFolder, 0, false},
		{tagSyncFolder, attributeRecallOnOpen, true},
		{tagProjFS, 0, true},
		{0x80000018, 0, true}, // WCI
		{0x8000000A, 0, true}, // DFS
		{0x80000FFF, 0, true}, // of nobody
	} {
		p := newPatient(t, "reparse")
		p.attribute(p.number("cloud-dir"), attrReparsePoint, "", func(a attribute) { le.PutUint32(a.value(), c.tag) })
		p.attribute(p.number("cloud-dir"), attrStandardInformation, "", func(a attribute) {
			le.PutUint32(a.value()[0x20:], AttributeReparsePoint|c.bits)
		})
		f, err := p.reopen()
		require.NoError(t, err)
		_, err = f.ReadDir("cloud-dir")
		_, statErr := f.Stat("cloud-dir/none")
		_, streamErr := f.Stat("cloud-dir:none")
		require.ErrorIs(t, streamErr, fs.ErrNotExist)
		if !c.incomplete {
			require.NoError(t, err)
			require.ErrorIs(t, statErr, fs.ErrNotExist)
			continue
		}
		for _, err := range []error{err, statErr} {
			require.ErrorIs(t, err, layer.ErrUnsupported, tagName(c.tag))
			require.ErrorContains(t, err, tagName(c.tag))
		}
	}
}

// TestCaseSensitiveDir: a directory that says so distinguishes case, among names
// that differ in nothing else too, and its own name does not.
func TestCaseSensitiveDir(t *testing.T) {
	for _, sensitive := range []bool{false, true} {
		p := newPatient(t, "names")
		p.attribute(p.number("all"), attrStandardInformation, "", func(a attribute) {
			if sensitive {
				le.PutUint64(a.value()[0x24:], 1<<32)
			}
		})
		f, err := p.reopen()
		require.NoError(t, err)
		for _, name := range []string{"all/case", "all/Case", "all/CASE", "all/cAsE", "ALL/con"} {
			info, err := f.Stat(name)
			require.NoError(t, err, name)
			names, err := info.Sys().(*FileRecord).Names()
			require.NoError(t, err)
			require.Equal(t, path.Base(name), names[0].Name)
		}
		for _, name := range []string{"all/casE", "all/CON", "ALL/TAB\tname", "all/\u00c0\u00e9"} {
			_, err = f.Stat(name)
			if sensitive {
				require.ErrorIs(t, err, fs.ErrNotExist, name)
			} else {
				require.NoError(t, err, name)
			}
		}
		_, err = f.Stat("DOS/A LONG NAME.TXT") // another directory
		require.NoError(t, err)
	}
}

// TestReparseErrors breaks reparse points.
func TestReparseErrors(t *testing.T) {
	for _, c := range []struct {
		path string
		hurt func(value []byte)
		kind error
		text string
	}{
		{"symlink-relative", func(v []byte) { le.PutUint32(v, 0) }, layer.ErrCorrupt, "a reparse point of"},
		{"symlink-relative", func(v []byte) { v[4] = 0xFF }, layer.ErrCorrupt, "a reparse point of"},
		{"symlink-relative", func(v []byte) { v[4] = 4 }, layer.ErrCorrupt, "names of its reparse point"},
		{"symlink-relative", func(v []byte) { v[9] = 0x7F }, layer.ErrCorrupt, "names of its reparse point"},
		{"symlink-relative", func(v []byte) { v[10] = 0 }, layer.ErrCorrupt, "a link to"},
		{"junction", func(v []byte) { v[10] = 3 }, layer.ErrCorrupt, "names of its reparse point"},
		{"wsl-symlink", func(v []byte) { v[8] = 7 }, layer.ErrUnsupported, "another version"},
		{"wsl-symlink", func(v []byte) { v[13] = 0 }, layer.ErrCorrupt, "a link to"},
		{"symlink-relative", func(v []byte) { le.PutUint32(v, tagNFS) }, layer.ErrCorrupt, "an NFS client of type"},
		{"dedup", func(v []byte) { le.PutUint32(v, tagWOF) }, layer.ErrUnsupported, "IO_REPARSE_TAG_WOF of version 0"},
		{"dedup", func(v []byte) { le.PutUint32(v, tagWOF); v[8], v[12] = 1, 1 }, layer.ErrUnsupported, "WIM file"},
		{"dedup", func(v []byte) { le.PutUint32(v, tagWOF); v[8], v[12] = 1, 2 }, layer.ErrUnsupported, "version 0 of its files"},
		{"dedup", func(v []byte) { le.PutUint32(v, tagWOF); v[8], v[12], v[16] = 1, 2, 1 }, layer.ErrCorrupt, "no data"},
		{"dedup", func(v []byte) { le.PutUint32(v, tagWOF); v[4] = 10; v[8], v[12] = 1, 2 }, layer.ErrCorrupt, "unexpected EOF"},
	} {
		p := newPatient(t, "reparse")
		p.attribute(p.number(c.path), attrReparsePoint, "", func(a attribute) { c.hurt(a.value()) })
		f, err := p.reopen()
		require.NoError(t, err)
		err = use(f, c.path)
		require.ErrorIs(t, err, c.kind, c.text)
		require.ErrorContains(t, err, c.text)
		p.others(f, c.path)
	}
}

// TestNFS: files as the Server for NFS keeps what Windows has not.
func TestNFS(t *testing.T) {
	for kind, want := range map[uint64]fs.FileMode{nfsLink: fs.ModeSymlink, nfsChar: fs.ModeDevice | fs.ModeCharDevice, nfsBlock: fs.ModeDevice,
		nfsFIFO: fs.ModeNamedPipe, nfsSocket: fs.ModeSocket} {
		p := newPatient(t, "reparse")
		p.attribute(p.number("dedup"), attrReparsePoint, "", func(a attribute) {
			v := a.value()
			le.PutUint32(v, tagNFS)
			le.PutUint16(v[4:], 16)
			le.PutUint64(v[8:], kind)
			if kind == nfsLink {
				copy(v[16:], "d\x00i\x00r\x00/\x00")
				return
			}
			v[16], v[20] = 5, 6
		})
		f, err := p.reopen()
		require.NoError(t, err)
		info, err := f.Lstat("dedup")
		require.NoError(t, err)
		require.Equal(t, want, info.Mode().Type())
		switch u := info.Sys().(*FileRecord).Unix(); {
		case kind == nfsLink:
			target, err := f.ReadLink("dedup")
			require.NoError(t, err)
			require.Equal(t, "dir/", target)
		case want&fs.ModeDevice != 0:
			require.Equal(t, [2]uint32{5, 6}, [2]uint32{u.Major, u.Minor})
		}
	}
}

// TestLX: owners and modes that WSL keeps.
func TestLX(t *testing.T) {
	f := golden(t, "wsl")
	seen := 0
	for _, l := range manifest(t, "wsl") {
		info, err := f.Lstat(l.Path)
		require.NoError(t, err)
		r := info.Sys().(*FileRecord)
		eas, err := r.EAs()
		require.NoError(t, err)
		for _, ea := range eas {
			switch {
			case ea.Name == lxMode:
				require.Equal(t, permissions(le.Uint32(ea.Value)), info.Mode()&^fs.ModeType, l.Path)
			case ea.Name == lxUID && len(ea.Value) == 4:
				require.Equal(t, le.Uint32(ea.Value), r.Unix().UID, l.Path)
				require.False(t, r.Unix().NoOwner)
				seen++
			}
		}
	}
	require.Positive(t, seen)
}

// TestTargets: the names of the kernel that a link may have.
func TestTargets(t *testing.T) {
	for raw, want := range map[string]string{
		`\??\C:\Users`:                   "C:/Users",
		`\\?\C:\Users`:                   "C:/Users",
		`C:\Users`:                       "C:/Users",
		`\??\UNC\server\share`:           "//server/share",
		`\??\GLOBALROOT\Device\Harddisk`: "//?/GLOBALROOT/Device/Harddisk",
		`\Device\x`:                      "/Device/x",
	} {
		var name []byte
		for _, c := range raw {
			name = le.AppendUint16(name, uint16(c))
		}
		require.Equal(t, want, windowsTarget(name, false))
	}
}
