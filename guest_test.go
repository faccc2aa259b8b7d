package vmdkfs

import (
	"bytes"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
	"github.com/vmdkfs/vmdkfs/layer"
)

// web01 mounts one file system by UUID and one by label.
func TestGuest(t *testing.T) {
	g, err := openWeb01(t).Guest()
	require.NoError(t, err)
	var mounts []string
	for _, m := range g.Mounts {
		require.NoError(t, m.Err)
		mounts = append(mounts, m.Path+" "+m.Volume.Path)
	}
	require.Equal(t, []string{"/ vg_root/root", "/boot p1", "/home vg_root/home"}, mounts)
	system, err := g.System()
	require.NoError(t, err)
	require.Equal(t, "web01", system.Hostname)

	for dir, manifest := range map[string]string{"": "root", "boot": "boot", "home": "home"} {
		for _, want := range testimg.Manifest(t, "web01/"+manifest+".manifest.jsonl.gz") {
			name := path.Join(dir, want.Path)
			if manifest == "root" && (want.Path == "boot" || want.Path == "home") {
				continue // something is mounted there
			}
			info, err := g.Lstat(name)
			require.NoError(t, err)
			if want.Type == "file" {
				require.Equal(t, want.Size, info.Size(), name)
			}
			require.Equal(t, want.Type == "dir", info.IsDir(), name)
		}
	}
}

// guestSet opens the volumes of testdata/guest as disks of one machine.
func guestSet(t *testing.T, names []string, opts ...Option) *Disk {
	t.Helper()
	fsys := fstest.MapFS{}
	for i, name := range names {
		fsys[name] = &fstest.MapFile{Data: testimg.Load(t, "guest/"+name+".img.gz")}
		if i > 0 {
			opts = append(opts, WithDisk(fsys, name))
		}
	}
	return opened(t)(Open(fsys, names[0], opts...))
}

func TestGuestMounts(t *testing.T) {
	g, err := guestSet(t, []string{"old", "new", "data"}).Guest()
	require.NoError(t, err)
	system, err := g.System()
	require.NoError(t, err)
	require.Equal(t, System{Name: "New Linux 2", Version: "2.1", Hostname: "new01", TimeZone: "Europe/Berlin", Shutdown: time.Date(2026, 11, 17, 3, 4, 5, 0, time.UTC)}, system)
	var mounts [][3]string
	for _, m := range g.Mounts {
		row := [3]string{m.Path}
		if m.Volume != nil {
			row[1] = m.Volume.Path
		}
		if m.Err != nil {
			row[2] = m.Err.Error()
		}
		mounts = append(mounts, row)
	}
	require.Equal(t, [][3]string{
		{"/", "new"},
		{"/data", "data"},
		{"/mnt/a b", "data"},
		{"/srv/far", "data"}, // sdc: the third disk of the set
		{"/link", "data", errThrough.Error()},
		{"/nowhere", "data", errNoPlace.Error()},
		{"/gone", "", errNoDevice.Error()},
		{"/home", "", errNoDevice.Error()},
		{"/data/nested", "old"},
		{"/nested", "new"},
		{"/nowhere/below", "", "/data/none: file does not exist"},
	}, mounts)
	require.Equal(t, "subvol=@data is ignored", g.Mounts[1].Note)
	require.Equal(t, "what is mounted below /data is not shown here", g.Mounts[9].Note)
	for name, want := range map[string]string{
		"data/file":               "of the volume\n",
		"link/file":               "of the volume\n",
		"mnt/a b/file":            "of the volume\n",
		"srv/far/file":            "of the volume\n",
		"data/to-root":            "new01\n", // of the guest, not of the volume
		"data/up":                 "new01\n",
		"there-and-back":          "new01\n",
		"data/nested/etc/fstab":   "UUID=22222222-2222-4222-8222-222222222222 / ext4 defaults 0 1\n",
		"data/../etc/hostname":    "",
		"data/nested/data/none":   "",
		"data/hidden":             "",
		"nested/file":             "of the volume\n",
		"nested/to-root":          "new01\n",
		"nested/nested/etc/fstab": "",
		"data/nested/etc/passwd":  "",
	} {
		text, err := g.ReadFile(name)
		if want == "" {
			require.Error(t, err, name)
			continue
		}
		require.NoError(t, err, name)
		require.Equal(t, want, string(text), name)
	}
	require.Equal(t, "data/ etc/ gone/ home/ link lost+found/ mnt/ nested/ srv/ there-and-back usr/ var/", list(t, g, "."))
	require.Equal(t, "file lost+found/ nested/ sub/ to-root up", list(t, g, "data"))
	below, err := g.Sub("data")
	require.NoError(t, err)
	require.NoError(t, fstest.TestFS(below, "file", "nested/etc/fstab"))
}

