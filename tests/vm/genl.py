# SPDX-License-Identifier: GPL-2.0
"""
A small, strict generic netlink client of tcpstate. Numbers and types are read
from module/uapi/tcpstate.h itself, enums and documented tree alike, so that a
header that lies fails here.

    with_R = Channel(lab.R)
    with_R.stats()                                      # Stats
    with_R.flows(family=4, initiator={"addr": "10.9.1.0", "prefix": 24},
                 states={"ESTABLISHED"}, min_age=1000)  # [Flow, ...]
    with_R.flush()

What the kernel refuses is a Refusal that says which attribute it named; an answer
that departs from the tree is a Malformed. dump() can be read step by step.
"""

import errno
import functools
import os
import re
import socket
import struct
from contextlib import nullcontext
from dataclasses import dataclass

from packets import at, packed
from views import HalfOpen

# Of linux/netlink.h and linux/genetlink.h.
REQUEST, MULTI, ACK, DUMP_INTR, DUMP, CAPPED, ACK_TLVS = 1, 2, 4, 0x10, 0x300, 0x100, 0x200
ERROR, DONE = 2, 3
NESTED = 0x8000
ADMIN_PERM, CAN_DO, CAN_DUMP, HAS_POLICY, UNS_ADMIN_PERM = 1, 2, 4, 8, 0x10
_SOL_NETLINK, _ADD_MEMBERSHIP, _CAP_ACK, _EXT_ACK = 270, 1, 10, 11
_GENERIC, _GENL_CTRL, _GETFAMILY = 16, 16, 3
_TLV = {1: "msg", 2: "offset", 3: "cookie", 4: "policy", 5: "miss_type", 6: "miss_nest"}


class Malformed(AssertionError):
    """An answer is not as the header has it. No waiting mends it."""


class Refusal(OSError):
    """The kernel refused a request. `message` is what it said and `named` the path of
    the attribute that it pointed to, like "FLOW_INITIATOR/END_ADDR"; None where it
    said or named none."""

    def __init__(self, number, message, named, tlvs):
        super().__init__(number, message or os.strerror(number))
        self.message, self.named, self.tlvs = message, named, tlvs

    def __repr__(self):
        return f"Refusal({errno.errorcode.get(self.errno)}, {self.message!r}, {self.named!r})"


# the header

def _header():
    """The numbers of the header by name, the types of its tree by attribute, and which
    attributes the tree has in requests and in replies."""
    path = os.path.join(os.path.dirname(os.path.realpath(__file__)),
                        "../../module/uapi/tcpstate.h")
    with open(path) as file:
        text = file.read()
    numbers = {}
    for body in re.findall(r"enum \w*\s*\{(.*?)\}", re.sub(r"/\*.*?\*/", "", text, flags=re.S),
                           re.S):
        numbers.update((name, number) for number, name in enumerate(
            name.strip() for name in body.split(",") if name.strip()))
    types, asked, told = {}, set(), set()
    side = told
    for line in text.splitlines():
        side = asked if line.startswith(" * Request") else \
            told if line.startswith(" * Reply") else side
        match = re.match(r" \*\t+TCPSTATE_A_(\w+(?:_\*)?)\t+(u8|u16|u32|u64|binary|string|nest)\b",
                         line)
        if match:
            names = [match[1]] if match[1][-1] != "*" else [
                name[len("TCPSTATE_A_"):] for name in numbers
                if name.startswith("TCPSTATE_A_" + match[1][:-1]) and
                not name.endswith(("_UNSPEC", "_PAD"))]
            types.update(dict.fromkeys(names, match[2]))
            side.update(names)
    return numbers, types, asked, told, re.search(r'GENL_NAME\s+"(.*)"', text)[1], \
        int(re.search(r"GENL_VERSION\s+(\d+)", text)[1])


_NUMBERS, TYPES, ASKED, TOLD, NAME, VERSION = _header()

STATE_NAMES = {number: name[len("TCPSTATE_"):] for name, number in _NUMBERS.items()
               if number and re.fullmatch(r"TCPSTATE_[A-Z]\w*", name)
               and not re.match(r"TCPSTATE_(A|CMD|REASON|BY|EVENT|FACT)_", name)}
STATE_NUMBERS = {name: number for number, name in STATE_NAMES.items()}
COMMANDS = {name[len("TCPSTATE_CMD_"):]: number for name, number in _NUMBERS.items()
            if name.startswith("TCPSTATE_CMD_") and number}

