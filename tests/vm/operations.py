# SPDX-License-Identifier: GPL-2.0
"""
Every operation that changes the life of a network namespace's records, or that holds on to
it: pairs of them at random moments, in a namespace that is full.
"""

import contextlib
import errno
import os
import queue
import random
import subprocess
import threading
import time

from forge import Forge
from genl import Channel
from lab import *

LISTENERS = 600
SPEED = 0.05            # seconds that an operation is expected to take before it was measured

# The module is gone, goes, or another operation has taken away what this one is about.
GONE = {errno.ENOENT, errno.ENODEV, errno.EIO, errno.EINVAL, errno.EOPNOTSUPP, errno.EPERM,
        errno.ENOPROTOOPT, errno.EPROTONOSUPPORT, errno.EINTR, errno.EBUSY}
DUMPS = "FLOW_GET", "HALFOPEN_GET", "LISTENER_GET", "HOST_GET"
GROUPS = "flows", "closed", "segments", "alerts"


def flush(ns):
    """End all records."""
    with Channel(ns) as channel:
        channel.flush()


def switch(value):
    """Watch, or stop watching."""
    return lambda ns: ns.sysctl("net.tcpstate.enabled", value)


def tune(ns):
    """Write every other sysctl: timeouts of a second or three, the rest as they are."""
    with ns:
        names = os.listdir("/proc/sys/net/tcpstate")
    for name in names:
        if name != "enabled":
            value = ns.sysctl(f"net.tcpstate.{name}")
            ns.sysctl(f"net.tcpstate.{name}",
                      random.choice((1, 3)) if name.startswith("timeout_") else value)


def dump(command):
    """Begin a dump, and go before its end."""
    def half(ns):
        with Channel(ns, size=4096) as channel:
            channel.dump(command).step()
    return half


def file(name):
    """Read a file's beginning."""
    def half(ns):
        with ns, open(f"/proc/thread-self/net/{name}", "rb", buffering=0) as opened:
            opened.read(200)
    return half


def join(group):
    """Join a group and leave it."""
    def both(ns):
        with Channel(ns) as channel:
            channel.join(group)
    return both


def namespace(ns):
    """Make a network namespace that sees a connection, and let it go."""
    other = fresh()
    with contextlib.suppress(OSError), other.socket(4) as sock:
        sock.connect(("127.0.0.1", 9))
    other.close()


def modprobe(ns):
    """Unload the module and load it, which fails while it is in use."""
    for command in ["modprobe", "-r", "tcpstate"], ["modprobe", "tcpstate"]:
        subprocess.run(command, stderr=subprocess.DEVNULL)


# Those that change the life of records, and those that hold on to them.
LIVES = {"flush": flush, "disable": switch(0), "enable": switch(1), "namespace": namespace}
OTHERS = {"sysctls": tune, **{f"dump {name}": dump(name) for name in DUMPS},
          **{f"read {name}": file(name) for name in ("tcpstate_halfopen", "tcpstate_listeners")},
          **{f"join {name}": join(name) for name in GROUPS}}
LOADS = {"modprobe": modprobe}


def at(moment, operation, ns):
    """Do it then; what fails since the module is gone has failed as it should."""
    time.sleep(max(moment - time.monotonic(), 0))
    began = time.monotonic()
    try:
        operation(ns)
    except OSError as error:
        if error.errno not in GONE:
            raise
    return time.monotonic() - began


class Aside(threading.Thread):
    """A thread, in the namespace, that does one operation after the other when told to."""

    def __init__(self, ns):
        super().__init__(daemon=True)
        with ns:
            self.ns = Namespace("aside", new=False)
        self.orders, self.results = queue.Queue(), queue.Queue()
        self.start()

    def run(self):
        while True:
            try:
                self.results.put(at(*self.orders.get(), self.ns))
            except BaseException as error:      # who waits for the result raises it
                self.results.put(error)

    def done(self):
        """Wait for the operation's end."""
        result = self.results.get()
        if isinstance(result, BaseException):
            raise result


def figure(ns, name):
    """A counter, or None while the module is not there."""
    with contextlib.suppress(OSError, ValueError, IndexError), ns, \
            open("/proc/thread-self/net/tcpstate", encoding="ascii") as text:
        return int([line.split()[1] for line in text if line.split()[:1] == [name]][0])
    return None


def fill(ns, forge, whole):
    """Hundreds of listeners if there are few; if whole, flows and half-opens of each too."""
    if (figure(ns, "listeners") or 0) >= LISTENERS // 2:
        return
    with contextlib.suppress(OSError):
        ns.sysctl("net.tcpstate.checksum", 0)
        ns.sysctl("net.tcpstate.enabled", 1)
    first = random.randrange(1 << 13)
    with contextlib.suppress(OSError):
        for number in range(first, first + (LISTENERS << 14), 1 << 14):
            forge.send(number)
            forge.send(number, SYN | ACK, 1, 0, 1)
        if whole:
            forge.flows(range(first + 1, first + 1 + (LISTENERS << 14), 1 << 14))
            forge.halfopens(range(first + 2, first + 2 + (LISTENERS << 14), 1 << 14))


def pairs(operations):
    """Pairs without end. Half of them are of LIVES, and begin with what takes longest."""
    every = [(one, two) for one in operations for two in operations]
    while True:
        random.shuffle(every)
        for pair in every:
            yield pair
            yield "disable", random.choice(("flush", "flush", *LIVES))


def race(ns, forge, operations, seconds):
    """Do pairs, the second at some moment of the first. How many there were."""
    took = dict.fromkeys(operations, SPEED)
    until = time.monotonic() + seconds
    aside = Aside(ns)
    for number, (one, two) in enumerate(pairs(operations)):
        if time.monotonic() > until:
            return number
        fill(ns, forge, whole=number % 8 == 0)
        begin = time.monotonic() + 0.005
        aside.orders.put((begin + random.uniform(0, 1.1) * took[one], operations[two]))
        # With nothing to do it takes no time, which says little of the next one.
        took[one] = max(at(begin, operations[one], ns), took[one] * 0.8)
        aside.done()
        if number % 4 == 0:
            empty(ns, f"{one} and {two}")


def empty(ns, after):
    """No other operation is under way, so what is disabled holds nothing."""
    with contextlib.suppress(OSError):
        ns.sysctl("net.tcpstate.enabled", 0)
        true(not figure(ns, "listeners"), f"listeners are left after {after}")
        ns.sysctl("net.tcpstate.enabled", 1)
