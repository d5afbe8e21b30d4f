#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""
LISTENER_GET and HOST_GET over netlink: each listener is told once however small the
reads, filters select what the same filters select of a whole dump, and what is not in
the header is refused by name.
"""

import contextlib
import errno
import ipaddress
import os
import struct
import sys

from forge import Forge, attach
from genl import *
from lab import *

# A kernel of before 6.2 has a family say why it refuses a dump, but not point to it.
DEAF = tuple(map(int, os.uname().release.split(".")[:2])) < (6, 2)
MANY = 600                              # listeners: fewer than there is room for


def responders(fam):
    """So many (address, port) of hosts that are not there."""
    for number in range(MANY):
        yield str(ipaddress.ip_address(
            {4: f"10.77.{number % 7}.{number % 250}",
             6: f"2001:db8:77:{number % 7:x}::{number % 250:x}"}[fam])), 8000 + number


def answered(lab, fam, places):
    """Forge a SYN and its SYN-ACK for each, by many, for one who asks all would be a scan."""
    make = {4: ipv4, 6: ipv6}[fam]
    lab.R.ip("route replace blackhole 0.0.0.0/0", "route replace blackhole ::/0")
    for number, (address, port) in enumerate(places):
        asks = lab.spoof(fam, 1 + number % 250)
        lab.forge(lab.A, make(asks, address, tcp(asks, address, 20000 + number, port, seq=1000,
                                                 flags=SYN, options=mss())))
        lab.forge(lab.B, make(address, asks, tcp(address, asks, port, 20000 + number, seq=5000,
                                                 ack=1001, flags=SYN | ACK, options=mss())))


@test("each of many listeners is told once, with what passed, however small the reads")
def each_once(lab, fam):
    places = list(responders(fam))
    answered(lab, fam, places)
    with Channel(lab.R, size=4096) as small:
        found = wait_for(lambda: once(small.listeners()), lambda found: len(found) >= MANY,
                         "all of them")
        equal(set(found), {(f"ipv{fam}", *place) for place in places}, "who")
        for each in found.values():
            equal((each.syn, each.synack, each.completed, each.refused, each.syn_sent,
                   each.syn_recv, each.verdict, sum(each.responder_latency)),
                  (1, 1, 0, 0, 0, 1, "ok", 1), f"{each}")
        equal(proc(lab.R)["listeners"], MANY, "the counter")
        equal(small.hosts(), [], "hosts")


def any_filter(die, listeners):
    """Some filter, drawn around a listener, and what it means."""
    one = die.choice(listeners)
    size = {4: 32, 6: 128}[one.fam]
    wanted, claims, end = {}, [], {}
    if die.randrange(3) == 0:
        wanted["family"] = die.choice((4, 6))
        claims.append(lambda each: each.fam == wanted["family"])
    if die.randrange(2):
        bits = die.choice((0, 1, size // 2, size - 2, size))
        network = ipaddress.ip_network(f"{one.address}/{bits}", strict=False)
        end.update({"addr": one.address, "prefix": bits})
        claims.append(lambda each: each.fam == one.fam and
                      ipaddress.ip_address(each.address) in network)
        if wanted:
            wanted["family"] = one.fam
    if die.randrange(2):
        end["port"] = last = max(one.port - die.randrange(100), 0)
        if die.randrange(2):
            end["port_last"] = last = one.port + die.randrange(100)
        claims.append(lambda each: end["port"] <= each.port <= last)
    if end:
        wanted["endpoint"] = end
    if die.randrange(3) == 0:
        wanted["verdicts"] = set(die.sample(sorted(VERDICT_NUMBERS), die.randint(1, 4)))
        claims.append(lambda each: each.verdict in wanted["verdicts"])
    return wanted, lambda each: all(claim(each) for claim in claims)


@test("a filter selects of a dump what it should, in hundreds of combinations", families=None)
def filters(lab):
    die = die_of_today()
    for fam in 4, 6:
        answered(lab, fam, list(responders(fam))[:MANY // 4])
    tried = {"none": 0, "some": 0, "all": 0}
    with Channel(lab.R) as channel:
        wait_for(channel.listeners, lambda seen: len(seen) == 2 * (MANY // 4), "all of them")
        for _ in range(300):
            everyone = channel.listeners()
            wanted, claim = any_filter(die, everyone)
            must = {each.key for each in everyone if claim(each)}
            seen = once(channel.listeners(**wanted))
            equal(set(seen) ^ must, set(), f"{wanted}")
            tried["none" if not seen else "all" if len(seen) == len(everyone) else "some"] += 1
    print(f"# selected {tried}")
    true(tried["some"] > 100, f"{tried}")


# what is refused

def u(size, value=0):
    """A number of so many octets."""
    return value.to_bytes(size, sys.byteorder)


def wrong_requests(fam):
    """What no dump may take: (what it is, attribute to be named or None, octets)."""
    mine, other = {4: ("10.0.0.1", "fd00::1"), 6: ("fd00::1", "10.0.0.1")}[fam]
    end = "LISTENER_ENDPOINT"
    for number in 0, 1 << 13, max(SPACES["LISTENER"]) + 1, 99:
        yield f"attribute {number}", str(number), raw(number, u(4))
    for space, path in ("LISTENER", ""), ("END", end):
        for number, name in SPACES[space].items():
            asked = name in ASKED and name != "END_STATES"      # of connections alone
            size = name in LAYOUTS and LAYOUTS[name].size
            for octets in [] if name in NESTS and asked else {0, size - 1, size + 1, 9} \
                    if asked and size else (0, 3, 5, 15, 17, 20) if asked else (size or 0,):
                inner = raw(number, bytes(octets))
                yield f"{path} {name} of {octets} octets", f"{path}/{name}".lstrip("/"), \
                    put(path, inner) if path else inner
    yield "an endpoint not marked as a nest", end, raw(ATTRIBUTES[end], put("END_PORT", 80))
    for what, value, inner in (
            ("a prefix and no address", {"prefix": 8}, "PREFIX"),
            ("too long a prefix", {"addr": mine, "prefix": {4: 33, 6: 129}[fam]}, "PREFIX"),
            ("a last port and no first", {"port_last": 80}, "PORT_LAST"),
            ("a last port below the first", {"port": 80, "port_last": 79}, "PORT_LAST")):
        yield what, f"{end}/END_{inner}", fields("LISTENER", {"endpoint": value})
    yield "an endpoint not of the family", f"{end}/END_ADDR", \
        fields("LISTENER", {"family": fam, "endpoint": {"addr": other}})
    for value in 0, 1, 7, 255:
        yield f"family {value}", "LISTENER_FAMILY", raw(ATTRIBUTES["LISTENER_FAMILY"], u(1, value))
    for value in 0, 1, 1 << max(VERDICTS) + 1, 0xffffffff:
        yield f"verdicts {value:#x}", "LISTENER_VERDICTS", \
            raw(ATTRIBUTES["LISTENER_VERDICTS"], u(4, value))
    yield "octets behind the last attribute", None, fields("LISTENER", {"family": fam}) + b"\1\0\0"
    yield "an attribute longer than the message", None, struct.pack("=HH", 64, 3) + u(4)


@test("what is not in the header is refused, and the attribute at fault named")
def bad(lab, fam):
    lab.keep(lab.connect(fam))
    wrong, unnamed = list(wrong_requests(fam)), 0
    with Channel(lab.R) as channel:
        for command in "LISTENER_GET", "HOST_GET":
            for what, named, octets in wrong:
                try:
                    answer = channel.dump(command, octets).rest()
                except Refusal as said:
                    true(said.errno in (errno.EINVAL, errno.ERANGE), f"{command}, {what}: {said!r}")
                    true(said.message and len(said.message) > 8, f"{command}, {what}: {said!r}")
                    if not said.named and DEAF:
                        unnamed += 1
                    else:
                        equal(said.named, named, f"{command}, {what}: {said!r} named")
                else:
                    raise Failure(f"{command}, {what} was taken: {answer}")
            try:
                channel.do(command)
                raise Failure(f"{command} as a do was taken")
            except Refusal as said:
                equal(said.errno, errno.EOPNOTSUPP, f"{command} as a do")
        true(unnamed < len(wrong), f"{unnamed} refused with no more than words")
        equal([each.port for each in channel.listeners()], [80], "listeners")
    print(f"# {len(wrong)} wrong requests to each, {unnamed} refused with no more than words")


@test("no account is begun of a listener where none is wanted, and one that there is goes on")
def unwanted(lab, fam):
    lab.R.sysctl("net.tcpstate.listeners", 0)
    first = lab.connect(fam)
    lab.expect([(first, "ESTABLISHED", "ESTABLISHED")])
    with Channel(lab.R) as channel:
        equal(channel.listeners(), [], "listeners")
        lab.R.sysctl("net.tcpstate.listeners", 1)
        second = lab.connect(fam)
        wait_equal(lambda: [each.port for each in channel.listeners()], [80], "listeners")
        lab.R.sysctl("net.tcpstate.listeners", 0)
        third, other = lab.connect(fam), lab.connect(fam, dport=81)
        lab.expect([(conn, "ESTABLISHED", "ESTABLISHED")
                    for conn in (first, second, third, other)])
        equal([(each.port, each.completed) for each in channel.listeners()], [(80, 2)],
              "listeners")


@contextlib.contextmanager
def before_the_judge():
    """Where there is one CPU, the judge, who makes the lobby, comes after all of it."""
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


@test("where all was quiet, whoever is asked first has an account, too, and but one", lab=None)
def first_asked(fam):
    answers = {"silence": (), "a RST": [(RST | ACK, 1, 0, 1)], "a SYN-ACK": [(SYN | ACK, 1, 0, 1)]}
    # Of each, what is half-open by phase, and was asked, answered and refused.
    figures = {"silence": (1, 0, 1, 0, 0), "a RST": (0, 0, 1, 0, 1), "a SYN-ACK": (0, 1, 1, 1, 0)}
    for what, segments in answers.items():
        ns = Namespace(what)
        forge = Forge(attach(ns))
        with Channel(ns) as channel:
            equal(channel.listeners(), [], "listeners before")
            with before_the_judge():
                forge.send(0, fam=fam)
                for segment in segments:
                    forge.send(0, *segment, fam=fam)
            wait_equal(lambda: [(each.syn_sent, each.syn_recv, each.syn, each.synack, each.refused)
                                for each in channel.listeners()], [figures[what]], what)


@test("more than can be kept until there is a lobby leave no half of an account", lab=None)
def too_many_first(fam):
    ns = Namespace("crowd")
    forge = Forge(attach(ns))
    crowd = [port << 14 for port in range(12)]
    with Channel(ns) as channel:
        with before_the_judge():
            forge.halfopens(crowd, fam=fam)
            for number in crowd:
                forge.send(number, RST | ACK, 1, 0, 1, fam=fam)

        def late():
            forge.send(100 << 14, fam=fam)
            return [each for each in channel.listeners() if each.port == 101]
        wait_for(late, what="one who is asked when there is a lobby")
        equal([(each.port, each.syn_sent, each.syn, each.refused) for each in channel.listeners()
               if each.port != 101 and (each.syn_sent, each.syn, each.refused) != (0, 1, 1)], [],
              "listeners of whom but half is known")


if __name__ == "__main__":
    main(one_cpu=True)
