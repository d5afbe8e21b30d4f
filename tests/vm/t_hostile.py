#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""
Segments that nobody should send, forged against a live connection: each lands in
the counter that names it, moves no state that it should not, and passes; and the
connection goes on as if nothing had been.

Forged packets carry their own TTL, by which a host's nftables drop them on arrival
(a packet socket sees them before that): the live stacks never answer, so that what
tcpstate counts is the forged segment alone.
"""

import itertools

from lab import *

TTL = 77
EDGE = 1 << 30                  # far outside of any window


class Live:
    """A live connection to forge against, and the books on it."""

    def __init__(self, lab, fam, quiet=True):
        self.lab, self.fam = lab, fam
        lab.witnessed = False
        self.ident = 0
        for host in lab.hosts if quiet else ():
            host.nft("table inet quiet {",
                     "chain in { type filter hook prerouting priority -400;",
                     f"ip ttl {TTL - 1} drop; ip6 hoplimit {TTL - 1} drop;", "}", "}")
        self.ears = {host: Sniffer(host, every=True) for host in lab.hosts}
        self.conn = lab.connect(fam)
        # more than any forged segment reaches back
        self.conn.talk(bytes(3000), bytes(3000))
        self.ends = {lab.A: int(self.conn.initiator.rpartition(":")[2]), lab.B: 80}
        self.settle()

    def settle(self):
        """Await that R saw all there is, and note where both sequences stand."""
        def last():
            return [self.lab.sniffer.last(host.addr[self.fam], port)
                    for host, port in self.ends.items()]

        # all that was sent is acknowledged too
        a, b = wait_for(last, lambda both: all(both) and all(
            one.ack == (other.seq + other.length) % (1 << 32)
            for one, other in (both, both[::-1])), "both sides' last ACK")
        self.nxt = {self.lab.A: a.seq + a.length, self.lab.B: b.seq + b.length}
        self.before = proc(self.lab.R)

    def peer(self, host):
        """The other host."""
        return self.lab.B if host is self.lab.A else self.lab.A

    def segment(self, host, seq=0, ack=0, flags=ACK, **rest):
        """A segment from a host to its peer, numbers relative to what is next."""
        peer = self.peer(host)
        return tcp(host.addr[self.fam], peer.addr[self.fam], self.ends[host],
                   self.ends[peer], self.nxt[host] + seq, self.nxt[peer] + ack, flags,
                   **{"window": 500, **rest})

    def packet(self, host, body, **rest):
        """An IP packet around it, with an ident of its own."""
        self.ident += 1
        peer = self.peer(host)
        make, mark = {4: (ipv4, {"ident": self.ident}),
                      6: (ipv6, {"label": self.ident})}[self.fam]
        return make(host.addr[self.fam], peer.addr[self.fam], body,
                    **{"ttl": TTL, **mark, **rest})

    def send(self, host, packet):
        """Send it into R and await that it arrives at the peer as it was."""
        self.lab.forge(host, packet)
        ident, ear = self.ident, self.ears[self.peer(host)]
        mark = getattr(ear, "mark", 0)
        came = wait_for(lambda: [seg for seg in ear.since(mark)
                                 if seg.ident == ident and seg.ttl == TTL - 1],
                        what=f"forged packet {ident} at {self.peer(host)}")[0]
        ear.mark = len(ear.all())
        if self.fam == 4:
            head = (packet[0] & 15) * 4
            size = struct.unpack_from("!H", packet, 2)[0]
            equal(came.raw[head:size], packet[head:size], "octets on arrival")
        else:
            size = 40 + struct.unpack_from("!H", packet, 4)[0]
            equal(came.raw[:7] + bytes([TTL]) + came.raw[8:size], packet[:size],
                  "octets on arrival")

    # what may change without any evidence being refused or believed
    NEUTRAL = set(SEGMENTS)

    def hears(self, host, body, wanted, what, **rest):
        """Send a segment: exactly this counter moves (None: none but those of
        SEGMENTS; a set: one of these outcomes), and no state does."""
        self.send(host, self.packet(host, body, **rest))
        after = proc(self.lab.R)
        moved = {name: value - self.before[name] for name, value in after.counters.items()
                 if value != self.before[name] and name not in self.NEUTRAL}
        choices = [{}] if wanted is None else [
            {each: 1} if each else {} for each in ([wanted] if isinstance(wanted, str)
                                                   else wanted)]
        true(moved in choices, f"{what}: wanted {wanted}, moved {moved}")
        equal(after.pairs, self.before.pairs, f"{what}: states")
        equal(after.entered, self.before.entered, f"{what}: states entered")
        self.before = after

    def goes_on(self, what=""):
        """The connection still exchanges data, and nothing of it is refused."""
        self.conn.talk()
        self.settle()
        equal(proc(self.lab.R).pairs, {"ESTABLISHED": (1, 1)}, f"states after {what}")


def flags_of(bits):
    """Flags as text."""
    return "".join(letter for bit, letter in enumerate("FSRPAU") if bits >> bit & 1) or "none"


def invalid(bits):
    """Flags that no TCP sends."""
    return (not bits & (ACK | SYN | RST) or bits & SYN and bits & (FIN | RST) or
            bits & FIN and bits & RST or bits & FIN and not bits & ACK)


@test("every combination of flags, outside of the window, from both sides")
def flags_outside(lab, fam):
    live = Live(lab, fam)
    for host, bits in itertools.product(lab.hosts, range(64)):
        if invalid(bits):
            wanted = "invalid_flags"
        elif bits & RST:
            wanted = "invalid_rst"
        else:
            wanted = "out_of_window"
        body = live.segment(host, EDGE, 0, bits, payload=b"" if bits & (RST | SYN) else b"x" * 9)
        live.hears(host, body, wanted, f"{flags_of(bits)} of {host} out of window")
        live.goes_on(flags_of(bits))
    lab.expect([(live.conn, "ESTABLISHED", "ESTABLISHED")])
    equal(proc(lab.R)["resync"], 0, "resync")


@test("every combination of flags, inside of the window, from both sides")
def flags_inside(lab, fam):
    live = Live(lab, fam)
    for host, bits in itertools.product(lab.hosts, range(64)):
        seq = 0
        if invalid(bits):
            wanted = "invalid_flags"
        elif bits & RST:
            seq, wanted = 1, "rst_inexact"
        elif bits & SYN:
            wanted = "out_of_window"
        elif bits & FIN:
            # at its exact place it would be a FIN indeed: see forged_fin()
            seq, wanted = -100, {"fin_retrans", "data_retrans", "out_of_window"}
        else:
            wanted = None
        live.hears(host, live.segment(host, seq, 0, bits), wanted,
                   f"{flags_of(bits)} of {host} in window")
        live.goes_on(flags_of(bits))
    lab.expect([(live.conn, "ESTABLISHED", "ESTABLISHED")])
    equal(proc(lab.R)["resync"], 0, "resync")


@test("ECE, CWR and reserved bits change nothing")
def other_bits(lab, fam):
    live = Live(lab, fam)
    for bits, reserved in itertools.product((ECE, CWR, ECE | CWR), (0, 1, 15)):
        live.hears(lab.A, live.segment(lab.A, flags=ACK | bits, reserved=reserved), None,
                   f"bits {bits:#x}, reserved {reserved}")
        live.hears(lab.A, live.segment(lab.A, flags=bits, reserved=reserved),
                   "invalid_flags", f"bits {bits:#x} alone")
        live.goes_on()


# An ACK each way and a RST, or FINs: numbers made up, and they agree with each other.
BLIND = {
    "a RST": [("A", 3 * EDGE, ACK), ("B", 2 * EDGE, ACK), ("A", 3 * EDGE, RST)],
    "FINs": [("A", 3 * EDGE, ACK), ("B", 2 * EDGE, FIN | ACK), ("A", 3 * EDGE, FIN | ACK),
             ("B", 2 * EDGE + 1, ACK)],
}


@test("three or four segments with nothing but addresses and ports right change nothing")
def blind(lab, fam):
    live = Live(lab, fam)
    for what, segments in BLIND.items():
        live.conn.talk()
        live.settle()
        known = {"A": 3 * EDGE, "B": 2 * EDGE}
        for name, number, bits in segments:
            host = {"A": lab.A, "B": lab.B}[name]
            peer = live.peer(host)
            body = tcp(host.addr[fam], peer.addr[fam], live.ends[host], live.ends[peer],
                       number, known["B" if name == "A" else "A"] if bits & ACK else 0, bits,
                       window=500)
            known[name] = number + bool(bits & FIN)
            live.send(host, live.packet(host, body))
            equal(proc(lab.R).pairs, {"ESTABLISHED": (1, 1)}, f"states after {what}")
        before = proc(lab.R)
        for _ in range(5):
            live.conn.talk()
        live.goes_on(what)
        after = proc(lab.R)
        equal([after[name] - before[name] for name in ("stray", "out_of_window", "invalid_ack")],
              [0, 0, 0], f"true segments refused after {what}")
    equal((proc(lab.R)["resync"], proc(lab.R)["closed_reset"]), (0, 0), "resync, closed_reset")


@test("forged acknowledgements and data: what was never sent, what is long past")
def numbers(lab, fam):
    live = Live(lab, fam)
    for host in lab.hosts:
        for what, seq, ack, size, wanted in (
                ("ACK of what was never sent", 0, 1, 0, "invalid_ack"),
                ("ACK far beyond", 0, EDGE, 0, "invalid_ack"),
                ("data with such an ACK", 0, 5000, 10, "invalid_ack"),
                ("data beyond the window", EDGE, 0, 10, "out_of_window"),
                ("data far below", -EDGE, 0, 10, "out_of_window"),
                ("the same data again", -500, 0, 500, "data_retrans"),
                ("part of it again", -500, 0, 100, "data_retrans"),
                ("an octet before", -1, 0, 0, "keepalive"),
                ("that octet itself", -1, 0, 1, "keepalive"),
                ("an old ACK", 0, -500, 0, None)):
            live.hears(host, live.segment(host, seq, ack, payload=bytes(size)), wanted,
                       f"{what}, {host}")
            live.goes_on(what)
    equal(proc(lab.R)["resync"], 0, "resync")


@test("forged RSTs: only the exact number is believed")
def forged_rst(lab, fam):
    live = Live(lab, fam)
    for host, bits in itertools.product(lab.hosts, (RST, RST | ACK)):
        for seq, wanted in ((1, "rst_inexact"), (100, "rst_inexact"),
                            (EDGE, "invalid_rst"), (-EDGE, "invalid_rst"),
                            (1 << 31, "invalid_rst"), (1 << 24, "invalid_rst")):
            live.hears(host, live.segment(host, seq, 0, bits), wanted,
                       f"{flags_of(bits)} of {host} at {seq}")
            live.goes_on("RST")
    live.send(lab.A, live.packet(lab.A, live.segment(lab.A, flags=RST)))
    lab.expect([])
    equal(proc(lab.R)["closed_reset"], 1, "closed_reset")
    # data of one that was left out of it opens nothing
    mark = len(lab.sniffer.all())
    live.conn.a.sendall(b"ping")
    live.conn.b.recv(4)
    wait_for(lambda: (proc(lab.R)["stray"], len(lab.sniffer.since(mark))),
             lambda both: both[0] == both[1] >= 2, "every straggler a stray")
    equal((proc(lab.R).pairs, proc(lab.R)["picked_up"]), ({}, 0), "after the RST")
    # data of both proves that the connection goes on
    live.conn.b.sendall(b"pong")
    live.conn.a.recv(4)
    wait_equal(lambda: proc(lab.R).pairs, {"ESTABLISHED": (1, 1)}, "states after data of both")
    equal(proc(lab.R)["picked_up"], 1, "picked_up")
    identities(lab.R)
    wait_equal(lambda: set(ss(lab.A).values()), {"ESTABLISHED"}, "ss in A")


@test("forged FINs: outside of the window nothing, in its place a FIN")
def forged_fin(lab, fam):
    live = Live(lab, fam)
    for host, (seq, ack, size, wanted) in itertools.product(lab.hosts, (
            (EDGE, 0, 0, "out_of_window"), (-EDGE, 0, 0, "out_of_window"),
            (EDGE, 0, 100, "out_of_window"), (0, EDGE, 0, "invalid_ack"),
            (0, 1, 0, "invalid_ack"))):
        live.hears(host, live.segment(host, seq, ack, FIN | ACK, payload=bytes(size)),
                   wanted, f"FIN of {host} at {seq}, ack {ack}")
        live.goes_on("FIN")
    live.send(lab.A, live.packet(lab.A, live.segment(lab.A, flags=FIN | ACK)))
    # the wire proved it, though A's stack knows nothing of it
    lab.expect([(live.conn, "FIN_WAIT1", "ESTABLISHED", "ESTABLISHED", "ESTABLISHED")])


@test("forged SYNs and SYN-ACKs change nothing")
def forged_syn(lab, fam):
    live = Live(lab, fam)
    for host, seq, bits in itertools.product(lab.hosts, (0, 1, 1000, EDGE, -EDGE, -10_000),
                                             (SYN, SYN | PSH | URG, SYN | ECE | CWR,
                                              SYN | ACK)):
        live.hears(host, live.segment(host, seq, 0, bits, options=mss() + wscale(7)),
                   "out_of_window", f"{flags_of(bits & 63)} of {host} at {seq}")
        live.goes_on("SYN")


@test("live stacks answer forged segments, the connection goes on")
def challenged(lab, fam):
    live = Live(lab, fam, quiet=False)
    for host in lab.hosts:
        host.sysctl("net.ipv4.tcp_invalid_ratelimit", 0)
    for host, (seq, ack, bits, size, wanted) in itertools.product(lab.hosts, (
            (0, 0, SYN, 0, "out_of_window"), (100, 0, RST, 0, "rst_inexact"),
            (EDGE, 0, ACK, 10, "out_of_window"), (EDGE, 0, FIN | ACK, 0, "out_of_window"),
            (-200, 0, ACK, 100, "data_retrans"), (0, EDGE, ACK, 10, "invalid_ack"),
            (EDGE, 0, RST, 0, "invalid_rst"))):
        live.send(host, live.packet(host, live.segment(host, seq, ack, bits,
                                                       payload=bytes(size))))
        moved = proc(lab.R)
        equal(moved[wanted], live.before[wanted] + 1, f"{wanted}, {flags_of(bits)}")
        live.goes_on(flags_of(bits))
    lab.expect([(live.conn, "ESTABLISHED", "ESTABLISHED")])


@test("data offset 0 to 15 against lengths 0 to 64")
def data_offset(lab, fam):
    live = Live(lab, fam)
    for size in (0, 1, 3, 4, 8, 12, 13, 14, 16, 19, 20, 21, 24, 28, 40, 59, 60, 64):
        for offset in range(16):
            fits = size >= 20 and 20 <= offset * 4 <= size
            past = size - offset * 4 if fits else 0
            body = live.segment(lab.A, -past, options=b"\1" * 40, offset=offset, payload=b"abcd")
            body = body[:16] + b"\0\0" + body[18:]
            body = body[:size]
            if size >= 18:
                src, dst = (packed(host.addr[fam]) for host in lab.hosts)
                total = checksum(src + dst + struct.pack("!II", size, 6) + body)
                body = body[:16] + struct.pack("!H", total) + body[18:]
            wanted = ("keepalive" if past == 1 else "data_retrans" if past else None) \
                if fits else "malformed"
            live.hears(lab.A, body, wanted, f"offset {offset}, length {size}")
        live.goes_on(f"length {size}")


@test("options that lie about their length")
def broken_options(lab, fam):
    live = Live(lab, fam)
    lies = [bytes([kind, size]) + rest for kind in (0, 1, 2, 3, 5, 8, 19, 30, 34, 254, 255)
            for size in (0, 1, 2, 3, 4, 10, 11, 40, 41, 255) for rest in (b"", b"\xff" * 38)]
    for lie in lies[::3] if fam == 6 else lies[::2]:
        for bits, wanted in (ACK, None), (SYN, "out_of_window"):
            live.hears(lab.A, live.segment(lab.A, flags=bits, options=lie[:40]), wanted,
                       f"{flags_of(bits)} with options {lie.hex()}")
        # a lie that ends with the header
        live.hears(lab.A, live.segment(lab.A, options=b"\1\1" + lie[:2]), None, lie[:2].hex())
    live.goes_on("broken options")


@test("bad checksums have no effect, and are not looked at with checksum=0")
def bad_checksum(lab, fam):
    live = Live(lab, fam)
    for host, (seq, ack, bits, size) in itertools.product(lab.hosts, (
            (0, 0, ACK, 0), (0, 0, ACK, 100), (0, 0, FIN | ACK, 0), (0, 0, RST, 0),
            (0, 0, SYN, 0), (0, EDGE, ACK, 0), (EDGE, 0, ACK, 9), (0, 0, 0, 0))):
        live.hears(host, live.segment(host, seq, ack, bits, payload=bytes(size), check="bad"),
                   "bad_checksum", f"{flags_of(bits)} of {host}")
        live.goes_on(flags_of(bits))
    # opens nothing either
    live.send(lab.A, live.packet(lab.A, tcp(lab.A.addr[fam], lab.B.addr[fam], 5, 6,
                                            flags=SYN, check="bad")))
    equal(proc(lab.R)["bad_checksum"], live.before["bad_checksum"] + 1, "bad_checksum")
    equal(proc(lab.R)["opened"], 1, "opened")
    live.settle()
    lab.R.sysctl("net.tcpstate.checksum", 0)
    live.hears(lab.A, live.segment(lab.A, -100, payload=bytes(100), check="bad"),
               "data_retrans", "checksum=0")
    lab.R.sysctl("net.tcpstate.checksum", 1)
    live.hears(lab.A, live.segment(lab.A, -100, payload=bytes(100), check="bad"),
               "bad_checksum", "checksum=1")
    live.goes_on()


def fragment(live, host, body, offset, more):
    """Keyword arguments of Live.packet() that make it a fragment."""
    if live.fam == 4:
        return {"offset": offset, "more": more}
    return {"extensions": [fragment_header(offset, more, live.ident + 1)]}


@test("fragments: of the first the header counts, later ones have no effect")
def fragments(lab, fam):
    live = Live(lab, fam)
    whole = live.segment(lab.A, -100, payload=bytes(100))
    for what, body, offset, more, wanted in (
            ("first", whole[:64], 0, True, "data_retrans"),
            ("later", whole[64:], 64, False, "fragment"),
            ("middle", whole[64:112], 64, True, "fragment"),
            ("far", whole[:8], 65512 if fam == 4 else 65504, False, "fragment"),
            ("first, bad checksum: unknown", live.segment(
                lab.A, -100, payload=bytes(100), check="bad")[:64], 0, True, "data_retrans"),
            ("tiny first", whole[:8], 0, True, "malformed"),
            ("first without all of its header", whole[:16], 0, True, "malformed"),
            # RFC 1858: it would overwrite the flags of the first
            ("overlapping", live.segment(lab.A, flags=RST)[8:], 8, False, "fragment"),
            ("later, looks like a RST", live.segment(lab.A, flags=RST) + bytes(4), 24, False,
             "fragment"),
            ("later, short", b"x", 64, False, "fragment")):
        live.hears(lab.A, body, wanted, f"fragment: {what}",
                   **fragment(live, lab.A, body, offset, more))
        live.goes_on(what)
    if fam == 6:
        live.hears(lab.A, live.segment(lab.A, -100, payload=bytes(100)), "data_retrans",
                   "atomic fragment", extensions=[fragment_header()])
        live.hears(lab.A, live.segment(lab.A, -100, payload=bytes(100), check="bad"),
                   "bad_checksum", "atomic fragment, bad checksum",
                   extensions=[fragment_header()])
        live.goes_on("atomic")


@test("IPv6 extension headers: the segment behind them counts", families=(6,))
def extensions(lab, fam):
    live = Live(lab, fam)
    hop, dst, route = options_header(0), options_header(60), routing_header()
    for chain in ([hop], [dst], [route], [hop, dst, route, dst], [options_header(60, 30)],
                  [dst] * 8, [hop, route, fragment_header(), dst], [routing_header(4)]):
        kinds = [kind for kind, _ in chain]
        live.hears(lab.A, live.segment(lab.A, -100, payload=bytes(100)), "data_retrans",
                   f"chain {kinds}", extensions=chain)
        live.hears(lab.A, live.segment(lab.A, EDGE, flags=RST), "invalid_rst",
                   f"RST behind {kinds}", extensions=chain)
        live.hears(lab.A, live.segment(lab.A, flags=RST, check="bad"), "bad_checksum",
                   f"checksum behind {kinds}", extensions=chain)
        live.hears(lab.A, live.segment(lab.A)[:10], "malformed", f"cut behind {kinds}",
                   extensions=chain)
        live.goes_on(f"chain {kinds}")
    body = live.segment(lab.A, flags=RST)
    # not TCP, or nothing that one can find: no counter, and it passes
    live.hears(lab.A, body, None, "no next header", proto=59)
    live.hears(lab.A, body, None, "unknown protocol", proto=253)
    live.hears(lab.A, body, None, "hidden behind ESP",
               extensions=[dst], proto=50)
    live.hears(lab.A, b"\6\377" + bytes(6), {None, "malformed"},
               "a chain that ends beyond the packet", proto=60)
    live.hears(lab.A, b"\6", {None, "malformed"}, "a chain cut short", proto=60)
    live.goes_on("strange chains")


@test("IPv4 options and trailing octets", families=(4,))
def ip_options(lab, fam):
    live = Live(lab, fam)
    for size in 4, 20, 40:
        live.hears(lab.A, live.segment(lab.A, -100, payload=bytes(100)), "data_retrans",
                   f"{size} octets of IP options", options=b"\1" * size)
        live.hears(lab.A, live.segment(lab.A)[:19], "malformed",
                   f"cut behind {size} octets of IP options", options=b"\1" * size)
    # padding of the link is no payload
    live.send(lab.A, live.packet(lab.A, live.segment(lab.A)) + b"p" * 40)
    live.goes_on("trailing octets")
    equal(proc(lab.R).counted.get("data_retrans", 0), 3, "data_retrans")


# Against a handshake

class Attempt(Live):
    """A SYN of A to where nobody lives; B plays that host's part."""

    def __init__(self, lab, fam):
        self.lab, self.fam, self.ident = lab, fam, 0
        lab.witnessed = False
        for host in lab.hosts:
            host.nft("table inet quiet {",
                     "chain in { type filter hook prerouting priority -400;",
                     f"ip ttl {TTL - 1} drop; ip6 hoplimit {TTL - 1} drop;", "}", "}")
        lab.A.sysctl("net.ipv4.tcp_syn_retries", 1)
        self.ears = {host: Sniffer(host, every=True) for host in lab.hosts}
        self.iss = {lab.A: 1 << 32, lab.B: 77_000}
        self.nxt = {lab.A: (1 << 32) + 1, lab.B: 77_000}
        self.ends = {lab.A: 40_000, lab.B: 80}
        self.send(lab.A, self.packet(lab.A, self.segment(lab.A, -1, 0, SYN)))
        self.before = proc(lab.R)
        equal(self.before.pairs, {"SYN_SENT": (1, 0), "LISTEN": (0, 1)}, "after the SYN")


