package restore

import (
	"bytes"
	"path"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/vmdkfs/vmdkfs/layer"
)

var snapshotNumber = regexp.MustCompile(`-[0-9]{6}$`)

// stem returns what the names of the files of a machine begin with.
func stem(name string) string {
	base := path.Base(name)
	base = strings.TrimSuffix(base, path.Ext(base))
	return snapshotNumber.ReplaceAllString(base, "")
}

// ValidName reports whether a machine can be called so on every system, and in
// every text that names its files.
func ValidName(name string) bool {
	return name != "" && name != "." && name != ".." && utf8.ValidString(name) && !strings.ContainsAny(name, `/\"|<>:*?`) &&
		strings.IndexFunc(name, unicode.IsControl) < 0
}

// rename has all files whose names begin with from begin with to, and rewrites
// what refers to them.
func (p *planner) rename(from, to string) error {
	if !ValidName(to) {
		return failed(layer.ErrUnsupported, to, "no name for a machine")
	}
	renamed := make(map[string]string) // base names by paths
	for i, f := range p.plan.Files {
		if rest, ok := strings.CutPrefix(path.Base(f.Name), from); ok && (rest == "" || !isWord(rest[0])) {
			renamed[f.Name] = to + rest
			p.plan.Files[i].To = path.Join(path.Dir(f.Name), to+rest)
		}
	}
	for i := range p.plan.Files {
		if err := p.rewrite(&p.plan.Files[i], renamed, from, to); err != nil {
			return err
		}
	}
	return nil
}

func isWord(c byte) bool { return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z' || c >= 0x80 }

// rewrite gives a file that names others their new names.
func (p *planner) rewrite(f *File, renamed map[string]string, from, to string) error {
	data, room, err := p.descriptor(f.Name)
	if f.Last && data == nil && err == nil && isText(f.Name) {
		data, err = p.text(f.Name)
	}
	if err != nil || data == nil {
		return err
	}
	now, err := replaceNames(f.Name, data, renamed, from, to)
	if err != nil {
		return failed(layer.ErrUnsupported, f.Name, "%v", err)
	}
	switch {
	case bytes.Equal(now, data):
	case room.size == 0:
		f.Text, f.Size = now, int64(len(now))
	case int64(len(now)) > room.size:
		return failed(layer.ErrUnsupported, f.Name, "its descriptor has no room for the new names")
	default:
		f.Patch, f.PatchAt = make([]byte, room.size), room.at
		copy(f.Patch, now)
	}
	return nil
}

// displayName matches where a configuration says what the machine is called.
var displayName = regexp.MustCompile(`(?im)^[ \t]*displayname[ \t]*=[ \t]*"?$`)

// replaceNames returns the text of a file with the new names of the files that
// it names, and of the machine, which was called from.
func replaceNames(name string, text []byte, renamed map[string]string, from, to string) ([]byte, error) {
	spelling, dir := spellingOf(name, text), path.Dir(name)
	var now []byte
	done := 0
	for begin, end := range values(text) {
		value := spelling.read(string(text[begin:end]))
		base := baseName(value)
		file, ok := inside(dir, value)
		if !ok { // the parent of a chain that was copied lies beside its snapshot
			file = path.Join(dir, base)
		}
		fresh, found := renamed[file]
		switch line := text[bytes.LastIndexByte(text[:begin], '\n')+1 : begin]; {
		case found:
			fresh = strings.TrimSuffix(value, base) + fresh
		case value == from && displayName.Match(line):
			fresh = to
		default:
			continue
		}
		raw, err := spelling.write(fresh)
		if err != nil {
			return nil, err
		}
		now = append(append(now, text[done:begin]...), raw...)
		done = end
	}
	return append(now, text[done:]...), nil
}
