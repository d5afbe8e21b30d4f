#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""
Namespaces: what passes in one shows in no other, switches and timeouts are each one's own;
they come and go, and memory and timers with them; one ceiling for all but the first.
"""

import contextlib
import errno
import os
import re
import time
from pathlib import Path

import ktap
from beside import transfers
from forge import Forge, attach
from genl import Channel
from lab import *
from whole import *

TRACING = "/sys/kernel/tracing"
SHARED = 4                  # full tables that all namespaces but the first may fill
PAGE = 4096
EMPTY_PERIOD = 60           # seconds that an empty table keeps its array


@test("what passes in one namespace shows in no other")
def isolated(lab, fam):
    idle, outside = Namespace("idle"), first()
    before = proc(outside).counted
    own = local(lab.A)
    live(listener(lab.A, fam), lab.A, LOOPBACK[fam])
    once(lab.A, own)
    for ns in lab.R, lab.B, idle:
        silence(ns)
    equal(proc(outside).counted, before, "the first namespace's counters")


@test("switches and timeouts are the namespace's own", families=None, lab=None)
def own_sysctls():
    one, other = Namespace("one"), Namespace("other")
    one.sysctl("net.tcpstate.timeout_close", 77)
    one.sysctl("net.tcpstate.loose", 0)
    one.sysctl("net.tcpstate.enabled", 0)
    for ns in other, first(), Namespace("later"):
        equal([ns.sysctl(f"net.tcpstate.{name}") for name in ("timeout_close", "loose", "enabled")],
              ["10", "1", "1"], f"timeout_close, loose, enabled in {ns}")


# sysctl enabled

@test("enabled 0 flushes and sees nothing, 1 picks up, anything else is refused")
def switched(lab, fam):
    lab.witnessed = False
    conn = lab.connect(fam)
    conn.talk()
    half = lab.dial(fam, lab.silent[fam])
    lab.expect([(conn, "ESTABLISHED", "ESTABLISHED"), (half, "SYN_SENT", "LISTEN")])
    lab.R.sysctl("net.tcpstate.enabled", 0)
    lab.R.sysctl("net.tcpstate.enabled", 0)
    half.a.close()
    before = proc(lab.R)
    equal((before.pairs, before["opened"], before["flushed"], halfopens(lab.R)), ({}, 2, 2, []),
          "pairs, opened, flushed, half-open lines")
    equal(lab.R.sysctl("net.tcpstate.enabled"), "0", "enabled")
    caught = len(lab.sniffer.all())
    conn.talk()
    true(lab.sniffer.since(caught), "segments passed")
    equal(proc(lab.R).text, before.text, "what it says while nothing is watched")
    for wrong in "2", "-1", "x", "":
        try:
            lab.R.sysctl("net.tcpstate.enabled", wrong)
            true(not wrong, f"enabled={wrong} was taken")
        except OSError as error:
            equal(error.errno, errno.EINVAL, f"enabled={wrong}")
    lab.R.sysctl("net.tcpstate.enabled", 1)
    lab.R.sysctl("net.tcpstate.enabled", 1)
    wait_equal(lambda: lab.A.run("ss", "-Htno", "state", "established").count("timer:(on"), 0,
               "segments under way")
    segments, caught = proc(lab.R)["segments"], len(lab.sniffer.all())
    conn.talk()
    wait_for(lambda: proc(lab.R), lambda seen: seen["segments"] - segments ==
             len(lab.sniffer.since(caught)), "each once though it was switched on twice")
    lab.expect([(conn, "ESTABLISHED", "ESTABLISHED")])
    equal(proc(lab.R)["picked_up"], 1, "picked_up")


@test("switched off and on under traffic, twenty times")
def switched_under_traffic(lab, fam):
    lab.witnessed = False
    server = lab.listen(fam)
    with child(transfers, lab, fam, server):
        for _ in range(20):
            count = proc(lab.R)["segments"]
            wait_for(lambda: proc(lab.R)["segments"], lambda now: now > count, "segments")
            lab.R.sysctl("net.tcpstate.enabled", 0)
            equal(proc(lab.R).pairs, {}, "pairs while off")
            equal(proc(lab.R).unequal(), [], "identities while off")
            lab.R.sysctl("net.tcpstate.enabled", 1)


@test("the order of a dump, which is that of hashes, is the namespace's own", families=None,
      lab=None)
def own_order():
    number, orders = 500, []
    for name in "X", "Y":
        ns = Namespace(name)
        Forge(attach(ns)).flows(range(number))
        wait_equal(lambda ns=ns: proc(ns)["flows"], number, f"flows in {name}")
        with Channel(ns) as channel:
            dumps = [[flow.key for flow in channel.flows()] for _ in range(2)]
        equal(dumps[0], dumps[1], f"two dumps in {name}")
        orders.append(dumps[0])
    equal(sorted(orders[0]), sorted(orders[1]), "connections in both")
    # Of two random orders one record in 500 or so has the same place.
    alike = sum(one == other for one, other in zip(*orders))
    true(alike < number / 10, f"{alike} of {number} have the same place in both")


# memory

def general_memory():
    """Octets in the kernel's general caches, where tables come from. What is free and merely
    kept for a CPU is given back first."""
    for path in Path("/sys/kernel/slab").glob("kmalloc-*/shrink"):
        path.write_text("1")
    return sum(int(fields[1]) * int(fields[3]) for fields in
               (line.split() for line in Path("/proc/slabinfo").read_text().splitlines()[2:])
               if fields[0].startswith("kmalloc-") and int(fields[3]) >= 1024)


@test("tables are allocated by the first segment and go when switched off", families=None,
      lab=None, serial=True)
def memory():
    if not os.path.exists("/proc/slabinfo"):
        raise Skip("a kernel that does not tell of its slabs")
    number, array_size = 120, 2048
    spaces = [fresh() for _ in range(number)]
    idle = general_memory()
    for ns in spaces:
        refused(ns)
    used = general_memory()
    true(used - idle >= number * array_size * 0.9,
         f"{number} namespaces with a record took {used - idle} octets more than idle")
    for ns in spaces:
        ns.sysctl("net.tcpstate.enabled", 0)
    freed = general_memory()
    true(freed - idle <= (used - idle) / 2,
         f"of {used - idle} octets {freed - idle} are left when switched off")


# timers

def trace_control(name, value):
    with open(f"{TRACING}/{name}", "w") as file:
        file.write(f"{value}\n")


EVENT = "events/workqueue/workqueue_queue_work"


def sweeps():
    """The namespaces, by the address of their work, that tcpstate's timers were busy
    with while we looked. Others' may be among them: an orphaned socket of an earlier
    test keeps its namespace for a while."""
    trace_control(f"{EVENT}/filter", 'workqueue == "tcpstate"')
    trace_control("trace", "")
    trace_control(f"{EVENT}/enable", 1)
    time.sleep(2.5)                             # what must not happen has no event
    trace_control(f"{EVENT}/enable", 0)
    return set(re.findall(r"work struct=(\S+) .*workqueue=tcpstate",
                          Path(f"{TRACING}/trace").read_text()))


kept = []                   # a namespace of the beginning, when it was last used, its work


def prepare():
    module()
    if not os.path.exists(f"{TRACING}/{EVENT}"):
        return
    ns = fresh("kept")
    ns.sysctl("net.tcpstate.timeout_close", 1)
    others = sweeps()
    refused(ns)
    kept.extend((ns, time.monotonic(), sweeps() - others))


@test("a namespace without records runs no timer, once a minute has passed", families=None,
      lab=None, serial=True)
def timers():
    if not kept:
        raise Skip("this kernel does not trace workqueues")
    ns, since, mine = kept
    equal(proc(ns)["refused"], 1, "refused long ago")
    true(mine, "no sweep where there was a record: the trace shows nothing")
    wait_for(lambda: time.monotonic() - since, lambda age: age > EMPTY_PERIOD + 5,
             f"{EMPTY_PERIOD} seconds", EMPTY_PERIOD + 10)
    wait_equal(lambda: sweeps() & mine, set(), "sweeps of what was used long ago")
    others = sweeps()
    spaces = [fresh() for _ in range(10)]
    wait_equal(lambda: sweeps() - others, set(), "sweeps of what was never used")
    # One that is gone by now may have left its address to one of these.
    others = sweeps()
    refused(spaces[0])
    mine = sweeps() - others
    true(mine, "no sweep where there is a record: the trace shows nothing")
    spaces[0].sysctl("net.tcpstate.enabled", 0)
    wait_equal(lambda: sweeps() & mine, set(), "sweeps once it is switched off")


# room

def room(ns):
    """flows, halfopen, and what was turned away or made to go for want of room."""
    seen = proc(ns)
    return [seen[name] for name in ("flows", "halfopen", "evicted", "flow_table_full",
                                    "halfopen_table_full")]


@test("a namespace goes with flows in it, under traffic, fifty times", families=None, lab=None,
      serial=True)
def deletions():
    most = 500
    reload(max_halfopen=most, max_flows=most)
    number = 50
    out = Namespace("out")
    out.sysctl("net.tcpstate.enabled", 0)
    spaces = [Namespace(f"N{i}") for i in range(number)]
    out.ip(*(line for i, ns in enumerate(spaces) for line in (
        f"link add v{i} address 02:00:00:00:0f:02 type veth peer name f0 address "
        f"02:00:00:00:0f:01 netns {ns.path}", f"link set v{i} up")))
    forges = []
    for i, ns in enumerate(spaces):
        ns.sysctl("net.tcpstate.checksum", 0)
        ns.up("f0")
        forges.append(Forge(out, f"v{i}"))

    def flood():
        for ns in spaces:
            ns.close()                  # or they would live as long as this
        for number in range(1 << 24):
            for forge in forges:
                with contextlib.suppress(OSError):
                    forge.send(number)
            time.sleep(0.001)

    with child(flood):
        for ns, forge in zip(spaces, forges):
            wait_for(lambda ns=ns: proc(ns), lambda seen: seen["halfopen"] >= 10, "half-opens")
            forge.flows(range(1 << 24, (1 << 24) + 5))
            wait_for(lambda ns=ns: proc(ns), lambda seen: seen["flows"] == 5, "flows")
            ns.close()
        wait_equal(lambda: out.run("ip", "-o", "link").count(": v"), 0,
                   "devices of namespaces that are not gone")
    # Their shares of the common ceiling come back, be it after their devices went.
    def fill():
        spaces = [Namespace("after") for _ in range(SHARED)]
        for ns in spaces:
            forge = Forge(attach(ns))
            forge.flows(range(1 << 24, (1 << 24) + most))
            forge.halfopens(range(most))
        for ns in spaces:
            wait_equal(lambda ns=ns: proc(ns)["syn"], 2 * most, "SYNs that arrived")
        rooms = [room(ns) for ns in spaces]
        for ns in spaces:
            ns.sysctl("net.tcpstate.enabled", 0)
            ns.close()
        return rooms

    wait_equal(fill, [[most, most, 0, 0, 0]] * SHARED, "room in new namespaces")


# grace periods

@contextlib.contextmanager
def waits():
    """Yields a function: how often the module has waited for a grace period since, and
    how many namespaces it has left."""
    probes = {"waits": "synchronize_rcu", "left": "tcpstate:tcpstate_log_exit"}
    if not os.path.exists(f"{TRACING}/kprobe_events"):
        raise Skip("this kernel has no kprobe events")

    def probe(line):
        fd = os.open(f"{TRACING}/kprobe_events", os.O_WRONLY | os.O_APPEND)
        os.write(fd, f"{line}\n".encode())
        os.close(fd)

    # Before it is unloaded, for its symbols go with it.
    functions = [int(line.split()[0], 16) for line in open("/proc/kallsyms")
                 if re.search(r" [tT] .*\[tcpstate\]", line)]
    first, last = min(functions), max(functions) + PAGE

    def look():
        text = Path(f"{TRACING}/trace").read_text()
        return [sum(first <= int(caller, 16) < last
                    for caller in re.findall(rf"\b{name}: .* caller=(\w+)", text))
                for name in probes]
    for name, function in probes.items():
        probe(f"p:{name} {function} caller=$stack0:x64")
    trace_control("trace", "")
    trace_control("events/kprobes/enable", 1)
    try:
        yield look
    finally:
        trace_control("events/kprobes/enable", 0)
        for name in probes:
            probe(f"-:{name}")


def busy(number):
    """So many namespaces with a table and a detector each."""
    spaces = [fresh() for _ in range(number)]
    for ns in spaces:
        refused(ns)
    for ns in spaces:
        wait_for(lambda ns=ns: proc(ns).memory["detector"], what=f"a detector in {ns}")
    return spaces


@test("namespaces that go together share their grace periods, and so they do when the module is "
      "unloaded", families=None, lab=None, serial=True)
def together():
    number = 20
    reload()
    ns, = busy(1)
    with waits() as seen:
        ns.sysctl("net.tcpstate.enabled", 0)
        equal(seen()[0], 1, "grace periods to switch one off")
    spaces = busy(number)
    with waits() as seen:
        for ns in spaces:
            ns.close()
        wait_for(lambda: seen()[1], lambda left: left >= number, "namespaces that went")
        say(f"{seen()[0]} grace periods for {seen()[1]} namespaces")
        true(seen()[0] < number / 2, f"{seen()[0]} grace periods for {number} namespaces")
    spaces = busy(number)
    with waits() as seen:
        unload()
        say(f"{seen()[0]} grace periods to unload")
        true(seen()[0] < number / 2, f"{seen()[0]} grace periods to unload with {number}")
    module()


@test("one ceiling for all namespaces but the first, whose own it never takes", families=None,
      lab=None, serial=True)
def ceiling():
    most = 200
    reload(max_halfopen=most, max_flows=most)
    I, X, Y = first(), Namespace("X"), Namespace("Y")
    others = [Namespace(f"other {i}") for i in range(SHARED - 1)]
    forges = {ns: Forge(attach(ns, f"f{i}")) for i, ns in enumerate((I, X, Y, *others))}
    base = proc(I)
    equal((base["flows"], base["halfopen"]), (0, 0), "in the first namespace")

    # half-opens: who comes last has what is left, and gives way to himself alone
    for ns in others:
        forges[ns].halfopens(range(most))
        wait_equal(lambda ns=ns: room(ns), [0, most, 0, 0, 0], f"{ns}")
    forges[X].halfopens(range(150))
    wait_equal(lambda: room(X), [0, 150, 0, 0, 0], "X")
    forges[Y].halfopens(range(170))
    wait_equal(lambda: room(Y), [0, 50, 120, 0, 120], "Y")
    for ns in others:
        equal(room(ns), [0, most, 0, 0, 0], f"{ns}, untouched")
    equal(room(X), [0, 150, 0, 0, 0], "X, untouched")
    forges[I].halfopens(range(most))
    wait_equal(lambda: room(I), [0, most, 0, 0, 0], "the first has all its own")

    # flows: none gives way, so who comes last gets nothing
    for ns in others:
        forges[ns].flows(range(1 << 24, (1 << 24) + most))
        wait_equal(lambda ns=ns: room(ns)[0], most, f"flows in {ns}")
    for ns in X, Y, I:                      # half-opens are on the way to a flow
        ns.sysctl("net.tcpstate.enabled", 0)
        ns.sysctl("net.tcpstate.enabled", 1)
    had = room(Y)
    forges[X].flows(range(most + 50))
    wait_equal(lambda: [room(X)[0], room(X)[3]], [most, 50], "X's flows, and those turned away")
    forges[Y].flows(range(20))
    wait_for(lambda: room(Y), lambda seen: seen[0] == 0 and seen[3] - had[3] >= 20,
             "Y's flows were turned away and counted")
    forges[I].flows(range(most))
    wait_equal(lambda: [room(I)[0], room(I)[3]], [most, 0], "the first's flows")
    for ns in X, Y, I:
        identities(ns)
    X.sysctl("net.tcpstate.enabled", 0)
    forges[Y].flows(range(100, 100 + most))
    wait_equal(lambda: room(Y)[0], most, "Y's flows in the room that X gave back")


if __name__ == "__main__":
    ktap.main(None, prepare, reload)
