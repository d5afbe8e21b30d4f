#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""
A hundred connections left in mixed states, drawn by a seeded die: what a router
infers of them equals what ss says on both hosts, exactly, and its half-open
lines are the hosts' SYN_SENT and SYN_RECV sockets one by one.

    LAB_SEED=17 t_population.py         another throw of the die
"""

import random

from kinds import KINDS, mixed, populate
from lab import *

@test("a hundred sockets in mixed states: R's counts are those of ss", families=None)
def population(lab):
    say(f"seed {SEED}")
    die = random.Random(SEED)
    conns = populate(lab, die, mixed(die, 100))

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
    main(one_cpu=True)
