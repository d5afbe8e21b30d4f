#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""
The generic netlink family: what it tells equals /proc and what was forged, filters
select what the same filters select of a whole dump, whatever is not in the header is
refused by name, dumps are whole whatever happens meanwhile, and a flush forgets all.
"""

import errno
import os
import struct
import subprocess
import sys
import time

from crowd import *
from filters import *
from genl import *
from lab import *

# A kernel of before 6.2 has a family say why it refuses a dump, but not point to it.
DEAF = tuple(map(int, os.uname().release.split(".")[:2])) < (6, 2)


# what is told

def same_stats(ns, enabled=1):
    """STATS_GET says what /proc/tcpstate says, in the same order."""
    with Channel(ns) as channel:
        told, shown = channel.stats(), proc(ns)
    equal(list(told.states.items()), list(shown.states.items()), f"states in {ns}")
    equal(list(told.counters.items()), list(shown.counters.items()), f"counters in {ns}")
    equal(told.enabled, enabled, f"enabled in {ns}")
    return told


@test("STATS_GET is /proc/tcpstate, and zero where nothing passed", families=None)
def stats(lab):
    crowd = Crowd(lab, die_of_today(), 150)
    told = same_stats(lab.R)
    equal(told.counters["flows"] + told.counters["halfopen"], 150, "records")
    same_stats(lab.A)
    fresh = Namespace("fresh")
    told = same_stats(fresh)
    equal([name for name, value in told.counters.items() if value], LIMITS, "not zero")
    equal({row for row in told.states.values()}, {(0, 0, 0)}, "states of a fresh namespace")
    header = subprocess.run(["modinfo", "-F", "version", "tcpstate"], check=True, text=True,
                            stdout=subprocess.PIPE).stdout.strip()
    equal(told.version, header, "version")
    fresh.sysctl("net.tcpstate.enabled", 0)
    same_stats(fresh, 0)
    with Channel(fresh) as channel:
        equal(channel.flows() + channel.halfopens(), [], "dumps where it is switched off")
    true(crowd.over, "nothing was over")


@test("a dump has every connection once, with all that is known of it", families=None)
def whole(lab):
    began = time.monotonic()
    crowd = Crowd(lab, die_of_today())
    channel = Channel(lab.R)
    found = once(channel.flows())
    oldest = (time.monotonic() - began) * 1000 + TICK
    same_set(found.keys(), {life.key for life in crowd.lives}, "connections")
    for life in crowd.lives:
        flow = found[life.key]
        equal(flow.states, life.states, f"states of {life}")
        true(flow.idle <= flow.age < oldest, f"{life}: age {flow.age}, idle {flow.idle}")
        if not life.letters:
            equal((flow.bytes, flow.picked_up, flow.one_sided), ((4, 4), 0, 0), f"{life}")
            continue
        equal((flow.bytes, flow.segments, flow.retrans), (life.bytes, life.segments, life.retrans),
              f"octets, segments, retransmissions of {life}")
        equal((flow.phase, flow.syn, flow.synack), (life.halfopen and life.phase or None,
                                                    *life.asked), f"phase of {life}")
        equal((flow.picked_up, flow.one_sided), (life.picked_up, life.one_sided),
              f"picked up, one-sided: {life}")
        equal(flow.history, life.history, f"history of {life}")
    seen = proc(lab.R)
    equal(len(found), seen["flows"] + seen["halfopen"], "flows and halfopen")
    for end, column in enumerate(zip(*(seen.states[state][:2] for state in STATES))):
        equal([sum(flow.states[end] == state for flow in found.values()) for state in STATES],
              list(column), f"states of end {end}")
    equal(channel.stats().pairs, collections.Counter(life.states for life in crowd.lives),
          "pairs of states")
    half = channel.halfopens()
    same_set(once(half).keys(), {key for key, flow in found.items() if flow.phase}, "half-opens")
    equal({flow.halfopen._replace(age_ms=0) for flow in half},
          {line._replace(age_ms=0) for line in halfopens(lab.R)}, "half-opens in /proc")


@test("each namespace is told its own")
def own(lab, fam):
    conns = [lab.connect(fam) for _ in range(3)]
    channels = {ns: Channel(ns) for ns in (lab.A, lab.R, lab.B)}
    lab.listen(fam, 81, lab.B)
    sock = lab.B.socket(fam)
    sock.connect((lab.B.addr[fam], 81))
    through = {(f"ipv{fam}", conn.initiator, conn.responder) for conn in conns}
    local = {(f"ipv{fam}", endpoint(sock), endpoint(sock, True))}
    for ns, want in (lab.A, through), (lab.R, through), (lab.B, through | local):
        wait_equal(lambda ns=ns: once(channels[ns].flows()).keys(), want, f"connections in {ns}")
        same_stats(ns)
    with Channel(Namespace("fresh")) as channel:
        equal(channel.flows() + channel.halfopens(), [], "elsewhere")


# filters

@test("a filter selects of a dump what it should, in hundreds of combinations", families=None)
def filters(lab):
    die = die_of_today()
    Crowd(lab, die)
    book = Book(lab.R)
    for want in each_alone(die, book):
        book.check(want)
    print(f"# one thing alone selected {dict(book.tried)}, {book.vague} by the clock")
    true(book.tried["some"] > 80 and book.tried["none"] > 5, f"selected {book.tried}")
    book.tried.clear()
    for _ in range(250):
        book.check(any_filter(die, book))
    print(f"# combinations selected {dict(book.tried)}, {book.vague} by the clock")
    true(book.tried["some"] > 100 and book.tried["none"] > 20, f"selected {book.tried}")
    true(book.vague < 100, f"{book.vague} answers might be one thing or another")
    same_set(once(book.channel.flows()).keys(), once(book.flows).keys(), "connections in the end")


# what is refused

def u(size, value=0):
    """A number of so many octets."""
    return value.to_bytes(size, sys.byteorder)


def wrong_sizes():
    """Each attribute of a request, too short and too long; an address of neither size."""
    for space, path in ("FLOW", ""), ("END", "FLOW_INITIATOR"), ("END", "FLOW_RESPONDER"):
        for name in SPACES[space].values():
            if name not in ASKED or name in NESTS:
                continue
            size = name in LAYOUTS and LAYOUTS[name].size
            for size in {0, size - 1, size + 1, 9} if size else (0, 3, 5, 15, 17, 20):
                attribute = raw(ATTRIBUTES[name], bytes(size))
                yield (f"{path} {name} of {size} octets", f"{path}/{name}".lstrip("/"),
                       put(path, attribute) if path else attribute)


def wrong_requests(fam):
    """What no dump may take: (what it is, attribute to be named or None, octets)."""
    mine, other = {4: ("10.0.0.1", "fd00::1"), 6: ("fd00::1", "10.0.0.1")}[fam]
    for number in 0, 1 << 13, max(SPACES["FLOW"]) + 1, 99:
        yield f"attribute {number}", str(number), raw(number, u(4))
    for space, path in ("FLOW", ""), ("END", "FLOW_INITIATOR"), ("END", "FLOW_RESPONDER"):
        for number, name in SPACES[space].items():
            if name not in ASKED:
                size = name in LAYOUTS and LAYOUTS[name].size
                yield f"{path} {name} in a request", f"{path}/{name}".lstrip("/"), \
                    put(path, raw(number, bytes(size))) if path else raw(number, bytes(size))
    yield from wrong_sizes()
    for end in "FLOW_INITIATOR", "FLOW_RESPONDER":
        number, name = ATTRIBUTES[end], end[len("FLOW_"):].lower()

        def fail(what, value, inner="", end=end, name=name):
            return f"{name} with {what}", f"{end}/END_{inner}" if inner else end, \
                fields("FLOW", {name: value})

        yield f"{end} not marked as a nest", end, raw(number, put("END_PORT", 80))
        yield f"{end} with half an attribute", end, raw(number | NESTED, u(3))
        yield f"{end} with an attribute longer than it", None, raw(number | NESTED, u(4, 200))
        yield fail("an unknown attribute", raw(77, u(4)))[0], f"{end}/77", put(end, raw(77, u(4)))
        yield fail("a prefix and no address", {"prefix": 8}, "PREFIX")
        yield fail("too long a prefix", {"addr": mine, "prefix": {4: 33, 6: 129}[fam]}, "PREFIX")
        yield fail("far too long a prefix", {"addr": mine, "prefix": 255}, "PREFIX")
        yield fail("a last port and no first", {"port_last": 80}, "PORT_LAST")
        yield fail("a last port below the first", {"port": 80, "port_last": 79}, "PORT_LAST")
        yield fail("no state at all", {"states": 0}, "STATES")
        yield fail("a state that is none", {"states": 1}, "STATES")
        yield fail("a state beyond the last", {"states": 1 << 12 | 2}, "STATES")
        yield f"{name} not of the family", f"{end}/END_ADDR", \
            fields("FLOW", {"family": fam, name: {"addr": other}})
        yield f"{name} not of the family, which comes later", f"{end}/END_ADDR", \
            fields("FLOW", {name: {"addr": other, "prefix": 0}, "family": fam})
    yield "ends of two families", "FLOW_RESPONDER/END_ADDR", \
        fields("FLOW", {"initiator": {"addr": mine}, "responder": {"addr": other}})
    for value in 0, 1, 7, 255:
        yield f"family {value}", "FLOW_FAMILY", raw(ATTRIBUTES["FLOW_FAMILY"], u(1, value))
    for value in 0, 1, 1 << 12, 0xffffffff:
        yield f"states {value:#x}", "FLOW_STATES", raw(ATTRIBUTES["FLOW_STATES"], u(4, value))
    for name in "FLOW_PICKED_UP", "FLOW_ONE_SIDED":
        for value in 2, 255:
            yield f"{name} {value}", name, raw(ATTRIBUTES[name], u(1, value))
    yield "octets behind the last attribute", None, fields("FLOW", {"picked_up": 0}) + b"\1\0\0"
    yield "an attribute of two octets", None, struct.pack("=HH", 2, 3)
    yield "an attribute longer than the message", None, struct.pack("=HH", 64, 3) + u(4)


def refusal(what, numbers, function, *arguments, **options):
    """The Refusal that a request must meet, with one of these errnos."""
    try:
        answer = function(*arguments, **options)
    except Refusal as refused:
        true(refused.errno in numbers, f"{what}: {refused!r}")
        return refused
    raise Failure(f"{what} was taken: {str(answer)[:200]}")


@test("what is not in the header is refused, and the attribute at fault named")
def bad(lab, fam):
    conn = lab.connect(fam)
    half = lab.dial(fam, lab.silent[fam])
    wait_equal(lambda: (proc(lab.R)["flows"], proc(lab.R)["halfopen"]), (1, 1), "gauges")
    channel = Channel(lab.R)
    everyone = once(channel.flows()).keys()
    wrong, unnamed = list(wrong_requests(fam)), 0
    for command in "FLOW_GET", "HALFOPEN_GET":
        for what, named, octets in wrong:
            # the kernel's own word for a number out of range is ERANGE
            said = refusal(f"{command}, {what}", (errno.EINVAL, errno.ERANGE),
                           lambda: channel.dump(command, octets).rest())
            true(said.message and len(said.message) > 8, f"{command}, {what}: said {said!r}")
            if not said.named and DEAF:
                unnamed += 1
                continue
            equal(said.named, named, f"{command}, {what}: {said!r} named")
    print(f"# {len(wrong)} wrong requests to each, {unnamed} refused with no more than words")
    true(unnamed < len(wrong) // 2, f"{unnamed} refused with no more than words")
    for command in "STATS_GET", "FLUSH":
        for number in 0, 1, 2, 3, 4, 99:
            said = refusal(f"{command} with attribute {number}", (errno.EINVAL,),
                           channel.do, command, raw(number, u(4)))
            equal(said.named, SPACES["FLOW"].get(number, str(number)),
                  f"{command} with attribute {number}: named")
    for command in 0, max(COMMANDS.values()) + 1, 200, "FLOW_GET", "HALFOPEN_GET":
        refusal(f"do of {command}", (errno.EOPNOTSUPP,), channel.do, command)
    for command in 0, max(COMMANDS.values()) + 1, 200, "STATS_GET", "FLUSH":
        refusal(f"dump of {command}", (errno.EOPNOTSUPP,),
                lambda command=command: channel.dump(command).rest())
    equal(once(channel.flows()).keys(), everyone, "connections")
    equal(proc(lab.R)["flushed"], 0, "flushed")
    equal({flow.key for flow in channel.halfopens()}, {(f"ipv{fam}", half.initiator,
                                                        half.responder)}, "half-opens")
    conn.talk()


@test("messages whose lengths lie, and a few thousand that are mangled, do no harm",
      families=None)
def mangled(lab):
    die = die_of_today()
    crowd = Crowd(lab, die, 100)
    channel = Channel(lab.R)
    # too short for a generic header: refused; longer than it is: the kernel does not answer
    for length in 16, 17, 19:
        seq = channel.send(COMMANDS["FLUSH"], length=length)
        (kind, flags, payload), = channel.receive(seq)
        refusal(f"{length} octets", (errno.EINVAL,), channel.judge, kind, flags, payload)
    for length in 0, 1, 15, 21, 24, 1 << 16, (1 << 32) - 1:
        channel.send(COMMANDS["FLUSH"], length=length)
    book = Book(lab.R)
    codes = collections.Counter()
    whole = [fields("FLOW", any_filter(die, book)) or u(4, 4) for _ in range(100)]
    for _ in range(2000):
        octets = bytearray(die.choice(whole))
        for _ in range(die.choice((1, 1, 2, 3, 8))):
            octets[die.randrange(len(octets))] = die.choice((0, 1, 2, 4, 255, die.randrange(256)))
        if not die.randrange(4):
            del octets[die.randrange(len(octets)):]
        command = die.choice(("FLOW_GET", "HALFOPEN_GET", "STATS_GET"))
        try:
            if command == "STATS_GET":
                channel.do(command, bytes(octets), space="STATS")
            else:
                channel.dump(command, bytes(octets)).rest()
            codes["taken"] += 1
        except Refusal as refused:
            codes[errno.errorcode[refused.errno]] += 1
    print(f"# mangled: {dict(codes)}")
    true(codes["taken"] > 100 and codes.keys() <= {"taken", "EINVAL", "ERANGE"}, f"{codes}")
    found = once(channel.flows())
    equal({key: flow.states for key, flow in found.items()},
          {life.key: life.states for life in crowd.lives}, "connections in the end")
    equal(proc(lab.R)["flushed"], 0, "flushed")
    same_stats(lab.R)


# dumps while things happen

def newcomers(fam, numbers):
    """Lives that are in no crowd, not yet begun."""
    size = {4: 4, 6: 16}[fam]
    ends = [ipaddress.ip_address({4: "10.200.0.0", 6: "2001:db8:200::"}[fam]) + n
            for n in (1 << 24 - 8 * (size == 4), 0)]
    return [Life(fam, "", (str(ends[0] + (number & 255)), str(ends[1] + (number >> 8))),
                 (20000 + number % 40000, 80), ()) for number in numbers]


def begun(ns):
    """How many records ever were."""
    return proc(ns)["opened"] + proc(ns)["picked_up"]


@test("what lives throughout a slow dump is in it once, while both tables grow")
def growing(lab, fam):
    die = die_of_today()
    crowd = Crowd(lab, die, 200)
    channel, known = Channel(lab.R, SMALL), begun(lab.R)
    dump = channel.dump("FLOW_GET")
    found, steps, first = [], 0, 0
    # so many are new at these steps: enough for arrays to grow, and to grow again
    for step, number in (1, 200), (4, 500), (8, 1000):
        while steps < step:
            found += dump.step()
            steps += 1
        true(not dump.done, f"the dump was over after {steps} steps")
        fresh = newcomers(fam, range(first, first + number))
        first += number
        for life in fresh:
            crowd.say(life, die.choice(("S", "S", "D", "ShAR")))
        wait_equal(lambda: begun(lab.R), known + first, "newcomers")
    found += dump.rest()
    seen = proc(lab.R)
    true(seen["halfopen"] > 600 and seen["flows"] > 512, f"{seen['halfopen']} half-open, "
         f"{seen['flows']} flows")
    equal((seen["evicted"], dump.interrupted), (0, False), "evicted, interrupted")
    found = once(found)
    same_set({life.key for life in crowd.lives} - found.keys(), set(), "not told")
    print(f"# {len(found)} of {seen['flows'] + seen['halfopen']} told in the end")
    equal(len(once(channel.flows())), seen["flows"] + seen["halfopen"], "a dump afterwards")


@test("a connection that is completed during a dump is in it once")
def promoted(lab, fam):
    die = die_of_today()
    crowd = Crowd(lab, die, 80)
    lives = newcomers(fam, range(250))
    for life in lives:
        crowd.say(life, "Sh")
    wait_equal(lambda: proc(lab.R)["synack"] - proc(lab.R)["synack_retrans"] >= 250, True,
               "SYN-ACKs")
    before = proc(lab.R)
    waiting = lives[:]
    die.shuffle(waiting)
    dump = Channel(lab.R, SMALL).dump("FLOW_GET")
    found, late, early = {}, 0, 0
    while not dump.done:
        for flow in dump.step():
            true(flow.key not in found, f"{flow} came twice")
            found[flow.key] = flow
        for life in [waiting.pop() for _ in range(10) if waiting]:
            crowd.say(life, "A")
            late += life.key in found
            early += life.key not in found
        wait_equal(lambda: proc(lab.R)["established"] - before["established"], early + late,
                   "completed")
    equal(dump.interrupted, False, "interrupted")
    same_set(found.keys(), {life.key for life in (*lives, *crowd.lives)}, "connections")
    told = [found[life.key].phase for life in lives]
    true(min(late, early, told.count(None), told.count("SYN_RECV")) > 20,
         f"{late} completed after they were told, {early} before; told {told.count(None)}, "
         f"{told.count('SYN_RECV')}")


@test("dumps on several sockets do not disturb each other", families=None)
def interleaved(lab):
    crowd = Crowd(lab, die_of_today(), 150)
    dumps = {Channel(lab.R, SMALL).dump(command): [] for command in (
        "FLOW_GET", "HALFOPEN_GET", "FLOW_GET", "HALFOPEN_GET")}
    dumps[Channel(lab.A, SMALL).dump("FLOW_GET")] = []
    while not all(dump.done for dump in dumps):
        for dump, found in dumps.items():
            if not dump.done:
                found += dump.step()
    everyone = {life.key for life in crowd.lives}
    half = {life.key for life in crowd.lives if life.halfopen}
    real = {life.key for life in crowd.lives if not life.letters}
    for number, (want, found) in enumerate(zip((everyone, half, everyone, half, real),
                                               dumps.values())):
        same_set(once(found).keys(), want, f"dump {number}")


def references():
    with open("/sys/module/tcpstate/refcnt") as file:
        return int(file.read())


def modprobe_r():
    return subprocess.run(["modprobe", "-r", "tcpstate"], text=True, stderr=subprocess.PIPE)


def caches():
    """Octets in the kernel's general caches."""
    with open("/proc/slabinfo") as file:
        return sum(int(fields[1]) * int(fields[3]) for fields in map(str.split, file)
                   if fields[0].startswith("kmalloc-"))


