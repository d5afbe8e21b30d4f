#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""
200,000 connections (or TCPSTATE_MANY), and what reading them all costs: every one is read
once, segments pass meanwhile, and no memory is needed that grows with their number. Figures
come as comments; an emulated CPU makes them large.
"""

import json
import math
import mmap
import os
import re
import shutil
import socket
import statistics
import struct
import subprocess
import tempfile
import time

import genl
import ktap
from genl import ATTRIBUTES, COMMANDS, Channel, fields
from ktap import *
from lab import reload, reset
from tool import HERE, PLAIN
from views import *

MANY = int(os.environ.get("TCPSTATE_MANY", 200_000))
RUNS = int(os.environ.get("TCPSTATE_RUNS", 3))      # dumps while others come and go
TRACING = "/sys/kernel/tracing"
WALK = "read_span"                  # of module/walk.c, with BH off from end to end
KERNEL_MAX = 10 << 10               # KiB that the kernel may take for a dump of any length
TOOL_MAX = 32 << 10                 # KiB that the tool may
LOW_PERIOD = 60                     # seconds that a large array waits for records to come


# reading by netlink, as fast as may be

class Reader:
    """FLOW_GET in a namespace, read one buffer at a time and not looked into."""

    def __init__(self, ns, **wanted):
        self.channel = Channel(ns)
        self.done = False
        self.channel.send(COMMANDS["FLOW_GET"], fields("FLOW", wanted), genl.DUMP)

    def read(self):
        """The next messages, b"" after the last."""
        if self.done:
            return b""
        buffer = self.channel.sock.recv(1 << 18)
        place = 0
        while place < len(buffer):
            size, kind, flags = struct.unpack_from("=IHH", buffer, place)
            true(not flags & genl.DUMP_INTR, "the dump was interrupted")
            if kind != self.channel.family:
                equal((kind, struct.unpack_from("=i", buffer, place + 16)[0]), (genl.DONE, 0),
                      "what ends the dump")
                self.done = True
                self.channel.close()
                return buffer[:place]
            place += size
        return buffer

    def all(self):
        """What is left, and how many seconds it took."""
        began = time.monotonic()
        buffers = list(iter(self.read, b""))
        return buffers, time.monotonic() - began


def find(buffer, place, end, name):
    """Where the octets of an attribute are."""
    number = ATTRIBUTES[name]
    while place < end:
        size, this = struct.unpack_from("=HH", buffer, place)
        if this & 0x3fff == number:
            return place + 4, place + size
        place += size + 3 & ~3
    raise Failure(f"a record without {name}")


def keys(buffers):
    """The keys of the connections in these buffers, as octets: see Multitude.key()."""
    found = []
    for buffer in buffers:
        place = 0
        while place < len(buffer):
            end = place + struct.unpack_from("=I", buffer, place)[0]
            ends = [find(buffer, place + 20, end, name)
                    for name in ("FLOW_INITIATOR", "FLOW_RESPONDER")]
            found.append(b"".join(buffer[slice(*find(buffer, *each, name))]
                                  for name in ("END_ADDR", "END_PORT") for each in ends))
            place = end
    return found


# the connections

class Multitude:
    """Established connections in a namespace of their own; see handshakes.c."""

    program = None

    @classmethod
    def build(cls):
        """Compile what makes them."""
        cls.program = tempfile.mkdtemp() + "/handshakes"
        subprocess.run(["gcc", "-O2", "-o", cls.program, f"{HERE}/handshakes.c"], check=True)

    def __init__(self, count):
        self.ns = Namespace("M")
        self.ns.ip("link set lo up", "route add blackhole 0.0.0.0/0",
                   "route add blackhole ::/0 dev lo")
        self.count = 0
        began = time.monotonic()
        self.made(self.make(count))
        say(f"{count} connections made in {time.monotonic() - began:.1f} s")

    def make(self, count):
        """Begin to make so many more. Return the process that does."""
        with self.ns:
            process = subprocess.Popen([self.program, str(self.count), str(count)])
        self.count += count
        return process

    def churn(self):
        """Let others come and go, as fast as may be. Return the process that does."""
        with self.ns:
            return subprocess.Popen([self.program, "1000000", "3000000", "reset"])

    def outgrow(self, count, process):
        """Await more than so many while they are made, however long that takes."""
        wait_for(lambda: process.poll() is not None or proc(self.ns)["flows"] > count,
                 what=f"{count} connections", timeout=math.inf)

    def made(self, process):
        """Await that."""
        equal(process.wait(), 0, "status of handshakes")
        wait_equal(lambda: proc(self.ns)["flows"], self.count, "flows")

    @staticmethod
    def key(number):
        """Both addresses, both ports, in network order."""
        ports = struct.pack("!HH", 1024 + number % 60000, 443 if number % 100 else 80)
        if number % 2:
            return struct.pack("!QQQQ", 0xfd000064 << 32, number,
                               0xfd0000090002 << 16, 2) + ports
        return struct.pack("!II", 0x64400000 + number, 0x0a090202) + ports

    def expect(self, seen, numbers):
        """Assert that these keys are those of the connections, each once."""
        want = {self.key(number) for number in numbers}
        equal((len(seen), len(set(seen))), (len(want), len(want)), "records, different ones")
        true(set(seen) == want, f"{len(want - set(seen))} connections are missing")


many = []                           # the connections, made once


def prepare():
    reload(max_flows=max(MANY, 30_000) + 50_000, max_halfopen=4096)
    # What loopback has not delivered yet: nothing may be lost there.
    first().sysctl("net.core.netdev_max_backlog", 100_000)
    Multitude.build()
    many.append(Multitude(MANY))


def finish():
    shutil.rmtree(os.path.dirname(Multitude.program))
    reload()


@test(f"a dump of {MANY:,} connections has each of them once", None, serial=True)
def each_once():
    buffers, seconds = Reader(many[0].ns).all()
    octets = sum(map(len, buffers))
    say(f"{seconds:.2f} s, {seconds / MANY * 1e6:.1f} us and {octets / MANY:.0f} octets a record, "
        f"{len(buffers)} reads")
    many[0].expect(keys(buffers), range(MANY))


@test("a filter that 1 % pass gives exactly these", None, serial=True)
def hundredth():
    whole = Reader(many[0].ns).all()[1]
    buffers, seconds = Reader(many[0].ns, responder={"port": 80}).all()
    say(f"{seconds:.2f} s; all of them {whole:.2f} s, {whole / seconds:.1f} times as long")
    many[0].expect(keys(buffers), range(0, MANY, 100))


@test("what lives throughout is in a dump once, while the table grows under it", None,
      serial=True)
def growth():
    crowd = Multitude(30_000)
    dump = Reader(crowd.ns)
    buffers = [dump.read()]
    process = crowd.make(50_000)                # beyond 2^15 and 2^16 buckets
    crowd.outgrow(40_000, process)
    buffers.append(dump.read())
    crowd.outgrow(70_000, process)
    buffers += dump.all()[0]
    crowd.made(process)
    seen = keys(buffers)
    old = {crowd.key(number) for number in range(30_000)}
    say(f"{len(seen) - 30_000} of 50000 newer ones are in it")
    equal(len([key for key in seen if key in old]), 30_000, "records of old connections")
    crowd.expect([key for key in seen if key in old], range(30_000))
    equal(len(seen), len(set(seen)), "different records")


@test(f"{MANY:,} that stay are in each dump once, however others come and go", None, serial=True)
def churned():
    crowd = many[0]
    stay = set(map(crowd.key, range(MANY)))
    before = proc(crowd.ns)["closed_reset"]
    process = crowd.churn()
    try:
        wait_for(lambda: proc(crowd.ns)["closed_reset"], lambda resets: resets > before, "churn")
        dumps = 0
        # As many more dumps as it takes for some to come and go.
        while dumps < RUNS or proc(crowd.ns)["closed_reset"] <= before + 100 * RUNS:
            dumps += 1
            if process.poll() is not None:
                equal(process.returncode, 0, "status of the churn")
                process = crowd.churn()
            seen = keys(Reader(crowd.ns).all()[0])
            crowd.expect([key for key in seen if key in stay], range(MANY))
            equal(len(seen), len(set(seen)), "different records")
    finally:
        process.kill()
        process.wait()
    gone = proc(crowd.ns)["closed_reset"] - before
    say(f"{gone} came and went during {dumps} dumps")
    true(gone > 100 * RUNS, f"{gone} came and went")
    wait_equal(lambda: proc(crowd.ns)["flows"], MANY, "flows that stay")


class PingPong:
    """Two sockets that talk over loopback, in a process of their own, which counts for
    each phase the rounds and the longest of them in ns."""

    def __init__(self, ns):
        self.shared = memoryview(mmap.mmap(-1, 88)).cast("Q")   # phase; rounds, longest; ...
        with ns.socket(4) as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            one = ns.socket(4)
            one.connect(listener.getsockname())
            self.ends = one, listener.accept()[0]
        self.pid = os.fork()
        if not self.pid:
            try:
                self._play(*self.ends)
            finally:
                os._exit(1)

    def _play(self, one, other):
        for end in self.ends:
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            end.settimeout(None)
        last = time.monotonic_ns()
        while True:
            one.send(b"?")
            other.recv(1)
            other.send(b"!")
            one.recv(1)
            now, slot = time.monotonic_ns(), 1 + 2 * self.shared[0]
            self.shared[slot] += 1
            self.shared[slot + 1] = max(self.shared[slot + 1], now - last)
            last = now

    def during(self, action):
        """How many rounds, the longest in ms and all in s, while action() runs."""
        slot = 1 + 2 * self.shared[0]
        wait_for(lambda: self.shared[slot], lambda rounds: rounds > 10, "ping-pong")
        self.shared[0] += 1
        began = time.monotonic()
        action()
        seconds = time.monotonic() - began
        self.shared[0] += 1
        return self.shared[slot + 2], self.shared[slot + 3] / 1e6, seconds

    def close(self):
        os.kill(self.pid, 9)
        os.waitpid(self.pid, 0)
        for end in self.ends:
            reset(end)


def discard(dump):
    """Read a dump and keep nothing of it; how many octets it had."""
    return sum(map(len, iter(dump.read, b"")))


@test(f"segments pass while {MANY:,} connections are dumped", None, serial=True)
def passing():
    # On one CPU, which the dump must leave now and then.
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    game = PingPong(many[0].ns)
    try:
        rounds, longest, seconds = game.during(lambda: discard(Reader(many[0].ns)))
        alone = game.during(lambda: time.sleep(seconds))
    finally:
        game.close()
    say(f"dump: {rounds / seconds:.0f} round trips a second, the longest {longest:.1f} ms; "
        f"no dump: {alone[0] / alone[2]:.0f}, {alone[1]:.1f} ms")
    true(rounds / seconds > alone[0] / alone[2] / 20, "the ping-pong went on")
    true(longest < seconds * 1000 / 4, f"no round took a quarter of the dump: {longest:.1f} ms")


def control(name, value):
    with open(f"{TRACING}/{name}", "w") as file:
        file.write(f"{value}\n")


@test(f"a dump of {MANY:,} connections holds up softirqs for a short stretch at a time", None,
      serial=True)
def stretches():
    if not os.path.exists(f"{TRACING}/max_graph_depth"):
        raise Skip("a kernel without the function_graph tracer")
    try:
        control("set_ftrace_filter", WALK)
        control("max_graph_depth", 1)
        control("buffer_size_kb", 32768)
        control("current_tracer", "function_graph")
        discard(Reader(many[0].ns))
        control("tracing_on", 0)
        with open(f"{TRACING}/trace") as file:
            times = sorted(float(match[1]) for match in
                           re.finditer(rf"([\d.]+) us +\| +{WALK}\b", file.read()))
    finally:
        control("tracing_on", 1)
        control("current_tracer", "nop")
        control("buffer_size_kb", 1408)
        control("max_graph_depth", 0)
        control("set_ftrace_filter", "")
    true(times, f"{WALK}() was traced")
    worst = times[-1 - len(times) // 100]
    say(f"BH off {len(times)} times: mean {sum(times) / len(times):.1f} us, 99 % within "
        f"{worst:.1f} us, the longest {times[-1]:.1f} us")
    # A CPU that is emulated may itself be kept waiting, so not the longest of all.
    true(len(times) > MANY // 1024, f"{len(times)} stretches are too few")
    true(worst < 20_000, f"99 % of the stretches are within {worst:.1f} us")


def free():
    """What of the kernel's memory a dump could have taken, in KiB."""
    with open("/proc/meminfo") as file:
        figures = dict(re.findall(r"(\w+): +(\d+)", file.read()))
    return int(figures["MemAvailable"]), int(figures["Slab"])


