package main

import (
	"fmt"
	"io"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// pseudoTerminal returns both ends of a terminal.
func pseudoTerminal(t *testing.T) (master, terminal *os.File) {
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("no terminals here: ", err)
	}
	t.Cleanup(func() { master.Close() })
	fd := int(master.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Skip("no terminals here: ", err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		terminal, err = os.OpenFile(fmt.Sprint("/dev/pts/", n), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		t.Skip("no terminals here: ", err)
	}
	return master, terminal
}

// TestProgressOnTerminal: what writes files shows how far it is though standard
// output is a terminal too, as it is for most people.
func TestProgressOnTerminal(t *testing.T) {
	_, terminal := pseudoTerminal(t)
	defer terminal.Close()
	a := newApp(terminal, terminal)
	require.NotNil(t, a.newProgress())
	require.Nil(t, a.progressBeside(nil))
	require.Nil(t, newApp(terminal, io.Discard).newProgress())
}
