#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""
Half-opens that are to meet in one place of the table: with the hash's key they fill one
bucket and leave the rest of the table empty; without it they spread.

The key is read out of the kernel's memory by a probe, which only root can set, and only
to see that storm.c chooses well.
"""

import os
import re

from traffic import *

TRACING = "/sys/kernel/tracing"
ALIKE = 12              # zeros that hashes begin with: there are no more buckets
COUNT = 12000           # SYNs of a round
BUCKET = 512            # records of a bucket at most, where no memory was denied


def trace_control(name, value, flags=os.O_TRUNC):
    fd = os.open(f"{TRACING}/{name}", os.O_WRONLY | flags)
    try:
        os.write(fd, f"{value}\n".encode())
    finally:
        os.close(fd)


def hash_key(lab):
    """The key of R's hashes, two words: an argument of tcpstate_tuple_hash()."""
    if not os.path.exists(f"{TRACING}/kprobe_events"):
        raise Skip("this kernel has no kprobe events")
    trace_control("kprobe_events", "p:key tcpstate_tuple_hash +0($arg1):u64 +8($arg1):u64",
                  os.O_APPEND)
    try:
        trace_control("trace", "")
        trace_control("events/kprobes/key/enable", 1)
        with Storm(lab, 4, 80, 10, target=lab.silent[4], count=10):
            wait_for(lambda: proc(lab.R)["syn"], lambda have: have >= 10, "SYNs")
        trace_control("events/kprobes/key/enable", 0)
        with open(f"{TRACING}/trace") as file:
            found = set(re.findall(r"arg1=(\d+) arg2=(\d+)", file.read()))
    finally:
        trace_control("kprobe_events", "-:key", os.O_APPEND)
    equal(len(found), 1, "keys, where R alone watches")
    return tuple(map(int, *found))


def kept(lab, **chosen):
    """Half-opens that COUNT SYNs leave, and how many of them found no room."""
    for value in 0, 1:
        lab.R.sysctl("net.tcpstate.enabled", value)
    before = proc(lab.R)
    with Storm(lab, 4, 80, COUNT, target=lab.silent[4], pulse=100, sources=1 << 16,
               count=COUNT, **chosen):
        wait_for(lambda: proc(lab.R)["syn"] - before["syn"], lambda have: have >= COUNT,
                 f"{COUNT} SYNs")
        after = proc(lab.R)
    return after["halfopen"], after["halfopen_table_full"] - before["halfopen_table_full"]


@test("half-opens chosen to collide share a bucket, which is bounded, and only with the key",
      families=None, lab=Arena, serial=True)
def collide(lab):
    for host in lab.hosts:
        host.sysctl("net.tcpstate.enabled", 0)
    first().sysctl("net.tcpstate.enabled", 0)
    try:
        known = hash_key(lab)
        lab.R.sysctl("net.tcpstate.listeners", 0)
        guessed = [word ^ 1 for word in known]
        streams = {"any": {}, "for a guessed key": dict(alike=ALIKE, key0=guessed[0],
                                                        key1=guessed[1]),
                   "for its key": dict(alike=ALIKE, key0=known[0], key1=known[1])}
        left = {name: kept(lab, **chosen) for name, chosen in streams.items()}
    finally:
        first().sysctl("net.tcpstate.enabled", 1)
    print("# half-opens, halfopen_table_full", left)
    true(left["for its key"][0] <= BUCKET, f"a bucket holds more: {left}")
    for name in "any", "for a guessed key":
        true(left[name][0] > COUNT * 0.9, f"{name}: not all are kept: {left}")


if __name__ == "__main__":
    build()
    main()
