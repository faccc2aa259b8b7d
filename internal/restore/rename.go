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
	now := replaceNames(data, path.Dir(f.Name), renamed)
	if ext := strings.ToLower(path.Ext(f.Name)); ext == ".vmx" || ext == ".vmtx" {
		now = displayName.ReplaceAllFunc(now, func(line []byte) []byte {
			return bytes.Replace(line, []byte(`"`+from+`"`), []byte(`"`+to+`"`), 1)
		})
	}
	switch {
	case bytes.Equal(now, data):
	case !isASCII(to) && !utf8Text.Match(data):
		return failed(layer.ErrUnsupported, f.Name, "the name %q in a text of another encoding than UTF-8", to)
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

var (
	displayName = regexp.MustCompile(`(?im)^[ \t]*displayname[ \t]*=.*$`)
	utf8Text    = regexp.MustCompile(`(?im)^[ \t]*\.?encoding[ \t]*=[ \t]*"?utf-?8`)
)

func isASCII(s string) bool { return strings.IndexFunc(s, func(r rune) bool { return r >= 0x80 }) < 0 }

// replaceNames returns text with the new names of the files that it, lying in
// dir, names.
func replaceNames(text []byte, dir string, renamed map[string]string) []byte {
	return quotes.ReplaceAllFunc(text, func(q []byte) []byte {
		value := string(q[1 : len(q)-1])
		base := baseName(value)
		name, ok := inside(dir, value)
		if !ok { // the parent of a chain that was copied lies beside its snapshot
			name = path.Join(dir, base)
		}
		now, found := renamed[name]
		if !found {
			return q
		}
		return []byte(string(q[0]) + strings.TrimSuffix(value, base) + now + string(q[len(q)-1]))
	})
}
