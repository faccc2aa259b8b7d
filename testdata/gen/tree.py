#!/usr/bin/env python3
"""tree.py KIND DIR: fill the mounted file system DIR with the tree that KIND (a function below) describes.

All content is generated here from fixed seeds, so that it is the project's own and compresses well.
"""
import ctypes, fcntl, os, random, socket, struct, subprocess, sys

libc = ctypes.CDLL(None, use_errno=True)
WORDS = ('server backup disk volume journal inode block extent mount request worker queue cache reply '
         'client session timeout started stopped ready failed retry alice bob nightly report').split()


def text(n, seed=0):
    """n bytes of prose: different for each seed, the same on each run."""
    rnd, out, size, line = random.Random(seed), [], 0, 0
    phrases = [' '.join(rnd.choices(WORDS, k=9)) for _ in range(8)]
    while size < n:
        out.append('%05d %s\n' % (line, phrases[line % 8]))
        size += len(out[-1])
        line += 1
    return ''.join(out).encode()[:n]


def write(path, data, mode='wb'):
    if d := os.path.dirname(path):
        os.makedirs(d, exist_ok=True)
    with open(path, mode) as f:
        f.write(data if isinstance(data, bytes) else data.encode())


def pieces(path, offsets, size, data=None):
    """A file of the given size with one small piece of data at each offset, and holes between."""
    os.makedirs(os.path.dirname(path) or '.', exist_ok=True)
    with open(path, 'wb') as f:
        for o in offsets:
            f.seek(o)
            f.write(data or text(1024, o))
        f.truncate(size)


def fallocate(path, mode, offset, length):
    fd = os.open(path, os.O_RDWR | os.O_CREAT)
    call = (ctypes.c_int(fd), ctypes.c_int(mode), ctypes.c_longlong(offset), ctypes.c_longlong(length))
    if libc.fallocate(*call):
        raise OSError(ctypes.get_errno(), 'fallocate ' + path)
    os.close(fd)


def acl(path, default=False, **who):
    """A POSIX ACL in the kernel's xattr form: version 2, then (tag, permissions, id)."""
    tags = dict(user=1, u=2, group=4, g=8, mask=16, other=32)
    rows = []
    for k, perm in who.items():
        tag, _, ident = k.partition('_')
        rows.append((tags[tag], perm, int(ident) if ident else 0xffffffff))
    value = struct.pack('<I', 2) + b''.join(struct.pack('<HHI', *r) for r in sorted(rows, key=lambda r: (r[0], r[2])))
    os.setxattr(path, 'system.posix_acl_' + ('default' if default else 'access'), value)


def plain():
    """Something of everything, for the images that exist for their geometry."""
    for n in (0, 1, 59, 60, 1023, 1024, 1025, 4095, 4096, 4097, 12 * 1024 + 1, 12 * 4096 + 1, 300_000):
        write('sizes/%d' % n, text(n, n))
    pieces('sizes/sparse', (0, 700_000, 5_000_000, 9_000_000), 9_500_001)  # double indirect with 4 KiB blocks too
    deep = '/'.join('level%d' % i for i in range(12))
    write(deep + '/bottom.txt', 'the bottom\n')
    for i in range(200):
        write('many/entry-%03d-of-the-directory' % i, '%d\n' % i)
    os.symlink('sizes/1024', 'fast')
    os.symlink('sizes/' + './' * 50 + '1024', 'slow')
    os.link('sizes/4097', 'hard')
    os.mkfifo('fifo')
    os.mknod('null', 0o20666, os.makedev(1, 3))
    os.mkdir('empty')


