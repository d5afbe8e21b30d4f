# SPDX-License-Identifier: GPL-2.0
"""
Filters of flows: what each means, some thrown with a die, and a whole dump to hold
against what the kernel makes of them.

    book = Book(lab.R)
    book.check({"states": {"ESTABLISHED"}, "min_age": book.gap(die, "age")})
    book.check(any_filter(die, book))
"""

import collections
import functools

from genl import *
from ktap import true
from packets import packed
from views import STATES

TICK = 10                               # ms that two stamps of one moment may differ by
SMALL = 4096                            # octets to read a dump by: as little as there is

octets = functools.lru_cache(maxsize=None)(packed)


def end_passes(want, flow, end):
    """Does an endpoint of a record pass its filter?"""
    if "addr" in want:
        address, own = octets(want["addr"]), octets(flow.address[end])
        size = 8 * len(address)
        if len(own) != len(address) or (int.from_bytes(own, "big") ^ int.from_bytes(
                address, "big")) >> size - want.get("prefix", size):
            return False
    return ("port" not in want or
            want["port"] <= flow.port[end] <= want.get("port_last", want["port"])) and \
        ("states" not in want or flow.states[end] in want["states"])


PASSES = {
    "family": lambda value, flow: flow.fam == value,
    "initiator": lambda value, flow: end_passes(value, flow, 0),
    "responder": lambda value, flow: end_passes(value, flow, 1),
    "states": lambda value, flow: not value.isdisjoint(flow.states),
    "picked_up": lambda value, flow: flow.picked_up == value,
    "one_sided": lambda value, flow: flow.one_sided == value,
}
MOVES = {"min_age": "age", "min_idle": "idle"}          # with the time


class Book:
    """A whole dump, and what filters should select of it from then on. Time is what the
    kernel says the age of one of them is: its clock, with no gap to ours."""

    def __init__(self, ns):
        self.channel, self.flows = Channel(ns), []
        self.read = {}                  # when a record was read, at the earliest and latest
        self.tried = collections.Counter()
        self.vague = 0                  # answers that may be one thing or another by the clock
        one = self.channel.flows()[0]
        self._one = {end: {"addr": one.address[number], "port": one.port[number]}
                     for number, end in enumerate(("initiator", "responder"))}
        with Channel(ns, SMALL) as channel:
            # A datagram is filled when its predecessor is read, the first one at once;
            # the first records in it may have been left over then.
            began, dump = self.clock(), channel.dump("FLOW_GET")
            earlier, span = began, (began, self.clock())
            while not dump.done:
                began, found = self.clock(), dump.step()
                self.read.update((flow, (earlier, span[1])) for flow in found)
                self.flows += found
                earlier, span = span[0], (began, self.clock())
        self.gaps = {name: self.gaps_of(name) for name in MOVES.values()}

    def clock(self):
        """Milliseconds."""
        one, = self.channel.flows(**self._one)
        return one.age

    def gap(self, die, name):
        """A threshold of age or idle time in the middle between those of two records, as
        far as possible from both, or beyond all."""
        return max(die.choice(self.gaps[name]) + self.clock(), 0)

    def gaps_of(self, name):
        """Those thresholds, with the clock at 0."""
        values = sorted(getattr(flow, name) - self.read[flow][1] for flow in self.flows)
        wide = [(one + other) // 2 for one, other in zip(values, values[1:])
                if other - one > 500]
        return *wide, *wide, -self.clock(), values[0] - 1000, values[-1] + 100_000

    def check(self, want):
        """The kernel selects what we select."""
        still = [flow for flow in self.flows if all(
            PASSES[name](value, flow) for name, value in want.items() if name not in MOVES)]
        moves = [(MOVES[name], value) for name, value in want.items() if name in MOVES]
        for command in "FLOW_GET", "HALFOPEN_GET":
            began = moves and self.clock()
            found = once(self.channel.dump(command, fields("FLOW", want)).rest())
            ended = moves and self.clock()
            surely, maybe = ({
                flow.key for flow in still if (flow.phase or command == "FLOW_GET") and all(
                    getattr(flow, name) + later(*self.read[flow]) >= value
                    for name, value in moves)}
                for later in (lambda _, read: began - read - TICK,
                              lambda read, _: ended - read + TICK))
            missing, more = surely - found.keys(), found.keys() - maybe
            true(not missing and not more, f"{command} {want}: missing {sorted(missing)[:3]}, "
                 f"too many {sorted(more)[:3]}")
            self.vague += surely != maybe
            if command == "FLOW_GET":
                self.tried["none" if not found else "all" if len(found) == len(self.flows)
                           else "some"] += 1