@test("a dump keeps the module while it lasts; abandoned, it leaves nothing", families=None,
      serial=True)
def abandoned(lab):
    lab.witnessed = False                       # the module will have missed some
    crowd = Crowd(lab, die_of_today(), 100)
    idle = references()
    channel = Channel(lab.R, SMALL)
    dump = channel.dump("FLOW_GET")
    found = dump.step()
    equal((dump.done, references()), (False, idle + 1), "done, references to the module")
    refused = modprobe_r()
    true(refused.returncode and "in use" in refused.stderr, f"modprobe -r said {refused}")
    same_set(once(found + dump.rest()).keys(), {life.key for life in crowd.lives}, "the dump")
    wait_equal(references, idle, "references afterwards")
    # A kernel that looks for faults keeps what is freed, and is asked for leaks in the end.
    telling = os.path.exists("/proc/slabinfo") and not os.path.exists("/sys/kernel/debug/kmemleak")
    before, first, rounds = None, 100, 300
    for number in range(first + rounds):
        # Each CPU has a slab of each cache by then, and counts it as used.
        if telling and number == first:
            before = caches()
        with Channel(lab.R, SMALL) as channel:
            dump = channel.dump("FLOW_GET" if number % 2 else "HALFOPEN_GET")
            if number % 3:
                dump.step()
                true(not dump.done or not number % 2, "it was all read")
    wait_equal(references, idle, "references of abandoned dumps")
    if telling:
        wait_for(caches, lambda now: now - before < rounds * 512, f"memory, after {before}")
    done = modprobe_r()
    equal((done.returncode, os.path.exists("/sys/module/tcpstate")), (0, False),
          f"unloading: {done.stderr}")
    refusal("a family that is gone", (errno.ENOENT,), Channel, lab.R)
    module()
    with Channel(lab.R) as channel:
        equal(channel.flows(), [], "connections of the module loaded anew")


