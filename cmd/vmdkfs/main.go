// Command vmdkfs reads files out of the disks of virtual machines.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
)

func main() {
	// Nearly all of what is allocated is short-lived: the entries of a walk,
	// a file's inode. Collecting it when the heap has grown by a fixed amount,
	// rather than at each doubling of a few megabytes, saves most collections
	// and stays far below what the caches of the layers may take.
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetGCPercent(400)
		debug.SetMemoryLimit(40 << 20)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}
