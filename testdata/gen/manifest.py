#!/usr/bin/env python3
"""manifest.py DIR: what the kernel sees in the tree mounted at DIR, one JSON object a line.

Mount it ro,noatime, or reading moves the times that are being recorded.
"""
import base64, codecs, errno, hashlib, json, os, re, stat, sys
from datetime import datetime, timedelta, timezone

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
TYPES = {stat.S_IFREG: 'file', stat.S_IFDIR: 'dir', stat.S_IFLNK: 'symlink', stat.S_IFCHR: 'char',
         stat.S_IFBLK: 'block', stat.S_IFIFO: 'fifo', stat.S_IFSOCK: 'socket'}

codecs.register_error('hex', lambda e: ('\\x%02x' % e.object[e.start], e.start + 1))


def escape(name):
    """A name's bytes as text, reversibly: \\xNN for what is not UTF-8, \\x5c for a backslash that would read as an escape."""
    return re.sub(rb'\\(?=x[0-9a-f]{2}|u[0-9a-fA-F]{4})', rb'\\x5c', name).decode('utf-8', 'hex')


def rfc3339(ns):
    seconds, ns = divmod(ns, 10**9)
    fraction = ('.%09d' % ns).rstrip('0').rstrip('.')
    return (EPOCH + timedelta(seconds=seconds)).strftime('%Y-%m-%dT%H:%M:%S') + fraction + 'Z'


def sha256(path):
    with open(path, 'rb') as f:
        return hashlib.file_digest(f, 'sha256').hexdigest()


def xattrs(path):
    try:
        names = sorted(os.listxattr(path, follow_symlinks=False))
    except OSError as e:
        if e.errno != errno.ENOTSUP:
            raise
        return {}
    return {n: base64.b64encode(os.getxattr(path, n, follow_symlinks=False)).decode() for n in names}


def describe(path, shown):
    s = os.lstat(path)
    kind = TYPES[stat.S_IFMT(s.st_mode)]
    o = dict(path=shown, type=kind, mode='%04o' % stat.S_IMODE(s.st_mode), uid=s.st_uid, gid=s.st_gid,
             mtime=rfc3339(s.st_mtime_ns), atime=rfc3339(s.st_atime_ns), ctime=rfc3339(s.st_ctime_ns),
             nlink=s.st_nlink, inode=s.st_ino)
    if kind == 'file':
        o['size'] = s.st_size
        try:
            o['sha256'] = sha256(path)
        except OSError as e:  # an encrypted file without its key, for one
            o['error'] = errno.errorcode[e.errno]
    elif kind == 'symlink':
        try:
            o['target'] = escape(os.readlink(path))
        except OSError as e:
            o['error'] = errno.errorcode[e.errno]
    elif kind in ('char', 'block'):
        o['rdev'] = '%d:%d' % (os.major(s.st_rdev), os.minor(s.st_rdev))
    if x := xattrs(path):
        o['xattrs'] = x
    return o


def walk(path, names):
    o = describe(path, '/'.join(map(escape, names)) or '.')
    print(json.dumps(o, ensure_ascii=False))
    if o['type'] == 'dir':
        for n in sorted(os.listdir(path)):
            walk(path + b'/' + n, names + [n])


if __name__ == '__main__':
    walk(os.fsencode(sys.argv[1]), [])
