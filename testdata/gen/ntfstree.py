#!/usr/bin/env python3
"""ntfstree.py KIND DIR: fill the NTFS volume that ntfs-3g has mounted at DIR (streams_interface=windows) with the tree that KIND
(a function below) describes. All content is generated here from fixed seeds.
"""
import os, random, struct, sys
from tree import text, write

HIDDEN, SYSTEM, READONLY, DIRECTORY, ARCHIVE, REPARSE, COMPRESSED = 2, 4, 1, 0x10, 0x20, 0x400, 0x800


def stamps(name, clusters, size):
    """clusters * size bytes: every cluster says whose it is and the how manieth, and is zero behind that."""
    return b''.join(('%s %07d\n' % (name, i)).encode().ljust(size, b'\0') for i in range(clusters))


def noise(n, seed=0):
    return random.Random(seed).randbytes(n)


def attrib(path, bits):
    os.setxattr(path, 'system.ntfs_attrib', struct.pack('<I', bits))


def times(path, *ticks):
    """Created, modified, accessed, changed: in 100 ns since 1601."""
    os.setxattr(path, 'system.ntfs_times', struct.pack('<4q', *ticks))


def plain():
    """Something of everything, for the images that exist for their geometry."""
    cluster = os.statvfs('.').f_bsize
    for n in sorted({0, 1, 300, 600, 700, 701, 4095, 4096, 4097, 50_000, cluster - 1, cluster, cluster + 1}):
        write('sizes/%d' % n, text(n, n) if n < 60_000 else stamps('size %d' % n, n // 512 + 1, 512)[:n])
    deep = '/'.join('level%d' % i for i in range(12))
    write(deep + '/bottom.txt', 'the bottom\n')
    for i in range(150):
        write('many/entry-%03d-of-the-directory' % i, '%d\n' % i)
    os.link('sizes/4097', 'hard')
    os.link('sizes/4097', 'sizes/a second hard link')
    os.mkdir('empty')
    write('sizes/300:origin', 'https://example.org/')
    write('sizes/4096:big', text(3000, 1))
    write('empty:of a directory', 'a stream')
    with open('sparse', 'wb') as f:
        f.write(b'begin')
        f.seek(3 * cluster * 16)
        f.write(b'end')
    for i, t in enumerate(((0, 1, 2, 3), (132000000000000001, 132000000000000009, 132000000000123456, 132000000009999999),
                           (116444735999999999, 116444736000000000, 116444736000000001, 1 << 60))):
        write('times/%d' % i, 'x')
        times('times/%d' % i, *t)
    for name, bits in dict(readonly=READONLY, hidden=HIDDEN, system=SYSTEM, archive=ARCHIVE, all=39).items():
        write('attributes/' + name, 'x')
        attrib('attributes/' + name, bits)


def lznt1():
    """Files in a compressed directory: units of 16 clusters, chunks of 4 KiB."""
    cluster = os.statvfs('.').f_bsize
    unit = 16 * cluster
    os.mkdir('c')
    attrib('c', COMPRESSED | DIRECTORY)
    write('c/text', text(90_000))
    write('c/short-distance', b'a' * 70_000 + b'ab' * 40_000 + b'abc' * 30_000)
    write('c/noise', noise(6000))
    write('c/zeros', bytes(3 * unit + 5))
    write('c/stored-chunks', b''.join(text(4096, i) if i % 4 else noise(4096, i) for i in range(16)))
    write('c/mixed-units', stamps('unit', unit // 512, 512) + noise(unit, 2) + bytes(unit) + text(777, 5))
    write('c/one-stored-chunk', stamps('unit', unit // 512 - 8, 512) + noise(4096, 9))
    for n in (1, 700, 4095, 4096, 4097, unit - 4096, unit - 1, unit, unit + 1, 2 * unit - cluster, 2 * unit + 4096, 2 * unit + 4097):
        write('c/tail-%d' % n, stamps('tail of %d' % n, n // 512 + 1, 512)[:n])
    with open('c/holes', 'wb') as f:
        for off in (0, 5 * unit + 100, 9 * unit - 10, 20 * unit + 4096):
            f.seek(off)
            f.write(text(5000, off))
        f.truncate(30 * unit + 11)
    write('c/rewritten', stamps('old', 4 * unit // 512, 512))
    with open('c/rewritten', 'r+b') as f:
        f.seek(unit + 1000)
        f.write(noise(3000, 7))
    for i in range(9):
        with open('c/appended', 'ab') as f:
            f.write(text(3333, i))
    write('c/cut', stamps('cut', 5 * unit // 512, 512))
    os.truncate('c/cut', 2 * unit + 123)
    write('c/stream:compressed', text(50_000, 10))
    write('not-compressed', text(3000, 11))
    write('c/sub/inherits', text(30_000, 12))


def streams():
    write('many', 'the unnamed stream')
    for i in range(150):
        write('many:stream-%03d' % i, 'stream %d\n' % i * (i % 7))
    write('big', text(3000, 1))
    write('big:stream', text(120_000, 2))
    write('big:empty', b'')
    write('no unnamed data:only', 'here')
    for n in ('Zone.Identifier', 'ünïcödé ☃', '😀', 'with space', 'n' * 255):
        write('names:' + n, n)
    write('dir/file:stream', 'of a file in a directory')
    write('dir:stream', text(5000, 3))
    write('dir:second', 'small')
    write('.:of the root', 'the root has one too')
    with open('sparse:stream', 'wb') as f:
        f.seek(1 << 20)
        f.write(b'end')


def records():
    """More records than $MFT holds, of which most are deleted again."""
    for i in range(1900):
        write('records/%04d' % i, '%d\n' % i)
    for i in range(1900):
        if i % 60:
            os.unlink('records/%04d' % i)


def fragmented():
    """On a checkerboard of four free clusters and four that are not."""
    size = os.statvfs('.').f_bsize
    for n in (2, 60, 300, 900, 1700):
        write('pieces-%04d' % n, stamps('piece of %d' % n, n, 4 * size))
    write('pieces-0060:stream', stamps('stream', 200, 4 * size))


def crowded():
    """Directories of which most entries were deleted again, so that index blocks are free, and stale entries remain in them."""
    def fill(d, n, keep, name):
        os.makedirs(d)
        write(d + '.one', d)
        for i in range(n):  # hard links: one record, many names
            if i % 300 == 0:
                write('%s.%d' % (d, i), '%s %d\n' % (d, i))
            os.link('%s.%d' % (d, i - i % 300), d + '/' + name(i))
        for i in range(n):
            if not keep(i):
                os.unlink(d + '/' + name(i))
        for i in range(0, n, 300):
            os.unlink('%s.%d' % (d, i))
    fill('few', 20_000, lambda i: i % 1500 == 7, lambda i: '%05d' % i)
    fill('none', 1500, lambda i: False, lambda i: 'n%d' % i)
    fill('first', 2000, lambda i: i < 40, lambda i: 'f%04d' % i)
    fill('last', 2000, lambda i: i >= 1960, lambda i: 'l%04d' % i)
    fill('all', 1200, lambda i: True, lambda i: 'entry %04d' % (i * 7919 % 1200))
    os.mkdir('deleted')
    for i in range(40):
        write('deleted/file-%02d' % i, text(i * 200, i))
    for i in range(0, 40, 2):
        os.unlink('deleted/file-%02d' % i)


def names():
    cases = ['a' * 255, 'ä' * 255, '😀' * 127, '☃' * 255, 'Case', 'case', 'CASE', 'cAsE', 'ÀÉ', 'àé', 'ß', 'ẞ', 'ss', 'İ', 'i', 'I', 'ı',
             'ÿ', 'Ÿ', 'ǆ', 'ǅ', 'Ǆ', 'Ω', 'ω', 'K', 'k', 'µ', 'μ', 'ﬀ', 'file.', 'file ', ' file', '...', 'con', 'a?b*c"d<e>f|g', 'tab\tname',
             'new\nline', '\x01', '\x7f', r'back\slash', r'\x5c', r'\u0041', r'\xff', r'\ud800', 'e\u0301', '\u00e9', '\u200b', '\ufeff', '\uffff',
             '\ue000', '\U0010ffff', '\ud800', '\udfff', 'low \ud83d', '\ude00\ud83d', 'x\udc00y', '-', '_', '[', '{', '~', 'Z', 'z']
    for i, n in enumerate(cases):
        write(b'all/' + n.encode('utf-8', 'surrogatepass'), '%d\n' % i)
    for long, short in (('a long name.txt', 'ALONGN~1.TXT'), ('another long name', 'ANOTHE~1'), ('Ünicode.text', 'NICODE~1.TEX')):
        write('dos/' + long, long)
        os.setxattr('dos/' + long, 'system.ntfs_dos_name', short.encode())
    os.mkdir('dos/directory name')
    os.setxattr('dos/directory name', 'system.ntfs_dos_name', b'DIRECT~1')
    write('dos/directory name/file', 'below a directory with a DOS name')
    write('dos/linked file', 'a DOS name and hard links')
    os.setxattr('dos/linked file', 'system.ntfs_dos_name', b'LINKED~1')
    os.link('dos/linked file', 'dos/other link')
    os.link('dos/linked file', 'link elsewhere')
    write('links/0', 'sixty links: an attribute list of names')
    for i in range(1, 60):
        os.link('links/0', 'links/%d with a name that takes some space' % i)


def sparse():
    cluster = os.statvfs('.').f_bsize
    def holes(path, pieces, size):
        with open(path, 'wb') as f:
            for o in pieces:
                f.seek(o)
                f.write(text(700, o))
            f.truncate(size)
    holes('end', (0,), 3 << 20)
    holes('begin', (2 << 20,), (2 << 20) + 700)
    holes('comb', range(0, 64 * 16 * cluster, 32 * cluster), 64 * 16 * cluster)
    holes('all', (), 1 << 20)
    holes('huge', (0, 5 << 30, (1 << 40) - 1), (1 << 40) + 12345)
    write('initialized', stamps('behind the initialized size', 40, cluster))
    write('initialized-odd', stamps('behind the initialized size', 40, cluster))
    write('initialized-none', stamps('behind the initialized size', 10, cluster))
    write('stream:initialized', stamps('behind the initialized size', 10, cluster))
    write('allocated', 'x' * 5000)


def interix():
    """What ntfs-3g makes of special files without -o special_files=wsl: INTX headers in system files."""
    os.symlink('target', 'symlink')
    os.symlink('/absolute/ünïcödé ☃', 'absolute')
    os.symlink('x' * 1000, 'long')
    os.mkfifo('fifo')
    os.mknod('char', 0o20644, os.makedev(5, 6))
    os.mknod('block', 0o60644, os.makedev(259, 70000))
    import socket
    socket.socket(socket.AF_UNIX).bind('socket')
    write('not a link', b'IntxLNK')


def wsl():
    """The same, as WSL does (-o special_files=wsl): reparse points and EAs."""
    interix()
    for name, rows in dict(owned={'$LXUID': struct.pack('<I', 1000), '$LXGID': struct.pack('<I', 1001), '$LXMOD': struct.pack('<I', 0o100751)},
                           other={'USER.ONE': b'value', 'EMPTY': b'', 'BIG': text(3000)}).items():
        write(name, name)
        os.setxattr(name, 'system.ntfs_ea', eas(rows))
    os.mkdir('directory')
    os.setxattr('directory', 'system.ntfs_ea', eas({'$LXUID': struct.pack('<I', 7), '$LXGID': struct.pack('<I', 8), '$LXMOD': struct.pack('<I', 0o41777)}))


def eas(rows):
    """As in $EA: FILE_FULL_EA_INFORMATION ([MS-FSCC] 2.4.15), but the last one too has the offset of what would follow."""
    out = b''
    for name, value in rows.items():
        e = struct.pack('<BBH', 0, len(name), len(value)) + name.encode() + b'\0' + value
        size = (4 + len(e) + 3) & ~3
        out += struct.pack('<I', size) + e.ljust(size - 4, b'\0')
    return out


def reparse_point(tag, data, guid=b''):
    return struct.pack('<IHH', tag, len(data), 0) + guid + data


def mount_point(substitute, shown):
    s, p = substitute.encode('utf-16-le'), shown.encode('utf-16-le')
    return reparse_point(0xa0000003, struct.pack('<4H', 0, len(s), len(s) + 2, len(p)) + s + b'\0\0' + p + b'\0\0')


def symbolic_link(substitute, shown, relative):
    s, p = substitute.encode('utf-16-le'), shown.encode('utf-16-le')
    return reparse_point(0xa000000c, struct.pack('<4HI', len(p), len(s), 0, len(p), relative) + p + s)


# [MS-FSCC] 2.1.2.1; the tags that are not documented there are from the Windows SDK.
REPARSE_FILES = {
    'symlink-relative': symbolic_link('dir\\file', 'dir\\file', 1),
    'symlink-absolute': symbolic_link('\\??\\C:\\dir\\file', 'C:\\dir\\file', 0),
    'symlink-up': symbolic_link('..\\..\\x', '..\\..\\x', 1),
    'symlink-unc': symbolic_link('\\??\\UNC\\server\\share\\x', '\\\\server\\share\\x', 0),
    'symlink-drive-relative': symbolic_link('\\dir\\file', '\\dir\\file', 1),
    'symlink-unicode': symbolic_link('d\u00efr\\\U0001f600', 'd\u00efr\\\U0001f600', 1),
    'wsl-symlink': reparse_point(0xa000001d, struct.pack('<I', 2) + 'dir/\u2603'.encode()),
    'dedup': reparse_point(0x80000013, bytes(100)),
    'cloud': reparse_point(0x9000001a, bytes(64)),
    'cloud-3': reparse_point(0x9000301a, bytes(64)),
    'hsm': reparse_point(0xc0000004, bytes(16)),
    'hsm2': reparse_point(0x80000006, bytes(16)),
    'wci': reparse_point(0x80000018, bytes(24)),
    'app-exec-link': reparse_point(0x8000001b, struct.pack('<I', 3) + 'Package\0App\0C:\\x.exe\0\x30\0'.encode('utf-16-le')),
    'unknown-with-guid': reparse_point(0x00000123, b'data', guid=bytes(range(16))),
}
REPARSE_DIRS = {
    'junction': mount_point('\\??\\C:\\dir', 'C:\\dir'),
    'mount-point': mount_point('\\??\\Volume{01234567-89ab-cdef-0123-456789abcdef}\\', ''),
    'symlink-dir': symbolic_link('dir', 'dir', 1),
    'cloud-dir': reparse_point(0x9000701a, bytes(64)),
}


def reparse():
    write('dir/file', 'the target')
    for name, data in REPARSE_FILES.items():
        write(name, b'' if 'link' in name else name)
        os.setxattr(name, 'system.ntfs_reparse_data', data)
    for name, data in REPARSE_DIRS.items():
        os.mkdir(name)
        os.setxattr(name, 'system.ntfs_reparse_data', data)


def wof():
    """Files that the Windows Overlay Filter compressed. Their unnamed stream is a hole; plain/ has what they hold."""
    import wofchunks
    for algorithm, name in wofchunks.NAMES.items():
        chunk = wofchunks.ALGORITHMS[algorithm][0]
        contents = {
            'text': text(3 * chunk + 100, algorithm), 'code': wofchunks.code(2 * chunk, algorithm), 'zeros': bytes(chunk + 1),
            'stored': text(chunk, 1) + noise(min(chunk, 8192), 2).ljust(chunk, b'z') + noise(4096, 3) + text(9000, 4), 'noise': noise(3000, 5),
            'one': text(chunk, 6), 'one-less': text(chunk - 1, 7), 'one-more': text(chunk + 1, 8), 'byte': b'x', 'empty': b'',
        }
        for kind, data in contents.items():
            path = '%s-%s' % (name, kind)
            write('plain/' + path, data)
            with open(path, 'wb') as f:
                f.truncate(len(data))
            write(path + ':WofCompressedData', wofchunks.stream(algorithm, data))
            os.setxattr(path, 'system.ntfs_reparse_data', wofchunks.reparse(algorithm))


def efs():
    write('encrypted', noise(9000))
    write('small', noise(100))
    write('stream:encrypted', noise(2000))
    write('plain', 'not encrypted')


def objects():
    write('file', 'x')
    os.setxattr('file', 'system.ntfs_object_id', bytes(range(16)))
    write('birth', 'x')
    os.setxattr('birth', 'system.ntfs_object_id', bytes(range(100, 164)))
    os.mkdir('dir')
    os.setxattr('dir', 'system.ntfs_object_id', bytes(range(200, 216)))


def state():
    write('file', text(3000))
    write('dir/resident', 'x')


def hibernated():
    state()
    write('hiberfil.sys', b'hibr'.ljust(4096, b'\0') + stamps('hibernated', 4, 4096))


def fast_started():
    state()
    write('hiberfil.sys', b'HIBR'.ljust(4096, b'\0') + stamps('fast start', 4, 4096))


def resumed():
    state()
    write('hiberfil.sys', b'wake'.ljust(4096, b'\0') + stamps('resumed', 4, 4096))


T = 134_000_000_000_000_000  # 2025, in 100 ns since 1601


def pair1():
    """A volume at one time, for a comparison with what pair2 makes of it."""
    for i in range(3000):
        write('many/%04d' % i, '%d' % (i % 7))
    for i in range(40):
        write('still/%d/file' % i, text(1000 + i, i))
    for d in ('work', 'work/deep/deeper', 'old', 'gone/below'):
        for i in range(3):
            write('%s/file-%d' % (d, i), text(900 * i, i))
    for n in ('removed', 'renamed', 'moved', 'replaced', 'becomes-dir', 'grows', 'linked', 'twice', 'first-name', 'hidden', 'touched', 'read'):
        write('work/' + n, text(500, len(n)))
    for n in ('resident', 'outside'):
        for kind in ('same-mtime', 'same-times'):
            write('work/%s-%s' % (n, kind), text(400 if n == 'resident' else 9000, 1))
    os.link('work/twice', 'work/twice-again')
    os.link('work/first-name', 'work/second-name')
    write('work/shrinks', text(9000))
    os.mkdir('work/empty')
    write('work/becomes-file/a', 'a')
    write('work/becomes-file/b/c', 'c')
    os.symlink('renamed', 'work/link')
    os.symlink('moved', 'work/link-becomes-file')
    for n in ('added', 'changed', 'removed', 'all'):
        write('streams/' + n, 'unnamed')
    write('streams/changed:s', 'one')
    write('streams/removed:s', 'one')
    write('streams/large', 'unnamed')
    write('streams/large:s', text(70_000, 3))
    for i in range(120):
        write('streams/all:stream-%03d' % i, 'stream %d\n' % i)
    write('streams/dir/file', 'x')
    os.mkdir('compressed')
    attrib('compressed', COMPRESSED | DIRECTORY)
    write('compressed/file', text(20_000))
    for d, _, files in os.walk('.', topdown=False):
        for f in files:
            if not os.path.islink(d + '/' + f):
                times(d + '/' + f, T, T + 1, T + 2, T + 3)
        times(d, T, T + 1, T + 2, T + 3)


def same(path, data):
    """Write data over the file, which keeps its size and its time of modification."""
    t = struct.unpack('<4q', os.getxattr(path, 'system.ntfs_times'))
    with open(path, 'r+b') as f:
        f.write(data)
    times(path, *t)


def pair2():
    for i in range(100, 3000, 300):
        os.unlink('many/%04d' % i)
        write('many/new-%04d' % i, '%d' % (i % 7))
        write('many/%04d' % (i + 1), 'changed')
        os.rename('many/%04d' % (i + 2), 'many/%04d-renamed' % (i + 2))
    write('added', text(10))
    write('work/added/deep/file', text(5000))
    os.unlink('work/removed')
    for d in ('gone/below', 'gone'):
        for f in os.listdir(d):
            os.unlink(d + '/' + f)
        os.rmdir(d)
    os.rename('work/renamed', 'work/renamed-since')
    os.rename('work/moved', 'old/moved')
    os.rename('work/deep', 'old/deep')
    write('old/deep/deeper/file-1', text(77))
    write('old/deep/deeper/file-3', text(78))
    os.rename('work/file-2', 'work/replaced')
    os.unlink('work/becomes-dir')
    write('work/becomes-dir/file', 'x')
    for f in ('a', 'b/c'):
        os.unlink('work/becomes-file/' + f)
    os.rmdir('work/becomes-file/b')
    os.rmdir('work/becomes-file')
    write('work/becomes-file', 'a file')
    for n in ('resident', 'outside'):
        for kind in ('same-mtime', 'same-times'):
            same('work/%s-%s' % (n, kind), text(400 if n == 'resident' else 9000, 2))
    with open('work/grows', 'ab') as f:
        f.write(text(4000))
    os.truncate('work/shrinks', 100)
    os.link('work/linked', 'old/linked-too')
    os.unlink('work/twice-again')
    os.unlink('work/first-name')
    attrib('work/hidden', HIDDEN | ARCHIVE)
    times('work/touched', T, T + 10, T + 2, T + 11)
    times('work/read', T, T + 1, T + 100, T + 3)
    os.rmdir('work/empty')
    os.unlink('work/link')
    os.symlink('added', 'work/link')
    os.unlink('work/link-becomes-file')
    write('work/link-becomes-file', 'a file')
    write('streams/added:s', 'one')
    write('streams/changed:s', 'two')
    os.unlink('streams/removed:s')
    write('streams/all:stream-077', 'changed')
    with open('streams/large:s', 'r+b') as f:
        f.seek(69_000)
        f.write(b'changed')
    write('streams/dir:s', 'of a directory')
    os.truncate('compressed/file', 19_000)


def deleted():
    """Files of all kinds, most of which are deleted; what overwrites follows in another mount, which looks for room from the start."""
    for n in (0, 1, 500, 5000, 60_000, 120_000):
        write('sizes/%d' % n, text(n, n))
    write('tree/a/b/c/file', text(3000))
    for n in ('x', 'n' * 200, 'a name with spaces.txt', 'ünïcödé ☃ 😀'):
        write('names/' + n, text(2000, len(n)))
    for i in range(60):  # in turns, so that both lie in pieces
        for n in 'ab':
            write('pieces-' + n, text(1024, i), 'ab')
    write('linked/one', text(4000))
    os.link('linked/one', 'linked/two')
    write('linked/kept', text(4000))
    os.link('linked/kept', 'linked/kept too')
    write('streams/file', text(3000))
    write('streams/file:stream', text(9000))
    with open('holes', 'wb') as f:
        f.write(b'begin')
        f.seek(300_000)
        f.write(b'end')
    os.mkdir('compressed')
    attrib('compressed', COMPRESSED | DIRECTORY)
    write('compressed/file', text(50_000))
    write('kept', text(3000))
    for d, _, files in os.walk('.', topdown=False):
        for f in files:
            if f not in ('kept', 'kept too', 'pieces-a'):
                times(d + '/' + f, *(T + 10_000_000 * len(f) + i for i in range(4)))
                os.unlink(d + '/' + f)
        if d in ('./tree/a/b', './tree/a/b/c', './streams'):
            os.rmdir(d)


def deleted_since():
    for i in range(3):
        write('over-%d' % i, text(30_000, i))


if __name__ == '__main__':
    kind = globals()[sys.argv[1]]
    os.chdir(sys.argv[2])
    kind()
