#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""
Memory: what a namespace holds is shown by kind, ends at a ceiling in octets, and is
charged to the memory cgroup of the task that created the namespace.
"""

import contextlib
import itertools
import os
import re
from pathlib import Path

import ktap
from beside import stalled
from forge import Forge, attach
from genl import *
from lab import *
from whole import *

CGROUPS = Path("/sys/fs/cgroup")
SHARED = 4                              # ceilings that all namespaces but the first share
RECORD = {4: 128, 6: 160}
KIB, MIB = 1 << 10, 1 << 20
LOW_PERIOD = 60                         # seconds that a large array waits for records to come
STOCK = 256 * KIB                       # octets that each CPU may have charged in advance


def held(ns):
    """Octets that count against the ceiling."""
    return sum(value for kind, value in proc(ns).memory.items()
               if kind not in ("counters", "limit"))


# by kind

@test("each kind of memory is shown while it is held, and no longer", families=None, lab=None,
      serial=True)
def kinds():
    reload()
    ns = fresh()
    idle = proc(ns).memory
    equal({kind for kind, octets in idle.items() if octets}, {"counters", "limit"},
          "kinds of an idle namespace")
    forge = Forge(attach(ns))
    forge.halfopens(range(100))
    forge.halfopens(range(100, 150), fam=6)
    forge.flows(range(1 << 24, (1 << 24) + 20))
    want = {"flows": 20 * RECORD[4], "halfopen": 100 * RECORD[4] + 50 * RECORD[6]}
    wait_equal(lambda: {kind: proc(ns).memory[kind] for kind in want}, want, "records")
    seen = wait_for(lambda: proc(ns).memory, lambda memory: memory["detector"], "a detector")
    say(f"{seen}")
    true(seen["tables"] >= 150 * 8 and seen["listeners"] > 0, f"tables and listeners: {seen}")
    true(seen["detector"] > 10 * KIB, f"the detector's sketches: {seen}")
    equal((seen["counters"], seen["limit"]), (idle["counters"], idle["limit"]),
          "what never changes")
    with Channel(ns) as channel:
        channel.do("TRACE_SET", fields("FLOW", {"family": 4}))
        true(proc(ns).memory["traces"] > 0, "no memory of a trace")
        equal({kind: value for kind, value in channel.stats().memory.items() if kind in MEMORY},
              proc(ns).memory, "netlink and /proc")
    wait_equal(lambda: proc(ns).memory["traces"], 0, "the trace is gone with its socket")
    ns.sysctl("net.tcpstate.enabled", 0)
    equal(proc(ns).memory, idle, "switched off")
    ns.sysctl("net.tcpstate.enabled", 1)


@test("notifications that wait are counted until they are sent",
      families=None, lab=None, serial=True)
def waiting():
    reload()
    ns = fresh()
    forge = Forge(attach(ns))
    with Channel(ns) as channel:
        channel.join("flows")

        def first_event():
            forge.halfopens([0])
            wait_for(lambda: proc(ns).memory["events"], what="an event that waits")
        one = 0
        with stalled(first_event):
            one = proc(ns).memory["events"]
            forge.halfopens(range(1, 400))
            wait_equal(lambda: proc(ns)["opened"], 400, "SYNs")
            many = proc(ns).memory["events"]
            true(many >= 4 * one and many % one == 0, f"{one} octets for one, {many} for many")
        wait_equal(lambda: proc(ns).memory["events"], 0, "octets when all is sent")


@test("the arrays of tables shrink a minute after most of their records ended", families=None,
      lab=None, serial=True)
def shrunk():
    reload()
    number, full = 4000, {}
    for left in 40, 0:
        ns = fresh()
        ns.sysctl("net.tcpstate.timeout_close", 1)
        forge = Forge(attach(ns, f"f{left}"))
        wait_for(lambda: forge.flows(range(number)) or proc(ns)["flows"] == number,
                 what=f"{number} flows")
        full[ns] = left, proc(ns).memory["tables"]
        for each in range(left, number):
            forge.send(each, RST, seq=1)
    for ns, (left, _) in full.items():
        wait_equal(lambda: proc(ns)["flows"], left, "flows that are left")
    for ns, (left, before) in full.items():
        now = wait_for(lambda: proc(ns).memory["tables"],
                       lambda now: now <= (before // 8 if left else 0),
                       f"a small array for {left} of {number} flows", LOW_PERIOD + ktap.PATIENCE)
        say(f"{before} octets of arrays for {number} flows, {now} for {left}")
        true(before > number * 4, f"{before} octets for {number} flows")


# the ceiling

def answer(ns, forge, number):
    """So many listeners. What may not use the kernel's reserves is refused for a moment if
    the machine is short of free pages; another client asks again then."""
    client = itertools.count()

    def ask():
        first = next(client)
        forge.flows(range(first, first + (number << 14), 1 << 14))
        return proc(ns)["listeners"]
    wait_equal(ask, number, "listeners")


@test("all namespaces but the first share four ceilings in octets", families=None, lab=None,
      serial=True)
def ceiling():
    reload(max_flows=64, max_halfopen=64, max_listeners=1)
    probe = fresh()
    refused(probe)
    wait_for(lambda: proc(probe).memory["detector"], what="a detector")
    limit, each = proc(probe).memory["limit"], held(probe)
    most = SHARED * limit // 2          # detectors leave the other half to tables
    number = most // each + 10
    say(f"a ceiling of {limit} octets, {each} in each of {number} namespaces")
    spaces = [fresh() for _ in range(number)]
    for ns in spaces:
        refused(ns)

    def look():
        return [proc(ns) for ns in spaces if not proc(ns).memory["detector"]]
    without = wait_for(look, lambda seen: len(seen) < number and
                       all(one["nomem"] for one in seen), "what finds no memory is counted")
    true(without, f"each of {number} namespaces has its detector")
    total = sum(held(ns) for ns in [probe, *spaces])
    true(total <= SHARED * limit, f"{total} octets are held, {SHARED} ceilings are "
         f"{SHARED * limit}")
    true((most - each) * 0.8 < total < most * 1.2, f"{total} octets of {most} are used")
    equal([ns for ns in spaces if proc(ns)["opened"] != 1], [], "namespaces without a record")
    for ns in spaces[-1], first():          # packets pass, and the first has its own ceiling
        with contextlib.closing(listener(ns, 4)) as server:
            live(server, ns, LOOPBACK[4], size=1000)
        identities(ns)
    wait_for(lambda: proc(first()).memory["detector"], what="a detector in the first namespace")
    # What is given back, others have.
    for ns in spaces[:-1]:
        ns.sysctl("net.tcpstate.enabled", 0)
    last = spaces[-1]
    last.sysctl("net.tcpstate.enabled", 0)
    last.sysctl("net.tcpstate.enabled", 1)
    refused(last)
    wait_for(lambda: proc(last).memory["detector"], what="a detector in what others gave back")


@test("listeners of four other namespaces leave a namespace its detector", families=None,
      lab=None, serial=True)
def reserved():
    most = 2000
    records = 16384
    reload(max_flows=records, max_halfopen=records, max_listeners=most)
    spaces = [fresh() for _ in range(SHARED)]
    for ns in spaces:
        answer(ns, Forge(attach(ns)), most)
    probe = fresh()
    limit = proc(probe).memory["limit"] - 2 * records * RECORD[6]
    total = sum(held(ns) - proc(ns).memory["flows"] - proc(ns).memory["halfopen"]
                for ns in spaces)
    say(f"{total} octets are held beside records, {SHARED} ceilings are {SHARED * limit}")
    true(SHARED * limit / 2 < total <= SHARED * limit, "more than half of it is held")
    refused(probe)
    wait_for(lambda: proc(probe).memory["detector"], what="a detector")


# memory cgroups

class Cgroup:
    """A memory cgroup. `with group:` this process is in it."""

    def __init__(self, name):
        if "memory" not in (CGROUPS / "cgroup.controllers").read_text().split():
            raise Skip("a kernel without memory cgroups")
        (CGROUPS / "cgroup.subtree_control").write_text("+memory\n")
        self.path = CGROUPS / name
        self.path.mkdir()

    def __enter__(self):
        (self.path / "cgroup.procs").write_text(f"{os.getpid()}\n")

    def __exit__(self, *_):
        (CGROUPS / "cgroup.procs").write_text(f"{os.getpid()}\n")

    @property
    def current(self):
        """Octets that are charged, and what CPUs have charged in advance."""
        return int((self.path / "memory.current").read_text())

    def limit(self, octets):
        """Set the limit. One that is below what is charged also takes back what is only
        charged in advance."""
        (self.path / "memory.max").write_text(f"{octets}\n")

    def exactly(self):
        """Octets that are charged; there is no limit afterwards."""
        self.limit(0)
        octets = self.current
        self.limit("max")
        return octets

    @property
    def kernel(self):
        """Octets of memory that are charged and not of tasks."""
        return int(re.search(r"^kernel (\d+)$", (self.path / "memory.stat").read_text(),
                             re.M)[1])

    def events(self):
        return dict((name, int(value)) for name, value in
                    (line.split() for line in (self.path / "memory.events").read_text()
                     .splitlines()))


@contextlib.contextmanager
def cgroup(name):
    group = Cgroup(name)
    try:
        yield group
    finally:
        group.path.rmdir()


def flood(forge, numbers):
    """SYNs, until the sender's CPU has seen them received."""
    sent = 0
    for number in numbers:
        with contextlib.suppress(OSError):
            forge.send(number)
            sent += 1
    return sent


