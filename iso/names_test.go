package iso

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestShortNames(t *testing.T) {
	for _, test := range []struct{ names, want string }{
		{"README.TXT", "README.TXT;1"},
		{"readme", "README.;1"},
		{"dir/", "DIR"},
		{"dir.d/", "DIR_D"},
		{".bashrc", "_BASHRC.;1"},
		{"archive.tar.gz", "ARCHIVE_.GZ;1"},
		{"grüße", "GR__E.;1"},
		{"longer than eight.html", "LONGER_T.HTM;1"},
		{"a b|A_B", "A_B0.;1|A_B.;1"},
		{"makefile|Makefile", "MAKEFILE.;1|MAKEFIL0.;1"},
		{"trailing.", "TRAILING.;1"},
	} {
		var nodes []node
		for name := range strings.SplitSeq(test.names, "|") {
			n := node{name: strings.TrimSuffix(name, "/")}
			if n.name != name {
				n.dir = &folder{}
			}
			nodes = append(nodes, n)
		}
		require.NoError(t, shortNames(nodes))
		var got []string
		for i := range nodes {
			got = append(got, string(nodes[i].short.appendID(nil, nodes[i].isDir())))
		}
		require.Equal(t, test.want, strings.Join(got, "|"), test.names)
	}
}

// TestManyCollisions gives names for which a search from 0 each time would
// take hours.
func TestManyCollisions(t *testing.T) {
	nodes := make([]node, 0, 200_000)
	for i := range cap(nodes) {
		nodes = append(nodes, node{name: fmt.Sprintf("file%06d-with-more", i)})
	}
	require.NoError(t, shortNames(nodes))
	seen := make(map[shortName]bool)
	for i := range nodes {
		seen[nodes[i].short] = true
	}
	require.Len(t, seen, len(nodes))
}

func TestNoNumberLeft(t *testing.T) {
	names := newNamer(1, 0)
	for i := range 10 {
		id, err := names.number("", ".X", 1)
		require.NoError(t, err)
		require.Equal(t, fmt.Sprintf("%d.X", i), id)
	}
	_, err := names.number("", ".X", 1)
	require.ErrorContains(t, err, "no identifier is left")
}

func TestJolietNames(t *testing.T) {
	long := strings.Repeat("x", 70)
	for _, test := range []struct{ name, want string }{
		{"plain name.txt", "plain name.txt"},
		{"\x01*/:;?\\", "_______"},
		{"\xff\xfe", "__"},
		{"\uFFFD", "\uFFFD"},
		{long + ".txt", strings.Repeat("x", 60) + ".txt"},
		{long + "." + long, strings.Repeat("x", 64)},
		{strings.Repeat("x", 63) + "😀", strings.Repeat("x", 63)},
		{"😀.txt", "😀.txt"},
	} {
		list, err := jolietNames([]node{{name: test.name, attr: &attr{mode: modeRegular}}, {name: "link", attr: &attr{mode: modeSymlink}}}, jolietLength)
		require.NoError(t, err)
		require.Len(t, list, 1)
		require.Equal(t, test.want, escapeUCS2([]byte(list[0].id)))
	}
}

func TestJolietUnique(t *testing.T) {
	var nodes []node
	for _, name := range []string{"a?", "a*", "a_", strings.Repeat("y", 70) + ".txt", strings.Repeat("y", 71) + ".txt"} {
		nodes = append(nodes, node{name: name, attr: &attr{mode: modeRegular}})
	}
	list, err := jolietNames(nodes, jolietLength)
	require.NoError(t, err)
	var got []string
	for _, n := range list {
		got = append(got, escapeUCS2([]byte(n.id)))
	}
	require.Equal(t, []string{"a_", "a_0", "a_1", strings.Repeat("y", 60) + ".txt", strings.Repeat("y", 59) + "0.txt"}[:3], got[:3])
	require.ElementsMatch(t, []string{strings.Repeat("y", 60) + ".txt", strings.Repeat("y", 59) + "0.txt"}, got[3:])
}

func TestEscapeUCS2(t *testing.T) {
	for _, test := range []struct{ ucs2, want string }{
		{"\x00a\x20\xac", "a€"},
		{"\xd8\x3d\xde\x00", "😀"},
		{"\xd8\x3d\x00x", `\ud83dx`},
		{"\xde\x00", `\ude00`},
		{"\x00\\\x00x\x004\x001", `\x5cx41`},
		{"\x00a\x00", "a"},
	} {
		require.Equal(t, test.want, escapeUCS2([]byte(test.ucs2)))
	}
}

