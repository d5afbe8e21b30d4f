#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""
Who may ask what. Counters are for anyone; addresses, and a flush, are for who holds
CAP_NET_ADMIN in the user namespace that owns the network namespace.
"""

import fcntl
import socket
import struct

from genl import *
from lab import *
from roles import *

SYSCTL = "/proc/sys/net/tcpstate/timeout_close"


# what

def read(name):
    """Read a file of /proc/net."""
    with open(f"/proc/thread-self/net/{name}") as file:
        return file.read()


def ask(method):
    """A request on a socket of one's own."""
    with Channel() as channel:
        return getattr(channel, method)()


def trace():
    """A trace of one's own."""
    with Channel() as channel:
        channel.do("TRACE_SET", fields("FLOW", {"family": 4}))


def tune(mode):
    """A sysctl that is opened, and set to what it is."""
    with open(SYSCTL, mode) as file:
        if mode == "w":
            file.write("10\n")


def join(group):
    """A multicast group, on a socket of one's own."""
    with Channel() as channel:
        channel.join(group)


WHAT = {
    "STATS_GET": lambda: ask("stats"),
    "FLOW_GET": lambda: ask("flows"),
    "HALFOPEN_GET": lambda: ask("halfopens"),
    "LISTENER_GET": lambda: ask("listeners"),
    "HOST_GET": lambda: ask("hosts"),
    "TRACE_SET": trace,
    **{group: lambda group=group: join(group)
       for group in ("flows", "closed", "segments", "alerts")},
    "FLUSH": lambda: ask("flush"),
    "tcpstate": lambda: read("tcpstate"),
    "stat/tcpstate": lambda: read("stat/tcpstate"),
    "a sysctl's value": lambda: tune("r"),
    "tcpstate_halfopen": lambda: read("tcpstate_halfopen"),
    "tcpstate_listeners": lambda: read("tcpstate_listeners"),
    "a sysctl": lambda: tune("w"),
}
OPEN = {"STATS_GET", "tcpstate", "stat/tcpstate", "a sysctl's value"}       # to anyone

OWNED = {"tcpstate_halfopen", "tcpstate_listeners", "a sysctl"}
ASKED_OF = WHAT.keys() - OPEN - OWNED           # whom only CAP_NET_ADMIN lets ask

# Who may do what besides. A file is its owner's, whatever his capabilities; a sysctl is
# that of who holds CAP_NET_ADMIN too.
MAY = {
    root: ASKED_OF | OWNED,
    root_without: OWNED,
    nobody_with: ASKED_OF | {"a sysctl"},
    nobody: set(),
    own_user: set(),
    own_both: ASKED_OF | OWNED,
}


def want(who, what):
    """How that should end."""
    if what in OPEN or what in MAY[who]:
        return "ok"
    return "EACCES" if what in OWNED else "EPERM"


def flows(lab, fam):
    """A connection and a half-open one in R; their number."""
    conn, half = lab.connect(fam), lab.dial(fam, lab.silent[fam])
    conn.talk()
    lab.expect([(conn, "ESTABLISHED", "ESTABLISHED"), (half, "SYN_SENT", "LISTEN")])
    return 2


@test("who may ask what, and what is refused changes nothing")
def matrix(lab, fam):
    number = flows(lab, fam)
    for who in sorted(MAY, key=lambda who: who is root):        # whose flush comes last
        before = proc(lab.R)
        said = in_child(lab.R, who, lambda: {what: verdict(function)
                                             for what, function in WHAT.items()})
        equal(said, {what: want(who, what) for what in WHAT}, f"{who.__name__}")
        if said["FLUSH"] == "ok" and who is not own_both:
            equal(proc(lab.R)["flushed"] - before["flushed"], number, f"{who.__name__} flushed")
            if who is not root:
                number = 1
                lab.keep(lab.connect(fam))
                wait_equal(lambda: proc(lab.R)["opened"] - before["opened"], 1, "opened")
        else:
            equal((proc(lab.R)["flows"] + proc(lab.R)["halfopen"], proc(lab.R)["flushed"]),
                  (number, before["flushed"]), f"connections after {who.__name__}, flushed")


@test("root of a user namespace is told of his own network namespace")
def own(lab, fam):
    flows(lab, fam)

    def look():
        address = {4: "127.0.0.1", 6: "::1"}[fam]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            fcntl.ioctl(sock, 0x8914, struct.pack("16sH14x", b"lo", 1))         # SIOCSIFFLAGS
        family = {4: socket.AF_INET, 6: socket.AF_INET6}[fam]
        with socket.socket(family) as server, socket.socket(family) as client:
            wait_for(lambda: verdict(lambda: server.bind((address, 80))), lambda said: said == "ok",
                     "loopback's address")
            server.listen()
            client.connect((address, 80))
            with Channel() as channel:
                told = [flow.key for flow in channel.flows()]
                channel.flush()
                return told, [f"ipv{fam}", endpoint(client), at(address, 80)], channel.flows()
    told, made, left = in_child(lab.R, own_both, look)
    equal((told, left), ([made], []), "told, left after a flush")
    equal(proc(lab.R)["flushed"], 0, "flushed in R")


@test("both who opened a socket and who sends on it must be allowed", families=None)
def handed_over(lab):
    number = flows(lab, 4)
    channel = Channel(lab.R)
    for who, what, said in (
            (nobody, "flows", "EPERM"), (nobody, "halfopens", "EPERM"), (nobody, "flush", "EPERM"),
            (nobody, "listeners", "EPERM"), (nobody, "hosts", "EPERM"),
            (nobody, "stats", "ok"), (own_user, "flows", "EPERM"), (own_both, "flows", "EPERM"),
            (nobody_with, "flows", "ok")):
        equal(in_child(lab.R, who, lambda what=what: verdict(getattr(channel, what))), said,
              f"{who.__name__}: {what} on root's socket")
    # the other way round: opened by nobody, used by root
    here, there = socket.socketpair()

    def give():
        with Channel() as channel:
            return socket.send_fds(there, [b"."], [channel.sock.fileno()])
    in_child(lab.R, nobody, give)
    _, (fd,), _, _ = socket.recv_fds(here, 1, 1)
    channel.sock = socket.socket(fileno=fd)
    equal([verdict(getattr(channel, what)) for what in ("flows", "flush", "stats")],
          ["EPERM", "EPERM", "ok"], "root on nobody's socket")
    # what was asked for by who may ask can be read by whom he lets read it
    dump = Channel(lab.R).dump("FLOW_GET")
    equal(len(in_child(lab.R, nobody, lambda: [flow.key for flow in dump.rest()])), number,
          "nobody reads root's dump")
    equal(proc(lab.R)["flushed"], 0, "flushed")


if __name__ == "__main__":
    main()
