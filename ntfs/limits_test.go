package ntfs

import (
	"bytes"
	"io/fs"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/layer"
)

// A limitTrial needs as much as a limit allows, and over more, which is 0 or 1:
// a byte, an entry, a power of two.
type limitTrial func(t *testing.T, over int64) error

// onImage tries a limit on a file of a golden image: set changes it, read reads
// what is at the limit, and then everything of the file is read.
func onImage(image, path string, set func(p *patient, number uint64, over int64), read func(t *testing.T, f *FS, r *FileRecord) error) limitTrial {
	return func(t *testing.T, over int64) error {
		p := newPatient(t, image)
		set(p, p.number(path), over)
		f, err := p.reopen()
		if err != nil {
			return err
		}
		info, err := f.Lstat(path)
		if err != nil {
			return err
		}
		if read != nil {
			if err := read(t, f, info.Sys().(*FileRecord)); err != nil {
				return err
			}
		}
		return use(f, path)
	}
}

// onBoot tries a field of the boot sector.
func onBoot(at, over func(b *bootSector)) limitTrial {
	return func(_ *testing.T, n int64) error {
		b := bootOf()
		if n == 0 {
			at(b)
		} else {
			over(b)
		}
		_, err := b.parse()
		return err
	}
}

// TestLimits: what a volume needs up to each limit is read, and what needs more
// is refused by a message that names the limit.
func TestLimits(t *testing.T) {
	for name, c := range map[string]struct {
		try  limitTrial
		kind error
		text string
	}{
		"sector":             {onBoot(bootField(0x0C, 4096>>8), bootField(0x0C, 8192>>8)), layer.ErrCorrupt, "sectors of 8192 bytes, no power of two from 256 to 4096"},
		"small sector":       {onBoot(bootField(0x0B, 0, 1, 16), bootField(0x0B, 128, 0, 32)), layer.ErrCorrupt, "sectors of 128 bytes, no power of two from 256 to 4096"},
		"cluster":            {onBoot(bootClusters(0xF4), bootClusters(0xF3)), layer.ErrCorrupt, "clusters of 8192 sectors, no power of two of at most 2097152 bytes"},
		"record":             {onBoot(bootField(0x40, 0xF1), bootField(0x40, 0xF0)), layer.ErrCorrupt, "file records of 65536 bytes, no power of two from 512 to 32768"},
		"small record":       {onBoot(bootField(0x40, 0xF7), bootField(0x40, 0xF8)), layer.ErrCorrupt, "file records of 256 bytes, no power of two from 512 to 32768"},
		"index record":       {onBoot(bootField(0x44, 0xF0), bootField(0x44, 0xEF)), layer.ErrCorrupt, "index records of 131072 bytes, no power of two from 512 to 65536"},
		"small index record": {onBoot(bootField(0x44, 0xF7), bootField(0x44, 0xF8)), layer.ErrCorrupt, "index records of 256 bytes, no power of two from 512 to 65536"},
		"index block":        {onImage("resumed", "dir", setIndexBlock, nil), layer.ErrCorrupt, "blocks of 131072 bytes"},
		"index depth":        {tryIndexDepth, layer.ErrCorrupt, "index block 16: more than 16 levels"},
		"index bitmap":       {onImage("crowded", "all", setIndexBitmap, nil), layer.ErrCorrupt, "a bitmap of 536870913 bytes, more than 536870912"},
		"attribute list":     {onImage("resumed", "dir/resident", setAttributeList, nil), layer.ErrCorrupt, "an attribute list of 1048584 bytes, more than 1048576"},
		"EAs":                {onImage("resumed", "dir/resident", setEAs, readEAs), layer.ErrCorrupt, "attribute 0xe0 has 65537 bytes, more than 65536"},
		"reparse point":      {onImage("resumed", "dir", setReparse, readReparse), layer.ErrCorrupt, "attribute 0xc0 has 16393 bytes, more than 16392"},
		"descriptor":         {onImage("resumed", "dir/resident", setSecurity, readSecurity(maxSecurity)), layer.ErrCorrupt, "attribute 0x50 has 262145 bytes, more than 262144"},
		"descriptor, $SDS":   {onImage("resumed", "dir/resident", setSDS, readSecurity(maxSecurity-securityHeader)), layer.ErrCorrupt, "has 262145 bytes, of 20 to 262144"},
		"SID":                {trySID, nil, "not a SID of at most 15 sub-authorities"},
		"compression unit":   {onImage("resumed", "dir/resident", setUnit(maxCompressionUnit), readUnit("dir/resident", 1024<<maxCompressionUnit)), layer.ErrCorrupt, "compression units of 2^7 clusters, of 2^1 to 2^6"},
		"bytes of a unit":    {onImage("c2m", "sizes/1", setUnit(1), readUnit("sizes/1", maxUnitBytes)), layer.ErrCorrupt, "compression units of 8388608 bytes, more than 4194304"},
		"$UpCase":            {onImage("resumed", ".", setUpCase, readUpCase), layer.ErrCorrupt, "131074 bytes long, of at most 131072"},
		"label":              {onImage("s4096", ".", setLabel, readLabel), layer.ErrCorrupt, "a label of 2050 bytes, more than 2048"},
		"parts of $MFT":      {tryMFTParts, layer.ErrCorrupt, "it lies in 8193 parts, more than 8192"},
		"runs of $MFT":       {tryMFTRuns, layer.ErrCorrupt, "it lies in more than 524288 runs"},
		"WOF's chunks":       {tryWOFChunks, layer.ErrCorrupt, "10 bytes of WofCompressedData for 3 chunks"},
		"WOF's last chunk":   {tryWOFChunk, layer.ErrCorrupt, "chunk 0 lies from 0 to 4097, for 4096 bytes"},
		"log page":           {tryLogPage(maxLogPage, 2*maxLogPage), layer.ErrCorrupt, "pages of 131072 and 131072 bytes, no powers of two from 512 to 65536"},
		"small log page":     {tryLogPage(minLogPage, minLogPage/2), layer.ErrCorrupt, "pages of 256 and 256 bytes, no powers of two from 512 to 65536"},
		"log client":         {onRestart(func(page []byte, over int64) { le.PutUint32(page[0x70+28:], uint32(maxLogClient+over)) }), layer.ErrCorrupt, "a client's name of 129 bytes, more than 128"},
		"bits of an LSN":     {onRestart(func(page []byte, over int64) { le.PutUint32(page[0x30+16:], uint32(minSequenceBits-over)) }), layer.ErrCorrupt, "3 bits of an LSN for the round, of 4 to 60"},
		"log version":        {onRestart(func(page []byte, over int64) { page[26], page[28] = byte(over), 2 }), layer.ErrUnsupported, "version 2.1"},
		"pending changes":    {tryPending, layer.ErrUnsupported, "more than 2 file records and index blocks with changes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.NoError(t, c.try(t, 0))
			err := c.try(t, 1)
			require.ErrorContains(t, err, c.text)
			if c.kind != nil { // whoever asks gives it one
				require.ErrorIs(t, err, c.kind)
			}
		})
	}
}

