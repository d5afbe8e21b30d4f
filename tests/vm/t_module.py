#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""
The module as a guest of the kernel: namespaces that come and go, who may read and
write what, parameters and switches, memory and timers given back, loading and
unloading under traffic, and long reads of the half-open table.
"""

import contextlib
import errno
import fcntl
import os
import re
import resource
import signal
import socket
import stat
import struct
import subprocess
import time

import ktap
from lab import *
from lab import module
from whole import *

PARAMETERS = {*LIMITS, "enabled", "batch_from"}
FILES = {"net/tcpstate": 0o444, "net/tcpstate_halfopen": 0o440, "net/stat/tcpstate": 0o444}
NOBODY = 65534
TRACING = "/sys/kernel/tracing"
SHARED = 4                  # full tables that all namespaces but the first may fill
EMPTY_PERIOD = 60           # seconds that an empty table keeps its array


# helpers

def read(path):
    with open(path) as file:
        return file.read()


def here():
    """The namespace that this process is in: the VM's first."""
    return Namespace("init", new=False)


def unload():
    subprocess.run(["modprobe", "-r", "tcpstate"], check=True)


def reload(**parameters):
    """Load the module anew, with these parameters."""
    if os.path.exists("/sys/module/tcpstate"):
        unload()
    module(**parameters)


def up(ns, dev):
    """`ip link set DEV up`, without a program."""
    with ns, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        request = struct.pack("16sH14x", dev.encode(), 0x1)
        fcntl.ioctl(sock, 0x8914, request)                      # SIOCSIFFLAGS


def fresh(name="N"):
    """A namespace with a loopback device."""
    ns = Namespace(name)
    up(ns, "lo")
    return ns


def refused(ns, port=9):
    """One connection in a namespace that nobody answers to: SYN, RST."""
    with ns.socket(4) as sock:
        equal(sock.connect_ex(("127.0.0.1", port)), errno.ECONNREFUSED, "connect()")


@contextlib.contextmanager
def child(function, *arguments):
    """Run a function in a child process until the block ends: killed then, unless
    done, which must be without an error. Yields its pid."""
    pid = os.fork()
    if not pid:
        status = 1
        try:
            signal.alarm(0)
            function(*arguments)
            status = 0
        except BaseException as error:
            print(f"# {function.__name__}: {type(error).__name__}: {error}", flush=True)
        os._exit(status)
    try:
        yield pid
    finally:
        os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
    true(status in (0, signal.SIGKILL), f"{function.__name__} ended with status {status:#x}")


def attach(target, dev="f0"):
    """A new namespace that runs no tcpstate, its device `out` wired to a new one of
    target, which shall not verify checksums."""
    ns = Namespace("forge")
    ns.sysctl("net.tcpstate.enabled", 0)
    target.sysctl("net.tcpstate.checksum", 0)
    ns.ip(f"link add {dev} address 02:00:00:00:0f:01 type veth peer name out address "
          "02:00:00:00:0f:02", "link set out up", f"link set {dev} netns {target.path}")
    up(target, dev)
    # Until the kernel has taken note of the carrier, what is sent is lost without a word.
    probe, before = Forge(ns), proc(target)["rst"]

    def heard():
        with contextlib.suppress(OSError):
            probe.send(0, RST)
        return proc(target)["rst"] > before
    wait_for(heard, what=f"{dev}'s carrier")
    return ns


class Forge:
    """Segments made by hand, their checksums wrong, for what is wired to a device."""

    def __init__(self, ns, dev="out"):
        self.ns = ns
        self.sock = ns.socket(socket.AF_PACKET, socket.SOCK_RAW)
        with ns:
            self.sock.bind((dev, 0))
        ether = bytes.fromhex("02000000 0f01 02000000 0f02")
        self.frame = {}
        for fam, ends in (4, ("10.8.0.1", "10.8.0.2")), (6, ("fd00:8::1", "fd00:8::2")):
            for way, (src, dst) in enumerate((ends, ends[::-1])):
                packet = {4: ipv4, 6: ipv6}[fam](src, dst, tcp(src, dst, 0, 0))
                kind = b"\x08\0" if fam == 4 else b"\x86\xdd"
                self.frame[fam, way] = bytearray(ether + kind + packet)

    def send(self, number, flags=SYN, way=0, seq=0, ack=0, fam=4):
        """A segment of the connection of that number (below 2^28): way 0 goes from
        its initiator, 1 from its responder."""
        frame = self.frame[fam, way]
        ports = 10_000 + (number & 0x3fff), 1 + (number >> 14)
        struct.pack_into("!HHIIBB", frame, len(frame) - 20, *ports[::-1 if way else 1],
                         seq, ack, 5 << 4, flags)
        self.sock.send(frame)

    def halfopens(self, numbers, fam=4):
        """A SYN each."""
        for number in numbers:
            self.send(number, fam=fam)

    def flows(self, numbers):
        """A handshake each."""
        for number in numbers:
            self.send(number)
            self.send(number, SYN | ACK, 1, 0, 1)
            self.send(number, ACK, 0, 1, 1)

    def forever(self, first=0, pause=0):
        """SYNs without end."""
        number = first
        while True:
            with contextlib.suppress(OSError):
                self.send(number)
            number += 1
            if pause and not number % 50:
                time.sleep(pause)


