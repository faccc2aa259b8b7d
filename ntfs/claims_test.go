package ntfs

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
	"github.com/vmdkfs/vmdkfs/layer"
)

// TestClaims: a volume of a few megabytes that says it has more metadata than a
// source can hold costs neither memory nor time.
func TestClaims(t *testing.T) {
	for name, c := range map[string]struct {
		image, path string
		set         func(p *patient, number uint64)
		kind        error
		text        string
	}{
		"an index of holes": {"crowded", "all", func(p *patient, number uint64) {
			cluster := p.fsys.geo.clusterSize
			p.set(number, outsideAttribute(attrIndexAllocation, indexNames, 0x7000, 16<<40, cluster, 0, stretch{holeLCN, 16 << 40 / cluster}),
				outsideAttribute(attrBitmap, indexNames, 0x7001, maxIndexBitmap, cluster, 0, stretch{holeLCN, maxIndexBitmap / cluster}))
		}, layer.ErrCorrupt, "an index of 17592186044416 bytes in a source of"},
		"a $MFT with a hole": {"c512", "", func(p *patient, _ uint64) {
			p.growMFT(stretch{holeLCN, 1 << 30})
		}, layer.ErrCorrupt, "it has a hole at byte"},
		"a $MFT of one run": {"c512", "", func(p *patient, _ uint64) {
			p.growMFT(stretch{100, 6000}, stretch{100, 6000})
		}, layer.ErrCorrupt, "its runs lie over one another"},
		"more clusters than there are numbers": {"c512", "", func(p *patient, _ uint64) {
			clear(p.image[len(p.image)-512:]) // the copy of the boot sector
			p.claim((maxClusters + 1) * 512)
		}, layer.ErrCorrupt, "4294967297 clusters, more than 4294967296"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPatient(t, c.image)
			number := uint64(recordMFT)
			if c.path != "" {
				number = p.number(c.path)
			}
			clear(p.image[p.fsys.geo.mirror:][:mirrored*p.fsys.geo.recordSize]) // no second try
			c.set(p, number)
			testimg.WithinBudget(t, func() {
				f, err := p.reopen()
				if err == nil {
					err = use(f, c.path)
				}
				require.ErrorIs(t, err, c.kind)
				require.ErrorContains(t, err, c.text)
			})
		})
	}
}

// TestMissingRecords: of a $MFT that goes on behind the end of the source, the
// records that are there are read, and those that are not are told of at once.
func TestMissingRecords(t *testing.T) {
	p := newPatient(t, "c512")
	want := 0
	for _, err := range p.fsys.Deleted() {
		require.NoError(t, err)
		want++
	}
	clear(p.image[p.fsys.geo.mirror:][:mirrored*p.fsys.geo.recordSize])
	p.growMFT(stretch{1 << 24, 1 << 31})
	bitmap := append(p.runs(recordBitmap, attrData, ""), stretch{holeLCN, 1 << 20})
	p.set(recordBitmap, outsideAttribute(attrData, "", 0x7000, 512<<20, 512, 0, bitmap...))
	f, err := p.reopen()
	require.NoError(t, err)
	found := 0
	for _, e := range f.Deleted() {
		if err = e; e == nil {
			found++
		}
	}
	require.ErrorIs(t, err, layer.ErrIncomplete)
	require.Equal(t, want, found)
}

// growMFT lets $MFT go on at more clusters, and the volume have room for it.
func (p *patient) growMFT(more ...stretch) {
	g := &p.fsys.geo
	runs := append(p.runs(recordMFT, attrData, ""), more...)
	clusters, end := int64(0), int64(0)
	for _, r := range runs {
		clusters += r.clusters
		end = max(end, r.lcn+r.clusters)
	}
	size := clusters * g.clusterSize
	p.claim(max(size, end*g.clusterSize, int64(len(p.image))&^511))
	p.set(recordMFT, outsideAttribute(attrData, "", 6, size, g.clusterSize, 0, runs...))
}
