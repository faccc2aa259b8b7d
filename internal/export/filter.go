package export

import (
	"fmt"
	"path"
	"strings"
)

// A Filter chooses files by their paths. Without an include pattern it wants
// every file, else those that match one and all that is below a directory that
// does. What matches an exclude pattern is left out in any case, a directory
// with all that it holds.
type Filter struct{ include, exclude []pattern }

// A pattern is a glob for each element of a path; "**" stands for any number of
// elements.
type pattern struct {
	elements []string
	anywhere bool // it is for the last element of a path alone
}

// NewFilter returns the filter of some globs as [path.Match] has them. One
// without a slash is compared with the name of a file, any other with its path
// relative to the source that it is in, where "**" stands for any number of
// directories. The error names what is no glob.
func NewFilter(include, exclude []string) (*Filter, error) {
	f := new(Filter)
	for list, globs := range map[*[]pattern][]string{&f.include: include, &f.exclude: exclude} {
		for _, glob := range globs {
			p, err := newPattern(glob)
			if err != nil {
				return nil, err
			}
			*list = append(*list, p)
		}
	}
	return f, nil
}

func newPattern(glob string) (pattern, error) {
	trimmed := strings.TrimSuffix(glob, "/")
	p := pattern{strings.Split(strings.TrimPrefix(trimmed, "/"), "/"), !strings.Contains(trimmed, "/")}
	for _, e := range p.elements {
		if _, err := path.Match(e, "x"); err != nil || e == "" {
			return p, fmt.Errorf("%q is no pattern for paths", glob)
		}
	}
	return p, nil
}

func (p pattern) matches(rel string) bool {
	if p.anywhere {
		return match(p.elements, []string{path.Base(rel)})
	}
	return match(p.elements, strings.Split(rel, "/"))
}

func match(globs, elements []string) bool {
	for ; len(globs) > 0; globs, elements = globs[1:], elements[1:] {
		if globs[0] == "**" {
			for i := range len(elements) + 1 {
				if match(globs[1:], elements[i:]) {
					return true
				}
			}
			return false
		}
		if len(elements) == 0 {
			return false
		}
		if ok, _ := path.Match(globs[0], elements[0]); !ok {
			return false
		}
	}
	return len(elements) == 0
}

func anyMatches(list []pattern, rel string) bool {
	for _, p := range list {
		if p.matches(rel) {
			return true
		}
	}
	return false
}
