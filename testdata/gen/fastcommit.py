#!/usr/bin/env python3
"""fastcommit.py KIND DIR [SEED]: change the mounted ext4 DIR so that it makes fast commits, then cut its power.

One function for each kind. A fast commit is made by fsync when all that changed since the last full commit can be said in its
tags; full() makes a full commit, so that what went before is in the log and what follows in the fast commits behind it.
"""
import ctypes, fcntl, os, random, struct, sys
from tree import text

SHUTDOWN, NOLOGFLUSH = 0x8004587d, struct.pack('I', 2)
KEEP_SIZE, PUNCH_HOLE, ZERO_RANGE = 1, 2, 16
libc = ctypes.CDLL(None, use_errno=True)


def write(path, data, mode='wb', at=None):
    with open(path, mode) as f:
        if at is not None:
            f.seek(at)
        f.write(data)


def fsync(path):
    fd = os.open(path, os.O_RDONLY)
    os.fsync(fd)
    os.close(fd)


def fallocate(path, mode, offset, length):
    with open(path, 'r+b') as f:
        if libc.fallocate(f.fileno(), mode, ctypes.c_long(offset), ctypes.c_long(length)):
            raise OSError(ctypes.get_errno(), 'fallocate')


def full():
    os.mkfifo('.fifo')  # no tag can say that
    os.unlink('.fifo')
    fd = os.open('.', os.O_RDONLY)
    libc.syncfs(fd)
    os.fsync(fd)
    os.close(fd)


def commit():
    """One fast commit of all that was done."""
    write('sync', b'.', 'ab')
    fsync('sync')


def creates():
    os.mkdir('before')
    write('before/old', text(3000))
    full()
    os.mkdir('new')
    for i in range(40):
        path = 'new/file-%02d' % i
        write(path, text(70 * i, path))
        os.chmod(path, 0o600 + i % 8)
        os.chown(path, i, 70000 + i)
        os.utime(path, ns=(10**18 + i, 2 * 10**18 + i))
        if i % 3 == 0:
            fsync(path)
    os.mkdir('new/deep')
    os.mkdir('new/deep/er')
    write('new/deep/er/x', b'x')
    write('new/' + 'n' * 255, b'long')
    write(b'new/\xff\xfe not UTF-8', b'bytes')
    write('before/old', text(500, 'more'), 'ab')
    commit()


def names():
    os.makedirs('big')
    for i in range(300):
        write('big/file-with-a-name-%03d' % i, b'')
    for d in 'abcdefg':
        os.mkdir(d)
    for f in ('one', 'two', 'three', 'four', 'five', 'six'):
        write(f, text(2000, f))
    os.link('one', 'one-again')
    write('c/in', b'in')
    full()
    for i in range(0, 30, 3):
        os.unlink('big/file-with-a-name-%03d' % i)
        os.rename('big/file-with-a-name-%03d' % (i + 1), 'big/renamed-%03d' % i)
        write('big/added-%03d' % i, b'added')
    commit()
    os.rename('one', 'two')             # over another
    os.rename('three', 'a/three')
    os.link('four', 'b/four')
    os.link('four', 'big/four')
    os.unlink('four')
    os.unlink('c/in')
    os.rmdir('c')                       # its inode keeps a link, its parent too
    os.rename('five', 'e/five')
    commit()
    os.rename('e/five', 'five')         # and back
    os.unlink('six')
    write('six', b'another six')
    os.mkdir('f/made')
    write('f/made/file', b'file')
    os.mkdir('f/gone')
    commit()
    os.rmdir('f/gone')
    os.unlink('one-again')              # the last name of what was one
    os.rename('f/made/file', 'f/made/renamed')
    write('a/three', text(100), 'ab')
    commit()


def lost():
    """A directory made with the inode of one that was removed: the kernel's replay does not name it."""
    for d in ('a', 'b', 'keep'):
        os.mkdir(d)
    write('b/x', b'x')
    full()
    os.rmdir('a')
    os.mkdir('lost')
    assert os.stat('lost').st_ino < os.stat('keep').st_ino
    commit()
    os.mkdir('made')
    commit()
    os.rmdir('made')
    write('taken', b'its inode')
    commit()
    inode = os.stat('b').st_ino
    os.unlink('b/x')
    os.rmdir('b')
    os.mkdir('gone')                    # the replay has seen the block of b, and fails over nothing that is in gone
    write('gone/file', b'gone too')
    assert os.stat('gone').st_ino == inode
    commit()


def ranges():
    block = 1024
    for name in ('truncated', 'punched', 'zeroed', 'overwritten', 'grown', 'rewritten', 'sparse'):
        write(name, text(40 * block + 100, name))
    for i in range(60):                 # a tree of two levels
        write('extents', text(block, str(i)), 'r+b' if i else 'wb', i * 3 * block)
        fsync('extents')
    write('unwritten', b'')
    full()
    os.truncate('truncated', 7 * block + 10)
    fallocate('punched', PUNCH_HOLE | KEEP_SIZE, 5 * block, 9 * block)
    fallocate('punched', PUNCH_HOLE | KEEP_SIZE, 20 * block + 7, 3 * block)
    fallocate('unwritten', 0, 0, 64 * block)
    fallocate('grown', KEEP_SIZE, 41 * block, 30 * block)
    commit()
    write('unwritten', text(5 * block), 'r+b', 10 * block)  # written in the middle
    write('overwritten', text(9 * block, 'over'), 'r+b', 3 * block)
    write('extents', text(4 * block, 'middle'), 'r+b', 61 * block)
    fallocate('extents', PUNCH_HOLE | KEEP_SIZE, 90 * block, 30 * block)
    os.truncate('sparse', 0)
    write('sparse', text(block, 's'), 'r+b', 3000 * block)
    for name in ('unwritten', 'overwritten', 'extents', 'sparse'):
        fsync(name)
    write('rewritten', text(12 * block, 're'))              # truncated to nothing, new blocks
    write('grown', text(5 * block, 'g'), 'ab')
    os.truncate('truncated', 90 * block)
    write('new', text(20 * block, 'new'))
    commit()
    fallocate('new', PUNCH_HOLE | KEEP_SIZE, 0, 4 * block)
    write('new', text(2 * block, 'again'), 'r+b', block)
    fsync('new')


