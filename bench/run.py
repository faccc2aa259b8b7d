#!/usr/bin/env python3
"""run.py [--runs N] [--only TEXT] [--changed DIR] [DIR]: measure vmdkfs beside other tools, on the disk that build-disk.sh made in
DIR (bench/vm), and with --changed on that of change-disk.py as well; on the volume of build-tree.py when DIR has it.

Prints a Markdown table: medians of N runs, the ratio to vmdkfs, peak memory. Every contender of a case runs once unmeasured, so
that what it reads is in memory, then they take turns. A tool that is not installed, or lacks what it needs, is named with the
reason and left out.

Most of the others read no VMDK, partition table, LVM or journal: they get the volume as the kernel replayed it, as a plain file
(build-disk.sh --manifests), and do none of that work. Those marked "kernel" read it through a loop mount, as root.
"""
import argparse, json, os, platform, re, shutil, statistics, subprocess, sys, tempfile, time
from datetime import date

HERE = os.path.dirname(os.path.abspath(__file__))
MODULE = os.path.dirname(HERE)
LV = 'vg_root/root'
BIG = 'var/lib/app/big.bin'
TREE = 'usr/share/doc'      # many small files
FOLDER = 'usr/share'        # what goes into an ISO image
NOTE = '/home/alice/notes/n1.txt'
SNAPSHOTS = 30
MANY = 'usr'                # most of the files
VERSIONS = dict(debugfs='debugfs -V', e2cp='dpkg-query -W e2tools', fls='fls -V', xorriso='xorriso -version', dd='dd --version',
                ntfsls='ntfsls --version', sha256sum='sha256sum --version', tar='tar --version', openssl='openssl version', **{
                    '7z': '7z', 'ntfs-3g': 'ntfs-3g --version', 'qemu-img': 'qemu-img --version'})


def main():
    a = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    a.add_argument('--runs', type=int, default=5, help='measured runs of each program (5)')
    a.add_argument('--only', default='', help='only the cases whose names contain this')
    a.add_argument('--changed', metavar='DIR', help='where change-disk.py made the disk as it was changed')
    a.add_argument('dir', nargs='?', default=os.path.join(HERE, 'vm'))
    a = a.parse_args()
    if not os.path.exists(os.path.join(a.dir, 'web01.vmdk')):
        sys.exit('no web01.vmdk in %s: run build-disk.sh first' % a.dir)
    with Bench(os.path.abspath(a.dir), a.runs, a.only, a.changed and os.path.abspath(a.changed)) as b:
        b.heading()
        for name, contenders in cases(b):
            if a.only in name:
                b.measure(name, contenders)
        b.report()


class Program:
    """One contender: shell reads "$TMP", where it may write, and out, where its standard output goes."""

    def __init__(self, name, shell, out='/dev/null', needs=None, files=(), room=0, why=None):
        self.name, self.shell, self.out, self.files, self.room, self.why = name, shell, out, files, room, why
        self.needs = name.split()[0] if needs is None else needs

    def lacking(self):
        """Why it cannot run; None if it can."""
        if self.why:
            return self.why
        if not shutil.which(self.needs):
            return self.needs + ' is not installed'
        for f in self.files:
            if not f or not os.path.exists(f):
                return 'needs %s (build-disk.sh --manifests)' % f
        return None


