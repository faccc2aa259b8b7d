#!/usr/bin/env python3
"""change-disk.py [DIR [OUT]]: copy the disk that build-disk.sh made in DIR (bench/vm) to OUT (bench/changed), as the guest changed it.

600 files of root are deleted, renamed, appended to, written over in place or made, and 50 of the NTFS volume. The kernel replays
the journal of root and changes it through a loop mount; ntfs-3g changes NTFS. run.py --changed OUT compares the two disks.

Needs root, Linux with loop devices, ext4 and FUSE, ntfs-3g, and as much room as the disk takes (3.4 GiB).
"""
import os, subprocess, sys, tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
PIECE = 4 << 20


def run(*argv):
    return subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def segments(name):
    with open(os.path.join(SOURCE, name + '.segments')) as f:
        return [tuple(map(int, line.split())) for line in f]


def take(lv):
    """Put the pieces of root behind one another."""
    with open(FLAT, 'rb') as disk, open(lv, 'wb') as out:
        for at, where, size in segments('root'):
            disk.seek(where)
            out.seek(at)
            for left in range(size, 0, -PIECE):
                data = disk.read(min(PIECE, left))
                if data.count(0) == len(data):
                    out.seek(len(data), 1)
                else:
                    out.write(data)
        out.truncate(max(at + size for at, _, size in segments('root')))


def give(lv):
    """Put back what has changed."""
    with open(FLAT, 'r+b') as disk, open(lv, 'rb') as volume:
        for at, where, size in segments('root'):
            for off in range(0, size, PIECE):
                volume.seek(at + off)
                disk.seek(where + off)
                new = volume.read(min(PIECE, size - off))
                if new != disk.read(len(new)):
                    disk.seek(where + off)
                    disk.write(new)


def change(top, count):
    """Change count files, from all over the tree, each in one of five ways."""
    files = []
    for d, dirs, names in os.walk(top):
        dirs.sort()
        files += [p for p in (os.path.join(d, n) for n in sorted(names)) if os.path.isfile(p) and not os.path.islink(p)]
    for i, p in enumerate(files[::max(1, len(files) // count)][:count]):
        if i % 5 == 0:
            os.unlink(p)
        elif i % 5 == 1:
            os.rename(p, p + '.renamed')
        elif i % 5 == 2:
            with open(p, 'ab') as f:
                f.write(b'more\n')
        elif i % 5 == 3:
            s = os.stat(p)
            with open(p, 'r+b') as f:
                f.write(b'#')
            os.utime(p, ns=(s.st_atime_ns, s.st_mtime_ns))
        else:
            with open(p + '.new', 'w') as f:
                f.write('new %d\n' % i)


def main():
    for name in ('web01.vmdk', 'web01-flat.vmdk'):
        run('cp', '--sparse=always', '--reflink=never', os.path.join(SOURCE, name), OUT)
    with tempfile.TemporaryDirectory(dir=OUT) as work:
        lv, mnt = os.path.join(work, 'root.img'), os.path.join(work, 'mnt')
        os.mkdir(mnt)
        take(lv)
        run('mount', '-t', 'ext4', '-o', 'loop', lv, mnt)
        try:
            change(os.path.join(mnt, 'usr/share'), 600)
        finally:
            run('umount', mnt)
        give(lv)
        (_, where, size), = segments('ntfs')
        loop = run('losetup', '-f', '--show', '-o', str(where), '--sizelimit', str(size), FLAT)
        try:
            run('ntfs-3g', loop, mnt)  # on a block device umount waits for it
            try:
                change(mnt, 50)
            finally:
                run('umount', mnt)
        finally:
            run('losetup', '-d', loop)


if __name__ == '__main__':
    if any(a.startswith('-') for a in sys.argv[1:]) or len(sys.argv) > 3:
        sys.exit('usage: change-disk.py [DIR [OUT]]')
    SOURCE, OUT = (sys.argv[1:] + [os.path.join(HERE, d) for d in ('vm', 'changed')][len(sys.argv) - 1:])[:2]
    os.makedirs(OUT, exist_ok=True)
    FLAT = os.path.join(OUT, 'web01-flat.vmdk')
    main()
