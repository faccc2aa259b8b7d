package ext3

import (
	"bytes"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/vmdkfs/vmdkfs/internal/testimg"
	"github.com/vmdkfs/vmdkfs/layer"
)

// A hugeLog is the device of an external journal as large as an image of which
// the memory is bounded: its blocks are made when they are read.
type hugeLog struct {
	head      []byte // with the superblocks
	blockSize int64
	blocks    int64
	// fill makes block n of the log; the last is the commit block.
	fill func(n int64, block []byte)
}

func (l *hugeLog) ReadAt(p []byte, off int64) (int, error) {
	block := make([]byte, l.blockSize)
	for done := 0; done < len(p); {
		at := off + int64(done)
		n := at / l.blockSize
		if n >= l.blocks {
			return done, io.EOF
		}
		clear(block)
		if n*l.blockSize < int64(len(l.head)) {
			copy(block, l.head[n*l.blockSize:])
		} else {
			be.PutUint32(block, jbd2Magic)
			be.PutUint32(block[8:], 1)
			if n == l.blocks-1 {
				be.PutUint32(block[4:], jbd2CommitBlock)
			} else {
				l.fill(n-int64(len(l.head))/l.blockSize, block)
			}
		}
		done += copy(p[done:], block[at%l.blockSize:])
	}
	return len(p), nil
}

// TestHugeLog: the log of an image just below a gigabyte stays within the
// budget, whatever it is full of.
func TestHugeLog(t *testing.T) {
	const name = "dirty-ext3-external-journal"
	image := testimg.Load(t, "ext/"+name+".img.gz")
	device := testimg.Load(t, "ext/"+name+".journal.img.gz")
	plain, err := Open(bytes.NewReader(image), int64(len(image)), WithoutReplay())
	require.NoError(t, err)
	size := plain.geo.blockSize
	superAt := (superblockOffset/size + 1) * size
	blocks, first := 1<<30/size-1, superAt/size+1
	for what, fill := range map[string]func(n int64, block []byte){
		"revocations": func(n int64, block []byte) {
			be.PutUint32(block[4:], jbd2RevokeBlock)
			be.PutUint32(block[12:], uint32(size))
			for at := int64(16); at < size; at += 4 {
				be.PutUint32(block[at:], uint32(n*size+at)) // another each time
			}
		},
		"writes": func(n int64, block []byte) {
			tags := (size - jbd2HeaderSize - 16) / 8
			if n%(tags+1) != 0 {
				return // data
			}
			tags = min(tags, blocks-first-n-2) // before the commit block
			be.PutUint32(block[4:], jbd2DescriptorBlock)
			for i, at := int64(0), int64(jbd2HeaderSize); i < tags; i++ {
				flags := uint32(jbd2FlagSameUUID)
				if i == 0 {
					flags = 0
				}
				if i == tags-1 {
					flags |= jbd2FlagLastTag
				}
				be.PutUint32(block[at:], uint32(plain.geo.blocks-1)-uint32(n+i)%100)
				be.PutUint32(block[at+4:], flags)
				if at += 8; i == 0 {
					at += 16 // a UUID
				}
			}
		},
	} {
		t.Run(what, func(t *testing.T) {
			log := &hugeLog{blockSize: size, blocks: blocks, fill: fill, head: bytes.Clone(device[:superAt+size])}
			super := log.head[superAt:]
			be.PutUint32(super[0x10:], uint32(blocks))
			be.PutUint32(super[0x14:], uint32(first))
			be.PutUint32(super[0x18:], 1) // sequence
			be.PutUint32(super[0x1C:], uint32(first))
			le.PutUint32(log.head[superblockOffset+4:], uint32(blocks))
			var f *FS
			testimg.WithinBudget(t, func() {
				f, err = Open(bytes.NewReader(image), int64(len(image)), WithJournal(log, blocks*size))
			})
			require.NoError(t, err)
			require.Equal(t, 1, f.Journal().Transactions)
		})
	}
}

// TestHugeFastCommits: neither do fast commits take more.
func TestHugeFastCommits(t *testing.T) {
	block := make([]byte, 4096)
	for at := 0; at+fcTagHeader+fcDelRangeSize <= len(block); at += fcTagHeader + fcDelRangeSize {
		le.PutUint16(block[at:], fcTagDelRange)
		le.PutUint16(block[at+2:], fcDelRangeSize)
	}
	s := &fastScan{inodeSize: 256}
	var err error
	testimg.WithinBudget(t, func() {
		for n := 0; n < 1<<30/len(block) && err == nil; n++ {
			err = s.block(block)
		}
	})
	require.ErrorIs(t, err, layer.ErrUnsupported)
	require.ErrorContains(t, err, "bytes of records of fast commits")
}
