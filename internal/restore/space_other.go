//go:build !linux && !darwin && !freebsd && !windows

package restore

import "os"

// freeSpace returns how many bytes may still be written, and whether that is
// known: on this system it is not.
func freeSpace(*os.Root) (int64, bool) { return 0, false }
