package slab

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOf(t *testing.T) {
	var s Of[int]
	var all []*int
	for i := range 1000 {
		p := s.New()
		require.Zero(t, *p)
		*p = i
		all = append(all, p)
	}
	for i, p := range all {
		require.Equal(t, i, *p)
	}
}

func TestStrings(t *testing.T) {
	var s Strings
	var got, want []string
	for i := range 3000 {
		text := strings.Repeat(string(rune('a'+i%26)), i%300)
		b := []byte(text)
		got = append(got, s.Of(b), s.Join(text, "/", text))
		clear(b) // it was copied
		want = append(want, text, text+"/"+text)
	}
	require.Equal(t, want, got)
	require.Empty(t, s.Join())
	require.Less(t, testing.AllocsPerRun(1000, func() { s.Join("usr/share", "/", "doc") }), 0.1)
}