def holes():
    """Indirect blocks of 1 KiB, 256 pointers each: direct 0-11, indirect 12-267, double 268-65803, triple from 65804."""
    k, ind, dind, tind = 1024, 12, 268, 65804
    # In every level some pointer is null, and some pointer after it is not.
    pieces('every-level', [k * b for b in (0, 3, ind + 5, ind + 200, dind + 7, dind + 2 * 256 + 100, dind + 255 * 256 + 255,
                                           tind + 1 * 65536 + 3 * 256 + 9, tind + 1 * 65536 + 3 * 256 + 250,
                                           tind + 1 * 65536 + 200 * 256)], k * (tind + 2 * 65536) + 17)
    pieces('only-indirect', [k * (ind + 255)], k * (ind + 256))
    pieces('only-double', [k * (dind + 300)], k * (dind + 1000))
    pieces('only-triple', [k * (tind + 35 * 65536 + 77 * 256 + 5)], k * (tind + 36 * 65536))  # beyond 2 GiB: large_file
    pieces('around-the-borders', [k * b for b in (11, 12, 267, 268, 65803, 65804)], k * 65805)
    pieces('tail', [0, 5 * k], 3_000_000)
    pieces('tail-in-block', [0], 1500)
    pieces('all-hole', [], 5_000_000)
    write('dense', text(400_000))


def mapped():
    """As holes, and no file is so long that to read it takes a second."""
    k, ind, dind, tind = 1024, 12, 268, 65804
    pieces('every-level', [k * b for b in (0, 3, ind + 5, ind + 200, dind + 7, dind + 255 * 256 + 255, tind + 9, tind + 300)], k * (tind + 310))
    pieces('only-indirect', [k * (ind + 255)], k * (ind + 256))
    pieces('only-double', [k * (dind + 300)], k * (dind + 1000))
    write('dense', text(400_000))


def linear():
    """Directories of several blocks without an index, with holes that deleted entries leave (run before dir_index is set)."""
    for name, doomed in (('full', lambda i: False), ('every-third-deleted', lambda i: i % 3 == 0),
                         ('run-deleted', lambda i: 100 <= i < 220), ('all-deleted', lambda i: True)):
        for i in range(300):
            write('linear/%s/file-%03d.txt' % (name, i), '')
        for i in filter(doomed, range(300)):
            os.unlink('linear/%s/file-%03d.txt' % (name, i))


def htree():
    for i in range(3000):
        write('one-level/%04d' % i, '')
        write('two-levels/%04d-%s' % (i, 'long-name-' * 8), '')
    for i in range(0, 3000, 7):
        os.unlink('one-level/%04d' % i)
    names()


def names():
    os.mkdir('names')
    for n in (b'n' * 255, '\u00fc'.encode() * 127 + b'x', '\U0001f4be'.encode() * 63, b'caf\xe9', b'\xff\xfe', b'\xed\xa0\x80', b'cut\xe2\x82',
              rb'a\x41b', rb'\x5c', rb'\x5cx41', rb'\u0041', rb'\X41', 'back\\slash'.encode(), b'\\', b'\\\xe9', b'new\nline', b'tab\tcontrol\x01\x7f',
              b'-rf', b' lead', b'trail ', b'.hidden', b'...', b'..x', b'quote"\'`', b'*?[a]', b'con:', 'e\u0301'.encode(), 'é'.encode()):
        with open(b'names/' + n, 'wb') as f:
            f.write(n)


def links():
    size = os.statvfs('.').f_bsize
    for n in (1, 2, 58, 59, 60, 61, 200, 1000, size - 2, size - 1):
        os.symlink(('target/' * n)[:n - 1] + 'x', 'symlink-%d' % n)
    os.symlink(b'caf\xe9/' + rb'\x41', 'symlink-not-utf8')
    os.symlink('/etc/absolute', 'symlink-absolute')
    os.symlink('loop', 'loop')
    os.symlink('.', 'here')
    write('original', 'five names\n')
    os.mkdir('sub')
    for n in ('hard-1', 'hard-2', 'sub/hard-3', 'sub/hard-4'):
        os.link('original', n)
    os.link('symlink-60', 'symlink-hard')
    os.mkfifo('fifo', 0o620)
    socket.socket(socket.AF_UNIX).bind('socket')
    for major, minor in ((1, 3), (8, 0), (255, 255), (256, 0), (8, 256), (300, 70000), (4095, 1048575)):
        os.mknod('char-%d-%d' % (major, minor), 0o20640, os.makedev(major, minor))
        os.mknod('block-%d-%d' % (major, minor), 0o60640, os.makedev(major, minor))
    for mode in (0o0000, 0o0777, 0o4755, 0o2755, 0o1777, 0o7777):
        write('mode-%04o' % mode, '')
        os.chmod('mode-%04o' % mode, mode)
    os.mkdir('sticky')
    os.chmod('sticky', 0o1777)
    for uid, gid in ((65534, 65535), (65536, 65537), (100000, 200000), (0x7fffffff, 0xfffffffe)):
        write('owner-%d-%d' % (uid, gid), '')
        os.chown('owner-%d-%d' % (uid, gid), uid, gid)


