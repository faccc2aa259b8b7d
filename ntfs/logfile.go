package ntfs

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"unicode/utf16"

	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/layer"
)

// A Log is what $LogFile says of itself. The layout is that of the Linux-NTFS
// project's documentation of $LogFile, and of the header logfile.h of ntfs-3g.
type Log struct {
	// Empty tells that the log was reset: every byte is 0xFF. A driver other
	// than Windows', or a formatter, left it so; nothing is to be redone.
	Empty bool
	// Clean tells that the volume was dismounted: nothing is to be redone.
	Clean bool

	Major, Minor  int16
	Damaged       int    // how many of the two restart pages could not be used
	CurrentLSN    uint64 // of the last record when the restart area was written
	OldestLSN     uint64 // of the first record that is still needed
	CheckpointLSN uint64 // where a restart begins
	Client        string // the name of the log's one client: "NTFS"
	Size          int64  // bytes that are in use

	r            io.ReaderAt
	systemPage   int64
	pageSize     int64
	firstPage    int64 // offset of the first page that is not a copy
	dataOffset   int64 // where a page's records begin
	headerLength int64 // of a record
	sequenceBits uint
	tails        []logTail
}

const (
	objectLog = "$LogFile"

	restartPageHeader = 30
	restartAreaSize   = 48
	logClientSize     = 160
	maxLogClient      = 128 // bytes of its name, at its end
	noClient          = 0xFFFF
	restartClean      = 0x0002
	logRecordHeader   = 48 // of a log record, before what its client wrote

	// Pages are the size of a page of memory on the machine that made the log.
	minLogPage = 512
	maxLogPage = 64 << 10
	// minSequenceBits and maxSequenceBits bound the bits of an LSN that count
	// the rounds through the log: some must be left for a place in it.
	minSequenceBits, maxSequenceBits = 4, 60
	// defaultLogPage is where the second restart page is sought when the first
	// does not say how long it is.
	defaultLogPage = 4096
	// The copies of pages that are being written: two, in version 2.0 32.
	tailPages   = 2
	tailPagesV2 = 32
)

// openLog reads the restart pages of a log of the given size.
func openLog(r io.ReaderAt, size int64) (*Log, error) {
	head := make([]byte, min(size, maxLogPage))
	if err := ondisk.ReadFull(r, head, 0); err != nil {
		return nil, failed(objectLog, 0, err)
	}
	if isEmptyLog(head) {
		return &Log{Empty: true, Clean: true}, nil
	}
	first, err := decodeRestart(head, size)
	second := int64(defaultLogPage)
	if err == nil {
		second = first.systemPage
	}
	page := make([]byte, max(0, min(size-second, maxLogPage)))
	if rerr := ondisk.ReadFull(r, page, second); rerr != nil {
		return nil, failed(objectLog, second, rerr)
	}
	other, oerr := decodeRestart(page, size)
	l := first
	switch {
	case err != nil && oerr != nil:
		return nil, err
	case err != nil:
		l = other
		l.Damaged = 1
	case oerr != nil:
		l.Damaged = 1
	case other.CurrentLSN > first.CurrentLSN:
		l = other
	}
	l.r = r
	if l.Major > 2 || l.Major < 1 || (l.Major == 2 && l.Minor > 0) {
		return nil, unsupported(objectLog, "version %d.%d", l.Major, l.Minor)
	}
	if err := l.readTails(); err != nil {
		return nil, err
	}
	return l, nil
}

// isEmptyLog reports whether the log begins as one that was reset.
func isEmptyLog(head []byte) bool {
	return len(head) >= fixupStride && !slices.ContainsFunc(head[:fixupStride], func(b byte) bool { return b != 0xFF })
}

// decodeRestart decodes a restart page with its area and its client. It changes
// the page.
func decodeRestart(b []byte, size int64) (*Log, error) {
	bad := func(detail string) (*Log, error) {
		return nil, corrupt(objectLog, noOffset, "restart page: %s", detail)
	}
	if len(b) < defaultLogPage || (string(b[:4]) != "RSTR" && string(b[:4]) != "CHKD") {
		return bad("it is none")
	}
	system, page, area := int64(le.Uint32(b[16:])), int64(le.Uint32(b[20:])), int(le.Uint16(b[24:]))
	if !validLogPage(system) || !validLogPage(page) {
		return bad(fmt.Sprintf("pages of %d and %d bytes, no powers of two from %d to %d", system, page, minLogPage, maxLogPage))
	}
	if int64(len(b)) < system || area < restartPageHeader || area+restartAreaSize > int(system) {
		return bad("its area is outside")
	}
	b = b[:system]
	if !applyFixups(b) {
		return bad("it is torn")
	}
	l := &Log{Minor: int16(le.Uint16(b[26:])), Major: int16(le.Uint16(b[28:])), pageSize: page, systemPage: system}
	a := b[area:]
	l.CurrentLSN, l.sequenceBits = le.Uint64(a), uint(le.Uint32(a[16:]))
	clients, inUse, flags := int(le.Uint16(a[8:])), int(le.Uint16(a[12:])), le.Uint16(a[14:])
	l.Clean = inUse == noClient || flags&restartClean != 0
	l.Size = int64(le.Uint64(a[24:]))
	l.headerLength, l.dataOffset = int64(le.Uint16(a[36:])), int64(le.Uint16(a[38:]))
	at := int(le.Uint16(a[22:]))
	switch {
	case l.Size < 0 || l.Size > size:
		return bad("it is longer than its file")
	case l.headerLength < logRecordHeader || l.headerLength%8 != 0 || l.headerLength >= page,
		l.dataOffset < 40 || l.dataOffset%8 != 0 || l.dataOffset >= page-l.headerLength:
		return bad("lengths that cannot be")
	case l.sequenceBits < minSequenceBits || l.sequenceBits > maxSequenceBits || l.Size>>3 > 1<<(64-l.sequenceBits):
		return bad(fmt.Sprintf("%d bits of an LSN for the round, of %d to %d, in %d bytes", l.sequenceBits, minSequenceBits, maxSequenceBits, l.Size))
	case clients != 1 || at < restartAreaSize || at+logClientSize > len(a):
		return bad("not one client")
	}
	client := a[at:]
	l.OldestLSN, l.CheckpointLSN = le.Uint64(client), le.Uint64(client[8:])
	n := int(le.Uint32(client[28:]))
	if n > maxLogClient {
		return bad(fmt.Sprintf("a client's name of %d bytes, more than %d", n, maxLogClient))
	}
	name := make([]uint16, n/2)
	for i := range name {
		name[i] = le.Uint16(client[32+2*i:])
	}
	l.Client = string(utf16.Decode(name))
	copies := int64(tailPages)
	if l.Major >= 2 {
		copies = tailPagesV2
	}
	l.firstPage = 2*system + copies*page
	if l.Size -= l.Size % page; l.Size <= l.firstPage {
		return bad("no room for a record")
	}
	return l, nil
}

func validLogPage(n int64) bool { return n >= minLogPage && n <= maxLogPage && n&(n-1) == 0 }

// isDamage reports whether err is damage, and not a failure of the source.
func isDamage(err error) bool { return errors.Is(err, layer.ErrCorrupt) }
