# SPDX-License-Identifier: GPL-2.0
"""
The attributes of tcpstate's netlink: numbers and types are read from
module/uapi/tcpstate.h itself, enums and documented tree alike, so that a header
that lies fails here. An answer that departs from the tree is a Malformed.
"""

import functools
import os
import re
import socket
import struct

from packets import packed

NESTED = 0x8000


class Malformed(AssertionError):
    """An answer is not as the header has it. No waiting mends it."""


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
        side = asked if "Request, all optional" in line else \
            told if re.match(r" \* .*\bReply\b", line) else side
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
               and not re.match(r"TCPSTATE_(A|CMD|REASON|BY|EVENT|FACT|VERDICT|ALERT)_", name)}
STATE_NUMBERS = {name: number for number, name in STATE_NAMES.items()}
VERDICTS, ALERTS = ({number: name[len(prefix):].lower() for name, number in _NUMBERS.items()
                     if number and name.startswith(prefix)}
                    for prefix in ("TCPSTATE_VERDICT_", "TCPSTATE_ALERT_"))
VERDICT_NUMBERS = {name: number for number, name in VERDICTS.items()}
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
         "STATS_PAIR": "PAIR", "STATS_TRANSITION": "TRANSITION", "STATS_RESETS": "RESET",
         "STATS_LEAK": "LEAK", "STATS_SEQ": "SEQ", "STATS_MEMORY": "MEMORY",
         "SEGMENT_INITIATOR": "END",
         "SEGMENT_RESPONDER": "END", "LISTENER_ENDPOINT": "END", "LISTENER_SOURCE": "END"}
LAYOUTS = {name: struct.Struct("!H" if name in ("END_PORT", "END_PORT_LAST") else
                               {"u8": "=B", "u16": "=H", "u32": "=I", "u64": "=Q"}[kind])
           for name, kind in TYPES.items() if kind[0] == "u"}
SHORT = {name: name.partition("_")[2].lower() for name in TYPES}
REPEATED = {"STATS_STATE", "STATS_DWELL", "STATS_PAIR", "STATS_TRANSITION", "STATS_RESETS",
            "STATS_LEAK", "LISTENER_SOURCE"}
# What is told only where there is something to tell.
OPTIONAL = {"FLOW_PHASE", "FLOW_RESPONDER_LATENCY", "FLOW_INITIATOR_LATENCY", "HISTOGRAM_STATE",
            "STATS_PAIR", "STATS_TRANSITION", "TRANSITION_FROM", "STATS_RESETS", "STATS_LEAK",
            "LISTENER_COMPLETION", "LISTENER_USUAL", "LISTENER_SOURCE"}
# What notifications alone have.
OPTIONAL |= {"FLOW_EVENT", "FLOW_SEQ", "FLOW_TIME", "FLOW_REASON", "FLOW_BY",
             "FLOW_CONN_STATE", "SEGMENT_ACK", "SEGMENT_RELATIVE_ACK", "SEGMENT_REASON"}
NEEDED = {space: TOLD.intersection(names.values()) - OPTIONAL for space, names in SPACES.items()}


def _narrow(space, of, told, optional=""):
    """A space of its own that has so much of another and no more."""
    told, optional = ({f"{of}_{name}" for name in names.split()} for names in (told, optional))
    SPACES[space] = {number: name for number, name in SPACES[of].items()
                     if name in told | optional or name == f"{of}_PAD"}
    NEEDED[space] = told


# What is told of an endpoint, by the nest that it is in.
_narrow("PARTY", "END", "ADDR PORT STATE BYTES SEGMENTS RETRANS")
_narrow("NAME", "END", "ADDR PORT STATE")
_narrow("PLACE", "END", "ADDR PORT")
_narrow("HOUSE", "END", "ADDR")
_narrow("SOURCE", "END", "ADDR SHARE")
_ENDPOINTS = {"FLOW": "PARTY", "SEGMENT": "NAME", "ACCOUNT": "PLACE", "HOST": "HOUSE"}

# And what of a listener, a host and a table, by themselves and where an alert tells of them.
_ACCOUNT = "FAMILY ENDPOINT SYN_SENT SYN_RECV SYN SYNACK COMPLETED REFUSED TIMED_OUT SYN_RATE " \
    "SOURCES VERDICT SINCE STALE RESPONDER_LATENCY INITIATOR_LATENCY UNTIMED"
