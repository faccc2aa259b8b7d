package testimg

import (
	"bytes"
	"encoding/binary"
	"maps"
	"slices"
	"testing"
)

// fuzzImage is the largest image that Fuzz takes: each execution copies it.
const fuzzImage = 16 << 20

// changeSize is how many of a fuzzer's bytes make one change.
const changeSize = 6

// Fuzz is an end-to-end target: it changes an image as the fuzzer's bytes ask
// for, makes the checksums right if they ask for that, opens it, and reads all
// that Exercise reads. See Subject; small images are taken.
func Fuzz(f *testing.F, s Subject) {
	names := slices.Sorted(maps.Keys(s.Images))
	names = slices.DeleteFunc(names, func(name string) bool { return len(s.Images[name]) > fuzzImage })
	if len(names) == 0 || len(names) > 256 {
		f.Fatalf("%d images", len(names))
	}
	places := make([]places, len(names))
	for i, name := range names {
		places[i] = s.places(f, name)
		f.Add(uint8(i), false, []byte{})
		f.Add(uint8(i), true, []byte{0, 0, 1, 2, 3, 0xff, 4, 7, 6, 5, 4, 3, 5, 0, 0, 3, 1, 9, 6, 1, 0, 0, 2, 4})
	}
	var scratch []byte
	f.Fuzz(func(t *testing.T, image uint8, seal bool, changes []byte) {
		i := int(image) % len(names)
		name, base := names[i], s.Images[names[i]]
		scratch = append(scratch[:0], base...)
		places[i].apply(scratch, changes)
		if seal && s.Seal != nil {
			s.Seal(name, scratch)
		}
		fsys, err := s.Open(name, bytes.NewReader(scratch), int64(len(scratch)))
		if err != nil {
			CheckKind(t, name, err)
			return
		}
		defer closeFS(fsys)
		Exercise(t, fsys)
		if s.More != nil {
			s.More(t, fsys)
		}
	})
}

// Mutate returns a copy of base with the changes that a fuzzer's bytes ask for.
func Mutate(base, changes []byte) []byte {
	data := bytes.Clone(base)
	places{all: spans(base, nil)}.apply(data, changes)
	return data
}

// apply makes changes, each of which says what to do, where, and with what.
func (p places) apply(data, changes []byte) {
	for ; len(changes) >= changeSize; changes = changes[changeSize:] {
		op, at, value := changes[0], binary.LittleEndian.Uint32(changes[1:]), changes[5]
		list := p.metadata
		if op&0x80 != 0 || len(list) == 0 {
			list = p.all
		}
		target := list.at(data, at)
		switch op & 7 {
		case 4:
			putNumber(target, numbers[int(value)%len(numbers)], 1<<(op>>3&3), op&0x20 != 0)
		case 5:
			copy(target[:min(8<<(value%7), len(target))], list.at(data, at*uint32(value|1)+0x9E3779B9))
		case 6:
			clear(target[:min(1<<(value%10), len(target))])
		case 7:
			target[0] += value
		default:
			target[0] = value
		}
	}
}
