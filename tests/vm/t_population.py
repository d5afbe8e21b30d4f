#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""
A hundred connections left in mixed states, drawn by a seeded die: what a router
infers of them equals what ss says on both hosts, exactly, and its half-open
lines are the hosts' SYN_SENT and SYN_RECV sockets one by one.

    t_population.py [SEED]      another throw of the die
"""

import os
import random
import sys

from lab import *

# Responder's port -> what R does not forward of such connections. I is the
# initiator's way there, R the responder's way back.
PLAIN, FIN_I, FIN_R, FIN_BOTH, SYNACK, SYNS = range(8000, 8006)
RULES = [f"tcp dport {FIN_I} tcp flags & fin == fin",
         f"tcp sport {FIN_R} tcp flags & fin == fin",
         f"tcp dport {FIN_BOTH} tcp flags & fin == fin",
         f"tcp sport {FIN_BOTH} tcp flags & fin == fin",
         f"tcp sport {SYNACK} tcp flags & (syn | ack) == (syn | ack)",
         f"tcp dport {SYNS} tcp flags & syn == syn",
         f"tcp sport {SYNS} tcp flags & syn == syn"]

# How to come there, and what both ends are then. Steps: i and r shut down one
# side for sending, I and R reset, waiting for each FIN that gets through.
KINDS = {
    "established": (PLAIN, "", "ESTABLISHED", "ESTABLISHED"),
    "half closed": (PLAIN, "i", "FIN_WAIT2", "CLOSE_WAIT"),
    "half closed by responder": (PLAIN, "r", "CLOSE_WAIT", "FIN_WAIT2"),
    "closed": (PLAIN, "ir", "TIME_WAIT", "CLOSE"),
    "closed by responder": (PLAIN, "ri", "CLOSE", "TIME_WAIT"),
    "reset": (PLAIN, "I", None, None),
    "half closed and reset": (PLAIN, "rI", None, None),
    "FIN unheard": (FIN_I, "i", "FIN_WAIT1", "ESTABLISHED"),
    "responder's FIN unheard": (FIN_R, "r", "ESTABLISHED", "FIN_WAIT1"),
    "second FIN unheard": (FIN_R, "ir", "FIN_WAIT2", "LAST_ACK"),
    "initiator's second FIN unheard": (FIN_I, "ri", "LAST_ACK", "FIN_WAIT2"),
    "both FINs unheard": (FIN_BOTH, "ir", "FIN_WAIT1", "FIN_WAIT1"),
    "closing": (FIN_I, "ir", "CLOSING", "FIN_WAIT2"),
    "responder closing": (FIN_R, "ri", "FIN_WAIT2", "CLOSING"),
    "silent": (PLAIN, "silent", "SYN_SENT", "LISTEN"),
    "refused": (4, "refused", None, None),
    "SYN-ACK unheard": (SYNACK, "dial", "SYN_SENT", "SYN_RECV"),
    "crossing SYNs": (SYNS, "cross", "SYN_SENT", "SYN_SENT"),
    "spoofed": (PLAIN, "spoof", "SYN_SENT", "SYN_RECV"),
}


def bring(lab, kind, fam, client, number):
    """A connection of that kind."""
    port, steps, first, second = KINDS[kind]
    server = lab.B if client is lab.A else lab.A
    if steps == "silent":
        if client is lab.A:
            return lab.dial(fam, lab.silent[fam], port)
        return lab.dial(fam, lab.address(fam, 1, 0x66), port, client=client)
    if steps == "refused":
        return lab.dial(fam, dport=port, client=client)
    if steps == "spoof":
        source = lab.spoof(fam, number)
        lab.listen(fam, port, server)
        segment = tcp(source, server.addr[fam], 20000 + number, port, seq=number << 20,
                      flags=SYN, options=mss())
        lab.forge(client, {4: ipv4, 6: ipv6}[fam](source, server.addr[fam], segment))
        return Conn(fam, (None, server), at(source, 20000 + number),
                    at(server.addr[fam], port))
    if steps == "dial":
        lab.listen(fam, port, server)
        return lab.dial(fam, dport=port, client=client)
    if steps == "cross":
        conn = lab.dial(fam, dport=port, sport=30000 + number, client=client)
        # the other's port must be this one, and there may be several such pairs
        conn.b = lab.dial(fam, dport=30000 + number, sport=port, client=server).a
        return conn
    # A port of its own: one that is free here may be in TIME_WAIT there.
    conn = lab.connect(fam, sport=10000 + number, dport=port, client=client)
    if number % 3 == 0:
        conn.talk()
    heard = {"i": port not in (FIN_I, FIN_BOTH), "r": port not in (FIN_R, FIN_BOTH)}
    for step in steps:
        own, peer = (conn.a, conn.b) if step in "iI" else (conn.b, conn.a)
        if step in "IR":
            reset(own)
        else:
            own.shutdown(SHUT_WR)
            if heard[step]:
                equal(peer.recv(1), b"", "end of stream")
    return conn


@test("a hundred sockets in mixed states: R's counts are those of ss", families=None)
def population(lab):
    seed = int(os.environ.get("LAB_SEED", 9293))
    die = random.Random(seed)
    print(f"# seed {seed}")
    for host in lab.hosts:
        for knob, value in (("tcp_synack_retries", 10), ("tcp_syn_retries", 10),
                            ("tcp_syncookies", 0)):
            host.sysctl(f"net.ipv4.{knob}", value)
    lab.R.ip(*(f"neigh add {lab.address(fam, 1, 0x66)} lladdr 02:00:00:00:de:ae dev a0"
               for fam in (4, 6)))
    lab.drop(*RULES)
    kinds = list(KINDS) + die.choices(list(KINDS), k=100 - len(KINDS))
    die.shuffle(kinds)
    conns = []
    for number, kind in enumerate(kinds, 1):
        fam, client = die.choice((4, 6)), die.choice(lab.hosts)
        conns.append((kind, bring(lab, kind, fam, client, number)))

    def look():
        said = {host: ss(host) for host in lab.hosts}
        table = collections.defaultdict(lambda: [0, 0])
        half = set()
        for kind, conn in conns:
            client, server = conn.hosts
            first = said[client].pop((conn.initiator, conn.responder), None) if client else None
            second = said[server].pop((conn.responder, conn.initiator), None) \
                if server else None
            equal((first, second), tuple(
                None if state in ("CLOSE", "LISTEN", None) or not host else state
                for state, host in zip(KINDS[kind][2:], conn.hosts)), f"ss of {kind}, {conn}")
            if first == second is None:
                continue
            # what no host has a socket for: the spoofed source never was more than
            # its SYN; before the handshake nothing but the listener is there
            first = first or ("SYN_SENT" if client is None else "CLOSE")
            second = second or ("LISTEN" if first == "SYN_SENT" else "CLOSE")
            table[first][0] += 1
            table[second][1] += 1
            if first == "SYN_SENT":
                half.add((f"ipv{conn.fam}", conn.initiator, conn.responder,
                          "SYN_RECV" if second == "SYN_RECV" else "SYN_SENT"))
        equal(said, {host: {} for host in lab.hosts}, "sockets that nobody made")
        seen = proc(lab.R)
        equal(seen.pairs, {state: tuple(table[state]) for state in STATES if state in table},
              "counts in R")
        equal(seen.unequal(), [], "identities in R")
        sent = collections.Counter(
            (at(seg.src, seg.sport), at(seg.dst, seg.dport), bool(seg.flags & ACK))
            for seg in lab.sniffer.all() if seg.flags & SYN)
        lines = halfopens(lab.R)
        equal({line[:4] for line in lines}, half, "half-open lines")
        equal({line[1:3] + line[5:] for line in lines},
              {each[1:3] + (sent[*each[1:3], False], sent[*each[2:0:-1], True])
               for each in half}, "SYNs and SYN-ACKs of the half-open lines")
        equal((seen["halfopen"], seen["flows"]),
              (len(half), sum(one for one, _ in table.values()) - len(half)), "gauges")
        lost = [kind for kind, conn in conns if KINDS[kind][2] is None]
        seen = seen.counted
        equal({name: seen.get(name, 0) for name in
               ("opened", "established", "closed_reset", "refused", "picked_up")},
              {"opened": len(conns), "picked_up": 0,
               "established": sum(KINDS[kind][1] not in (
                   "silent", "refused", "dial", "cross", "spoof") for kind, _ in conns),
               "refused": lost.count("refused"),
               "closed_reset": len(lost) - lost.count("refused")}, "lives")
    wait_for(look, lambda _: True, "agreement")


if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1].isdigit():
        os.environ["LAB_SEED"] = sys.argv.pop(1)
    main(one_cpu=True)
