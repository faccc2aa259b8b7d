package export

import (
	"archive/tar"
	"bytes"
	"errors"
	"strconv"
	"strings"
)

// archive/tar writes no records of GNU tar's sparse format, and no owner above
// the int of the machine. They are given to it under keys that are as long,
// which are replaced in what it made of them.
const (
	keySparse = "VFS.sparse."
	keyUID    = "UID"
	keyGID    = "GID"
)

// trueKeys are the beginnings of records as archive/tar gets them, and as they
// are written.
var trueKeys = [][2]string{
	{keySparse, "GNU.sparse."},
	{keyUID + "=", "uid="},
	{keyGID + "=", "gid="},
}

var errHeader = errors.New("header of an archive member is of no form that is known")

// setOwner sets the owner of h: in records, where int is too small for it.
func setOwner(h *tar.Header, uid, gid uint32) {
	set := func(field *int, key string, id uint32) {
		if *field = int(id); *field < 0 {
			*field, h.PAXRecords[key] = 0, strconv.FormatUint(uint64(id), 10)
		}
	}
	set(&h.Uid, keyUID, uid)
	set(&h.Gid, keyGID, gid)
}

// headerBlocks returns the blocks of h, with the true keys of its records.
func headerBlocks(h *tar.Header) ([]byte, error) {
	var head bytes.Buffer
	if err := tar.NewWriter(&head).WriteHeader(h); err != nil {
		return nil, err
	}
	blocks := head.Bytes()
	if len(blocks) == tarBlock { // there are no records
		return blocks, nil
	}
	records, err := strconv.ParseInt(strings.Trim(string(blocks[124:136]), " \x00"), 8, 64) // the size in the header of the records
	if err != nil || blocks[156] != tar.TypeXHeader || records > int64(len(blocks)-2*tarBlock) {
		return nil, errHeader
	}
	for rest := blocks[tarBlock:][:records]; len(rest) > 0; {
		digits, record, _ := bytes.Cut(rest, []byte(" "))
		n, err := strconv.Atoi(string(digits))
		if err != nil || n <= len(digits) || n > len(rest) {
			return nil, errHeader
		}
		for _, key := range trueKeys {
			if bytes.HasPrefix(record, []byte(key[0])) {
				copy(record, key[1])
			}
		}
		rest = rest[n:]
	}
	return blocks, nil
}
