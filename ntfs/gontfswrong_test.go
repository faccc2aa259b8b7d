package ntfs

// In what go-ntfs and we may disagree.
const (
	theyOpenNot = "they do not open it"
	theyPanic   = "they panic"
	deletedFile = "they list a file that is deleted"
	otherPlace  = "they list a file where it has no such name"
	lostName    = "they list it under another of its names only"
	lostFile    = "they do not list it"
	otherType   = "file or directory"
	otherSize   = "size"
	otherTimes  = "times"
	otherData   = "content"
	weRefuse    = "we refuse its content"
)

// goNTFSWrong is all in which go-ntfs v0.2.1 and we disagree on the golden
// images, where ntfs-3g reads as we do (TestGolden). Each line must be needed
// by each of its images. Paths are regular expressions.
var goNTFSWrong = []struct{ images, what, path, reason string }{
	{"bad-boot", theyOpenNot, "", "no use of the boot sector's copy"},
	{"bad-mft", theyOpenNot, "", "no use of $MFTMirr"},
	{"c64k s4096", theyOpenNot, "", "the sectors of the volume, divided by the bytes of a cluster, are 0 in a small volume"},
	{"c2m", theyOpenNot, "", "no clusters above 64 KiB"},
	{"bad-boot c64k s4096", otherData, `\$Boot`, "what goNTFSHelp changed"},
	{"bad-mft", otherData, `\$MFT`, "what goNTFSHelp changed"},
	{"bad-boot bad-mft c4096 c512 c64k chkdsk crowded deleted dirty dirty-log efs fast-started fragmented hibernated interix lznt1 lznt1-512 names " +
		"objects pair-1 pair-2 reparse resumed s4096 sparse streams win01 wof/wof wsl", otherTimes, `\$MFT`,
		"a time of 1601, in nanoseconds of 64 bits, comes out in 2185"},
	{"c4096 c512 c64k s4096", otherTimes, "times/0", "so does this one"},
	{"crowded", otherPlace, "few/file-39", "a name that was deleted, in an index block that is free, of a file that has others"},
	{"deleted", deletedFile, "names/ünïcödé ☃ 😀|sizes/60000", "names in index blocks that are free"},
	{"fragmented", deletedFile, `records/\d{4}`, "names in index blocks that are free"},
	{"c4096 c512 c64k s4096", lostName, "hard|sizes/a second hard link", "a file has one name, its last"},
	{"c4096 c512 c64k s4096", otherPlace, "4097", "which is shown in every directory that has any of them"},
	{"crowded", lostName, `all/entry \d{4}|first/f\d{4}|last/l\d{4}`, "one name of 300 is shown"},
	{"deleted", lostName, "linked/kept too", "one name of 2 is shown"},
	{"pair-1", lostName, "work/(first-name|twice)", "one name of 2 is shown"},
	{"pair-2", lostName, "work/linked", "one name of 2 is shown"},
	{"pair-2", otherPlace, "work/linked-too", "in another directory"},
	{"names", lostName, `links/(0|\d+ with a name that takes some space)|link elsewhere|dos/other link`, "one name of 60 is shown"},
	{"names", otherPlace, "all|linked file", "in another directory"},
	{"names", lostName, "all/\ufeff", "this character is taken for a mark of the order of bytes, and the name is empty"},
	{"efs", weRefuse, "encrypted|small|stream:encrypted", "encrypted bytes are given"},
	{"lznt1 lznt1-512", otherData, "c/(holes|rewritten)", "units that are holes are passed over, and the rest comes too early"},
	{"reparse", weRefuse, "dedup|hsm2?|wci|unknown-with-guid", "the bytes are those of a file that is elsewhere"},
	{"reparse", otherType, "junction|mount-point|symlink-dir", "a link to a directory is a directory"},
	{"wof/wof", otherData, "(lzx|xpress4k|xpress8k|xpress16k)-.*", "zeros, where WOF keeps the data in a stream"},
}

// goNTFSHelp lets go-ntfs open what it would not, by a change of what it does
// not know from then on.
var goNTFSHelp = map[string]func(image []byte){
	"bad-boot": func(image []byte) { copy(image, image[len(image)-512:]) },
	"bad-mft": func(image []byte) {
		cluster := int(image[0x0D]) * int(le.Uint16(image[0x0B:]))
		mft, mirror := int(le.Uint64(image[0x30:]))*cluster, int(le.Uint64(image[0x38:]))*cluster
		copy(image[mft:], image[mirror:mirror+4*1024])
	},
	"c64k":  func(image []byte) { le.PutUint64(image[0x28:], uint64(len(image))) },
	"s4096": func(image []byte) { le.PutUint64(image[0x28:], uint64(len(image))) },
}