def times():
    stamps = {'1901-first': -2147483648, '1901': -2147472000, '1910': -1893456000, '1965': -157766400, 'before-epoch': -1, 'epoch': 0, '2000': 951827696,
              '2037': 2114380800, '2038': 2147483648, '2040': 2208988800, '2106': 4294967296, '2200': 7258118400,
              '2310': 10729407601, '2446': 15023745535, '2446-last': 15032385535}
    for name, s in stamps.items():
        for suffix, ns in (('', 0), ('-ns', 123456789), ('-ns-max', 999999999)):
            write(name + suffix, name + '\n')
            os.utime(name + suffix, ns=((s - 1 if s > 0 else s + 1) * 10**9, s * 10**9 + ns))
        os.symlink(name, name + '-link')
        os.utime(name + '-link', ns=(s * 10**9, s * 10**9), follow_symlinks=False)
        os.mkdir(name + '-dir')
        os.utime(name + '-dir', ns=(s * 10**9, s * 10**9 + 5))


def xattrs():
    size = os.statvfs('.').f_bsize
    set = os.setxattr
    write('none', '')
    write('in-inode', '')
    set('in-inode', 'user.small', b'tiny')
    write('in-block', '')
    set('in-block', 'user.large', text(600, 1))
    write('both', '')
    set('both', 'user.small', b'in the inode')
    set('both', 'user.large', text(500, 2))
    set('both', 'trusted.third', b'\0\1\2\xff')
    write('empty-value', '')
    set('empty-value', 'user.empty', b'')
    set('empty-value', 'user.also', b'')
    for i in range(4):  # equal blocks are shared by the kernel
        write('shared-%d' % i, '')
        set('shared-%d' % i, 'user.shared', text(700, 3))
    write('namespaces', '')
    for n in ('user.n', 'trusted.n', 'security.n', 'user.with.dots.in.it', 'user.' + 'n' * 100, 'user.\u00fc'):
        set('namespaces', n, n.encode())
    write('many', '')
    for i in range(20):
        set('many', 'user.k%02d' % i, b'v%d' % i)
    write('capability', '')
    os.chmod('capability', 0o755)
    set('capability', 'security.capability', struct.pack('<5I', 0x02000001, 1 << 10, 0, 0, 0))
    write('biggest', '')
    n = size
    while n > 0:
        try:
            set('biggest', 'user.biggest', text(n, 4))
            break
        except OSError:  # no room: the block's header, the entry and its name take some
            n -= 1
    write('removed', '')
    set('removed', 'user.large', text(600, 5))
    os.removexattr('removed', 'user.large')
    os.symlink('none', 'symlink')
    set('symlink', 'trusted.on-a-symlink', b'yes', follow_symlinks=False)
    os.mkfifo('fifo')
    set('fifo', 'trusted.on-a-fifo', b'yes')
    write('acl', '')
    acl('acl', user=6, u_1000=7, u_100000=4, group=4, g_33=5, mask=7, other=0)
    os.mkdir('acl-dir')
    acl('acl-dir', user=7, u_1000=7, group=5, mask=7, other=5)
    acl('acl-dir', default=True, user=7, u_1001=5, group=5, g_1002=7, mask=7, other=0)
    write('acl-dir/inherited', '')
    os.mkdir('acl-dir/sub')