def cases(b):
    root, image, tmp = b.path('root.img'), b.path('web01.vmdk'), '"$TMP"'
    flat, mnt = b.path('web01-flat.vmdk'), b.mount
    no_mount = None if mnt else 'needs root, loop devices and root.img'
    big, disk = 512 << 20, os.path.getsize(flat)

    def ours(args, out='/dev/null', room=0):
        return Program('vmdkfs', '%s %s' % (b.command, args), out, needs=b.command, room=room)

    def plain(name, shell, **kw):
        return Program(name, shell, files=[root], **kw)

    yield 'cat /etc/hostname, cold process, all layers, replay', [
        ours('cat %s %s/etc/hostname' % (image, LV)),
        plain('debugfs cat', "debugfs -R 'cat /etc/hostname' %s" % root),
        plain('e2cp', 'e2cp %s:/etc/hostname %s/hostname' % (root, tmp)),
        plain('7z x', '7z x -so %s etc/hostname' % root),
    ]
    yield 'cat %s, the guest\'s own path, cold process' % NOTE, [
        ours('cat %s %s' % (image, NOTE)),
        Program('debugfs cat', "debugfs -R 'cat %s' %s" % (NOTE.removeprefix('/home'), b.path('home.img')), files=[b.path('home.img')]),
    ]
    yield from versions(b, ours)
    yield 'ls -lR of root', [
        ours('ls -lR %s %s' % (image, LV)),
        plain('fls -r -m', 'fls -r -m / %s' % root),
        plain('debugfs ls -l (the directories were listed for it)', 'debugfs -f %s %s' % (b.listing(root), root)),
        plain('7z l', '7z l -slt %s' % root),
        Program('kernel, ls -lR', 'ls -lR %s' % mnt, needs='ls', why=no_mount),
    ]
    yield 'cp of a file of 512 MiB to tmpfs', [
        ours('cp %s %s/%s %s/big' % (image, LV, BIG, tmp), room=big),
        Program('dd of as many bytes from where it lies', 'dd if=%s of=%s/big bs=1M iflag=skip_bytes skip=%d count=512'
                % (flat, tmp, b.place(root, BIG)), room=big),
        plain('debugfs dump', "debugfs -R 'dump /%s '%s/big %s" % (BIG, tmp, root), room=big),
        plain('e2cp', 'e2cp %s:/%s %s/big' % (root, BIG, tmp), room=big),
        Program('kernel, cp', 'cp %s/%s %s/big' % (mnt, BIG, tmp), needs='cp', room=big, why=no_mount),
    ]
    yield 'cp -r of /%s to tmpfs' % TREE, [
        ours('cp %s %s/%s %s/tree' % (image, LV, TREE, tmp), room=big),
        plain('debugfs rdump', "mkdir %s/tree; debugfs -R 'rdump /%s '%s/tree %s" % (tmp, TREE, tmp, root), room=big),
        plain('7z x', "7z x -snl -o%s/tree %s '%s/*'" % (tmp, root, TREE), room=big),
        Program('kernel, cp -a', 'cp -a %s/%s %s/tree' % (mnt, TREE, tmp), needs='cp', room=big, why=no_mount),
    ]
    many = 3 * big
    yield 'cp of /%s, %s, to tmpfs' % (MANY, b.counts(MANY)), [
        ours('cp %s %s/%s %s/tree' % (image, LV, MANY, tmp), room=many),
        plain('debugfs rdump', "mkdir %s/tree; debugfs -R 'rdump /%s '%s/tree %s" % (tmp, MANY, tmp, root), room=many),
        Program('kernel, cp -a', 'cp -a %s/%s %s/tree' % (mnt, MANY, tmp), needs='cp', room=many, why=no_mount),
    ]
    yield 'tar of /%s, to tmpfs' % MANY, [
        ours('tar -o %s/x.tar %s %s/%s' % (tmp, image, LV, MANY), room=many),
        Program('kernel, GNU tar --format=pax --xattrs --acls --sparse', 'tar -C %s -cf %s/x.tar --format=pax --xattrs --acls --sparse %s'
                % (mnt, tmp, MANY), needs='tar', room=many, why=no_mount),
        Program('kernel, GNU tar', 'tar -C %s -cf %s/x.tar %s' % (mnt, tmp, MANY), needs='tar', room=many, why=no_mount),
    ]
    parallel = 'cd %s && find . -xdev -type f -print0 | xargs -0 -n 256 -P "$(nproc)" ' % mnt
    yield 'hash of root', [
        ours('hash %s %s' % (image, LV)),
        Program('kernel, sha256sum on all cores', parallel + 'sha256sum', needs='sha256sum', why=no_mount),
        Program('kernel, openssl on all cores', parallel + 'openssl dgst -sha256 -r', needs='openssl', why=no_mount),
    ]
    yield 'iso of /%s, to tmpfs' % FOLDER, [
        ours('iso -o %s/x.iso %s %s/%s' % (tmp, image, LV, FOLDER), room=4 * big),
        Program('xorriso', 'xorriso -as mkisofs -quiet -J -joliet-long -R -o %s/x.iso %s/%s' % (tmp, mnt, FOLDER),
                room=4 * big, why=no_mount),
    ]
    yield from packed(b, ours)
    yield 'cat --raw of the whole disk, to tmpfs', [
        ours('cat --raw %s' % image, out='disk', room=disk),
        Program('dd', 'dd if=%s of=%s/disk bs=1M' % (flat, tmp), room=disk),
        Program('qemu-img convert', 'qemu-img convert -O raw %s %s/disk' % (image, tmp), room=disk),
    ]
    yield 'restore of the disk to tmpfs', [
        ours('restore --quiet %s %s/vm' % (image, tmp), room=disk),
        Program('qemu-img convert -m 8 -W -O raw', 'qemu-img convert -m 8 -W -O raw %s %s/disk' % (image, tmp), room=disk),
        Program('qemu-img convert -m 8 -W, to a flat VMDK', 'qemu-img convert -m 8 -W -O vmdk -o subformat=monolithicFlat %s %s/disk.vmdk'
                % (image, tmp), room=disk),
        Program('cp --sparse=always', 'cp --sparse=always %s %s %s' % (image, flat, tmp), needs='cp', room=disk),
    ]
    yield 'restore --verify of the disk to tmpfs', [ours('restore --quiet --verify %s %s/vm' % (image, tmp), room=disk)]
    yield from converted(b, ours)
    if subprocess.run([b.command, 'ls', image, 'p3/hostname.txt'], capture_output=True).returncode:
        b.skipped.append('NTFS (ntfsls, ntfs-3g, 7z): vmdkfs does not read it yet')
        return
    ntfs = b.extract('ntfs')
    yield 'ls -lR of NTFS', [
        ours('ls -lR %s p3' % image),
        Program('ntfsls', 'ntfsls -f -R -l %s' % ntfs),
        Program('fls -r -m', 'fls -r -m / %s' % ntfs),
        Program('7z l', '7z l -slt %s' % ntfs),
    ]
    yield 'cp of the whole NTFS volume to tmpfs', [
        ours('cp %s p3 %s/tree' % (image, tmp), room=5 * big),
        Program('7z x', '7z x -snl -bd -o%s/tree %s' % (tmp, ntfs), room=5 * big),
    ]
    fuse = 'mkdir %s/mnt && ntfs-3g -o ro %s %s/mnt && ' % (tmp, ntfs, tmp)
    yield 'cp of a file of 512 MiB from NTFS to tmpfs', [
        ours('cp %s p3/big.bin %s/big' % (image, tmp), room=big),
        Program('dd of as many bytes from where it lies', 'dd if=%s of=%s/big bs=1M iflag=skip_bytes skip=%d count=512'
                % (flat, tmp, b.place_in_ntfs(ntfs, 'big.bin')), room=big),
        Program('ntfs-3g, mount, cp', fuse + 'cp %s/mnt/big.bin %s/big; e=$?; umount %s/mnt; exit $e' % (tmp, tmp, tmp), room=big,
                why=None if os.geteuid() == 0 else 'needs root'),
        Program('7z x', '7z x -so %s big.bin' % ntfs, out='big', room=big),
    ]


