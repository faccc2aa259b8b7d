#!/usr/bin/env python3
"""iso-kernel.py [--big] COMMAND: whether Linux's own iso9660 and udf drivers read what COMMAND (vmdkfs) writes with `iso`.

Makes a tree, an ext4 image of it (mke2fs -d), an ISO of that, and mounts the ISO in libguestfs' appliance, once with each driver
(and without Rock Ridge: Joliet). Compares names, types, sizes, contents, modes, owners, times, devices, targets and hard links with
the tree. --big adds a file of 5 GiB, a hole but for a mark at every 16 MiB, at its ends, and across the ends of all extents of
ISO 9660 and UDF. Its size is compared, and what lies around the marks: all of it would take an emulated machine too long.
Needs root, e2fsprogs, and guestfish with a kernel that has iso9660 and udf (libguestfs-tools, linux-image-amd64).
Prints a line for each driver; with up to 20 differences, and exit status 1, when there are any.
"""
import hashlib, os, shutil, stat, subprocess, sys, tarfile, tempfile

LONG = b'n' * 255
BIG = 5 << 30
AROUND = 4096  # bytes that are compared at each mark
# An extent of ISO 9660 has at most 4 GiB - 2048 bytes, one of UDF 1 GiB - 2048.
MARKS = sorted({*range(16 << 20, BIG, 16 << 20), *((4 << 30) - n * 2048 for n in range(3)),
                *(i * ((1 << 30) - 2048) for i in range(1, 6)), AROUND // 2, BIG - AROUND // 2})


def make(top, big):
    def put(name, data=b''):
        path = os.path.join(top, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'wb') as f:
            f.write(data)
        return path

    put(b'hello.txt', b'hello\n')
    put(b'large', b''.join(b'%08d' % i for i in range(1 << 18)))
    put(LONG, b'255 bytes\n')
    put(b'e' * 250, b'250 bytes\n')
    put('grüße €😀.txt'.encode(), b'UTF-8\n')
    put(b'latin \xe4\xf6\xfc', b'not UTF-8\n')
    put(b'a*b:c;d?e\\f "<g>|', b'forbidden\n')
    put(b'/'.join([b'd%02d' % i + b'-' * 86 for i in range(10)]) + b'/end', b'900\n')
    for i in range(1000):
        put(b'collide/a long name that collides %04d.text' % i, b'%d\n' % i)
    os.makedirs(os.path.join(top, b'none'))
    os.link(os.path.join(top, b'hello.txt'), os.path.join(top, b'none2-hard'))
    os.link(os.path.join(top, b'hello.txt'), os.path.join(top, b'collide/hard'))
    for name, target in ((b'rel', b'../hello.txt'), (b'abs', b'/usr/bin/./x/..'), (b'root', b'/'), (b'long', b'component/' * 100 + b'x')):
        os.makedirs(os.path.join(top, b'links'), exist_ok=True)
        os.symlink(target, os.path.join(top, b'links', name))
    os.makedirs(os.path.join(top, b'dev'))
    os.mkfifo(os.path.join(top, b'dev/fifo'))
    os.mknod(os.path.join(top, b'dev/tty'), 0o20620, os.makedev(5, 1))
    os.mknod(os.path.join(top, b'dev/nvme'), 0o60660, os.makedev(259, 70000))
    hole = put(b'hole')
    with open(hole, 'r+b') as f:
        f.truncate(3 << 20)
        f.seek(1 << 20)
        f.write(b'data between holes')
    if big:
        with open(put(b'big'), 'r+b') as f:
            f.truncate(BIG)
            for at in MARKS:
                f.seek(at - 8)
                f.write(b'%016x' % at)
            f.seek(0)
            f.write(b'the start')
            f.seek(BIG - 7)
            f.write(b'the end')
    os.chmod(hole, 0o4751)
    os.chmod(os.path.join(top, b'collide'), 0o3775)
    os.chown(os.path.join(top, b'large'), 1000, 100000)
    for i, (path, dirs, files) in enumerate(os.walk(top, topdown=False)):
        for j, name in enumerate(sorted(dirs + files)):
            os.utime(os.path.join(path, name), ns=(10**18, 10**18 + (i * 10**5 + j) * 10**9 + 123456789), follow_symlinks=False)


def tree(top):
    """What there is below top: by path, all that is compared."""
    found = {}
    for path, dirs, files in os.walk(top):
        for name in dirs + files:
            full = os.path.join(path, name)
            st, rel = os.lstat(full), os.path.relpath(full, top)
            e = dict(mode=st.st_mode, uid=st.st_uid, gid=st.st_gid, mtime=st.st_mtime_ns // 10**9)
            if stat.S_ISREG(st.st_mode):
                e['size'] = st.st_size
                e['links'] = st.st_nlink
                if rel != b'big':
                    with open(full, 'rb') as f:
                        e['sha256'] = hashlib.sha256(f.read()).hexdigest()
            elif stat.S_ISLNK(st.st_mode):
                e['target'] = os.readlink(full)
            elif stat.S_ISCHR(st.st_mode) or stat.S_ISBLK(st.st_mode):
                e['rdev'] = (os.major(st.st_rdev), os.minor(st.st_rdev))
            found[rel] = e
    return found


KINDS = {tarfile.REGTYPE: stat.S_IFREG, tarfile.DIRTYPE: stat.S_IFDIR, tarfile.SYMTYPE: stat.S_IFLNK, tarfile.CHRTYPE: stat.S_IFCHR,
         tarfile.BLKTYPE: stat.S_IFBLK, tarfile.FIFOTYPE: stat.S_IFIFO}


def packed(name):
    """The same of a tar that the appliance made."""
    found, links = {}, {}
    with tarfile.open(name, encoding='utf-8', errors='surrogateescape') as t:
        for m in t:
            path = os.path.normpath(os.fsencode(m.name))
            if path == b'.':
                continue
            if m.islnk():
                target = os.path.normpath(os.fsencode(m.linkname))
                found[path] = found[target]
                links[target] = links.get(target, 1) + 1
                continue
            e = dict(mode=m.mode | KINDS[m.type], uid=m.uid, gid=m.gid, mtime=int(m.mtime))
            if m.isreg():
                e['size'] = m.size
                e['sha256'] = hashlib.sha256(t.extractfile(m).read()).hexdigest()
            elif m.issym():
                e['target'] = os.fsencode(m.linkname)
            elif m.isdev() and not m.isfifo():
                e['rdev'] = (m.devmajor, m.devminor)
            found[path] = e
    for path in links:
        found[path]['links'] = links[path]
    return found


def around_marks(path):
    """The SHA-256 of what lies around the marks of the large file."""
    sum = hashlib.sha256()
    with open(path, 'rb') as f:
        for at in MARKS:
            f.seek(at - AROUND // 2)
            sum.update(f.read(AROUND))
    return sum.hexdigest()


# The same by the appliance's shell, with the size before it.
ASK_BIG = 'debug sh "stat -c %%s /sysroot/big; for at in %s; do dd if=/sysroot/big bs=%d count=1 iflag=skip_bytes skip=$at status=none; done | sha256sum"' % (
    ' '.join(str(at - AROUND // 2) for at in MARKS), AROUND)


def guestfish(image, *commands):
    env = dict(os.environ, LIBGUESTFS_BACKEND='direct', LIBGUESTFS_BACKEND_SETTINGS='force_tcg')
    p = subprocess.run(['guestfish', '--ro', '--format=raw', '-a', image], input='run\n' + '\n'.join(commands), capture_output=True, text=True,
                       errors='surrogateescape', env=env)
    if p.returncode:
        sys.exit('guestfish: ' + p.stderr)
    return p.stdout


def main(command, big):
    failed = False
    with tempfile.TemporaryDirectory(prefix='vmdkfs-iso.') as w:
        top = os.fsencode(w) + b'/tree'
        os.mkdir(top)
        make(top, big)
        want = tree(top)
        big_want = [str(BIG), around_marks(os.path.join(top, b'big'))] if big else []
        ext4, image = w + '/ext4.img', w + '/image.iso'
        with open(ext4, 'wb') as f:
            f.truncate(64 << 20)
        subprocess.run(['mke2fs', '-q', '-F', '-t', 'ext4', '-d', os.fsdecode(top), ext4], check=True)
        subprocess.run([command, 'iso', '--quiet', '-o', image, ext4, '.'], check=True)
        for name, options, kind in (('iso9660', 'ro', 'rock'), ('udf', 'ro,iocharset=utf8', 'udf'), ('iso9660', 'ro,norock,iocharset=utf8', 'joliet')):
            out = w + '/out.tar'
            said = guestfish(image, 'mount-vfs %s %s /dev/sda /' % (options, name), 'tar-out / %s excludes:./big numericowner:true' % out,
                             *[ASK_BIG] * big)
            differences = compare(want, packed(out), kind)
            if said.split()[:2] != big_want:
                differences.append('big: size and marks are %s, not %s' % (said.split(), big_want))
            print('%s (%s): %d entries, %d differences' % (name, kind, len(want), len(differences)))
            for d in sorted(differences)[:20]:
                print('  ' + d)
            failed = failed or bool(differences)
    return failed


def expected(path, kind):
    """How a driver shows a name. None where its view lacks the file or numbers it."""
    shown = []
    for part in path.split(b'/'):
        if kind == 'rock' and len(part) > 253:
            part = part[:250]                      # fs/isofs/rock.c
        if kind == 'udf':
            if len(part) > 254:
                part = part[:254]
            part = part.decode('utf-8', 'surrogateescape')
            part = ''.join('_' if '\udc80' <= c <= '\udcff' else c for c in part).encode()
        shown.append(part)
    return b'/'.join(shown)


def compare(want, got, kind):
    got.pop(b'lost+found', None)  # of mke2fs
    got.pop(b'VMDKFS', None)
    got.pop(b'VMDKFS/MANIFEST.TXT', None)
    if kind == 'joliet':
        return compare_joliet(want, got)
    want = {expected(p, kind): e for p, e in want.items() if p != b'big'}
    differences = ['missing: %r' % p for p in want.keys() - got.keys()] + ['extra: %r' % p for p in got.keys() - want.keys()]
    for p in want.keys() & got.keys():
        for k in want[p]:
            if k == 'links' and (kind == 'rock' or want[p][k] == 1):
                continue                           # isofs knows no hard links
            if want[p][k] != got[p].get(k):
                differences.append('%r: %s is %r, not %r' % (p, k, got[p].get(k), want[p][k]))
    return differences


def compare_joliet(want, got):
    """Names of up to 64 characters without what Joliet forbids, and their contents."""
    differences = []
    for p, e in want.items():
        if p == b'big' or any(len(part) > 60 or set(part) & set(b'*/:;?\\') or b'\xe4\xf6' in part for part in p.split(b'/')):
            continue
        if not stat.S_ISREG(e['mode']) and not stat.S_ISDIR(e['mode']):
            continue
        if p not in got:
            differences.append('missing: %r' % p)
        elif got[p].get('sha256') != e.get('sha256'):
            differences.append('%r: other content' % p)
    return differences


if __name__ == '__main__':
    args = [a for a in sys.argv[1:] if a != '--big']
    if len(args) != 1:
        sys.exit(__doc__.split('\n')[0])
    sys.exit(main(args[0], '--big' in sys.argv))
