#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""
Batches: what a large table makes of segments that come in together (module/batch.h),
here made of the smallest one. Each waits, and nobody can tell. (With PREEMPT_RT none waits.)
"""

import contextlib
import os

import traffic
from beside import write
from lab import *

batched = loaded(batch_from=0)
SWITCH = "/sys/devices/system/cpu/cpu1/online"


def begin(lab, fam):
    """A flow, since a table without any is no large one."""
    conn = lab.connect(fam)
    conn.talk()
    lab.expect([(conn, "ESTABLISHED", "ESTABLISHED")])
    return conn


@test("a life, each segment of which has waited", serial=True, lab=batched)
def life(lab, fam):
    first = begin(lab, fam)
    conn = lab.connect(fam)
    lab.expect([(first, "ESTABLISHED", "ESTABLISHED"), (conn, "ESTABLISHED", "ESTABLISHED")])
    conn.talk(bytes(50_000), bytes(50_000))
    conn.a.close()
    lab.expect([(first, "ESTABLISHED", "ESTABLISHED"), (conn, "FIN_WAIT2", "CLOSE_WAIT")])
    conn.b.close()
    lab.expect([(first, "ESTABLISHED", "ESTABLISHED"), (conn, "TIME_WAIT", "CLOSE")])
    refused = lab.dial(fam, dport=9)
    lab.expect([(first, "ESTABLISHED", "ESTABLISHED"), (conn, "TIME_WAIT", "CLOSE")])
    equal(proc(lab.R)["refused"], 1, "refused")
    refused.close()


@test("received in lists, and more than a batch holds", serial=True, lab=batched)
def lists(lab, fam):
    first = begin(lab, fam)
    for dev in "a0", "b0":
        lab.R.run("ethtool", "-K", dev, "gro", "on")
    conns = [lab.connect(fam) for _ in range(40)]
    for _ in range(5):
        for conn in conns:
            conn.a.sendall(b"ping")
        for conn in conns:
            equal(conn.b.recv(4), b"ping")
            conn.b.sendall(b"pong")
        for conn in conns:
            equal(conn.a.recv(4), b"pong")
    lab.expect([(conn, "ESTABLISHED", "ESTABLISHED") for conn in [first, *conns]])
    equal({name: value for name, value in proc(lab.R).counted.items()
           if name in ("opened", "established", "picked_up", "out_of_window", "invalid_ack")},
          {"opened": 41, "established": 41}, "what is believed")


@test("what goes no further than PRE_ROUTING counts all the same", serial=True, lab=batched)
def dropped(lab, fam):
    begin(lab, fam)
    lab.witnessed = False
    lab.R.nft("table inet wall {", "chain prerouting { type filter hook prerouting priority 0;",
              "tcp dport 9 drop;", "}", "}")
    make = {4: ipv4, 6: ipv6}[fam]
    a, b = lab.A.addr[fam], lab.B.addr[fam]
    for so_many in 1, 41:
        lab.forge(lab.A, [make(a, b, tcp(a, b, 20000 + i, 9, 7, 0, SYN))
                          for i in range(so_many)])
        wait_equal(lambda: proc(lab.R)["halfopen"], so_many, "half-opens")


@test("what waits in a namespace does not outlive it", serial=True, lab=batched)
def gone(lab, fam):
    begin(lab, fam)
    lab.witnessed = False
    make = {4: ipv4, 6: ipv6}[fam]
    a, b = lab.A.addr[fam], lab.B.addr[fam]
    for i in range(10):
        lab.forge(lab.A, [make(a, b, tcp(a, b, 20000 + j, 9, 7, 0, SYN)) for j in range(100)])
        lab.R.sysctl("net.tcpstate.enabled", 0)
        seen = proc(lab.R)
        equal((seen["flows"], seen["halfopen"], seen.pairs), (0, 0, {}), "what is left")
        lab.R.sysctl("net.tcpstate.enabled", 1)


def storms(lab, fam, stack, **settings):
    """SYNs from every CPU to where nothing answers."""
    lab.witnessed = False
    started = []
    for cpu in sorted(os.sched_getaffinity(0)):
        # What it runs inherits where.
        with one_cpu(cpu):
            started.append(stack.enter_context(traffic.Storm(
                lab, fam, 8000 + cpu, 5000, source=lab.spoof(fam, 1), sources=200,
                target=lab.silent[fam], **settings)))
    return started


@test("a storm of segments from every CPU: each is counted once", serial=True, lab=batched)
def storm(lab, fam):
    conn = begin(lab, fam)
    before = proc(lab.R)
    with contextlib.ExitStack() as stack:
        sending = storms(lab, fam, stack, count=10_000)
        wait_equal(lambda: proc(lab.R)["segments"] - before["segments"], 10_000 * len(sending),
                   "segments of the storms")
    after = proc(lab.R)
    equal(after["syn"] - before["syn"], 10_000 * len(sending), "SYNs")
    equal(after["opened"] + after["syn_retrans"] + after["superseded"] - before["opened"] >=
          10_000 * len(sending), True, "each SYN opened a half-open or was one's")
    identities(lab.R)
    conn.talk()
    wait_equal(lambda: proc(lab.R).pairs.get("ESTABLISHED"), (1, 1), "the connection beside it")


def turn(value):
    """Switch the second CPU off or on."""
    if not os.path.exists(SWITCH):
        raise Skip("a machine whose second CPU stays")
    write(SWITCH, value)


@test("segments in the batch of a CPU that goes offline are delivered before it is back",
      families=(4,), serial=True, lab=loaded(batch_from=0, max_halfopen=1 << 19))
def left(lab, fam):
    begin(lab, fam)
    turn("1")
    if not os.path.exists("/sys/class/net/lo/queues/rx-0/rps_cpus"):
        raise Skip("a kernel without packet steering")
    lab.witnessed = False
    lab.R.nft("table inet wall {", "chain prerouting { type filter hook prerouting priority 0;",
              "tcp dport 1000-2000 drop;", "}", "}")
    # The second CPU has a long queue of segments that the first one sends.
    first().sysctl("net.core.netdev_max_backlog", 100_000)
    lab.R.run("unshare", "-m", "sh", "-ec", "mount -t sysfs sysfs /sys; "
              "echo 2 >/sys/class/net/a0/queues/rx-0/rps_cpus")

    def opened():
        return proc(lab.R)["opened"] + proc(lab.R)["nomem"]
    number = 10_000
    with contextlib.ExitStack() as stack:
        stack.callback(turn, "1")
        for turns in range(10):
            before = opened()
            with one_cpu(0), traffic.Storm(
                    lab, fam, 1000 + turns, 1 << 20, source=lab.spoof(fam, 1), sources=200,
                    target=lab.silent[fam], count=number) as sending:
                wait_for(opened, lambda have: have > before + 100, "the storm")
                turn("0")
                wait_equal(lambda: opened() - before, number, "SYNs that opened a half-open")
                equal(sending.sent, number, "SYNs that were sent")
            turn("1")


@test("a CPU goes offline amid a storm: no segment is left in its batch", families=(4,),
      serial=True, lab=batched)
def offline(lab, fam):
    turn("1")
    with contextlib.ExitStack() as stack:
        sending = storms(lab, fam, stack)
        stack.callback(turn, "1")
        for _ in range(4):
            lab.connect(fam).talk()
            wait_for(lambda: proc(lab.R)["flows"], what="a flow, which makes the table large")
            seen = proc(lab.R)["segments"]
            wait_for(lambda: proc(lab.R)["segments"], lambda have: have > seen + 100,
                     "the storm")
            turn("0")
            lab.R.sysctl("net.tcpstate.enabled", 0)
            equal((proc(lab.R)["flows"], proc(lab.R)["halfopen"]), (0, 0), "what is left")
            lab.R.sysctl("net.tcpstate.enabled", 1)
            turn("1")
        true(sum(each.sent for each in sending), "nothing was sent")
    lab.R.sysctl("net.tcpstate.enabled", 0)
    lab.R.sysctl("net.tcpstate.enabled", 1)
    begin(lab, fam)


if __name__ == "__main__":
    traffic.build()
    main()
