#!/usr/bin/env python3
"""compare.py [--replay-time] COMMAND MANIFEST IMAGE [PATH]: whether COMMAND reads below PATH of IMAGE what MANIFEST says.

COMMAND is vmdkfs; MANIFEST (.gz or not) was written by manifest.py, and lists the tree below PATH. Every entry, every field that
`ls -R --json` has, and the sums that `hash` prints, must agree, without a word on standard error.
--replay-time is for fast commits: directories that their replay changes get the time of the kernel's replay, which nobody else
can know, so the mtime of directories is not compared.
Prints one line; with up to 20 differences, and exit status 1, when there are any.
"""
import gzip, json, re, subprocess, sys
from manifest import escape

FIELDS = ('type', 'mode', 'uid', 'gid', 'size', 'mtime', 'nlink', 'inode', 'target', 'rdev')


def main(command, manifest, image, path='', replay_time=False):
    with (gzip.open if manifest.endswith('.gz') else open)(manifest, 'rb') as f:
        want = {o['path']: o for o in map(json.loads, f)}
    del want['.']  # ls lists what is in the directory
    failures = []
    got = listing(run(failures, command, 'ls', '-R', '--json', image, path or '.'), path)
    sums = hashes(run(failures, command, 'hash', image, path or '.'))

    failures += ['missing: ' + p for p in want.keys() - got.keys()] + ['extra: ' + p for p in got.keys() - want.keys()]
    failures += ['hash of what is no file: ' + p for p in sums if want.get(p, {}).get('type') != 'file']
    for p in want.keys() & got.keys():
        w, g = want[p], got[p]
        failures += ['%s: %s is %r, not %r' % (p, k, g.get(k), w[k]) for k in FIELDS if k in w and g.get(k) != w[k]
                     and not (replay_time and w['type'] == 'dir' and k == 'mtime')]
        if sums.get(p) != w.get('sha256'):
            failures.append('%s: sha256 is %s, not %s' % (p, sums.get(p), w.get('sha256')))
    print('%s: %d entries, %d files, %d differences' % (' '.join((image, path)).strip(), len(want), len(sums), len(failures)))
    for f in sorted(failures)[:20]:
        print('  ' + f)
    return bool(failures)


def run(failures, *argv):
    p = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True)
    if p.returncode or p.stderr:
        failures.append('%s: exit status %d: %s' % (argv[1], p.returncode, p.stderr.decode(errors='replace').splitlines()[:2]))
    return p.stdout


def listing(out, path):
    """The objects by path below PATH."""
    objects = {}
    for line in out.decode().splitlines():
        o = json.loads(line)
        p = o['path'].removeprefix(path + '/') if path else o['path']
        if p in objects:
            sys.exit('%s is listed twice' % p)
        objects[p] = o
    return objects


def hashes(out):
    """The sums by path. Names are bytes; GNU puts a backslash before a line in which some are escaped."""
    sums = {}
    for line in out.split(b'\n')[:-1]:
        escaped, line = line[:1] == b'\\', line.removeprefix(b'\\')
        digest, name = line.split(b'  ', 1)
        if escaped:
            name = re.sub(rb'\\([\\nr])', lambda m: {b'\\': b'\\', b'n': b'\n', b'r': b'\r'}[m[1]], name)
        sums['/'.join(map(escape, name.split(b'/')))] = digest.decode()
    return sums


if __name__ == '__main__':
    args = [a for a in sys.argv[1:] if a != '--replay-time']
    if len(args) not in (3, 4):
        sys.exit(__doc__.split('\n')[0])
    sys.exit(main(*args, replay_time='--replay-time' in sys.argv))
