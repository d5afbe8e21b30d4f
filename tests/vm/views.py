# SPDX-License-Identifier: GPL-2.0
"""
Network namespaces, and what can be read in them: tcpstate's /proc files, held
strictly to the contract's format, and ss as the witness beside them.
"""

import collections
import ctypes
import fcntl
import ipaddress
import os
import re
import socket
import struct
import subprocess

from ktap import PATIENCE, Failure, Skip, equal, true, wait_for

# Scenarios may be tried against the kernel alone: ss is asserted, tcpstate not.
BARE = bool(os.environ.get("LAB_BARE"))

STATES = ("ESTABLISHED SYN_SENT SYN_RECV FIN_WAIT1 FIN_WAIT2 TIME_WAIT CLOSE "
          "CLOSE_WAIT LAST_ACK LISTEN CLOSING").split()

# In /proc/net, with their modes.
FILES = {"tcpstate": 0o444, "tcpstate_halfopen": 0o440, "tcpstate_listeners": 0o440,
         "stat/tcpstate": 0o444}

GAUGES = "flows halfopen listeners".split()
LIMITS = "max_flows max_halfopen max_listeners".split()
SEGMENTS = "segments syn synack fin rst".split()
ENDS = ("closed_fin closed_reset refused timed_out superseded reused evicted "
        "flushed").split()
COUNTERS = GAUGES + LIMITS + SEGMENTS + (
    "opened picked_up established").split() + ENDS + (
    "simultaneous_open simultaneous_close syn_retrans synack_retrans fin_retrans "
    "data_retrans keepalive zero_window "
    "malformed invalid_flags bad_checksum out_of_window invalid_ack invalid_rst "
    "rst_inexact stray fragment resync "
    "flow_table_full halfopen_table_full nomem events_lost").split()

# Kinds of memory, and the ceiling of all but the counters.
MEMORY = "flows halfopen tables listeners detector events traces counters limit".split()

_libc = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000


def _syscall(result, what):
    if result:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")


class Namespace:
    """A network namespace of this process. `with ns:` lives in it, nested as
    deep as one likes; leaving goes back to where one was."""

    def __init__(self, name, new=True):
        self.name = name
        self.addr = {}          # family -> address, a Lab sets it
        self.dev = None
        self.mac = None
        self._back = []
        here = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        if not new:
            self.fd = here
            return
        _syscall(_libc.unshare(_CLONE_NEWNET), "unshare")
        self.fd = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        _syscall(_libc.setns(here, _CLONE_NEWNET), "setns")
        os.close(here)

    def __repr__(self):
        return self.name

    def __enter__(self):
        self._back.append(os.open("/proc/thread-self/ns/net", os.O_RDONLY))
        _syscall(_libc.setns(self.fd, _CLONE_NEWNET), "setns")
        return self

    def __exit__(self, *_):
        back = self._back.pop()
        _syscall(_libc.setns(back, _CLONE_NEWNET), "setns")
        os.close(back)

    @property
    def path(self):
        """A path that `ip link ... netns PATH` takes while we live."""
        return f"/proc/{os.getpid()}/fd/{self.fd}"

    def close(self):
        """Let go; the kernel removes it once nothing lives in it."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def run(self, *command, stdin="", check=True):
        """Run a program in the namespace; its standard output."""
        with self:
            done = subprocess.run(command, input=stdin, text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  env={**os.environ, "LC_ALL": "C"})
        if check and done.returncode:
            raise RuntimeError(f"{self}: {' '.join(command)}: status "
                               f"{done.returncode}: {done.stderr.strip()}\n{stdin}")
        return done.stdout

    def ip(self, *lines):
        """`ip -batch` of these lines."""
        return self.run("ip", "-batch", "-", stdin="\n".join(lines) + "\n")

    def nft(self, *lines):
        """`nft -f` of these lines."""
        return self.run("nft", "-f", "-", stdin="\n".join(lines) + "\n")

    def sysctl(self, name, value=None):
        """Read a sysctl (dots or slashes), or write it. A refused value is the
        OSError that write() gave."""
        path = "/proc/sys/" + name.replace(".", "/")
        with self:
            if value is None:
                with open(path) as file:
                    return file.read().strip()
            fd = os.open(path, os.O_WRONLY)
            try:
                os.write(fd, f"{value}\n".encode())
            finally:
                os.close(fd)
        return None

    def up(self, dev):
        """`ip link set DEV up`, without a program."""
        with self, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            request = struct.pack("16sH14x", dev.encode(), 0x1)
            fcntl.ioctl(sock, 0x8914, request)                  # SIOCSIFFLAGS

    def net(self, name):
        """The text of /proc/net/NAME here."""
        if BARE:
            raise Skip("without tcpstate")
        with self, open(f"/proc/thread-self/net/{name}") as file:
            return file.read()

    def socket(self, family, kind=socket.SOCK_STREAM, proto=0):
        """A socket that belongs here; family 4, 6, or an AF_ constant."""
        with self:
            sock = socket.socket({4: socket.AF_INET, 6: socket.AF_INET6}.get(family, family),
                                 kind, proto)
        if kind & 15 == socket.SOCK_STREAM:
            sock.settimeout(PATIENCE)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return sock


def first():
    """The namespace that this process is in: the VM's first."""
    return Namespace("first", new=False)


