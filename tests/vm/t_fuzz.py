#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""
Everything that anyone may ask, read, set or send, at random and all at once; see wild.c.
TCPSTATE_FUZZ=SECONDS says how long, TCPSTATE_SEED=N repeats one that failed, as far as
chance allows. What is found is in the kernel's log; tests/vm/run reads that.
"""

import os
import random
import subprocess
import tempfile

from genl import Channel
from lab import *
from roles import *

HERE = os.path.dirname(os.path.abspath(__file__))
SECONDS = int(os.environ.get("TCPSTATE_FUZZ", 4))
SEED = int(os.environ.get("TCPSTATE_SEED") or random.randrange(1 << 32))
PATHS = [f"/proc/thread-self/net/{name}" for name in FILES]

# Who does what, and whether the kernel should let them now and then.
WILD = [
    (root, "netlink", (), True),
    (own_user, "netlink", (), True),        # the counters are for anyone
    (own_both, "netlink", (), True),
    (nobody, "netlink", (), True),
    (root, "files", PATHS, True),
    (nobody, "files", PATHS, True),
    (own_both, "files", PATHS, True),
    (root, "sysctls", (), True),
    (own_both, "sysctls", (), True),
    (nobody, "sysctls", (), False),
    (root, "packets", (), True),
]


def build(place):
    """Compile wild.c and its like where anyone may run it."""
    os.chmod(place, 0o755)
    program = f"{place}/wild"
    subprocess.run(["gcc", "-O1", "-pthread", f"-I{HERE}/../../module/uapi", "-o", program,
                    *(f"{HERE}/{name}.c" for name in ("wild", "wild_netlink", "wild_packets"))],
                   check=True)
    return program


def sysctls(ns):
    """Every tunable of a namespace, and its value."""
    with ns:
        names = os.listdir("/proc/sys/net/tcpstate")
    return {name: ns.sysctl(f"net.tcpstate.{name}") for name in names}


def figures(ns):
    """What gauges say."""
    return [proc(ns)[name] for name in GAUGES]


@test("whatever is asked, read, set and sent at once, what it tells afterwards is right",
      families=None, serial=True, timeout=SECONDS + 400)
def wild(lab):
    lab.witnessed = False
    lab.sniffer.close()
    print(f"# TCPSTATE_SEED={SEED} TCPSTATE_FUZZ={SECONDS}", flush=True)
    subprocess.run(["modprobe", "tun"], check=True)
    before = sysctls(lab.R)
    with tempfile.TemporaryDirectory() as place, lab.R:
        program = build(place)
        children = [subprocess.Popen([program, mode, str(SEED + number), str(SECONDS), *words],
                                     preexec_fn=who, stdout=subprocess.PIPE, text=True)
                    for number, (who, mode, words, _) in enumerate(WILD)]
        said = [child.communicate(timeout=SECONDS + 300)[0] for child in children]
    for (who, mode, _, allowed), child, numbers in zip(WILD, children, said):
        equal(child.returncode, 0, f"status of {mode} by {who.__name__}")
        tried, taken = map(int, numbers.split())
        print(f"# {who.__name__}: {mode}: {tried} tried, {taken} let", flush=True)
        true(tried > 10, f"{mode} by {who.__name__}: {tried} tries")
        equal(bool(taken), allowed, f"{mode} by {who.__name__} was let {taken} times")
    for name, value in before.items():
        lab.R.sysctl(f"net.tcpstate.{name}", value)
    equal(sysctls(lab.R), before, "sysctls, set anew")
    seen = proc(lab.R)
    true(seen["opened"] and seen["picked_up"] and seen["malformed"] and seen["established"],
         f"what was sent opened nothing: {seen}")
    for fam in 4, 6:
        with Channel(lab.R) as channel:
            # A listener stays while it is in trouble.
            wait_equal(lambda: [channel.flush(), *figures(lab.R)][1:], [0, 0, 0],
                       "gauges after a flush")
        conn = lab.keep(lab.connect(fam))
        conn.talk()
        lab.expect([(conn, "ESTABLISHED", "ESTABLISHED")])


if __name__ == "__main__":
    main()
