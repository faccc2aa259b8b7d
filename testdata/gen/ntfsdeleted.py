#!/usr/bin/env python3
"""ntfsdeleted.py IMAGE: what sleuthkit and ntfsundelete find of the deleted files of an NTFS volume, one JSON object a line.

The files are those that ntfsundelete lists, of which fls passes over some. path is that of fls, null where it has none; name, dir, size, resident and the times (100 ns since 1601) are those of istat; clusters are those that istat
lists, without holes, and used how many of them blkls does not call free. percent is ntfsundelete's. Records without a name, and
those before 24, which are the volume's own, are left out.
"""
import calendar, json, re, subprocess, sys, time

TICKS_TO_1970 = 116444736000000000


def run(*argv):
    return subprocess.run(argv, check=False, capture_output=True, env={'TZ': 'UTC', 'LC_ALL': 'C.UTF-8', 'PATH': '/usr/bin:/usr/sbin:/bin:/sbin'}).stdout.decode()


def ticks(shown):
    """2025-08-18 14:13:20.000000100 (UTC)"""
    seconds, ns = re.match(r'(\S+ [\d:]+)\.(\d{9}) \(UTC\)', shown).groups()
    return calendar.timegm(time.strptime(seconds, '%Y-%m-%d %H:%M:%S')) * 10_000_000 + int(ns) // 100 + TICKS_TO_1970


def describe(image, inode, path, kind, free, percent):
    shown = run('istat', '-f', 'ntfs', image, str(inode))
    assert 'Not Allocated' in shown, shown
    standard = shown.split('$FILE_NAME')[0]
    o = dict(inode=inode, path=path, dir=kind == 'd', percent=percent)
    o['name'] = re.search(r'^Name: (.*)$', shown, re.M)[1]
    for field, label in (('created', 'Created'), ('modified', 'File Modified'), ('changed', 'MFT Modified'), ('accessed', 'Accessed')):
        o[field] = ticks(re.search(r'^%s:\t(.*)$' % label, standard, re.M)[1])
    data = re.search(r'^Type: \$DATA \(\S+\)   Name: N/A   (Non-Resident|Resident).*?size: (\d+)(?:  init_size: \d+)?\n((?:[\d ]+\n)*)', shown, re.M)
    o['size'], o['resident'] = (int(data[2]), data[1] == 'Resident') if data else (0, False)
    clusters = [int(c) for c in data[3].split() if c != '0'] if data else []  # 0 is a hole
    o['clusters'], o['used'] = len(clusters), sum(c not in free for c in clusters)
    return o


def main(image):
    free = {int(line.split('|')[0]) for line in run('blkls', '-l', '-f', 'ntfs', image).splitlines() if re.match(r'\d+\|f', line)}
    paths = {}
    for line in run('fls', '-rdp', '-f', 'ntfs', image).splitlines():
        m = re.match(r'\S/\S \* (\d+)-(\d+)-\d+:\t(.*)$', line)
        if m and (m[2] != '128' or ':' not in m[3]):  # a stream has a line of its own
            paths[int(m[1])] = m[3]
    for line in run('ntfsundelete', '-s', image).splitlines():
        m = re.match(r'(\d+) +([FD])\S{3} +(\d+)% .{18} +\d+  (.*)$', line)
        if m and int(m[1]) >= 24 and m[4] != '<none>':
            o = describe(image, int(m[1]), paths.get(int(m[1])), m[2].lower(), free, int(m[3]))
            assert o['name'] == m[4], (o, line)
            print(json.dumps(o, ensure_ascii=False))


if __name__ == '__main__':
    main(sys.argv[1])
