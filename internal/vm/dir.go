package vm

import (
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/vmdkfs/vmdkfs/layer"
)

// find returns what to open in a directory: its one configuration, else its
// one package, else the one disk that no other disk there is made of.
func find(fsys fs.FS, dir string) (string, error) {
	entries, err := fs.ReadDir(fsys, dir)
	if err != nil {
		return "", layer.Errorf(err, "vm", dir, -1, "")
	}
	byExt := make(map[string][]string)
	for _, e := range entries {
		if !e.IsDir() && noDisk(e.Name()) == "" {
			ext := strings.ToLower(path.Ext(e.Name()))
			byExt[ext] = append(byExt[ext], path.Join(dir, e.Name()))
		}
	}
	for _, list := range [][]string{
		append(byExt[".vmx"], byExt[".vmtx"]...),
		append(byExt[".ova"], byExt[".ovf"]...),
		topDisks(fsys, byExt[".vmdk"]),
	} {
		switch len(list) {
		case 0:
			continue
		case 1:
			return list[0], nil
		}
		slices.Sort(list)
		return "", failed(layer.ErrFormat, dir, "a directory with several to choose from: %s", strings.Join(bases(list), ", "))
	}
	return "", failed(layer.ErrFormat, dir, "a directory without a virtual machine: no .vmx, .ova, .ovf or .vmdk")
}

func bases(list []string) []string {
	names := make([]string, len(list))
	for i, p := range list {
		names[i] = path.Base(p)
	}
	return names
}

// topDisks returns those of the .vmdk files that are no extent and no parent
// of another one, and no change tracking.
func topDisks(fsys fs.FS, files []string) []string {
	below := make(map[string]bool)
	for _, name := range files {
		below[name] = below[name] || strings.HasSuffix(strings.ToLower(name), "-ctk.vmdk")
		for _, used := range usedBy(fsys, name) {
			if p, err := resolve(path.Dir(name), used); err == nil && p != name {
				below[p] = true
			}
		}
	}
	return slices.DeleteFunc(files, func(name string) bool { return below[name] })
}

// descriptorSize is how much of a file is searched for its descriptor: that of
// a sparse disk lies behind its header, in some ten thousand bytes.
const descriptorSize = 64 << 10

// usedBy returns the files that the descriptor of a disk names. It only serves
// to choose among disks: whatever it misses leaves more to choose from.
func usedBy(fsys fs.FS, name string) []string {
	f, err := fsys.Open(name)
	if err != nil {
		return nil // as opening it will tell
	}
	defer f.Close()
	head, err := io.ReadAll(io.LimitReader(f, descriptorSize))
	if err != nil || !strings.HasPrefix(string(head), "KDMV") && !strings.Contains(string(head[:min(len(head), 512)]), "# Disk DescriptorFile") {
		return nil
	}
	var names []string
	for line := range strings.Lines(string(head)) {
		if _, rest, ok := strings.Cut(line, `"`); ok {
			used, _, _ := strings.Cut(rest, `"`)
			names = append(names, used)
		}
	}
	return names
}