def versions(b, ours):
    """The disk and a changed one: the differences, and thirty snapshots in which the one follows the other."""
    what = 'diff of two images of the disk, by metadata', 'versions of a file over %d snapshots' % SNAPSHOTS
    if not b.changed:
        b.skipped.append('%s; %s: need --changed' % what)
        return
    yield what[0], [ours('diff %s %s' % (b.path('web01.vmdk'), os.path.join(b.changed, 'web01.vmdk')))]
    if b.only in what[1]:
        store = b.datastore()
        yield what[1], [ours('versions %s web01/web01.vmdk %s' % (store, NOTE))]
        shutil.rmtree(store)


def packed(b, ours):
    """The tree of build-tree.py as an ISO image and as a tar archive."""
    what, tree, tmp, room = '20,000 files, 1,000 MiB, to tmpfs', b.path('tree.img'), '"$TMP"', 1200 << 20
    if b.only not in 'iso of ' + what:
        return
    if not os.path.exists(tree):
        b.skipped.append('iso of %s: needs tree.img (build-tree.py)' % what)
        return
    mnt = b.mounted('tree.img')
    why = None if mnt else 'needs root and loop devices'
    yield 'iso of ' + what, [
        ours('iso -o %s/x.iso %s .' % (tmp, tree), room=room),
        Program('xorriso -as mkisofs -J -joliet-long -R', 'xorriso -as mkisofs -quiet -J -joliet-long -R -o %s/x.iso %s' % (tmp, mnt),
                room=room, why=why),
        Program('kernel, GNU tar', 'tar -C %s -cf %s/x.tar .' % (mnt, tmp), needs='tar', room=room, why=why),
        Program('vmdkfs tar', '%s tar -o %s/x.tar %s .' % (b.command, tmp, tree), needs=b.command, room=room),
    ]


