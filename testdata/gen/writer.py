#!/usr/bin/env python3
"""Change the mounted ext file system DIR as a busy server does, then cut its power in mid-write.

After ROUNDS rounds the file system is shut down under the writer by FS_IOC_SHUTDOWN without flushing the log: what was
committed lies in the journal only, what was not is lost.
"""
import argparse, errno, fcntl, itertools, os, random, shutil, struct, sys, threading
from tree import text

SHUTDOWN, NOLOGFLUSH = 0x8004587d, struct.pack('I', 2)
MAGIC = b'\xc0\x3b\x39\x98'


class Writer:
    def __init__(self, magic, seed):
        self.rnd = random.Random(seed)
        self.block = os.statvfs('.').f_bsize if magic else None
        self.docs = sorted(os.path.join(d, f) for d, _, fs in os.walk('usr/share/doc') for f in fs)
        self.rnd.shuffle(self.docs)
        self.stale = sorted(os.listdir('opt/stale'))
        # A deleted file that is still open is on the orphan list, in no directory.
        self.orphan = open('orphan', 'wb')
        self.orphan.write(text(50_000))
        os.fsync(self.orphan.fileno())
        os.unlink('orphan')
        os.makedirs('srv/app', exist_ok=True)

    def write(self, path, size, mode='wb', sync=False):
        data = text(size, path + str(self.rnd.random()))
        if self.block:
            data = b''.join(MAGIC + data[i:i + self.block - 4] for i in range(0, size, self.block - 4))
        with open(path, mode) as f:
            f.write(data)
            if sync:
                f.flush()
                os.fsync(f.fileno())

    def release(self, n):
        """Deploy one release, drop the one before the last: its directories' blocks are revoked, and used again as data."""
        base = 'srv/app/r%04d' % n
        for d in range(4):
            os.makedirs('%s/d%d' % (base, d))
        for i in range(self.rnd.randint(4, 12)):
            self.write('%s/d%d/f%02d' % (base, i % 4, i), self.rnd.choice((10, 900, 1024, 4096, 9000)))
        os.link(base + '/d0/f00', base + '/hard')
        os.symlink('../r%04d/d0/f00' % (n - 1), base + '/fast')
        os.symlink('d0/' + './' * 100 + 'f00', base + '/slow')
        if n % 4 == 0:
            os.rename(base, 'srv/app/kept-%04d' % n)
        if n >= 2:
            shutil.rmtree('srv/app/r%04d' % (n - 2), ignore_errors=True)
        if n >= 12:
            shutil.rmtree('srv/app/kept-%04d' % ((n - 8) // 4 * 4), ignore_errors=True)

    def touch_documents(self):
        if len(self.docs) < 5:
            return
        deleted, rewritten, moved, changed, cut = (self.docs.pop() for _ in range(5))
        os.unlink(deleted)
        self.write(rewritten, self.rnd.randint(1, 9000))
        os.rename(moved, moved + '.moved')
        os.chmod(changed, 0o600)
        os.chown(changed, 33, 33)
        os.utime(changed, (1e9, 1e9))
        os.truncate(cut, os.path.getsize(cut) // 2)

    def round(self, n):
        self.release(n)
        for k in (1, 2, 3):
            self.write('var/log/app%d.log' % k, 200, 'ab')
        self.write('app.conf.new', 20, sync=True)
        os.rename('app.conf.new', 'app.conf')
        if n % 3 == 0:  # truncate and rewrite: indirect blocks are freed, and allocated again
            self.write('srv/app/blob%d' % (n % 2), self.rnd.randint(20_000, 400_000))
        self.touch_documents()
        if self.stale and n % 2:
            shutil.rmtree('opt/stale/' + self.stale.pop())
        self.write('app.state', 100, sync=True)


def main():
    a = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    a.add_argument('dir')
    a.add_argument('rounds', type=int)
    a.add_argument('--magic', action='store_true',
                   help="start data blocks with the journal's magic number, which the journal (data=journal) must escape")
    a.add_argument('--mounted', action='store_true',
                   help='just stop: what lies in the backing file now is what a snapshot of the storage would hold')
    a.add_argument('--seed', type=int, default=1)
    a = a.parse_args()
    os.chdir(a.dir)
    root = os.open('.', os.O_RDONLY)
    w = Writer(a.magic, a.seed)
    try:
        for n in itertools.count():
            if n == a.rounds and a.mounted:
                break
            if n == a.rounds:
                threading.Thread(target=fcntl.ioctl, args=(root, SHUTDOWN, NOLOGFLUSH)).start()
            w.round(n)
    except OSError as e:
        if n < a.rounds or e.errno not in (errno.EIO, errno.EROFS):
            raise
    os._exit(0)  # no flushing of what can no longer be written


if __name__ == '__main__':
    main()