func TestGuestChoice(t *testing.T) {
	for _, test := range []struct {
		name  string
		disks []string
		opts  []Option
		os    string
		kind  error
		text  string
	}{
		{"the only one", []string{"old"}, nil, "Old Linux 1", nil, ""},
		{"the one that names itself", []string{"old", "new"}, nil, "New Linux 2", nil, ""},
		{"the other", []string{"old", "new"}, []Option{WithRoot("old")}, "Old Linux 1", nil, ""},
		{"none", []string{"data"}, nil, "", layer.ErrFormat, "no volume holds the root"},
		{"what is not there", []string{"old", "new"}, []Option{WithRoot("p9")}, "", fs.ErrNotExist, "p9"},
		{"two that do not decide", []string{"old", "data", "old2"}, nil, "", layer.ErrUnsupported, "old (Old Linux 1), old2 (Old Linux 1)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			fsys := fstest.MapFS{}
			opts := test.opts
			for i, name := range test.disks {
				fsys[name] = &fstest.MapFile{Data: testimg.Load(t, "guest/"+strings.TrimSuffix(name, "2")+".img.gz")}
				if i > 0 {
					opts = append(opts, WithDisk(fsys, name))
				}
			}
			g, err := opened(t)(Open(fsys, test.disks[0], opts...)).Guest()
			if test.kind != nil {
				require.ErrorIs(t, err, test.kind)
				require.ErrorContains(t, err, test.text)
				return
			}
			require.NoError(t, err)
			system, err := g.System()
			require.NoError(t, err)
			require.Equal(t, test.os, system.Name)
		})
	}
}

func TestDevice(t *testing.T) {
	d := openWeb01(t)
	volumes, err := d.Volumes()
	require.NoError(t, err)
	boot, _, err := volumes[1].Identity()
	require.NoError(t, err)
	table := volumes[0].Table.Table()
	for spec, want := range map[string]string{
		"UUID=" + boot:                 "p1",
		"/dev/disk/by-uuid/" + boot:    "p1",
		"LABEL=home":                   "vg_root/home",
		"/dev/disk/by-label/home":      "vg_root/home",
		"PARTUUID=" + table.ID + "-02": "p2",
		"/dev/sda1":                    "p1",
		"/dev/vda2":                    "p2",
		"/dev/nvme0n1p1":               "p1",
		"/dev/mmcblk0p2":               "p2",
		"/dev/mapper/vg_root-home":     "vg_root/home",
		"/dev/vg_root/root":            "vg_root/root",
		"/dev/sda":                     "",
	} {
		v, err := d.device(spec)
		require.NoError(t, err, spec)
		require.Equal(t, want, v.Path, spec)
	}
	for _, spec := range []string{"/dev/sdb1", "/dev/sda9", "/dev/sda0", "/dev/sdx", "/dev/nvme0n2p1", "/dev/nvmexn1", "/dev/md0", "/dev/md/x", "/dev/mapper/vg_root", "/dev/sdaaaa", "/dev/sd1", "/dev/nvme0n0",
		"/dev/mapper/a-b-c", "/dev/disk/by-path/x", "LABEL=none", "PARTLABEL=x", "/dev/vg_root/none", "proc", "UUID="} {
		_, err := d.device(spec)
		require.Error(t, err, spec)
	}
}

// TestFstabNames: a volume is mounted by whatever name etc/fstab has for it.
func TestFstabNames(t *testing.T) {
	const line = "UUID=ba30f229-602b-7dfb-f725-e5d1054fe1e9 "
	image := testimg.Load(t, "web01/web01-flat.vmdk")
	require.Positive(t, bytes.Count(image, []byte(line+"/boot")))
	for _, spec := range []string{
		"/dev/sda1", "/dev/vda1", "/dev/xvda1", "/dev/hda1", "/dev/nvme0n1p1", "/dev/mmcblk0p1", "PARTUUID=77656230-01",
		"LABEL=boot", `LABEL="boot"`, "/dev/disk/by-label/boot", "/dev/disk/by-partuuid/77656230-01", "UUID=BA30F229-602B-7DFB-F725-E5D1054FE1E9",
	} {
		t.Run(spec, func(t *testing.T) {
			require.LessOrEqual(t, len(spec), len(line)-1)
			padded := append([]byte(spec), bytes.Repeat([]byte(" "), len(line)-len(spec))...)
			changed := bytes.ReplaceAll(image, []byte(line), padded)
			d := opened(t)(Open(fstest.MapFS{"disk.img": {Data: changed}}, "disk.img"))
			g, err := d.Guest()
			require.NoError(t, err)
			i := slices.IndexFunc(g.Mounts, func(m Mount) bool { return m.Path == "/boot" })
			require.GreaterOrEqual(t, i, 0)
			require.NoError(t, g.Mounts[i].Err)
			require.Equal(t, strings.ReplaceAll(spec, `"`, ""), strings.ReplaceAll(g.Mounts[i].Source, `"`, ""))
			require.Equal(t, "p1", g.Mounts[i].Volume.Path)
			have, err := g.ReadDir("boot")
			require.NoError(t, err)
			want, err := d.ReadDir("p1")
			require.NoError(t, err)
			require.NotEmpty(t, want)
			require.Len(t, have, len(want))
		})
	}
}

