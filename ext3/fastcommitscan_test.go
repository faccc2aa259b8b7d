package ext3

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vmdkfs/vmdkfs/internal/extent"
	"github.com/vmdkfs/vmdkfs/layer"
)

// An area is a log whose fast commits are made by the test.
type area struct {
	blocks [][]byte
	sum    uint32
}

const areaBlock = 512

// tag adds a record to the last block.
func (a *area) tag(tag uint16, value ...byte) *area {
	raw := le.AppendUint16(le.AppendUint16(nil, tag), uint16(len(value)))
	return a.raw(append(raw, value...))
}

func (a *area) raw(raw []byte) *area {
	n := len(a.blocks) - 1
	a.blocks[n] = append(a.blocks[n], raw...)
	a.sum = crc32c(a.sum, raw)
	return a
}

// tail ends a commit and its block.
func (a *area) tail(tid uint32) *area {
	n := len(a.blocks) - 1
	head := le.AppendUint16(nil, fcTagTail)
	head = le.AppendUint16(head, uint16(areaBlock-len(a.blocks[n])-fcTagHeader))
	head = le.AppendUint32(head, tid)
	a.raw(head)
	a.blocks[n] = append(le.AppendUint32(a.blocks[n], a.sum), make([]byte, areaBlock)...)[:areaBlock]
	a.sum = 0
	a.blocks = append(a.blocks, nil)
	return a
}

// scan reads the area as of transaction 7, in a log that ends with it.
func (a *area) scan() ([]fastTag, Journal, error) {
	const before = 3 // blocks of the log, the last of which is not used
	var content []byte
	content = append(content, make([]byte, before*areaBlock)...)
	for _, b := range a.blocks {
		content = append(content, append(b, make([]byte, areaBlock)...)[:areaBlock]...)
	}
	size := int64(len(content))
	list, err := extent.NewList([]extent.Run{{Length: size}}, size)
	if err != nil {
		return nil, Journal{}, err
	}
	l := &journalLog{content: extent.NewReader(list, size, bytes.NewReader(content)), blockSize: areaBlock, first: 1,
		last: before - 1, length: uint32(size / areaBlock), incompat: jbd2IncompatFastCommit}
	j := Journal{Next: 7}
	tags, err := l.fastCommits(&j, 256)
	return tags, j, err
}

func words(list ...uint32) []byte {
	var b []byte
	for _, w := range list {
		b = le.AppendUint32(b, w)
	}
	return b
}

func begun() *area { return (&area{blocks: [][]byte{nil}}).tag(fcTagHead, words(0, 7)...) }

