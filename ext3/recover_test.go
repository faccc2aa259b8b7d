package ext3

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vmdkfs/vmdkfs/internal/testimg"
)

// TestStartWithoutRecover: what a log holds is void when the superblock does
// not ask for recovery, whatever the log says. The kernel wipes it.
func TestStartWithoutRecover(t *testing.T) {
	const name = "dirty-ext3-ordered"
	image := testimg.Load(t, "ext/"+name+".img.gz")
	stale, err := open(t, name, WithoutReplay())
	require.NoError(t, err)
	log, err := stale.openJournal(nil)
	require.NoError(t, err)
	require.NotZero(t, log.start)

	incompat := image[superblockOffset+0x60:]
	le.PutUint32(incompat, le.Uint32(incompat)&^incompatRecover)
	f, err := Open(bytes.NewReader(image), int64(len(image)))
	require.NoError(t, err)
	require.Equal(t, Journal{Present: true}, f.Journal())
	require.Equal(t, testimg.Describe(t, stale), testimg.Describe(t, f))
}

// TestSuperblockInJournal: the golden images have logs that hold the
// superblock, and it is the one that counts.
func TestSuperblockInJournal(t *testing.T) {
	found := 0
	for _, name := range names(t) {
		if !strings.HasPrefix(name, "dirty-ext") || isDamaged(name) || withoutManifest[name] || name == "dirty-ext3-external-journal" {
			continue
		}
		f, err := open(t, name)
		require.NoError(t, err)
		o := f.device.(*overlay)
		i := o.next(superblockOffset)
		if o.blockAt(i, superblockOffset+1) > superblockOffset {
			continue
		}
		found++
		var newer superblock
		_, err = o.ReadAt(newer[:], superblockOffset)
		require.NoError(t, err)
		require.Equal(t, &newer, f.super)
		old, err := open(t, name, WithoutReplay())
		require.NoError(t, err)
		if *old.super != *f.super {
			return // one that differs proves it
		}
	}
	require.NotZero(t, found)
	require.Fail(t, "no log has a superblock that differs")
}
