package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/vmdkfs/vmdkfs"
)

// The exit status.
const (
	exitDone   = 0
	exitFailed = 1 // something failed or was interrupted, all else was done
	exitUsage  = 2
)

// errFailed ends a command whose failures have been reported.
var errFailed = errors.New("failed")

// An app is one run of the command.
type app struct {
	raw    io.Writer     // standard output
	out    *bufio.Writer // over raw
	stderr io.Writer

	image    string
	disks    []string
	journal  string
	root     string
	json     bool
	stats    bool
	quiet    bool
	noReplay bool
	group    groupFlags
	outside  bool // --allow-outside
	anyCID   bool // --allow-cid-mismatch
	snapshot snapshotFlags

	open   func(file string, opts ...vmdkfs.Option) (*vmdkfs.Disk, error)
	opened int // images that are open

	outFailed bool // it was told that standard output cannot be written

	start       time.Time
	reads, read atomic.Int64 // of the source: calls, bytes

	mu       sync.Mutex // guards what follows, and stderr
	failed   bool
	failures int64           // that were told
	events   bool            // what is told on standard error is JSON
	summary  *summary        // of a command that writes files, when it is done
	told     map[string]bool // mounts of the guest that were warned of
	bars     io.Writer       // what draws the progress on the terminal, or nil
}

// run runs the command and returns its exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	return newApp(stdout, stderr).run(ctx, args)
}

func newApp(stdout, stderr io.Writer) *app {
	return &app{
		raw: stdout, out: bufio.NewWriterSize(stdout, 64<<10), stderr: stderr,
		open: vmdkfs.OpenFile, told: make(map[string]bool), start: time.Now(),
	}
}

// run runs the command line and returns its exit status.
func (a *app) run(ctx context.Context, args []string) int {
	stderr := a.stderr
	root := a.command()
	root.SetArgs(findArgs(root, args))
	root.SetOut(a.out)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if ferr := a.out.Flush(); err == nil || errors.Is(err, errFailed) {
		a.outputFailed(ferr)
	}
	if err != nil && !errors.Is(err, errFailed) {
		fmt.Fprintf(stderr, "vmdkfs: %s; see vmdkfs --help\n", printable(err.Error()))
		return exitUsage
	}
	failed := err != nil || a.failed
	interrupted := failed && ctx.Err() != nil
	if interrupted && !a.events {
		fmt.Fprintln(stderr, "vmdkfs: interrupted")
	}
	a.printSummary(interrupted)
	if failed {
		return exitFailed
	}
	return exitDone
}

// command returns the command with all subcommands.
func (a *app) command() *cobra.Command {
	root := &cobra.Command{
		Use:   "vmdkfs",
		Short: "Read files out of the disks of virtual machines",
		Long: `vmdkfs reads files out of the disks of virtual machines: through VMDK,
partitions, LVM and the file system, in one process, without root and without
one write to the disk.

IMAGE is a disk: a VMDK, a raw image; or a virtual machine with all its disks:
its .vmx, an .ova or .ovf, or its directory. PATH is the path that the guest
itself has for a file: /home/alice/notes, with the file systems of Linux mounted
where its etc/fstab says, or C:\Users\alice\notes, with the drives of Windows.
Or it is, without a slash, a path in the volume tree, which "vmdkfs ls IMAGE"
shows the root of: p1/grub/grub.cfg, vg_root/root/etc/hostname.

The exit status is 0 when all was done, 1 when something failed and all else was
done, 2 when the command line makes no sense.`,
		Version:            version(),
		SilenceErrors:      true,
		SilenceUsage:       true,
		DisableSuggestions: true,
		Args:               cobra.NoArgs,
		RunE:               func(*cobra.Command, []string) error { return errors.New("no command given") },
		// An empty argument is a variable of a script that was not set: taken
		// for a path it would be the current directory, or all of the disk.
		PersistentPreRunE: func(c *cobra.Command, args []string) error {
			shell := c.Name() == cobra.ShellCompRequestCmd || c.Name() == cobra.ShellCompNoDescRequestCmd
			if !shell && slices.Contains(args, "") {
				return errors.New("an argument is empty")
			}
			return nil
		},
	}
	root.SetVersionTemplate("vmdkfs {{.Version}}\n")
	flags := root.PersistentFlags()
	flags.StringArrayVar(&a.disks, "disk", nil, "add a further disk of the same machine; may be repeated")
	flags.StringVar(&a.journal, "journal", "", "the external journal of an ext file system, where it is a device of its own")
	flags.StringVar(&a.root, "root", "", "the volume that holds the root of the guest, where several do")
	flags.BoolVar(&a.json, "json", false, "print JSON; of commands that write files, failures and the summary on standard error")
	flags.BoolVar(&a.stats, "stats", false, "print the reads of the source, time and peak memory at the end")
	flags.BoolVar(&a.quiet, "quiet", false, "show no progress and no summary")
	flags.BoolVar(&a.noReplay, "no-replay", false, "read file systems without what is in their journals only")
	flags.BoolVar(&a.outside, "allow-outside", false, "open files that a trusted descriptor or configuration names outside of its directory")
	flags.BoolVar(&a.anyCID, "allow-cid-mismatch", false, "read a snapshot though its parent has changed since it was taken, or is another disk")
	a.group.add(flags)
	root.AddCommand(a.infoCommand(), a.lsCommand(), a.findCommand(), a.statCommand(), a.catCommand(), a.cpCommand(), a.hashCommand(),
		a.tarCommand(), a.zipCommand(), a.isoCommand(), a.versionsCommand(), a.diffCommand(), a.restoreCommand())
	for _, c := range root.Commands() {
		switch c.Name() {
		case "versions":
			a.snapshot.addLayouts(c)
		case "diff":
		default:
			a.snapshot.add(c)
		}
	}
	return root
}
