package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/vmdkfs/vmdkfs"
)

// with opens the disk at image, calls do, and reports what the layers have to
// say afterwards. Whatever fails is reported by the time it returns.
func (a *app) with(image string, do func(d *vmdkfs.Disk) error) error {
	a.image = image
	file, err := a.choose(image)
	if err != nil {
		a.fail(image, err)
		return errFailed
	}
	return a.withFile(file, do)
}

// withFile is with for an image that was chosen.
func (a *app) withFile(file string, do func(d *vmdkfs.Disk) error) error {
	d, err := a.open(file, a.options()...)
	if err != nil {
		a.fail(file, err)
		return errFailed
	}
	defer d.Close()
	a.opened++
	defer func() { a.opened-- }()
	err = do(d)
	if err == nil || errors.Is(err, errFailed) {
		err = errors.Join(err, a.outputFailed(a.out.Flush()))
	}
	for _, w := range d.Warnings() {
		a.tell(w.Path, w.Err, w.Loss)
	}
	if a.stats && a.opened == 1 { // the last
		a.printStats()
	}
	return err
}

// options returns the options that the flags ask for.
func (a *app) options() []vmdkfs.Option {
	opts := []vmdkfs.Option{vmdkfs.OnRead(func(n int) {
		a.reads.Add(1)
		a.read.Add(int64(n))
	})}
	for _, disk := range a.disks {
		opts = append(opts, vmdkfs.WithDiskFile(disk))
	}
	if a.journal != "" {
		opts = append(opts, vmdkfs.WithJournalFile(a.journal))
	}
	if a.root != "" {
		opts = append(opts, vmdkfs.WithRoot(a.root))
	}
	opts = append(opts, a.group.options()...)
	if a.noReplay {
		opts = append(opts, vmdkfs.WithoutReplay())
	}
	if a.anyCID {
		opts = append(opts, vmdkfs.AllowCIDMismatch())
	}
	if a.outside {
		opts = append(opts, vmdkfs.AllowOutside())
	}
	return opts
}

// printStats says what the run has cost.
func (a *app) printStats() {
	seconds, peak := time.Since(a.start).Seconds(), peakMemory()
	if a.json {
		fmt.Fprintf(a.stderr, `{"reads":%d,"bytes":%d,"seconds":%.6f,"peak_memory":%d}`+"\n", a.reads.Load(), a.read.Load(), seconds, peak)
		return
	}
	fmt.Fprintf(a.stderr, "vmdkfs: %d reads of the source, %d bytes (%s), %.3f s, peak memory %s\n",
		a.reads.Load(), a.read.Load(), sizeText(a.read.Load()), seconds, sizeText(peak))
}
