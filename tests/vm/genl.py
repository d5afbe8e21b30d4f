# SPDX-License-Identifier: GPL-2.0
"""
A small, strict generic netlink client of tcpstate, which knows the family as uapi.py
does and tells it as records.py does.

    with_R = Channel(lab.R)
    with_R.stats()                                      # Stats
    with_R.flows(family=4, initiator={"addr": "10.9.1.0", "prefix": 24},
                 states={"ESTABLISHED"}, min_age=1000)  # [Flow, ...]
    with_R.listeners(endpoint={"port": 80}, verdicts={"ok"})    # [Listener, ...]
    with_R.flush()

What the kernel refuses is a Refusal that says which attribute it named; an answer
that departs from the tree is a Malformed. dump() can be read step by step.
"""

import errno
import os
import socket
import struct
import time
from contextlib import nullcontext

from records import *
from uapi import *

# Of linux/netlink.h and linux/genetlink.h.
REQUEST, MULTI, ACK, DUMP_INTR, DUMP, CAPPED, ACK_TLVS = 1, 2, 4, 0x10, 0x300, 0x100, 0x200
ERROR, DONE = 2, 3
ADMIN_PERM, CAN_DO, CAN_DUMP, HAS_POLICY, UNS_ADMIN_PERM = 1, 2, 4, 8, 0x10
_SOL_NETLINK, _ADD_MEMBERSHIP, _CAP_ACK, _EXT_ACK = 270, 1, 10, 11
_GENERIC, _GENL_CTRL, _GETFAMILY = 16, 16, 3
_TLV = {1: "msg", 2: "offset", 3: "cookie", 4: "policy", 5: "miss_type", 6: "miss_nest"}


# What SLUB fills memory with, before its first use and after its last, and who hands out
# pages, where a kernel is told to: no address of a test and no figure has so much of it.
_POISON = b"\x5a" * 6, b"\x6b" * 6, b"\xaa" * 6


class Refusal(OSError):
    """The kernel refused a request. `message` is what it said and `named` the path of
    the attribute that it pointed to, like "FLOW_INITIATOR/END_ADDR"; None where it
    said or named none."""

    def __init__(self, number, message, named, tlvs):
        super().__init__(number, message or os.strerror(number))
        self.message, self.named, self.tlvs = message, named, tlvs

    def __repr__(self):
        return f"Refusal({errno.errorcode.get(self.errno)}, {self.message!r}, {self.named!r})"


_DUMPED = {"LISTENER_GET": Listener, "HOST_GET": Host}


class Dump:
    """A dump that is being read, step by step, of records of a kind."""

    def __init__(self, channel, octets, seq, kind=Flow):
        self.channel, self._octets, self._seq, self._kind = channel, octets, seq, kind
        self.done = self.interrupted = False

    def step(self):
        """Read one datagram: the records in it."""
        found = []
        for kind, flags, payload in self.channel.receive(self._seq):
            self.interrupted |= bool(flags & DUMP_INTR)
            if kind in (ERROR, DONE):
                self.done = True
                self.channel.judge(kind, flags, payload, self._octets, self._kind.asks)
            elif self.done or not flags & MULTI:
                raise Malformed(f"a message of a dump with flags {flags:#x}, done {self.done}")
            else:
                found.append(self._kind.of(self.channel.reply(self._kind.tells, payload)))
        return found

    def rest(self):
        """Read to the end."""
        found = []
        while not self.done:
            found += self.step()
        return found


