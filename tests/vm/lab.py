# SPDX-License-Identifier: GPL-2.0
"""
The laboratory that the tests of tests/vm share: two hosts A and B on either
side of a router R, all three network namespaces of this very process, and
readers of what tcpstate (and ss, its witness) says in each of them.

    @test("what is claimed")
    def claim(lab, fam):                # fam is 4, then 6; a fresh Lab each
        conn = lab.connect(fam)         # real stacks, A to B through R
        conn.a.shutdown(SHUT_WR)
        lab.expect([(conn, "FIN_WAIT2", "CLOSE_WAIT")], own="AB",
                   counters={"opened": 1, "established": 1})

    if __name__ == "__main__":
        main()

Every test runs in a process of its own, several at a time (serial=True: alone,
after the others), and ends with the identities of the contract and the segment
counters laid beside what a packet socket in R saw. Namespaces have no names:
they go with the process that made them, however it ends. A socket belongs to
the namespace it was made in, so nothing needs a worker:

    with lab.B: sock = socket.socket()
    lab.B.run("ss", "-tan")             # a program in B
    lab.R.sysctl("net.tcpstate.enabled", 0)

Nothing here sleeps for luck: wait_for() awaits a condition.
"""

import collections
import contextlib
import os
import select
import socket
import struct
import subprocess
from socket import SHUT_RD, SHUT_WR

import ktap
from ktap import *
from packets import *
from views import *


class Conn:
    """A connection: `a` and `b` are the initiator's and responder's sockets (b may
    be None), `initiator` and `responder` their names, `hosts` their namespaces
    (None where there is no host)."""

    def __init__(self, fam, hosts, initiator, responder, a=None, b=None):
        self.fam, self.hosts, self.a, self.b = fam, hosts, a, b
        self.initiator, self.responder = initiator, responder

    def __repr__(self):
        return f"{self.initiator}>{self.responder}"

    def talk(self, data=b"ping", back=b"pong"):
        """Exchange data both ways."""
        for one, other, text in (self.a, self.b, data), (self.b, self.a, back):
            one.sendall(text)
            got = b""
            while len(got) < len(text):
                more = other.recv(len(text) - len(got))
                true(more, f"{self}: end of stream instead of data")
                got += more
            equal(got, text, f"{self}: data")

    def close(self):
        """Close both ends, the responder when it has the initiator's FIN: else they
        may cross."""
        if self.a is not None:
            self.a.close()
        if self.b is not None and self.b.fileno() >= 0:
            heard = select.poll()
            heard.register(self.b, select.POLLRDHUP)
            heard.poll(PATIENCE * 1000)
            self.b.close()


def endpoint(sock, peer=False):
    """The name of a socket's own address, or its peer's."""
    return at(*(sock.getpeername() if peer else sock.getsockname())[:2])


