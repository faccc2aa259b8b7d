package iso

import (
	"bytes"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/layer"
)

// A sysNode is a file with attributes that no image can hold.
type sysNode struct {
	*memNode
	xattrs map[string][]byte
	err    error
}

func (s sysNode) Xattrs() (map[string][]byte, error) { return s.xattrs, s.err }

type streamNode struct{ *memNode }

func (streamNode) HasStreams() bool { return true }

func TestLostOf(t *testing.T) {
	n := memData(nil)
	one := func(names ...string) sysNode {
		s := sysNode{memNode: n, xattrs: map[string][]byte{}}
		for _, name := range names {
			s.xattrs[name] = []byte("x")
		}
		return s
	}
	for _, test := range []struct {
		sys  any
		unix layer.Unix
		want lost
		text string
	}{
		{one(), layer.Unix{}, 0, ""},
		{nil, layer.Unix{}, 0, ""},
		{one("system.posix_acl_access", "system.posix_acl_default"), layer.Unix{}, lostACL, "ACL"},
		{one("security.capability", "user.comment"), layer.Unix{}, lostCapability | lostXattrs, "file capabilities, extended attributes"},
		{one("security.selinux"), layer.Unix{}, lostLabel, ""},
		{sysNode{memNode: n, err: errMem}, layer.Unix{}, lostUnread, "extended attributes that could not be read"},
		{streamNode{n}, layer.Unix{NoOwner: true}, lostStreams | lostDescriptor, "named streams"},
	} {
		got := lostOf(test.sys, test.unix)
		require.Equal(t, test.want, got)
		require.Equal(t, test.text, got.String())
	}
}

// readManifest returns the manifest as each view has it, which must be the same.
func readManifest(t *testing.T, image []byte, dir string) string {
	t.Helper()
	var text []byte
	for _, tree := range []Tree{RockRidge, Joliet, Plain} {
		fsys, err := opened(image, WithTree(tree))
		require.NoError(t, err)
		b, err := fsys.ReadFile(strings.ReplaceAll(dir, "-", map[Tree]string{RockRidge: "-", Joliet: "-", Plain: "_"}[tree]) + "/MANIFEST.TXT")
		require.NoError(t, err, tree)
		require.True(t, text == nil || bytes.Equal(text, b))
		text = b
	}
	u := readUDF(t, bytes.NewReader(image), int64(len(image)))
	require.True(t, bytes.Equal(text, u.content(u.files[dir+"/MANIFEST.TXT"])))
	return string(text)
}

func TestManifest(t *testing.T) {
	broken := memData(bytes.Repeat([]byte("b"), 9000))
	broken.readErr, broken.failAt = errMem, 100
	gone := memData(nil)
	gone.nodeErr = errMem
	root := memTree(
		memEntry{"a\tb", memData([]byte("tab"))}, memEntry{"broken", broken}, memEntry{"gone", gone},
		memEntry{`\xff`, memData([]byte("raw"))}, memEntry{"link", memSymlink(strings.Repeat("x/", 2000))},
		memEntry{"vmdkfs", memTree(memEntry{"f", memData([]byte("f"))})}, memEntry{"z", memData([]byte("z"))},
	)
	image, report, err := written(memFS(root), WithManifest(), WithLabel("M"))
	require.NoError(t, err)
	require.Len(t, report.Errors, 2)
	require.Equal(t, 8, report.Entries) // not those that we added
	require.EqualValues(t, 3+9000+3+1+1, report.Data)
	text := readManifest(t, image, "VMDKFS-1")
	require.Equal(t, manifestHead+strings.Join([]string{
		"volume\tM", "written\t2024-02-29T12:34:56Z", "entries\t8", "bytes\t9008", "complete\tno: failures: 2",
		"failed\tgone\tbad block",
		"failed\tbroken\tbad block; padded with zeros from byte 100 of 9000",
		"lost\tlink\tits place in UDF, where its target does not fit",
		"lost\t\\xff\tits exact name in UDF", "",
	}, "\n"), text)

	got, err := opened(image)
	require.NoError(t, err)
	data, err := got.ReadFile("z")
	require.NoError(t, err)
	require.Equal(t, "z", string(data))

	again, _, err := written(memFS(root), WithManifest(), WithLabel("M"))
	require.NoError(t, err)
	require.True(t, bytes.Equal(image, again))
}

func TestManifestComplete(t *testing.T) {
	image, report, err := written(memFS(everything()), WithManifest())
	require.NoError(t, err)
	require.NoError(t, report.Err())
	require.Contains(t, readManifest(t, image, "VMDKFS"), "complete\tyes\n")
	got, err := opened(image)
	require.NoError(t, err)
	info, err := fs.Stat(got, ".")
	require.NoError(t, err)
	require.EqualValues(t, 8, info.Sys().(*Sys).Unix().Links) // one more than in the source

	plain, _, err := written(memFS(everything()), WithManifest(), WithoutUDF())
	require.NoError(t, err)
	got, err = opened(plain)
	require.NoError(t, err)
	data, err := got.ReadFile("VMDKFS/MANIFEST.TXT")
	require.NoError(t, err)
	require.NotContains(t, string(data), "UDF,") // nothing is lost of what is not there
}

// TestManyFailures makes more failures than the manifest has room for.
func TestManyFailures(t *testing.T) {
	root := memTree()
	for i := range 1000 {
		bad := memData([]byte("x"))
		bad.readErr = errMem
		root.children = append(root.children, memEntry{fmt.Sprintf("%0240d", i), bad})
	}
	image, report, err := written(memFS(root), WithManifest())
	require.NoError(t, err)
	require.Len(t, report.Errors, 1000)
	text := readManifest(t, image, "VMDKFS")
	require.Contains(t, text, "complete\tno: failures: 1000\n")
	listed := strings.Count(text, "padded with zeros")
	require.Greater(t, listed, 300)
	require.Contains(t, text, fmt.Sprintf("failed\t.\tand %d more\n", 1000-listed))
}