def fill(ns, forge, number):
    """So many half-opens. What may not use the kernel's reserves is refused for a moment if
    the machine is short of free pages; its SYN is sent again."""
    wait_for(lambda: flood(forge, range(number)) and proc(ns)["halfopen"] == number,
             what=f"{number} half-opens")


@test("memory of a namespace is charged to its creator's cgroup and ends at its limit",
      families=None, lab=None, serial=True)
def charged():
    reload(max_flows=200_000, max_halfopen=200_000)
    slack = STOCK * os.cpu_count()
    with cgroup("tcpstate-memory") as group:
        with group:
            pass
        start = group.kernel
        with group:
            ns = Namespace("charged")
        ns.up("lo")
        server = listener(ns, 4)
        forge = Forge(attach(ns))
        idle = group.exactly()
        say(f"{idle} octets for an idle namespace, counters {proc(ns).memory['counters']}")

        number = 12_000
        fill(ns, forge, number)
        wait_for(lambda: proc(ns).memory["detector"], what="a detector")
        shown, taken = held(ns), group.exactly() - idle
        say(f"{taken} octets charged for {shown} that are shown")
        true(shown * 0.95 <= taken <= shown * 1.5 + slack,
             f"{taken} octets are charged for {shown} that are held")

        room = MIB
        limit = group.current + room
        group.limit(limit)
        before, sent = proc(ns), 0
        while not proc(ns)["nomem"] and sent < 40_000:
            sent += flood(forge, range(number + sent, number + sent + 2000))
        true(proc(ns)["nomem"], f"no record was refused after {sent} more SYNs")
        true(group.current <= limit, f"{group.current} octets, the limit is {limit}")
        most = before["halfopen"] + (room + slack) // RECORD[4]
        true(before["halfopen"] < proc(ns)["halfopen"] <= most,
             f"{proc(ns)['halfopen']} half-opens, {most} at most")
        # At the limit each SYN is counted, no packet is dropped and no task is killed.
        wait_equal(lambda: proc(ns)["syn"] - before["syn"], sent, "SYNs that passed")
        nomem = proc(ns)["nomem"]
        flood(forge, range(1 << 20, (1 << 20) + 2000))
        live(server, ns, LOOPBACK[4], size=1000)
        wait_for(lambda: proc(ns)["nomem"], lambda now: now > nomem, "more are refused")
        true(group.current <= limit, f"{group.current} octets, the limit is {limit}")
        equal(group.events()["oom_kill"], 0, "tasks killed")
        identities(ns)

        ns.sysctl("net.tcpstate.enabled", 0)
        equal(held(ns), 0, "octets held when switched off")
        wait_for(group.exactly, lambda now: now <= idle + 64 * KIB,
                 f"all but {idle} octets are given back")
        # The cgroup outlives its task, the namespace its cgroup's directory.
        ns.sysctl("net.tcpstate.enabled", 1)
        fill(ns, forge, 1000)
        server.close()
        forge.sock.close()
        forge.ns.close()
        ns.close()
        # What else is charged was this process's, while it was in the group.
        wait_for(lambda: group.kernel, lambda now: now <= start + 32 * KIB,
                 f"no more than {start} octets of the kernel's are charged any more")