def reset(sock):
    """Close with a RST."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


@contextlib.contextmanager
def one_cpu(cpu=None):
    """What this thread sends meanwhile, and what that gives rise to, stays on one CPU (the
    first): what different ones send may overtake each other."""
    cpus = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cpus) if cpu is None else cpu})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cpus)


class Lab:
    """A -- R -- B. A is 10.9.1.2 and fd00:9:1::2 behind R's device a0, B is
    10.9.2.2 and fd00:9:2::2 behind b0. `silent[fam]` is an address beyond b0
    where nobody lives; sources out of `spoofed[fam]` are swallowed by R, so what
    is answered to them goes nowhere (and nobody says unreachable)."""

    PREFIX = {4: "10.9.{}.{}", 6: "fd00:9:{}::{:x}"}

    def __init__(self):
        self.A, self.R, self.B = (Namespace(each) for each in "ARB")
        self.silent = {fam: self.address(fam, 2, 0x66) for fam in (4, 6)}
        self.spoofed = {4: "10.9.3.0/24", 6: "fd00:9:3::/64"}
        self.hosts = (self.A, self.B)
        self._listeners = {}
        self._kept = []
        for ns in self.A, self.R, self.B:
            for knob, value in (("ipv4.conf.all.rp_filter", 0),
                                ("ipv4.conf.default.rp_filter", 0),
                                ("ipv6.conf.default.accept_dad", 0),
                                ("ipv6.conf.default.accept_ra", 0),
                                ("ipv6.conf.default.addr_gen_mode", 1),
                                ("ipv6.conf.default.router_solicitations", 0)):
                ns.sysctl(f"net.{knob}", value)
        # No host gives a connection up because the machine is slow.
        for host in self.hosts:
            host.sysctl("net.ipv4.tcp_syn_retries", 10)
        self.R.sysctl("net.ipv4.ip_forward", 1)
        self.R.sysctl("net.ipv6.conf.all.forwarding", 1)
        mac = "02:00:00:00:{:02x}:{:02x}".format
        lines = ["link set lo up"]
        for net, host, dev in (1, self.A, "a0"), (2, self.B, "b0"):
            host.dev, host.mac = "eth0", mac(net, 2)
            host.gateway_dev, host.gateway_mac = dev, mac(net, 1)
            lines += [f"link add {dev} address {mac(net, 1)} type veth peer name eth0 "
                      f"address {mac(net, 2)} netns {host.path}",
                      f"link set {dev} up"]
            for fam, size in (4, 24), (6, 64):
                host.addr[fam] = self.address(fam, net, 2)
                lines += [f"addr add {self.address(fam, net, 1)}/{size} dev {dev}"
                          + " nodad" * (fam == 6),
                          f"neigh add {host.addr[fam]} lladdr {host.mac} dev {dev}"]
        lines += [f"neigh add {self.silent[fam]} lladdr {mac(0xde, 0xad)} dev b0"
                  for fam in (4, 6)]
        lines += [f"route add blackhole {self.spoofed[4]}",
                  f"route add blackhole {self.spoofed[6]}"]
        self.R.ip(*lines)
        for net, host in (1, self.A), (2, self.B):
            lines = ["link set lo up", "link set eth0 up"]
            for fam, size in (4, 24), (6, 64):
                gateway = self.address(fam, net, 1)
                lines += [f"addr add {host.addr[fam]}/{size} dev eth0" + " nodad" * (fam == 6),
                          f"neigh add {gateway} lladdr {host.gateway_mac} dev eth0",
                          f"route add default via {gateway}"]
            host.ip(*lines)
        self._probe()
        self.sniffer = Sniffer(self.R)

    def _probe(self):
        """Await that R forwards: a device whose peer came up later drops until the
        kernel's link watch has looked at it."""
        for fam in (4, 6):
            ends = [host.socket(fam, socket.SOCK_DGRAM) for host in self.hosts]
            for end, host in zip(ends, self.hosts):
                end.bind((host.addr[fam], 9))
                end.setblocking(False)
            for end, other, host in (*ends, self.B), (*ends[::-1], self.A):
                def passes(end=end, other=other, host=host):
                    with contextlib.suppress(BlockingIOError, OSError):
                        end.sendto(b"?", (host.addr[fam], 9))
                        return other.recv(1)
                wait_for(passes, what=f"R's way to {host}")
            for end in ends:
                end.close()

    @classmethod
    def address(cls, fam, net, host):
        """The address of a host number on network 1 (A's), 2 (B's) or 3 (spoofed)."""
        return cls.PREFIX[fam].format(net, host)

    def spoof(self, fam, number):
        """The number-th spoofed source, from 1 on (to 250)."""
        return self.address(fam, 3, number)

    def keep(self, thing):
        """Hold on to a socket that should not be closed for want of a name."""
        self._kept.append(thing)
        return thing

    def close(self):
        """Let everything go."""
        for sock in self._listeners.values():
            sock.close()
        self.sniffer.close()
        for ns in self.A, self.R, self.B:
            # An orphaned socket may keep its namespace for minutes yet.
            if not BARE:
                ns.sysctl("net.tcpstate.enabled", 0)
            ns.close()

    # making connections

    def listen(self, fam, port=80, host=None, backlog=1024, before=None):
        """The listener of a port of B (or host), made once. before(sock) may set
        options that must stand before listen()."""
        host = host or self.B
        key = fam, port, host
        if key not in self._listeners:
            sock = host.socket(fam)
            if before:
                before(sock)
            sock.bind((host.addr[fam], port))
            sock.listen(backlog)
            self._listeners[key] = sock
        return self._listeners[key]

    def connect(self, fam, sport=0, dport=80, client=None, accept=True, before=None):
        """A connection from A to B (or from client to the other), accepted."""
        client = client or self.A
        server = self.B if client is self.A else self.A
        listener = self.listen(fam, dport, server)
        sock = client.socket(fam)
        if before:
            before(sock)
        if sport:
            sock.bind((client.addr[fam], sport))
        sock.connect((server.addr[fam], dport))
        conn = Conn(fam, (client, server), endpoint(sock), endpoint(sock, True), sock)
        if accept:
            conn.b = listener.accept()[0]
            conn.b.settimeout(PATIENCE)
            equal(endpoint(conn.b, True), conn.initiator, "accepted")
        return conn

    def dial(self, fam, address=None, dport=80, sport=0, client=None, before=None):
        """Begin to connect to an address (default: B's) and do not wait."""
        client = client or self.A
        server = self.B if client is self.A else self.A
        address = address or server.addr[fam]
        sock = client.socket(fam)
        sock.setblocking(False)
        if before:
            before(sock)
        if sport:
            sock.bind((client.addr[fam], sport))
        with contextlib.suppress(BlockingIOError):
            sock.connect((address, dport))
        return Conn(fam, (client, server if address == server.addr[fam] else None),
                    endpoint(sock), at(address, dport), sock)

    # meddling in the middle: all of it after PRE_ROUTING of R, so seen by tcpstate

    def drop(self, *rules):
        """R forwards no segment that one of these nft rules matches, such as
        'iifname a0 tcp flags & fin == fin'. Without rules: forwards all again."""
        self.R.nft("table inet lab", "delete table inet lab", "table inet lab {",
                   "chain forward { type filter hook forward priority 0;",
                   *(f"{rule} drop;" for rule in rules), "}", "}")

    def delay(self, to_a, to_b):
        """R delays what it sends to A and to B, in milliseconds."""
        for dev, ms in ("a0", to_a), ("b0", to_b):
            self.R.run("tc", "qdisc", "replace", "dev", dev, "root", "netem",
                       "delay", f"{ms}ms", "limit", "10000")

    def hold(self):
        """R holds what it sends to A and to B, until release()."""
        for host in self.hosts:
            self.R.run("tc", "qdisc", "replace", "dev", host.gateway_dev, "root", "plug",
                       "limit", "1000000")

    def release(self, host):
        """R sends what it has held for this host, and holds no more."""
        self.R.run("tc", "qdisc", "change", "dev", host.gateway_dev, "root", "plug",
                   "release_indefinite")

    def forge(self, host, packets):
        """Send IP packets (of ipv4() or ipv6()), made by hand, from A's or B's
        device into R's wire. The host's own hooks do not see them."""
        if not hasattr(host, "raw"):
            raw = host.socket(socket.AF_PACKET, socket.SOCK_RAW)
            with host:
                raw.bind((host.dev, 0))
            host.frame = bytes.fromhex((host.gateway_mac + host.mac).replace(":", ""))
            # Last, for several threads may forge, and look for it.
            host.raw = raw
        with one_cpu():
            for packet in [packets] if isinstance(packets, bytes) else packets:
                host.raw.send(host.frame + (b"\x08\0" if packet[0] >> 4 == 4 else b"\x86\xdd")
                              + packet)

    # asserting

    def expect(self, pairs, own="", counters=None, entered=None, witness=None, ns=None,
               timeout=None):
        """Await the point where all agree and nothing else is there:

        pairs     (conn, initiator's state, responder's state), for each record
                  that R should hold; ss on each host must say the same of the
                  sockets (CLOSE and LISTEN: no such socket). Two further states
                  say what ss shows where it differs ("" for nothing).
        own       "A", "B": these hosts' own tcpstate must say it too
        counters  what R's counters must be, those not named zero; WITNESSED ones
                  are compared with what a packet socket saw, unless named
        entered   what the third column must be, states not named zero
        ns        look there instead of in R
        """
        pairs = [tuple(pair) for pair in pairs]
        table = collections.defaultdict(lambda: [0, 0])
        socks = {}
        for conn, first, second, *other in pairs:
            table[first][0] += 1
            table[second][1] += 1
            shown = other or [first, second]
            for host, local, peer, state in (
                    (conn.hosts[0], conn.initiator, conn.responder, shown[0]),
                    (conn.hosts[1], conn.responder, conn.initiator, shown[1])):
                if host is not None:
                    socks[host, local, peer] = None if state in ("CLOSE", "LISTEN", "") \
                        else state
        table = {state: tuple(table[state]) for state in STATES if state in table}
        tables = [ns or self.R] + [getattr(self, each) for each in own]

        def look():
            for one in () if BARE else tables:
                seen = proc(one)
                equal(seen.pairs, table, f"states in {one}")
                equal(seen.unequal(), [], f"identities in {one}")
            said = {host: ss(host) for host in {key[0] for key in socks}}
            for (host, local, peer), state in socks.items():
                equal(said[host].get((local, peer)), state, f"ss in {host}, {local} {peer}")
            if BARE:
                return
            if counters is not None:
                self.counted(counters, ns=ns)
            seen = proc(tables[0])
            equal(seen.pairs, table, f"states in {tables[0]}, again")
            if entered is not None:
                equal(seen.entered, entered, f"entered in {tables[0]}")

        wait_for(look, lambda _: True, "agreement", timeout)

    def counted(self, counters, ns=None):
        """Assert R's counters: as given, those not named zero, WITNESSED ones as
        the packet socket saw them."""
        ns = ns or self.R
        want = {} if ns is not self.R else self.sniffer.witness()
        seen = proc(ns).counted
        if ns is not self.R:
            seen = {name: value for name, value in seen.items()
                    if name not in WITNESSED or name in counters}
        want.update(counters)
        equal(seen, {name: want[name] for name in COUNTERS if want.get(name)},
              f"counters in {ns}")

    def finish(self):
        """What holds at the end of every test."""
        if BARE:
            return
        for ns in self.A, self.R, self.B:
            identities(ns)

        def look():
            seen, witness = proc(self.R), self.sniffer.witness()
            equal({name: seen[name] for name in SEGMENTS},
                  {name: witness[name] for name in SEGMENTS}, "segment counters in R")
        if self.witnessed:
            wait_for(look, lambda _: True, "R's segment counters")

    # a test that forges what a packet socket reads otherwise, or switches the
    # counting off, sets this to False
    witnessed = True

    def report(self):
        """What there is to say when a test failed."""
        lines = []
        for ns in self.A, self.R, self.B:
            with contextlib.suppress(Exception):
                lines += [f"ss in {ns}:"] + ns.run("ss", "-Htan").splitlines()
            if BARE or ns is not self.R:
                continue
            for what in "tcpstate", "tcpstate_halfopen":
                with contextlib.suppress(Exception):
                    lines += [f"{what} in {ns}:"] + [
                        line for line in ns.net(what).splitlines()
                        if not line.endswith(" 0")][:80]
        with contextlib.suppress(Exception):
            lines += ["segments into R:"] + self.sniffer.story()
        return lines


