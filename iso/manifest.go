package iso

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// The manifest lies in a directory of its own, whose records lie with it behind
// the data. So the image stays a stream: the root and all other directories are
// written before the data, and the manifest with its exact size once all has
// been read. What must be known before is only how much room it gets.
const (
	manifestDirName = "VMDKFS"
	manifestName    = "MANIFEST.TXT" // the same in every view

	// There is room for so many bytes of failures, which tell of some hundred
	// files of a small tree, and some ten thousand of a large one. Of more, their
	// number is told.
	minFailureRoom      = 64 << 10
	failureRoomPerEntry = 64
	maxFailureRoom      = 4 << 20
)

const manifestHead = `# What this image holds, and what it does not: a fact a line, divided by tabs.
# failed: a file or directory that could not be read, or in part, and why.
# lost: what a file had that neither ISO 9660 nor UDF can hold.
`

// A manifest is what is known of it.
type manifest struct {
	file     *node
	report   *Report
	entries  int    // of the source
	room     int64  // bytes of the lines that tell of failures, at most
	lostSize int64  // bytes of the lines that tell what is lost
	failures int64  // how many there were,
	lines    []byte // and what tells of them
}

// manifestDir returns the node of the manifest's directory, with a name that no
// other node has.
func (w *walker) manifestDir(root *node, others []node) node {
	taken := make(map[string]bool, len(others))
	for i := range others {
		taken[strings.ToUpper(others[i].raw())] = true
	}
	name := manifestDirName
	for i := 1; taken[name]; i++ {
		name = manifestDirName + "-" + strconv.Itoa(i)
	}
	n := node{name: name, parent: root, mtime: w.date, atime: w.date, ctime: w.date, dir: &folder{manifest: true}}
	n.attr = w.intern(attr{mode: modeDir | 0555, links: 2})
	return n
}

// addManifest puts the manifest in its directory. Its serial number is the
// last.
func (w *walker) addManifest(root *node) {
	for i := range root.dir.children {
		d := &root.dir.children[i]
		if d.dir == nil || !d.dir.manifest {
			continue
		}
		w.serial++
		d.dir.children = []node{{
			name: manifestName, parent: d, serial: w.serial, mtime: w.date, atime: w.date, ctime: w.date,
			attr: w.intern(attr{mode: modeRegular | 0444, links: 1}),
		}}
		copy(d.dir.children[0].short[:], manifestName)
		w.manifest = &d.dir.children[0]
	}
}

// measureManifest finds how much room the manifest needs. What is known already
// is counted, and failures are reckoned with.
func (m *image) measureManifest() error {
	m.manifest.room = int64(minFailureRoom + failureRoomPerEntry*min(m.manifest.entries, maxFailureRoom/failureRoomPerEntry))
	for _, err := range m.manifest.report.Errors {
		m.manifest.room += int64(len(failureLine(err)))
	}
	var size counter
	if err := m.writeLost(&size); err != nil {
		return err
	}
	m.manifest.lostSize = int64(size)
	m.manifest.file.size = int64(len(m.facts(math.MaxInt64))) + m.manifest.room + m.manifest.lostSize
	return nil
}

// A counter counts what is written to it.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// layManifest lays the manifest behind the data, with all that tells its size.
func (m *image) layManifest(p *plan) {
	d := m.manifest.file.parent.dir
	for v := range views {
		d.place[v].start = p.add("directory of the manifest", d.sectors(v), func(w io.Writer) error { return m.writeDirectories(w, v, true) })
	}
	if m.hasUDF {
		m.udf.manifestEntry = p.add("file entry of the manifest", 1, func(w io.Writer) error {
			b := m.appendEntry(nil, m.manifest.file, 0)
			if _, err := w.Write(b); err != nil {
				return err
			}
			return writeZeros(w, sectorSize-int64(len(b)))
		})
	}
	room := sectors(m.manifest.file.size)
	m.manifest.file.start = p.add("manifest", room, func(w io.Writer) error {
		for _, part := range [][]byte{m.facts(m.manifest.failures), m.manifest.lines} {
			if _, err := w.Write(part); err != nil {
				return err
			}
		}
		if err := m.writeLost(w); err != nil {
			return err
		}
		return writeZeros(w, room*sectorSize-m.manifest.file.size)
	})
}

// finishManifest gives the manifest its failures and its size, once all data
// was read.
func (m *image) finishManifest() {
	report := m.manifest.report
	m.manifest.failures = int64(len(report.Errors))
	var lines []byte
	for i, err := range report.Errors {
		more := fmt.Appendf(nil, "failed\t.\tand %d more\n", len(report.Errors)-i)
		line := failureLine(err)
		if int64(len(lines)+len(line)+len(more)) > m.manifest.room {
			lines = append(lines, more...)
			break
		}
		lines = append(lines, line...)
	}
	m.manifest.lines = lines
	m.manifest.file.size = int64(len(m.facts(m.manifest.failures))+len(lines)) + m.manifest.lostSize
}

// facts returns the first lines of the manifest.
func (m *image) facts(failures int64) []byte {
	b := fmt.Appendf(nil, "%svolume\t%s\nwritten\t%s\nentries\t%d\nbytes\t%d\n", manifestHead, clean(m.label),
		m.date.time().Format(time.RFC3339), m.manifest.entries, m.data)
	if failures == 0 {
		return append(b, "complete\tyes\n"...)
	}
	return fmt.Appendf(b, "complete\tno: failures: %d\n", failures)
}

// failureLine returns the line of an error.
func failureLine(err error) []byte {
	path := "."
	if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
		path, err = pe.Path, pe.Err
	}
	return fmt.Appendf(nil, "failed\t%s\t%s\n", clean(path), clean(err.Error()))
}

// writeLost writes the lines that tell what is lost.
func (m *image) writeLost(w io.Writer) error {
	var count [len(lostCounts)]int
	for n := range m.root.all() {
		l, what := n.lost, ""
		if m.hasUDF {
			if raw := n.raw(); !inUDF(n) {
				what = "its place in UDF, where its target does not fit"
			} else if !exactInUDF(raw) {
				l |= lostName
			}
		}
		if l == 0 && what == "" {
			continue
		}
		for i, part := range lostCounts {
			if l&part.bit != 0 {
				count[i]++
			}
		}
		if all := l.String(); all != "" && what != "" {
			what = all + ", " + what
		} else if all != "" {
			what = all
		}
		if what != "" {
			if _, err := fmt.Fprintf(w, "lost\t%s\t%s\n", clean(n.path()), what); err != nil {
				return err
			}
		}
	}
	for i, part := range lostCounts {
		if count[i] > 0 {
			if _, err := fmt.Fprintf(w, "lost\t.\t%s of %d files\n", part.name, count[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// clean returns text with its control characters as \xNN, so that it is one
// field of one line.
func clean(text string) string {
	if strings.IndexFunc(text, unicode.IsControl) < 0 {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if !unicode.IsControl(r) {
			b.WriteRune(r)
			continue
		}
		for _, c := range []byte(string(r)) {
			fmt.Fprintf(&b, `\x%02x`, c)
		}
	}
	return b.String()
}
