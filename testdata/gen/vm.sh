#!/bin/bash
# vm.sh: make testdata/vm: packages (.ova, .ovf), split images and images of other formats, by qemu-img, GNU tar, bsdtar, split.
#
# sha256 lists the bytes of their disks: qemu-img reads each disk that the tar program extracts again. The .vmx and .vmsd files
# are written by hand, see vm/README.md, and not touched.
#
# Needs qemu-img, GNU tar, bsdtar.
set -euo pipefail
shopt -s inherit_errexit
GEN=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
OUT=$(dirname "$GEN")/vm
W=$(mktemp -d)
trap 'rm -rf "$W"' EXIT

die() { echo "vm.sh: $*" >&2; exit 1; }
sum() { sha256sum < "$1" | cut -d' ' -f1; }
text() { seq -f "$1 %.0f" 1 20000 | head -c $(($2 * 512)) || true; }   # text WORD SECTORS: bytes of which no two sectors are equal
# put FILE SECTOR WORD SECTORS: write text into a file, without the rest of it
put() { text "$3" "$4" | dd of="$1" bs=512 seek="$2" conv=notrunc status=none; }
keep() { gzip -9nc "$1" > "$OUT/$2.gz"; }
# oracle NAME FORMAT FILE: note what qemu-img reads
oracle() {
  qemu-img convert -f "$2" -O raw "$3" "$W/oracle.raw"
  echo "$(sum "$W/oracle.raw")  $1" >> "$OUT/sha256"
}

# ovf FILE CAPACITY HREF...: a description with a disk for each file, all on one SCSI controller
ovf() {
  local out=$1 capacity=$2 n=0 f; shift 2
  {
    cat <<-END
	<?xml version="1.0" encoding="UTF-8"?>
	<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1" xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData" xmlns:vmw="http://www.vmware.com/schema/ovf">
	  <References>
	END
    for f; do
      n=$((n + 1))
      printf '    <File ovf:href="%s" ovf:id="file%d"%s/>\n' "$f" $n "$(if [ -e "$W/p/$f" ]; then stat -c ' ovf:size="%s"' "$W/p/$f"; fi)"
    done
    printf '  </References>\n  <DiskSection>\n    <Info>Disks</Info>\n'
    for n in $(seq 1 $n); do
      printf '    <Disk ovf:capacity="%d" ovf:capacityAllocationUnits="byte * 2^10" ovf:diskId="vmdisk%d" ovf:fileRef="file%d" ovf:format="http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized"/>\n' "$capacity" "$n" "$n"
    done
    cat <<-END
	    <Disk ovf:capacity="8" ovf:capacityAllocationUnits="byte * 2^30" ovf:diskId="empty"/>
	  </DiskSection>
	  <VirtualSystem ovf:id="web02">
	    <Info>A machine</Info>
	    <Name>web02</Name>
	    <OperatingSystemSection ovf:id="94" vmw:osType="ubuntu64Guest"><Info>Guest</Info></OperatingSystemSection>
	    <VirtualHardwareSection>
	      <Info>Hardware</Info>
	      <Item><rasd:Address>0</rasd:Address><rasd:ElementName>SCSI Controller 0</rasd:ElementName><rasd:InstanceID>3</rasd:InstanceID><rasd:ResourceSubType>VirtualSCSI</rasd:ResourceSubType><rasd:ResourceType>6</rasd:ResourceType></Item>
	      <Item><rasd:AddressOnParent>0</rasd:AddressOnParent><rasd:ElementName>CD</rasd:ElementName><rasd:InstanceID>5</rasd:InstanceID><rasd:ResourceType>15</rasd:ResourceType></Item>
	END
    for n in $(seq "$n" -1 1); do   # backwards: it is the slot that counts
      printf '      <Item><rasd:AddressOnParent>%d</rasd:AddressOnParent><rasd:ElementName>Hard Disk %d</rasd:ElementName><rasd:HostResource>ovf:/disk/vmdisk%d</rasd:HostResource><rasd:InstanceID>%d</rasd:InstanceID><rasd:Parent>3</rasd:Parent><rasd:ResourceType>17</rasd:ResourceType></Item>\n' $((n - 1)) "$n" "$n" $((n + 5))
    done
    printf '    </VirtualHardwareSection>\n  </VirtualSystem>\n</Envelope>\n'
  } > "$out"
}
# manifest ALGORITHM FILE...: in the working directory
manifest() {
  local algorithm=$1 f; shift
  for f; do echo "$algorithm($f)= $("$(tr '[:upper:]' '[:lower:]' <<< "$algorithm")sum" < "$f" | cut -d' ' -f1)"; done
}
# packed NAME FORMAT DISK...: compress the archive, and note its disks as the tar program gives them back
packed() {
  local name=$1 format=$2 extract=$3 d; shift 3
  mkdir "$W/x"
  "$extract" -xf "$W/$name" -C "$W/x"
  for d; do oracle "$name $d" "$format" "$W/x/$d"; done
  rm -r "$W/x"
  keep "$W/$name" "$name"
}

