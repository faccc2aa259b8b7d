package main

import (
	"strings"

	"github.com/spf13/cobra"
)

// findArgs returns the arguments of find with its long flags under two dashes:
// people write -name and -print0, as find(1) has them. Those of other commands
// are left as they are.
func findArgs(root *cobra.Command, args []string) []string {
	c, _, err := root.Find(args)
	if err != nil || c.Name() != "find" {
		return args
	}
	flags := c.Flags()
	list := make([]string, 0, len(args))
	value := false // the next argument is one
	for i, arg := range args {
		if !value && arg == "--" {
			return append(list, args[i:]...)
		}
		name, _, given := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		if !value && len(name) > 1 && strings.HasPrefix(arg, "-") && !strings.HasPrefix(arg, "--") && flags.Lookup(name) != nil {
			arg = "-" + arg
		}
		f := flags.Lookup(name)
		if f == nil {
			f = root.PersistentFlags().Lookup(name)
		}
		value = !value && strings.HasPrefix(arg, "--") && f != nil && f.NoOptDefVal == "" && !given
		list = append(list, arg)
	}
	return list
}