def fresh(name="N"):
    """A namespace with a loopback device."""
    ns = Namespace(name)
    ns.up("lo")
    return ns


# readers

class Misprint(AssertionError):
    """A view deviates from the contract's format. No waiting mends it."""


class Proc:
    """/proc/tcpstate, parsed. `states[name]` is (initiator, responder, entered),
    `memory[kind]` octets, counters are items: proc["opened"]."""

    def __init__(self, text):
        self.text = text
        self.states = {}
        self.counters = {}
        lines = text.split("\n")
        head = ["tcpstate 1", "", "state        initiator  responder    entered"]
        middle = ["", "counter                       value"]
        last = ["", "memory                       octets"]
        if lines[:3] != head:
            raise Misprint(f"/proc/tcpstate begins {lines[:3]}")
        body, rest = lines[3:3 + len(STATES)], lines[3 + len(STATES):]
        for name, line in zip(STATES, body):
            match = re.fullmatch(r"([A-Z_0-9]+) +(\d+) +(\d+) +(\d+)", line)
            if not match or match[1] != name:
                raise Misprint(f"/proc/tcpstate: wanted the row of {name}, saw {line!r}")
            numbers = tuple(int(number) for number in match.groups()[1:])
            if line != f"{name:<11}" + "".join(f"{number:>11}" for number in numbers):
                raise Misprint(f"/proc/tcpstate: columns stand crooked: {line!r}")
            self.states[name] = numbers
        if len(body) != len(STATES) or rest[:2] != middle:
            raise Misprint(f"/proc/tcpstate: between the sections: {rest[:2]}")
        if rest[-1] != "" or rest[-2:-1] == [""]:
            raise Misprint(f"/proc/tcpstate ends {rest[-3:]}")
        if last[1] not in rest:
            raise Misprint("/proc/tcpstate: no section of memory")
        end = rest.index(last[1]) - 1
        if rest[end:end + 2] != last:
            raise Misprint(f"/proc/tcpstate: before the memory: {rest[end]!r}")
        self.memory = {}
        for line in rest[end + 2:-1]:
            match = re.fullmatch(r"memory_([a-z]+) +(\d+)", line)
            if not match or match[1] in self.memory or len(line) != 35:
                raise Misprint(f"/proc/tcpstate: a line of memory: {line!r}")
            self.memory[match[1]] = int(match[2])
        if list(self.memory) != MEMORY:
            raise Misprint(f"/proc/tcpstate: memory {list(self.memory)}")
        for line in rest[2:end]:
            match = re.fullmatch(r"([a-z_]+) +(\d+)", line)
            if not match or match[1] in self.counters or len(line) != 35:
                raise Misprint(f"/proc/tcpstate: a counter's line: {line!r}")
            self.counters[match[1]] = int(match[2])
        if list(self.counters) != COUNTERS:
            raise Misprint(f"/proc/tcpstate: counters {list(self.counters)}")

    def __getitem__(self, name):
        return self.counters[name]

    def __repr__(self):
        return f"{self.pairs} {self.counted}"

    @property
    def pairs(self):
        """Of each state that is not empty, how many initiators and responders."""
        return {name: row[:2] for name, row in self.states.items() if any(row[:2])}

    @property
    def entered(self):
        """Of each state that was ever entered, how often."""
        return {name: row[2] for name, row in self.states.items() if row[2]}

    @property
    def counted(self):
        """Counters that are not zero, without the gauges and limits."""
        return {name: value for name, value in self.counters.items()
                if value and name not in GAUGES and name not in LIMITS}

    def unequal(self):
        """The identities of the contract that do not hold: [] when all do."""
        first = sum(row[0] for row in self.states.values())
        second = sum(row[1] for row in self.states.values())
        live = self["flows"] + self["halfopen"]
        begun = self["opened"] + self["picked_up"]
        ended = sum(self[name] for name in ENDS)
        wrong = []
        if not first == second == live:
            wrong.append(f"initiators {first}, responders {second}, "
                         f"flows + halfopen {live}")
        if begun != ended + live:
            wrong.append(f"opened + picked_up {begun}, ends {ended} + live {live}")
        return wrong


