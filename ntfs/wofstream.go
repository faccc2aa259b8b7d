package ntfs

import (
	"github.com/vmdkfs/vmdkfs/internal/ondisk"
	"github.com/vmdkfs/vmdkfs/internal/vnode"
)

// wofStream is the stream with the compressed content of a file.
const wofStream = "WofCompressedData"

// The data of IO_REPARSE_TAG_WOF, WOF_EXTERNAL_INFO and
// FILE_PROVIDER_EXTERNAL_INFO in the WDK.
const (
	wofVersion      = 1
	wofProviderWIM  = 1
	wofProviderFile = 2
)

// openWOF returns the content of a file that the Windows Overlay Filter
// compressed. Its unnamed stream, which is one hole, has only the size.
func (x *file) openWOF(size int64) (vnode.Content, error) {
	data, err := x.reparseData()
	if err != nil {
		return nil, err
	}
	c := ondisk.NewCursor(data, le)
	version, provider := c.U32(), c.U32()
	switch {
	case c.Err() == nil && provider == wofProviderWIM:
		return nil, unsupported(x.name(), "its content is in a WIM file, which %s names", tagName(tagWOF))
	case c.Err() == nil && (version != wofVersion || provider != wofProviderFile):
		return nil, unsupported(x.name(), "%s of version %d and provider %d", tagName(tagWOF), version, provider)
	}
	fileVersion, algorithm := c.U32(), c.U32()
	switch {
	case c.Err() != nil:
		return nil, corrupt(x.name(), noOffset, "%s: %v", tagName(tagWOF), c.Err())
	case fileVersion != wofVersion:
		return nil, unsupported(x.name(), "%s of version %d of its files", tagName(tagWOF), fileVersion)
	}
	name := make([]byte, 0, 2*len(wofStream))
	for _, c := range []byte(wofStream) {
		name = append(name, c, 0)
	}
	stream, err := x.open(name)
	if err != nil {
		return nil, err
	}
	return newWOF(stream, stream.Size(), algorithm, size, x.name(), &x.fsys.scratch)
}