// TestFastCommitScan: what ends the area. Behind a good commit nothing is wrong
// with that; without one the kernel does not mount.
func TestFastCommitScan(t *testing.T) {
	good := func(a *area) *area { return a.tag(fcTagDelRange, words(12, 1, 2)...) }
	for _, c := range []struct {
		what string
		bad  func(a *area)
		text string
	}{
		{"nothing", func(a *area) {}, "tag 0 is unknown"},
		{"unknown tag", func(a *area) { a.tag(10) }, "tag 10 is unknown"},
		{"add range", func(a *area) { a.tag(fcTagAddRange, make([]byte, 15)...) }, "tag 1 has 15 bytes"},
		{"del range", func(a *area) { a.tag(fcTagDelRange, make([]byte, 13)...) }, "tag 2 has 13 bytes"},
		{"create without a name", func(a *area) { a.tag(fcTagCreat, words(2, 12)...) }, "tag 3 has 8 bytes"},
		{"link with a long name", func(a *area) { a.tag(fcTagLink, make([]byte, 8+256)...) }, "tag 4 has 264 bytes"},
		{"unlink without an inode", func(a *area) { a.tag(fcTagUnlink, 1, 2, 3) }, "tag 5 has 3 bytes"},
		{"short inode", func(a *area) { a.tag(fcTagInode, make([]byte, 4+127)...) }, "tag 6 has 131 bytes"},
		{"long inode", func(a *area) { a.tag(fcTagInode, make([]byte, 4+257)...) }, "tag 6 has 261 bytes"},
		{"short tail", func(a *area) { a.tag(fcTagTail, make([]byte, 7)...) }, "tag 8 has 7 bytes"},
		{"long head", func(a *area) { a.tag(fcTagHead, make([]byte, 9)...) }, "tag 9 has 9 bytes"},
		{"head of another", func(a *area) { a.tag(fcTagHead, words(0, 6)...) }, "head of transaction 6"},
		{"tail of another", func(a *area) { a.tail(6) }, "tail of transaction 6"},
		{"checksum", func(a *area) { a.sum++; a.tail(7) }, "a tail whose checksum is"},
		{"over the block", func(a *area) { a.raw([]byte{fcTagPad, 0, 0xFF, 0xFF}) }, "a tag of 65535 bytes"},
	} {
		t.Run(c.what, func(t *testing.T) {
			a := good(begun())
			c.bad(a)
			tags, j, err := a.scan()
			require.NoError(t, err)
			require.Empty(t, tags)
			require.Zero(t, j.FastCommits)
			require.ErrorIs(t, j.Err, layer.ErrCorrupt)
			require.ErrorContains(t, j.Err, c.text)

			a = good(good(begun()).tail(7))
			c.bad(a)
			tags, j, err = a.scan()
			require.NoError(t, err)
			require.NoError(t, j.Err)
			require.Len(t, tags, 1)
			require.Equal(t, 1, j.FastCommits)
		})
	}
}

// TestFastCommitArea: what is not an area of fast commits of this transaction.
func TestFastCommitArea(t *testing.T) {
	for what, a := range map[string]*area{
		"no head":         (&area{blocks: [][]byte{nil}}).tag(fcTagPad).tail(7),
		"stale":           (&area{blocks: [][]byte{nil}}).tag(fcTagHead, words(0, 6)...).tail(6),
		"empty":           {blocks: [][]byte{nil}},
		"none":            {},
		"a head only":     {blocks: [][]byte{{fcTagHead, 0}}},
		"an empty commit": begun().tail(7),
	} {
		tags, j, err := a.scan()
		require.NoError(t, err, what)
		require.Empty(t, tags, what)
		require.NoError(t, j.Err, what)
		require.Equal(t, what == "an empty commit", j.FastCommits == 1, what)
	}
	_, _, err := (&area{blocks: [][]byte{nil}}).tag(fcTagHead, words(4, 7)...).tail(7).scan()
	require.ErrorIs(t, err, layer.ErrUnsupported)
	require.ErrorContains(t, err, "features 0x4")

	a := begun()
	for range 5 {
		a.tag(fcTagPad, make([]byte, 30)...).tag(fcTagDelRange, words(12, 1, 2)...).tail(7)
	}
	tags, j, err := a.scan()
	require.NoError(t, err)
	require.Len(t, tags, 5)
	require.Equal(t, 5, j.FastCommits)
}

// TestBlockRange decodes the places of ranges.
func TestBlockRange(t *testing.T) {
	value := append(words(12, 100), 0x10, 0x00, 0x02, 0x00, 0x03, 0x00, 0x00, 0x00)
	require.Equal(t, blockRange{first: 100, length: 16, start: 2<<32 | 3}, fastTag{fcTagAddRange, value}.blockRange())
	le.PutUint16(value[8:], 32768)
	require.Equal(t, blockRange{first: 100, length: 32768, start: 2<<32 | 3}, fastTag{fcTagAddRange, value}.blockRange())
	le.PutUint16(value[8:], 32769)
	require.Equal(t, blockRange{first: 100, length: 1, start: 2<<32 | 3, unwritten: true}, fastTag{fcTagAddRange, value}.blockRange())
	require.Equal(t, blockRange{first: 5, length: 6, hole: true}, fastTag{fcTagDelRange, words(12, 5, 6)}.blockRange())
}
