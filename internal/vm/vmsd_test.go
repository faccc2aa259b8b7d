package vm

import (
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
	"github.com/vmdkfs/vmdkfs/layer"
)

func TestVMSD(t *testing.T) {
	s, err := parseVMSD("web01.vmsd", testimg.Load(t, "vm/web01.vmsd"))
	require.NoError(t, err)
	require.Equal(t, Snapshots{Current: 2, List: []Snapshot{
		{UID: 1, Name: "installed", Description: "as delivered\nwith all updates", State: "web01-Snapshot1.vmsn",
			Created: time.UnixMicro(388801<<32 + 1<<32 - 814770620).UTC(), Disks: []SnapshotDisk{{"scsi0:0", "web01.vmdk"}, {"sata0:1", "mono.vmdk"}}},
		{UID: 2, Parent: 1, Name: "before the upgrade", State: "web01-Snapshot2.vmsn",
			Created: time.UnixMicro(388802<<32 + 96936632).UTC(), Disks: []SnapshotDisk{{"scsi0:0", "web01-000001.vmdk"}}},
		{UID: 4, Parent: 1, Name: "another way", State: "web01-Snapshot4.vmsn",
			Created: time.UnixMicro(388804<<32 + 1541463919).UTC(), Disks: []SnapshotDisk{{"scsi0:0", "web01-000003.vmdk"}}},
	}}, s)
	require.Equal(t, 2022, s.List[0].Created.Year())
	s, err = parseVMSD("empty.vmsd", nil)
	require.NoError(t, err)
	require.Zero(t, s)
}

func TestVMSDErrors(t *testing.T) {
	for lines, want := range map[string]string{
		`snapshot.current = "x"`:                               "snapshot.current",
		`snapshot.current = "7"`:                               "the current snapshot, 7, is not listed",
		"snapshot0.uid = \"1\"\nsnapshot.numSnapshots = \"2\"": `announces "2" snapshots and lists 1`,
		"snapshot0.uid = \"0\"":                                "snapshot0: it has no UID",
		"snapshot0.uid = \"-1\"":                               "snapshot0",
		"snapshot0.uid = \"1\"\nsnapshot1.uid = \"1\"":         "two snapshots have the UID 1",
		"snapshot0.uid = \"1\"\nsnapshot0.parent = \"9\"":      "descends from 9, which is not listed",
		"snapshot0.uid = \"1\"\nsnapshot0.parent = \"x\"":      "snapshot0",
		"snapshot0.uid = \"1\"\nsnapshot0.parent = \"1\"":      "snapshot 1 is its own ancestor",
		"snapshot0.uid = \"1\"\nsnapshot0.parent = \"2\"\nsnapshot1.uid = \"2\"\nsnapshot1.parent = \"1\"":   "is its own ancestor",
		"snapshot0.uid = \"1\"\nsnapshot0.createTimeHigh = \"1\"":                                            "snapshot0",
		"snapshot0.uid = \"1\"\nsnapshot0.createTimeHigh = \"99999999999\"\nsnapshot0.createTimeLow = \"1\"": "out of range",
		"no list": "neither a comment nor a key",
	} {
		_, err := parseVMSD("x.vmsd", []byte(lines))
		require.ErrorIs(t, err, layer.ErrCorrupt, lines)
		require.ErrorContains(t, err, want)

		// A list that makes no sense keeps no disk from being read.
		m, err := Open(fstest.MapFS{"x.vmx": text(`scsi0:0.fileName = "a.vmdk"`), "x.vmsd": text(lines)}, "x.vmx", nil)
		require.NoError(t, err)
		require.Len(t, m.Warnings, 1)
	}
}

func FuzzVMSD(f *testing.F) {
	f.Add(testimg.Load(f, "vm/web01.vmsd"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := parseVMSD("x.vmsd", data)
		if err != nil {
			kindOf(t, err)
			return
		}
		if err := s.check(); err != nil {
			t.Error(err)
		}
	})
}
