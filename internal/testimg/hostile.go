package testimg

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

// hostileTime is what one mutant may take, as SECURITY.md promises. It has room
// for a machine that does other things as well.
const hostileTime = 5 * time.Second

// hostileMutants is how many mutants `go test` reads of each layer. There is a
// variable for more: see docs/fuzzing.md.
const hostileMutants = 100

// A Subject is a layer whose mutants Hostile reads.
type Subject struct {
	Images map[string][]byte
	// Open opens the mutant of the image of that name. What has a method Close
	// is closed.
	Open func(name string, r io.ReaderAt, size int64) (fs.FS, error)
	// Seal makes checksums right that would keep a mutation from being seen;
	// nil where there are none. Every second mutant is sealed.
	Seal func(name string, data []byte)
	// More asks for what the interfaces of io/fs do not have. May be nil.
	More func(tb testing.TB, fsys fs.FS)
	// Warnings returns those of what can be read all the same. May be nil.
	Warnings func(fsys fs.FS) []error
}

// Hostile reads mutants of a layer's images and fails the test when one costs
// its reader more than an error: a panic, a goroutine that is left, more than
// hostileTime or hostileMemory, an error of no kind, or an answer that
// contradicts another one, that of a walk at the same time, or that of the same
// image opened again.
//
// The environment chooses: VMDKFS_MUTANTS how many, VMDKFS_SEED which ones
// (both are printed), VMDKFS_MUTANT a single one.
func Hostile(t *testing.T, s Subject) {
	t.Helper()
	seed, count, first := number("VMDKFS_SEED", 1), number("VMDKFS_MUTANTS", hostileMutants), number("VMDKFS_MUTANT", 0)
	if testing.Short() {
		count = min(count, hostileMutants/5)
	}
	if _, one := os.LookupEnv("VMDKFS_MUTANT"); one {
		count = first + 1
	}
	names := slices.Sorted(maps.Keys(s.Images))
	where, largest := make(map[string]places), 0
	for _, name := range names {
		where[name] = s.places(t, name)
		largest = max(largest, len(s.Images[name]))
	}
	scratch := make([]byte, largest)
	defer limitMemory()()
	start, opened := time.Now(), 0
	for i := first; i < count; i++ {
		rng := rand.New(rand.NewPCG(uint64(seed), uint64(i)))
		name := names[i%len(names)]
		data := scratch[:copy(scratch, s.Images[name])]
		size := where[name].mutate(rng, data)
		if s.Seal != nil && rng.IntN(2) == 0 {
			s.Seal(name, data)
		}
		m := &mutant{t, s, fmt.Sprintf("VMDKFS_SEED=%d VMDKFS_MUTANT=%d (%s)", seed, i, name), name, data[:size]}
		if m.run() {
			opened++
		}
		if t.Failed() {
			t.Fatal(m.label)
		}
	}
	t.Logf("VMDKFS_SEED=%d: %d mutants of %d images, %d of them opened, in %v", seed, count-first, len(names), opened, time.Since(start).Round(time.Millisecond))
}

// A mutant is one image of Hostile.
type mutant struct {
	t     *testing.T
	s     Subject
	label string
	name  string
	data  []byte
}

// run reads the mutant; whether there was something to read.
func (m *mutant) run() bool {
	done := false
	defer func() {
		if !done {
			fmt.Fprintln(os.Stderr, m.label) // a panic is on its way
		}
	}()
	defer watch(m.label)()
	goroutines := runtime.NumGoroutine()
	var opened bool
	withinBudget(m.t, func() { opened = m.read() })
	for deadline := time.Now().Add(hostileTime); runtime.NumGoroutine() > goroutines; runtime.Gosched() {
		if time.Now().After(deadline) {
			m.t.Errorf("%d goroutines, %d before", runtime.NumGoroutine(), goroutines)
			break
		}
	}
	done = true
	return opened
}

// watch ends the process, with the stacks of all goroutines, when what follows
// takes longer than hostileTime, until stop is called. It counts ticks, of which
// there are none while the process is stopped.
func watch(label string) (stop func()) {
	const tick = 50 * time.Millisecond
	done := make(chan struct{})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(tick)
		defer ticker.Stop()
		for left := int(hostileTime/tick) * number("VMDKFS_PATIENCE", 4); left > 0; left-- {
			select {
			case <-done:
				return
			case <-ticker.C:
			}
		}
		debug.SetTraceback("all")
		panic("hangs: " + label)
	}()
	return func() { close(done); <-ended }
}

func (m *mutant) read() bool {
	fsys, err := m.open()
	if err != nil {
		CheckKind(m.t, m.name, err)
		if again, twice := m.open(); twice == nil || twice.Error() != err.Error() {
			m.t.Errorf("opened twice: %v, then %v", err, twice)
			closeFS(again)
		}
		return false
	}
	defer closeFS(fsys)
	var walks [2]string
	var wg sync.WaitGroup
	for i := range walks {
		wg.Go(func() { walks[i] = Fingerprint(fsys) })
	}
	wg.Wait()
	Exercise(m.t, fsys)
	if m.s.More != nil {
		m.s.More(m.t, fsys)
	}
	again, err := m.open()
	if err != nil {
		m.t.Errorf("opened twice: %v", err)
		return true
	}
	defer closeFS(again)
	for i, other := range []string{walks[1], Fingerprint(fsys), Fingerprint(again)} {
		if other != walks[0] {
			m.t.Errorf("walks differ (%d):\n%s", i, firstDifference(walks[0], other))
		}
	}
	return true
}

func (m *mutant) open() (fs.FS, error) {
	return m.s.Open(m.name, bytes.NewReader(m.data), int64(len(m.data)))
}

// listAll reads what is needed to list all of fsys.
func listAll(fsys fs.FS) {
	_ = fs.WalkDir(fsys, ".", func(_ string, e fs.DirEntry, err error) error {
		if err == nil {
			_, _ = e.Info()
		}
		return nil
	})
}

func closeFS(fsys fs.FS) {
	if c, ok := fsys.(io.Closer); ok && fsys != nil {
		c.Close()
	}
}

// firstDifference returns the first lines that two texts do not share.
func firstDifference(a, b string) string {
	x, y := bytes.Split([]byte(a), []byte("\n")), bytes.Split([]byte(b), []byte("\n"))
	for i := range min(len(x), len(y)) {
		if !bytes.Equal(x[i], y[i]) {
			return fmt.Sprintf("%.500s\n%.500s", x[i], y[i])
		}
	}
	return fmt.Sprintf("%d and %d lines", len(x), len(y))
}

// number returns what the environment says, or what holds without it.
func number(variable string, without int) int {
	text, ok := os.LookupEnv(variable)
	if !ok {
		return without
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		panic(variable + ": " + err.Error())
	}
	return n
}
