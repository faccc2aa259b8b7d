//go:build !linux && !darwin && !freebsd

package restore

import "os"

// syncDir does nothing: Windows cannot, and of other systems it is not known.
func syncDir(*os.Root, string) error { return nil }