class Channel:
    """A socket to the family, in a namespace (lab's, or this process's own). It reads
    at most `size` octets at once, and the kernel's datagrams are no larger."""

    def __init__(self, ns=None, size=1 << 16):
        with ns or nullcontext():
            self.sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _GENERIC)
        for option in _CAP_ACK, _EXT_ACK:
            self.sock.setsockopt(_SOL_NETLINK, option, 1)
        self.sock.bind((0, 0))
        self.sock.settimeout(30)
        self._seq, self.size = 0, size
        self.info = self._family()
        self.family = self.info["id"]

    def close(self):
        """Close the socket, whatever is still to be read."""
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # messages

    def send(self, cmd, octets=b"", flags=ACK, family=None, version=VERSION, length=None):
        """Send a request (octets are its attributes); its sequence number."""
        self._seq += 1
        body = struct.pack("=BBH", cmd, version, 0) + octets
        family = self.family if family is None else family
        self.sock.send(struct.pack("=IHHII", 16 + len(body) if length is None else length,
                                   family, REQUEST | flags, self._seq, 0) + body)
        return self._seq

    def _hear(self):
        """What recvmsg() gives, and nothing of it may be memory that nobody has filled."""
        heard = self.sock.recvmsg(self.size)
        if any(poison in heard[0] for poison in _POISON):
            raise Malformed(f"memory that was never filled in: {heard[0].hex()}")
        return heard

    def receive(self, seq):
        """The messages of one datagram: (type, flags, payload)."""
        octets, _, flags, sender = self._hear()
        if flags & socket.MSG_TRUNC:
            raise Malformed(f"more than {self.size} octets in a datagram")
        if sender[0]:
            raise Malformed(f"a message from port {sender[0]}")
        found = []
        while octets:
            length, kind, flags, number, port = struct.unpack_from("=IHHII", octets)
            if not 16 <= length <= len(octets) or number != seq or \
                    port != self.sock.getsockname()[0]:
                raise Malformed(f"message of {length} octets of {len(octets)}, "
                                f"number {number} of {seq}, port {port}")
            found.append((kind, flags, octets[16:length]))
            octets = octets[length + 3 & ~3:]
        return found

    def judge(self, kind, flags, payload, request=b"", space="FLOW"):
        """What ends an answer, NLMSG_ERROR or NLMSG_DONE: raises Refusal where it is bad."""
        code = -struct.unpack_from("=i", payload)[0]
        tail = payload[4:]
        if kind == ERROR:
            tail = tail[16:] if flags & CAPPED or not code else \
                tail[struct.unpack_from("=I", tail)[0] + 3 & ~3:]
        tlvs = {_TLV.get(number & 0x3fff, number): value for _, number, value in
                (attributes(tail, "extended ack") if flags & ACK_TLVS else ())}
        if code:
            message = tlvs["msg"].rstrip(b"\0").decode("ascii") if "msg" in tlvs else None
            named = None
            if "offset" in tlvs:
                offset, = struct.unpack("=I", tlvs["offset"])
                named = path_to(request, offset - 20, space) or f"offset {offset}"
            raise Refusal(code, message, named, tlvs)

    @staticmethod
    def reply(space, payload):
        """The attributes behind a generic header; of "ALERT" what alert() makes of them."""
        cmd, version, reserved = struct.unpack_from("=BBH", payload)
        if version != VERSION or reserved or cmd not in COMMANDS.values():
            raise Malformed(f"reply of command {cmd}, version {version}, reserved {reserved}")
        return alert(payload[4:]) if space == "ALERT" else decode(space, payload[4:])

    def do(self, cmd, octets=b"", space=None, **options):
        """A request with one answer, and acknowledged: its attributes."""
        seq = self.send(COMMANDS.get(cmd, cmd), octets, **options)
        found = []
        while True:
            for kind, flags, payload in self.receive(seq):
                if kind in (ERROR, DONE):
                    self.judge(kind, flags, payload, octets)
                    if len(found) != bool(space):
                        raise Malformed(f"{len(found)} replies to {cmd}")
                    return found[0] if found else None
                found.append(self.reply(space, payload) if space else payload)

    def dump(self, cmd, octets=b"", flags=DUMP, **options):
        """Begin a dump."""
        return Dump(self, octets, self.send(COMMANDS.get(cmd, cmd), octets, flags, **options),
                    _DUMPED.get(cmd, Flow))

    def _family(self):
        """What the kernel knows of the family: id, version, hdrsize, ops {command: flags}."""
        request = raw(2, NAME.encode() + b"\0")
        seq = self.send(_GETFAMILY, request, 0, _GENL_CTRL)
        (kind, flags, payload), = self.receive(seq)
        if kind == ERROR:
            self.judge(kind, flags, payload, request)
        found = {number & 0x3fff: value for _, number, value in attributes(payload[4:], "family")}
        ops = {}
        for _, _, op in attributes(found[6], "ops"):
            each = {number & 0x3fff: struct.unpack("=I", value)[0]
                    for _, number, value in attributes(op, "op")}
            ops[each[1]] = each[2]
        return {"id": struct.unpack("=H", found[1])[0], "name": found[2].rstrip(b"\0").decode(),
                "version": struct.unpack("=I", found[3])[0],
                "hdrsize": struct.unpack("=I", found[4])[0], "ops": ops,
                "groups": self._groups(found.get(7, b""))}

    @staticmethod
    def _groups(octets):
        """The numbers of multicast groups by name."""
        groups = {}
        for _, _, group in attributes(octets, "groups"):
            each = {number & 0x3fff: value for _, number, value in attributes(group, "group")}
            groups[each[1].rstrip(b"\0").decode()] = struct.unpack("=I", each[2])[0]
        return groups

    # notifications

    def join(self, group):
        """Hear what a multicast group is told, from now on: not for a Channel that asks."""
        self.sock.setsockopt(_SOL_NETLINK, _ADD_MEMBERSHIP, self.info["groups"][group])
        self.sock.setblocking(False)

    def heard(self, space):
        """The notifications that wait: the attributes of each."""
        found = []
        while True:
            try:
                octets, _, flags, sender = self._hear()
            except BlockingIOError:
                return found
            if flags & socket.MSG_TRUNC or sender[0]:
                raise Malformed(f"a notification of {len(octets)} octets from {sender}")
            while octets:
                length, kind, flags, number, port = struct.unpack_from("=IHHII", octets)
                if not 16 <= length <= len(octets) or (kind, flags, number, port) != \
                        (self.family, 0, 0, 0):
                    raise Malformed(f"a notification of kind {kind}, {length} octets of "
                                    f"{len(octets)}, number {number}, port {port}")
                found.append(self.reply(space, octets[16:length]))
                octets = octets[length + 3 & ~3:]

    # commands

    def stats(self):
        """STATS_GET."""
        return Stats(self.do("STATS_GET", space="STATS"))

    def settled(self):
        """The last number of each group, once they stand still: STATS_GET does not wait
        for what is queued."""
        last, since = None, time.monotonic()
        while time.monotonic() < since + 0.5:
            seq = self.stats().seq
            if seq != last:
                last, since = seq, time.monotonic()
            time.sleep(0.02)
        return last

    def flows(self, **wanted):
        """FLOW_GET: every Flow that passes the filter."""
        return self.dump("FLOW_GET", fields("FLOW", wanted)).rest()

    def halfopens(self, **wanted):
        """HALFOPEN_GET, likewise."""
        return self.dump("HALFOPEN_GET", fields("FLOW", wanted)).rest()

    def listeners(self, **wanted):
        """LISTENER_GET: every Listener that passes the filter."""
        return self.dump("LISTENER_GET", fields("LISTENER", wanted)).rest()

    def hosts(self, **wanted):
        """HOST_GET, likewise of Hosts."""
        return self.dump("HOST_GET", fields("LISTENER", wanted)).rest()

    def flush(self):
        """FLUSH."""
        self.do("FLUSH")