@test(f"the summary of {MANY:,} connections costs what that of none does", None, serial=True)
def summary():
    empty = Namespace("E")
    with Channel(empty) as none, Channel(many[0].ns) as all_of_them:
        reads = {"STATS_GET": (none.stats, all_of_them.stats),
                 "/proc/tcpstate": (lambda: proc(empty), lambda: proc(many[0].ns))}
        for what, pair in reads.items():
            took = [[], []]
            for _ in range(41):
                for seconds, read in zip(took, pair):
                    began = time.perf_counter()
                    read()
                    seconds.append(time.perf_counter() - began)
            few, lots = map(statistics.median, took)
            say(f"{what}: {few * 1e6:.0f} us with none, {lots * 1e6:.0f} with all, "
                f"{lots / few:.2f}")
            # What grew with the connections would cost a thousand times as much.
            true(lots < 10 * few, f"{what} costs {lots / few:.1f} times as much")
        equal((none.stats().counters["flows"], all_of_them.stats().counters["flows"]),
              (0, MANY), "flows")


@test("a dump takes kernel memory that does not grow with the table", None, serial=True)
def memory():
    if MANY < 60_000:
        raise Skip(f"{MANY:,} connections are too few to say")
    discard(Reader(many[0].ns))                   # so that caches are as they will be
    before = free()
    looks, octets = [], 0
    dump = Reader(many[0].ns)
    for turn, buffer in enumerate(iter(dump.read, b"")):
        octets += len(buffer)
        if turn % 100 == 0:
            looks.append(free())
    after = free()
    taken = before[0] - min(look[0] for look in looks)
    slab = max(look[1] for look in looks) - before[1]
    say(f"at most {taken} KiB less available, {slab} KiB more slab; afterwards "
        f"{before[0] - after[0]} and {after[1] - before[1]}; the dump is {octets >> 10} KiB")
    true(octets >> 10 > 2 * KERNEL_MAX, "the dump is far larger than what it may take")
    true(max(taken, slab) < KERNEL_MAX, f"{taken} KiB of memory, {slab} KiB of slab taken")


