package lvm

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// tree turns a section into maps, to be compared.
func tree(s *section) map[string]any {
	m := make(map[string]any)
	for _, e := range s.entries {
		if sub, ok := e.value.(*section); ok {
			m[e.key] = tree(sub)
		} else {
			m[e.key] = e.value
		}
	}
	return m
}

type m = map[string]any

// grammarTexts are texts with what they mean.
var grammarTexts = map[string]m{
	"":                              {},
	" \t\r\n\v\f# only this":        {},
	"a=1":                           {"a": int64(1)},
	"a = -12 b = +7 c = 0012 d = 0": {"a": int64(-12), "b": int64(7), "c": int64(10), "d": int64(0)},
	"a = 9223372036854775807":       {"a": int64(9223372036854775807)},
	"a = 1.5 b = .25 c = -2.":       {"a": 1.5, "b": .25, "c": -2.0},
	`a = ""`:                        {"a": ""},
	`a = "b c" # d = 1`:             {"a": "b c"},
	`a = "\"b\" \\ \n"`:             {"a": `"b" \ \n`},
	`a = "two` + "\n" + `lines"`:    {"a": "two\nlines"},
	`a = "# { } [ ] = ,"`:           {"a": "# { } [ ] = ,"},
	`a = 'b\c"d'`:                   {"a": `b\c"d`},
	`a = word/with-@`:               {"a": "word/with-@"},
	`a = []`:                        {"a": []any{}},
	`a = [1, "b", 2.5, c ]`:         {"a": []any{int64(1), "b", 2.5, "c"}},
	`a[0],"b" = 1`:                  {`a[0],"b"`: int64(1)},
	// LVM before 2.02.169 wrote such a time on 32 bits.
	"creation_time = 18446744072000000000 b = 1": {"creation_time": nil, "b": int64(1)},
	"a = [1, # one\n 2, # two\n 3,]":             {"a": []any{int64(1), int64(2), int64(3)}},
	"a { b = 1 c { } } d = 2":                    {"a": m{"b": int64(1), "c": m{}}, "d": int64(2)},
	"a{b{c{d=1}}}":                               {"a": m{"b": m{"c": m{"d": int64(1)}}}},
	`"quoted key" = 1 'single' { }`:              {"quoted key": int64(1), "single": m{}},
	"a#comment\n=#comment\n1":                    {"a": int64(1)},
	"a = 1\x00 b = {":                            {"a": int64(1)},
	"a.b-c_d+e = 1":                              {"a.b-c_d+e": int64(1)},
	"1a { 2 = 3 }":                               {"1a": m{"2": int64(3)}},
	strings.Repeat("a {", maxNesting) + strings.Repeat("}", maxNesting): nest(maxNesting),
}

func TestParseText(t *testing.T) {
	for text, want := range grammarTexts {
		s, err := parseText(text)
		require.NoError(t, err, text)
		require.Equal(t, want, tree(s), text)
	}
}

// nest returns n sections within each other.
func nest(n int) map[string]any {
	if n == 0 {
		return map[string]any{}
	}
	return map[string]any{"a": nest(n - 1)}
}

// grammarErrors are texts that are refused, with what is said of them.
var grammarErrors = map[string]string{
	"a":                       `neither = nor { behind "a" at byte 1`,
	"a =":                     "end where a word or a value is expected at byte 3",
	"a = }":                   `'}' where a word`,
	"a = 1 }":                 `'}' where a word or a value is expected at byte 6`,
	"= 1":                     `'=' where a word`,
	`"" = 1`:                  "no key at byte 0",
	"a {":                     "section without an end at byte 3",
	"a { b = 1":               "section without an end",
	"a = [1, 2":               "array without an end at byte 4",
	"a = [[1]]":               `'[' where a word`,
	"a = [,]":                 `',' where a word`,
	"a = [{}]":                `'{' where a word`,
	`a = "b`:                  "string without an end at byte 4",
	`a = "b\`:                 "string without an end",
	`a = "b\"`:                "string without an end",
	`a = 'b`:                  "string without an end",
	"a = [1 2]":               "no comma between the values of an array at byte 7",
	"a = -":                   `number "-"`,
	"a = +.":                  `number "+."`,
	"a = 1.2.3":               `number "1.2.3"`,
	"a=1 a=2":                 `second "a" in the section at byte 0`,
	"a{b=1 b{}}":              `second "b"`,
	"a = 9223372036854775808": `number "9223372036854775808"`,
	"a = [creation_time , 99999999999999999999]": `number "99999999999999999999"`,
	"creation_time = 1.2.3":                      `number "1.2.3"`,
	"a = 09":                                     `number "09"`,
	strings.Repeat("a {", maxNesting+1):          "more than 16 nested sections",
	strings.Repeat("a { # x\n", 1_000_000):       "more than 16 nested sections",
	"a = [" + strings.Repeat("1,", 1_000_000):    "more than 262144 values in an array",
}

func TestParseTextErrors(t *testing.T) {
	for text, want := range grammarErrors {
		_, err := parseText(text)
		require.ErrorContains(t, err, want, text[:min(len(text), 40)])
	}
}

func TestDecoder(t *testing.T) {
	s, err := parseText(`name = "x" n = 3 negative = -1 list = ["a", "b"] one = "c" mixed = ["a", 1] at = 1700000000
		id = "bad" pairs = ["pv0", 7, "pv1", 0] odd = ["pv0"] swapped = [1, "a"] sub { n = 1 }`)
	require.NoError(t, err)
	d := decode(s)
	require.Equal(t, "x", d.text("name"))
	require.Equal(t, "", d.optionalText("none"))
	require.EqualValues(t, 3, d.count("n"))
	require.EqualValues(t, 0, d.optionalCount("none"))
	require.Equal(t, []string{"a", "b"}, d.list("list"))
	require.Equal(t, []string{"c"}, d.list("one"))
	require.Empty(t, d.list("none"))
	require.Equal(t, time.Unix(1700000000, 0).UTC(), d.time("at"))
	require.True(t, d.time("negative").IsZero())
	require.Equal(t, []stripeText{{"pv0", 7}, {"pv1", 0}}, d.stripes("pairs"))
	require.Len(t, s.sub("sub").entries, 1)
	require.Empty(t, s.sub("name").entries)
	require.NoError(t, d.err)

	for want, use := range map[string]func(d *decoder){
		`no string "n"`:              func(d *decoder) { d.text("n") },
		`no number "name"`:           func(d *decoder) { d.count("name") },
		`no number "negative"`:       func(d *decoder) { d.optionalCount("negative") },
		`"mixed" holds 1, no string`: func(d *decoder) { d.list("mixed") },
		`"n" is no array`:            func(d *decoder) { d.list("n") },
		`id "bad" is no UUID`:        func(d *decoder) { d.uuid() },
		`no array of pairs "odd"`:    func(d *decoder) { d.stripes("odd") },
		`no array of pairs "none"`:   func(d *decoder) { d.stripes("none") },
		`"swapped" holds 1, a`:       func(d *decoder) { d.stripes("swapped") },
	} {
		d := decode(s)
		use(d)
		d.count("also missing") // the first error stays
		require.EqualError(t, d.err, want)
	}
}
