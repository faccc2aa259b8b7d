package ext3

import (
	"fmt"
	"io"
	"strings"

	"github.com/vmdkfs/vmdkfs/internal/extent"
	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/layer"
)

// A Journal tells what was done with the journal when the file system was
// opened.
type Journal struct {
	// Present says that the file system has one.
	Present bool
	// Needed says that the file system was not unmounted, so that its newest
	// changes are in the journal only.
	Needed bool
	// Replayed says that they were read from there. It is false with
	// WithoutReplay, or when the journal was empty.
	Replayed     bool
	Transactions int // committed ones, found and replayed
	Blocks       int // of the file system, replaced by newer ones
	Revoked      int // blocks in the log that were left out, as a later transaction revoked them
	// FastCommits is how many ext4 made behind its last transaction, all of
	// them replayed. They do not say when a directory got or lost a name: its
	// times are older than its names.
	FastCommits int
	// First and Next are the sequence numbers of the first transaction and of
	// the one behind the last.
	First, Next uint32
	// Err says why transactions in the middle of the log are missing: what is
	// read is the state before them, which the kernel refuses to mount. It is
	// nil when the log just ends, as it does after a power cut.
	Err error
}

const journalObject = "journal"

const (
	// minJournalBlocks is the length that a log keeps beside its fast commits.
	minJournalBlocks        = 1024
	defaultFastCommitBlocks = 256
	// journalWindow is how much of the log is read at once, in bytes. Between
	// the blocks that are looked at lie those of data, which need not be.
	journalWindow = 64 << 10
)

// A journalLog is the log of an opened journal.
type journalLog struct {
	content   *extent.Reader
	blockSize int64
	first     uint32 // block behind the superblock
	last      uint32 // behind the last block of the ring; fast commits lie from here on
	length    uint32
	start     uint32 // block of the oldest transaction, 0 for none
	sequence  uint32 // of that transaction
	compat    uint32
	incompat  uint32
	seed      uint32 // of the checksums of version 2 and 3

	window   []byte // blocks read ahead, from windowAt on
	windowAt uint32
}

// journalContent returns the blocks of the journal, of its inode or of the
// device that holds nothing else, and where its superblock is. f reads the
// source as it is, without an overlay, as the journal's own blocks must be.
func (f *FS) journalContent(external *device) (content *extent.Reader, superAt int64, err error) {
	if number := f.super.sJournalInum(); number != 0 {
		inode, err := f.inode(number)
		if err != nil {
			return nil, 0, err
		}
		return inode.blocks(), 0, nil
	}
	want := formatUUID(f.super.sJournalUUID())
	if external == nil {
		return nil, 0, layer.Errorf(layer.ErrIncomplete, layerName, journalObject, noOffset,
			"it lies on another device, UUID %s, and holds changes that are missing here", want)
	}
	s := new(superblock)
	if err := ondisk.ReadFull(external, s[:], superblockOffset); err != nil {
		return nil, 0, failed(journalObject, noOffset, err)
	}
	if s.sMagic() != superMagic || !s.incompat(incompatJournalDev) {
		return nil, 0, layer.Errorf(layer.ErrFormat, layerName, journalObject, noOffset, "the device that was given for it is no external journal")
	}
	if uuid := formatUUID(s.sUUID()); uuid != want {
		return nil, 0, layer.Errorf(layer.ErrIncomplete, layerName, journalObject, noOffset, "it has the UUID %s, and the journal that was given %s", want, uuid)
	}
	// Blocks of the log are counted from the start of the device. Its own
	// superblock follows the block with that of the file system's kind.
	list, err := extent.NewList([]extent.Run{{Length: external.size}}, external.size)
	if err != nil {
		return nil, 0, corrupt(journalObject, noOffset, "%v", err)
	}
	return extent.NewReader(list, external.size, external), (superblockOffset/f.geo.blockSize + 1) * f.geo.blockSize, nil
}