// TestDeviceGPT: PARTUUID and PARTLABEL are what blkid calls them.
func TestDeviceGPT(t *testing.T) {
	name := "gpt.img"
	files := fstest.MapFS{name: {Data: testimg.Load(t, "partition/gpt.img.gz")}}
	d := opened(t)(Open(files, name))
	manifest := regexp.MustCompile(`(?m)^NR="(\d+)" .* UUID="(\S+)" .* NAME="(.*)" SHA256`).FindAllStringSubmatch(string(testimg.Load(t, "partition/gpt.manifest")), -1)
	require.Len(t, manifest, 5)
	for _, m := range manifest {
		want := "p" + m[1]
		specs := []string{"PARTUUID=" + m[2], "PARTUUID=" + strings.ToUpper(m[2]), "/dev/disk/by-partuuid/" + m[2], "/dev/vda" + m[1], "/dev/nvme0n1p" + m[1], "/dev/xvda" + m[1], "/dev/mmcblk0p" + m[1]}
		if m[3] != "" {
			// blkid writes bytes as udev does.
			specs = append(specs, "PARTLABEL="+decodeUdev(m[3]), "/dev/disk/by-partlabel/"+m[3], "/dev/disk/by-partlabel/"+strings.ReplaceAll(m[3], " ", `\x20`))
		}
		for _, spec := range specs {
			v, err := d.device(spec)
			require.NoError(t, err, spec)
			require.Equal(t, want, v.Path, spec)
		}
	}
	for _, spec := range []string{"PARTUUID=", "PARTLABEL=EFI", "/dev/vda4", "/dev/nvme1n1p1", "/dev/nvme0n1", `/dev/disk/by-partlabel/EFI\x2`} {
		v, err := d.device(spec)
		if spec == "/dev/nvme0n1" {
			require.NoError(t, err)
			require.Empty(t, v.Path)
			continue
		}
		require.Error(t, err, spec)
	}
}

// Links by ID are those of lvm2's and mdadm's udev rules.
func TestDeviceByID(t *testing.T) {
	d := openWeb01(t)
	root, err := d.Volume("vg_root/root")
	require.NoError(t, err)
	id := strings.ReplaceAll(root.Group.UUID, "-", "") + strings.ReplaceAll(root.Logical.UUID, "-", "")
	require.Len(t, id, 64)
	for _, spec := range []string{"/dev/disk/by-id/dm-uuid-LVM-" + id, "/dev/disk/by-id/dm-name-vg_root-root"} {
		v, err := d.device(spec)
		require.NoError(t, err, spec)
		require.Equal(t, "vg_root/root", v.Path, spec)
	}
	arrays := mdDisks(t, "stacked", 0)
	boot, err := arrays.Volume("boot")
	require.NoError(t, err)
	digits := strings.ReplaceAll(strings.ReplaceAll(boot.Array.UUID, ":", ""), "-", "")
	v, err := arrays.device("/dev/disk/by-id/md-uuid-" + strings.Join([]string{digits[:8], digits[8:16], digits[16:24], digits[24:]}, ":"))
	require.NoError(t, err)
	require.Equal(t, "boot", v.Path)
	for _, spec := range []string{"/dev/disk/by-id/dm-uuid-LVM-" + id[1:], "/dev/disk/by-id/dm-uuid-LVM-", "/dev/disk/by-id/ata-x", "/dev/disk/by-id/md-uuid-", "/dev/disk/by-id/"} {
		_, err := d.device(spec)
		require.Error(t, err, spec)
	}
}

func TestSplitMapped(t *testing.T) {
	for name, want := range map[string][2]string{"vg-lv": {"vg", "lv"}, "a--b-c--d": {"a-b", "c-d"}, "vg-lv--": {"vg", "lv-"}} {
		group, volume, ok := splitMapped(name)
		require.True(t, ok, name)
		require.Equal(t, want, [2]string{group, volume}, name)
	}
}

func TestParseFstab(t *testing.T) {
	require.Equal(t, []fstabLine{
		{"UUID=1", "/", "ext4", []string{"rw", "x"}},
		{"LABEL=a b", "/mnt/x y", "ext3", nil},
		{"LABEL=q", "/q", "ext3", nil},
		{`\9`, "/z", "auto", nil},
	}, parseFstab("# comment\n\nUUID=1 / ext4 rw,x 0 1\nLABEL=a\\040b\t/mnt/x\\040y/ ext3\n LABEL='q' /q ext3\n\\9 /z auto\nswap none swap sw\nshort /x\n"))
}
