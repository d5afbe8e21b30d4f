# SPDX-License-Identifier: GPL-2.0
"""
TCP segments made by hand, every field as one likes, and a sniffer that reads
them off the wire and keeps count of them as a witness.
"""

import collections
import ipaddress
import socket
import struct

FIN, SYN, RST, PSH, ACK, URG, ECE, CWR = (1 << bit for bit in range(8))

# The counters that a packet socket can keep as well as tcpstate.
WITNESSED = ("segments syn synack fin rst syn_retrans synack_retrans fin_retrans "
             "data_retrans keepalive zero_window").split()


def at(address, port):
    """ADDRESS:PORT as ss and tcpstate write it."""
    return f"[{address}]:{port}" if ":" in str(address) else f"{address}:{port}"


def checksum(data):
    """The Internet checksum."""
    if len(data) & 1:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def packed(address):
    """An address in network order."""
    return ipaddress.ip_address(address).packed


def tcp(src, dst, sport, dport, seq=0, ack=0, flags=ACK, window=8192, options=b"",
        payload=b"", offset=None, urgent=0, reserved=0, check=None):
    """A TCP segment. The options are padded to words; offset and check stand as
    given (check="bad" for one that is wrong)."""
    options += b"\1" * (-len(options) % 4)
    words = 5 + len(options) // 4 if offset is None else offset
    segment = struct.pack("!HHIIBBHHH", sport, dport, seq & 0xffffffff,
                          ack & 0xffffffff, words << 4 | reserved, flags, window, 0,
                          urgent) + options + payload
    if check is None or check == "bad":
        right = checksum(packed(src) + packed(dst) +
                         struct.pack("!IHH" if ":" in str(src) else "!HHH",
                                     *((len(segment), 0, 6) if ":" in str(src)
                                       else (6, len(segment), 0))) + segment)
        check = right if check is None else right ^ 0x5555
    return segment[:16] + struct.pack("!H", check) + segment[18:]


def ipv4(src, dst, body, proto=6, options=b"", ident=0, offset=0, more=False,
         dont=False, ttl=64, length=None):
    """An IPv4 packet; offset is the fragment's, in octets."""
    options += b"\1" * (-len(options) % 4)
    header = struct.pack("!BBHHHBBH4s4s", 0x45 + len(options) // 4, 0,
                         20 + len(options) + len(body) if length is None else length,
                         ident & 0xffff, offset >> 3 | more << 13 | dont << 14, ttl,
                         proto, 0, packed(src), packed(dst)) + options
    return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + body


def ipv6(src, dst, body, proto=6, extensions=(), label=0, ttl=64, length=None):
    """An IPv6 packet. Extensions are (protocol number, octets after the next-header
    octet): see hopopts() and the like."""
    chain = list(extensions) + [(proto, None)]
    octets = b"".join(struct.pack("!B", chain[i + 1][0]) + chain[i][1]
                      for i in range(len(chain) - 1))
    size = len(octets) + len(body) if length is None else length
    return struct.pack("!IHBB16s16s", 6 << 28 | label, size, chain[0][0], ttl,
                       packed(src), packed(dst)) + octets + body


def options_header(kind=0, words=0):
    """IPv6 hop-by-hop (0) or destination (60) options, padding alone."""
    size = words * 8 + 4
    return kind, struct.pack("!BBB", words, 1, size) + b"\0" * size


def routing_header(words=0):
    """IPv6 routing header of an unassigned type with no segments left: ignored."""
    return 43, struct.pack("!BBB", words, 253, 0) + b"\0" * (4 + words * 8)


def fragment_header(offset=0, more=False, ident=1):
    """IPv6 fragment header; offset in octets."""
    return 44, struct.pack("!BHI", 0, offset & ~7 | more, ident)


def mss(value=1460):
    """Option: maximum segment size."""
    return struct.pack("!BBH", 2, 4, value)


def wscale(shift):
    """Option: window scale."""
    return struct.pack("!BBB", 3, 3, shift)


def timestamps(value, echo=0):
    """Option: timestamps."""
    return struct.pack("!BBII", 8, 10, value & 0xffffffff, echo & 0xffffffff)


Segment = collections.namedtuple(
    "Segment", "dev family src dst sport dport seq ack flags window length count "
               "ident ttl raw")


