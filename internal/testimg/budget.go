package testimg

import (
	"runtime"
	"runtime/debug"
	"testing"
)

// hostileMemory is by how much an image may let the heap grow.
const hostileMemory = 64 << 20

// WithinBudget fails the test when do lets the heap grow by more than any image
// below a gigabyte may.
func WithinBudget(tb testing.TB, do func()) {
	tb.Helper()
	defer limitMemory()()
	withinBudget(tb, do)
}

// limitMemory has garbage collected before it alone can take the budget, until
// the function that it returns is called.
func limitMemory() (restore func()) {
	debug.FreeOSMemory()
	before := debug.SetMemoryLimit(int64(memory().HeapAlloc) + hostileMemory*3/4)
	return func() { debug.SetMemoryLimit(before) }
}

func withinBudget(tb testing.TB, do func()) {
	tb.Helper()
	before := memory()
	do()
	after := memory()
	if after.TotalAlloc-before.TotalAlloc > hostileMemory && after.HeapSys > before.HeapSys+hostileMemory {
		tb.Errorf("its heap grew from %d to %d MiB", before.HeapSys>>20, after.HeapSys>>20)
	}
}

func memory() (m runtime.MemStats) {
	runtime.ReadMemStats(&m)
	return m
}