// bootField returns a change of the boot sector.
func bootField(at int, value ...byte) func(b *bootSector) {
	return func(b *bootSector) { copy(b[at:], value) }
}

// bootClusters sets the sectors of a cluster, and index records of 4 KiB.
func bootClusters(v byte) func(b *bootSector) {
	return func(b *bootSector) { b[0x0D], b[0x44] = v, 0xF4 }
}

func setIndexBlock(p *patient, number uint64, over int64) {
	p.attribute(number, attrIndexRoot, indexNames, func(a attribute) { le.PutUint32(a.value()[8:], uint32(maxIndexBlock<<over)) })
}

// setIndexBitmap puts the bitmap outside, with a hole behind its first cluster.
func setIndexBitmap(p *patient, number uint64, over int64) {
	x, err := p.fsys.file(fileRef(number))
	require.NoError(p.t, err)
	a, err := x.find(attrBitmap, utf16le(indexNames))
	require.NoError(p.t, err)
	require.False(p.t, a.nonResident())
	cluster, size := p.fsys.geo.clusterSize, maxIndexBitmap+over
	first := p.grow(a.value())
	hole := stretch{holeLCN, (size+cluster-1)/cluster - first.clusters}
	p.set(number, outsideAttribute(attrBitmap, indexNames, a.instance(), size, cluster, 0, first, hole))
}