# "FLOW_AGE" -> its number; and of each space, which the name begins with, the reverse.
ATTRIBUTES = {name[len("TCPSTATE_A_"):]: number for name, number in _NUMBERS.items()
              if name.startswith("TCPSTATE_A_") and number}
SPACES = {}
for _name, _number in ATTRIBUTES.items():
    SPACES.setdefault(_name.split("_")[0], {})[_number] = _name

# Which space is in which nest.
NESTS = {"STATS_STATE": "STATE", "STATS_COUNTERS": "COUNTER", "FLOW_INITIATOR": "END",
         "FLOW_RESPONDER": "END", "STATS_DWELL": "HISTOGRAM",
         "STATS_RESPONDER_LATENCY": "HISTOGRAM", "STATS_INITIATOR_LATENCY": "HISTOGRAM",
         "STATS_PAIR": "PAIR", "STATS_RESETS": "RESET", "STATS_LEAK": "LEAK", "STATS_SEQ": "SEQ",
         "SEGMENT_INITIATOR": "NAME", "SEGMENT_RESPONDER": "NAME"}
LAYOUTS = {name: struct.Struct("!H" if name in ("END_PORT", "END_PORT_LAST") else
                               {"u8": "=B", "u16": "=H", "u32": "=I", "u64": "=Q"}[kind])
           for name, kind in TYPES.items() if kind[0] == "u"}
_SHORT = {name: name.partition("_")[2].lower() for name in TYPES}
REPEATED = {"STATS_STATE", "STATS_DWELL", "STATS_PAIR", "STATS_RESETS", "STATS_LEAK"}
# What is told only where there is something to tell.
OPTIONAL = {"FLOW_PHASE", "FLOW_RESPONDER_LATENCY", "FLOW_INITIATOR_LATENCY", "HISTOGRAM_STATE",
            "STATS_PAIR", "STATS_RESETS", "STATS_LEAK"}
# What notifications alone have.
OPTIONAL |= {"FLOW_EVENT", "FLOW_SEQ", "FLOW_TIME", "FLOW_REASON", "FLOW_BY",
             "FLOW_CONN_STATE", "SEGMENT_ACK", "SEGMENT_RELATIVE_ACK", "SEGMENT_REASON"}
NEEDED = {space: TOLD.intersection(names.values()) - OPTIONAL for space, names in SPACES.items()}
# An endpoint of a segment, a space of its own: so much and no more is told of it.
NEEDED["NAME"] = {"END_ADDR", "END_PORT", "END_STATE"}
SPACES["NAME"] = {number: name for number, name in SPACES["END"].items()
                  if name in NEEDED["NAME"]}


# encoding

def raw(number, payload):
    """An attribute as one likes."""
    return struct.pack("=HH", 4 + len(payload), number) + payload + bytes(-len(payload) % 4)


def put(name, value):
    """An attribute of a request. Addresses may be text, sets of states names, and a
    nest what fields() takes."""
    if name in NESTS:
        return raw(ATTRIBUTES[name] | NESTED, fields(NESTS[name], value))
    if TYPES[name] == "binary":
        value = packed(value)
    elif name.endswith("_STATES") and not isinstance(value, int):
        value = sum(1 << STATE_NUMBERS[state] for state in value)
    elif name.endswith("_FAMILY"):
        value = {4: socket.AF_INET, 6: socket.AF_INET6}[value]
    return raw(ATTRIBUTES[name], LAYOUTS[name].pack(value) if name in LAYOUTS else value)


def fields(space, wanted):
    """The attributes of {lower-case name: value}, or octets as they are."""
    if isinstance(wanted, bytes):
        return wanted
    return b"".join(put(f"{space}_{name.upper()}", value) for name, value in wanted.items())


# decoding

def _split(octets, what):
    """Yields the offset, number with flags, and payload of each attribute."""
    offset = 0
    while offset < len(octets):
        if len(octets) - offset < 4:
            raise Malformed(f"{what}: {len(octets) - offset} octets behind the attributes")
        length, number = struct.unpack_from("=HH", octets, offset)
        if length < 4 or offset + length > len(octets):
            raise Malformed(f"{what}: attribute {number:#x} of {length} octets at {offset} "
                            f"of {len(octets)}")
        yield offset, number, octets[offset + 4:offset + length]
        if any(octets[offset + length:offset + (length + 3 & ~3)]):
            raise Malformed(f"{what}: attribute {number:#x} is padded with something")
        offset += length + 3 & ~3


