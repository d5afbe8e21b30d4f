#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""
Timeouts: a pair in every state is forged, one timeout made short, and exactly the
pairs that it rules leave the gauges, at the millisecond: the clock is the test's.
"""

import time

from genl import Channel
from lab import *

S, SA, A, F = SYN, SYN | ACK, ACK, FIN | ACK

# Segments from i and r: flags, sequence and acknowledgement numbers relative to each
# side's initial one.
OPENED = [("i", S, 0, 0), ("r", SA, 0, 1), ("i", A, 1, 1)]
FIN_I, FIN_R = ("i", F, 1, 1), ("r", F, 1, 1)
PAIRS = {
    ("SYN_SENT", "LISTEN"): OPENED[:1],
    ("SYN_SENT", "SYN_RECV"): OPENED[:2],
    ("ESTABLISHED", "ESTABLISHED"): OPENED,
    ("FIN_WAIT1", "ESTABLISHED"): OPENED + [FIN_I],
    ("FIN_WAIT2", "CLOSE_WAIT"): OPENED + [FIN_I, ("r", A, 1, 2)],
    ("CLOSE_WAIT", "FIN_WAIT2"): OPENED + [FIN_R, ("i", A, 1, 2)],
    ("FIN_WAIT2", "LAST_ACK"): OPENED + [FIN_I, ("r", F, 1, 2)],
    ("FIN_WAIT1", "FIN_WAIT1"): OPENED + [FIN_I, FIN_R],
    ("CLOSING", "FIN_WAIT2"): OPENED + [FIN_I, FIN_R, ("i", A, 2, 2)],
    ("TIME_WAIT", "CLOSE"): OPENED + [FIN_I, ("r", F, 1, 2), ("i", A, 2, 2)],
    ("TIME_WAIT", "TIME_WAIT"): OPENED + [FIN_I, FIN_R, ("i", A, 2, 2), ("r", A, 2, 2)],
    "picked up, unreplied": [("i", A, 1, 1)],
    "picked up, replied": [("i", A, 1, 1), ("r", A, 1, 1)],
}
LONG = 3600
SCOUTS = 16             # when all of these went, the sweep has been nearly everywhere
BOTH = 4, 6
WRAP = 300              # seconds after boot: there jiffies wrap, and milliseconds told by them


def forge_pair(lab, fam, number, script):
    """Forge a connection between addresses where nobody answers."""
    first, second = lab.spoof(fam, 1), lab.silent[fam]
    for side, flags, seq, ack in script:
        own, peer = (1_000_000, 5_000_000) if side == "i" else (5_000_000, 1_000_000)
        src, dst, sport, dport = (first, second, 30_000 + number, 80) if side == "i" else \
            (second, first, 80, 30_000 + number)
        body = tcp(src, dst, sport, dport, own + seq, peer + ack if flags & ACK else 0, flags,
                   options=mss() if flags & SYN else b"")
        lab.forge(lab.A if side == "i" else lab.B, {4: ipv4, 6: ipv6}[fam](src, dst, body))


def tally(pairs):
    """The columns of /proc/tcpstate that these pairs make."""
    table = collections.defaultdict(lambda: [0, 0])
    for pair in pairs:
        first, second = ("ESTABLISHED", "ESTABLISHED") if isinstance(pair, str) else pair
        table[first][0] += 1
        table[second][1] += 1
    return {state: tuple(table[state]) for state in STATES if state in table}


def expires(lab, fam, names, gone, reason="timed_out", seconds=3):
    """With these timeouts short and the others long, exactly these pairs go, and not a
    millisecond before their time: then only those go that are older by as much."""
    for name in ("syn_sent syn_recv established fin_wait close_wait last_ack time_wait "
                 "unreplied").split():
        lab.R.sysctl(f"net.tcpstate.timeout_{name}", LONG)
    for name, value in names.items():
        lab.R.sysctl(f"net.tcpstate.timeout_{name}", value or seconds)
    others = [name for name in PAIRS if name not in gone]
    scouts = gone * SCOUTS
    with Clock() as clock:
        for number, name in enumerate(scouts, len(PAIRS)):
            forge_pair(lab, fam, number, PAIRS[name])
        wait_equal(lambda: proc(lab.R).pairs, tally(scouts), "the older ones")
        clock.pass_by(0.001)
        for number, script in enumerate(PAIRS.values()):
            forge_pair(lab, fam, number, script)
        wait_equal(lambda: proc(lab.R).pairs, tally([*scouts, *PAIRS]), "all pairs")
        clock.pass_by(seconds - 0.001)
        wait_equal(lambda: proc(lab.R).pairs, tally(PAIRS), "the older ones go alone")
        clock.pass_by(0.001)
        seen = wait_for(lambda: proc(lab.R), lambda seen: seen.pairs == tally(others),
                        f"only these go: {gone}")
    number = len(scouts) + len(gone)
    equal(seen[reason], number, reason)
    equal(sum(seen[name] for name in ENDS), number, "ends")
    equal(len(halfopens(lab.R)), seen["halfopen"], "half-open lines")


@test("timeout_syn_sent", serial=True)
def syn_sent(lab, fam):
    expires(lab, fam, {"syn_sent": 0}, [("SYN_SENT", "LISTEN")])


@test("timeout_syn_recv", serial=True)
def syn_recv(lab, fam):
    expires(lab, fam, {"syn_recv": 0}, [("SYN_SENT", "SYN_RECV")])


@test("timeout_established", serial=True)
def established(lab, fam):
    # and of what is unreplied the smaller of this and its own
    expires(lab, fam, {"established": 0}, [("ESTABLISHED", "ESTABLISHED"), "picked up, replied",
                                           "picked up, unreplied"])


@test("timeout_fin_wait, the larger of two", serial=True)
def fin_wait(lab, fam):
    expires(lab, fam, {"fin_wait": 0}, [("FIN_WAIT1", "FIN_WAIT1")])


@test("timeout_close_wait", serial=True)
def close_wait(lab, fam):
    expires(lab, fam, {"close_wait": 0, "fin_wait": 0},
            [("FIN_WAIT2", "CLOSE_WAIT"), ("CLOSE_WAIT", "FIN_WAIT2"),
             ("FIN_WAIT1", "FIN_WAIT1")])


@test("timeout_last_ack, CLOSING too", serial=True)
def last_ack(lab, fam):
    expires(lab, fam, {"last_ack": 0, "fin_wait": 0},
            [("FIN_WAIT2", "LAST_ACK"), ("CLOSING", "FIN_WAIT2"), ("FIN_WAIT1", "FIN_WAIT1")])


@test("timeout_time_wait: a good end", serial=True)
def time_wait(lab, fam):
    expires(lab, fam, {"time_wait": 0, "close": 1},
            [("TIME_WAIT", "CLOSE"), ("TIME_WAIT", "TIME_WAIT")], "closed_fin")


@test("timeout_unreplied", serial=True)
def unreplied(lab, fam):
    expires(lab, fam, {"unreplied": 0}, ["picked up, unreplied"])


@test("a SYN again does not renew, a SYN-ACK again does", serial=True)
def renewed(lab, fam):
    for name in "syn_sent", "syn_recv":
        lab.R.sysctl(f"net.tcpstate.timeout_{name}", 4)
    asked, answered = ("SYN_SENT", "LISTEN"), ("SYN_SENT", "SYN_RECV")
    with Clock() as clock:
        forge_pair(lab, fam, 1, OPENED[:1])
        forge_pair(lab, fam, 2, OPENED[:2])
        wait_equal(lambda: proc(lab.R).pairs, tally([asked, answered]), "pairs")
        clock.pass_by(3)
        forge_pair(lab, fam, 1, OPENED[:1])
        forge_pair(lab, fam, 2, OPENED[1:2])
        wait_for(lambda: proc(lab.R)["syn_retrans"] and proc(lab.R)["synack_retrans"],
                 what="both again")
        clock.pass_by(1)
        wait_equal(lambda: proc(lab.R).pairs, tally([answered]), "the first goes at its time")
        clock.pass_by(3)
        wait_equal(lambda: proc(lab.R).pairs, {}, "the second, as late after its SYN-ACK")


@test("what timed out lingers: stragglers open nothing, a SYN starts anew", serial=True)
def lingers(lab, fam):
    lab.R.sysctl("net.tcpstate.timeout_established", 1)
    lab.R.sysctl("net.tcpstate.timeout_close", 4)
    with Clock() as clock:
        conn = lab.connect(fam, sport=40_000)
        clock.pass_by(1)
        lab.expect([], counters={"opened": 1, "established": 1, "timed_out": 1})
        mark = len(lab.sniffer.all())
        # Data of both would revive it.
        conn.a.sendall(b"late")
        wait_for(lambda: (proc(lab.R)["stray"], len(lab.sniffer.since(mark))),
                 lambda both: both[0] == both[1] >= 2, "every straggler a stray")
        seen = proc(lab.R)
        equal((seen.pairs, seen["picked_up"]), ({}, 0), "after the stragglers")
        reset(conn.a)
        conn = lab.connect(fam, sport=40_000)
        wait_for(lambda: proc(lab.R)["established"], lambda number: number == 2, "a new life")


@test("five minutes after boot, where jiffies wrap, ages and timers go on", families=None)
def wraps(lab):
    def up():
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    if up() > WRAP - 12:
        raise Skip("that moment has passed")
    for name in "syn_sent", "established":
        lab.R.sysctl(f"net.tcpstate.timeout_{name}", 20)
    wait_for(up, lambda now: now > WRAP - 10, "ten seconds before it", WRAP)
    began = up()
    for fam in BOTH:
        forge_pair(lab, fam, 1, OPENED[:1])
        forge_pair(lab, fam, 2, OPENED)
    made = up()
    with Channel(lab.R) as channel:
        while up() < WRAP + 5:
            least = up() - made
            flows = channel.flows()
            most = up() - began
            equal(len(flows), 2 * len(BOTH), "records")
            for flow in flows:
                for name, value in ("age", flow.age), ("idle", flow.idle):
                    true(least - 0.1 <= value / 1000 <= most + 0.1,
                         f"{name} {value} ms after {least:.2f} to {most:.2f} s")
            time.sleep(0.05)
    wait_equal(lambda: proc(lab.R).pairs, {}, "all go")
    gone = up()
    true(gone - began >= 20 - 0.1, f"they went after {gone - began:.2f} s of 20")
    equal(proc(lab.R)["timed_out"], 2 * len(BOTH), "timed_out")


if __name__ == "__main__":
    main(one_cpu=True)
