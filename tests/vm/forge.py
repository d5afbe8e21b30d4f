# SPDX-License-Identifier: GPL-2.0
"""
Segments by the thousand, made by hand: SYNs that nobody stands by and handshakes that
nobody has made, into a namespace from one that is wired to it for that.

    forge = Forge(attach(ns))
    forge.halfopens(range(500))
"""

import contextlib
import socket
import struct
import time

from lab import *


def attach(target, dev="f0"):
    """A new namespace that runs no tcpstate, its device `out` wired to a new one of
    target, which shall not verify checksums."""
    ns = Namespace("forge")
    ns.sysctl("net.tcpstate.enabled", 0)
    target.sysctl("net.tcpstate.checksum", 0)
    ns.ip(f"link add {dev} address 02:00:00:00:0f:01 type veth peer name out address "
          "02:00:00:00:0f:02", "link set out up", f"link set {dev} netns {target.path}")
    target.up(dev)
    # Until the kernel has taken note of the carrier, what is sent is lost without a word.
    probe, before = Forge(ns), proc(target)["rst"]

    def heard():
        with contextlib.suppress(OSError):
            probe.send(0, RST)
        return proc(target)["rst"] > before
    wait_for(heard, what=f"{dev}'s carrier")
    return ns


class Forge:
    """Segments made by hand, their checksums wrong, for what is wired to a device."""

    def __init__(self, ns, dev="out"):
        self.ns = ns
        self.sock = ns.socket(socket.AF_PACKET, socket.SOCK_RAW)
        with ns:
            self.sock.bind((dev, 0))
        ether = bytes.fromhex("02000000 0f01 02000000 0f02")
        self.frame = {}
        for fam, ends in (4, ("10.8.0.1", "10.8.0.2")), (6, ("fd00:8::1", "fd00:8::2")):
            for way, (src, dst) in enumerate((ends, ends[::-1])):
                packet = {4: ipv4, 6: ipv6}[fam](src, dst, tcp(src, dst, 0, 0))
                kind = b"\x08\0" if fam == 4 else b"\x86\xdd"
                self.frame[fam, way] = bytearray(ether + kind + packet)

    def send(self, number, flags=SYN, way=0, seq=0, ack=0, fam=4, dev=None):
        """A segment of the connection of that number (below 2^28): way 0 goes from
        its initiator, 1 from its responder; dev is another device to send it by."""
        frame = self.frame[fam, way]
        ports = 10_000 + (number & 0x3fff), 1 + (number >> 14)
        struct.pack_into("!HHIIBB", frame, len(frame) - 20, *ports[::-1 if way else 1],
                         seq, ack, 5 << 4, flags)
        if dev:
            self.sock.sendto(frame, (dev, 0))
        else:
            self.sock.send(frame)

    def halfopens(self, numbers, fam=4):
        """A SYN each."""
        for number in numbers:
            self.send(number, fam=fam)

    def flows(self, numbers):
        """A handshake each."""
        for number in numbers:
            self.send(number)
            self.send(number, SYN | ACK, 1, 0, 1)
            self.send(number, ACK, 0, 1, 1)

    def forever(self, first=0, pause=0):
        """SYNs without end."""
        number = first
        while True:
            with contextlib.suppress(OSError):
                self.send(number)
            number += 1
            if pause and not number % 50:
                time.sleep(pause)
