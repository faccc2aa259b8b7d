package ntfs

import (
	"fmt"
	"io/fs"
	"strings"

	"github.com/vmdkfs/vmdkfs/internal/cache"
	"github.com/vmdkfs/vmdkfs/internal/vnode"
)

// The tags of reparse points that have a meaning here, [MS-FSCC] 2.1.2.1.
const (
	tagMountPoint  = 0xA0000003
	tagSymlink     = 0xA000000C
	tagDedup       = 0x80000013
	tagNFS         = 0x80000014
	tagWOF         = 0x80000017
	tagAppExecLink = 0x8000001B
	tagProjFS      = 0x9000001C
	tagLXSymlink   = 0xA000001D
	tagStorageSync = 0x8000001E
	tagSyncFolder  = 0x90000027
	tagAFUnix      = 0x80000023
	tagLXFIFO      = 0x80000024
	tagLXChar      = 0x80000025
	tagLXBlock     = 0x80000026
	tagCloud       = 0x9000001A
	tagCloudMask   = 0x0000F000 // the cloud provider's, in tagCloud
)

// tagNames are the names of tags, without IO_REPARSE_TAG_.
var tagNames = map[uint32]string{
	tagMountPoint: "MOUNT_POINT", tagSymlink: "SYMLINK", tagDedup: "DEDUP", tagNFS: "NFS", tagWOF: "WOF",
	tagAppExecLink: "APPEXECLINK", tagProjFS: "PROJFS", tagLXSymlink: "LX_SYMLINK", tagStorageSync: "STORAGE_SYNC",
	tagAFUnix: "AF_UNIX", tagLXFIFO: "LX_FIFO", tagLXChar: "LX_CHR", tagLXBlock: "LX_BLK",
	0xC0000004: "HSM", 0x80000006: "HSM2", 0x80000007: "SIS", 0x80000008: "WIM", 0x80000009: "CSV", 0x8000000A: "DFS",
	0x80000012: "DFSR", 0xC0000014: "APPXSTRM", 0x80000015: "FILE_PLACEHOLDER", 0x80000016: "DFM", 0x80000018: "WCI",
	0x90001018: "WCI_1", 0xA0000019: "GLOBAL_REPARSE", 0xA000001F: "WCI_TOMBSTONE", 0x80000020: "UNHANDLED", 0xA0000022: "PROJFS_TOMBSTONE",
	0x80000021: "ONEDRIVE", 0xA0000027: "WCI_LINK", 0xA0001027: "WCI_LINK_1", 0xA0000010: "IIS_CACHE",
	tagSyncFolder: "STORAGE_SYNC_FOLDER", 0x80000005: "DRIVE_EXTENDER", 0x8000000B: "FILTER_MANAGER", 0xA0000028: "DATALESS_CIM",
}

func isCloud(tag uint32) bool { return tag&^tagCloudMask == tagCloud }

// tagName returns the name of a tag, or its number.
func tagName(tag uint32) string {
	name, known := tagNames[tag]
	switch {
	case known:
	case isCloud(tag):
		name = "CLOUD"
		if n := tag & tagCloudMask >> 12; n > 0 {
			name = fmt.Sprintf("CLOUD_%X", n)
		}
	default:
		return fmt.Sprintf("0x%08X", tag)
	}
	return "IO_REPARSE_TAG_" + name
}

const (
	// maxReparse is MAXIMUM_REPARSE_DATA_BUFFER_SIZE.
	maxReparse    = 16 << 10
	reparseHeader = 8
	// A tag without its highest bit is not Microsoft's, and has a GUID before
	// the data.
	tagMicrosoft = 0x80000000
	reparseGUID  = 16
)

// reparseTag returns the tag of a reparse point.
func (x *file) reparseTag(a attribute) (uint32, error) {
	value, err := x.value(a, maxReparse+reparseHeader)
	if err != nil {
		return 0, err
	}
	if len(value) < reparseHeader || le.Uint32(value) == 0 {
		return 0, corrupt(x.name(), noOffset, "a reparse point of %d bytes", len(value))
	}
	return le.Uint32(value), nil
}

// reparseData returns the data of the file's reparse point.
func (x *file) reparseData() ([]byte, error) {
	a, err := x.find(attrReparsePoint, nil)
	if err != nil || a == nil {
		return nil, err
	}
	value, err := x.value(a, maxReparse+reparseHeader)
	if err != nil {
		return nil, err
	}
	at := reparseHeader
	if len(value) >= 4 && le.Uint32(value)&tagMicrosoft == 0 {
		at += reparseGUID
	}
	if len(value) < at || len(value)-at < int(le.Uint16(value[4:6])) {
		return nil, corrupt(x.name(), noOffset, "a reparse point of %d bytes", len(value))
	}
	return value[at:][:le.Uint16(value[4:6])], nil
}

