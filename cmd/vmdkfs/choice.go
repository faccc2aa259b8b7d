package main

import (
	"errors"

	"github.com/spf13/pflag"

	"github.com/vmdkfs/vmdkfs/internal/export"
)

// A choice is what the flags say of which files to write.
type choice struct {
	include, exclude []string
	streams          string
}

const filterHelp = `With --include only files that match one of its patterns are written, and all
that is in directories that do; what matches an --exclude is left out, a directory
with all that it holds. A pattern without a slash is for the name of a file, any
other for its path below PATH: * ? and [a-z] match within a name, ** any number
of directories.`

func (f *choice) add(flags *pflag.FlagSet) {
	flags.StringArrayVar(&f.include, "include", nil, "write only files that match this pattern; may be repeated")
	flags.StringArrayVar(&f.exclude, "exclude", nil, "leave out files that match this pattern; may be repeated")
	flags.StringVar(&f.streams, "streams", "xattrs", "what the named streams of NTFS become: xattrs, files (FILE:STREAM) or none")
}

// options returns what the flags ask for.
func (f *choice) options() (opts export.Options, err error) {
	switch f.streams {
	case "xattrs":
	case "files":
		opts.StreamFiles = true
	case "none":
		opts.Drop |= export.Streams
	default:
		return opts, errors.New("--streams is xattrs, files or none")
	}
	opts.Filter, err = export.NewFilter(f.include, f.exclude)
	return opts, err
}
