package lvm

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// stricter are the reasons for which texts are refused that LVM's parser takes:
// there it is the first of two values that counts, half a number, a string that
// loses its last character.
var stricter = regexp.MustCompile(`^(second ".*" in the section|number ".*"|string without an end|more than \d+ nested sections)`)

// parseLikeLVM parses texts and has LVM's own parser do so too: what both take,
// they must understand alike, and what only one takes is for a reason that is
// known. It returns how many texts both have taken.
func parseLikeLVM(t *testing.T, texts []string) int {
	t.Helper()
	var request [][]byte
	for _, text := range texts {
		request = append(request, []byte(text))
	}
	input, err := json.Marshal(request)
	require.NoError(t, err)
	c := exec.Command("python3", "libdm.py")
	c.Stdin = bytes.NewReader(input)
	out, err := c.Output()
	if err != nil {
		t.Skipf("python3 and libdevmapper1.02.1, LVM's parser: %v", err)
	}
	var replies [][]any
	require.NoError(t, json.Unmarshal(out, &replies))
	require.Len(t, replies, len(texts))
	taken := 0
	for i, text := range texts {
		s, err := parseText(text)
		switch theirs := replies[i]; {
		case err == nil && len(s.entries) == 0: // of which LVM says that there is nothing to parse
			require.Empty(t, theirs, text)
		case err == nil:
			require.NotNil(t, theirs, "LVM refuses %q", text)
			require.Equal(t, libdmEntries(theirs), canonical(s), text)
			taken++
		case theirs != nil:
			require.Regexp(t, stricter, err.Error(), text)
		}
	}
	return taken
}

// libdmEntries turns the entries that libdm.py writes into a text: a line for
// each, with what it is in, in order.
func libdmEntries(entries []any) string {
	var b strings.Builder
	var walk func(prefix string, entries []any)
	walk = func(prefix string, entries []any) {
		for _, e := range entries {
			key, _ := base64.StdEncoding.DecodeString(e.([]any)[0].(string))
			name := prefix + strconv.Quote(string(key))
			switch v := e.([]any)[1].(type) {
			case []any:
				fmt.Fprintln(&b, name, "{}")
				walk(name+" ", v)
			case map[string]any:
				var list []string
				for _, scalar := range v["array"].([]any) {
					kind, value := scalar.([]any)[0].(string), scalar.([]any)[1].(string)
					switch kind {
					case "string":
						data, _ := base64.StdEncoding.DecodeString(value)
						value = strconv.Quote(string(data))
					case "float":
						f, _ := strconv.ParseFloat(value, 32)
						value = fmt.Sprint(float32(f)) + "f"
					}
					list = append(list, value)
				}
				fmt.Fprintln(&b, name, "=", list)
			}
		}
	}
	walk("", entries)
	return b.String()
}

// canonical is libdmEntries of a section. LVM does not tell an array of one
// value from that value, and has sections for the parts of a/b.
func canonical(s *section) string {
	var b strings.Builder
	scalar := func(v any) string {
		switch v := v.(type) {
		case string:
			return strconv.Quote(v)
		case float64:
			return fmt.Sprint(float32(v)) + "f"
		case nil:
			return "1527120000" // the time that LVM takes for one that is out of range
		}
		return fmt.Sprint(v)
	}
	var walk func(prefix string, s *section)
	walk = func(prefix string, s *section) {
		for _, e := range s.entries {
			var name []string
			for _, part := range strings.Split(e.key, "/") {
				if name != nil {
					fmt.Fprintln(&b, prefix+strings.Join(name, " "), "{}")
				}
				name = append(name, strconv.Quote(part))
			}
			whole := prefix + strings.Join(name, " ")
			switch v := e.value.(type) {
			case *section:
				fmt.Fprintln(&b, whole, "{}")
				walk(whole+" ", v)
			case []any:
				list := []string{}
				for _, element := range v {
					list = append(list, scalar(element))
				}
				fmt.Fprintln(&b, whole, "=", list)
			default:
				fmt.Fprintln(&b, whole, "=", []string{scalar(v)})
			}
		}
	}
	walk("", s)
	return b.String()
}

