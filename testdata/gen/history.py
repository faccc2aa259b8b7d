#!/usr/bin/env python3
"""history.py root|srv STEP DIR [--cut]: take the mounted file system at DIR one step further in the life of testdata/datastore's VM.

Step 1 fills it. With --cut the log is committed (fsync) and the file system shut down before anything else reaches its home
block, as when the storage takes a snapshot of a running machine.
"""
import fcntl, hashlib, os, shutil, struct, sys

SHUTDOWN, NOLOGFLUSH = 0x8004587d, struct.pack('I', 2)
T0 = 1_700_000_000_000_000_000  # of everything that step 1 makes, in ns


def data(seed, size):
    """size bytes that compress no further than text does."""
    out = b''
    while len(out) < size:
        out += hashlib.sha256(b'%s %d' % (seed.encode(), len(out))).hexdigest()[:8].encode() * 8
    return out[:size]


def put(path, content):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'wb') as f:
        f.write(content)


def silently(path, change):
    """Change a file's bytes, not its size and times of access and modification."""
    s = os.stat(path)
    with open(path, 'r+b') as f:
        content = change(bytearray(f.read()))
        assert len(content) == s.st_size
        f.seek(0)
        f.write(content)
    os.utime(path, ns=(s.st_atime_ns, s.st_mtime_ns))


def flip(at):
    def change(content):
        content[at] ^= 0x20
        return content
    return change


