# SPDX-License-Identifier: GPL-2.0
"""
Who may ask, read or set something: roles, each a function that makes of a child of root
what its name says, and what becomes of what such a child does.
"""

import ctypes
import errno
import json
import os
import struct

from ktap import equal

NOBODY = 65534
NET_ADMIN = 12
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
PR_SET_DUMPABLE, PR_SET_KEEPCAPS = 4, 8

_libc = ctypes.CDLL(None, use_errno=True)


def call(name, *arguments):
    """A function of the C library that returns 0."""
    if getattr(_libc, name)(*arguments):
        raise OSError(ctypes.get_errno(), name)


def capabilities(*numbers):
    """Hold these and no other."""
    low = sum(1 << number for number in numbers)
    call("capset", struct.pack("=II", 0x20080522, 0), struct.pack("=6I", low, low, 0, 0, 0, 0))


def root():
    """As it comes."""


def root_without():
    """uid 0, all but CAP_NET_ADMIN."""
    capabilities(*(number for number in range(32) if number != NET_ADMIN))


def nobody():
    """Nobody, without any capability."""
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    call("prctl", PR_SET_DUMPABLE, 1)           # or its files in /proc are root's


def nobody_with():
    """Nobody, with CAP_NET_ADMIN alone."""
    call("prctl", PR_SET_KEEPCAPS, 1)
    nobody()
    capabilities(NET_ADMIN)


def own_user():
    """Root of a user namespace of nobody's, all capabilities there."""
    nobody()
    call("unshare", CLONE_NEWUSER)
    for name, text in ("setgroups", "deny"), ("uid_map", f"0 {NOBODY} 1"), \
            ("gid_map", f"0 {NOBODY} 1"):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def own_both():
    """The same, in a network namespace of its own."""
    own_user()
    call("unshare", CLONE_NEWNET)


def verdict(function):
    """"ok", or by which error it was refused."""
    try:
        function()
    except OSError as error:
        return errno.errorcode[error.errno]
    return "ok"


def in_child(ns, who, function):
    """What a function returns (as JSON has it) in a child in a namespace, become who."""
    reader, writer = os.pipe()
    with ns:
        pid = os.fork()
        if not pid:
            status = 1
            try:
                who()
                os.write(writer, json.dumps(function()).encode())
                status = 0
            except BaseException as error:      # it may fail in any way
                print(f"# {who.__name__}: {type(error).__name__}: {error}", flush=True)
            os._exit(status)
    os.close(writer)
    with open(reader) as file:
        said = file.read()
    _, status = os.waitpid(pid, 0)
    equal(status, 0, f"status of {who.__name__}")
    return json.loads(said)