@test(f"the tool prints {MANY:,} connections, each once, in bounded memory", None, serial=True)
def printed():
    if not os.access(PLAIN, os.X_OK):
        raise Skip("tools/tcpstate is not built")
    with tempfile.TemporaryFile("w+") as output:
        began = time.monotonic()
        with many[0].ns:
            process = subprocess.Popen([PLAIN, "-j", "flows"], stdout=output)
        _, process.returncode, usage = os.wait4(process.pid, 0)
        say(f"{time.monotonic() - began:.2f} s, {output.tell() >> 20} MiB of JSON")
        equal(process.returncode, 0, "status of the tool")
        output.seek(0)
        seen = json.load(output, object_hook=lambda flow: (
            flow["initiator"], flow["initiator_port"], flow["responder_port"]))
    # ours counts in it, up to exec()
    say(f"at most {usage.ru_maxrss} KiB resident")
    equal((len(seen), len(set(seen))), (MANY, MANY), "records, different ones")
    true(usage.ru_maxrss < TOOL_MAX, f"{usage.ru_maxrss} KiB are too much")


def array_memory():
    """KiB of the kernel's memory among which the arrays of tables are."""
    with open("/proc/meminfo") as file:
        figures = dict(re.findall(r"(\w+): +(\d+)", file.read()))
    return int(figures["SUnreclaim"]) + int(figures["VmallocUsed"])


