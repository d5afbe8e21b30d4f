#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""
Half-opens that are to meet in one place of the table, so that each SYN must pass them
all: whoever knows the hash's key can have that, and nobody else.

The key is read out of the kernel's memory, which only root can do, and only to see that
storm.c chooses well.
"""

import statistics
import struct

from traffic import *

ROUNDS = 3
ALIKE = 12              # zeros that hashes begin with: there are no more buckets
COUNT = 12000           # SYNs of a round: then a chain is long enough to tell


def kernel_memory(address, size):
    """What is there, as /proc/kcore has it."""
    try:
        core = open("/proc/kcore", "rb")
    except FileNotFoundError as error:
        raise Skip("this kernel has no /proc/kcore") from error
    with core:
        header = core.read(64)
        start, width, number = (struct.unpack_from(form, header, at)[0]
                                for form, at in (("Q", 32), ("H", 54), ("H", 56)))
        for n in range(number):
            core.seek(start + n * width)
            kind, _, offset, begins, _, holds = struct.unpack("=IIQQQQ", core.read(width)[:40])
            if kind == 1 and begins <= address and address + size <= begins + holds:
                core.seek(offset + address - begins)
                return core.read(size)
    raise Failure(f"/proc/kcore has no {address:#x}")


def hash_key():
    """The table's, two words."""
    with open("/proc/kallsyms") as symbols:
        found = [line.split()[0] for line in symbols
                 if line.split()[2:] == ["hash_key", "[tcpstate]"]]
    equal(len(found), 1, "keys of that name")
    return struct.unpack("=QQ", kernel_memory(int(found[0], 16), 16))


def cost(lab, **chosen):
    """Nanoseconds a SYN, on the average, while the table fills."""
    for value in 0, 1:
        lab.R.sysctl("net.tcpstate.enabled", value)
    asked = Storm(lab, 4, 80, COUNT, target=lab.silent[4], pulse=100, sources=1 << 16,
                  count=COUNT, **chosen)
    with asked:
        wait_for(lambda: proc(lab.R)["halfopen"], lambda have: have >= COUNT, f"{COUNT} half-opens")
    return asked.ns


@test("half-opens chosen to collide slow down nothing, unless the key is known", families=None,
      lab=Arena, serial=True)
def collide(lab):
    known = hash_key()
    guessed = [word ^ 1 for word in known]
    streams = {"any": {}, "for a guessed key": dict(alike=ALIKE, key0=guessed[0], key1=guessed[1]),
               "for its key": dict(alike=ALIKE, key0=known[0], key1=known[1])}
    spent = {name: [] for name in streams}
    for _ in range(ROUNDS):
        for name, chosen in streams.items():
            spent[name].append(cost(lab, **chosen))
    usual = statistics.median(spent["any"])
    ratios = {name: statistics.median(each) / usual for name, each in spent.items()}
    print("# a SYN", *(f"{name}: {ratio:.2f}" for name, ratio in ratios.items()))
    true(ratios["for its key"] > 3, f"who knows the key cannot collide: {spent}")
    true(ratios["for a guessed key"] < 1.5, f"colliding for another key is felt: {spent}")


if __name__ == "__main__":
    build()
    main()
