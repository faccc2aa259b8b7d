package lvm

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/vmdkfs/vmdkfs/internal/extent"
	"github.com/vmdkfs/vmdkfs/internal/raid"
)

// FuzzRmeta takes superblocks for those of a raid6 of four legs, and reads it.
func FuzzRmeta(f *testing.F) {
	m := loaded(f, "legs")
	var seed []byte
	for i := range 4 {
		seed = append(seed, m.at(f, fmt.Sprintf("r6_rmeta_%d", i))[:512]...)
	}
	f.Add(seed)
	f.Add(make([]byte, 4*512))
	const size = 64 << 10
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) < 4*512 {
			return
		}
		text := &raidText{raidType: raidTypes["raid6"], chunk: 4096, legs: make([]raidLeg, 4)}
		config := raid.Config{Level: text.level, Layout: text.layout, Chunk: text.chunk, Size: size}
		var err error
		for i := range text.legs {
			leg := &text.legs[i]
			leg.meta = "meta"
			if leg.super, err = readRmeta(bytes.NewReader(data[i*512:]), i, 4); err != nil {
				leg.super, leg.damage = nil, err
			}
			leg.member = raid.Member{Name: "leg", Mapper: onPV{extent.Run{Length: size}}, Reader: bytes.NewReader(make([]byte, size)), Size: size, Synced: size}
		}
		if text.judge() != nil {
			return
		}
		config.Consistent = text.consistent()
		for i := range text.legs {
			config.Members = append(config.Members, text.legs[i].member)
		}
		b := &builder{set: &pvSet{}}
		b.derive(bytes.NewReader(make([]byte, size))) // source 0, the legs'
		config.Derive = b.derive
		array, err := raid.New(config)
		if err != nil {
			return
		}
		buf := make([]byte, array.Size())
		if n, err := extent.NewReader(array, array.Size(), b.set.sources...).ReadAt(buf, 0); err == nil && n != len(buf) {
			t.Errorf("%d bytes of %d without an error", n, len(buf))
		}
	})
}

// FuzzExceptionStore reads stores.
func FuzzExceptionStore(f *testing.F) {
	f.Add(storeOf(4, overlay{0, 2}, overlay{5, 3}))
	f.Add(loaded(f, "snapshots").at(f, "plain4"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := openStore(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		list, err := s.exceptions()
		for _, x := range list {
			if err == nil && (x.at+1)*uint64(s.chunk) > uint64(len(data)) {
				t.Errorf("exception %+v of chunks of %d in %d bytes", x, s.chunk, len(data))
			}
		}
	})
}

// FuzzMirrorLog reads the logs of mirrors.
func FuzzMirrorLog(f *testing.F) {
	f.Add(loaded(f, "mirrors").at(f, "disk_mlog"), int64(8<<15), int64(32<<10))
	f.Fuzz(func(t *testing.T, data []byte, length, region int64) {
		if length <= 0 || region <= 0 {
			return
		}
		bad, err := readMirrorLog(bytes.NewReader(data), int64(len(data)), length, region)
		if err != nil {
			return
		}
		end := int64(-1)
		for _, r := range bad {
			if r.Offset <= end || r.Length <= 0 {
				t.Fatalf("%+v behind %d", r, end)
			}
			end = r.Offset + r.Length
		}
	})
}
