#!/usr/bin/env python3
"""Chunks that libwim compresses, and the streams of the Windows Overlay Filter made of them.

wofchunks.py UNITS: what testdata/compress holds, one JSON object a line: format, name, size and sha256 of the
plain bytes, the compressed data in base64. UNITS is such a
file of LZNT1 units, which goes first.
"""
import base64, ctypes, hashlib, json, random, struct, sys
from tree import text

XPRESS, LZX = 1, 2   # libwim's names
# Algorithms of FILE_PROVIDER_EXTERNAL_INFO: chunk size, and libwim's name
ALGORITHMS = {0: (4096, XPRESS), 1: (32768, LZX), 2: (8192, XPRESS), 3: (16384, XPRESS)}
NAMES = {0: 'xpress4k', 1: 'lzx', 2: 'xpress8k', 3: 'xpress16k'}

wim = ctypes.CDLL('libwim.so.15')
wim.wimlib_compress.restype = ctypes.c_size_t
wim.wimlib_compress.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_void_p]
wim.wimlib_create_compressor.argtypes = [ctypes.c_int, ctypes.c_size_t, ctypes.c_uint, ctypes.POINTER(ctypes.c_void_p)]
made = {}


def compress(algorithm, chunk, level=50):
    """The chunk compressed, or None when that is not shorter."""
    size, kind = ALGORITHMS[algorithm]
    if (algorithm, level) not in made:
        c = ctypes.c_void_p()
        assert wim.wimlib_create_compressor(kind, size, level, ctypes.byref(c)) == 0
        made[algorithm, level] = c
    out = ctypes.create_string_buffer(len(chunk))
    n = wim.wimlib_compress(chunk, len(chunk), out, len(chunk) - 1, made[algorithm, level]) if len(chunk) > 1 else 0
    return out.raw[:n] if n else None


def stream(algorithm, data):
    """WofCompressedData: the offsets of all chunks but the first, then the chunks; one that does not compress is stored."""
    size = ALGORITHMS[algorithm][0]
    chunks = [compress(algorithm, c) or c for c in (data[i:i + size] for i in range(0, len(data), size))]
    table, at = b'', 0
    for c in chunks[:-1]:
        at += len(c)
        table += struct.pack('<I', at)
    return table + b''.join(chunks)


def reparse(algorithm):
    return struct.pack('<IHH4I', 0x80000017, 16, 0, 1, 2, 1, algorithm)


def code(n, seed=0):
    """n bytes that look like x86 code: prologues, moves, and calls of a few functions."""
    rnd, out = random.Random(seed), bytearray()
    functions = [rnd.randrange(0, max(n, 16), 16) for _ in range(12)]
    bodies = [bytes.fromhex(h) for h in ('5589e583ec18', '8b4508', '894424', '85c07405', 'c9c3', '0fb6', '83c410', '488b4c2408', '31c0', '90')]
    while len(out) < n:
        r = rnd.random()
        if r < .15:
            out += b'\xe8' + struct.pack('<i', rnd.choice(functions) - len(out) - 5)
        elif r < .25:
            out += rnd.randbytes(2)
        else:
            out += rnd.choice(bodies)
    return bytes(out[:n])


def calls(n):
    """Calls with targets of all kinds: translated, just not, and at the end of a chunk."""
    rnd, out = random.Random(4), bytearray()
    while len(out) < n:
        at = len(out)
        out += b'\xe8' + struct.pack('<i', rnd.choice((-at, -at - 1, 0, -1, 11_999_999 - at, 12_000_000 - at, 12_000_000, 11_999_999, -12_000_000, rnd.getrandbits(31))))
        out += rnd.choice((b'', b'\xe8', b'\xe8\xe8', b'padding'))
    return bytes(out[:n])


CONTENTS = {
    'text': text, 'code': code, 'zeros': lambda n: bytes(n), 'repetitive': lambda n: (b'abcabcabd' * (n // 9 + 1))[:n],
    'calls': calls, 'noisy': lambda n: b''.join(text(80, i) + random.Random(i).randbytes(10) for i in range(n // 90 + 1))[:n],
    'bytes': lambda n: (bytes(range(256)) * (n // 256 + 1))[:n], 'long match': lambda n: (random.Random(n).randbytes(n // 8) * 9)[:n],
}


def line(form, name, plain, data):
    print(json.dumps(dict(format=form, name=name, size=len(plain), sha256=hashlib.sha256(plain).hexdigest(), data=base64.b64encode(data).decode())))


if __name__ == '__main__':
    sys.stdout.write(open(sys.argv[1]).read())
    for algorithm, (size, _) in ALGORITHMS.items():
        for name, make in CONTENTS.items():
            for n in (size, size - 1, 1000, 20, 11, 3):
                if (n < size or algorithm in (0, 2)) and name not in ('text', 'calls'):
                    continue
                if data := compress(algorithm, make(n), 20 if n == 1000 else 50):
                    line(NAMES[algorithm], '%s %d' % (name, n), make(n), data)
