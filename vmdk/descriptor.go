package vmdk

// A Descriptor is the text that says what a disk consists of ("Virtual Disk
// Format 5.0", section "The Descriptor File").
type Descriptor struct {
	// Version is 1, 2 or 3, which are read alike. 2 was meant for encrypted
	// disks, 3 says that changes are tracked.
	Version int
	// Encoding is the encoding of the text, as it is named there; empty when
	// it is not named.
	Encoding string
	// CID is the content ID, which changes with the first write after the
	// disk was opened.
	CID uint32
	// ParentCID is the content ID of the disk that this one is a snapshot of,
	// or NoParent.
	ParentCID uint32
	// ParentFileNameHint is where that disk was; empty without one.
	ParentFileNameHint string
	// CreateType is the kind of disk: "vmfs", "monolithicFlat". It may be
	// empty, since the extents tell as much.
	CreateType string
	// Extents are the parts of the disk, in its order.
	Extents []Extent
	// DDB is the disk data base: what lines that begin with "ddb." say, by
	// the rest of their keys as they are written ("adapterType",
	// "geometry.cylinders", "uuid").
	DDB map[string]string

	name string // of its file, for errors
}

// NoParent is the ParentCID of a disk that is no snapshot.
const NoParent = 0xffffffff

// An Extent is a contiguous part of a disk.
type Extent struct {
	// Access is what the virtual machine may do: ReadWrite, ReadOnly or
	// NoAccess. A read of a NoAccess extent is fs.ErrPermission.
	Access string
	// Sectors is its length, in sectors of 512 bytes; at least 1.
	Sectors int64
	// Type is how it is stored, in upper case: one of those below, where the
	// disk could be opened. The file of a sparse extent tells its format by
	// itself.
	Type string
	// File is the name of the file that holds it, from the descriptor's
	// directory; empty when there is none. An embedded descriptor that names
	// one file means the one that it is in.
	File string
	// Offset is where it begins in File, in sectors of 512 bytes.
	Offset int64
}

// The values of Extent.Access.
const (
	ReadWrite = "RW"
	ReadOnly  = "RDONLY"
	NoAccess  = "NOACCESS"
)

// The values of Extent.Type that are read.
const (
	Flat       = "FLAT"       // the bytes as they are
	VMFS       = "VMFS"       // the same, on a VMFS datastore
	Zero       = "ZERO"       // zeros, without a file
	Sparse     = "SPARSE"     // grains, of which some are not there
	VMFSSparse = "VMFSSPARSE" // the same, on a VMFS datastore
	SESparse   = "SESPARSE"   // the same, space-efficient
)
