package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/vmdkfs/vmdkfs"
	"github.com/vmdkfs/vmdkfs/lvm"
)

// groupFlags are the flags about volume groups.
type groupFlags struct {
	nested   bool
	hidden   bool
	versions versionFlag
}

func (g *groupFlags) add(flags *pflag.FlagSet) {
	flags.BoolVar(&g.nested, "nested", false, "look for physical volumes on logical volumes too")
	flags.BoolVar(&g.hidden, "hidden", false, "list the volumes too that LVM hides: the legs of raids, pools, logs")
	flags.Var(&g.versions, "vg-seqno", `show a volume group as an older copy of its metadata says: "vg_root=17" or its UUID; "info --metadata" lists the copies; may be repeated`)
}

func (g *groupFlags) options() []vmdkfs.Option {
	var opts []vmdkfs.Option
	if g.nested {
		opts = append(opts, vmdkfs.WithNested())
	}
	if g.hidden {
		opts = append(opts, vmdkfs.WithHidden())
	}
	for _, v := range g.versions {
		opts = append(opts, vmdkfs.WithSequence(v.group, v.seqno))
	}
	return opts
}

// A versionFlag is the value of --vg-seqno, GROUP=SEQNO.
type versionFlag []struct {
	group string
	seqno int64
}

var errVersion = errors.New("not of the form GROUP=SEQNO")

func (f *versionFlag) Type() string { return "GROUP=SEQNO" }

func (f *versionFlag) String() string {
	var list []string
	for _, v := range *f {
		list = append(list, v.group+"="+strconv.FormatInt(v.seqno, 10))
	}
	return strings.Join(list, ",")
}

func (f *versionFlag) Set(s string) error {
	group, number, _ := strings.Cut(s, "=")
	seqno, err := strconv.ParseInt(number, 10, 64)
	if group == "" || err != nil {
		return errVersion
	}
	*f = append(*f, struct {
		group string
		seqno int64
	}{group, seqno})
	return nil
}

// versionFacts is a copy of a group's metadata, as the JSON of info --metadata
// has it.
type versionFacts struct {
	Group       string   `json:"group"`
	UUID        string   `json:"uuid"`
	Seqno       int64    `json:"seqno"`
	Time        string   `json:"time,omitempty"`
	Current     bool     `json:"current"`
	Host        string   `json:"host,omitempty"`
	Description string   `json:"description,omitempty"`
	PV          string   `json:"pv"`
	Differs     []string `json:"differs"` // volumes that the version in force describes otherwise
}

func versionOf(v lvm.Version) versionFacts {
	f := versionFacts{v.Group, v.UUID, v.Seqno, "", v.Current, v.Host, v.Description, v.PV, v.Differs}
	if !v.Created.IsZero() {
		f.Time = v.Created.Format(time.RFC3339)
	}
	if f.Differs == nil {
		f.Differs = []string{}
	}
	return f
}

// metadata prints the copies of the metadata of all groups.
func (a *app) metadata(d *vmdkfs.Disk, image string) error {
	versions, err := d.History()
	a.fail(image, err)
	if a.json {
		list := make([]versionFacts, 0, len(versions))
		for _, v := range versions {
			list = append(list, versionOf(v))
		}
		enc := json.NewEncoder(a.out)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		return a.outputFailed(enc.Encode(list))
	}
	var b []byte
	uuid := ""
	for _, v := range versions {
		if v.UUID != uuid {
			uuid = v.UUID
			b = line(b, 0, v.Group, "LVM2 VG", "UUID "+v.UUID)
		}
		b = versionOf(v).text(b)
	}
	return a.outputFailed(a.write(b))
}

// text appends the version as people read it.
func (f versionFacts) text(b []byte) []byte {
	current, differs := "", ""
	if f.Current {
		current = "in force"
	}
	if len(f.Differs) > 0 {
		differs = "other: " + strings.Join(f.Differs, " ")
	}
	description, _, _ := strings.Cut(f.Description, "\n")
	return line(b, 1, fmt.Sprintf("change %d", f.Seqno), f.Time, current, put("by ", f.Host), description, differs)
}

// groupState names what is out of the ordinary with a group.
func groupState(g *lvm.Group) []string {
	var list []string
	for _, s := range g.Status {
		switch s {
		case "EXPORTED", "CLUSTERED", "PARTIAL":
			list = append(list, strings.ToLower(s))
		}
	}
	return list
}