def room(ns):
    """flows, halfopen, and what was turned away or made to go for want of room."""
    seen = proc(ns)
    return [seen[name] for name in ("flows", "halfopen", "evicted", "flow_table_full",
                                    "halfopen_table_full")]


# namespaces

@test("what passes in one namespace shows in no other")
def isolated(lab, fam):
    idle, first = Namespace("idle"), here()
    before = proc(first).counted
    own = local(lab.A)
    live(listener(lab.A, fam), lab.A, LOOPBACK[fam])
    once(lab.A, own)
    for ns in lab.R, lab.B, idle:
        silence(ns)
    equal(proc(first).counted, before, "the first namespace's counters")


@test("switches and timeouts are the namespace's own", families=None, lab=None)
def own_sysctls():
    one, other = Namespace("one"), Namespace("other")
    one.sysctl("net.tcpstate.timeout_close", 77)
    one.sysctl("net.tcpstate.loose", 0)
    one.sysctl("net.tcpstate.enabled", 0)
    for ns in other, here(), Namespace("later"):
        equal([ns.sysctl(f"net.tcpstate.{name}") for name in ("timeout_close", "loose", "enabled")],
              ["10", "1", "1"], f"timeout_close, loose, enabled in {ns}")


# files

@test("modes and owners of the files in /proc", families=None, lab=None)
def modes():
    for ns in here(), Namespace("N"):
        with ns:
            for name, mode in FILES.items():
                seen = os.stat(f"/proc/thread-self/{name}")
                equal((oct(stat.S_IMODE(seen.st_mode)), seen.st_uid, seen.st_gid),
                      (oct(mode), 0, 0), f"{name} in {ns}")


@test("/proc/tcpstate shows the reader's own namespace", families=None, lab=None)
def link():
    equal(os.readlink("/proc/tcpstate"), "net/tcpstate", "the link")
    ns = fresh()
    refused(ns)
    wait_equal(lambda: proc(ns)["rst"], 1, "RST")
    equal(ns.run("cat", "/proc/tcpstate"), ns.net("tcpstate"), "/proc/tcpstate there")
    with here():
        equal(Proc(read("/proc/tcpstate")).counted, proc(here()).counted, "/proc/tcpstate here")


