#!/bin/bash
# casefold.sh: make testdata/ext/ext4-casefold-kernel, directories that fold, and what the kernel finds in them.
#
# The kernel of lib.sh's scripts has no CONFIG_UNICODE. Debian's has: it makes the directories and answers the lookups in the
# appliance of guestfish, under emulation. Needs libguestfs-tools, linux-image-amd64, e2fsprogs and python3.
# ext4-casefold-kernel.lookups.jsonl.gz: {"dir", "name" in hexadecimal digits, "inode", 0 where there is no such file}, one a line.
set -euo pipefail
OUT=$(dirname "$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)")/ext
W=$(mktemp -d)
trap 'rm -rf "$W"' EXIT
export LIBGUESTFS_BACKEND=direct LIBGUESTFS_BACKEND_SETTINGS=force_tcg
img=$W/ext4-casefold-kernel.img

truncate -s 4M "$img"
mke2fs -q -F -t ext4 -b 1024 -N 512 -O casefold,^has_journal -E encoding=utf8 -U 76646b66-7300-4000-8000-000000000004 "$img"

# Names that are made, and all under which they are looked for.
python3 - > "$W/script" <<'PY'
made = ['Straße', 'Ångström', 'ΟΔΟΣ', 'İstanbul', 'Irmak', 'soft\u00adhyphen', 'ze\u200dro', 'ﬁle', 'ǅungla', 'Ꭰni', '각', 'Kelvin-\u212a',
        'ΰ', 'q\u0323\u0307', 'VS\ufe0f', 'i\u034f', 'ⅷ', 'Ω-ohm', '\u2126x', 'ŉ', 'new-\U0001fae0', '\uffff', 'plain ASCII', 'Ⓐ', 'ꙋ', 'ᾳ', '\u1e9e!', 'ﬄ', 'ԱՒ', 'և']
made = [n.encode() for n in made] + [b'Bad\xff', b'Mixed\xc3', b'\xed\xa0\x80']
asked = list(made)
for n in ['STRASSE', 'strasse', 'STRAẞE', 'straße', 'straSSe', 'ångström', 'A\u030angstro\u0308m', '\u212bngström', 'ANGSTROM', 'οδος', 'οδοσ', 'ΟΔΟς',
          'istanbul', 'ISTANBUL', 'i\u0307stanbul', 'ıstanbul', 'irmak', 'IRMAK', 'ırmak', 'İrmak', 'softhyphen', 'SOFT\u00ad\u00adHYPHEN', 'zero', 'ZE\u200cRO', 'ZERO',
          'file', 'FILE', 'fiLE', 'ǆungla', 'ǄUNGLA', 'džungla', 'ꭰNI', '\u1100\u1161\u11a8', 'kelvin-k', 'KELVIN-K', '\u03c5\u0308\u0301', 'Ϋ\u0301', '\u1fe2', '\u03b0',
          'Q\u0307\u0323', '\u1e0b\u0323', 'vs', 'I', 'i', 'Ⅷ', 'viii', 'ω-OHM', 'ωX', 'ʼN', 'ʼn', 'NEW-\U0001fae0', 'PLAIN ascii', 'plain  ascii', 'ⓐ', 'Ꙋ', 'αι', 'ᾼ', 'ΑΙ',
          'ss!', 'ß!', 'FFL', 'ffl', 'աւ', 'եւ', 'ԵՒ', 'ff', '\u00ad', '\U000e0001', 'soft\U000e0020hyphen', '\u180eplain ascii', 'plain\u2028ascii', '\u115fzero', 'ze\u2061ro',
          '\u0600zero', '\ufffbzero', '\uffef']:
    asked.append(n.encode())
asked += [b'BAD\xff', b'bad\xff', b'Bad\xfe', b'MIXED\xc3', b'\xed\xa0\x80x']
q = lambda b: "$'" + ''.join('\\x%02x' % c for c in b) + "'"
print('mkdir /tmp/m; mount /dev/sda /tmp/m; cd /tmp/m; mkdir fold many plain; chattr +F fold many')
print('ask() { printf "@%s %s %s\\n" "$1" "$(printf %s "$2" | od -An -v -tx1 | tr -d " \\n")" "$(stat -c %i "$1/$2" 2>/dev/null || echo 0)"; }')
for n in made:
    for d in ('fold', 'plain'): print('[ -e %s/%s ] || : > %s/%s' % (d, q(n), d, q(n)))
print('for i in {100..400}; do : > many/Größe-$i-ΣΑΣ-$(printf %040d $i); done')
for n in asked:
    for d in ('fold', 'plain'): print('ask %s %s' % (d, q(n)))
for i in range(100, 401, 7):
    for n in ('Größe-%d-ΣΑΣ-%040d', 'GRÖSSE-%d-σας-%040d', 'gro\u0308ße-%d-ςας-%040d', 'Große-%d-ΣΑΣ-%040d'): print('ask many %s' % q((n % (i, i)).encode()))
print('uname -r; cd /; umount /tmp/m; exit')
PY
truncate -s 64k "$W/script"   # a drive; the NULs lie behind the exit
guestfish --format=raw -a "$img" -a "$W/script" run : debug sh "LC_ALL=C bash /dev/sdb" > "$W/out" || { cat "$W/out"; exit 1; }
grep -v '^@' "$W/out"
sed -n 's/^@//p' "$W/out" | awk '{printf "{\"dir\": \"%s\", \"name\": \"%s\", \"inode\": %d}\n", $1, $2, $3}' > "$W/lookups"
has() { grep -qE -- "$2" <<< "$1" || { echo "expected: $2" >&2; exit 1; }; }
has "$(dumpe2fs -h "$img" 2> /dev/null)" 'features:.* casefold'
has "$(debugfs -R 'stat fold' "$img" 2> /dev/null)" 'Flags: 0x40080000'
has "$(debugfs -R 'htree_dump many' "$img" 2> /dev/null)" 'Indirect levels: 0'
has "$(cat "$W/lookups")" '"dir": "fold", "name": "53545241535345", "inode": [1-9]'   # STRASSE finds Straße
e2fsck -fn "$img" > /dev/null 2>&1
gzip -9nc "$img" > "$OUT/ext4-casefold-kernel.img.gz"
gzip -9nc "$W/lookups" > "$OUT/ext4-casefold-kernel.lookups.jsonl.gz"