@test("a table that was flushed shrinks under dumps and traffic: its memory comes back, and "
      "what stays is in each dump once", None, serial=True)
def shrinking():
    if MANY < 131_100:
        raise Skip(f"{MANY:,} connections make too small an array to tell")
    crowd, stay = many[0], 30
    array = 4096                    # KiB: 2^16 buckets of a cache line, at least
    with Channel(crowd.ns) as channel:
        channel.flush()
    crowd.count, first_one = stay, crowd.count
    with crowd.ns:
        subprocess.run([crowd.program, str(first_one), str(stay)], check=True)
    wait_equal(lambda: proc(crowd.ns)["flows"], stay, "flows that stay")
    crowd.ns.sysctl("net.tcpstate.timeout_close", 1)
    want = sorted(map(crowd.key, range(first_one, first_one + stay)))
    before, began, dumps = array_memory(), time.monotonic(), 0
    while time.monotonic() < began + LOW_PERIOD + 5:
        dumps += 1
        # A few others come and go: more would keep the load up.
        with crowd.ns:
            process = subprocess.Popen([crowd.program, str(1_000_000 + 20 * dumps), "20", "reset"])
        seen = keys(Reader(crowd.ns).all()[0])
        equal(process.wait(), 0, "status of handshakes")
        equal(sorted(key for key in seen if key in want), want, "records that stay")
        equal(len(seen), len(set(seen)), "different records")
    freed = wait_for(lambda: before - array_memory(), lambda freed: freed > array / 2,
                     "memory that comes back", 60)
    say(f"{freed} KiB came back, {dumps} dumps, {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    os.sys.stdout.reconfigure(line_buffering=True)
    ktap.main(1, prepare, finish)
