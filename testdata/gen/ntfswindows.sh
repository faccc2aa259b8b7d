#!/bin/bash
# ntfswindows.sh: make testdata/ntfs/windows from the volumes that Windows made, in the Go module go-ntfs.
#
# The manifests are what ntfs-3g reads, the log is what ntfsrecover finds in a $LogFile. See testdata/ntfs/README.md. Needs, beside
# what lib.sh needs: go, ntfs-3g and FUSE, bzip2.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
OUT=$DATA/ntfs/windows
MODULE=www.velocidex.com/golang/go-ntfs@v0.2.1

# The records of all pages behind the copies of those that were being written.
log_records() {
  ntfsrecover -n -f -v "$1" > "$W/recover" 2>&1 || true
  has "$(< "$W/recover")" 'syncing from .*, clean'
  python3 - "$W/recover" << 'END'
import json, re, sys
text = open(sys.argv[1]).read()
text = text[re.search(r'^\* block 4 ', text, re.M).start():]
find = lambda field: [int(h, 16) for h in re.findall(r'^%s +([0-9a-f]+)' % field, text, re.M)]
fields = [find(f) for f in ('this_lsn', 'client_previous_lsn', 'transaction_id', 'redo_operation', 'undo_operation')]
assert len(set(map(len, fields))) == 1, list(map(len, fields))
for row in sorted(set(zip(*fields))):
  print(json.dumps(dict(zip(('lsn', 'previous', 'transaction', 'redo', 'undo'), row))))
END
}

store() { # store NAME
  ntfs-3g -o ro,norecover,permissions,streams_interface=windows "$W/$1.img" "$MNT" 2> /dev/null
  python3 "$GEN/ntfsmanifest.py" "$MNT" | gzip -9n > "$OUT/$1.manifest.jsonl.gz"
  umount "$MNT"
  gzip -9nc "$W/$1.img" > "$OUT/$1.img.gz"
}

mkdir -p "$OUT"
dir=$(cd "$W" && go mod download -json "$MODULE" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
cat "$dir/parser/test_data/test.ntfs.dd" > "$W/compressed.img"
bzcat "$dir/tests/ads_with_same_ids/charlie.dd.bz2" > "$W/streams.img"
has "$(ntfsinfo -fm "$W/compressed.img" 2> /dev/null)" 'Volume Name: Test Volume'
has "$(ntfsinfo -fm "$W/streams.img" 2> /dev/null)" 'Volume Flags: 0x0080'
store compressed
store streams
# The log of the other has records of an earlier use of its clusters between its own.
log_records "$W/compressed.img" | gzip -9n > "$OUT/compressed.log.jsonl.gz"
has "$(zcat "$OUT/streams.manifest.jsonl.gz")" '"streams": .*"333"'