// TestGrammarAgainstLVM parses the texts of all sets, those of the tests, and
// thousands that random changes make of them.
func TestGrammarAgainstLVM(t *testing.T) {
	texts := slices.Concat(slices.Sorted(maps.Keys(grammarTexts)), slices.Sorted(maps.Keys(grammarErrors)))
	texts = slices.DeleteFunc(texts, func(s string) bool { return len(s) > 100_000 || strings.Contains(s, "\x00") })
	random := rand.New(rand.NewPCG(6, 1))
	pieces := strings.Split(`= { } [ ] , # " ' \ 0 1 -7 .5 09 +a a_b "x" 'y' ["p",0] s{k=1} creation_time=99999999999999999999`+" \n", " ")
	for _, text := range slices.Clone(texts) {
		for range 40 {
			changed := text
			for range 1 + random.IntN(3) {
				at := random.IntN(len(changed) + 1)
				end := min(len(changed), at+random.IntN(3))
				changed = changed[:at] + pieces[random.IntN(len(pieces))] + changed[end:]
			}
			texts = append(texts, changed)
		}
	}
	sets, err := filepath.Glob("../testdata/lvm/*.pv0.img.gz")
	require.NoError(t, err)
	seen := make(map[string]bool)
	for _, name := range sets {
		name, _, _ = strings.Cut(filepath.Base(name), ".")
		for _, pv := range golden(t, name) {
			label, err := readLabel(pv)
			require.NoError(t, err)
			for _, area := range label.MetadataAreas {
				text, _, err := readText(pv, area)
				require.NoError(t, err)
				if text = bytes.TrimRight(text, "\x00"); len(text) > 0 && !seen[string(text)] {
					seen[string(text)] = true
					texts = append(texts, string(text))
				}
			}
		}
	}
	require.Greater(t, len(seen), 15)
	t.Logf("%d texts, of which LVM and we have taken %d", len(texts), parseLikeLVM(t, texts))
}

// TestGrammarOfLVMSource parses every text in this grammar that the sources of
// LVM2 hold: its configuration and profiles, the metadata in its documents, and
// what its tests parse. LVM2_SOURCE names where they are unpacked; they are
// under licences of their own, and not here:
//
//	apt-get source lvm2
func TestGrammarOfLVMSource(t *testing.T) {
	root := os.Getenv("LVM2_SOURCE")
	if root == "" {
		t.Skip(`LVM2_SOURCE names no unpacked source of LVM2 ("apt-get source lvm2")`)
	}
	var texts []string
	found := make(map[string]int) // by file
	add := func(name, text string) {
		texts = append(texts, text)
		found[name]++
	}
	require.NoError(t, fs.WalkDir(os.DirFS(root), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			return err
		}
		text := string(data)
		switch base := filepath.Base(name); {
		case strings.HasPrefix(name, "conf/") && (strings.Contains(base, ".conf") || strings.Contains(base, ".profile")):
			add(name, text)
		case base == "config_t.c":
			for _, s := range cStrings(text) {
				add(name, s)
			}
		default:
			for _, s := range metadataTexts(text) {
				add(name, s)
			}
		}
		return nil
	}))
	for _, name := range slices.Sorted(maps.Keys(found)) {
		t.Logf("%4d %s", found[name], name)
	}
	require.Greater(t, len(texts), 10)
	taken := parseLikeLVM(t, texts)
	t.Logf("%d texts in %d files, of which LVM and we have taken %d", len(texts), len(found), taken)
	require.Greater(t, taken, 10)
}

// cStrings returns the string literals in C, those that follow one another as
// one.
func cStrings(code string) []string {
	var list []string
	for _, run := range regexp.MustCompile(`("(?:[^"\\\n]|\\.)*"\s*)+`).FindAllString(code, -1) {
		var b strings.Builder
		for _, s := range regexp.MustCompile(`"(?:[^"\\\n]|\\.)*"`).FindAllString(run, -1) {
			if text, err := strconv.Unquote(s); err == nil {
				b.WriteString(text)
			}
		}
		list = append(list, b.String())
	}
	return list
}

// metadataTexts returns the sections of volume groups, volumes and segments in
// a text that holds other things as well.
func metadataTexts(text string) []string {
	var list []string
	for {
		at := regexp.MustCompile(`(?m)^[ \t]*[\w.+-]+[ \t]*\{[ \t]*$`).FindStringIndex(text)
		if at == nil {
			return list
		}
		rest := text[at[0]:]
		depth, end := 0, -1
		for i, c := range []byte(rest) {
			if c == '{' {
				depth++
			} else if c == '}' {
				if depth--; depth == 0 {
					end = i + 1
					break
				}
			}
		}
		if end > 0 && regexp.MustCompile(`(?m)^\s*(segment_count|extent_size|extent_count|start_extent|pe_start)\s*=`).MatchString(rest[:end]) {
			list = append(list, rest[:end])
			text = rest[end:]
			continue
		}
		text = text[cmp.Or(at[1], 1):]
	}
}