@test("forged segments against SYN_SENT: only the right numbers are believed")
def against_syn_sent(lab, fam):
    live = Attempt(lab, fam)
    for what, host, seq, ack, bits, wanted in (
            ("SYN-ACK of another SYN", lab.B, 0, 1, SYN | ACK, "invalid_ack"),
            ("SYN-ACK of nothing", lab.B, 0, -1, SYN | ACK, "invalid_ack"),
            ("SYN-ACK far off", lab.B, 0, EDGE, SYN | ACK, "invalid_ack"),
            ("RST with another ACK", lab.B, 0, 1, RST | ACK, "invalid_rst"),
            ("RST acknowledging nothing", lab.B, 0, -1, RST | ACK, "invalid_rst"),
            ("RST without ACK", lab.B, 0, 0, RST, "invalid_rst"),
            ("RST of the initiator elsewhere", lab.A, 100, 0, RST, {"invalid_rst", "rst_inexact"}),
            ("RST of the initiator far off", lab.A, EDGE, 0, RST, "invalid_rst"),
            ("bare ACK of the responder", lab.B, 0, 0, ACK, None),
            ("ACK of the initiator", lab.A, 0, 0, ACK, "invalid_ack"),
            ("FIN of the initiator", lab.A, 0, 0, FIN | ACK, "invalid_ack"),
            ("SYN again", lab.A, -1, 0, SYN, "syn_retrans")):
        live.hears(host, live.segment(host, seq, ack, bits), wanted, what)
    equal([each[3:4] + each[5:] for each in halfopens(lab.R)], [("SYN_SENT", 2, 0)],
          "half-open line")
    live.send(lab.B, live.packet(lab.B, live.segment(lab.B, 0, 0, RST | ACK)))
    lab.expect([])
    equal(proc(lab.R)["refused"], 1, "refused")