def inline():
    os.mkdir('small')
    for i in range(3):
        write('small/%d' % i, text(30 + 30 * i, str(i)))
    os.mkdir('grows')
    for i in range(4):
        write('grows/%d' % i, b'')
    full()
    write('small/0', b'+', 'ab')
    write('small/new', text(100))
    write('small/1', text(3000), 'ab')  # no longer inline
    os.unlink('small/2')
    os.mkdir('small/dir')
    write('small/dir/in', b'in')
    commit()
    write('grows/4', b'4')
    write('small/dir/2', b'2')
    commit()
    os.unlink('grows/0')
    write('small/new', b'end', 'ab')
    commit()


def special():
    os.mkdir('d')
    full()
    write('d/file', b'1')
    commit()
    os.symlink('file', 'd/fast')
    os.symlink('./' * 40 + 'file', 'd/slow')
    os.mknod('d/char', 0o20600, os.makedev(5, 300))
    os.mknod('d/block', 0o60600, os.makedev(8, 1))
    os.mkfifo('d/fifo')
    fsync('d')
    os.rename('d/fast', 'd/renamed')
    os.unlink('d/fifo')
    fsync('d')


def stale():
    """Fast commits of an older transaction behind those of the newest."""
    write('a', b'1')
    full()
    for i in range(6):
        write('old-%d' % i, text(100 * i))
        commit()
    full()
    write('new', text(2000))
    os.unlink('old-3')
    commit()


def unlinked():
    write('a', b'a')
    full()
    write('a', b'b', 'ab')
    f = open('temporary', 'wb')
    f.write(text(2000))
    f.flush()
    os.unlink('temporary')
    os.fsync(f.fileno())


def reused():
    os.mkdir('old')
    full()
    os.rmdir('old')
    os.mkdir('new')
    write('new/file', b'file')
    commit()


def indexed():
    write('a', b'a')
    full()
    os.mkdir('dir')
    for i in range(8):
        write('dir/' + ('%d-' % i) * 90, b'')
    commit()


def chance(seed):
    """Anything, in any order. Not much is kept, so that inodes and blocks are used again.

    No file is made empty: one with a hole in its first block, in the inode of a directory that fast commits made and removed,
    shows the block that the kernel's replay gave that directory.
    """
    rnd = random.Random(int(seed))
    files, dirs = [], ['.']
    name = lambda: os.path.join(rnd.choice(dirs), rnd.choice('abcdefgh') * rnd.choice((1, 2, 30, 120)) + str(rnd.randrange(30)))
    full()
    for n in range(rnd.randrange(20, 400)):
        op = rnd.choice('cccwwwaottpfFrrllluuumdsssssS' + 'x' * (n > 300))
        f = rnd.choice(files) if files else None
        if op == 'c' or f is None:
            p = name()
            if not os.path.exists(p):
                files.append(p)
                write(p, text(rnd.choice((1, 10, 900, 1024, 5000, 30000)), str(rnd.random())))
        elif op == 'w':
            write(f, text(rnd.randrange(20000), str(rnd.random())), 'r+b', rnd.randrange(50000))
        elif op == 'a':
            write(f, text(rnd.randrange(3000), str(rnd.random())), 'ab')
        elif op == 'o':
            write(f, text(rnd.randrange(3000), str(rnd.random())))
        elif op == 't':
            os.truncate(f, rnd.randrange(30000))
        elif op == 'p':
            fallocate(f, PUNCH_HOLE | KEEP_SIZE, rnd.randrange(30000), rnd.randrange(1, 20000))
        elif op in 'fF':
            fallocate(f, 0 if op == 'f' else KEEP_SIZE, rnd.randrange(30000), rnd.randrange(1, 50000))
        elif op in 'rl':
            p = name() if rnd.random() < .6 else rnd.choice(files)
            if os.path.isdir(p) or os.path.exists(p) and (op == 'l' or os.path.samefile(f, p)):
                continue
            if op == 'l':
                os.link(f, p)
            else:
                os.rename(f, p)
                files.remove(f)
            if p not in files:
                files.append(p)
        elif op == 'u':
            os.unlink(f)
            files.remove(f)
        elif op == 'm':
            p = name()
            if not os.path.exists(p):
                os.mkdir(p)
                dirs.append(p)
        elif op == 'd' and len(dirs) > 1:
            p = rnd.choice(dirs[1:])
            if not os.listdir(p):
                os.rmdir(p)
                dirs.remove(p)
        elif op == 's':
            fsync(f)
        elif op == 'S' and rnd.random() < .1:
            full()
    commit()


def main(kind, path, *args):
    os.chdir(path)
    root = os.open('.', os.O_RDONLY)
    globals()[kind](*args)
    fcntl.ioctl(root, SHUTDOWN, NOLOGFLUSH)
    os._exit(0)  # no flushing of what can no longer be written


if __name__ == '__main__':
    main(*sys.argv[1:])
