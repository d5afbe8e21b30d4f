#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""
Events: built and numbered only where a listener receives them, whatever listens in
other namespaces; and a listener misses nothing once it joined. Behind a full queue alerts
come first.
"""

import contextlib
import os
import signal
import struct
from types import SimpleNamespace

import ktap
import traffic
from beside import stalled
from forge import *
from genl import *
from lab import *
from roles import *

TRACING = "/sys/kernel/tracing"
BUILT = "tcpstate:tcpstate_message_flow"        # called once for each event that is built
JOINED = "tcpstate:tcpstate_event_joined"       # and for each listener that may have joined
NONE = {"flows": 0, "closed": 0, "segments": 0, "alerts": 0}
FLOWS, ROUNDS = 2000, 10
# Since then a family is called before a socket joins one of its groups.
CALLED = tuple(map(int, os.uname().release.split(".")[:2])) >= (6, 9)


# who listens

@contextlib.contextmanager
def elsewhere(*groups):
    """A user without privileges listens to these groups, in namespaces of its own."""
    joined, told = os.pipe()

    def listen():
        own_both()
        channels = [Channel() for _ in groups]
        for channel, group in zip(channels, groups):
            channel.join(group)
        os.write(told, b".")
        signal.pause()
    with child(listen):
        os.close(told)
        equal(os.read(joined, 1), b".", "what the listener says")
        os.close(joined)
        yield


def numbers(ns):
    """The last numbers, as a process learns them that may not listen."""
    return in_child(ns, nobody, lambda: ask().seq)


def ask():
    """STATS_GET on a socket of this namespace."""
    with Channel() as channel:
        return channel.stats()


def joined(ns, group):
    """A Channel that has joined a group, its process in the namespace as it does."""
    channel = Channel(ns)
    with ns:
        channel.join(group)
    return channel


@contextlib.contextmanager
def built(function=BUILT):
    """Yields a function: how many events were built since, or how often another function of
    the module was called."""
    def control(name, value):
        fd = os.open(f"{TRACING}/{name}", os.O_WRONLY | os.O_APPEND)
        os.write(fd, f"{value}\n".encode())
        os.close(fd)

    def hits():
        with open(f"{TRACING}/kprobe_profile") as file:
            return sum(int(line.split()[1]) for line in file if line.split()[0] == "built")
    if not os.path.exists(f"{TRACING}/kprobe_events"):
        raise Skip("this kernel has no kprobe events")
    control("kprobe_events", f"p:built {function}")
    try:
        control("events/kprobes/built/enable", 1)
        before = hits()
        yield lambda: hits() - before
    finally:
        control("events/kprobes/built/enable", 0)
        control("kprobe_events", "-:built")


# cost

@ktap.test("a listener in another namespace has no events built or numbered here", None,
           serial=True)
def heard():
    # The module asks a few times a second whether there is a listener: a slow machine sees
    # more of these questions in a round. Without an end to them all events are built.
    ns = Namespace("R")
    forge = Forge(attach(ns))
    shares = []
    with elsewhere("flows", "closed"), built() as count:
        while not shares or min(shares) >= 1 / 2:
            true(len(shares) < ROUNDS, f"shares of the events that were built: {shares}")
            last = len(shares) * FLOWS
            before = count()
            forge.flows(range(last, last + FLOWS))
            wait_equal(lambda: proc(ns)["established"], last + FLOWS, "connections")
            shares.append((count() - before) / (2 * FLOWS))
        say(f"shares of the events that were built: {shares}")
        wait_equal(lambda: numbers(ns), NONE, "numbers")
        equal(proc(ns)["events_lost"], 0, "events_lost")


@ktap.test("a refused join changes nothing for events", None, serial=True)
def turned_away():
    ns = Namespace("R")

    def attempt():
        with Channel() as channel:
            return verdict(lambda: channel.join("flows"))
    with built(JOINED) as count:
        equal(in_child(ns, nobody, attempt), "EPERM", "a join without privilege")
        equal(count(), 0, "listeners that events are built for")
        equal(in_child(ns, root, attempt), "ok", "root joins")
        equal(count(), int(CALLED), "listeners that events are built for, then")


# joins

def take(channel, heard):
    """What a listener to flows has received so far: (number, event, initiator's port)."""
    heard += [(each["seq"], each["event"], each["initiator"]["port"])
              for each in channel.heard("FLOW")]
    return heard


def whole(heard, ports, base):
    """Assert that from base on nothing is missing: a connection of each port opens."""
    seqs = [seq for seq, *_ in heard if seq > base]
    equal(seqs, list(range(base + 1, base + 1 + len(seqs))), "numbers")
    equal([port for seq, event, port in heard if port in ports], list(ports), "ports")


@ktap.test("who joined and knows the last number misses nothing, though none listened before",
           None, serial=True)
def joins():
    ns = Namespace("R")
    forge = Forge(attach(ns))
    port = 0
    with elsewhere("flows", "closed"):
        for turn in range(40):
            forge.halfopens(range(port, port + 5))          # to no listener
            with joined(ns, "flows") as channel:
                with ns:
                    base = ask().seq["flows"]
                forge.halfopens(range(port + 5, port + 25))
                want = range(10_000 + port + 5, 10_000 + port + 25)
                heard = []
                wait_for(lambda: take(channel, heard), lambda got: got and got[-1][2] == want[-1],
                         f"the last event, turn {turn}")
                whole(heard, want, base)
            port += 25
    equal(proc(ns)["events_lost"], 0, "events_lost")


@ktap.test("who joined and asks nothing receives all from its first event on", None, serial=True)
def unasked():
    ns = Namespace("R")
    forge = Forge(attach(ns))
    port = 0
    with elsewhere("flows", "closed"):
        for turn in range(10):
            forge.halfopens(range(port, port + 5))
            port += 5
            with joined(ns, "flows") as channel:
                heard, first = [], port
                while not take(channel, heard):
                    forge.halfopens([port])
                    port += 1
                    true(not CALLED or port < first + 1000, "an event at once")
                forge.halfopens(range(port, port + 20))
                port += 20
                wait_for(lambda: take(channel, heard),
                         lambda got: got[-1][2] == 10_000 + port - 1, f"the last, turn {turn}")
                whole(heard, range(heard[0][2], 10_000 + port), heard[0][0] - 1)
                if CALLED:
                    true(heard[0][2] <= 10_000 + first, f"first event {heard[0]}, of port {first}")


# behind a queue that is full

def room(channel, octets):
    """Set how much the socket may hold; what is beyond is lost without an error."""
    channel.sock.setsockopt(socket.SOL_SOCKET, 33, octets)      # SO_RCVBUFFORCE
    channel.sock.setsockopt(270, 5, 1)              # SOL_NETLINK, NETLINK_NO_ENOBUFS


def received(channel):
    """Each notification that waits: its command, and its octets from the command on."""
    found = []
    with contextlib.suppress(BlockingIOError):
        while True:
            octets = channel.sock.recv(1 << 16)
            while octets:
                length, = struct.unpack_from("=I", octets)
                found.append((octets[16], octets[16:length]))
                octets = octets[length + 3 & ~3:]
    return found


def scan(forge, ports):
    """Begin a SYN to each port of one host."""
    forge.ns.dev, forge.ns.gateway_mac = "out", "02:00:00:00:0f:01"
    place = SimpleNamespace(A=forge.ns, B=SimpleNamespace(addr={4: "10.8.0.2"}))
    return traffic.Storm(place, 4, 1, 1 << 20, source="10.8.0.1", sources=1, ports=ports,
                         count=ports)


@ktap.test("alerts are sent before a full queue of flows, STATS_GET waits for neither, and "
           "reports the numbers that were sent or lost", None, serial=True)
def behind():
    if not os.environ.get("TCPSTATE_STALL"):
        # What else the kernel has put on that CPU waits too, which may stop everything.
        raise Skip("it may hang: TCPSTATE_STALL=1 tries it")
    number = 14_000                             # more than a queue holds
    reload(max_halfopen=number)
    ns = Namespace("R")
    forge = Forge(attach(ns))
    with joined(ns, "flows") as both, joined(ns, "flows") as small, Channel(ns) as asks:
        both.join("alerts")
        room(both, 64 << 20)
        room(small, 4096)

        def first_event():
            # A SYN would wake the detector, and its work would be stalled too.
            for way in 0, 1:
                forge.send(1, ACK, way, 1000, 1000)
            wait_for(lambda: proc(ns).memory["events"], what="an event that waits")
        with stalled(first_event), scan(forge, number):
            wait_equal(lambda: proc(ns)["opened"], number, "SYNs")
            wait_for(lambda: [host.verdict for host in asks.hosts()],
                     lambda verdicts: "scan" in verdicts, "a scan is found")
            stats = asks.stats()
            equal(stats.seq, NONE, "numbers that were sent or lost")
            true(stats.memory["events"] > 256 * 4096, f"{stats.memory['events']} octets wait")
            equal([received(each) for each in (both, small)], [[], []], "what was sent")
        seen = proc(ns)
        last = seen["opened"] + seen["picked_up"]
        stats = wait_for(asks.stats, lambda stats: stats.seq["flows"] == last,
                         f"a report that {last} numbers were sent or lost")
        sent = last - stats.counters["events_lost"]
        true(0 < sent < last, f"{sent} of {last} were sent")
        heard = received(both)
        equal(heard[0][0], COMMANDS["ALERT_NTF"], "the command of the first notification")

        def numbers_of(heard):
            return [both.reply("FLOW", octets)["seq"] for command, octets in heard
                    if command == COMMANDS["FLOW_NTF"]]
        equal(numbers_of(heard), list(range(1, sent + 1)), "numbers of those that were sent")
        # From its events alone this reader cannot tell that more were sent.
        few = numbers_of(received(small))
        true(few and few == list(range(1, len(few) + 1)) and len(few) < sent,
             f"{len(few)} fit into the smaller socket")
        equal(proc(ns).memory["events"], 0, "octets that wait")


if __name__ == "__main__":
    traffic.build()
    ktap.main(None, module, reload)
