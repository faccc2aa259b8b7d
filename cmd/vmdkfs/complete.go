package main

import (
	"io/fs"
	"path"
	"strings"

	"github.com/spf13/cobra"
)

// complete completes IMAGE as a file of this machine, and what follows as a
// path in the image.
func (a *app) complete(_ *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return nil, cobra.ShellCompDirectiveDefault
	}
	file, err := a.choose(args[0])
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	d, err := a.open(file, a.options()...)
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	defer d.Close()
	dir, base := path.Split(word)
	var fsys fs.ReadDirFS = d
	at := path.Clean("./" + dir)
	if strings.HasPrefix(dir, "/") {
		g, err := d.Guest()
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		fsys, at = g, g.Path(dir)
	}
	entries, _ := fsys.ReadDir(at) // what can be listed is enough to choose from
	var words []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), base) && printable(e.Name()) == e.Name() {
			name := dir + e.Name()
			if e.IsDir() {
				name += "/"
			}
			words = append(words, name)
		}
	}
	return words, cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
}