@test("forged segments against SYN_RECV: only the right numbers are believed")
def against_syn_recv(lab, fam):
    live = Attempt(lab, fam)
    live.send(lab.B, live.packet(lab.B, live.segment(lab.B, 0, 0, SYN | ACK)))
    live.nxt[lab.B] += 1
    live.before = proc(lab.R)
    equal(live.before.pairs, {"SYN_SENT": (1, 0), "SYN_RECV": (0, 1)}, "after the SYN-ACK")
    for what, host, seq, ack, bits, wanted in (
            ("ACK of what was never sent", lab.A, 0, 1, ACK, "invalid_ack"),
            ("ACK of nothing", lab.A, 0, -1, ACK, "invalid_ack"),
            ("ACK far off", lab.A, 0, EDGE, ACK, "invalid_ack"),
            ("FIN with such an ACK", lab.A, 0, 1, FIN | ACK, "invalid_ack"),
            ("RST of the initiator far off", lab.A, EDGE, 0, RST, "invalid_rst"),
            ("RST of the responder with another ACK", lab.B, 0, 1, RST | ACK, "invalid_rst"),
            ("another SYN", lab.A, 1000, 0, SYN, "out_of_window"),
            ("SYN again", lab.A, -1, 0, SYN, "syn_retrans"),
            ("SYN-ACK again", lab.B, -1, 0, SYN | ACK, "synack_retrans")):
        live.hears(host, live.segment(host, seq, ack, bits), wanted, what)
    equal([each[3:4] + each[5:] for each in halfopens(lab.R)], [("SYN_RECV", 2, 2)],
          "half-open line")
    live.send(lab.A, live.packet(lab.A, live.segment(lab.A)))
    equal(proc(lab.R).pairs, {"ESTABLISHED": (1, 1)}, "after the ACK")


