package vnode

import (
	"errors"
	"io/fs"
	"path"
	"strings"
)

// maxLinks is how many symbolic links one path may go through, as on Linux;
// it ends loops.
const maxLinks = 40

var (
	errNotDir       = errors.New("not a directory")
	errIsDir        = errors.New("is a directory")
	errAddressSpace = errors.New("larger than the address space of this process")
	errManyHops     = errors.New("too many levels of symbolic links")
)

// resolve returns the node at name, a valid path of io/fs. Links are followed
// inside the file system only: an absolute target starts at its root, and ".."
// does not lead above it. The last element is followed when follow is set.
func (f *FS) resolve(name string, follow bool) (Node, error) {
	if !fs.ValidPath(name) {
		return nil, fs.ErrInvalid
	}
	if name == "." {
		return f.root, nil
	}
	var node Node = f.root
	above := make([]Dir, 0, 16) // the directories above node, from the root on
	links := 0
	for rest := name; rest != ""; {
		var elem string
		elem, rest, _ = strings.Cut(rest, "/")
		if elem == "" || elem == "." {
			continue
		}
		if m, ok := node.(Mount); ok {
			sub, err := m.Mounted()
			if err != nil {
				return nil, err
			}
			// What links have left in rest may hold "..", which a path of
			// io/fs may not; it cannot lead out of the mounted volume anyway.
			below := strings.TrimPrefix(path.Clean("/"+elem+"/"+rest), "/")
			if below == "" {
				below = "."
			}
			return sub.resolve(below, follow)
		}
		dir, ok := node.(Dir)
		if !ok {
			return nil, errNotDir
		}
		if elem == ".." {
			if len(above) > 0 {
				node, above = above[len(above)-1], above[:len(above)-1]
			}
			continue
		}
		next, err := dir.Lookup(elem)
		if err != nil {
			return nil, err
		}
		link, ok := next.(Link)
		if !ok || (rest == "" && !follow) {
			node, above = next, append(above, dir)
			continue
		}
		if links++; links > maxLinks {
			return nil, errManyHops
		}
		target, err := followed(link)
		if err != nil {
			return nil, err
		}
		if strings.HasPrefix(target, "/") {
			node, above = f.root, above[:0]
		}
		rest = target + "/" + rest
	}
	return mounted(node)
}

// followed returns the path that a link leads to.
func followed(link Link) (string, error) {
	if r, ok := link.(Redirect); ok {
		return r.Path()
	}
	return link.Target()
}

// mounted returns the root of the file system on node, if it is a mount, or
// node itself.
func mounted(node Node) (Node, error) {
	m, ok := node.(Mount)
	if !ok {
		return node, nil
	}
	sub, err := m.Mounted()
	if err != nil {
		return nil, err
	}
	return mounted(sub.root)
}
