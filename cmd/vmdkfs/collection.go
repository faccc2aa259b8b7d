package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// heapLimit is how far the heap of most runs may grow before it is collected.
const heapLimit = 40 << 20

// tuneCollection has the heap collected when it has grown by a fixed amount,
// rather than at each doubling of a few megabytes: nearly all of what is
// allocated is short-lived, the entries of a walk, a file's inode. It stays far
// below what the caches of the layers may take. Where more than that is in use,
// as for an ISO image of a million files, the limit goes with it; the collector
// would take half of the time otherwise to stay below what cannot be met.
//
// Who has said in the environment what the collector is to do is not overruled.
func tuneCollection() {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	debug.SetGCPercent(400)
	debug.SetMemoryLimit(heapLimit)
	afterCollections(func() {
		live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		metrics.Read(live)
		limit := max(heapLimit, int64(live[0].Value.Uint64())/4*5+heapLimit/4)
		if limit != debug.SetMemoryLimit(-1) {
			debug.SetMemoryLimit(limit)
		}
	})
}

// afterCollections calls do after each collection.
func afterCollections(do func()) {
	mark := &struct{ self any }{} // with a pointer, so that it shares no memory with what lives longer
	runtime.AddCleanup(mark, func(do func()) {
		do()
		afterCollections(do)
	}, do)
}