mkdir -p "$OUT" "$W/p"
rm -f "$OUT"/*.gz "$OUT/sha256"
cd "$W/p"

# The disks: text in some places of 3 MiB, and of 2 MiB less a sector
truncate -s 3M "$W/a.raw"; put "$W/a.raw" 0 alpha 40; put "$W/a.raw" 3000 omega 50; put "$W/a.raw" 6143 end 1
truncate -s 2096640 "$W/b.raw"; put "$W/b.raw" 129 beta 30; put "$W/b.raw" 4000 late 90
qemu-img convert -f raw -O vmdk -o subformat=streamOptimized "$W/a.raw" web02-disk1.vmdk
qemu-img convert -f raw -O vmdk -o subformat=streamOptimized "$W/b.raw" web02-disk2.vmdk

# Packages, as ovftool lays them out: the description first, then its manifest, then the disks
ovf web02.ovf 3072 web02-disk1.vmdk web02-disk2.vmdk
manifest SHA256 web02.ovf web02-disk1.vmdk web02-disk2.vmdk > web02.mf
tar --format=ustar -cf "$W/two.ova" web02.ovf web02.mf web02-disk1.vmdk web02-disk2.vmdk
packed two.ova vmdk tar web02-disk1.vmdk web02-disk2.vmdk

long=$(printf 'a-rather-long-name-%.0s' 1 2 3 4 5 6 7)disk.vmdk   # over 100 bytes, and over 155 with its directory
mv web02-disk1.vmdk "$long"
ovf web02.ovf 3072 "$long"
manifest SHA1 web02.ovf "$long" > web02.mf
tar --format=gnu -cf "$W/gnu-long.ova" web02.ovf web02.mf "$long"
packed gnu-long.ova vmdk bsdtar "$long"
manifest SHA512 web02.ovf "$long" > web02.mf
bsdtar --format=pax -cf "$W/pax-long.ova" ./web02.ovf ./web02.mf "./$long"
packed pax-long.ova vmdk tar "$long"
rm "$long" web02.mf

# Sparse archives, which nobody should make of a package and tar -S makes: a raw disk of 9 GiB with 30 pieces
truncate -s 9G disk.raw
for i in $(seq 0 29); do put disk.raw $((i * 600000)) "piece$i" 1; done
ovf web02.ovf 9437184 disk.raw
for f in gnu posix-0.0 posix-0.1 posix-1.0; do
  tar -S --format="${f%-*}" ${f/gnu/} -cf "$W/sparse-$f.ova" web02.ovf disk.raw 2> /dev/null ||
    tar -S --format="${f%-*}" --sparse-version="${f#*-}" -cf "$W/sparse-$f.ova" web02.ovf disk.raw
  [ "$(stat -c %s "$W/sparse-$f.ova")" -lt 1000000 ] || die "sparse-$f.ova is not sparse"
  keep "$W/sparse-$f.ova" "sparse-$f.ova"
done
bsdtar --format=pax -cf "$W/sparse-bsdtar.ova" web02.ovf disk.raw
keep "$W/sparse-bsdtar.ova" sparse-bsdtar.ova
for i in $(seq 0 29); do dd if=disk.raw bs=512 skip=$((i * 600000)) count=1 status=none; done > "$W/pieces"
echo "$(sum "$W/pieces")  sparse pieces" >> "$OUT/sha256"
rm disk.raw

# A package in chunks of 100 KB (DSP0243, ovf:chunkSize)
mkdir -p "$OUT"
qemu-img convert -f raw -O vmdk -o subformat=monolithicSparse "$W/a.raw" big.vmdk
oracle "chunks big.vmdk" vmdk big.vmdk
split -b 100000 -a 9 -d big.vmdk big.vmdk.
[ -e big.vmdk.000000001 ] || die "one chunk only"
ovf chunks.ovf 3072 big.vmdk
sed -i 's/ovf:href="big.vmdk"/& ovf:chunkSize="100000"/' chunks.ovf
manifest SHA256 chunks.ovf big.vmdk.0* > chunks.mf
tar --format=ustar -cf "$W/chunks.tar" chunks.ovf chunks.mf big.vmdk.0*
keep "$W/chunks.tar" chunks.tar

# A raw image that was split
split -b 1000000 -a 3 --numeric-suffixes=1 "$W/a.raw" split.raw.
oracle "split split.raw.001" raw "$W/a.raw"
tar --format=ustar -cf "$W/split.tar" split.raw.0*
keep "$W/split.tar" split.tar

# A snapshot of a flat disk
truncate -s 1M "$W/c.raw"; put "$W/c.raw" 10 base 5
qemu-img convert -f raw -O vmdk -o subformat=monolithicFlat "$W/c.raw" chain.vmdk
qemu-img create -q -f vmdk -b chain.vmdk -F vmdk chain-000001.vmdk
tar --format=ustar -cf "$W/chain.tar" chain.vmdk chain-flat.vmdk chain-000001.vmdk
keep "$W/chain.tar" chain.tar

# Images of other formats
fixed() { qemu-img convert -f raw -O vpc -o subformat=fixed,force_size "$W/$1.raw" "$W/$1.vhd"; }
fixed a
oracle fixed.vhd vpc "$W/a.vhd"
keep "$W/a.vhd" fixed.vhd
qcow2() { # qcow2 NAME OPTIONS [-c]
  local name=$1 options=$2; shift 2
  qemu-img convert -f raw -O qcow2 "$@" -o "$options" "$W/a.raw" "$W/$name.qcow2"
}
noted() { oracle "$1.qcow2" qcow2 "$W/$1.qcow2"; keep "$W/$1.qcow2" "$1.qcow2"; }
qcow2 v3 compat=1.1; noted v3
qcow2 v2 compat=0.10; noted v2
qcow2 compressed compat=1.1 -c; noted compressed
qcow2 compressed-4k compat=1.1,cluster_size=4k -c; noted compressed-4k
qcow2 clusters-512 cluster_size=512; noted clusters-512
qcow2 clusters-2m cluster_size=2M; noted clusters-2m
qcow2 preallocated preallocation=metadata; noted preallocated
qcow2 zeroed compat=1.1
qemu-io -f qcow2 -c 'write -z 0 64k' -c 'write -z -u 1536k 64k' -c 'discard 1600k 64k' "$W/zeroed.qcow2" > /dev/null
noted zeroed
qcow2 snapshots compat=1.1
qemu-img snapshot -c before "$W/snapshots.qcow2"
qemu-io -f qcow2 -c 'write -P 0x55 0 100k' "$W/snapshots.qcow2" > /dev/null
noted snapshots
qcow2 lazy lazy_refcounts=on
{ qemu-io -f qcow2 -c 'write -P 0x66 128k 64k' -c abort "$W/lazy.qcow2" || true; } > /dev/null 2>&1
[ "$(od -An -tu1 -j79 -N1 "$W/lazy.qcow2" | tr -d ' ')" = 1 ] || die "lazy.qcow2 is not dirty"
noted lazy
# These are refused by name
qcow2 zstd compat=1.1,compression_type=zstd -c; keep "$W/zstd.qcow2" refused-zstd.qcow2
qcow2 extended-l2 extended_l2=on; keep "$W/extended-l2.qcow2" refused-extended-l2.qcow2
cd "$W"
qemu-img create -q -f qcow2 -b v3.qcow2 -F qcow2 backing.qcow2; keep backing.qcow2 refused-backing.qcow2
qemu-img create -q -f qcow2 -o data_file=data.raw data-file.qcow2 1M; keep "$W/data-file.qcow2" refused-data-file.qcow2
qemu-img create -q -f qcow2 --object secret,id=s,data=x -o encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=10 "$W/luks.qcow2" 1M
head -c 65536 "$W/luks.qcow2" > "$W/luks.head"; keep "$W/luks.head" refused-luks.qcow2
for f in vpc vhdx vdi; do
  qemu-img convert -f raw -O $f "$W/a.raw" "$W/a.$f"
  head -c 65536 "$W/a.$f" > "$W/head"; keep "$W/head" "refused-dynamic.$f"
done
du -cb "$OUT" | tail -n 1