# Switches

@test("sysctls refuse wrong values and keep the old", families=None)
def wrong_values(lab):
    names = ["enabled", "loose", "checksum"] + [f"timeout_{name}" for name in (
        "syn_sent syn_recv established fin_wait close_wait last_ack time_wait close "
        "unreplied").split()]
    for name in names:
        old = lab.R.sysctl(f"net.tcpstate.{name}")
        wrong = ["-1", "x", "1x", "99999999999999999999", "-9999999999"]
        wrong += ["2"] if not name.startswith("timeout") else ["4294967296"]
        for value in wrong:
            try:
                lab.R.sysctl(f"net.tcpstate.{name}", value)
            except OSError as error:
                equal(error.errno, 22, f"{name}={value}: errno")
            else:
                raise Failure(f"{name}={value} was taken")
            equal(lab.R.sysctl(f"net.tcpstate.{name}"), old, f"{name} after {value}")
    equal([lab.R.sysctl(f"net.tcpstate.timeout_{name}") for name in (
        "syn_sent syn_recv established fin_wait close_wait last_ack time_wait close "
        "unreplied").split()], "120 60 432000 120 432000 30 60 10 300".split(), "defaults")
    lab.R.sysctl("net.tcpstate.timeout_close", 7)
    equal((lab.A.sysctl("net.tcpstate.timeout_close"), lab.R.sysctl("net.tcpstate.timeout_close")),
          ("10", "7"), "timeout_close in A and R")


