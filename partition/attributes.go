package partition

import "fmt"

// Attributes are those of a GPT entry (UEFI specification, table "Defined GPT
// Partition Entry - Attributes"). The upper 16 bits belong to the partition's
// type.
type Attributes uint64

// legacyBIOSBootable is the attribute for what the active flag is in an MBR.
const legacyBIOSBootable = 1 << 2

// commonAttributes have the same meaning for every type.
var commonAttributes = map[int]string{0: "required", 1: "no block I/O protocol", 2: "legacy BIOS bootable"}

// typeAttributes are those of a type of partition: Microsoft's
// (PARTITION_INFORMATION_GPT), ChromeOS's (Disk Format) and those of the
// Discoverable Partitions Specification.
var typeAttributes = map[string]map[int]string{
	"ebd0a0a2-b9e5-4433-87c0-68b6b72699c7": {60: "read-only", 61: "shadow copy", 62: "hidden", 63: "no drive letter"},
	"fe3a2a5d-4f32-41a7-b725-accc3285a309": {56: "successful boot"},
}

// discoverable are the attributes of the types that systemd mounts.
var discoverable = map[int]string{59: "grow file system", 60: "read-only", 63: "no automount"}

// AttributeNames returns what the attributes of the partition mean, in the
// order of their bits. A bit that has no known meaning is called "bit 48".
func (p Partition) AttributeNames() []string {
	own := typeAttributes[p.Type]
	if own == nil && isLinux(p.TypeName) {
		own = discoverable
	}
	var names []string
	for bit := range 64 {
		if p.Attributes>>bit&1 == 0 {
			continue
		}
		name := commonAttributes[bit]
		if name == "" {
			name = own[bit]
		}
		if name == "" {
			name = fmt.Sprintf("bit %d", bit)
		}
		names = append(names, name)
	}
	return names
}

func isLinux(typeName string) bool { return len(typeName) > 6 && typeName[:6] == "Linux " }