@test("a listener is charged with little more than is counted for it", families=None, lab=None,
      serial=True)
def slots():
    reload(max_listeners=1000)
    with cgroup("tcpstate-listeners") as group:
        with group:
            ns = Namespace("listeners")
        forge = Forge(attach(ns))
        idle = group.exactly()
        answer(ns, forge, 1000)
        wait_for(lambda: proc(ns).memory["detector"], what="a detector")
        shown, taken = held(ns), group.exactly() - idle
        say(f"{taken} octets charged for {shown} that are shown")
        true(shown * 0.95 <= taken <= shown * 1.1,
             f"{taken} octets are charged for {shown} that are held")


TRACING = Path("/sys/kernel/tracing")
KMALLOC = TRACING / "events/kmem/kmalloc"


@contextlib.contextmanager
def allocations():
    """Yields a function: of each function of the module that this process had allocate since,
    with which flags it did."""
    if not KMALLOC.exists():
        raise Skip("this kernel does not trace allocations")
    (KMALLOC / "filter").write_text(f"common_pid == {os.getpid()}\n")
    (TRACING / "trace").write_text("")
    (KMALLOC / "enable").write_text("1\n")
    try:
        yield lambda: dict(re.findall(
            r"call_site=(\w+)\S* \[tcpstate\] .*gfp_flags=(\S+)", (TRACING / "trace").read_text()))
    finally:
        (KMALLOC / "enable").write_text("0\n")
        (KMALLOC / "filter").write_text("0\n")