// tryIndexDepth searches through as many levels of blocks, each with one child,
// for a key in the last.
func tryIndexDepth(t *testing.T, over int64) error {
	levels := maxIndexDepth + over
	const size = minIndexBlock
	entry := func(child int64, flags uint16, key string) []byte {
		e := make([]byte, indexEntryHeader, 64)
		e = append(e, key...)
		if flags&entryHasChild != 0 {
			e = le.AppendUint64(e, uint64(child))
		}
		e = append(e, make([]byte, -len(e)&7)...)
		le.PutUint16(e[0x08:], uint16(len(e)))
		le.PutUint16(e[0x0A:], uint16(len(key)))
		le.PutUint16(e[0x0C:], flags)
		return e
	}
	var blocks []byte
	for n := range levels {
		entries := entry(n+1, entryLast|entryHasChild, "")
		if n == levels-1 {
			entries = append(entry(0, 0, "key"), entry(0, entryLast, "")...)
		}
		b := make([]byte, size)
		copy(b, magicIndex)
		le.PutUint16(b[0x04:], 0x28)
		le.PutUint16(b[0x06:], size/fixupStride+1)
		le.PutUint64(b[0x10:], uint64(n))
		le.PutUint32(b[indexBlockHeader:], 0x18)
		le.PutUint32(b[indexBlockHeader+4:], uint32(0x18+copy(b[indexBlockHeader+0x18:], entries)))
		seal(b)
		blocks = append(blocks, b...)
	}
	ix := &index{x: &file{ref: recordRoot}, root: entry(0, entryLast|entryHasChild, ""), blockSize: size, unit: size,
		blocks: inline(blocks), bitmap: bytes.Repeat([]byte{0xFF}, len(blocks)/size)}
	found := ""
	err := ix.search(func(key []byte) (int, error) { return strings.Compare("key", string(key)), nil }, func(e indexEntry) bool {
		found = string(e.key())
		return false
	})
	if err == nil {
		require.Equal(t, "key", found)
	}
	return err
}

// setAttributeList gives the file a list outside, of its attributes and then of
// parts of $DATA that nothing needs, as $DATA is resident.
func setAttributeList(p *patient, number uint64, over int64) {
	ref := fileRef(number)
	var list []byte
	p.record(number, func(r record) {
		for _, a := range p.attributesOf(r) {
			require.Empty(p.t, a.name())
			list = append(list, listEntryOf(a.kind(), 0, ref|fileRef(r.sequenceNumber())<<48, a.instance(), 0)...)
		}
	})
	const most = 0xFFF8
	for vcn := int64(1); ; vcn++ {
		left := maxAttributeList + 8*int(over) - len(list)
		if left == 0 {
			break
		}
		if left > most && left < most+0x20 {
			left -= 0x20 // so that another has room
		}
		list = append(list, listEntryOf(attrData, vcn, ref, 0, min(left, most))...)
	}
	p.outside(number, attrAttributeList, "", list)
}

func setEAs(p *patient, number uint64, over int64) {
	ea := func(name string, length int64, next bool) []byte {
		e := make([]byte, length)
		if next {
			le.PutUint32(e, uint32(length))
		}
		e[5] = byte(len(name))
		le.PutUint16(e[6:], uint16(length-eaHeader-int64(len(name))-1))
		copy(e[eaHeader:], name)
		return e
	}
	p.outside(number, attrEA, "", append(ea("ONE", maxEA/2, true), ea("TWO", maxEA/2+over, false)...))
}

func readEAs(t *testing.T, _ *FS, r *FileRecord) error {
	list, err := r.EAs()
	require.Len(t, list, 2)
	require.Len(t, list[1].Value, maxEA/2-eaHeader-4)
	return err
}

func setReparse(p *patient, number uint64, over int64) {
	value := make([]byte, reparseHeader+maxReparse+over)
	le.PutUint32(value, tagCloud)
	le.PutUint16(value[4:], uint16(maxReparse+over))
	p.outside(number, attrReparsePoint, "", value)
}

func readReparse(t *testing.T, _ *FS, r *FileRecord) error {
	require.Equal(t, "IO_REPARSE_TAG_CLOUD", r.ReparseName())
	data, err := r.ReparseData()
	require.Len(t, data, maxReparse)
	return err
}

// setSecurity gives the file a descriptor of its own, as NTFS 1.2 does.
func setSecurity(p *patient, number uint64, over int64) {
	p.attribute(number, attrStandardInformation, "", func(a attribute) {
		if len(a.value()) > standardInfoOld {
			le.PutUint32(a.value()[0x34:], 0)
		}
	})
	p.outside(number, attrSecurityDescriptor, "", make([]byte, maxSecurity+over))
}

