package testimg

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"testing"
)

// A Chunk is compressed data of testdata/compress, with what it decodes to.
type Chunk struct {
	Format string
	Name   string
	Size   int
	SHA256 string
	Data   []byte
}

// Chunks returns the chunks of a format: "lznt1", "xpress4k", "xpress8k",
// "xpress16k" or "lzx".
func Chunks(tb testing.TB, formats ...string) []Chunk {
	tb.Helper()
	var list []Chunk
	d := json.NewDecoder(bytes.NewReader(Load(tb, "compress/chunks.jsonl.gz")))
	for {
		var c Chunk
		err := d.Decode(&c)
		if err == io.EOF {
			break
		}
		if err != nil {
			tb.Fatal(err)
		}
		for _, f := range formats {
			if c.Format == f {
				list = append(list, c)
			}
		}
	}
	if len(list) == 0 {
		tb.Fatalf("no chunks of %v", formats)
	}
	return list
}

// Check fails the test if plain is not what the chunk decodes to.
func (c Chunk) Check(tb testing.TB, plain []byte) {
	tb.Helper()
	sum := sha256.Sum256(plain)
	if len(plain) != c.Size || hex.EncodeToString(sum[:]) != c.SHA256 {
		tb.Errorf("%s %s: decoded to %d other bytes", c.Format, c.Name, len(plain))
	}
}