def _value(name, payload):
    layout = LAYOUTS.get(name)
    if layout:
        if len(payload) != layout.size:
            raise Malformed(f"{name}: {len(payload)} octets for {TYPES[name]}")
        return layout.unpack(payload)[0]
    if name in NESTS:
        return _nested(NESTS[name], payload)
    if TYPES[name] == "string":
        if payload[-1:] != b"\0" or 0 in payload[:-1]:
            raise Malformed(f"{name}: string {payload!r}")
        return payload[:-1].decode("ascii")
    if name.endswith("_BUCKETS"):
        return struct.unpack(f"={len(payload) // 8}Q", payload)
    if len(payload) not in (4, 16):
        raise Malformed(f"{name}: address {payload!r}")
    return payload


def decode(space, octets):
    """The attributes of a reply, {lower-case name without its space: value}. All that
    the tree has must be there, and nothing twice."""
    found = {}
    names = SPACES[space]
    for _, number, payload in _split(octets, space):
        name = names.get(number & 0x3fff)
        if name in TOLD:
            if number >> 14 != 2 * (name in NESTS):
                raise Malformed(f"{name}: flags in {number:#x}")
            value = _value(name, payload)
            if name in REPEATED:
                found.setdefault(name, []).append(value)
            elif name in found:
                raise Malformed(f"{name}: twice")
            else:
                found[name] = value
        elif payload or name != f"{space}_PAD":
            raise Malformed(f"{space}: attribute {number:#x} ({name}), {len(payload)} octets")
    if not NEEDED[space] <= found.keys():
        raise Malformed(f"{space}: without {NEEDED[space] - found.keys()}")
    return {_SHORT[name]: value for name, value in found.items()}


# Endpoints stay as they are from dump to dump, for the most part.
_nested = functools.lru_cache(4096)(decode)


def path_to(octets, offset, space="FLOW"):
    """The path of the attribute of a request that begins at an offset, or None."""
    try:
        for start, number, payload in _split(octets, "request"):
            name = SPACES.get(space, {}).get(number & 0x3fff, str(number & 0x3fff))
            if start == offset:
                return name
            if start < offset < start + 4 + len(payload):
                inner = path_to(payload, offset - start - 4, NESTS.get(name))
                return inner and f"{name}/{inner}"
    except Malformed:
        pass
    return None


class Stats:
    """Reply of STATS_GET, in the words of views.Proc."""

    def __init__(self, found):
        self.version, self.enabled, self.counters = \
            found["version"], found["enabled"], found["counters"]
        self.seq = found["seq"]
        self.states = {STATE_NAMES[row["state"]]: (row["initiator"], row["responder"],
                                                   row["entered"]) for row in found["state"]}
        if len(found["state"]) != len(STATE_NAMES) or len(self.states) != len(STATE_NAMES):
            raise Malformed(f"states {[row['state'] for row in found['state']]}")
        self.pairs = {(STATE_NAMES[row["initiator"]], STATE_NAMES[row["responder"]]): row["flows"]
                      for row in found.get("pair", ())}


@dataclass(eq=False)
class Flow:
    """A record, as FLOW_GET and HALFOPEN_GET tell it. Pairs are initiator's, responder's."""
    fam: int
    address: tuple
    port: tuple
    states: tuple
    bytes: tuple
    segments: tuple
    retrans: tuple
    age: int
    idle: int
    phase: str                          # None unless half-open
    syn: int
    synack: int
    picked_up: int
    one_sided: int
    history: str

    @classmethod
    def of(cls, found):
        """From the attributes of a reply."""
        fam = {socket.AF_INET: 4, socket.AF_INET6: 6}.get(found["family"])
        ends = found["initiator"], found["responder"]
        if fam is None or any(len(end["addr"]) != {4: 4, 6: 16}[fam] for end in ends):
            raise Malformed(f"family {found['family']}, addresses {ends}")
        states = tuple(STATE_NAMES.get(end["state"]) for end in ends)
        phase = found.get("phase") and STATE_NAMES.get(found["phase"])
        half = states[0] in ("SYN_SENT", "SYN_RECV")
        if None in states or (phase in ("SYN_SENT", "SYN_RECV")) != half or \
                (not half and "phase" in found):
            raise Malformed(f"states {ends}, phase {found.get('phase')}")
        if found["picked_up"] > 1 or found["one_sided"] > 1:
            raise Malformed(f"picked_up {found['picked_up']}, one_sided {found['one_sided']}")
        family = {4: socket.AF_INET, 6: socket.AF_INET6}[fam]
        return cls(fam, tuple(socket.inet_ntop(family, end["addr"]) for end in ends),
                   tuple(end["port"] for end in ends), states,
                   *(tuple(end[name] for end in ends)
                     for name in ("bytes", "segments", "retrans")),
                   found["age"], found["idle"], phase,
                   *(found[name] for name in ("syn", "synack", "picked_up", "one_sided",
                                              "history")))

    @property
    def key(self):
        """Who it is: family, both names."""
        return (f"ipv{self.fam}", *(at(*end) for end in zip(self.address, self.port)))

    @property
    def halfopen(self):
        """As a line of /proc/net/tcpstate_halfopen."""
        return HalfOpen(*self.key, self.phase, self.age, self.syn, self.synack)


