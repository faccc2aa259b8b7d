"""ldm.py DIR: dynamic disks of Windows, as libldm and the documents of the Linux-NTFS project describe them.

Writes to DIR/disk1.img to disk3.img (MBR) and to disk4.img, which has a GPT with its two partitions for LDM already, at the
sectors GPT_METADATA and GPT_DATA. Nobody but Windows makes such disks; ldmtool is the judge of what this writes.
"""
import struct, sys

SECTOR, DB, MBR_START = 512, 2048, 63
SIZE = 8192                                             # sectors of each disk
GPT_METADATA, GPT_DATA = 64, 2112
GROUP, NAME = '5d0a8e2c-7f11-4e52-9c6a-0123456789ab', 'WIN01-Dg0'
CHUNK = 128                                             # sectors


def guid(n): return '%08x-1111-4222-8333-%012x' % (0xd15c0000 + n, n)
def num(n):
    b = n.to_bytes((n.bit_length() + 7) // 8 or 1, 'big')
    return bytes([len(b)]) + b
def txt(s): return bytes([len(s)]) + s.encode()


def record(type, flags, body): return struct.pack('>HBBI', 0, flags, type, len(body)) + body


def volume(id, name, raid, children, size, hint=None):
    body = num(id) + txt(name) + txt('raid5' if raid else 'gen') + txt('8000000000000000' if id % 2 else '')
    body += b'ACTIVE'.ljust(14, b'\0') + bytes([4 if raid else 3, 0, id, 0, 0, 0, 0x11]) + num(children)
    body += struct.pack('>QQ', 77, id) + num(size) + bytes(4) + b'\x07' + bytes.fromhex(guid(0x100 + id).replace('-', ''))
    return record(0x51, 0x02 if hint else 0, body + (txt(hint) if hint else b''))


def component(id, name, kind, children, parent, stripe=None, state='ACTIVE'):
    body = num(id) + txt(name) + txt(state) + bytes([kind, 0, 0, 0, 0]) + num(children) + struct.pack('>QQ', 77, 0) + num(parent) + b'\0'
    return record(0x32, 0x10 if stripe else 0, body + (num(stripe[0]) + num(stripe[1]) if stripe else b''))


def partition(id, name, start, offset, size, parent, disk, index):
    body = num(id) + txt(name) + bytes(4) + struct.pack('>QQQ', 77, start, offset) + num(size) + num(parent) + num(disk)
    return record(0x33, 0x08, body + num(index))


def disk(id, name, n):
    if n % 2:
        return record(0x34, 0, num(id) + txt(name) + txt(guid(n)) + txt('') + bytes(4))
    return record(0x44, 0, num(id) + txt(name) + bytes.fromhex(guid(n).replace('-', '')) + bytes(29))


class Group:
    def __init__(self, disks):
        self.free = {n: 0 for n in range(1, disks + 1)}
        self.records, self.counts, self.next = [], [0, 0, 0, 0], 1
        self.disk_ids, self.content = {}, {n: {} for n in self.free}
        self.add(None, record(0x35, 0, num(self.id()) + txt(NAME) + txt(GROUP) + bytes(4)))
        for n in self.free:
            self.disk_ids[n] = self.id()
            self.add(3, disk(self.disk_ids[n], 'Disk%d' % n, n))

    def id(self):
        self.next += 1
        return self.next - 1

    def add(self, count, r):
        self.records.append(r)
        if count is not None:
            self.counts[count] += 1

    # put: a partition of a component on a disk, whose content may come later
    def put(self, comp, n, size, offset, index):
        start = self.free[n]
        self.free[n] += size
        id = self.id()
        self.add(2, partition(id, 'Disk%d-%02d' % (n, id), start, offset, size, comp, self.disk_ids[n], index))
        return n, start

    def write(self, at, offset, data): self.content[at[0]][at[1] + offset] = data

    def vol(self, name, size, raid=False, copies=1, hint=None):
        id = self.id()
        self.add(0, volume(id, name, raid, copies, size, hint))
        data = b''.join(b'%-24s %06d\n' % (name[:24].encode(), i) for i in range(size * SECTOR // 32))
        return id, data

    def comp(self, vol, kind, children, stripe=None):
        id = self.id()
        self.add(1, component(id, 'Volume%d-01' % vol, kind, children, vol, stripe))
        return id

    def spanned(self, name, parts, hint=None, copies=1):   # parts of each copy: (disk, sectors)
        vol, data = self.vol(name, sum(s for _, s in parts[0]), copies=copies, hint=hint)
        for copy in parts:
            comp, offset = self.comp(vol, 2, len(copy)), 0
            for i, (n, size) in enumerate(copy):
                self.write(self.put(comp, n, size, offset, i), 0, data[offset * SECTOR:(offset + size) * SECTOR])
                offset += size

    def striped(self, name, disks, each, raid=False):
        columns = len(disks) - raid
        vol, data = self.vol(name, each * columns, raid=raid)
        comp = self.comp(vol, 3 if raid else 1, len(disks), (CHUNK, len(disks)))
        places = [self.put(comp, n, each, 0, i) for i, n in reversed(list(enumerate(disks)))][::-1]
        n, length = len(disks), CHUNK * SECTOR
        for row in range(each // CHUNK):
            chunks = [data[(row * columns + i) * length:][:length] for i in range(columns)]
            if not raid:
                for i in range(n): self.write(places[i], row * CHUNK, chunks[i])
                continue
            p = n - 1 - row % n                         # left-symmetric
            parity = bytes(length)
            for i, c in enumerate(chunks):
                self.write(places[(p + 1 + i) % n], row * CHUNK, c)
                parity = bytes(a ^ b for a, b in zip(parity, c))
            self.write(places[p], row * CHUNK, parity)

    def database(self, seq=9):
        db = bytearray(DB * SECTOR)
        toc = b'TOCBLOCK' + struct.pack('>I4xI16x', 3, 3)
        toc += b'config\0\0' + struct.pack('>HQQQ', 6, 17, 1481, 6) + b'log\0\0\0\0\0' + struct.pack('>HQQQ', 6, 1498, 224, 6)
        for sector in 1, 2, 2045, 2046:
            db[sector * SECTOR:sector * SECTOR + len(toc)] = toc
        vblks, seq_nr = b'', 4
        for id, r in enumerate(self.records, 1):
            pieces = [r[i:i + 112] for i in range(0, len(r), 112)]
            for i, p in enumerate(pieces):
                vblks += b'VBLK' + struct.pack('>IIHH', seq_nr, id, i, len(pieces)) + p.ljust(112, b'\0')
                seq_nr += 1
            if id == 3:                                 # a free one
                vblks += b'VBLK' + struct.pack('>IIHH', seq_nr, 0, 0, 0) + bytes(112)
                seq_nr += 1
        vmdb = b'VMDB' + struct.pack('>III', seq_nr, 128, 512) + struct.pack('>HHH', 1, 4, 10) + NAME.encode().ljust(31, b'\0') + GROUP.encode().ljust(64, b'\0')
        vmdb += struct.pack('>QQ', seq, seq) + struct.pack('>IIII12x', *self.counts) + struct.pack('>IIII12x', 0, 0, 0, 0) + struct.pack('>Q', 1)
        at = 17 * SECTOR
        db[at:at + len(vmdb)] = vmdb
        db[at + 512:at + 512 + len(vblks)] = vblks
        return db


def privhead(n, start, size, config):
    p = b'PRIVHEAD' + struct.pack('>IHHQQQQ', 0, 2, 12, 0, 1, 0x7ff, 0x740)
    for g in guid(n), guid(0xff), GROUP: p += g.encode().ljust(64, b'\0')
    p += NAME.encode().ljust(32, b'\0') + bytes(11)
    p += struct.pack('>QQQQQQIIQQ', start, size, config, DB, 1, 2, 1, 1, 1481, 224) + struct.pack('>I', 0xd15c0000 + n)
    return p.ljust(SECTOR, b'\0')


g = Group(4)
g.spanned('Volume1', [[(1, 700)]], hint='E:')
g.spanned('Volume2', [[(2, 300), (1, 500)]])
g.striped('Stripe1', [3, 1, 2], 512)
g.spanned('Volume4', [[(1, 600)], [(2, 600)]], copies=2)
g.striped('Raid1', [1, 2, 3], 640, raid=True)
g.spanned('Volume6', [[(4, 900)]], hint='F:')
g.spanned('AVolumeWithANameSoLongThatItsRecordTakesTwoPiecesOfTheDatabase', [[(4, 128), (3, 130)]])
for n in range(1, 5):
    path = sys.argv[1] + '/disk%d.img' % n
    image = bytearray(open(path, 'rb').read()) if n == 4 else bytearray(SIZE * SECTOR)
    db = g.database()
    if n == 4:
        start, size, config = GPT_DATA, SIZE - 33 - GPT_DATA, GPT_METADATA
    else:
        start, size, config = MBR_START, SIZE - DB - MBR_START, SIZE - DB
        image[440:444] = struct.pack('<I', 0xd15c0000 + n)
        image[446:462] = struct.pack('<B3sB3sII', 0, b'\xff' * 3, 0x42, b'\xff' * 3, MBR_START, size)
        image[510:512] = b'\x55\xaa'
    head = privhead(n, start, size, config)
    db[1856 * SECTOR:1857 * SECTOR] = head
    db[2047 * SECTOR:2048 * SECTOR] = head
    if n < 4:
        image[6 * SECTOR:7 * SECTOR] = head
    image[config * SECTOR:(config + DB) * SECTOR] = db
    for sector, data in g.content[n].items():
        at = (start + sector) * SECTOR
        assert sector * SECTOR + len(data) <= size * SECTOR
        image[at:at + len(data)] = data
    open(path, 'wb').write(image)