def _dissect(dev, packet, gso, every):
    """A Segment of an IP packet, or None. Lenient: what does not fit is zero, so
    that forged packets can be recognised by their ident."""
    def field(layout, offset, size=0):
        need = struct.calcsize(layout)
        return struct.unpack_from(layout, packet, offset) if len(packet) >= offset + need \
            else (0,) * len(struct.unpack(layout, b"\0" * need))

    if packet[:1] and packet[0] >> 4 == 4 and len(packet) >= 20:
        family, header, end = 4, (packet[0] & 15) * 4, field("!H", 2)[0]
        ident, proto, ttl = field("!H", 4)[0], packet[9], packet[8]
        src, dst = (socket.inet_ntop(socket.AF_INET, packet[i:i + 4]) for i in (12, 16))
        later = field("!H", 6)[0] & 0x1fff
    elif packet[:1] and packet[0] >> 4 == 6 and len(packet) >= 40:
        family, header, end = 6, 40, 40 + field("!H", 4)[0]
        ident, proto, ttl = field("!I", 0)[0] & 0xfffff, packet[6], packet[7]
        src, dst = (socket.inet_ntop(socket.AF_INET6, packet[i:i + 16]) for i in (8, 24))
        later = 0
        while proto in (0, 43, 60, 44) and len(packet) >= header + 8:
            if proto == 44:
                later = later or field("!H", header + 2)[0] >> 3
                proto, header = packet[header], header + 8
            else:
                proto, header = packet[header], header + 8 + packet[header + 1] * 8
    else:
        return None
    if proto != 6 and not every:
        return None
    if later or proto != 6:
        return Segment(dev, family, src, dst, 0, 0, 0, 0, 0, 0, 0, 1, ident, ttl, packet)
    sport, dport, seq, ack, words, flags, window = field("!HHIIBBH", header)
    if end in (0, 40) or gso:
        end = len(packet)
    length = max(end - header - (words >> 4) * 4, 0)
    count = -(-length // gso) if gso and length else 1
    return Segment(dev, family, src, dst, sport, dport, seq, ack, flags, window,
                   length, count, ident, ttl, packet)


class Sniffer:
    """Every TCP segment that comes in by the devices of a namespace (before the
    hooks see it), or with outgoing=True those too, with every=True whatever is IP.
    all() is what was caught so far; since(mark) what came after `mark = len(all())`."""

    def __init__(self, ns, dev=None, outgoing=False, every=False):
        self._every = every
        ETH_P_ALL, SOL_PACKET, VNET_HDR, IGNORE_OUTGOING = 3, 263, 15, 23
        self._sock = ns.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL)
                               if dev is None else 0)
        self._sock.setsockopt(SOL_PACKET, VNET_HDR, 1)
        if not outgoing:
            self._sock.setsockopt(SOL_PACKET, IGNORE_OUTGOING, 1)
        self._sock.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)      # SO_RCVBUFFORCE
        if dev is not None:
            with ns:
                self._sock.bind((dev, ETH_P_ALL))
        self._sock.setblocking(False)
        self._caught = []

    def all(self):
        """Every Segment caught so far."""
        while True:
            try:
                frame, where = self._sock.recvfrom(1 << 17)
            except BlockingIOError:
                break
            if where[3] == 772 and where[2] != 0:
                continue                        # loopback shows each twice
            gso = struct.unpack_from("=BBHHHH", frame)
            segment = _dissect(where[0], frame[24:], gso[3] if gso[1] & 0x7f else 0,
                               self._every)
            if segment:
                self._caught.append(segment)
        return self._caught

    def since(self, mark):
        """Those caught after the first `mark`."""
        return self.all()[mark:]

    def last(self, src, sport=None):
        """The last Segment from an address (and port), or None."""
        for segment in reversed(self.all()):
            if segment.src == src and sport in (None, segment.sport):
                return segment
        return None

    def witness(self):
        """The counters of WITNESSED as these segments would have them, were every
        one of them believed."""
        count = dict.fromkeys(WITNESSED, 0)
        past = {}               # direction -> one past the highest sequence number
        shut = set()            # directions whose last window was zero
        for seg in self.all():
            way = seg.src, seg.sport, seg.dst, seg.dport
            syn, fin = bool(seg.flags & SYN), bool(seg.flags & FIN)
            end = seg.seq + seg.length + syn + fin
            behind = (past[way] - end) % (1 << 32) if way in past else 1 << 31
            again = behind < 1 << 31
            count["segments"] += seg.count
            if seg.flags & RST:
                count["rst"] += 1
                continue
            if syn:
                kind = "synack" if seg.flags & ACK else "syn"
                count[kind] += 1
                # a simultaneous open's SYN-ACK repeats its SYN's number
                count[kind + "_retrans"] += (way, kind, seg.seq) in past
                if (way, seg.seq) not in past:      # a new life
                    past.pop(way, None)
                    again = False
                past[way, kind, seg.seq] = past[way, seg.seq] = True
            count["fin"] += fin
            if not syn and again:
                if fin:
                    count["fin_retrans"] += 1
                elif behind + seg.length == 1 and seg.length < 2:
                    count["keepalive"] += 1
                elif seg.length:
                    count["data_retrans"] += seg.count
            if not syn:
                if not seg.window and way not in shut:
                    count["zero_window"] += 1
                (shut.discard if seg.window else shut.add)(way)
            if not again:
                past[way] = end % (1 << 32)
        return count

    def story(self, last=40):
        """The last segments as text, for a report."""
        caught = self.all()
        passed, lost = struct.unpack("II", self._sock.getsockopt(263, 6, 8))  # PACKET_STATISTICS
        lines = [f"{passed} packets, of which it had no room for {lost}"]
        if len(caught) > last:
            lines.append(f"... {len(caught) - last} before")
        for seg in caught[-last:]:
            flags = "".join(letter for bit, letter in enumerate("FSRPAUEC")
                            if seg.flags >> bit & 1)
            lines.append(f"{seg.dev}: {at(seg.src, seg.sport)} > {at(seg.dst, seg.dport)} "
                         f"[{flags}] seq {seg.seq} ack {seg.ack} win {seg.window} "
                         f"len {seg.length}" + (f" x{seg.count}" if seg.count > 1 else ""))
        return lines

    def close(self):
        """Stop."""
        self._sock.close()