// openJournal opens the log.
func (f *FS) openJournal(external *device) (*journalLog, error) {
	content, superAt, err := f.journalContent(external)
	if err != nil {
		return nil, err
	}
	s := new(journalSuperblock)
	if err := ondisk.ReadFull(content, s[:], superAt); err != nil {
		return nil, failed(journalObject, noOffset, err)
	}
	bad := func(format string, args ...any) (*journalLog, error) {
		return nil, corrupt(journalObject, noOffset, "superblock: "+format, args...)
	}
	l := &journalLog{content: content, blockSize: f.geo.blockSize, first: s.sFirst(), last: s.sMaxLen(), length: s.sMaxLen(),
		start: s.sStart(), sequence: s.sSequence()}
	switch header := journalBlock(s[:]); {
	case header.hMagic() != jbd2Magic:
		return bad("magic is %#08x, not %#08x", header.hMagic(), uint32(jbd2Magic))
	case header.hBlockType() == jbd2SuperblockV2:
		l.compat, l.incompat = s.sFeatureCompat(), s.sFeatureIncompat()
	case header.hBlockType() != jbd2SuperblockV1:
		return bad("type %d", header.hBlockType())
	}
	if unknown := featureNames("incompat", jbd2IncompatNames[:], l.incompat&^jbd2IncompatRead); len(unknown) > 0 {
		return nil, unsupported(journalObject, "feature %s", strings.Join(unknown, ", "))
	}
	if l.hasTail() {
		if s.sChecksum() != s.checksum() {
			return bad("checksum is %#08x, not %#08x", s.sChecksum(), s.checksum())
		}
		l.seed = crc32c(^uint32(0), s.sUUID())
	}
	switch {
	case int64(s.sBlockSize()) != f.geo.blockSize:
		return bad("blocks of %d bytes, not %d", s.sBlockSize(), f.geo.blockSize)
	case int64(l.length) > content.Size()/l.blockSize:
		return bad("%d blocks in a file of %d bytes", l.length, content.Size())
	}
	if l.incompat&jbd2IncompatFastCommit != 0 {
		n := s.sNumFCBlks()
		if n == 0 {
			n = defaultFastCommitBlocks
		}
		if l.last >= n && l.last-n >= minJournalBlocks {
			l.last -= n
		}
	}
	if l.first == 0 || l.first >= l.last || (l.start != 0 && (l.start < l.first || l.start >= l.last)) {
		return bad("log from %d, starting at %d, in blocks %d to %d", l.first, l.start, l.first, l.last)
	}
	return l, nil
}

// block returns a block of the log. It is overwritten by the next call.
func (l *journalLog) block(n uint32) (journalBlock, error) {
	perWindow := max(1, uint32(journalWindow/l.blockSize))
	if l.window == nil || n < l.windowAt || int64(n-l.windowAt) >= int64(len(l.window))/l.blockSize {
		count := min(perWindow, l.length-n)
		if l.window == nil {
			l.window = make([]byte, int64(perWindow)*l.blockSize)
		}
		l.window = l.window[:int64(count)*l.blockSize]
		if err := ondisk.ReadFull(l.content, l.window, int64(n)*l.blockSize); err != nil {
			l.window = nil
			return nil, failed(journalObject, noOffset, fmt.Errorf("block %d: %w", n, err))
		}
		l.windowAt = n
	}
	return journalBlock(l.window[int64(n-l.windowAt)*l.blockSize:][:l.blockSize]), nil
}

// after returns the block n behind the given one in the ring.
func (l *journalLog) after(block, n uint32) uint32 {
	size := l.last - l.first
	return l.first + (block-l.first+n%size)%size
}

// openDevice returns the source as it is after recovery but for its fast
// commits, what recovery did, and the records of the fast commits. f reads the
// source as it is.
func (f *FS) openDevice(source io.ReaderAt, o options) (io.ReaderAt, Journal, []fastTag, error) {
	j := Journal{Present: f.super.compat(compatHasJournal), Needed: f.super.incompat(incompatRecover)}
	if f.backup && j.Present {
		// Linux does not keep the copies' flag up to date. The log knows.
		j.Needed = true
	}
	if !j.Needed || o.noReplay {
		return source, j, nil, nil
	}
	l, err := f.openJournal(o.journal)
	if err != nil {
		return nil, j, nil, err
	}
	if l.start == 0 {
		return source, j, nil, nil
	}
	writes, err := l.replay(&j, f.geo.blocks)
	if err != nil {
		return nil, j, nil, err
	}
	tags, err := l.fastCommits(&j, f.geo.inodeSize)
	if err != nil {
		return nil, j, nil, err
	}
	j.Replayed = true
	return newOverlay(source, l, writes), j, tags, nil
}
