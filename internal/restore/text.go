package restore

import (
	"errors"
	"io/fs"
	"iter"
	"path"
	"regexp"
	"strings"
)

// maxText is the largest file that is taken for a text to rewrite: that of a
// machine with many snapshots has some hundred thousand bytes.
const maxText = 4 << 20

// text returns the content of a small file.
func (p *planner) text(name string) ([]byte, error) {
	info, err := fs.Stat(p.fsys, name)
	if err == nil && info.Size() > maxText {
		err = errors.New("too large for a text")
	}
	if err != nil {
		return nil, err
	}
	return fs.ReadFile(p.fsys, name)
}

// isText reports whether a file is a text of a machine, no disk.
func isText(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".vmx", ".vmtx", ".vmsd", ".vmxf":
		return true
	}
	return false
}

// valuePattern matches what names stand in: quotes, the tags of a .vmxf, or nothing at
// all, as VMware's programs do not write but read.
var valuePattern = regexp.MustCompile(`"([^"\r\n]*)"|>([^<>\r\n]+)<|(?m:=[ \t]*([^"\s][^"\r\n]*?)[ \t]*\r?$)`)

// values yields where the values in a text begin and end.
func values(text []byte) iter.Seq2[int, int] {
	return func(yield func(begin, end int) bool) {
		for _, m := range valuePattern.FindAllSubmatchIndex(text, -1) {
			if !yield(max(m[2], m[4], m[6]), max(m[3], m[5], m[7])) { // the one that matched: others are -1
				return
			}
		}
	}
}

// namesIn yields what may be names of files in a text.
func namesIn(name string, text []byte) iter.Seq[string] {
	return func(yield func(string) bool) {
		spelling := spellingOf(name, text)
		for begin, end := range values(text) {
			if !yield(spelling.read(string(text[begin:end]))) {
				return
			}
		}
	}
}

// inside returns the path in the file system of a file that one in dir names,
// and whether it lies in dir or below.
func inside(dir, name string) (string, bool) {
	name = strings.ReplaceAll(name, `\`, "/")
	if name == "" || path.IsAbs(name) || len(name) > 1 && name[1] == ':' || !fs.ValidPath(path.Clean(name)) || path.Clean(name) == "." {
		return "", false
	}
	return path.Join(dir, name), true
}

// baseName returns the last element of a path of any system.
func baseName(name string) string { return name[strings.LastIndexAny(name, `/\:`)+1:] }