@test("enabled=0 unhooks and flushes, enabled=1 resumes")
def switched_off(lab, fam):
    lab.witnessed = False
    conn = lab.connect(fam)
    half = lab.dial(fam, lab.silent[fam])
    lab.expect([(conn, "ESTABLISHED", "ESTABLISHED"), (half, "SYN_SENT", "LISTEN")])
    lab.R.sysctl("net.tcpstate.enabled", 0)
    equal(lab.R.sysctl("net.tcpstate.enabled"), "0", "enabled")
    still = proc(lab.R)
    equal((still.pairs, still["flows"], still["halfopen"], still["flushed"]), ({}, 0, 0, 2),
          "flushed")
    equal(halfopens(lab.R), [], "half-open lines")
    for _ in range(10):
        conn.talk()
    other = lab.connect(fam, dport=81)
    reset(other.a)
    equal(proc(lab.R).text, still.text, "counters")
    lab.expect([(conn, "ESTABLISHED", "ESTABLISHED"), (half, "SYN_SENT", "LISTEN")], ns=lab.A)
    half.a.close()
    lab.R.sysctl("net.tcpstate.enabled", 1)
    conn.talk()
    lab.expect([(conn, "ESTABLISHED", "ESTABLISHED")])
    equal((proc(lab.R)["picked_up"], proc(lab.R)["opened"]), (1, 2), "picked_up, opened")