class Root:
    def step1(self):
        put('etc/hostname', b'app01\n')
        put('etc/os-release', b'PRETTY_NAME="Testdata GNU/Linux 1"\n')
        put('etc/fstab', b'LABEL=app-root / ext4 defaults 0 1\nLABEL=app-srv /srv ext3 defaults 0 2\n')
        put('etc/passwd', b'root:x:0:0:root:/root:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/sh\n')
        for n in range(1, 13):
            put('home/alice/notes/n%d.txt' % n, data('note %d' % n, 100 * n))
        put('home/alice/plan.txt', data('plan', 3000))
        put('home/alice/todo', b'buy milk\n')
        put('home/alice/letters/one/1.txt', b'dear one\n')
        put('home/alice/letters/one/2.txt', b'dear one, again\n')
        put('home/alice/letters/two/1.txt', b'dear two\n')
        put('home/alice/old/keep/me.txt', b'kept, from a directory that goes\n')
        put('home/alice/old/lost.txt', b'not kept\n')
        os.symlink('notes/n1.txt', 'home/alice/newest')
        os.link('home/alice/todo', 'home/alice/todo-again')
        put('var/log/syslog', data('syslog', 20000))
        put('var/lib/db/table', data('table', 40000))
        for n in range(300):  # a directory with an index
            put('var/spool/mail/message-%03d' % n, b'message %d\n' % n)
        os.mkfifo('var/run.fifo')
        os.mknod('null', 0o20666, os.makedev(1, 3))
        put('usr/share/doc/a/copyright', data('copyright', 900))
        put('usr/share/doc/b/copyright', data('copyright', 900))
        os.makedirs('srv')
        for top, dirs, files in os.walk('.'):
            for name in dirs + files:
                os.utime(os.path.join(top, name), ns=(T0, T0), follow_symlinks=False)
                if top.startswith('./home/alice'):
                    os.lchown(os.path.join(top, name), 1000, 1000)

    def step2(self):
        put('home/alice/notes/n13.txt', b'new\n')
        put('home/alice/new/deep/er/file', b'added with its directories\n')
        silently('home/alice/notes/n1.txt', flip(3))
        silently('var/lib/db/table', flip(39990))
        os.rename('home/alice/notes/n2.txt', 'home/alice/notes/two.txt')
        os.rename('home/alice/letters', 'home/alice/mail')           # with all that it holds
        silently('home/alice/mail/one/2.txt', flip(5))               # of which one has changed
        os.rename('home/alice/mail/two/1.txt', 'home/alice/mail/two/first.txt')
        os.link('home/alice/plan.txt', 'home/alice/plan-link.txt')
        with open('var/log/syslog', 'ab') as f:
            f.write(data('more', 5000))

    def step3(self):
        os.remove('home/alice/plan.txt')                             # plan-link.txt stays
        os.remove('home/alice/todo')
        put('home/alice/todo/list/1', b'replaced by a directory\n')
        shutil.rmtree('home/alice/new')
        put('home/alice/new', b'replaced by a file\n')
        os.remove('home/alice/newest')
        os.symlink('notes/n13.txt', 'home/alice/newest')
        os.chmod('home/alice/notes/n3.txt', 0o600)
        os.lchown('home/alice/notes/n4.txt', 0, 0)
        os.utime('home/alice/notes/n5.txt', ns=(T0, T0 + 1))         # touched
        os.setxattr('home/alice/notes/n6.txt', 'user.comment', b'only an attribute')
        os.utime('home/alice/notes/n7.txt', ns=(T0 + 5, T0))         # read
        os.remove('home/alice/notes/n8.txt')
        put('home/alice/notes/n8.txt', data('note 8', 800))          # the same again, in another inode
        os.utime('home/alice/notes/n8.txt', ns=(T0, T0))
        os.lchown('home/alice/notes/n8.txt', 1000, 1000)
        os.rename('var/log/syslog', 'var/log/syslog.1')              # rotated
        put('var/log/syslog', data('rotated', 700))
        os.remove('null')
        os.mknod('null', 0o20666, os.makedev(1, 5))
        for n in range(100, 120):
            os.remove('var/spool/mail/message-%03d' % n)

    def step4(self):
        os.rename('home/alice/old/keep', 'home/alice/keep')          # out of a directory that goes
        shutil.rmtree('home/alice/old')
        shutil.rmtree('usr/share/doc/b')
        put('usr/share/doc/c/copyright', data('copyright', 900))     # likely in the same inode: not renamed
        silently('home/alice/notes/n1.txt', flip(3))                 # as it was in step 1
        os.rename('var/spool/mail/message-000', 'var/spool/mail/message-999')
        os.truncate('home/alice/notes/n9.txt', 0)
        for n in range(300, 400):
            put('var/spool/mail/message-%03d' % n, b'message %d\n' % n)

    def step5(self):
        os.remove('home/alice/notes/two.txt')
        with open('home/alice/notes/n10.txt', 'r+b') as f:
            f.seek(0, 2)
            f.write(b'longer\n')
        silently('var/lib/db/table', flip(100))
        a, b = 'home/alice/notes/n11.txt', 'home/alice/notes/n12.txt'
        os.rename(a, 'x'), os.rename(b, a), os.rename('x', b)        # each has the other's name


class Srv:
    """Its inodes have 128 bytes: whole seconds, and none of birth."""

    def step1(self):
        for n in range(8):
            put('www/%d.html' % n, data('page %d' % n, 1500))
            os.utime('www/%d.html' % n, ns=(T0, T0))

    def step2(self):
        silently('www/0.html', flip(700))
        os.rename('www/1.html', 'www/one.html')

    def step3(self):
        silently('www/0.html', flip(701))
        os.remove('www/2.html')

    def step4(self):
        put('www/new.html', b'new\n')

    def step5(self):
        silently('www/3.html', flip(0))


def main():
    kind, step, where, cut = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4:]
    os.umask(0o022)
    top = os.open(where, os.O_RDONLY)
    os.fchdir(top)
    getattr({'root': Root, 'srv': Srv}[kind](), 'step' + step)()
    if cut:
        for d, _, files in os.walk('.'):  # the data, and by it all that was done
            for name in files:
                path = os.path.join(d, name)
                if os.path.isfile(path) and not os.path.islink(path):
                    fd = os.open(path, os.O_RDONLY)
                    os.fsync(fd)
                    os.close(fd)
        os.fsync(top)
        fcntl.ioctl(top, SHUTDOWN, NOLOGFLUSH)


main()
