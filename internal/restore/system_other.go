//go:build !linux

package restore

import (
	"context"
	"os"
)

// clone has to share its blocks with from, where the file system can.
func clone(to, from *os.File) bool { return false }

// dataSpans returns where the size bytes of a file are no hole: this system
// does not say it in a way that is known here.
func dataSpans(_ *os.File, size int64) ([]span, error) {
	if size == 0 {
		return nil, nil
	}
	return []span{{0, size}}, nil
}

// copyOnServer copies nothing on this system.
func copyOnServer(context.Context, *os.File, *os.File, span, func(int64)) (int64, error) {
	return 0, nil
}

// dropCache does nothing on this system.
func dropCache(*os.File) {}

// syncDir does nothing: not every system can.
func syncDir(*os.Root, string) error { return nil }
