#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""
The files in /proc: who may read and write what, what lnstat makes of them, and long
reads of the half-open table.
"""

import contextlib
import os
import re
import resource
import stat
import subprocess

import ktap
from forge import Forge, attach
from lab import *
from roles import NOBODY
from whole import refused


@test("modes and owners of the files in /proc", families=None, lab=None)
def modes():
    for ns in first(), Namespace("N"):
        with ns:
            for name, mode in FILES.items():
                seen = os.stat(f"/proc/thread-self/net/{name}")
                equal((oct(stat.S_IMODE(seen.st_mode)), seen.st_uid, seen.st_gid),
                      (oct(mode), 0, 0), f"{name} in {ns}")


@test("/proc/tcpstate shows the reader's own namespace", families=None, lab=None)
def link():
    equal(os.readlink("/proc/tcpstate"), "net/tcpstate", "the link")
    ns = fresh()
    refused(ns)
    wait_equal(lambda: proc(ns)["rst"], 1, "RST")
    equal(ns.run("cat", "/proc/tcpstate"), ns.net("tcpstate"), "/proc/tcpstate there")
    equal(Proc(first().run("cat", "/proc/tcpstate")).counted, proc(first()).counted,
          "/proc/tcpstate here")


def as_nobody(*command):
    """Run a command as nobody: (status, output)."""
    done = subprocess.run(["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
                           *command], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    return done.returncode, done.stdout


@test("nobody reads counters, but no addresses", families=None, lab=None)
def nobody():
    for name in FILES:
        status, said = as_nobody("cat", f"/proc/net/{name}")
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
    equal(first().sysctl("net.tcpstate.timeout_close"), "10", "ours")
    status, said = as_nobody("unshare", "-Ur", "sh", "-c",
                             "echo 33 >/proc/sys/net/tcpstate/timeout_close")
    true(status and "denied" in said, f"he writes ours: {said}")


@test("no file can be written to, no sysctl but by root", families=None, lab=None)
def unwritable():
    for name in FILES:
        with contextlib.suppress(OSError):
            with open(f"/proc/net/{name}", "w") as file:
                file.write("0\n")
            raise Failure(f"/proc/net/{name} was written to")
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


def lasting(max_halfopen):
    """A namespace with room for so many half-opens, which stay, and who forges them."""
    reload(max_halfopen=max_halfopen)
    ns = Namespace("N")
    ns.sysctl("net.tcpstate.timeout_syn_sent", 3600)
    return ns, Forge(attach(ns))


def open_halfopens(ns):
    with ns:
        return os.open("/proc/thread-self/net/tcpstate_halfopen", os.O_RDONLY)


@test("10,000 half-opens in pieces of 100 octets: every line, whole and once", families=None,
      lab=None, serial=True)
def small_reads():
    ns, forge = lasting(max_halfopen=20_000)
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
    ns, forge = lasting(max_halfopen=20_000)
    fd = open_halfopens(ns)
    forge.halfopens(range(3000))
    wait_equal(lambda: proc(ns)["halfopen"], 3000, "halfopen")
    # as many lines in either sample, for a tick is long against a read
    small = cost(fd, 500, times=4)
    forge.halfopens(range(3000, 12_000))
    wait_equal(lambda: proc(ns)["halfopen"], 12_000, "halfopen")
    # A machine that others keep busy takes long once, and not each time.
    large = cost(fd, 500, of=20)
    true(large / small < 2, f"4 x 3000 lines took {small:.3f} s, 12000 {large:.3f} s")


@test("read in pieces during a flood, while the table grows: whole lines, none missing",
      families=None, lab=None, serial=True)
def flooded_reads():
    ns, forge = lasting(max_halfopen=50_000)
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


if __name__ == "__main__":
    ktap.main(None, module, reload)
