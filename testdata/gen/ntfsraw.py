"""The raw structures of an NTFS volume, for scripts that assert what a tool made or change what no tool makes.

Layout: the documentation of the Linux-NTFS project and of libfsntfs. Offsets in bytes, all little-endian.
"""
import mmap, struct
from collections import namedtuple

STANDARD_INFORMATION, ATTRIBUTE_LIST, FILE_NAME, SECURITY_DESCRIPTOR = 0x10, 0x20, 0x30, 0x50
VOLUME_INFORMATION, DATA, INDEX_ROOT, INDEX_ALLOCATION, BITMAP, REPARSE_POINT = 0x70, 0x80, 0x90, 0xa0, 0xb0, 0xc0
COMPRESSED, ENCRYPTED, SPARSE = 1, 0x4000, 0x8000
HOLE = -1

# An attribute: record and offset say where it lies; data is the value of a resident one.
Attr = namedtuple('Attr', 'type name resident flags record offset data vcn runs allocated size initialized unit')


def u(data, at, n):
    return int.from_bytes(data[at:at + n], 'little')


class Volume:
    def __init__(self, path):
        self.file = open(path, 'r+b')
        self.m = mmap.mmap(self.file.fileno(), 0)
        assert self.m[3:11] == b'NTFS    '
        self.sector = u(self.m, 11, 2)
        spc = self.m[13]
        self.cluster = self.sector * (spc if spc <= 128 else 1 << (256 - spc))
        self.clusters = u(self.m, 40, 8) * self.sector // self.cluster
        n = struct.unpack_from('b', self.m, 64)[0]
        self.record_size = n * self.cluster if n > 0 else 1 << -n
        self.mirror = u(self.m, 56, 8) * self.cluster
        self.mft = [(0, u(self.m, 48, 8), 1 << 20)]
        self.mft = next(a for a in self.attrs(0) if a.type == DATA).runs  # enough to find the extension records
        self.mft = [r for a in self.attrs(0) if a.type == DATA for r in a.runs]
        self.records = next(a for a in self.attrs(0) if a.type == DATA).size // self.record_size

    def at(self, n):
        """The offset in the volume of MFT record n."""
        off = n * self.record_size
        for vcn, lcn, length in self.mft:
            if vcn * self.cluster <= off < (vcn + length) * self.cluster:
                return lcn * self.cluster + off - vcn * self.cluster
        raise IndexError(n)

    def fixed(self, at, size):
        """A record or index block with its fixups undone."""
        b = bytearray(self.m[at:at + size])
        off, count = u(b, 4, 2), u(b, 6, 2)
        for i in range(1, count):
            assert b[i * 512 - 2:i * 512] == b[off:off + 2], 'fixup'
            b[i * 512 - 2:i * 512] = b[off + 2 * i:off + 2 * i + 2]
        return b

    def record(self, n):
        return self.fixed(self.at(n), self.record_size)

    def put(self, n, b):
        """Write record n with its fixups; the mirror too."""
        off, count = u(b, 4, 2), u(b, 6, 2)
        b = bytearray(b)
        for i in range(1, count):
            b[off + 2 * i:off + 2 * i + 2] = b[i * 512 - 2:i * 512]
            b[i * 512 - 2:i * 512] = b[off:off + 2]
        self.m[self.at(n):self.at(n) + len(b)] = bytes(b)
        if n < 4:
            at = self.mirror + n * self.record_size
            self.m[at:at + len(b)] = bytes(b)

    def own(self, n):
        """The attributes in record n itself."""
        b, at = self.record(n), u(self.record(n), 20, 2)
        while (kind := u(b, at, 4)) != 0xffffffff:
            length, name = u(b, at + 4, 4), b[at + u(b, at + 10, 2):][:b[at + 9] * 2].decode('utf-16-le', 'surrogatepass')
            if b[at + 8] == 0:
                value = bytes(b[at + u(b, at + 20, 2):][:u(b, at + 16, 4)])
                yield Attr(kind, name, True, u(b, at + 12, 2), n, at, value, 0, [], 0, len(value), len(value), 0)
            else:
                yield Attr(kind, name, False, u(b, at + 12, 2), n, at, None, u(b, at + 16, 8), runs(b, at), u(b, at + 40, 8),
                           u(b, at + 48, 8), u(b, at + 56, 8), u(b, at + 34, 2))
            at += length

    def attrs(self, n):
        """All attributes of the file whose base record is n."""
        listed = next((a for a in self.own(n) if a.type == ATTRIBUTE_LIST), None)
        if listed is None:
            return list(self.own(n))
        data, at, records = self.content(listed), 0, [n]
        while at < len(data):
            records.append(u(data, at + 16, 6))
            at += u(data, at + 4, 2)
        return [a for r in dict.fromkeys(records) for a in self.own(r)]

    def content(self, a):
        """The bytes of an attribute that is not compressed and lies in one piece of the attribute list."""
        if a.resident:
            return a.data
        out = b''.join(bytes(length * self.cluster) if lcn == HOLE else self.m[lcn * self.cluster:(lcn + length) * self.cluster]
                       for _, lcn, length in a.runs)
        return out[:a.initialized].ljust(a.size, b'\0')

    def used(self, n):
        b = self.m[self.at(n):self.at(n) + 24]
        return b[:4] == b'FILE' and bool(u(b, 22, 2) & 1)

    def find(self, path):
        """The record of a path, by the names in all records."""
        names = {}
        for n in range(self.records):
            if self.used(n) and u(self.record(n), 32, 6) == 0:
                for a in self.attrs(n):
                    if a.type == FILE_NAME:
                        names[u(a.data, 0, 6), a.data[66:].decode('utf-16-le', 'surrogatepass')] = n
        n = 5
        for part in path.split('/'):
            n = names[n, part]
        return n

    def attr(self, path, kind=DATA, name=''):
        n = path if isinstance(path, int) else self.find(path)
        return next(a for a in self.attrs(n) if (a.type, a.name) == (kind, name))

    def runs_of(self, path, kind=DATA, name=''):
        """The runs of an attribute in all its pieces."""
        n = path if isinstance(path, int) else self.find(path)
        return [r for a in self.attrs(n) if (a.type, a.name) == (kind, name) for r in a.runs]

    def set(self, a, at, n, value):
        """Change n bytes at an offset in an attribute's record, counted from the attribute's header."""
        b = self.record(a.record)
        b[a.offset + at:a.offset + at + n] = value.to_bytes(n, 'little')
        self.put(a.record, b)

    def set_value(self, a, at, n, value):
        """Change n bytes in the value of a resident attribute."""
        self.set(a, u(self.record(a.record), a.offset + 20, 2) + at, n, value)

    def board(self, pattern):
        """Set in $Bitmap, over and over, the bits of pattern. Returns what was free and is not."""
        a = self.attr(6)
        (_, lcn, length), = a.runs
        start = lcn * self.cluster
        was = self.m[start:start + a.size]
        self.m[start:start + a.size] = bytes(c | pattern[i % len(pattern)] for i, c in enumerate(was))
        return bytes(pattern[i % len(pattern)] & ~c for i, c in enumerate(was))

    def unboard(self, taken):
        """Clear in $Bitmap what board took."""
        (_, lcn, length), = self.runs_of(6)
        start = lcn * self.cluster
        self.m[start:start + len(taken)] = bytes(c & ~t for c, t in zip(self.m[start:start + len(taken)], taken))


def runs(b, at):
    """The mapping pairs of the attribute at an offset: (VCN, LCN or HOLE, length)."""
    p, vcn, lcn, out = at + u(b, at + 32, 2), u(b, at + 16, 8), 0, []
    while b[p]:
        n, o = b[p] & 15, b[p] >> 4
        length = u(b, p + 1, n)
        lcn += int.from_bytes(b[p + 1 + n:p + 1 + n + o], 'little', signed=True)
        out.append((vcn, lcn if o else HOLE, length))
        vcn, p = vcn + length, p + 1 + n + o
    return out
