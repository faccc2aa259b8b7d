package vm

import (
	"context"
	"crypto"
	_ "crypto/sha1" // what manifests of version 1 have
	_ "crypto/sha256"
	_ "crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"path"
	"strings"

	"github.com/vmdkfs/vmdkfs/layer"
)

// A Check is what the manifest says of one file of a package, compared with
// the file.
type Check struct {
	File      string
	Algorithm string // "SHA256"; empty where the manifest lacks the file
	Err       error  // nil if the file is what was packed
}

// algorithms are those of DSP0243, section 6, and SHA1 of version 1.
var algorithms = map[string]crypto.Hash{"SHA1": crypto.SHA1, "SHA256": crypto.SHA256, "SHA384": crypto.SHA384, "SHA512": crypto.SHA512}

// A sum is a line of a manifest: "SHA256(web01-disk1.vmdk)= 9f86d0...".
type sum struct {
	algorithm string
	file      string
	digest    []byte
}

// parseManifest decodes the text of a manifest.
func parseManifest(name string, text []byte) ([]sum, error) {
	var sums []sum
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		left, digest, ok := strings.Cut(line, "=")
		if at := strings.LastIndex(line, ")="); at >= 0 { // a name may have an equals sign
			left, digest, ok = line[:at+1], line[at+2:], true
		}
		algorithm, file, open := strings.Cut(strings.TrimSpace(left), "(")
		file, closed := strings.CutSuffix(file, ")")
		raw, err := hex.DecodeString(strings.TrimSpace(digest))
		algorithm = strings.ToUpper(strings.ReplaceAll(strings.TrimSpace(algorithm), "-", ""))
		hash, known := algorithms[algorithm]
		switch {
		case !ok || !open || !closed || err != nil || known && len(raw) != hash.Size():
			return nil, failed(layer.ErrCorrupt, fmt.Sprintf("%s, line %d", name, number), "no checksum of a file: %.80q", line)
		case !known:
			return nil, failed(layer.ErrUnsupported, fmt.Sprintf("%s, line %d", name, number), "the checksum %.20q", algorithm)
		}
		sums = append(sums, sum{algorithm, file, raw})
	}
	return sums, nil
}

// Verify compares the files of the package with its manifest, in its order,
// and then names the files of the package that the manifest lacks. Every byte
// is read, and progress is told of how many so far; a context that is done ends
// it. Without a manifest the error says so.
//
// A signature of the manifest (.cert) is not checked.
func (m *Machine) Verify(ctx context.Context, progress func(done, total int64)) iter.Seq2[Check, error] {
	return func(yield func(Check, error) bool) {
		if m.pack == nil {
			yield(Check{}, failed(layer.ErrUnsupported, m.File, "only a package has a manifest: an .ova or an .ovf"))
			return
		}
		name := strings.TrimSuffix(m.pack.name, path.Ext(m.pack.name)) + ".mf"
		text, err := readText(m.pack.fsys, name)
		if errors.Is(err, fs.ErrNotExist) {
			err = failed(layer.ErrIncomplete, name, "the package has no manifest")
		}
		var sums []sum
		if err == nil {
			sums, err = parseManifest(name, text)
		}
		if err != nil {
			yield(Check{}, err)
			return
		}
		listed := make(map[string]bool)
		done, total := int64(0), m.pack.total(sums)
		read := func(n int) {
			if done += int64(n); progress != nil {
				progress(done, total)
			}
		}
		for _, s := range sums {
			listed[s.file] = true
			if !yield(Check{s.file, s.algorithm, m.pack.compare(ctx, s, read)}, nil) {
				return
			}
		}
		for _, f := range m.pack.members() {
			if !listed[f] && !yield(Check{File: f, Err: failed(layer.ErrIncomplete, f, "it is not in the manifest %s", path.Base(name))}, nil) {
				return
			}
		}
	}
}

// total returns how many bytes the files of the manifest have.
func (p *ovfPackage) total(sums []sum) (total int64) {
	for _, s := range sums {
		if fsys, name, err := locate(p.fsys, path.Dir(p.name), s.file, p.outside); err == nil {
			if info, err := fs.Stat(fsys, name); err == nil {
				total += info.Size()
			}
		}
	}
	return total
}

// compare returns an error unless the file has the checksum.
func (p *ovfPackage) compare(ctx context.Context, s sum, read func(n int)) error {
	fsys, name, err := locate(p.fsys, path.Dir(p.name), s.file, p.outside)
	if err != nil {
		return failed(layer.ErrUnsupported, s.file, "it is not opened, because %v", err)
	}
	f, err := fsys.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return failed(layer.ErrIncomplete, s.file, "the file does not exist")
	}
	if err != nil {
		return layer.Errorf(err, "vm", s.file, -1, "")
	}
	defer f.Close()
	h := algorithms[s.algorithm].New()
	buf := make([]byte, 1<<20)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := f.Read(buf)
		h.Write(buf[:n])
		read(n)
		if err == io.EOF {
			break
		}
		if err != nil {
			return layer.Errorf(err, "vm", s.file, -1, "")
		}
	}
	if got := h.Sum(nil); string(got) != string(s.digest) {
		return failed(layer.ErrCorrupt, s.file, "its %s is %x, and the manifest says %x", s.algorithm, got, s.digest)
	}
	return nil
}

// members returns the names of the files of the package, the description
// first.
func (p *ovfPackage) members() []string {
	list := []string{path.Base(p.name)}
	for _, f := range p.Files {
		if f.ChunkSize == "" {
			list = append(list, f.Href)
			continue
		}
		for i := 0; ; i++ {
			chunk := fmt.Sprintf("%s.%09d", f.Href, i)
			fsys, name, err := locate(p.fsys, path.Dir(p.name), chunk, p.outside)
			if err == nil {
				_, err = fs.Stat(fsys, name)
			}
			if err != nil {
				break
			}
			list = append(list, chunk)
		}
	}
	return list
}
