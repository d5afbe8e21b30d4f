# SPDX-License-Identifier: GPL-2.0
"""
A whole connection, and what tcpstate must say of it afterwards in a namespace that
saw nothing else: for tests whose claim is how segments get there, not what they do.
"""

import errno
import os
import select
import socket
import time

import ktap
from lab import *

TCP_FIN_WAIT2 = 5                       # as the kernel numbers its states
BIG = 60_000                            # enough for segments to be sent in one

# What one connection does, closed by its initiator first.
ENTERED = {"LISTEN": 1, "SYN_SENT": 1, "SYN_RECV": 1, "ESTABLISHED": 2, "FIN_WAIT1": 1,
           "FIN_WAIT2": 1, "CLOSE_WAIT": 1, "LAST_ACK": 1, "TIME_WAIT": 1, "CLOSE": 1}
ENDED = {"TIME_WAIT": (1, 0), "CLOSE": (0, 1)}
LOOPBACK = {4: "127.0.0.1", 6: "::1"}


def bind_to(dev):
    """before= for a socket that belongs to a device."""
    return lambda sock: sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE,
                                        dev.encode() + b"\0")


def listener(ns, fam, port=80, address="", before=None):
    """A listener of one family in a namespace."""
    sock = ns.socket(fam)
    if fam == 6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    if before:
        before(sock)
    sock.bind((address, port))
    sock.listen()
    return sock


def refused(ns, port=9):
    """One connection in a namespace that nobody answers to: SYN, RST."""
    with ns.socket(4) as sock:
        equal(sock.connect_ex(("127.0.0.1", port)), errno.ECONNREFUSED, "connect()")


def pump(source, sink, size):
    """Send so many octets from one to the other, and see that they arrive."""
    data = os.urandom(size)
    sent, got = 0, b""
    limit = time.monotonic() + ktap.PATIENCE
    source.setblocking(False)
    while len(got) < size:
        true(time.monotonic() < limit, f"{len(got)} of {size} octets arrived")
        ready = select.select([sink], [source] if sent < size else [], [], 1)
        if ready[1]:
            sent += source.send(data[sent:])
        if ready[0]:
            more = sink.recv(1 << 16)
            true(more, f"end of stream after {len(got)} of {size} octets")
            got += more
    source.settimeout(ktap.PATIENCE)
    true(got == data, "the data arrived as it was sent")


def live(server, ns, address, port=80, before=None, size=BIG):
    """A whole connection from ns to a listener: data both ways, four segments to
    close it, each held until the kernel says that it arrived."""
    fam = 6 if server.family == socket.AF_INET6 else 4
    client = ns.socket(fam)
    if before:
        before(client)
    client.connect((address, port))
    peer = server.accept()[0]
    peer.settimeout(ktap.PATIENCE)
    pump(client, peer, size)
    pump(peer, client, size)
    client.shutdown(SHUT_WR)
    equal(peer.recv(1), b"", "end of stream")
    wait_equal(lambda: client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0],
               TCP_FIN_WAIT2, "the client's state")
    peer.close()
    equal(client.recv(1), b"", "end of the other stream")
    client.close()


def once(ns, sniffer, times=1):
    """Await that tcpstate in ns saw as many such connections, whole, and of each
    segment neither more nor less than the packet socket.
    Return how many segments that were."""
    def look():
        seen, want = proc(ns), sniffer.witness()
        true(sniffer.all(), "the packet socket caught nothing")
        want.update(opened=times, established=times)
        equal(seen.counted, {name: want[name] for name in COUNTERS if want.get(name)},
              f"counters in {ns}")
        equal(seen.pairs, {state: (one * times, other * times)
                           for state, (one, other) in ENDED.items()}, f"states in {ns}")
        equal(seen.entered, {state: number * times for state, number in ENTERED.items()},
              f"entered in {ns}")
        equal(seen.unequal(), [], f"identities in {ns}")
        return seen["segments"]
    return wait_for(look, lambda _: True, f"each segment once in {ns}")


def largest(sniffer):
    """How many segments the largest skb stood for."""
    return max(segment.count for segment in sniffer.all())


def local(ns, *devs):
    """What a host on its own device sees: both directions."""
    return Sniffer(ns, devs[0] if devs else None, outgoing=True)


class Several(Sniffer):
    """Packet sockets on several devices as one; each direction of a connection must
    be heard by one of them alone."""

    def __init__(self, ns, *devs):
        self._parts = [Sniffer(ns, dev) for dev in devs]

    def all(self):
        return [segment for part in self._parts for segment in part.all()]


def silence(ns):
    """Assert that tcpstate in ns saw nothing at all."""
    equal((proc(ns).counted, proc(ns).pairs), ({}, {}), f"what {ns} saw")
