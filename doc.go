// Package vmdkfs reads the disks of virtual machines, down to the files of
// the guest: VMDK, partitions, LVM, ext2 to ext4, NTFS, in one process, without
// root and without one write.
//
// A disk is a VMDK of any kind with the parents that it is a snapshot of, a raw
// image, also one that was split (.001), a qcow2 or a fixed VHD; or all disks of
// a virtual machine, by its configuration (.vmx), its package (.ova, .ovf) or
// its directory: [Disk.VM] then tells of its slots and snapshots.
//
// [Open] stacks the layers, each of which is a package of its own, and
// presents what they hold as one [io/fs.FS], the volume tree. Its root lists
// the partitions (p1, p5) and the volume groups with their logical volumes
// (vg_root/root). A volume with a file system is a directory with the root of
// that file system, so that a path is vg_root/root/etc/hostname; any other
// volume is a file with its bytes. A disk without a partition table is what it
// holds: the root of its file system, for one. With several disks, partitions
// are below the name of theirs (web01_1/p1).
//
// A file system is opened when a path first leads into it. A volume that cannot be
// read is a directory whose listing is the error.
//
// A Disk may be used from any number of goroutines.
package vmdkfs