_MAYBE = "COMPLETION USUAL SOURCE"
_HOST = "FAMILY ENDPOINT VERDICT SINCE TARGETS SYN"
_ALERT = " ALERT SEQ TIME"
_narrow("ACCOUNT", "LISTENER", _ACCOUNT, _MAYBE)
_narrow("HOST", "LISTENER", _HOST)
_narrow("ACCOUNT_ALERT", "LISTENER", _ACCOUNT + _ALERT + " BEFORE", _MAYBE)
_narrow("HOST_ALERT", "LISTENER", _HOST + _ALERT, "BEFORE")
_narrow("TABLE_ALERT", "LISTENER", "TABLE FILL LIMIT" + _ALERT)


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
    elif name.endswith(("_STATES", "_VERDICTS")) and not isinstance(value, int):
        value = sum(1 << (STATE_NUMBERS | VERDICT_NUMBERS)[each] for each in value)
    elif name.endswith("_FAMILY"):
        value = {4: socket.AF_INET, 6: socket.AF_INET6}[value]
    return raw(ATTRIBUTES[name], LAYOUTS[name].pack(value) if name in LAYOUTS else value)


def fields(space, wanted):
    """The attributes of {lower-case name: value}, or octets as they are."""
    if isinstance(wanted, bytes):
        return wanted
    return b"".join(put(f"{space}_{name.upper()}", value) for name, value in wanted.items())


# decoding

def attributes(octets, what):
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


def _figure(name, value):
    """The same; no figure counts as far as the kernel's addresses begin."""
    if value >> 48 == 0xffff:
        raise Malformed(f"{name}: {value:#x}, an address of the kernel's")
    return value


def _value(space, name, payload):
    layout = LAYOUTS.get(name)
    if layout:
        if len(payload) != layout.size:
            raise Malformed(f"{name}: {len(payload)} octets for {TYPES[name]}")
        return _figure(name, layout.unpack(payload)[0])
    if name in NESTS:
        nest = NESTS[name]
        if nest == "END":
            nest = "SOURCE" if name == "LISTENER_SOURCE" else _ENDPOINTS[space.partition("_")[0]]
        return _nested(nest, payload)
    if TYPES[name] == "string":
        if payload[-1:] != b"\0" or 0 in payload[:-1]:
            raise Malformed(f"{name}: string {payload!r}")
        return payload[:-1].decode("ascii")
    if name.endswith(("_BUCKETS", "_LATENCY")):
        return tuple(_figure(name, figure) for figure in
                     struct.unpack(f"={len(payload) // 8}Q", payload))
    if len(payload) not in (4, 16):
        raise Malformed(f"{name}: address {payload!r}")
    return payload


def decode(space, octets):
    """The attributes of a reply, {lower-case name without its space: value}. All that
    the tree has must be there, and nothing twice."""
    found = {}
    names = SPACES[space]
    for _, number, payload in attributes(octets, space):
        name = names.get(number & 0x3fff)
        if name in TOLD:
            if number >> 14 != 2 * (name in NESTS):
                raise Malformed(f"{name}: flags in {number:#x}")
            value = _value(space, name, payload)
            if name in REPEATED:
                found.setdefault(name, []).append(value)
            elif name in found:
                raise Malformed(f"{name}: twice")
            else:
                found[name] = value
        elif payload or not (name or "").endswith("_PAD"):
            raise Malformed(f"{space}: attribute {number:#x} ({name}), {len(payload)} octets")
    if not NEEDED[space] <= found.keys():
        raise Malformed(f"{space}: without {NEEDED[space] - found.keys()}")
    return {SHORT[name]: value for name, value in found.items()}


# Endpoints stay as they are from dump to dump, for the most part.
_nested = functools.lru_cache(4096)(decode)


def path_to(octets, offset, space="FLOW"):
    """The path of the attribute of a request that begins at an offset, or None."""
    try:
        for start, number, payload in attributes(octets, "request"):
            name = SPACES.get(space, {}).get(number & 0x3fff, str(number & 0x3fff))
            if start == offset:
                return name
            if start < offset < start + 4 + len(payload):
                inner = path_to(payload, offset - start - 4, NESTS.get(name))
                return inner and f"{name}/{inner}"
    except Malformed:
        pass
    return None
