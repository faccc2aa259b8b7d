package vmdkfs

import (
	"io/fs"
	"path"
	"strings"
	"testing"
)

// FuzzFstab: what a line of fstab mounts is an absolute path, and never one
// that leads out of the guest.
func FuzzFstab(f *testing.F) {
	f.Add("UUID=0a-b / ext4 defaults 0 1\n/dev/mapper/vg-a\\040b /a\\040b/../c xfs noauto,bind")
	f.Add("LABEL=\"x\" \\057..\\057.. ext3\n\\134x /\\000 \\777")
	f.Fuzz(func(t *testing.T, text string) {
		for _, l := range parseFstab(text) {
			if !path.IsAbs(l.target) || l.target != path.Clean(l.target) || strings.Contains(l.target+"/", "/../") {
				t.Fatalf("%q mounts at %q", text, l.target)
			}
			if p := strings.TrimPrefix(l.target, "/"); p != "" && strings.Trim(p, "/") != "" && !fs.ValidPath(p) && strings.ToValidUTF8(p, "") == p {
				t.Fatalf("%q is no path", p)
			}
			l.local()
		}
	})
}
