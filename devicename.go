package vmdkfs

import (
	"slices"
	"strconv"
	"strings"

	"github.com/vmdkfs/vmdkfs/layer"
)

// A deviceName is the name that Linux has for a disk or a partition.
type deviceName struct {
	nvme      bool
	disk      int // from 0; of NVMe the controller
	namespace int // of NVMe, from 1
	partition int // 0 for the whole disk
}

// splitDisk splits the name of a disk or partition: "sda2", "vdb", "sdab1",
// "nvme0n1p1".
func splitDisk(name string) (deviceName, bool) {
	for _, prefix := range []string{"sd", "vd", "xvd", "hd"} {
		rest, found := strings.CutPrefix(name, prefix)
		if !found {
			continue
		}
		digits := strings.TrimLeft(rest, "abcdefghijklmnopqrstuvwxyz")
		letters := rest[:len(rest)-len(digits)]
		if letters == "" || len(letters) > maxLetters {
			return deviceName{}, false
		}
		disk := 0
		for _, c := range letters {
			disk = disk*26 + int(c-'a') + 1
		}
		n, ok := number(digits)
		return deviceName{disk: disk - 1, partition: n}, ok
	}
	for _, prefix := range []string{"nvme", "mmcblk"} {
		rest, found := strings.CutPrefix(name, prefix)
		if !found {
			continue
		}
		d := deviceName{nvme: prefix == "nvme", namespace: 1}
		digits, part, _ := strings.Cut(rest, "p")
		digits, namespace, _ := strings.Cut(digits, "n")
		var errDisk, errSpace error
		if d.disk, errDisk = strconv.Atoi(digits); d.nvme {
			d.namespace, errSpace = strconv.Atoi(namespace)
		}
		var ok bool
		d.partition, ok = number(part)
		return d, ok && errDisk == nil && errSpace == nil && d.disk >= 0 && d.namespace > 0
	}
	return deviceName{}, false
}

// maxLetters is how many letters the name of a disk has: sdzzz is the 18278th.
const maxLetters = 3

// number returns the number of a partition, 0 for none.
func number(digits string) (int, bool) {
	if digits == "" {
		return 0, true
	}
	n, err := strconv.Atoi(digits)
	return n, err == nil && n > 0
}

// attachedAs returns the disk that Linux gives a name. Of a machine the disks
// have letters in the order of their slots, those that could not be opened too;
// on NVMe their controllers and units count. Of other sets it is the order in
// which they were given.
func (d *Disk) attachedAs(name deviceName) (*Volume, error) {
	if d.vm == nil {
		if name.nvme && name.namespace != 1 || name.disk >= len(d.disks) {
			return nil, errNoDevice
		}
		return d.disks[name.disk], nil
	}
	var controllers []string
	letters := 0
	for _, disk := range d.vm.Disks {
		controller, unit, _ := strings.Cut(disk.Slot, ":")
		found := false
		if nvme := strings.HasPrefix(strings.ToLower(controller), "nvme"); nvme {
			if !slices.Contains(controllers, controller) {
				controllers = append(controllers, controller)
			}
			found = name.nvme && len(controllers)-1 == name.disk && unit == strconv.Itoa(name.namespace-1)
		} else {
			found = !name.nvme && letters == name.disk
			letters++
		}
		switch {
		case !found:
		case disk.Err != nil:
			return nil, layer.Errorf(layer.ErrIncomplete, "vmdkfs", strings.TrimSpace(disk.Slot+" "+disk.File), -1, "the disk could not be opened")
		default:
			return disk.Volume, nil
		}
	}
	// Disks that were added to those of the machine come after them.
	if further := name.disk - letters; !name.nvme && further >= 0 && further < len(d.disks)-d.opened() {
		return d.disks[d.opened()+further], nil
	}
	return nil, errNoDevice
}

// opened returns how many disks of the machine are among d.disks.
func (d *Disk) opened() (n int) {
	for _, disk := range d.vm.Disks {
		if disk.Volume != nil {
			n++
		}
	}
	return n
}