# Full tables

@test("a SYN flood fills the half-open table: bounded, counted, nothing dropped",
      serial=True, lab=loaded(max_halfopen=64))
def halfopen_full(lab, fam):
    limit, flood = 64, 1000
    for host in lab.hosts:          # all namespaces share one ceiling
        host.sysctl("net.tcpstate.enabled", 0)
    equal(proc(lab.R)["max_halfopen"], limit, "max_halfopen")
    live = Live(lab, fam)
    ident = 0
    for batch in range(flood // 50):
        packets = []
        for number in range(50):
            ident += 1
            source = lab.spoof(fam, 1 + ident % 250)
            segment = tcp(source, lab.B.addr[fam], 1024 + ident, 80, seq=ident << 16, flags=SYN,
                          options=mss())
            packets.append({4: ipv4, 6: ipv6}[fam](source, lab.B.addr[fam], segment, ttl=TTL))
        lab.forge(lab.A, packets)
        seen = proc(lab.R)
        true(seen["halfopen"] <= limit, f"halfopen {seen['halfopen']} above {limit}")
        if batch % 5 == 0:
            live.conn.talk()
    ear = live.ears[lab.B]
    wait_for(lambda: len({(seg.src, seg.sport) for seg in ear.all() if seg.flags & SYN and
                          seg.ttl == TTL - 1}), lambda number: number == flood,
             "every SYN at B")
    seen = proc(lab.R)
    equal(seen["syn"], flood + 1, "syn")
    true(limit // 2 <= seen["halfopen"] <= limit, f"halfopen {seen['halfopen']} of {limit}")
    equal(len(halfopens(lab.R)), seen["halfopen"], "half-open lines")
    true(seen["evicted"] + seen["halfopen_table_full"] >= flood - limit,
         f"evicted {seen['evicted']}, halfopen_table_full {seen['halfopen_table_full']}")
    true(seen["halfopen_table_full"] > 0, "halfopen_table_full counted")
    equal(seen.states["ESTABLISHED"][:2], (1, 1), "the connection that was there")
    equal((seen["flow_table_full"], seen["nomem"]), (0, 0), "flow_table_full, nomem")
    live.conn.talk()
    # a handshake gets through all the same
    conn = lab.connect(fam)
    conn.talk()
    wait_for(lambda: proc(lab.R).states["ESTABLISHED"][:2], lambda pair: pair == (2, 2),
             "a connection made in the flood")
    identities(lab.R)


@test("a full flow table: bounded, counted, every connection works", serial=True,
      lab=loaded(max_flows=64))
def flows_full(lab, fam):
    lab.witnessed = False
    for host in lab.hosts:          # all namespaces share one ceiling
        host.sysctl("net.tcpstate.enabled", 0)
    limit = proc(lab.R)["max_flows"]
    equal(limit, 64, "max_flows")
    conns = []
    for _ in range(limit + 36):
        conns.append(lab.connect(fam))
        conns[-1].talk()
        true(proc(lab.R)["flows"] <= limit, "flows above max_flows")
    seen = proc(lab.R)
    true(limit // 2 <= seen["flows"] <= limit, f"flows {seen['flows']} of {limit}")
    true(seen["flow_table_full"] > 0, "flow_table_full counted")
    for conn in conns:
        conn.talk()
    identities(lab.R)
    for conn in conns:
        reset(conn.a)
    wait_equal(lambda: ss(lab.A), {}, "ss in A")
    wait_for(lambda: proc(lab.R).pairs, lambda pairs: not pairs, "nothing left")
    # what ended makes room
    conn = lab.connect(fam)
    conn.talk()
    lab.expect([(conn, "ESTABLISHED", "ESTABLISHED")])


@test("forged pairs of ACKs stay in an eighth of the table", serial=True,
      lab=loaded(max_flows=256), families=(4,))
def forged_pairs(lab, fam):
    lab.witnessed = False
    for host in lab.hosts:          # all namespaces share one ceiling
        host.sysctl("net.tcpstate.enabled", 0)
    conns = [lab.connect(fam) for _ in range(20)]
    for number in range(500):
        one, other = f"10.9.2.{3 + number % 200}", f"203.0.113.{1 + number // 200}"
        lab.forge(lab.A, [
            ipv4(one, other, tcp(one, other, 2000 + number, 443, 1000, 1000, ACK)),
            ipv4(other, one, tcp(other, one, 443, 2000 + number, 1000, 1000, ACK)),
        ])
    wait_for(lambda: proc(lab.R)["picked_up"], lambda many: many >= 500, "500 picked up")
    seen = proc(lab.R)
    equal(seen["flows"], len(conns) + 256 // 8, "flows")
    true(seen["evicted"] >= 500 - 256 // 8, f"evicted {seen['evicted']}")
    for conn in conns:
        conn.talk()
    equal(proc(lab.R)["flows"], seen["flows"], "flows after more data")
    # none of those that have made handshakes was evicted: it would be picked up anew
    equal(proc(lab.R)["picked_up"], 500, "picked_up")
    identities(lab.R)


if __name__ == "__main__":
    main(one_cpu=True)
