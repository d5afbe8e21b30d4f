# SPDX-License-Identifier: GPL-2.0
"""What tcpstate's netlink tells, decoded: statistics, connections, listeners, hosts, alerts."""

import socket
from dataclasses import dataclass

from ktap import equal
from packets import at
from uapi import *
from views import HalfOpen


class Stats:
    """Reply of STATS_GET, in the words of views.Proc."""

    def __init__(self, found):
        self.version, self.enabled, self.counters = \
            found["version"], found["enabled"], found["counters"]
        self.seq, self.memory = found["seq"], found["memory"]
        self.states = {STATE_NAMES[row["state"]]: (row["initiator"], row["responder"],
                                                   row["entered"]) for row in found["state"]}
        if len(found["state"]) != len(STATE_NAMES) or len(self.states) != len(STATE_NAMES):
            raise Malformed(f"states {[row['state'] for row in found['state']]}")
        self.pairs = {(STATE_NAMES[row["initiator"]], STATE_NAMES[row["responder"]]): row["flows"]
                      for row in found.get("pair", ())}
        # None to what a connection began in
        self.transitions = {(STATE_NAMES.get(row.get("from")), STATE_NAMES[row["to"]]):
                            row["count"] for row in found.get("transition", ())}
        self.dwell = {STATE_NAMES[row["state"]]: (row["buckets"], row["sum"])
                      for row in found["dwell"]}
        for name, (_, _, entered) in self.states.items():
            if sum(count for (_, to), count in self.transitions.items() if to == name) != entered:
                raise Malformed(f"entered {name}: {entered}, transitions {self.transitions}")


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

    asks = tells = "FLOW"               # the spaces of a request and of a reply

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


def _place(end, family):
    """The IP version and the address of a listener, a host or a source."""
    fam = {socket.AF_INET: 4, socket.AF_INET6: 6}.get(family)
    if fam is None or len(end["addr"]) != {4: 4, 6: 16}[fam]:
        raise Malformed(f"family {family}, address {end}")
    return fam, socket.inet_ntop(family, end["addr"])


def _named(names, number):
    """The name of a verdict or of what an alert says."""
    if number not in names:
        raise Malformed(f"{number} is none of {names}")
    return names[number]


def once(records):
    """Records by their key, each of which must be there but once."""
    found = {record.key: record for record in records}
    equal(len(records) - len(found), 0, "records that came twice")
    return found


@dataclass(eq=False)
class Listener:
    """A listener, as LISTENER_GET tells it, and of an alert `told` has the rest.
    Latencies are buckets, sources (address, share)."""
    fam: int
    address: str
    port: int
    syn_sent: int
    syn_recv: int
    syn: int
    synack: int
    completed: int
    refused: int
    timed_out: int
    syn_rate: int
    sources: int
    verdict: str
    since: int
    stale: int
    responder_latency: tuple
    initiator_latency: tuple
    untimed: int
    completion: int = None              # None where nothing was judged
    usual: int = None
    heavy: tuple = ()
    told: dict = None

    asks, tells = "LISTENER", "ACCOUNT"
    _SAME = ("syn_sent", "syn_recv", "syn", "synack", "completed", "refused", "timed_out",
             "syn_rate", "sources", "since", "stale", "responder_latency", "initiator_latency",
             "untimed")

    @classmethod
    def of(cls, found):
        """From the attributes of a reply or an alert."""
        fam, address = _place(found["endpoint"], found["family"])
        heavy = tuple((_place(each, found["family"])[1], each["share"])
                      for each in found.get("source", ()))
        shares = [share for _, share in heavy] + \
            [found[name] for name in ("completion", "usual") if name in found]
        if any(share > 1000 for share in shares):
            raise Malformed(f"more than all: {shares}")
        return cls(fam, address, found["endpoint"]["port"], completion=found.get("completion"),
                   usual=found.get("usual"), heavy=heavy, told=_told(found),
                   verdict=_named(VERDICTS, found["verdict"]),
                   **{name: found[name] for name in cls._SAME})

    @property
    def key(self):
        """Who it is."""
        return f"ipv{self.fam}", self.address, self.port


@dataclass(eq=False)
class Host:
    """A host under a verdict, as HOST_GET tells it; `told` as a Listener's."""
    fam: int
    address: str
    verdict: str
    since: int
    targets: int
    syn: int
    told: dict = None

    asks, tells = "LISTENER", "HOST"

    @classmethod
    def of(cls, found):
        """From the attributes of a reply or an alert."""
        return cls(*_place(found["endpoint"], found["family"]),
                   _named(VERDICTS, found["verdict"]), found["since"], found["targets"],
                   found["syn"], _told(found))

    @property
    def key(self):
        """Who it is."""
        return f"ipv{self.fam}", self.address


@dataclass(eq=False)
class Table:
    """A table that is full or no longer so: always of an alert."""
    name: str
    fill: int
    limit: int
    told: dict

    @classmethod
    def of(cls, found):
        """From the attributes of an alert."""
        name = SPACES["COUNTER"].get(found["table"])
        if name not in ("COUNTER_FLOWS", "COUNTER_HALFOPEN", "COUNTER_LISTENERS"):
            raise Malformed(f"table {found['table']}")
        return cls(SHORT[name], found["fill"], found["limit"], _told(found))


def _told(found):
    """What an alert says beside its subject, or None."""
    return {"alert": _named(ALERTS, found["alert"]), "seq": found["seq"], "time": found["time"],
            "before": found.get("before") and _named(VERDICTS, found["before"])} \
        if "alert" in found else None


def alert(octets):
    """A Listener, a Host or a Table that an alert is about."""
    there = {SPACES["LISTENER"].get(number & 0x3fff)
             for _, number, _ in attributes(octets, "alert")}
    space, kind = ("TABLE_ALERT", Table) if "LISTENER_TABLE" in there else \
        ("HOST_ALERT", Host) if "LISTENER_TARGETS" in there else ("ACCOUNT_ALERT", Listener)
    return kind.of(decode(space, octets))
