#!/usr/bin/env python3
"""build-tree.py [DIR]: make DIR/tree.img (bench/vm when not given), an ext4 volume of 20,000 files in 1,000 directories, which
have 1,000 MiB together: what run.py makes ISO images and tar archives of.

Most files are small, as in a system: half have less than 7 KiB, one in a hundred has more than 600 KiB. Every run makes the same.
Needs e2fsprogs and, for as long as it takes, 3 GiB in DIR.
"""
import os, random, subprocess, sys, tempfile

FILES, DIRECTORIES, BYTES = 20000, 1000, 1000 << 20


def sizes(r):
    """Of each file, BYTES in all."""
    weights = [r.lognormvariate(0, 2) for _ in range(FILES)]
    found = [int(w * BYTES / sum(weights)) for w in weights]
    found[0] += BYTES - sum(found)
    return found


def main(where):
    r = random.Random(20000)
    os.makedirs(where, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix='tree.', dir=where) as top:
        for i in range(DIRECTORIES):
            os.makedirs('%s/d%02d/a directory %02d' % (top, i // 32, i % 32))
        for i, size in enumerate(sizes(r)):
            d = r.randrange(DIRECTORIES)
            with open('%s/d%02d/a directory %02d/a file of some name %05d.data' % (top, d // 32, d % 32, i), 'wb') as f:
                for at in range(0, size, 1 << 20):
                    f.write(r.randbytes(min(1 << 20, size - at)))
        image = os.path.join(where, 'tree.img')
        with open(image, 'wb') as f:
            f.truncate(1280 << 20)
        subprocess.run(['mke2fs', '-q', '-F', '-t', 'ext4', '-m', '0', '-N', '32768', '-d', top, image], check=True)


if __name__ == '__main__':
    if len(sys.argv) > 2 or sys.argv[1:2] and sys.argv[1].startswith('-'):
        sys.exit(__doc__.split('\n')[0])
    main(sys.argv[1] if sys.argv[1:] else os.path.join(os.path.dirname(os.path.abspath(__file__)), 'vm'))