func TestDates(t *testing.T) {
	for _, at := range []time.Time{testTime, time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2155, 12, 31, 23, 59, 59, 0, time.UTC)} {
		require.True(t, fitsShort(instantOf(at)))
		require.True(t, at.Equal(shortDate(appendShortDate(nil, instantOf(at)))))
		require.True(t, at.Equal(longDate(appendLongDate(nil, instantOf(at)))))
	}
	zone := shortDate([]byte{124, 2, 29, 12, 34, 56, 4})
	require.True(t, time.Date(2024, 2, 29, 11, 34, 56, 0, time.UTC).Equal(zone), zone)
	early := instantOf(time.Date(1899, 1, 2, 3, 4, 5, 0, time.UTC))
	require.False(t, fitsShort(early))
	require.Equal(t, 1900, shortDate(appendShortDate(nil, early)).Year())
	require.Equal(t, 9999, longDate(appendLongDate(nil, 1<<59)).Year())
	require.Equal(t, 1, longDate(appendLongDate(nil, -1<<59)).Year())
	for _, none := range []string{"0000000000000000\x00", "20241301000000000", "2024-1010000000000"} {
		require.True(t, longDate([]byte(none)).IsZero(), none)
	}
	require.True(t, shortDate(make([]byte, 7)).IsZero())
}

func TestTargets(t *testing.T) {
	for _, target := range []string{
		"", "a", "/", "/a", "//", "//a", "a/", "a//b", "./..", ".", "..", "...", "/./../x", strings.Repeat("a", 248), strings.Repeat("b", 249),
		strings.Repeat("c", 250), strings.Repeat("d", 1000), strings.Repeat("ab/", 1300), strings.Repeat("e", 120) + "/" + strings.Repeat("f", 130) + "/g",
	} {
		var got targetReader
		for b := appendTarget(nil, target); len(b) > 0; b = b[b[2]:] {
			require.Equal(t, "SL", string(b[:2]))
			require.NoError(t, got.add(field{data: b[fieldHeader:b[2]]}))
		}
		require.Equal(t, target, string(got.text))
	}
}

func TestPack(t *testing.T) {
	fields := bytes.Repeat(appendName(nil, strings.Repeat("n", 200)), 30) // three sectors
	for _, before := range []int64{0, 100, 2000, 2048} {
		var out bytes.Buffer
		w := continuationWriter{out: &out, start: 7, size: before, written: before}
		system, err := w.pack(nil, fields, systemRoom(12))
		require.NoError(t, err)
		image := append(make([]byte, 7*sectorSize+before), out.Bytes()...)
		image = append(image, make([]byte, sectorSize)...)
		f, err := testFS(image)
		require.NoError(t, err)
		var got []byte
		for fd, err := range f.fields(system, 0) {
			require.NoError(t, err)
			got = appendField(got, string(fd.signature[:]), fd.data...)
		}
		require.Equal(t, fields, got)
		require.EqualValues(t, w.size, w.written)
	}
}

func TestModes(t *testing.T) {
	for posix, want := range map[uint32]string{
		0100644: "-rw-r--r--", 0040755: "drwxr-xr-x", 0120777: "Lrwxrwxrwx", 0060660: "Drw-rw----", 0020620: "Dcrw--w----",
		0010600: "prw-------", 0140700: "Srwx------", 0107777: "ugtrwxrwxrwx",
	} {
		mode, ok := fileMode(posix)
		require.True(t, ok)
		require.Equal(t, want, mode.String())
		back, ok := posixMode(mode)
		require.True(t, ok)
		require.Equal(t, posix, back)
	}
	_, ok := fileMode(0777)
	require.False(t, ok)
}

func TestDeviceNumber(t *testing.T) {
	for _, test := range [][4]uint32{{0, 0x0501, 5, 1}, {0, 7, 0, 7}, {259, 70000, 259, 70000}} {
		major, minor := deviceNumber(test[0], test[1])
		require.Equal(t, [2]uint32{test[2], test[3]}, [2]uint32{major, minor})
	}
}

// TestHost writes the host's own files.
func TestHost(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(dir+"/one", []byte("two names"), 0o600))
	require.NoError(t, os.Link(dir+"/one", dir+"/two"))
	image, report, err := written(os.DirFS(dir))
	require.NoError(t, err)
	require.NoError(t, report.Err())
	got, err := opened(image)
	require.NoError(t, err)
	one, err := got.Stat("one")
	require.NoError(t, err)
	two, err := got.Stat("two")
	require.NoError(t, err)
	if runtime.GOOS != "linux" {
		t.Skip("hard links of the host are known on Linux only")
	}
	require.Equal(t, one.Sys().(*Sys).Unix().Inode, two.Sys().(*Sys).Unix().Inode)
	require.EqualValues(t, 2, two.Sys().(*Sys).Unix().Links)
	require.EqualValues(t, 9, report.Data)
}