// reparseMode sets the type of a file by its tag.
func (x *file) reparseMode(r *FileRecord) error {
	switch r.ReparseTag {
	case tagMountPoint, tagSymlink, tagLXSymlink:
		r.mode = r.mode&^fs.ModeType | fs.ModeSymlink
	case tagAFUnix:
		r.mode |= fs.ModeSocket
	case tagLXFIFO:
		r.mode |= fs.ModeNamedPipe
	case tagLXChar:
		r.mode |= fs.ModeDevice | fs.ModeCharDevice
	case tagLXBlock:
		r.mode |= fs.ModeDevice
	case tagNFS:
		return x.nfsMode(r)
	}
	return nil
}

// Target returns the path that the link names: see the package's comment.
func (n linkNode) Target() (string, error) {
	r := n.record
	var h cache.Hold
	defer h.Release()
	x, err := r.fileFor(&h)
	if err != nil {
		return "", err
	}
	if r.ReparseTag == 0 {
		return x.interixTarget()
	}
	data, err := x.reparseData()
	if err != nil {
		return "", err
	}
	var target string
	switch r.ReparseTag {
	case tagLXSymlink:
		if len(data) < 4 || le.Uint32(data) != lxSymlinkVersion {
			return "", unsupported(x.name(), "a %s of another version than %d", tagName(r.ReparseTag), lxSymlinkVersion)
		}
		target = vnode.Escape(data[4:])
	case tagNFS:
		target = shownTarget(data[min(8, len(data)):], false) // behind the type
	default:
		substitute, relative, ok := substituteName(r.ReparseTag, data)
		if !ok {
			return "", corrupt(x.name(), noOffset, "the names of its reparse point are outside")
		}
		target = windowsTarget(substitute, relative)
	}
	if target == "" || strings.IndexByte(target, 0) >= 0 {
		return "", corrupt(x.name(), noOffset, "a link to %q", target)
	}
	return target, nil
}

// substituteName returns the name, in UTF-16, that Windows goes to for a
// symbolic link or a mount point, [MS-FSCC] 2.1.2.4 and 2.1.2.5, and whether it
// is relative to the directory of the link, or to the root of its volume.
func substituteName(tag uint32, data []byte) (name []byte, relative, ok bool) {
	header := 8
	if tag == tagSymlink {
		header = 12 // with flags, of which the lowest is SYMLINK_FLAG_RELATIVE
	}
	if len(data) < header {
		return nil, false, false
	}
	names, at, n := data[header:], int(le.Uint16(data[0:2])), int(le.Uint16(data[2:4]))
	if at+n > len(names) || n%2 != 0 {
		return nil, false, false
	}
	return names[at:][:n], tag == tagSymlink && data[8]&1 != 0, true
}

// windowsTarget returns a substitute name with slashes, without the prefix of
// the kernel's names: C:/Users for \??\C:\Users, //server/share for
// \??\UNC\server\share, and //?/ in front of anything else that is absolute.
func windowsTarget(name []byte, relative bool) string {
	target := shownTarget(name, true)
	if relative {
		return target
	}
	rest, kernel := strings.CutPrefix(target, "/??/")
	if !kernel {
		rest, kernel = strings.CutPrefix(target, "//?/")
	}
	server, unc := strings.CutPrefix(rest, "UNC/")
	switch {
	case !kernel:
		return target
	case unc:
		return "//" + server
	case len(rest) >= 2 && rest[1] == ':':
		return rest
	}
	return "//?/" + rest
}

// shownTarget returns a path in UTF-16 as UTF-8, escaped as names are. Windows
// separates its elements by backslashes.
func shownTarget(raw []byte, windows bool) string {
	var b strings.Builder
	from := 0
	for at := 0; at+2 <= len(raw); at += 2 {
		if c := raw[at]; raw[at+1] != 0 || c != '/' && (c != '\\' || !windows) {
			continue
		}
		b.WriteString(shownElement(raw[from:at]))
		b.WriteByte('/')
		from = at + 2
	}
	b.WriteString(shownElement(raw[from:]))
	return b.String()
}

// shownElement is shownName for an element of a target, which may be dots.
func shownElement(raw []byte) string {
	if s := string(raw); s == ".\x00" || s == ".\x00.\x00" {
		return text(raw)
	}
	return shownName(raw)
}