# the module

def module():
    """Have tcpstate loaded, however that was done."""
    if not os.path.exists("/sys/module/tcpstate"):
        reload()


def unload():
    """Have tcpstate unloaded: only for serial tests."""
    if os.path.exists("/sys/module/tcpstate"):
        subprocess.run(["modprobe", "-r", "tcpstate"], check=True)


def reload(**parameters):
    """Load tcpstate anew, with these parameters: only for serial tests
    (lab=loaded(max_flows=64)); main() undoes it in the end."""
    unload()
    subprocess.run(["modprobe", "tcpstate",
                    *(f"{name}={value}" for name, value in parameters.items())], check=True)


CLOCK = "/sys/module/tcpstate/parameters/clock"


class Clock:
    """The module's clock, which stands still in this block but for pass_by(): only for
    serial tests, since all namespaces have the same (module/clock.c)."""

    def __enter__(self):
        with open(CLOCK, encoding="ascii") as file:
            self.now = int(file.read())
        self.pass_by(0)
        return self

    def __exit__(self, *_):
        self._write(0)

    def pass_by(self, seconds):
        """So much later, at once."""
        self.now += round(seconds * 1000)
        self._write(self.now)

    @staticmethod
    def _write(value):
        with open(CLOCK, "w", encoding="ascii") as file:
            file.write(str(value))


def loaded(**parameters):
    """Makes a Lab once tcpstate is loaded with these parameters."""
    def make():
        reload(**parameters)
        return Lab()
    make.reloads = True
    return make


def test(title, **options):
    """ktap.test() with a fresh Lab for each run, unless told lab=None."""
    return ktap.test(title, **{"lab": Lab, **options})


def main(jobs=None, one_cpu=False):
    """ktap.main() with tcpstate loaded."""
    def finish():
        if any(hasattr(entry[3], "reloads") for entry in ktap.chosen):
            reload()
    ktap.main(jobs, None if BARE else module, None if BARE else finish, one_cpu)
