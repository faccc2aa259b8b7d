#!/usr/bin/env python3
"""ntfsmanifest.py DIR: what ntfs-3g sees in the volume mounted at DIR, one JSON object a line.

Mount it ro,streams_interface=windows. testdata/ntfs/README.md describes the fields.
"""
import base64, ctypes, errno, hashlib, json, os, re, stat, struct, sys

libc = ctypes.CDLL(None, use_errno=True)
TYPES = {stat.S_IFREG: 'file', stat.S_IFDIR: 'dir', stat.S_IFLNK: 'symlink', stat.S_IFCHR: 'char',
         stat.S_IFBLK: 'block', stat.S_IFIFO: 'fifo', stat.S_IFSOCK: 'socket'}
LARGEST_HASHED = 256 << 20
TICKS_TO_1970 = 116444736000000000
BLOBS = {'system.ntfs_acl': 'acl', 'system.ntfs_reparse_data': 'reparse', 'system.ntfs_object_id': 'object_id', 'system.ntfs_ea': 'ea'}


def escape(raw):
    """A name as text, reversibly: half a surrogate pair as \\uNNNN, a backslash that would read as an escape as \\x5c."""
    text = raw.decode('utf-8', 'surrogatepass')
    text = re.sub(r'\\(?=x[0-9a-f]{2}|u[0-9a-fA-F]{4})', r'\\x5c', text)
    return re.sub('[\ud800-\udfff]', lambda m: '\\u%04x' % ord(m[0]), text)


def sha256(path):
    with open(path, 'rb') as f:
        return hashlib.file_digest(f, 'sha256').hexdigest()


def xattr(path, name):
    """The value, or None. Asked for with all the room there may be: with less ntfs-3g fails, and so os.getxattr does."""
    value = ctypes.create_string_buffer(65536)
    n = libc.lgetxattr(path, name.encode(), value, len(value))
    if n >= 0:
        return value.raw[:n]
    # EPERM and EMLINK: the DOS name of the root, and of a file with several names
    if ctypes.get_errno() not in (errno.ENODATA, errno.EOPNOTSUPP, errno.EPERM, errno.EMLINK):
        raise OSError(ctypes.get_errno(), name, path)
    return None


def streams(path, shown):
    """The named streams: name to size and sha256."""
    out = {}
    for name in (xattr(path, 'ntfs.streams.list') or b'').split(b'\0'):
        if name:
            p = (path if shown != '.' else path + b'/.') + b':' + name
            out[escape(name)] = dict(size=os.stat(p).st_size, sha256=sha256(p))
    return out


def describe(path, shown):
    try:
        s = os.lstat(path)
    except OSError as e:  # a reparse point that ntfs-3g cannot follow
        return dict(path=shown, error=errno.errorcode[e.errno])
    kind = TYPES[stat.S_IFMT(s.st_mode)]
    o = dict(path=shown, type=kind, mode='%04o' % stat.S_IMODE(s.st_mode), uid=s.st_uid, gid=s.st_gid, nlink=s.st_nlink, inode=s.st_ino)
    if (t := xattr(path, 'system.ntfs_times')) is not None:
        o['created'], o['modified'], o['accessed'], o['changed'] = struct.unpack('<4q', t)
    else:  # of a symlink, of which stat has three
        o['modified'], o['accessed'], o['changed'] = (ns // 100 + TICKS_TO_1970 for ns in (s.st_mtime_ns, s.st_atime_ns, s.st_ctime_ns))
    if (a := xattr(path, 'system.ntfs_attrib')) is not None:
        o['attrib'], = struct.unpack('<I', a)
    if (d := xattr(path, 'system.ntfs_dos_name')) is not None:
        o['dos_name'] = d.decode()
    for name, field in BLOBS.items():
        if (v := xattr(path, name)) is not None:
            o[field] = base64.b64encode(v).decode()
    if kind == 'file':
        o['size'] = s.st_size
        try:
            if s.st_size <= LARGEST_HASHED:
                o['sha256'] = sha256(path)
        except OSError as e:
            o['error'] = errno.errorcode[e.errno]
    elif kind == 'symlink':
        o['target'] = escape(os.readlink(path))
    elif kind in ('char', 'block'):
        o['rdev'] = '%d:%d' % (os.major(s.st_rdev), os.minor(s.st_rdev))
    if kind in ('file', 'dir') and (found := streams(path, shown)):
        o['streams'] = found
    return o


def walk(path, names):
    o = describe(path, '/'.join(map(escape, names)) or '.')
    print(json.dumps(o, ensure_ascii=False))
    if o.get('type') == 'dir':
        for n in sorted(os.listdir(path)):
            walk(path + b'/' + n, names + [n])


if __name__ == '__main__':
    walk(os.fsencode(sys.argv[1]), [])
