# SPDX-License-Identifier: GPL-2.0
"""
Connections of every kind, real ones but for the spoofed: in whatever pair of states both
ends may rest, for their router does not forward all.
"""

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


def quiet(lab):
    """Half-opens stay as they are for the time of a test, and cookies come on demand."""
    for host in lab.hosts:
        for knob, value in (("tcp_synack_retries", 10), ("tcp_syn_retries", 10),
                            ("tcp_syncookies", 0)):
            host.sysctl(f"net.ipv4.{knob}", value)


def populate(lab, die, kinds):
    """Connections of these kinds, of either family and from either host: [(kind, Conn)]."""
    quiet(lab)
    lab.R.ip(*(f"neigh add {lab.address(fam, 1, 0x66)} lladdr 02:00:00:00:de:ae dev a0"
               for fam in (4, 6)))
    lab.drop(*RULES)
    kinds = list(kinds)
    die.shuffle(kinds)
    # there are no more spoofed sources
    kinds[250:] = ["established" if kind == "spoofed" else kind for kind in kinds[250:]]
    return [(kind, bring(lab, kind, die.choice((4, 6)), die.choice(lab.hosts), number))
            for number, kind in enumerate(kinds, 1)]


def mixed(die, number):
    """So many kinds, each of them at least once."""
    return list(KINDS) + die.choices(list(KINDS), k=number - len(KINDS))
