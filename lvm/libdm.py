#!/usr/bin/env python3
"""Parse texts with LVM's own parser, that of libdevmapper: a JSON array of them, in base64, on standard input; on standard output a
JSON array with null for each that is refused, or the list of its entries: [key, value], where a value is a list of entries (a
section), or {"array": [scalar...]} or {"value": scalar}, and a scalar is ["int", decimal], ["float", decimal] or ["string", base64].
Keys are in base64 too. For source_test.go."""
import base64
import ctypes
import json
import os
import sys

sys.setrecursionlimit(10000)
dm = ctypes.CDLL("libdevmapper.so.1.02.1")


class V(ctypes.Union):
    _fields_ = [("i", ctypes.c_int64), ("f", ctypes.c_float), ("d", ctypes.c_double), ("str", ctypes.c_char_p)]


class Value(ctypes.Structure):
    pass


Value._fields_ = [("type", ctypes.c_int), ("v", V), ("next", ctypes.POINTER(Value)), ("format_flags", ctypes.c_uint32)]


class Node(ctypes.Structure):
    pass


Node._fields_ = [("key", ctypes.c_char_p), ("parent", ctypes.POINTER(Node)), ("sib", ctypes.POINTER(Node)),
                 ("child", ctypes.POINTER(Node)), ("v", ctypes.POINTER(Value)), ("id", ctypes.c_int)]


class Tree(ctypes.Structure):
    _fields_ = [("root", ctypes.POINTER(Node)), ("cascade", ctypes.c_void_p), ("mem", ctypes.c_void_p)]


INT, FLOAT, STRING, EMPTY_ARRAY = range(4)
ARRAY = 0x100  # DM_CONFIG_VALUE_FMT_COMMON_ARRAY, which the parser does not set: a value alone and an array of one are alike
dm.dm_config_create.restype = ctypes.POINTER(Tree)
dm.dm_config_parse_without_dup_node_check.argtypes = [ctypes.POINTER(Tree), ctypes.c_void_p, ctypes.c_void_p]
dm.dm_config_destroy.argtypes = [ctypes.POINTER(Tree)]


def text(b):
    return base64.b64encode(b).decode()


def value(v):
    if v.contents.type == EMPTY_ARRAY:
        return {"array": []}
    scalars = []
    while v:
        c = v.contents
        scalars.append({INT: lambda: ["int", str(c.v.i)], FLOAT: lambda: ["float", repr(c.v.f)], STRING: lambda: ["string", text(c.v.str)]}[c.type]())
        v = c.next
    return {"array": scalars}


def entries(n):
    out = []
    while n:
        c = n.contents
        out.append([text(c.key), value(c.v) if c.v else entries(c.child)])
        n = c.sib
    return out


os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # its messages
replies = []
for t in map(base64.b64decode, json.load(sys.stdin)):
    buf = ctypes.create_string_buffer(t)
    tree = dm.dm_config_create()
    start = ctypes.addressof(buf)
    if dm.dm_config_parse_without_dup_node_check(tree, start, start + len(t)):
        replies.append(entries(tree.contents.root))
    else:
        replies.append(None)
    dm.dm_config_destroy(tree)
json.dump(replies, sys.stdout)
