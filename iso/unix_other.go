//go:build !linux

package iso

import (
	"io/fs"

	"github.com/vmdkfs/vmdkfs/layer"
)

// hostUnix knows nothing of the host's files: what os.Stat returns differs
// from system to system, and the layers' own files do not need it.
func hostUnix(fs.FileInfo) (layer.Unix, bool) { return layer.Unix{}, false }
