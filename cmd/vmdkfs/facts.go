package main

// facts is what info prints, as its JSON has it. Sizes and offsets are bytes.
type facts struct {
	VM         *vmFacts         `json:"vm,omitempty"`
	Disks      []diskFacts      `json:"disks"`
	Partitions []partitionFacts `json:"partitions,omitempty"`
	Arrays     []arrayFacts     `json:"arrays,omitempty"`
	Groups     []groupFacts     `json:"groups,omitempty"`
	Guest      *guestFacts      `json:"guest,omitempty"`
	DiskGroups []diskGroupFacts `json:"disk_groups,omitempty"`
	Checks     []checkFacts     `json:"checks,omitempty"` // with the manifest of a package
	Logs       []logFacts       `json:"logs,omitempty"`   // of --log
}

type diskFacts struct {
	Image      string        `json:"image"`
	Path       string        `json:"path,omitempty"`
	Size       int64         `json:"size"`
	Format     string        `json:"format"`
	CreateType string        `json:"create_type,omitempty"`
	CID        string        `json:"cid,omitempty"`
	Extents    []extentFacts `json:"extents,omitempty"`
	Parents    []parentFacts `json:"parents,omitempty"` // of a snapshot, down to the base
	Table      *tableFacts   `json:"table,omitempty"`
	Content    *contentFacts `json:"content,omitempty"`
}

type extentFacts struct {
	Type   string `json:"type"`
	Access string `json:"access"`
	File   string `json:"file,omitempty"`
	Offset int64  `json:"offset,omitempty"`
	Size   int64  `json:"size"`
}

type tableFacts struct {
	Scheme     string `json:"scheme"`
	ID         string `json:"id"`
	SectorSize int    `json:"sector_size"`
}

type partitionFacts struct {
	Path       string        `json:"path"`
	Start      int64         `json:"start"`
	Size       int64         `json:"size"`
	Type       string        `json:"type"`
	TypeName   string        `json:"type_name,omitempty"`
	GUID       string        `json:"guid,omitempty"`
	Label      string        `json:"label,omitempty"`
	Attributes []string      `json:"attributes,omitempty"`
	Bootable   bool          `json:"bootable,omitempty"`
	Content    *contentFacts `json:"content"`
}

type groupFacts struct {
	Name       string        `json:"name"`
	UUID       string        `json:"uuid"`
	Size       int64         `json:"size"`
	Free       int64         `json:"free"`
	ExtentSize int64         `json:"extent_size"`
	Seqno      int64         `json:"seqno"`
	State      []string      `json:"state,omitempty"` // "exported", "clustered", "partial"
	SystemID   string        `json:"system_id,omitempty"`
	LockType   string        `json:"lock_type,omitempty"`
	Tags       []string      `json:"tags,omitempty"`
	Removed    []string      `json:"removed,omitempty"` // thin volumes that LVM keeps a record of
	PVs        []pvFacts     `json:"pvs"`
	Volumes    []volumeFacts `json:"volumes"`
}

type pvFacts struct {
	UUID    string   `json:"uuid"`
	Size    int64    `json:"size"`
	Volume  string   `json:"volume,omitempty"`
	Missing bool     `json:"missing,omitempty"`
	Device  string   `json:"device,omitempty"` // where the guest saw it last
	Tags    []string `json:"tags,omitempty"`
}

type volumeFacts struct {
	Path     string        `json:"path"`
	UUID     string        `json:"uuid"`
	Size     int64         `json:"size"`
	Type     string        `json:"type"`
	Segments int           `json:"segments"`
	Hidden   bool          `json:"hidden,omitempty"`
	Origin   string        `json:"origin,omitempty"`
	Merging  string        `json:"merging,omitempty"` // the snapshot whose bytes it has already
	Pool     string        `json:"pool,omitempty"`
	Tags     []string      `json:"tags,omitempty"`
	Content  *contentFacts `json:"content"` // nil for a hidden volume
}

// contentFacts is what a volume holds.
type contentFacts struct {
	Kind        string        `json:"kind"`
	Readable    bool          `json:"readable"`
	UUID        string        `json:"uuid,omitempty"`
	Label       string        `json:"label,omitempty"`
	LastMounted string        `json:"last_mounted,omitempty"`
	Tree        string        `json:"tree,omitempty"` // of an ISO image: "Rock Ridge", "Joliet" or "ISO 9660"
	Features    []string      `json:"features,omitempty"`
	BlockSize   int64         `json:"block_size,omitempty"`
	Size        int64         `json:"size,omitempty"`
	Free        int64         `json:"free,omitempty"`
	Inodes      int64         `json:"inodes,omitempty"`
	FreeInodes  int64         `json:"free_inodes,omitempty"`
	Clean       bool          `json:"clean,omitempty"`
	Errors      uint32        `json:"errors,omitempty"` // that the guest's kernel met
	LastError   string        `json:"last_error,omitempty"`
	Group       string        `json:"group,omitempty"`
	Journal     *journalFacts `json:"journal,omitempty"`
	NTFS        *ntfsFacts    `json:"ntfs,omitempty"`
	Error       string        `json:"error,omitempty"`
}

type journalFacts struct {
	Needed       bool   `json:"needed"`
	Replayed     bool   `json:"replayed"`
	Transactions int    `json:"transactions"`
	Blocks       int    `json:"blocks"`
	Revoked      int    `json:"revoked"`
	FastCommits  int    `json:"fast_commits,omitempty"`
	Error        string `json:"error,omitempty"` // why transactions are missing
}
