package main

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// tests are what find looks for. All must hold.
type tests struct {
	names, paths []*regexp.Regexp // each of which must match
	types        string           // letters, one of which must be right; empty for any
	infos        []func(fs.FileInfo) bool
	needInfo     bool
}

// A testFlag is a flag that adds to tests.
type testFlag struct {
	kind string // of its value, for help
	set  func(value string) error
	text string
}

func (f *testFlag) Set(value string) error {
	f.text = value
	return f.set(value)
}
func (f *testFlag) String() string { return f.text }
func (f *testFlag) Type() string   { return f.kind }

// add adds the flags of the tests.
func (t *tests) add(flags *pflag.FlagSet) {
	flag := func(name, kind, usage string, set func(string) error) {
		flags.Var(&testFlag{kind: kind, set: set}, name, usage)
	}
	flag("name", "GLOB", "the name matches", func(v string) error { return t.glob(&t.names, v, "") })
	flag("iname", "GLOB", "the name matches in any case", func(v string) error { return t.glob(&t.names, v, "(?i)") })
	flag("path", "GLOB", "the whole path matches", func(v string) error { return t.glob(&t.paths, v, "") })
	flag("regex", "REGEXP", "the whole path matches", func(v string) error {
		r, err := regexp.Compile(`^(?s:` + v + `)$`)
		t.paths = append(t.paths, r)
		return err
	})
	flag("type", "f|d|l|p|s|b|c", "it is a file, directory, link, pipe, socket, block or character device; several letters for any of them", func(v string) error {
		if v == "" || strings.Trim(v, "fdlpsbc,") != "" {
			return errors.New("not letters of f, d, l, p, s, b, c")
		}
		t.types += strings.ReplaceAll(v, ",", "")
		return nil
	})
	moment := func(keep func(file, limit time.Time) bool) func(string) error {
		return func(v string) error {
			limit, err := parseTime(v, time.Now())
			t.info(func(i fs.FileInfo) bool { return !i.ModTime().IsZero() && keep(i.ModTime(), limit) })
			return err
		}
	}
	flag("newer", "TIME", "it was modified after", moment(time.Time.After))
	flag("older", "TIME", "it was modified before", moment(time.Time.Before))
	size := func(keep func(file, limit int64) bool) func(string) error {
		return func(v string) error {
			limit, err := parseSize(v)
			t.info(func(i fs.FileInfo) bool { return i.Mode().IsRegular() && keep(i.Size(), limit) })
			return err
		}
	}
	flag("larger", "SIZE", "it is a file with more bytes", size(func(file, limit int64) bool { return file > limit }))
	flag("smaller", "SIZE", "it is a file with fewer bytes", size(func(file, limit int64) bool { return file < limit }))
	flag("user", "UID", "it belongs to the user of that number", func(v string) error {
		uid, err := strconv.ParseUint(v, 10, 32)
		t.info(func(i fs.FileInfo) bool {
			unix, ok := unixOf(i)
			return ok && uint64(unix.UID) == uid
		})
		return err
	})
}

func (t *tests) info(test func(fs.FileInfo) bool) {
	t.infos, t.needInfo = append(t.infos, test), true
}

// glob adds the expression for a pattern of the shell to list.
func (t *tests) glob(list *[]*regexp.Regexp, pattern, flags string) error {
	r, err := globExpression(pattern, flags)
	*list = append(*list, r)
	return err
}

// named reports whether the tests hold that need nothing but a name and a type. Names
// are compared as they are shown, without the guest's leading slash.
func (t *tests) named(name, path string, kind fs.FileMode) bool {
	for _, r := range t.names {
		if !r.MatchString(name) {
			return false
		}
	}
	for _, r := range t.paths {
		if !r.MatchString(path) && !r.MatchString("/"+path) {
			return false
		}
	}
	for i := range len(t.types) {
		if ofType(kind, t.types[i]) {
			return true
		}
	}
	return t.types == ""
}

// described reports whether the tests hold that need more.
func (t *tests) described(info fs.FileInfo) bool {
	for _, holds := range t.infos {
		if !holds(info) {
			return false
		}
	}
	return true
}

// globExpression returns the regular expression for a pattern of the shell.
func globExpression(pattern, flags string) (*regexp.Regexp, error) {
	var b strings.Builder
	b.WriteString("^(?s)" + flags)
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; c {
		case '*':
			b.WriteString(".*")
		case '?':
			b.WriteByte('.')
		case '\\':
			if i++; i == len(pattern) {
				return nil, errors.New("it ends with a backslash")
			}
			b.WriteString(regexp.QuoteMeta(pattern[i : i+1]))
		case '[':
			end := strings.IndexByte(pattern[i+1:], ']')
			if end == 0 || end == 1 && strings.ContainsRune("!^", rune(pattern[i+1])) { // a first ] is one of the set
				if more := strings.IndexByte(pattern[i+end+2:], ']'); more >= 0 {
					end += more + 1
				} else {
					end = -1
				}
			}
			if end < 0 {
				return nil, errors.New("a [ without its ]")
			}
			set := pattern[i+1:][:end]
			i += end + 1
			b.WriteByte('[')
			if set[0] == '!' || set[0] == '^' {
				b.WriteByte('^')
				set = set[1:]
			}
			b.WriteString(strings.NewReplacer(`\`, `\\`, `[`, `\[`, `]`, `\]`).Replace(set))
			b.WriteByte(']')
		default:
			b.WriteString(regexp.QuoteMeta(pattern[i : i+1]))
		}
	}
	b.WriteByte('$')
	return regexp.Compile(b.String())
}

// parseTime returns the moment that text names, or that is so long before now.
func parseTime(text string, now time.Time) (time.Time, error) {
	for _, layout := range []string{time.DateOnly, time.RFC3339Nano, "2006-01-02T15:04:05", time.DateTime, "2006-01-02 15:04", "2006-01-02T15:04"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil {
			return now.AddDate(0, 0, -int(n)), nil
		}
	}
	if ago, err := time.ParseDuration(text); err == nil && ago >= 0 {
		return now.Add(-ago), nil
	}
	return time.Time{}, fmt.Errorf("%q is no time as 2026-11-17, 2026-11-17T08:00:00Z, 36h or 7d", text)
}

// parseSize returns the number of bytes that text names.
func parseSize(text string) (int64, error) {
	digits, shift := text, 0
	if n := len(text); n > 0 {
		if i := strings.IndexByte("kMGT", text[n-1]); i >= 0 {
			digits, shift = text[:n-1], 10*(i+1)
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 0 || n > (1<<63-1)>>shift {
		return 0, fmt.Errorf("%q is no size as 4096, 10k, 100M, 2G", text)
	}
	return n << shift, nil
}