# flush

@test("FLUSH ends and forgets every connection of its namespace, and no other")
def flushed(lab, fam):
    crowd = Crowd(lab, die_of_today(), 150)
    conn = lab.connect(fam)
    conn.talk()
    wait_equal(lambda: lab.A.run("ss", "-Htno", "state", "established").count("timer:(on"), 0,
               "segments under way")
    wait_equal(lambda: proc(lab.R)["flows"] + proc(lab.R)["halfopen"], 151, "connections")
    channel, slow = Channel(lab.R), Channel(lab.R, SMALL)
    dump = slow.dump("FLOW_GET")
    told = dump.step()
    before, others = proc(lab.R), [proc(host).pairs for host in lab.hosts]
    channel.flush()
    after = proc(lab.R)
    equal((after.pairs, after["flows"], after["halfopen"], after.unequal()), ({}, 0, 0, []),
          "what is left")
    equal(after.counted, {**before.counted, "flushed": 151}, "counters")
    equal(after.entered, before.entered, "entered")
    equal((channel.flows(), channel.halfopens(), halfopens(lab.R)), ([], [], []), "views")
    told = once(told + dump.rest())
    true(len(told) < 151, "the dump that was under way went on")
    equal([proc(host).pairs for host in lab.hosts], others, "pairs in A and B")
    equal([proc(host)["flushed"] for host in lab.hosts], [0, 0], "flushed in A and B")
    conn.talk()
    lab.expect([(conn, "ESTABLISHED", "ESTABLISHED")])
    equal(proc(lab.R)["picked_up"] - before["picked_up"], 1, "picked up again")
    flow, = channel.flows()
    equal((flow.picked_up, flow.states), (1, ("ESTABLISHED", "ESTABLISHED")), "as told")
    channel.flush()
    channel.flush()
    equal(proc(lab.R)["flushed"], 152, "flushed")
    # what came to its end before was remembered to absorb stragglers, and no more is
    crowd.say(next(life for life in crowd.over if life.letters == "ShAR"), "D")
    wait_equal(lambda: proc(lab.R)["picked_up"] - before["picked_up"], 2, "picked up")


@test("flushes under traffic: the books balance")
def flushed_under_traffic(lab, fam):
    crowd = Crowd(lab, die_of_today(), 80)

    def flushes():
        with Channel(lab.R) as channel:
            while True:
                channel.flush()

    with child(flushes):
        for life in newcomers(fam, range(400)):
            crowd.say(life, "ShADa")
    identities(lab.R)
    seen = proc(lab.R)
    true(seen["flushed"] > 80, f"flushed {seen['flushed']}")
    with Channel(lab.R) as channel:
        equal(len(once(channel.flows())), seen["flows"] + seen["halfopen"], "records")
        channel.flush()
    equal(proc(lab.R).pairs, {}, "pairs after the last flush")


if __name__ == "__main__":
    main()
