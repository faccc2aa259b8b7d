//go:build !linux

package main

import "runtime"

// peakMemory returns what the runtime has got from the system, in bytes: it
// gives little back, and this needs nothing of any one system.
func peakMemory() int64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.Sys)
}