def as_nobody(*command):
    """Run a command as nobody: (status, output)."""
    done = subprocess.run(["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
                           *command], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    return done.returncode, done.stdout


@test("nobody reads counters, but no addresses", families=None, lab=None)
def nobody():
    for name in FILES:
        status, said = as_nobody("cat", f"/proc/{name}")
        if FILES[name] == 0o444:
            true(not status and "segments" in said, f"{name}: {said}")
        else:
            true(status and "Permission denied" in said, f"{name}: {said}")
    # nor as root of a user namespace, for this network namespace is not his
    status, said = as_nobody("unshare", "-Ur", "cat", "/proc/net/tcpstate_halfopen")
    true(status and "Permission denied" in said, f"in a user namespace: {said}")


@test("root of a user namespace reads and tunes his own, nothing else", families=None, lab=None)
def user_namespace():
    script = """
        stat -L -c '%a %u %g' /proc/net/tcpstate_halfopen
        cat /proc/net/tcpstate_halfopen
        head -n 1 /proc/tcpstate
        echo 33 >/proc/sys/net/tcpstate/timeout_close
        cat /proc/sys/net/tcpstate/timeout_close
        ip link set lo up
        python3 -c 'import socket; socket.socket().connect_ex(("127.0.0.1", 9))'
        grep -w rst /proc/net/tcpstate
        """
    status, said = as_nobody("unshare", "-Urn", "sh", "-ec", script)
    equal((status, said.splitlines()[:-1]), (0, ["440 0 0", "tcpstate 1", "33"]), "what he sees")
    equal(said.split()[-2:], ["rst", "1"], "rst")
    equal(here().sysctl("net.tcpstate.timeout_close"), "10", "ours")
    status, said = as_nobody("unshare", "-Ur", "sh", "-c",
                             "echo 33 >/proc/sys/net/tcpstate/timeout_close")
    true(status and "denied" in said, f"he writes ours: {said}")


@test("no file can be written to, no sysctl but by root", families=None, lab=None)
def unwritable():
    for name in FILES:
        with contextlib.suppress(OSError):
            with open(f"/proc/{name}", "w") as file:
                file.write("0\n")
            raise Failure(f"/proc/{name} was written to")
    status, said = as_nobody("sh", "-c", "echo 0 >/proc/sys/net/tcpstate/enabled")
    true(status and "denied" in said, f"nobody writes: {said}")


@test("/proc/net/stat/tcpstate is what lnstat reads")
def lnstat(lab, fam):
    conn = lab.connect(fam)
    conn.talk()
    wait_equal(lambda: proc(lab.R)["flows"], 1, "flows")
    seen = proc(lab.R)
    text = lab.R.net("stat/tcpstate")
    head, *lines = text.splitlines()
    names = head.split(" ")
    true(len(names) <= 32, f"{len(names)} columns")
    equal(names[0], "flows", "first column")
    equal([name for name in names if name not in COUNTERS], [], "columns that are no counters")
    rows = []
    for line in lines:
        true(re.fullmatch(r"[0-9a-f]{8,16}( [0-9a-f]{8,16})*", line), f"line {line!r}")
        rows.append([int(field, 16) for field in line.split(" ")])
        equal(len(rows[-1]), len(names), "columns of a line")
    equal(len(rows), len(os.listdir("/sys/bus/cpu/devices")), "lines")
    equal({row[0] for row in rows}, {seen["flows"]}, "flows, on every line")
    equal({name: sum(column) for name, column in list(zip(names, zip(*rows)))[1:]},
          {name: seen[name] for name in names[1:]}, "sums over CPUs")
    said = lab.R.run("lnstat", "-f", "tcpstate", "-k", "segments,syn,opened", "-s", "1", "-c", "1",
                     "-i", "1", check=False)    # its status is 1 when all is well
    equal([field.strip() for field in said.splitlines()[-1].split("|")[:3]],
          [str(seen[name]) for name in ("segments", "syn", "opened")], f"lnstat says {said!r}; its")
    whole = lab.R.run("lnstat", "-f", "tcpstate", "-s", "1", "-c", "1", "-i", "1", check=False)
    equal(len(whole.splitlines()[-1].strip().rstrip("|").split("|")), len(names),
          "columns that lnstat prints")


# sysctl enabled

@test("enabled 0 flushes and sees nothing, 1 picks up, anything else is refused")
def switched(lab, fam):
    lab.witnessed = False
    conn = lab.connect(fam)
    conn.talk()
    half = lab.dial(fam, lab.silent[fam])
    lab.expect([(conn, "ESTABLISHED", "ESTABLISHED"), (half, "SYN_SENT", "LISTEN")])
    lab.R.sysctl("net.tcpstate.enabled", 0)
    lab.R.sysctl("net.tcpstate.enabled", 0)
    half.a.close()
    before = proc(lab.R)
    equal((before.pairs, before["opened"], before["flushed"], halfopens(lab.R)), ({}, 2, 2, []),
          "pairs, opened, flushed, half-open lines")
    equal(lab.R.sysctl("net.tcpstate.enabled"), "0", "enabled")
    caught = len(lab.sniffer.all())
    conn.talk()
    true(lab.sniffer.since(caught), "segments passed")
    equal(proc(lab.R).text, before.text, "what it says while nothing is watched")
    for wrong in "2", "-1", "x", "":
        try:
            lab.R.sysctl("net.tcpstate.enabled", wrong)
            true(not wrong, f"enabled={wrong} was taken")
        except OSError as error:
            equal(error.errno, errno.EINVAL, f"enabled={wrong}")
    lab.R.sysctl("net.tcpstate.enabled", 1)
    lab.R.sysctl("net.tcpstate.enabled", 1)
    wait_equal(lambda: lab.A.run("ss", "-Htno", "state", "established").count("timer:(on"), 0,
               "segments under way")
    segments, caught = proc(lab.R)["segments"], len(lab.sniffer.all())
    conn.talk()
    wait_for(lambda: proc(lab.R), lambda seen: seen["segments"] - segments ==
             len(lab.sniffer.since(caught)), "each once though it was switched on twice")
    lab.expect([(conn, "ESTABLISHED", "ESTABLISHED")])
    equal(proc(lab.R)["picked_up"], 1, "picked_up")


@test("switched off and on under traffic, twenty times")
def switched_under_traffic(lab, fam):
    lab.witnessed = False
    server = lab.listen(fam)
    with child(transfers, lab, fam, server):
        for _ in range(20):
            count = proc(lab.R)["segments"]
            wait_for(lambda: proc(lab.R)["segments"], lambda now: now > count, "segments")
            lab.R.sysctl("net.tcpstate.enabled", 0)
            equal(proc(lab.R).pairs, {}, "pairs while off")
            equal(proc(lab.R).unequal(), [], "identities while off")
            lab.R.sysctl("net.tcpstate.enabled", 1)


# idle namespaces: memory and timers

def general_memory():
    """Octets in the kernel's general caches, where tables come from."""
    return sum(int(fields[1]) * int(fields[3]) for fields in
               (line.split() for line in read("/proc/slabinfo").splitlines()[2:])
               if fields[0].startswith("kmalloc-") and int(fields[3]) >= 1024)


@test("tables are allocated by the first segment and go when switched off", families=None,
      lab=None, serial=True)
def memory():
    if not os.path.exists("/proc/slabinfo"):
        raise Skip("a kernel that does not tell of its slabs")
    number, array_size = 120, 2048
    spaces = [fresh() for _ in range(number)]
    idle = general_memory()
    for ns in spaces:
        refused(ns)
    used = general_memory()
    true(used - idle >= number * array_size * 0.9,
         f"{number} namespaces with a record took {used - idle} octets more than idle")
    for ns in spaces:
        ns.sysctl("net.tcpstate.enabled", 0)
    freed = general_memory()
    true(freed - idle <= (used - idle) / 2,
         f"of {used - idle} octets {freed - idle} are left when switched off")


def trace_control(name, value):
    with open(f"{TRACING}/{name}", "w") as file:
        file.write(f"{value}\n")


EVENT = "events/workqueue/workqueue_queue_work"


def sweeps():
    """The namespaces, by the address of their work, that tcpstate's timers were busy
    with while we looked. Others' may be among them: an orphaned socket of an earlier
    test keeps its namespace for a while."""
    trace_control(f"{EVENT}/filter", 'workqueue == "tcpstate"')
    trace_control("trace", "")
    trace_control(f"{EVENT}/enable", 1)
    time.sleep(2.5)                             # what must not happen has no event
    trace_control(f"{EVENT}/enable", 0)
    return set(re.findall(r"work struct=(\S+) .*workqueue=tcpstate",
                          read(f"{TRACING}/trace")))


kept = []                   # a namespace of the beginning, when it was last used, its work


def prepare():
    module()
    if not os.path.exists(f"{TRACING}/{EVENT}"):
        return
    ns = fresh("kept")
    ns.sysctl("net.tcpstate.timeout_close", 1)
    others = sweeps()
    refused(ns)
    kept.extend((ns, time.monotonic(), sweeps() - others))


@test("a namespace without records runs no timer, once a minute has passed", families=None,
      lab=None, serial=True)
def timers():
    if not kept:
        raise Skip("this kernel does not trace workqueues")
    ns, since, mine = kept
    equal(proc(ns)["refused"], 1, "refused long ago")
    true(mine, "no sweep where there was a record: the trace shows nothing")
    wait_for(lambda: time.monotonic() - since, lambda age: age > EMPTY_PERIOD + 5,
             f"{EMPTY_PERIOD} seconds", EMPTY_PERIOD + 10)
    wait_equal(lambda: sweeps() & mine, set(), "sweeps of what was used long ago")
    others = sweeps()
    spaces = [fresh() for _ in range(10)]
    wait_equal(lambda: sweeps() - others, set(), "sweeps of what was never used")
    # One that is gone by now may have left its address to one of these.
    others = sweeps()
    refused(spaces[0])
    mine = sweeps() - others
    true(mine, "no sweep where there is a record: the trace shows nothing")
    spaces[0].sysctl("net.tcpstate.enabled", 0)
    wait_equal(lambda: sweeps() & mine, set(), "sweeps once it is switched off")


@test("a namespace goes with flows in it, under traffic, fifty times", families=None, lab=None,
      serial=True)
def deletions():
    most = 500
    reload(max_halfopen=most, max_flows=most)
    number = 50
    out = Namespace("out")
    out.sysctl("net.tcpstate.enabled", 0)
    spaces = [Namespace(f"N{i}") for i in range(number)]
    out.ip(*(line for i, ns in enumerate(spaces) for line in (
        f"link add v{i} address 02:00:00:00:0f:02 type veth peer name f0 address "
        f"02:00:00:00:0f:01 netns {ns.path}", f"link set v{i} up")))
    forges = []
    for i, ns in enumerate(spaces):
        ns.sysctl("net.tcpstate.checksum", 0)
        up(ns, "f0")
        forges.append(Forge(out, f"v{i}"))

    def flood():
        for ns in spaces:
            ns.close()                  # or they would live as long as this
        for number in range(1 << 24):
            for forge in forges:
                with contextlib.suppress(OSError):
                    forge.send(number)
            time.sleep(0.001)

    with child(flood):
        for ns, forge in zip(spaces, forges):
            wait_for(lambda ns=ns: proc(ns), lambda seen: seen["halfopen"] >= 10, "half-opens")
            forge.flows(range(1 << 24, (1 << 24) + 5))
            wait_for(lambda ns=ns: proc(ns), lambda seen: seen["flows"] == 5, "flows")
            ns.close()
        wait_equal(lambda: out.run("ip", "-o", "link").count(": v"), 0,
                   "devices of namespaces that are not gone")
    # Their shares of the common ceiling come back, be it after their devices went.
    def fill():
        spaces = [Namespace("after") for _ in range(SHARED)]
        for ns in spaces:
            forge = Forge(attach(ns))
            forge.flows(range(1 << 24, (1 << 24) + most))
            forge.halfopens(range(most))
        for ns in spaces:
            wait_equal(lambda ns=ns: proc(ns)["syn"], 2 * most, "SYNs that arrived")
        rooms = [room(ns) for ns in spaces]
        for ns in spaces:
            ns.sysctl("net.tcpstate.enabled", 0)
            ns.close()
        return rooms

    wait_equal(fill, [[most, most, 0, 0, 0]] * SHARED, "room in new namespaces")


@test("one ceiling for all namespaces but the first, whose own it never takes", families=None,
      lab=None, serial=True)
def ceiling():
    most = 200
    reload(max_halfopen=most, max_flows=most)
    first, X, Y = here(), Namespace("X"), Namespace("Y")
    others = [Namespace(f"other {i}") for i in range(SHARED - 1)]
    forges = {ns: Forge(attach(ns, f"f{i}")) for i, ns in enumerate((first, X, Y, *others))}
    base = proc(first)
    equal((base["flows"], base["halfopen"]), (0, 0), "in the first namespace")

    # half-opens: who comes last has what is left, and gives way to himself alone
    for ns in others:
        forges[ns].halfopens(range(most))
        wait_equal(lambda ns=ns: room(ns), [0, most, 0, 0, 0], f"{ns}")
    forges[X].halfopens(range(150))
    wait_equal(lambda: room(X), [0, 150, 0, 0, 0], "X")
    forges[Y].halfopens(range(170))
    wait_equal(lambda: room(Y), [0, 50, 120, 0, 120], "Y")
    for ns in others:
        equal(room(ns), [0, most, 0, 0, 0], f"{ns}, untouched")
    equal(room(X), [0, 150, 0, 0, 0], "X, untouched")
    forges[first].halfopens(range(most))
    wait_equal(lambda: room(first), [0, most, 0, 0, 0], "the first has all its own")

    # flows: none gives way, so who comes last gets nothing
    for ns in others:
        forges[ns].flows(range(1 << 24, (1 << 24) + most))
        wait_equal(lambda ns=ns: room(ns)[0], most, f"flows in {ns}")
    for ns in X, Y, first:                      # half-opens are on the way to a flow
        ns.sysctl("net.tcpstate.enabled", 0)
        ns.sysctl("net.tcpstate.enabled", 1)
    had = room(Y)
    forges[X].flows(range(most + 50))
    wait_equal(lambda: [room(X)[0], room(X)[3]], [most, 50], "X's flows, and those turned away")
    forges[Y].flows(range(20))
    wait_for(lambda: room(Y), lambda seen: seen[0] == 0 and seen[3] - had[3] >= 20,
             "Y's flows were turned away and counted")
    forges[first].flows(range(most))
    wait_equal(lambda: [room(first)[0], room(first)[3]], [most, 0], "the first's flows")
    for ns in X, Y, first:
        identities(ns)
    X.sysctl("net.tcpstate.enabled", 0)
    forges[Y].flows(range(100, 100 + most))
    wait_equal(lambda: room(Y)[0], most, "Y's flows in the room that X gave back")


# long reads

def read_whole(fd, size):
    """Read from the beginning to the end in pieces: (text, number of reads)."""
    os.lseek(fd, 0, os.SEEK_SET)
    parts = []
    while True:
        part = os.read(fd, size)
        parts.append(part)
        if not part:
            return b"".join(parts).decode(), len(parts)


LINE = re.compile(r"ipv[46] \S+:\d+ \S+:\d+ SYN_(SENT|RECV) \d+ \d+ \d+")


def lines_of(text):
    """The lines, each of which must be whole."""
    true(not text or text.endswith("\n"), f"ends {text[-100:]!r}")
    lines = text.splitlines()
    for line in lines:
        true(LINE.fullmatch(line), f"no whole line: {line!r}")
    return lines


def keys(lines):
    """Which connections these lines are of, each at most once."""
    found = [tuple(line.split()[1:3]) for line in lines]
    equal(len(found) - len(set(found)), 0, "lines that came twice")
    return set(found)


def open_halfopens(ns):
    with ns:
        return os.open("/proc/thread-self/net/tcpstate_halfopen", os.O_RDONLY)


@test("10,000 half-opens in pieces of 100 octets: every line, whole and once", families=None,
      lab=None, serial=True)
def small_reads():
    reload(max_halfopen=20_000)
    ns = Namespace("N")
    ns.sysctl("net.tcpstate.timeout_syn_sent", 3600)
    forge = Forge(attach(ns))
    forge.halfopens(range(9000))
    forge.halfopens(range(1000), fam=6)
    wait_equal(lambda: proc(ns)["halfopen"], 10_000, "halfopen")
    fd = open_halfopens(ns)
    for size in 100, 1, 7919, 1 << 20:
        if size == 1:                           # a few lines will do
            os.lseek(fd, 0, os.SEEK_SET)
            text = b"".join(os.read(fd, 1) for _ in range(2000)).decode()
            keys(lines_of(text[:text.rindex("\n") + 1]))
            continue
        found = keys(lines_of(read_whole(fd, size)[0]))
        equal(len(found), 10_000, f"lines, read by {size}")
    # two readers do not disturb each other
    other = open_halfopens(ns)
    os.lseek(fd, 0, os.SEEK_SET)
    texts = [b"", b""]
    while True:
        parts = os.read(fd, 5000), os.read(other, 3000)
        if not any(parts):
            break
        texts = [text + part for text, part in zip(texts, parts)]
    for text in texts:
        equal(len(keys(lines_of(text.decode()))), 10_000, "lines of one of two readers")


def cost(fd, size, times=1, of=5):
    """CPU seconds for so many whole reads in pieces: the least of some."""
    def one():
        before = resource.getrusage(resource.RUSAGE_SELF)
        for _ in range(times):
            read_whole(fd, size)
        after = resource.getrusage(resource.RUSAGE_SELF)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return min(one() for _ in range(of))


@test("reading costs as much as there is to read: four times as much, no more than eight",
      families=None, lab=None, serial=True)
def linear():
    reload(max_halfopen=20_000)
    ns = Namespace("N")
    ns.sysctl("net.tcpstate.timeout_syn_sent", 3600)
    forge = Forge(attach(ns))
    fd = open_halfopens(ns)
    forge.halfopens(range(3000))
    wait_equal(lambda: proc(ns)["halfopen"], 3000, "halfopen")
    # as many lines in either sample, for a tick is long against a read
    small = cost(fd, 500, times=4)
    forge.halfopens(range(3000, 12_000))
    wait_equal(lambda: proc(ns)["halfopen"], 12_000, "halfopen")
    large = cost(fd, 500)
    true(large / small < 2, f"4 x 3000 lines took {small:.3f} s, 12000 {large:.3f} s")


@test("read in pieces during a flood, while the table grows: whole lines, none missing",
      families=None, lab=None, serial=True)
def flooded_reads():
    reload(max_halfopen=50_000)
    ns = Namespace("N")
    ns.sysctl("net.tcpstate.timeout_syn_sent", 3600)
    forge = Forge(attach(ns))
    forge.halfopens(range(100))
    wait_equal(lambda: proc(ns)["halfopen"], 100, "halfopen")
    fd = open_halfopens(ns)
    old = keys(lines_of(read_whole(fd, 4096)[0]))
    with child(forge.forever, 1000, 0.001):
        rounds = 0
        while (count := proc(ns)["halfopen"]) < 8000:
            found = keys(lines_of(read_whole(fd, 100)[0]))
            equal(old - found, set(), f"missing among {len(found)}, of those there throughout")
            rounds += 1
        true(rounds > 1, f"read only {rounds} times")
    equal(proc(ns)["evicted"], 0, "evicted")
    # and when full, where records come and go under the reader
    ns.sysctl("net.tcpstate.enabled", 0)
    reload(max_halfopen=2000)
    forge = Forge(attach(ns, "g0"))
    with child(forge.forever, 0):
        wait_for(lambda: proc(ns)["evicted"], lambda seen: seen > 100, "evictions")
        for _ in range(3):
            lines = lines_of(read_whole(open_halfopens(ns), 100)[0])
            true(1000 <= len(lines) <= 20_000, f"{len(lines)} lines of 2000")


# parameters

@test("parameters are there to read, and to read only", families=None, lab=None, serial=True)
def parameters():
    reload()
    base = "/sys/module/tcpstate/parameters"
    equal(set(os.listdir(base)), PARAMETERS, "parameters")
    for name in PARAMETERS:
        path = f"{base}/{name}"
        equal(oct(stat.S_IMODE(os.stat(path).st_mode)), oct(0o444), f"mode of {name}")
        with contextlib.suppress(OSError):
            with open(path, "w") as file:
                file.write("1")
            raise Failure(f"{name} was written to")
        if name in LIMITS:
            equal(int(read(path)), proc(here())[name], name)
    equal(read(f"{base}/enabled").strip(), "Y", "enabled")
    equal(int(read(f"{base}/batch_from")), 65536, "batch_from")
    reload(max_flows=4321, max_halfopen=1234, max_listeners=99)
    equal([proc(here())[name] for name in LIMITS], [4321, 1234, 99], "limits as given")


def kernel_says():
    return subprocess.run(["dmesg"], check=True, text=True, stdout=subprocess.PIPE).stdout


@test("limits out of range are refused in plain words", families=None, lab=None, serial=True)
def wrong_parameters():
    unload()
    for name in sorted(LIMITS):
        # the sample tells 65536 apart, 64 of which may have no slot of their own
        most = 65472 if name == "max_listeners" else 1 << 26
        for value, words in ((most + 1, f"tcpstate: {name}={most + 1} is out of range, at most "
                                        f"{most}"),
                             (-1, f"tcpstate: `-1' invalid for parameter `{name}'"),
                             ("many", f"tcpstate: `many' invalid for parameter `{name}'")):
            before = len(kernel_says())
            done = subprocess.run(["modprobe", "tcpstate", f"{name}={value}"], text=True,
                                  stderr=subprocess.PIPE)
            true(done.returncode, f"{name}={value} was taken")
            true("Invalid argument" in done.stderr, f"modprobe said {done.stderr!r}")
            said = kernel_says()[before:]
            true(words in said, f"{name}={value}: the kernel said {said!r}")
            true(not os.path.exists("/proc/tcpstate"), "the module is there")
    before = len(kernel_says())
    module()
    limits = "at most {} flows, {} half-open, {} listeners".format(
        *(proc(here())[name] for name in LIMITS))
    true(limits in kernel_says()[before:], f"{limits!r} printed at load")


@test("tables for one record: all connections pass", serial=True)
def tiny(lab, fam):
    lab.witnessed = False
    reload(max_flows=1, max_halfopen=1)
    conns = [lab.connect(fam) for _ in range(5)]
    for conn in conns:
        conn.talk()
    for conn in conns:
        conn.close()
    seen = proc(lab.R)
    true(seen["flow_table_full"] or seen["halfopen_table_full"], "it was never full")
    for ns in lab.A, lab.R, lab.B:
        identities(ns)


@test("enabled=0: nothing is watched until the sysctl says so", families=None, lab=None,
      serial=True)
def disabled():
    before = fresh("before")
    reload(enabled=0)
    for ns in before, fresh("after"):
        equal(ns.sysctl("net.tcpstate.enabled"), "0", f"enabled in {ns}")
        refused(ns)
        silence(ns)
        ns.sysctl("net.tcpstate.enabled", 1)
        refused(ns)
        wait_equal(lambda ns=ns: proc(ns).counted,
                   {"segments": 2, "syn": 1, "rst": 1, "opened": 1, "refused": 1}, f"in {ns}")
    equal(here().sysctl("net.tcpstate.enabled"), "0", "enabled in the first")


# loading and unloading

def modules():
    return {fields[0]: fields[3] for fields in
            (line.split() for line in read("/proc/modules").splitlines())}


@test("it depends on no module, and loads none", families=None, lab=None, serial=True)
def depends():
    unload()
    before = set(modules())
    module()
    equal(set(modules()) - before, {"tcpstate"}, "modules that came with it")
    equal([name for name, users in modules().items() if "tcpstate" in users.split(",")], [],
          "modules that it uses")
    equal(subprocess.run(["modinfo", "-F", "depends", "tcpstate"], check=True, text=True,
                         stdout=subprocess.PIPE).stdout.strip(), "", "modinfo's depends")


@test("namespaces from before the load and after it are watched alike", serial=True)
def before_and_after(lab, fam):
    lab.witnessed = False
    old = fresh("old")
    reload()
    for ns in old, fresh("new"):
        own = local(ns)
        live(listener(ns, fam), ns, LOOPBACK[fam])
        once(ns, own)


def traces_of_it():
    """Where the kernel still shows anything of the module."""
    found = [path for path in ("/proc/tcpstate", "/proc/net/tcpstate", "/proc/net/stat/tcpstate",
                               "/proc/net/tcpstate_halfopen", "/proc/sys/net/tcpstate",
                               "/sys/module/tcpstate") if os.path.lexists(path)]
    for path in "/proc/slabinfo", "/proc/vmallocinfo", "/proc/kallsyms", "/proc/modules":
        if not os.path.exists(path):
            continue
        found += [f"{path}: {line}" for line in read(path).splitlines() if "tcpstate" in line
                  and "tcpstate_bench" not in line]
    return found


@test("unloaded with flows in its tables it leaves nothing behind", serial=True)
def unloaded(lab, fam):
    lab.witnessed = False
    reload()
    conn, other = lab.connect(fam), lab.connect(10 - fam)
    half = lab.dial(fam, lab.silent[fam])
    lab.expect([(conn, "ESTABLISHED", "ESTABLISHED"), (other, "ESTABLISHED", "ESTABLISHED"),
                (half, "SYN_SENT", "LISTEN")])
    true(any("kallsyms" in trace for trace in traces_of_it()), "nothing shows a loaded module")
    unload()
    equal(traces_of_it(), [], "what is left of it")
    conn.talk()
    module()


@test("files held open do not keep it from unloading, nor harm afterwards", families=None,
      lab=None, serial=True)
def held_open():
    reload()
    ns = Namespace("N")
    forge = Forge(attach(ns))
    forge.halfopens(range(500))
    wait_equal(lambda: proc(ns)["halfopen"], 500, "halfopen")
    with ns:
        held = [os.open(f"/proc/thread-self/{name}", os.O_RDONLY) for name in FILES]
    for fd in held:
        true(os.read(fd, 50), "something to read")
    unload()
    for fd in held:
        with contextlib.suppress(OSError):
            equal(os.read(fd, 1 << 16), b"", "what a file says without its module")
    module()
    for fd in held:
        os.close(fd)


def transfers(lab, fam, server, client=None, address=None, cpu=None):
    """Connections without end, one after another, each with data both ways that must
    arrive whole, closed by either side in turn."""
    if cpu is not None:
        os.sched_setaffinity(0, {cpu})
    client, address = client or lab.A, address or lab.B.addr[fam]
    port = server.getsockname()[1]
    number = 0
    while True:
        number += 1
        time.sleep(0.01)                    # leave some of the CPU to others
        with client.socket(fam) as sock:
            sock.connect((address, port))
            peer = server.accept()[0]
            peer.settimeout(ktap.PATIENCE)
            pump(sock, peer, 20_000)
            pump(peer, sock, 5_000)
            first, second = (sock, peer) if number % 3 else (peer, sock)
            if number % 5 == 0:
                reset(first)
                second.close()
                continue
            first.shutdown(SHUT_WR)
            equal(second.recv(1), b"", "end of stream")
            second.close()
            equal(first.recv(1), b"", "end of the other stream")
            first.close()


def readers(ns, cpu):
    """Read all files without end, wherever they are there to be read."""
    os.sched_setaffinity(0, {cpu})
    size = 1
    with ns:
        while True:
            size = size * 7 % 4093
            time.sleep(0.005)
            for name in FILES:
                try:
                    with open(f"/proc/thread-self/{name}", "rb", buffering=0) as file:
                        while file.read(size + 16):
                            pass
                except OSError as error:        # not there, or no longer
                    true(error.errno in (errno.ENOENT, errno.EIO, errno.EINVAL),
                         f"reading {name}: {error}")


@test("unloaded and loaded under traffic, with readers, twenty times", families=None,
      serial=True)
def reloads(lab):
    lab.witnessed = False
    # The kernel keeps no TIME_WAIT beyond these, and the traffic makes many.
    for host in lab.hosts:
        host.sysctl("net.ipv4.tcp_max_tw_buckets", 1 << 20)
    conns = {fam: lab.connect(fam, dport=99) for fam in (4, 6)}
    half = lab.dial(4, lab.silent[4])
    with contextlib.ExitStack() as stack:
        for cpu, fam in enumerate((4, 6)):
            cpu %= os.cpu_count()
            stack.enter_context(child(transfers, lab, fam, lab.listen(fam), None, None, cpu))
            own = listener(lab.A, fam, 8000)
            stack.enter_context(child(transfers, lab, fam, own, lab.A, LOOPBACK[fam], cpu))
            stack.enter_context(child(readers, lab.R, cpu))
        busy = 0
        for _ in range(20):
            wait_for(lambda: min(proc(lab.R)["segments"], proc(lab.A)["segments"]), what="traffic")
            while subprocess.run(["rmmod", "tcpstate"], stderr=subprocess.DEVNULL).returncode:
                busy += 1
                true(busy < 200, "always busy")
            module()
        count = proc(lab.R)["closed_fin"] + proc(lab.R)["closed_reset"] + proc(lab.R)["opened"]
        wait_for(lambda: proc(lab.R)["opened"], lambda now: now > count + 2, "traffic goes on")
    print(f"# rmmod was told busy {busy} times of {20 + busy}")
    # what was under way all the time is picked up, and ends as it should
    for fam, conn in conns.items():
        for ns in lab.A, lab.R, lab.B:
            ns.sysctl("net.tcpstate.enabled", 0)
            ns.sysctl("net.tcpstate.enabled", 1)
        before = proc(lab.R)["picked_up"]
        half.a.close()
        conn.talk()
        lab.expect([(conn, "ESTABLISHED", "ESTABLISHED")], "AB")
        equal(proc(lab.R)["picked_up"] - before, 1, "picked_up")
        conn.a.shutdown(SHUT_WR)
        lab.expect([(conn, "FIN_WAIT2", "CLOSE_WAIT")], "AB")
        conn.b.close()
        lab.expect([(conn, "TIME_WAIT", "CLOSE")], "AB")


def finish():
    reload()


if __name__ == "__main__":
    ktap.main(None, prepare, finish)