def end_filter(die, flow, end):
    """A filter of an endpoint that some record, its first guess, often passes."""
    want = {}
    if die.randrange(2):
        size = {4: 32, 6: 128}[flow.fam]
        want["addr"] = flow.address[end]
        want["prefix"] = die.choice((die.randrange(size + 1), die.randrange(size + 1), 0, size))
        if want["prefix"] == size and die.randrange(2):
            del want["prefix"]
    if die.randrange(2):
        want["port"] = die.choice((flow.port[end], flow.port[end], die.randrange(65536), 0))
        if die.randrange(2):
            want["port_last"] = die.choice((want["port"], 65535, max(want["port"], flow.port[end]),
                                            die.randrange(want["port"], 65536)))
    if die.randrange(3) == 0:
        want["states"] = {flow.states[end], *die.sample(STATES, die.randrange(6))} \
            if die.randrange(4) else set(die.sample(STATES, die.randrange(1, 12)))
    return want


def any_filter(die, book):
    """A filter of several things, most of them true of one record."""
    flow = die.choice(book.flows)
    want = {}
    for name, draw in {
            "family": lambda: flow.fam,
            "initiator": lambda: end_filter(die, flow, 0),
            "responder": lambda: end_filter(die, flow, 1),
            "states": lambda: {die.choice(flow.states), *die.sample(STATES, die.randrange(5))},
            "min_age": lambda: book.gap(die, "age"),
            "min_idle": lambda: book.gap(die, "idle"),
            "picked_up": lambda: flow.picked_up ^ (not die.randrange(6)),
            "one_sided": lambda: flow.one_sided ^ (not die.randrange(6))}.items():
        if die.randrange(5) < 2:
            want[name] = draw()
    address = next((want[end]["addr"] for end in ("initiator", "responder")
                    if "addr" in want.get(end, ())), None)
    if address and "family" not in want and not die.randrange(4):
        want["family"] = flow.fam
    return want


def each_alone(die, book):
    """Every attribute alone, with values at the edges of what they can be."""
    flows = {fam: [flow for flow in book.flows if flow.fam == fam] for fam in (4, 6)}
    yield {}
    for name, values in (("family", (4, 6)), ("picked_up", (0, 1)), ("one_sided", (0, 1))):
        yield from ({name: value} for value in values)
    for state in STATES:
        yield {"states": {state}}
    for name in "min_age", "min_idle":
        yield from ({name: value} for value in (0, (1 << 32) - 1, 1 << 32, (1 << 64) - 1))
        yield from ({name: book.gap(die, name[4:])} for _ in range(8))
    for end, name in enumerate(("initiator", "responder")):
        yield {name: {}}
        yield from ({name: {"states": {state}}} for state in STATES)
        for fam, bits in (4, 8), (6, 32):
            for prefix in sorted({max(edge + near, 0) for near in (-1, 0, 1)
                                  for edge in range(0, 4 * bits, bits)} | {4 * bits - 1, 4 * bits}):
                yield {name: {"addr": die.choice(flows[fam]).address[end], "prefix": prefix}}
            yield {name: {"addr": die.choice(flows[fam]).address[end]}}
        port = die.choice(book.flows).port[end]
        yield from ({name: {"port": first, "port_last": last}} for first, last in (
            (port, port), (0, port), (port, 65535), (0, 65535), (0, 0), (65535, 65535)))
        yield {name: {"port": port}}
