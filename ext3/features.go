package ext3

import (
	"fmt"
	"strings"
)

// Feature bits, by the names that mke2fs gives them. Source: the kernel's
// ext4 documentation, "The Super Block".
const (
	compatHasJournal   = 0x0004
	compatResizeInode  = 0x0010
	compatDirIndex     = 0x0020
	compatSparseSuper2 = 0x0200
	compatFastCommit   = 0x0400

	incompatFiletype   = 0x0002
	incompatRecover    = 0x0004
	incompatJournalDev = 0x0008
	incompatMetaBG     = 0x0010
	incompatExtents    = 0x0040
	incompat64Bit      = 0x0080
	incompatMMP        = 0x0100
	incompatFlexBG     = 0x0200
	incompatEAInode    = 0x0400
	incompatCsumSeed   = 0x2000
	incompatLargeDir   = 0x4000
	incompatInlineData = 0x8000
	incompatEncrypt    = 0x10000
	incompatCasefold   = 0x20000

	roCompatSparseSuper  = 0x0001
	roCompatLargeFile    = 0x0002
	roCompatHugeFile     = 0x0008
	roCompatGDTCsum      = 0x0010
	roCompatBigalloc     = 0x0200
	roCompatMetadataCsum = 0x0400
)

// incompatRead are the incompatible features that this package reads. One bit
// outside of it and the file system is refused, by name: such a bit says that
// a reader which does not know it would read wrong.
const incompatRead = incompatFiletype | incompatRecover | incompatMetaBG | incompatExtents | incompat64Bit |
	incompatMMP | incompatFlexBG | incompatEAInode | incompatCsumSeed | incompatLargeDir | incompatInlineData |
	incompatEncrypt | incompatCasefold

// The names of the bits of the three feature words, from the lowest on.
var (
	compatNames = [...]string{"dir_prealloc", "imagic_inodes", "has_journal", "ext_attr", "resize_inode", "dir_index",
		"lazy_bg", "exclude_inode", "exclude_bitmap", "sparse_super2", "fast_commit", "stable_inodes", "orphan_file"}
	incompatNames = [...]string{"compression", "filetype", "needs_recovery", "journal_dev", "meta_bg", "", "extents", "64bit",
		"mmp", "flex_bg", "ea_inode", "", "dirdata", "metadata_csum_seed", "large_dir", "inline_data", "encrypt", "casefold"}
	roCompatNames = [...]string{"sparse_super", "large_file", "btree_dir", "huge_file", "uninit_bg", "dir_nlink", "extra_isize",
		"has_snapshot", "quota", "bigalloc", "metadata_csum", "replica", "read-only", "project", "shared_blocks", "verity", "orphan_present"}
)

// featureNames returns the names of the bits set in word; a bit without a name
// is shown by its number.
func featureNames(kind string, names []string, word uint32) []string {
	var list []string
	for bit := range 32 {
		switch {
		case word&(1<<bit) == 0:
		case bit < len(names) && names[bit] != "":
			list = append(list, names[bit])
		default:
			list = append(list, fmt.Sprintf("%s_%d", kind, bit))
		}
	}
	return list
}

// features returns the names of all features of s.
func (s *superblock) features() []string {
	list := featureNames("compat", compatNames[:], s.sFeatureCompat())
	list = append(list, featureNames("incompat", incompatNames[:], s.sFeatureIncompat())...)
	return append(list, featureNames("ro_compat", roCompatNames[:], s.sFeatureROCompat())...)
}

// checkFeatures refuses what this package cannot read. Unknown read-only
// compatible features only matter to writers.
func (s *superblock) checkFeatures() error {
	word := s.sFeatureIncompat()
	if word&incompatJournalDev != 0 {
		return unsupported("superblock", "this is the external journal of a file system, with none of its files")
	}
	if unknown := featureNames("incompat", incompatNames[:], word&^incompatRead); len(unknown) > 0 {
		return unsupported("superblock", "feature %s", strings.Join(unknown, ", "))
	}
	return nil
}