class Dump:
    """A dump that is being read, step by step."""

    def __init__(self, channel, octets, seq):
        self.channel, self._octets, self._seq = channel, octets, seq
        self.done = self.interrupted = False

    def step(self):
        """Read one datagram: the Flows in it."""
        found = []
        for kind, flags, payload in self.channel.receive(self._seq):
            self.interrupted |= bool(flags & DUMP_INTR)
            if kind in (ERROR, DONE):
                self.done = True
                self.channel.judge(kind, flags, payload, self._octets)
            elif self.done or not flags & MULTI:
                raise Malformed(f"a message of a dump with flags {flags:#x}, done {self.done}")
            else:
                found.append(Flow.of(self.channel.reply("FLOW", payload)))
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

    def receive(self, seq):
        """The messages of one datagram: (type, flags, payload)."""
        octets, _, flags, sender = self.sock.recvmsg(self.size)
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

    def judge(self, kind, flags, payload, request=b""):
        """What ends an answer, NLMSG_ERROR or NLMSG_DONE: raises Refusal where it is bad."""
        code = -struct.unpack_from("=i", payload)[0]
        tail = payload[4:]
        if kind == ERROR:
            tail = tail[16:] if flags & CAPPED or not code else \
                tail[struct.unpack_from("=I", tail)[0] + 3 & ~3:]
        tlvs = {_TLV.get(number & 0x3fff, number): value for _, number, value in
                (_split(tail, "extended ack") if flags & ACK_TLVS else ())}
        if code:
            message = tlvs["msg"].rstrip(b"\0").decode("ascii") if "msg" in tlvs else None
            named = None
            if "offset" in tlvs:
                named = path_to(request, struct.unpack("=I", tlvs["offset"])[0] - 20) or \
                    f"offset {struct.unpack('=I', tlvs['offset'])[0]}"
            raise Refusal(code, message, named, tlvs)

    @staticmethod
    def reply(space, payload):
        """The attributes behind a generic header."""
        cmd, version, reserved = struct.unpack_from("=BBH", payload)
        if version != VERSION or reserved or cmd not in COMMANDS.values():
            raise Malformed(f"reply of command {cmd}, version {version}, reserved {reserved}")
        return decode(space, payload[4:])

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
        return Dump(self, octets, self.send(COMMANDS.get(cmd, cmd), octets, flags, **options))

    def _family(self):
        """What the kernel knows of the family: id, version, hdrsize, ops {command: flags}."""
        request = raw(2, NAME.encode() + b"\0")
        seq = self.send(_GETFAMILY, request, 0, _GENL_CTRL)
        (kind, flags, payload), = self.receive(seq)
        if kind == ERROR:
            self.judge(kind, flags, payload, request)
        found = {number & 0x3fff: value for _, number, value in _split(payload[4:], "family")}
        ops = {}
        for _, _, op in _split(found[6], "ops"):
            each = {number & 0x3fff: struct.unpack("=I", value)[0]
                    for _, number, value in _split(op, "op")}
            ops[each[1]] = each[2]
        return {"id": struct.unpack("=H", found[1])[0], "name": found[2].rstrip(b"\0").decode(),
                "version": struct.unpack("=I", found[3])[0],
                "hdrsize": struct.unpack("=I", found[4])[0], "ops": ops,
                "groups": self._groups(found.get(7, b""))}

    @staticmethod
    def _groups(octets):
        """The numbers of multicast groups by name."""
        groups = {}
        for _, _, group in _split(octets, "groups"):
            each = {number & 0x3fff: value for _, number, value in _split(group, "group")}
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
                octets, _, flags, sender = self.sock.recvmsg(self.size)
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

    def flows(self, **wanted):
        """FLOW_GET: every Flow that passes the filter."""
        return self.dump("FLOW_GET", fields("FLOW", wanted)).rest()

    def halfopens(self, **wanted):
        """HALFOPEN_GET, likewise."""
        return self.dump("HALFOPEN_GET", fields("FLOW", wanted)).rest()

    def flush(self):
        """FLUSH."""
        self.do("FLUSH")
