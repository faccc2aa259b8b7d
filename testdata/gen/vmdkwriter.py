#!/usr/bin/env python3
"""Write sparse VMDK extents that qemu-img reads and does not write.

    vmdkwriter.py hosted FILE RAW [--grain N] [--version V] [--per-table N]
    vmdkwriter.py stream FILE RAW [--grain N] [--no-markers] [--header-directory]
    vmdkwriter.py cowd   FILE RAW [--grain N]
    vmdkwriter.py se     FILE RAW [--zero FIRST:COUNT] [--unmap FIRST:COUNT]

Grains of RAW that hold nothing but zeros are not stored: they are the parent's. --zero and --unmap are grains of 4 KiB that the
guest wrote as zeros or unmapped. Grains are stored from the last to the first in hosted and cowd files, so that no two of them lie
together, and each table of se files is in another order. The layouts are those of VMware's "Virtual Disk Format 5.0" (hosted,
stream, cowd) and of what QEMU's block/vmdk.c reads (se).
"""
import argparse
import os
import struct
import zlib

SECTOR = 512


def align(data, sectors=1):
    """Pad data to a multiple of sectors."""
    return data + bytes(-len(data) % (sectors * SECTOR))


class Raw:
    """The disk, in grains."""

    def __init__(self, path, grain):
        with open(path, 'rb') as f:
            self.data = f.read()
        assert len(self.data) % SECTOR == 0
        self.sectors = len(self.data) // SECTOR
        self.grain = grain * SECTOR
        self.count = -(-len(self.data) // self.grain)

    def __getitem__(self, i):
        return self.data[i * self.grain:][:self.grain].ljust(self.grain, b'\0')

    def stored(self):
        return [i for i in range(self.count) if any(self[i])]


def descriptor(kind, name, sectors):
    text = f'''# Disk DescriptorFile
version=1
CID=7e57c0de
parentCID=ffffffff
createType="{kind}"

# Extent description
RDONLY {sectors} SPARSE "{name}"

#DDB
ddb.adapterType = "lsilogic"
ddb.virtualHWVersion = "7"
'''
    return text.encode().ljust(20 * SECTOR, b'\0')


def hosted_header(version, flags, raw, per_table, rgd, gd, overhead, compress=0):
    return align(struct.pack('<4sIIQQQQIQQQB4sH', b'KDMV', version, flags, raw.sectors, raw.grain // SECTOR, 1, 20, per_table,
                             rgd, gd, overhead, 0, b'\n \r\n', compress))


def tables(pointers, per_table):
    """The grain tables of pointers, each padded to whole sectors."""
    pointers = pointers + [0] * (-len(pointers) % per_table)
    return [align(struct.pack(f'<{per_table}I', *pointers[i:i + per_table])) for i in range(0, len(pointers), per_table)]


def hosted(args):
    raw = Raw(args.raw, args.grain)
    count = -(-raw.count // args.per_table)
    table = -(-args.per_table * 4 // SECTOR)  # sectors
    directory = -(-count * 4 // SECTOR)
    rgd = 21
    gd = rgd + directory + count * table
    overhead = -(-(gd + directory + count * table) // args.grain) * args.grain
    stored = raw.stored()
    pointers = [0] * raw.count
    for place, i in enumerate(reversed(stored)):
        pointers[i] = overhead + place * args.grain
    out = hosted_header(args.version, 3, raw, args.per_table, rgd, gd, overhead)
    out += descriptor('monolithicSparse', os.path.basename(args.file), raw.sectors)
    for start in rgd, gd:
        out += align(struct.pack(f'<{count}I', *(start + directory + n * table for n in range(count))))
        out += b''.join(tables(pointers, args.per_table))
    return align(out, args.grain) + b''.join(raw[i] for i in reversed(stored))


def marker(value, size, kind):
    return align(struct.pack('<QII', value, size, kind))


def stream(args):
    raw = Raw(args.raw, args.grain)
    flags = 1 | 1 << 16 | (0 if args.no_markers else 1 << 17)
    stored = set(raw.stored())
    pointers = [0] * raw.count
    directory = []
    body = bytearray(127 * SECTOR)  # behind the header: the descriptor and room
    body[:20 * SECTOR] = descriptor('streamOptimized', 'generated-stream.vmdk', raw.sectors)

    def here():
        return 1 + len(body) // SECTOR

    for first in range(0, raw.count, 512):
        for i in range(first, min(first + 512, raw.count)):
            if i in stored:
                pointers[i] = here()
                data = zlib.compress(raw[i], 9)
                if not args.no_markers:
                    data = struct.pack('<QI', i * args.grain, len(data)) + data
                body += align(data)
        table = (pointers[first:first + 512] + [0] * 512)[:512]
        if not any(table):
            directory.append(0)
            continue
        body += marker(4, 0, 1)
        directory.append(here())
        body += struct.pack('<512I', *table)
    body += marker(-(-len(directory) * 4 // SECTOR), 0, 2)
    gd = here()
    body += align(struct.pack(f'<{len(directory)}I', *directory))
    if args.header_directory:
        return hosted_header(3, flags, raw, 512, 0, gd, 128, 1) + bytes(body) + marker(0, 0, 0)
    body += marker(1, 0, 3) + hosted_header(3, flags, raw, 512, 0, gd, 128, 1) + marker(0, 0, 0)
    return hosted_header(3, flags, raw, 512, 0, 0xffffffffffffffff, 128, 1) + bytes(body)


def cowd(args):
    raw = Raw(args.raw, args.grain)
    count = -(-raw.count // 4096)
    stored = raw.stored()
    directory, body, pointers = [], bytearray(), [0] * raw.count
    start = 4 + -(-count * 4 // SECTOR)
    used = sorted({i // 4096 for i in stored})
    grains = start + len(used) * 32
    for place, i in enumerate(reversed(stored)):
        pointers[i] = grains + place * args.grain
    for n in range(count):
        if n not in used:
            directory.append(0)
            continue
        directory.append(start + len(body) // SECTOR)
        body += struct.pack('<4096I', *(pointers[n * 4096:(n + 1) * 4096] + [0] * 4096)[:4096])
    free = grains + len(stored) * args.grain
    header = struct.pack('<4sIIIIIII', b'COWD', 1, 3, raw.sectors, args.grain, 4, count, free).ljust(4 * SECTOR, b'\0')
    return header + align(struct.pack(f'<{count}I', *directory)) + bytes(body) + b''.join(raw[i] for i in reversed(stored))


def ranges(specs):
    return {i for first, count in (map(int, s.split(':')) for s in specs) for i in range(first, first + count)}


def se(args):
    raw = Raw(args.raw, 8)
    zero, unmap = ranges(args.zero), ranges(args.unmap)
    count = -(-raw.count // 4096)
    stored = raw.stored()
    used = sorted({i // 4096 for i in stored} | {i // 4096 for i in zero | unmap})
    number = {n: len(used) - 1 - place for place, n in enumerate(used)}  # tables from the last to the first
    directory = align(struct.pack(f'<{count}Q', *(0x10000000 << 32 | number[n] if n in number else 0 for n in range(count))))
    at = {'volatile': 1, 'journal_header': 2, 'journal': 4, 'directory': 8}
    at['tables'] = at['directory'] + len(directory) // SECTOR
    at['bitmap'] = at['tables'] + 64 * len(used)
    at['backmap'] = at['bitmap'] + 8
    at['grains'] = -(-(at['backmap'] + 8) // 8) * 8
    place = {i: p for p, i in enumerate(stored)}

    def entry(i):
        if i in zero or i in unmap:
            assert i not in place
            return (1 if i in unmap else 2) << 60
        if i not in place:
            return 0
        return 3 << 60 | (place[i] & 0xfff) << 48 | place[i] >> 12

    blocks = {number[n]: struct.pack('<4096Q', *(entry(i) for i in range(n * 4096, (n + 1) * 4096))) for n in used}
    out = bytearray(at['grains'] * SECTOR)

    def put(where, data):
        out[where * SECTOR:where * SECTOR + len(data)] = data

    put(0, struct.pack('<26Q', 0xcafebabe, 0x200000001, raw.sectors, 8, 64, 0, 0, 0, 0, 0, at['volatile'], 1,
                       at['journal_header'], 2, at['journal'], 4, at['directory'], len(directory) // SECTOR,
                       at['tables'], 64 * len(used), at['bitmap'], 8, at['backmap'], 8, at['grains'], 8 * len(stored)))
    put(at['volatile'], struct.pack('<4Q', 0xcafecafe, len(used), 0, 0))
    put(at['directory'], directory)
    for n, block in blocks.items():
        put(at['tables'] + 64 * n, block)
    return bytes(out) + b''.join(raw[i] for i in stored)


def main():
    p = argparse.ArgumentParser()
    p.add_argument('kind', choices=['hosted', 'stream', 'cowd', 'se'])
    p.add_argument('file')
    p.add_argument('raw')
    p.add_argument('--grain', type=int)
    p.add_argument('--version', type=int, default=1)
    p.add_argument('--per-table', type=int, default=512)
    p.add_argument('--no-markers', action='store_true')
    p.add_argument('--header-directory', action='store_true')
    p.add_argument('--zero', action='append', default=[])
    p.add_argument('--unmap', action='append', default=[])
    args = p.parse_args()
    args.grain = args.grain or (1 if args.kind == 'cowd' else 128)
    with open(args.file, 'wb') as f:
        f.write({'hosted': hosted, 'stream': stream, 'cowd': cowd, 'se': se}[args.kind](args))


main()
