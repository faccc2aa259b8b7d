package main

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
)

// manual returns the sections of docs/vmdkfs.md, by their headings.
func manual(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../../docs/vmdkfs.md")
	require.NoError(t, err)
	sections := make(map[string]string)
	for _, s := range strings.Split("\n"+strings.ReplaceAll(string(text), "\r\n", "\n"), "\n## ")[1:] {
		heading, body, _ := strings.Cut(s, "\n")
		sections[heading] = body
	}
	return sections
}

var (
	manualItem = regexp.MustCompile("(?m)^- `-.*$")
	manualFlag = regexp.MustCompile("`-(?:-([a-z][a-z0-9-]*)|([a-zA-Z]))( [A-Z|=]+)?`")
)

// manualFlags returns the flags that a section lists, in the form "--name" and
// "-n", and of those with a value "--name=".
func manualFlags(section string) (flags []string) {
	for _, item := range manualItem.FindAllString(section, -1) {
		head, _, _ := strings.Cut(item, ":")
		value := ""
		for _, m := range manualFlag.FindAllStringSubmatch(head, -1) {
			if m[3] != "" {
				value = "="
			}
			if m[2] != "" {
				flags = append(flags, "-"+m[2])
			}
		}
		for _, m := range manualFlag.FindAllStringSubmatch(head, -1) {
			if m[1] != "" {
				flags = append(flags, "--"+m[1]+value)
			}
		}
	}
	slices.Sort(flags)
	return flags
}

// flagsOf returns the flags of a set in the same form, without --help.
func flagsOf(set *pflag.FlagSet) (flags []string) {
	set.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		if f.Shorthand != "" {
			flags = append(flags, "-"+f.Shorthand)
		}
		if f.Value.Type() == "bool" {
			flags = append(flags, "--"+f.Name)
		} else {
			flags = append(flags, "--"+f.Name+"=")
		}
	})
	slices.Sort(flags)
	return flags
}

// TestManual: docs/vmdkfs.md has a section for every command, each with all
// its flags and no others, and how it is called.
func TestManual(t *testing.T) {
	sections := manual(t)
	root := new(app).command()
	root.InitDefaultCompletionCmd()
	common := flagsOf(root.PersistentFlags())
	snapshots := manualFlags(sections["Options about snapshots"])
	require.Len(t, snapshots, 3)
	require.Equal(t, slices.Sorted(slices.Values(append(common, "--help", "--version", "-h", "-v"))), manualFlags(sections["Options of all commands"]))
	commands := make(map[string]bool)
	for _, c := range root.Commands() {
		if c.Name() == "help" {
			continue
		}
		heading := "vmdkfs " + c.Name()
		commands[heading] = true
		section, ok := sections[heading]
		require.True(t, ok, "the manual has no section %q", heading)
		if c.Name() == "completion" {
			continue // its commands are cobra's
		}
		for _, use := range strings.Split(c.UseLine(), "\n") {
			use = strings.TrimSpace(use)
			require.Contains(t, section, "`"+use+"`")
			require.Contains(t, sections["Synopsis"], "\n"+strings.TrimSuffix(use, " [flags]")+"\n")
		}
		listed := manualFlags(section)
		if strings.Contains(section, "](#options-about-snapshots)") {
			listed = append(listed, snapshots...)
		}
		slices.Sort(listed)
		require.Equal(t, flagsOf(c.LocalNonPersistentFlags()), listed, heading)
		require.Equal(t, c.Flags().Lookup("version") != nil, strings.Contains(section, "](#options-about-snapshots)"), heading)
	}
	for heading := range sections {
		if strings.HasPrefix(heading, "vmdkfs ") {
			require.True(t, commands[heading], "there is no command %q", heading)
		}
	}
}

// TestManualEnvironment: every variable of the environment that the command or
// the library asks for is in the manual.
func TestManualEnvironment(t *testing.T) {
	asked := regexp.MustCompile(`\b(?:Getenv|LookupEnv)\("(\w+)"\)`)
	section := manual(t)["Environment"]
	found := 0
	require.NoError(t, filepath.WalkDir("../..", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() && e.Name() == "bench" {
			return err
		}
		if filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") || strings.Contains(filepath.ToSlash(path), "internal/testimg/") {
			return nil
		}
		text, err := os.ReadFile(path)
		for _, m := range asked.FindAllStringSubmatch(string(text), -1) {
			found++
			require.Contains(t, section, "`"+m[1]+"`", path)
		}
		return err
	}))
	require.Positive(t, found)
}

// TestManualExamples: the examples make sense to the command line.
func TestManualExamples(t *testing.T) {
	n := 0
	for line := range strings.Lines(manual(t)["Examples"]) {
		line, _, _ = strings.Cut(strings.TrimSuffix(line, "\n"), " | ")
		line, _, _ = strings.Cut(line, " > ")
		args := strings.Fields(strings.ReplaceAll(line, "'", ""))
		if len(args) == 0 || args[0] != "vmdkfs" {
			continue
		}
		n++
		root := new(app).command()
		c, rest, err := root.Find(args[1:])
		require.NoError(t, err, line)
		require.NoError(t, c.ParseFlags(rest), line)
		require.NoError(t, c.ValidateArgs(c.Flags().Args()), line)
		require.NoError(t, c.ValidateRequiredFlags(), line)
	}
	require.Greater(t, n, 5)
}

// TestManualJSON: every member of an object that a command prints is in the
// manual, in the row of that command.
func TestManualJSON(t *testing.T) {
	rows := make(map[string]string)
	for line := range strings.Lines(manual(t)["JSON"]) {
		if cells := strings.Split(line, "|"); len(cells) == 4 {
			for _, command := range strings.Split(cells[1], ",") {
				rows[strings.TrimSpace(command)] = cells[2]
			}
		}
	}
	rows["stat"] += rows["ls"]
	dir := t.TempDir()
	images := make(map[string]string)
	for _, name := range []string{"pair-1", "pair-2", "deleted"} {
		images[name] = filepath.Join(dir, name+".img")
		require.NoError(t, os.WriteFile(images[name], testimg.NTFS(t, name), 0o600))
	}
	store := testimg.Datastore(t)
	for row, runs := range map[string][][]string{
		"ls":             {{"ls", "-R", web01(t), "vg_root"}, {"ls", "-R", images["pair-1"]}},
		"find":           {{"find", images["pair-1"], "streams"}, {"find", "--versions", filepath.Join(store, "app01/app01.vmdk"), "/home/alice"}},
		"find --deleted": {{"find", "--deleted", images["deleted"]}},
		"stat":           {{"stat", images["pair-1"], "streams/changed"}, {"stat", web01(t), "vg_root/root/etc"}},
		"hash":           {{"hash", images["pair-1"], "work"}},
		"versions":       {{"versions", store, "app01/app01.vmdk"}, {"versions", store, "app01/app01.vmdk", "/home/alice"}},
		"diff":           {{"diff", images["pair-1"], images["pair-2"]}},
		"info":           {{"info", web01(t)}},
		"restore":        {{"restore", "--verify", web01(t), filepath.Join(dir, "restored")}, {"restore", "--resume", web01(t), filepath.Join(dir, "restored")}},
	} {
		for _, args := range runs {
			r := invoke(t, append(args, "--json")...)
			require.NotEmpty(t, r.out, r.err)
			d := json.NewDecoder(bytes.NewReader([]byte(r.out)))
			for d.More() {
				var o map[string]any
				require.NoError(t, d.Decode(&o))
				for key := range o {
					require.Contains(t, rows[row], "`"+key+"`", "%s: %v", row, args)
				}
			}
		}
	}
}
