#!/usr/bin/env python3
"""ntfslog.py IMAGE: put into the volume's $LogFile what Windows leaves of a volume that it had mounted: a checkpoint and a few
transactions behind it, as the documentation of the Linux-NTFS project and ntfs-3g's logfile.h describe them.

Prints the records as JSON lines. The volume's file records have lower LSNs: the log is newer.
"""
import json, struct, sys
from ntfsraw import *

PAGE, HEADER, DATA_AT, FIRST = 4096, 0x30, 0x40, 4 * 4096
NOOP, UPDATE_RESIDENT, CREATE_ATTRIBUTE, DELETE_ATTRIBUTE, ADD_ROOT, SET_BITS, CLEAR_BITS, FORGET = 0, 7, 5, 6, 0xc, 0x15, 0x16, 0x1b


def protect(page, usa, usn):
    page = bytearray(page.ljust(PAGE, b'\0'))
    struct.pack_into('<H', page, usa, usn)
    for i in range(1, PAGE // 512 + 1):
        page[usa + 2 * i:usa + 2 * i + 2] = page[i * 512 - 2:i * 512]
        struct.pack_into('<H', page, i * 512 - 2, usn)
    return bytes(page)


class Log:
    def __init__(self, size, sequence):
        self.size = size & -PAGE
        self.bits = 67 - self.size.bit_length()
        self.sequence = sequence
        self.pages = {}          # offset: bytearray
        self.last = {}           # offset: (LSN of the last record that begins in it, of the last that ends in it, next record)
        self.pos = FIRST + DATA_AT
        self.written = []
        self.previous = {}       # by transaction

    def lsn(self, pos=None):
        return self.sequence << (64 - self.bits) | (self.pos if pos is None else pos) >> 3

    def append(self, data, kind=1, transaction=0, **facts):
        lsn = self.lsn()
        previous = self.previous.get(transaction, 0)
        self.previous[transaction] = lsn
        start, rest = self.pos - self.pos % PAGE, PAGE - self.pos % PAGE - HEADER
        head = struct.pack('<QQQIHHIIH6x', lsn, previous, previous, len(data), 0, 0, kind, transaction, len(data) > rest)
        self.page(start)[self.pos % PAGE:self.pos % PAGE + HEADER] = head
        at, home = self.pos % PAGE + HEADER, start
        while data:
            n = min(len(data), PAGE - at)
            self.page(home)[at:at + n] = data[:n]
            data, at = data[n:], at + n
            if data:
                home, at = home + PAGE, DATA_AT
        at = at + 7 & ~7
        self.last[start] = [lsn, self.last.get(start, [0, 0, 0])[1], PAGE if home != start else at]
        self.last[home] = [lsn, lsn, at]
        self.pos = home + at if PAGE - at >= HEADER else home + PAGE + DATA_AT
        self.written.append(dict(lsn=lsn, previous=previous, transaction=transaction, **facts))
        return lsn

    def page(self, off):
        return self.pages.setdefault(off, bytearray(PAGE))

    def update(self, transaction, redo, undo, vcn=0, cluster_index=0, record_offset=0, attribute_offset=0, target=0x18, lcn=None, data=b'', mft=False):
        lcns = struct.pack('<Q', lcn) if lcn is not None else b''
        padded = data.ljust(len(data) + 7 & ~7, b'\0')
        at = 0x20 + len(lcns)
        body = struct.pack('<14HQ'.replace('14H', '12H'), redo, undo, at, len(data), at + len(padded), 0, target, len(lcns) // 8, record_offset,
                           attribute_offset, cluster_index, 2 if mft else 0, vcn) + lcns + padded
        return self.append(body, 1, transaction, redo=redo, undo=undo, vcn=vcn, cluster_index=cluster_index)

    def image(self, oldest, checkpoint, clean=False):
        out = bytearray(b'\xff' * self.size)
        for i, off in enumerate(sorted(self.pages)):
            lsn, end, at = self.last[off]
            struct.pack_into('<4sHHQIHHH6xQ', self.pages[off], 0, b'RCRD', 0x28, PAGE // 512 + 1, lsn, 1, 1, 1, at, end)
            out[off:off + PAGE] = protect(self.pages[off], 0x28, 7 + i)
        client = struct.pack('<QQHHH6xI128s', oldest, checkpoint, 0xffff, 0xffff, 0, 8, 'NTFS'.encode('utf-16-le'))
        area = struct.pack('<QHHHHIHHqIHHII16x', self.written[-1]['lsn'], 1, 0xffff, 0, 2 if clean else 0, self.bits, 0x40 + len(client), 0x40,
                           self.size, 0x20, HEADER, DATA_AT, 1, 0) + client
        restart = struct.pack('<4sHHQIIHhh', b'RSTR', 0x1e, PAGE // 512 + 1, 0, PAGE, PAGE, 0x30, 1, 1).ljust(0x30, b'\0') + area
        for off in (0, PAGE):
            out[off:off + PAGE] = protect(restart, 0x1e, 3)
        return bytes(out)


def main():
    v = Volume(sys.argv[1])
    (_, lcn, length), = v.runs_of(2)
    log = Log(v.attr(2).size, 5)
    mft_lcn = v.mft[0][1]
    where = lambda path: divmod(v.find(path) * v.record_size, v.cluster)
    log.append(struct.pack('<II5Q', 0, 0, log.lsn(), 0, 0, 0, 0).ljust(0x68, b'\0'), 2)
    checkpoint = log.written[-1]['lsn']
    for t, path in ((0x18, 'file'), (0x40, 'dir/resident')):
        vcn, rest = where(path)
        for i in range(30):  # over a page's end
            log.update(t, UPDATE_RESIDENT, UPDATE_RESIDENT, vcn, rest // 512, 0x38, 0x20, lcn=mft_lcn + vcn, data=b'x' * 100, mft=True)
        log.update(t, SET_BITS, CLEAR_BITS, 0, target=0x44, lcn=10, data=struct.pack('<II', 1000, 3))
        log.update(t, FORGET, 1, target=0)
    vcn, rest = where('.') if False else divmod(5 * v.record_size, v.cluster)
    log.update(0x18, ADD_ROOT, 0xd, vcn, rest // 512, 0x100, 0x10, lcn=mft_lcn + vcn, data=b'y' * 96, mft=True)   # not committed
    v.m[lcn * v.cluster:lcn * v.cluster + log.size] = log.image(checkpoint, checkpoint)
    for r in log.written:
        print(json.dumps(r))


if __name__ == '__main__':
    main()