func readSecurity(size int) func(*testing.T, *FS, *FileRecord) error {
	return func(t *testing.T, _ *FS, r *FileRecord) error {
		raw, err := r.SecurityDescriptor()
		if err == nil {
			require.Len(t, raw, size)
		}
		return err
	}
}

// setSDS gives the file a security ID whose descriptor has that length and lies
// at the start of $SDS.
func setSDS(p *patient, number uint64, over int64) {
	const id = 0x100
	var info attribute
	p.record(number, func(r record) { info = p.attributesOf(r)[0] })
	value := make([]byte, 0x48)
	copy(value, info.value())
	le.PutUint32(value[0x34:], id)
	p.set(number, residentAttribute(attrStandardInformation, "", info.instance(), value))

	stream := p.runs(recordSecure, attrData, "$SDS")[0].lcn * p.fsys.geo.clusterSize
	p.attribute(recordSecure, attrIndexRoot, indexSecurityIDs, func(a attribute) {
		entries, err := nodeEntries(a.value()[indexRootHeader:])
		require.NoError(p.t, err)
		for s := (indexEntries{rest: entries}); s.advance() && !s.isLast(); {
			if le.Uint32(s.key()) == id {
				data, ok := s.data()
				require.True(p.t, ok)
				le.PutUint64(data[8:], 0)
				le.PutUint32(data[16:], uint32(maxSecurity+over))
				copy(p.image[stream:], data)
				return
			}
		}
		p.t.Fatal("no such ID")
	})
}

func trySID(_ *testing.T, over int64) error {
	sid := make([]byte, sidHeader+4*(maxSubAuthorities+over))
	sid[0], sid[1] = 1, byte(maxSubAuthorities+over)
	_, err := sidString(sid)
	return err
}

// setUnit gives the file one compression unit, whose first cluster holds eight
// letters.
func setUnit(unit int64) func(*patient, uint64, int64) {
	return func(p *patient, number uint64, over int64) {
		unit := unit + over
		cluster := p.fsys.geo.clusterSize
		first := p.grow([]byte("\x03\xb0\x02a\x04\x00"))
		a := outsideAttribute(attrData, "", 0x7000, cluster<<unit, cluster, 0, first, stretch{holeLCN, 1<<unit - 1})
		le.PutUint16(a[0x0C:], compressionLZNT1)
		a[0x22] = byte(unit)
		p.set(number, a)
	}
}

func readUnit(path string, size int) func(*testing.T, *FS, *FileRecord) error {
	return func(t *testing.T, f *FS, _ *FileRecord) error {
		data, err := f.ReadFile(path)
		if err == nil {
			require.Len(t, data, size)
			require.Equal(t, "aaaaaaaa\x00", string(data[:9]))
			require.True(t, allZero(data[8:]))
		}
		return err
	}
}

func setUpCase(p *patient, _ uint64, over int64) {
	runs := p.runs(recordUpCase, attrData, "")
	if over > 0 {
		runs = append(runs, p.grow([]byte{1, 0}))
	}
	p.set(recordUpCase, outsideAttribute(attrData, "", 0x7000, maxUpCase+2*over, p.fsys.geo.clusterSize, 0, runs...))
}

func readUpCase(t *testing.T, f *FS, _ *FileRecord) error {
	table, err := f.upCase()
	if err == nil {
		require.EqualValues(t, 'Z', table.table['z'])
	}
	return err
}

func setLabel(p *patient, _ uint64, over int64) {
	p.set(recordVolume, residentAttribute(attrVolumeName, "", 0x7000, utf16le(strings.Repeat("n", maxLabel/2+int(over)))))
}

func readLabel(t *testing.T, f *FS, _ *FileRecord) error {
	i, err := f.Info()
	if err == nil {
		require.Equal(t, strings.Repeat("n", maxLabel/2), i.Label)
	}
	return err
}

// tryWOFChunks has three chunks: of a byte each, at least.
func tryWOFChunks(_ *testing.T, over int64) error {
	const table = 2 * 4
	stream := make([]byte, table+3+8) // it is cut
	_, err := newWOF(bytes.NewReader(stream), table+3-over, wofXpress4K, 3*4096, "file", new(scratch))
	return err
}

// tryWOFChunk has one chunk, which is stored when it is as long as what it
// holds.
func tryWOFChunk(t *testing.T, over int64) error {
	stream := bytes.Repeat([]byte("s"), 4096+int(over))
	c, err := newWOF(bytes.NewReader(stream), int64(len(stream)), wofXpress4K, 4096, "file", new(scratch))
	require.NoError(t, err)
	_, err = c.ReadAt(make([]byte, 4096), 0)
	return err
}