def proc(ns):
    """What /proc/tcpstate says in a namespace, as Proc; Failure on any deviation
    from the contract's format."""
    return Proc(ns.net("tcpstate"))


HalfOpen = collections.namedtuple(
    "HalfOpen", "proto initiator responder phase age_ms syn synack")


def halfopens(ns):
    """The lines of /proc/net/tcpstate_halfopen, as HalfOpen."""
    found = []
    for line in ns.net("tcpstate_halfopen").splitlines():
        match = re.fullmatch(r"(ipv[46]) (\S+:\d+) (\S+:\d+) (SYN_SENT|SYN_RECV) "
                             r"(\d+) (\d+) (\d+)", line)
        if not match:
            raise Misprint(f"tcpstate_halfopen: {line!r}")
        for end in match[2], match[3]:
            address = end.rpartition(":")[0]
            if match[1] == "ipv6":
                true(address[0] + address[-1] == "[]", f"tcpstate_halfopen: {line!r}")
                address = address[1:-1]
            equal(str(ipaddress.ip_address(address)), address, "address as printed")
            equal(ipaddress.ip_address(address).version, int(match[1][3]), line)
        found.append(HalfOpen(*match.groups()[:4], *(int(n) for n in match.groups()[4:])))
    return found


def identities(ns):
    """Assert the contract's two identities, once traffic is quiet."""
    if not BARE:
        wait_for(lambda: proc(ns).unequal(), lambda wrong: not wrong,
                 f"identities in {ns}")


SS_STATES = {"ESTAB": "ESTABLISHED", "FIN-WAIT-1": "FIN_WAIT1", "FIN-WAIT-2": "FIN_WAIT2",
       "UNCONN": "CLOSE"}


def ss(ns, listening=False):
    """What ss says: {(local, peer): state}, states by the kernel's names. Request
    sockets, orphans and TIME_WAIT are in it, listeners only if asked for."""
    found = {}
    for line in ns.run("ss", "-Htan").splitlines():
        state, _, _, local, peer = line.split()[:5]
        state = SS_STATES.get(state, state.replace("-", "_"))
        if state == "LISTEN" and not listening:
            continue
        if (local, peer) in found:
            raise Failure(f"ss says {local} {peer} twice")
        found[local, peer] = state
    return found
