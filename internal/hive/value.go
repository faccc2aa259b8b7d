package hive

import (
	"encoding/binary"
	"io/fs"
	"iter"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/vmdkfs/vmdkfs/layer"
)

// The types of values that are decoded here.
const (
	TypeString   = 1 // REG_SZ
	TypeExpand   = 2 // REG_EXPAND_SZ
	TypeBinary   = 3 // REG_BINARY
	TypeNumber32 = 4 // REG_DWORD
)

// Places in the cell of a value, and its fixed size.
const (
	valueNameLength = 2
	valueSize       = 4
	valueData       = 8
	valueType       = 12
	valueFlags      = 16
	valueName       = 20

	valueLatin1 = 1       // a flag: the name has one byte for a character
	sizeInline  = 1 << 31 // in the size: the data stands where its offset would
)

const (
	// maxValue is the most bytes of a value that are read. The registry takes
	// larger ones; what is asked of it here is a line of text.
	maxValue = 1 << 20
	// bigSegment is how many bytes each cell but the last of a value has that
	// lies in several, which those above this size do since version 1.4.
	bigSegment = 16344
)

// A Value is a value of a key.
type Value struct {
	Name string // empty for the default value
	Type uint32

	hive   *Hive
	cell   cell
	size   uint32
	offset uint32
}

// Values yields the values of k, in the order of the hive, then at most one
// error.
func (k *Key) Values() iter.Seq2[Value, error] {
	return func(yield func(Value, error) bool) {
		if k.valueCount == 0 {
			return
		}
		n := int64(k.valueCount) * 4
		if n > k.hive.size {
			yield(Value{}, k.cell.corrupt("a key with %d values", k.valueCount))
			return
		}
		list, err := k.hive.cell(k.values, int(n), int(n))
		if err != nil {
			yield(Value{}, err)
			return
		}
		for at := 0; at < len(list.data); at += 4 {
			v, err := k.hive.value(list.u32(at))
			if !yield(v, err) || err != nil {
				return
			}
		}
	}
}

// Value returns the value of that name, whatever its case, or fs.ErrNotExist.
func (k *Key) Value(name string) (Value, error) {
	for v, err := range k.Values() {
		if err != nil {
			return v, err
		}
		if strings.EqualFold(v.Name, name) {
			return v, nil
		}
	}
	return Value{}, fs.ErrNotExist
}

// value decodes the value at an offset.
func (h *Hive) value(offset uint32) (Value, error) {
	c, err := h.cell(offset, valueName, valueName+maxName)
	if err != nil {
		return Value{}, err
	}
	if c.kind() != "vk" {
		return Value{}, c.corrupt("a cell %q where a value should be", c.kind())
	}
	n := int(c.u16(valueNameLength))
	if n > len(c.data)-valueName {
		return Value{}, c.corrupt("a value with a name of %d bytes", n)
	}
	name := text(c.data[valueName:][:n], c.u16(valueFlags)&valueLatin1 != 0)
	return Value{name, c.u32(valueType), h, c, c.u32(valueSize), c.u32(valueData)}, nil
}

// Data returns the bytes of the value.
func (v Value) Data() ([]byte, error) {
	size := int(v.size &^ sizeInline)
	switch {
	case v.size&sizeInline != 0 && size > 4:
		return nil, v.cell.corrupt("%d bytes in the place of four", size)
	case v.size&sizeInline != 0:
		return v.cell.data[valueData:][:size], nil
	case size > maxValue:
		return nil, failed(layer.ErrUnsupported, v.cell.at, "a value of %d bytes, more than %d", size, maxValue)
	case size == 0:
		return nil, nil
	case size > bigSegment && v.hive.base.minor() >= 4:
		return v.big(size)
	}
	c, err := v.hive.cell(v.offset, size, size)
	return c.data, err
}

// big returns the data of a value that lies in several cells.
func (v Value) big(size int) ([]byte, error) {
	const bigHeader = 8 // "db", the number of segments, the offset of their list
	c, err := v.hive.cell(v.offset, bigHeader, bigHeader)
	if err != nil {
		return nil, err
	}
	segments := (size + bigSegment - 1) / bigSegment
	if c.kind() != "db" || int(c.u16(2)) != segments {
		return nil, c.corrupt("a cell %q of %d segments where a value of %d bytes should be", c.kind(), c.u16(2), size)
	}
	list, err := v.hive.cell(c.u32(4), 4*segments, 4*segments)
	if err != nil {
		return nil, err
	}
	var data []byte
	for at := 0; at < len(list.data); at += 4 {
		n := min(bigSegment, size-len(data))
		part, err := v.hive.cell(list.u32(at), n, n)
		if err != nil {
			return nil, err
		}
		data = append(data, part.data...)
	}
	return data, nil
}

// Text returns a value of a string type up to its first NUL: what stands
// behind that, in some values of Windows, means nothing.
func (v Value) Text() (string, error) {
	if v.Type != TypeString && v.Type != TypeExpand {
		return "", v.cell.corrupt("%s is no text but of type %d", v.Name, v.Type)
	}
	data, err := v.Data()
	if err != nil {
		return "", err
	}
	s, _, _ := strings.Cut(text(data, false), "\x00")
	return s, nil
}

// Number returns a value of the type TypeNumber32.
func (v Value) Number() (uint32, error) {
	data, err := v.Data()
	if err != nil {
		return 0, err
	}
	if v.Type != TypeNumber32 || len(data) != 4 {
		return 0, v.cell.corrupt("%s is no number but %d bytes of type %d", v.Name, len(data), v.Type)
	}
	return binary.LittleEndian.Uint32(data), nil
}

// Time returns a binary value that is a FILETIME.
func (v Value) Time() (time.Time, error) {
	data, err := v.Data()
	if err != nil {
		return time.Time{}, err
	}
	if v.Type != TypeBinary || len(data) != 8 {
		return time.Time{}, v.cell.corrupt("%s is no time but %d bytes of type %d", v.Name, len(data), v.Type)
	}
	return FileTime(binary.LittleEndian.Uint64(data)), nil
}

// text decodes Latin-1 or UTF-16.
func text(raw []byte, latin1 bool) string {
	if latin1 {
		runes := make([]rune, len(raw))
		for i, c := range raw {
			runes[i] = rune(c)
		}
		return string(runes)
	}
	units := make([]uint16, len(raw)/2)
	for i := range units {
		units[i] = binary.LittleEndian.Uint16(raw[2*i:])
	}
	return string(utf16.Decode(units))
}
