# SPDX-License-Identifier: GPL-2.0
"""
Storms and clients: what a listener lives through, made by the two programs beside
(storm.c, clients.c), and the alerts that tell of it.

    class Lab -> Arena                  # with room for spoofed sources, nothing else
    with Clients(lab, fam, 80, rate=30) as real, Storm(lab, fam, 80, rate=600):
        ...
    real.connected                      # once it is over
"""

import contextlib
import os
import signal
import subprocess
import tempfile

from genl import Channel, Listener
from lab import *

HERE = os.path.dirname(os.path.abspath(__file__))
PLACE = tempfile.TemporaryDirectory()
SOURCES = {4: "198.18.0.1", 6: "fd00:18::1"}      # the first; 60000 are swallowed


def build():
    """Compile both programs."""
    for name in "storm", "clients":
        subprocess.run(["gcc", "-O1", "-o", f"{PLACE.name}/{name}", f"{HERE}/{name}.c"],
                       check=True)


class Arena(Lab):
    """A Lab in which R sends what is for a spoofed source to a device that swallows it.
    A's own tcpstate is off, and nothing is sniffed: there is too much of it. So is B's
    unless asked for."""

    witnessed = False

    def __init__(self, own=False):
        super().__init__()
        self.sniffer.close()
        self.R.ip("link add void type dummy", "link set void up",
                  "route add 198.18.0.0/15 dev void", "route add fd00:18::/64 dev void")
        for host in (self.A,) if own else (self.A, self.B):
            host.sysctl("net.tcpstate.enabled", 0)
        self.alerts = Alerts(self.R)

    def finish(self):
        self.alerts.gapless()
        super().finish()

    def report(self):
        """Listeners, hosts and alerts of R, rather than every flow."""
        lines = []
        with contextlib.suppress(Exception), Channel(self.R) as channel:
            for each in [*self.alerts.all(), *channel.hosts(), *channel.listeners()][:40]:
                lines.append(" ".join(f"{name}={value}" for name, value in vars(each).items()
                                      if value and "latency" not in name))
        return lines


class _Program:
    """One of the programs, in a namespace, until it is left."""

    def __init__(self, ns, *words, **options):
        with ns:
            self._process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, **options)

    def stop(self):
        """Terminate it; the numbers it ends with."""
        if self._process:
            self._process.send_signal(signal.SIGTERM)
            said = self._process.communicate()[0]
            true(said and self._process.returncode == 0, f"{self._process.args}: {said!r}")
            self._numbers, self._process = [int(word) for word in said.split()], None
        return self._numbers

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Storm(_Program):
    """Spoofed SYNs from host's wire into R, asking host's other side; see storm.c."""

    def __init__(self, lab, fam, port, rate, host=None, **settings):
        host = host or lab.A
        settings = {"source": SOURCES[fam], "sources": 60000, "target": lab.B.addr[fam],
                    "port": port, "rate": rate, "dev": host.dev, "to": host.gateway_mac,
                    **settings}
        super().__init__(host, f"{PLACE.name}/storm",
                         *(f"{name}={value}" for name, value in settings.items()))

    sent = property(lambda self: self.stop()[0], doc="How many, once it is over.")
    ns = property(lambda self: self.stop()[1], doc="How many nanoseconds each took.")


class Clients(_Program):
    """A's real clients of a listener; see clients.c. accept=False: nobody accepts.

    Where an emulated machine is short of time, they and the stacks that answer them are as
    late as those of a listener in trouble, and to name that is right: so only where nothing
    else runs, by make test-flood.
    """

    def __init__(self, lab, fam, port, rate, host=None, listener=None, limit=30000, accept=True):
        if "TCPSTATE_FLOODS" not in os.environ:
            raise Skip("real clients in real time: make test-flood")
        host = host or lab.B
        words = [f"{PLACE.name}/clients", listener.getsockname()[0] if listener else
                 host.addr[fam], port, rate, limit]
        pass_fds = []
        if accept:
            listener = listener or lab.listen(fam, port, host)
            listener.setblocking(False)
            pass_fds = [listener.fileno()]
        super().__init__(lab.A, *map(str, words + pass_fds), pass_fds=pass_fds)

    begun = property(lambda self: self.stop()[0])
    connected = property(lambda self: self.stop()[1])
    refused = property(lambda self: self.stop()[2])
    gave_up = property(lambda self: self.stop()[3])


class Alerts:
    """What the group alerts is told in a namespace, from now on."""

    def __init__(self, ns):
        self._channel = Channel(ns)
        self._channel.join("alerts")
        self._heard = []

    def all(self):
        """Every one so far."""
        self._heard += self._channel.heard("ALERT")
        return self._heard

    def of(self, fam, port):
        """Those of listeners of a port."""
        return [each for each in self.all() if isinstance(each, Listener) and
                (each.fam, each.port) == (fam, port)]

    def turns(self, fam, port):
        """Of these, what began, changed or ended: (alert, verdict)."""
        return [(each.told["alert"], each.told["before"] if each.told["alert"] == "end" else
                 each.verdict) for each in self.of(fam, port)]

    def gapless(self):
        """Assert that none is missing."""
        seqs = [each.told["seq"] for each in self.all()]
        equal(seqs, list(range(1, len(seqs) + 1)), "the alerts' numbers")


def account(ns, fam, port):
    """What netlink tells of the one listener of a port, or Failure."""
    with Channel(ns) as channel:
        found = channel.listeners(family=fam, endpoint={"port": port})
    equal(len(found), 1, f"listeners of port {port} in {ns}")
    return found[0]


def await_account(ns, fam, port, claim, what):
    """Await that claim(account) is true."""
    return wait_for(lambda: account(ns, fam, port), claim, f"{what}, port {port} in {ns}")


def await_usual(ns, fam, port):
    """Await that it is known what is usual at a listener to which clients come."""
    return await_account(ns, fam, port, lambda each: (each.usual or 0) >= 800, "what is usual")


def await_turn(lab, fam, port, *turns, timeout=None):
    """Await that the alerts of a listener in R are these, neither more nor less."""
    wait_equal(lambda: lab.alerts.turns(fam, port)[:len(turns)], list(turns),
               f"alerts of port {port}", timeout)
    equal(lab.alerts.turns(fam, port), list(turns), f"alerts of port {port}")