def checkerboard():
    """Fill the file system, then free every other block: whatever is written next is in pieces."""
    size = os.statvfs('.').f_bsize
    with open('checkerboard', 'wb', buffering=0) as f:
        try:
            while True:
                f.write(b'checkerboard\n' * (size // 13) + b'\n' * (size % 13))
        except OSError:
            n = os.fstat(f.fileno()).st_size // size
    for b in range(0, n, 2):
        fallocate('checkerboard', 3, b * size, size)  # PUNCH_HOLE | KEEP_SIZE


def stale():
    """Fill the free space with a pattern and free it, so that blocks which are allocated but not written hold old bytes."""
    try:
        with open('pattern', 'wb') as f:
            while True:
                f.write(b'STALE-DATA-' * 5957)
                f.flush()
    except OSError:
        subprocess.run(['sync', '-f', '.'], check=True)  # this file system, not all of the machine
    os.unlink('pattern')


def extents():
    """After stale."""
    write('dense', text(200_000))
    fallocate('unwritten', 0, 0, 300_000)
    fallocate('unwritten-keep-size', 1, 0, 200_000)
    fallocate('unwritten-middle', 0, 0, 500_000)
    for o in (0, 100_000, 102_400, 400_123):
        with open('unwritten-middle', 'r+b') as f:
            f.seek(o)
            f.write(text(3000, o))
    pieces('holes', (5_000, 70_000, 3_000_000), 3_001_000)
    pieces('leading-hole', (1_000_000,), 1_001_024)
    write('size-beyond-last-extent', text(5_000))
    os.truncate('size-beyond-last-extent', 4_000_000)
    pieces('all-hole', [], 1_000_000_000)
    os.sync()
    fallocate('zero-range', 0, 0, 100_000)
    write('zero-range', text(100_000))
    os.sync()
    fallocate('zero-range', 16, 20_000, 50_000)
    pieces('500-extents', range(0, 1_000 * 1024, 2048), 1_000 * 1024, b'piece\n' * 170)


def fragmented():
    """After checkerboard, and a remount."""
    for n in range(3):
        write('fragmented-%d' % n, text(500_000, n))


def small():
    """For images with a feature that is about metadata: files around the size of an inode, and of a directory's first blocks."""
    for n in (0, 1, 59, 60, 61, 100, 150, 160, 161, 500, 5000):
        write('sizes/%d' % n, text(n, n))
    os.symlink('sizes/60', 'fast')
    os.symlink('x' * 100, 'slow')
    for k in (0, 1, 3, 8, 60):
        os.mkdir('dir-of-%d' % k)
        for i in range(k):
            write('dir-of-%d/entry-%d' % (k, i), '')
    os.mkdir('MixedCase')
    pieces('sparse', (0, 100_000), 200_000)


def spread():
    """Directories that the kernel puts in all the groups, with a file in each."""
    for i in range(100):
        write('spread-%02d/file' % i, 'in directory %d\n' % i)
    write('spread-50/large', text(9_000))


def large_blocks():
    """For mke2fs -d: files and links around the ends of blocks of up to 64 KiB, names for several blocks, and for an index of them."""
    for n in (0, 1, 60, 4096, 8192, 65535, 65536, 65537, 140_000):
        write('sizes/%d' % n, text(n, n))
    pieces('sizes/sparse', (0, 300_000, 900_000), 1_000_000)
    for i in range(350):
        os.makedirs('many', exist_ok=True)
        os.link('sizes/1', 'many/%03d-%s' % (i, 'n' * 240))
    for n in (1, 59, 60, 200, 4000):
        os.symlink(('target/' * n)[:n - 1] + 'x', 'symlink-%d' % n)
    os.mkdir('empty')
    write('attributes', '')
    os.setxattr('attributes', 'user.small', b'tiny')
    os.setxattr('attributes', 'user.large', text(3000, 1))
    for d, dirs, files in os.walk('.', topdown=False):
        for n in files + ['.']:
            os.utime(os.path.join(d, n), ns=(1_500_000_000_123456789, 1_600_000_000_987654321), follow_symlinks=False)


def deep_extents():
    pieces('deep', range(0, 120 * 2048, 2048), 120 * 2048, b'piece\n' * 170)
    write('beside', text(5000))


def large_dir():
    """The names in the file NAMES, in its order, for one file: names take little room, inodes do not."""
    os.mkdir('large')
    write('file', 'with many names\n')
    with open(os.environ['NAMES']) as f:
        for name in f:
            os.link('file', 'large/' + name.strip())


def projects():
    """Each holds the number of the project that debugfs gives it."""
    for ident in (0, 1000, 70_000, 0xfffffffe):
        write('project-%d' % ident, '%d\n' % ident)


def verity():
    """What debugfs cuts short: blocks behind the end of the file, from the next multiple of 64 KiB on."""
    small()
    pieces('signed', (65536,), 65536 + 1024, b'MERKLE-TREE\n' * 85)
    with open('signed', 'r+b') as f:
        f.write(text(5000, 'signed'))


def casefold():
    """MixedCase is made to fold: each name in it is that of the file's content in another case."""
    small()
    for name, other in (('Hello.txt', 'hELLO.TXT'), ('README', 'readme'), ('\u00c4rger', '\u00e4RGER'), ('\u03a3\u03b1', '\u03c3\u0391')):
        write('MixedCase/' + name, other + '\n')
        write('sizes/' + name, other + '\n')


def big_xattrs():
    small()
    for n in (100, 3000, 10_000, 60_000):
        write('xattr-%d' % n, '')
        os.setxattr('xattr-%d' % n, 'user.big', text(n, n))
    write('xattr-shared', '')
    os.setxattr('xattr-shared', 'user.big', text(60_000, 60_000))


def encrypted():
    """A directory encrypted (AES-256-XTS, names AES-256-CTS) with a key that the kernel forgets at umount, and one that is not."""
    write('plain/file', text(5000))
    os.mkdir('secret')
    key = bytearray(struct.pack('<II32xII32x', 2, 0, 64, 0) + bytes(range(64)))  # struct fscrypt_add_key_arg
    root = os.open('.', os.O_RDONLY)
    fcntl.ioctl(root, 0xc0506617, key)  # FS_IOC_ADD_ENCRYPTION_KEY, returns the key's identifier
    policy = struct.pack('<BBBBB3x16s', 2, 1, 4, 3, 0, bytes(key[8:24]))
    fcntl.ioctl(os.open('secret', os.O_RDONLY), 0x800c6613, policy)  # FS_IOC_SET_ENCRYPTION_POLICY
    for n in ('a.txt', 'a-rather-long-name-that-needs-more-than-one-cipher-block.txt', 'sub/b.txt'):
        write('secret/' + n, text(3000, n))
    os.symlink('a.txt', 'secret/link')


def packages():
    """What the writer works on: documents to change, directories to remove."""
    for p in range(12):
        for f in ('README', 'changelog', 'copyright', 'NEWS'):
            write('usr/share/doc/pkg%02d/%s' % (p, f), text(300 + 700 * p, 'pkg%d%s' % (p, f)))
    for d in range(10):
        for f in range(12):
            write('opt/stale/d%d/f%02d' % (d, f), text(500, d * f))
    for n in range(1, 4):
        write('var/log/app%d.log' % n, text(6_000, n))


def server():
    """The root of a small web server."""
    packages()
    for d in 'bin boot dev etc home lib mnt opt proc root run sbin srv sys tmp usr/bin var/cache var/lib/app var/log var/spool/mail'.split():
        os.makedirs(d, exist_ok=True)
    write('etc/hostname', 'web01\n')
    write('etc/hosts', '127.0.0.1 localhost\n127.0.1.1 web01\n')
    write('etc/os-release', 'PRETTY_NAME="Sample Linux 1 (vmdkfs)"\nNAME="Sample Linux"\nVERSION_ID="1"\nID=sample\nID_LIKE=debian\n')
    write('etc/fstab', '# the volumes of web01\n/dev/mapper/vg_root-root / ext3 errors=remount-ro 0 1\n'
          'UUID=%s /boot ext3 defaults 0 2\nLABEL=home /home ext3 nodev 0 2\ntmpfs /tmp tmpfs defaults 0 0\n' % os.environ['BOOT_UUID'])
    write('etc/passwd', 'root:x:0:0:root:/root:/bin/sh\nwww-data:x:33:33:www:/var/www:/bin/false\nalice:x:1000:1000:Alice:/home/alice:/bin/sh\n')
    write('etc/app.conf', 'revision 0\n')
    write('etc/shadow', 'root:*:19000:0:99999:7:::\n')
    os.chmod('etc/shadow', 0o640)
    write('root/.profile', 'umask 022\n')
    os.chmod('root', 0o700)
    os.chmod('tmp', 0o1777)
    write('usr/bin/app', '#!/bin/sh\necho web01\n')
    os.chmod('usr/bin/app', 0o755)
    os.setxattr('usr/bin/app', 'security.capability', struct.pack('<5I', 0x02000001, 1 << 10, 0, 0, 0))
    write('usr/bin/su', '#!/bin/sh\n')
    os.chmod('usr/bin/su', 0o4755)
    for n in ('syslog', 'auth.log', 'kern.log'):
        write('var/log/' + n, text(30_000, n))
    write('var/www/html/index.html', '<html><body>web01</body></html>\n')
    acl('var/www/html', user=7, u_1000=7, group=5, mask=7, other=5)
    acl('var/www/html', default=True, user=7, u_1000=7, group=5, mask=7, other=5)
    os.setxattr('var/www/html/index.html', 'user.mime_type', b'text/html')
    os.setxattr('var/www/html/index.html', 'user.comment', text(400))
    pieces('var/lib/app/sparse.db', (0, 300_000, 2_000_000), 4_000_000)
    write('var/lib/app/data.db', text(350_000, 'db'))
    for i in range(400):
        write('var/spool/mail/message-%04d.eml' % i, 'Subject: report %d\n' % i)
    os.symlink('../usr/bin/app', 'bin/app')
    os.symlink('../' * 25 + 'usr/bin/app', 'sbin/app')
    os.link('usr/bin/app', 'usr/bin/app-1.0')
    os.mkfifo('run/app.fifo')
    os.mknod('dev/null', 0o20666, os.makedev(1, 3))
    os.mknod('dev/sda', 0o60660, os.makedev(8, 0))
    write(b'srv/caf\xe9.txt', 'a name in Latin-1\n')


def home():
    for u, uid in (('alice', 1000), ('bob', 1001)):
        for i in range(1, 21):
            write('%s/notes/n%d.txt' % (u, i), 'note %d of %s\n' % (i, u) + text(200 * i, u + str(i)).decode())
        write(u + '/.profile', 'umask 027\n')
        os.symlink('notes/n1.txt', u + '/latest')
        for d, dirs, files in os.walk(u):
            for n in [d] + [os.path.join(d, f) for f in files]:
                os.chown(n, uid, uid, follow_symlinks=False)


def boot():
    write('grub/grub.cfg', 'set timeout=5\nset root=(hd0,msdos1)\nlinux /vmlinuz-6.1.0-web root=/dev/mapper/vg_root-root ro\n')
    write('vmlinuz-6.1.0-web', text(150_000, 'vmlinuz'))
    write('initrd.img-6.1.0-web', text(300_000, 'initrd'))
    os.symlink('vmlinuz-6.1.0-web', 'vmlinuz')


if __name__ == '__main__':
    os.chdir(sys.argv[2])
    globals()[sys.argv[1]]()