@test("what a user allocates by making a namespace or by a dump is charged to its cgroup",
      families=None, lab=None, serial=True)
def actions():
    with cgroup("tcpstate-actions") as group, allocations() as seen:
        with group:
            ns = Namespace("actions")
            made = set(seen())
            true(made, "nothing was allocated for a namespace")
            for cmd in "FLOW_GET", "HALFOPEN_GET", "LISTENER_GET", "HOST_GET":
                with Channel(ns) as channel:
                    channel.dump(cmd)
        say(f"{seen()}")
        true(len(set(seen()) - made) >= 2, f"allocations of dumps: {seen()}")
        equal({name: flags for name, flags in seen().items() if "ACCOUNT" not in flags}, {},
              "what is not charged")


@test("a namespace outlives the cgroup of its creator", families=None, lab=None, serial=True)
def outlived():
    with cgroup("tcpstate-gone") as group:
        with group:
            ns = Namespace("outlived")
    forge = Forge(attach(ns))
    flood(forge, range(3000))
    wait_equal(lambda: proc(ns)["halfopen"], 3000, "half-opens")
    equal(proc(ns)["nomem"], 0, "nomem")
    ns.sysctl("net.tcpstate.enabled", 0)
    equal(held(ns), 0, "octets held when switched off")


@test("what a namespace holds that is older than the module is not charged to its loader",
      families=None, lab=None, serial=True)
def older():
    unload()
    with cgroup("tcpstate-loader") as group:
        ns = Namespace("older")
        with group:
            reload()
        forge = Forge(attach(ns))
        idle = group.exactly()
        flood(forge, range(3000))
        wait_equal(lambda: proc(ns)["halfopen"], 3000, "half-opens")
        taken = group.exactly() - idle
        true(taken < 3000 * RECORD[4] / 2, f"{taken} octets are charged to the module's loader")


if __name__ == "__main__":
    ktap.main(None, module, reload)