// tryLogPage decodes a restart page of a size.
func tryLogPage(at, over int) limitTrial {
	return func(t *testing.T, n int64) error {
		data, _ := dirtyLog(t)
		size := at
		if n > 0 {
			size = over
		}
		const log = 512 << 10
		area := 0x20 + (2*(size/fixupStride+1)+7)&^7 // behind the update sequence array
		page := make([]byte, max(size, defaultLogPage))
		copy(page, data[:0x20])
		copy(page[area:], data[0x30:0x70+logClientSize])
		le.PutUint16(page[4:], 0x20)
		le.PutUint16(page[6:], uint16(size/fixupStride+1))
		le.PutUint32(page[16:], uint32(size))
		le.PutUint32(page[20:], uint32(size))
		le.PutUint16(page[24:], uint16(area))
		le.PutUint64(page[area+24:], log)
		seal(page[:size])
		_, err := decodeRestart(page, log)
		return err
	}
}

// onRestart changes both restart pages of a log, whose areas are at 0x30 with
// the client at 0x70.
func onRestart(change func(page []byte, over int64)) limitTrial {
	return func(t *testing.T, over int64) error {
		data, _ := dirtyLog(t)
		data = both(data, func(page []byte) { change(page, over) })
		_, err := openLog(bytes.NewReader(data), int64(len(data)))
		return err
	}
}

// tryPending takes three targets of changes with a limit of three, or of two:
// a log of maxPending would have 84 MB.
func tryPending(t *testing.T, over int64) error {
	f := golden(t, "dirty-log")
	l, err := f.Log()
	require.NoError(t, err)
	return newPendings(f).addAll(l, 3-int(over))
}

// TestPathDepth: the path of a file below as many directories as there may be
// is whole; that of one more is not.
func TestPathDepth(t *testing.T) {
	f := &FS{geo: geometry{recordSize: 1024, clusterSize: 1024, size: 1 << 30, clusters: 1 << 20}}
	f.mft = mft{size: f.geo.recordSize}
	f.mft.setData(&growing{oneRun(f.geo.size)}, f.geo.size, nested{})
	for over := range 2 {
		elems, whole := f.above(fileRef(recordRoot+maxPathDepth+over) | 1<<48)
		require.Len(t, elems, maxPathDepth)
		require.Equal(t, over == 0, whole)
	}
}

// TestOtherLimits: what is beyond these is no damage, but another thing.
func TestOtherLimits(t *testing.T) {
	t.Run("name", func(t *testing.T) {
		_, ok := storedName(strings.Repeat("n", 255))
		require.True(t, ok)
		_, ok = storedName(strings.Repeat("n", 256))
		require.False(t, ok)
	})
	t.Run("stream as an xattr", func(t *testing.T) {
		for over := range 2 {
			p := newPatient(t, "resumed")
			p.outside(p.number("dir/resident"), attrData, "stream", make([]byte, maxXattr+over))
			f, err := p.reopen()
			require.NoError(t, err)
			info, err := f.Lstat("dir/resident")
			require.NoError(t, err)
			r := info.Sys().(*FileRecord)
			list, err := r.Xattrs()
			require.NoError(t, err)
			require.Len(t, list, 1-over)
			streams, err := r.Streams()
			require.NoError(t, err)
			require.Len(t, streams, 1)
			require.EqualValues(t, maxXattr+over, streams[0].Size)
		}
	})
	t.Run("Interix link", func(t *testing.T) {
		for over := range 2 {
			p := newPatient(t, "resumed")
			number := p.number("dir/resident")
			p.attribute(number, attrStandardInformation, "", func(a attribute) { a.value()[0x20] |= AttributeSystem })
			p.outside(number, attrData, "", append([]byte(interixLink), utf16le(strings.Repeat("t", interixPath/2+over))...))
			f, err := p.reopen()
			require.NoError(t, err)
			info, err := f.Lstat("dir/resident")
			require.NoError(t, err)
			if over > 0 {
				require.True(t, info.Mode().IsRegular())
				continue
			}
			require.Equal(t, fs.ModeSymlink, info.Mode().Type())
			target, err := f.ReadLink("dir/resident")
			require.NoError(t, err)
			require.Equal(t, strings.Repeat("t", interixPath/2), target)
		}
	})
}