def converted(b, ours):
    """The disk in other kinds of VMDK, which qemu-img makes of it when they are asked for."""
    disk, tmp = os.path.getsize(b.path('web01-flat.vmdk')), '"$TMP"'
    stream, sparse = 'a streamOptimized disk, whole, to tmpfs', 'a monolithicSparse disk, whole, to /dev/null'
    if not shutil.which('qemu-img'):
        b.skipped.append('%s; %s: qemu-img, which makes them, is not installed' % (stream, sparse))
        return
    if b.only in stream:
        image = b.convert('streamOptimized')
        yield stream, [
            ours('cat --raw %s' % image, out='disk', room=disk),
            Program('qemu-img convert', 'qemu-img convert -O raw %s %s/disk' % (image, tmp), room=disk),
        ]
        os.unlink(image)
    if b.only in sparse:
        image = b.convert('monolithicSparse')
        yield sparse, [
            ours('cat --raw %s' % image),
            Program('vmdkfs, the same flat', '%s cat --raw %s' % (b.command, b.path('web01.vmdk')), needs=b.command),
        ]
        os.unlink(image)


class Bench:
    def __init__(self, directory, runs, only='', changed=None):
        self.dir, self.runs, self.only, self.changed, self.mounts = directory, runs, only, changed, []
        self.rows, self.skipped, self.used = [], [], set()

    def __enter__(self):
        self.work = tempfile.mkdtemp(prefix='vmdkfs-bench.')
        self.tmpfs = tempfile.mkdtemp(prefix='vmdkfs-bench.', dir='/dev/shm')
        self.command = os.path.join(self.work, 'vmdkfs')
        subprocess.run(['go', 'build', '-o', self.command, './cmd/vmdkfs'], cwd=MODULE, check=True)
        self.time = shutil.which('time')  # GNU time: what a program forked from Python has used counts Python's memory too
        if not self.time:
            self.skipped.append('peak memory: GNU time is not installed')
        self.mount = self.mounted('root.img')
        return self

    def __exit__(self, *_):
        for mount in self.mounts:
            subprocess.run(['umount', mount], check=True)
        shutil.rmtree(self.work)
        shutil.rmtree(self.tmpfs)

    def path(self, name):
        return os.path.join(self.dir, name)

    def mounted(self, image):
        """Where the kernel shows the volume of that name. None when it cannot be asked."""
        where = os.path.join(self.work, image + '.mnt')
        os.mkdir(where)
        if os.geteuid() == 0 and os.path.exists(self.path(image)):
            if subprocess.run(['mount', '-o', 'loop,ro,noatime', self.path(image), where]).returncode == 0:
                self.mounts.append(where)
                return where

    def listing(self, root):
        """A file of debugfs requests that list every directory: it has no ls -R."""
        out = subprocess.run([self.command, 'ls', '-R', '--json', self.path('web01.vmdk'), LV], capture_output=True, check=True)
        requests = os.path.join(self.work, 'requests')
        with open(requests, 'w') as f:
            print('ls -l <2>', file=f)
            for o in map(json.loads, out.stdout.decode().splitlines()):
                if o['type'] == 'dir':
                    print('ls -l <%d>' % o['inode'], file=f)
        return requests

    def counts(self, path):
        """How many regular files are below path, and their size."""
        out = subprocess.run([self.command, 'ls', '-R', '--json', self.path('web01.vmdk'), '%s/%s' % (LV, path)], capture_output=True, check=True)
        sizes = [o['size'] for o in map(json.loads, out.stdout.decode().splitlines()) if o['type'] == 'file']
        return '{:,} files, {:,} MiB'.format(len(sizes), sum(sizes) >> 20)

    def place(self, root, path):
        """Where the file begins on the disk. From there on it lies nearly in one piece: only indirect blocks are in between."""
        if not (shutil.which('debugfs') and os.path.exists(root)):
            return 0
        block = int(subprocess.run(['debugfs', '-R', 'bmap /%s 0' % path, root], capture_output=True).stdout)
        with open(self.path('root.segments')) as f:
            for start, disk, size in (map(int, line.split()) for line in f):
                if start <= block * 4096 < start + size:
                    return disk + block * 4096 - start
        return 0

    def place_in_ntfs(self, ntfs, path):
        """The same for a file of the NTFS volume, of which ntfs is a copy."""
        if not shutil.which('ntfsinfo'):
            return 0
        shown = subprocess.run(['ntfsinfo', '-f', '-v', '-F', '/' + path, ntfs], capture_output=True, text=True).stdout
        cluster = int(re.search(r'Runlist:.*\n\s*0x0\s+0x([0-9a-f]+)', shown)[1], 16)
        with open(self.path('ntfs.segments')) as f:
            return int(f.read().split()[1]) + cluster * 4096

    def extract(self, name):
        """The volume as a plain file, for programs that know no disks."""
        image = os.path.join(self.work, name + '.img')
        with open(self.path(name + '.segments')) as f:
            _, offset, size = map(int, f.read().split())
        subprocess.run(['dd', 'if=' + self.path('web01-flat.vmdk'), 'of=' + image, 'bs=1M', 'skip=%d' % (offset >> 20),
                        'count=%d' % (size >> 20), 'conv=sparse', 'status=none'], check=True)
        return image

    def datastore(self):
        """Links to the two disks, half of the snapshots each."""
        store = tempfile.mkdtemp(prefix='datastore.', dir=self.changed)
        for i in range(SNAPSHOTS + 1):
            vm = os.path.join(store, *(['.snapshot', 'daily.%02d' % i] if i else []), 'web01')
            os.makedirs(vm)
            for name in ('web01.vmdk', 'web01-flat.vmdk'):
                os.link(os.path.join(self.dir if i <= SNAPSHOTS / 2 else self.changed, name), os.path.join(vm, name))
        return store

    def convert(self, subformat):
        image = os.path.join(self.work, subformat + '.vmdk')
        subprocess.run(['qemu-img', 'convert', '-O', 'vmdk', '-o', 'subformat=' + subformat, self.path('web01.vmdk'), image], check=True)
        return image

    def once(self, p, memory=False):
        """Runs p in an empty directory. Returns its seconds, or its peak memory in MiB."""
        where = os.path.join(self.tmpfs, 'out')
        os.mkdir(where)
        argv = ['sh', '-c', p.shell]
        peak = os.path.join(self.work, 'peak')
        if memory:
            argv = [self.time, '-o', peak, '-f', '%M'] + argv
        with open(os.path.join(where, p.out), 'wb') as out, open(os.path.join(self.work, 'stderr'), 'w+b') as err:
            start = time.monotonic()
            status = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env={**os.environ, 'TMP': where}).returncode
            seconds = time.monotonic() - start
            err.seek(0)
            message = err.read().decode(errors='replace').strip().splitlines()
        shutil.rmtree(where)
        if status:
            raise RuntimeError('exit status %d: %s' % (status, ' '.join(message[-1:])))
        return int(open(peak).read().split()[-1]) / 1024 if memory else seconds

    def measure(self, case, contenders):
        times, peaks = {}, {}
        for p in contenders:
            reason = p.lacking() or self.no_room(p)
            try:
                if not reason:
                    self.once(p)
                    times[p], peaks[p] = [], self.once(p, memory=True) if self.time else None
            except RuntimeError as e:
                reason = str(e)
            if reason:
                self.skipped.append('%s: %s: %s' % (case, p.name, reason))
        for _ in range(self.runs):
            for p in times:
                times[p].append(self.once(p))
        ours = next((statistics.median(t) for p, t in times.items() if p.name == 'vmdkfs'), None)
        for p, t in times.items():
            m = statistics.median(t)
            self.rows.append((case, p.name, duration(m), '%.2f' % (m / ours) if ours else '', '%.0f MiB' % peaks[p] if self.time else '?'))
            self.used.add(p.needs)
            print('%-50s %-40s %10s  %s' % self.rows[-1][:4], file=sys.stderr)

    def no_room(self, p):
        s = os.statvfs(self.tmpfs)
        with open('/proc/meminfo') as f:
            available = int(re.search(r'MemAvailable: *(\d+)', f.read())[1]) << 10
        room = min(s.f_bavail * s.f_frsize, available)
        return 'needs %d MiB in /dev/shm and in memory, %d are free' % (p.room >> 20, room >> 20) if p.room * 9 // 8 > room else None

    def heading(self):
        with open('/proc/cpuinfo') as f:
            cpu = re.search(r'model name\s*: (.*)', f.read())
        go = subprocess.run(['go', 'version'], capture_output=True, text=True).stdout.split()[2]
        print('%s; %d cores, %s, %d GiB; Linux %s; %s; medians of %d runs, warm. Load when it began: %.1f.\n' % (
            date.today(), len(os.sched_getaffinity(0)), cpu[1] if cpu else platform.machine(),
            os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') >> 30, platform.release(), go, self.runs, os.getloadavg()[0]))

    def report(self):
        print('| | | Time | Times vmdkfs | Peak memory |\n|---|---|--:|--:|--:|')
        last = None
        for case, *rest in self.rows:
            print('| %s | %s |' % (case if case != last else '', ' | '.join(rest)))
            last = case
        versions = [version(tool) for tool in sorted(self.used) if tool in VERSIONS]
        print('\nThe others: %s. They do not read VMDK, partitions, LVM and journal, but get the volume as the kernel replayed it, as a '
              'plain file, or (kernel) mounted; only dd and qemu-img get the disk.' % ', '.join(versions))
        for s in self.skipped:
            print('Left out: %s.' % s)


def version(tool):
    p = subprocess.run(VERSIONS[tool], shell=True, capture_output=True, text=True)
    found = re.search(r'\d+(\.\d+)+\S*', p.stdout + p.stderr)
    return tool + ' ' + (found[0].rstrip(',:;)') if found else '?')


def duration(s):
    return '%.1f ms' % (s * 1e3) if s < 0.1 else '%.0f ms' % (s * 1e3) if s < 1 else '%.2f s' % s


if __name__ == '__main__':
    main()
