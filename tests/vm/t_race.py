#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""
Every CPU in one namespace at once: SYNs of the same listeners from each, connections that
live and end, files read, dumps, flushes, switches turned. A kernel that looks for data
races (tests/vm/build kcsan) finds here what there is to find. Nothing is to go wrong, and
in the end the books balance. TCPSTATE_RACE=SECONDS says for how long.

And every pair of operations that change the life of a namespace's records, at random
moments, by root and by an unprivileged user in namespaces of its own. The kernel must
survive it: tests/vm/run fails on any report. TCPSTATE_OPERATIONS=SECONDS says for how long.
"""

import contextlib
import os
import time

import ktap
import operations
import roles
import traffic
from beside import readers, transfers
from forge import Forge, attach
from genl import Channel
from lab import *

SECONDS = int(os.environ.get("TCPSTATE_RACE", 4))
OPERATIONS = int(os.environ.get("TCPSTATE_OPERATIONS", 60))
RATE = 4000                             # SYNs a second from each CPU
PORTS = 4


def administer(ns, cpu):
    """Dump, flush and turn switches without end."""
    os.sched_setaffinity(0, {cpu})
    number = 0
    with Channel(ns) as channel:
        while True:
            number += 1
            for dump in channel.flows, channel.halfopens, channel.listeners, channel.hosts:
                dump()
                time.sleep(0.01)
            ns.sysctl("net.tcpstate.timeout_syn_sent", 1 + number % 3)
            if number % 5 == 0:
                with contextlib.suppress(OSError):      # the other one is at it
                    channel.flush()
            if number % 11 == 0:
                for value in 0, 1:
                    ns.sysctl("net.tcpstate.enabled", value)


@test("all CPUs at once in one namespace, at everything", families=None, lab=traffic.Arena,
      serial=True, timeout=120 + 4 * SECONDS)
def race(lab):
    with contextlib.ExitStack() as stack:
        storms = []
        for cpu in sorted(os.sched_getaffinity(0)):
            fam = 4 + cpu % 2 * 2
            server = lab.listen(fam, 80 + cpu)
            stack.enter_context(child(transfers, lab, fam, server, cpu=cpu))
            stack.enter_context(child(readers, lab.R, cpu))
            stack.enter_context(child(administer, lab.R, cpu))
            # What it runs inherits where.
            with one_cpu(cpu):
                storms.append(stack.enter_context(traffic.Storm(
                    lab, 4, 8000, RATE, ports=PORTS, target=lab.silent[4], sources=50000)))
        until = time.monotonic() + SECONDS
        # A machine that is slow at it goes on for longer.
        wait_for(lambda: proc(lab.R)["segments"],
                 lambda seen: seen > RATE / 10 and time.monotonic() > until, "many segments",
                 SECONDS + ktap.PATIENCE)
    print(f"# {sum(storm.sent for storm in storms)} SYNs")
    lab.R.sysctl("net.tcpstate.enabled", 0)
    lab.R.sysctl("net.tcpstate.enabled", 1)
    conn = lab.connect(4, dport=99)
    conn.talk()
    with Channel(lab.R) as channel:
        wait_for(lambda: {flow.key[1:3] for flow in channel.flows()},
                 lambda known: (conn.initiator, conn.responder) in known, "a new one is known")
    identities(lab.R)


def race_of_root():
    """In a namespace of root's, where the module comes and goes as well."""
    target = Namespace("root's")
    target.up("lo")
    done = operations.race(target, Forge(attach(target)),
                           {**operations.LIVES, **operations.OTHERS, **operations.LOADS},
                           OPERATIONS)
    say(f"root did {done} pairs")


def race_of_user():
    """In a namespace of an unprivileged user's, both ends of the wire in it."""
    roles.own_both()
    here = Namespace("user's", new=False)
    here.up("lo")
    here.ip("link add f0 address 02:00:00:00:0f:01 type veth peer name out address "
            "02:00:00:00:0f:02", "link set f0 up", "link set out up")
    done = operations.race(here, Forge(here), {**operations.LIVES, **operations.OTHERS},
                           OPERATIONS)
    say(f"the user did {done} pairs")


@test("pairs of operations at random moments, by root and by an unprivileged user",
      families=None, lab=loaded(max_listeners=4096), serial=True,
      timeout=120 + 4 * OPERATIONS)
def pairs(lab):
    lab.witnessed = False                       # the module will have missed some
    with contextlib.ExitStack() as stack:
        racers = [stack.enter_context(child(racer)) for racer in (race_of_root, race_of_user)]
        for pid in racers:
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    reload()
    lab.connect(4).talk()
    identities(lab.R)


if __name__ == "__main__":
    traffic.build()
    main()
