#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""
What kind of trouble a listener is in: real clients, real listeners and forged SYNs,
at rates that an emulated machine carries; tests/unit has the rates that a real one
carries, and the bounds. Nothing here rests on how fast the machine is.
"""

import ipaddress
import re
import time

import ktap
import listeners
from forge import attach
from ktap import *
from packets import *
from records import Host
from tool import PLAIN, keyed, output, read
from traffic import *

BOTH = 4, 6
ROOM = 60000                            # for half-opens; all these namespaces share it
USUAL = 20                              # clients a second of a listener in peace


def test(title, lab=Arena, families=None, **options):
    """Both families at once, for most of the time is spent waiting."""
    return ktap.test(title, lab=lab, families=families, **options)


def peace(lab, stack, port, fams=BOTH, rate=USUAL, ns=None, **options):
    """Clients of each family at a port, until it is known in ns (R) what is usual."""
    clients = {fam: stack.enter_context(Clients(lab, fam, port, rate, **options))
               for fam in fams}
    for fam in fams:
        await_usual(ns or lab.R, fam, port)
    return clients


def storms(lab, stack, port, rate, fams=BOTH, **settings):
    """One of each family."""
    return {fam: stack.enter_context(Storm(lab, fam, port, rate, **settings)) for fam in fams}


def own_arena():
    """An Arena in which B has eyes of its own."""
    return Arena(own=True)


def kernel(lab, fam, port):
    """What stands beside the verdict in B's own output: the kernel's figures."""
    rows = read(lab.B, "listeners", f"-{fam}", "dport", str(port), tool=PLAIN)
    true(len(rows) == 1 and "kernel" in rows[0], f"the tool in B of port {port}: {rows}")
    return rows[0]["kernel"]


def flood(lab, times, usual, port=80):
    """A flood of so many times the usual, among clients, and flows that were before."""
    old = [lab.connect(fam, dport=22) for fam in BOTH for _ in range(5)]
    for fam in BOTH:
        lab.listen(fam, port, backlog=64)
    with contextlib.ExitStack() as stack:
        clients = peace(lab, stack, port, rate=usual)
        with contextlib.ExitStack() as flooding:
            begun = time.monotonic()
            flows = storms(lab, flooding, port, times * usual)
            for fam in BOTH:
                await_turn(lab, fam, port, ("begin", "flood_spoofed"))
            say(f"{times} times the usual: named within {time.monotonic() - begun:.1f} s")
            for conn in old:
                conn.talk()
            for fam in BOTH:
                await_account(lab.B, fam, port, lambda each: each.verdict == "flood_spoofed",
                              "the flood")
                wait_for(lambda: kernel(lab, fam, port)["SyncookiesSent"], what="SYN cookies")
        for fam in BOTH:
            await_turn(lab, fam, port, ("begin", "flood_spoofed"), ("end", "flood_spoofed"),
                       timeout=120)
    for conn in old:
        conn.talk()
    for fam in BOTH:
        seen = account(lab.R, fam, port)
        equal(clients[fam].gave_up + clients[fam].refused, 0, "clients that failed")
        equal((seen.completed, seen.syn), (clients[fam].connected, clients[fam].begun +
                                           flows[fam].sent), "completed, SYNs")
        begin = lab.alerts.of(fam, port)[0]
        true(begin.syn_rate > usual and begin.sources > 16 and begin.completion < begin.usual,
             f"the figures of the alert: {begin}")
    with Channel(lab.R) as channel:
        left = {each.key[1:] for each in channel.flows(states={"ESTABLISHED"})}
    true(left >= {(conn.initiator, conn.responder) for conn in old}, "established flows")


@test("a flood of 20 times the usual: one begin, one end, no client and no flow the worse",
      own_arena)
def flood_20(lab):
    flood(lab, 20, USUAL)


@test("a flood of twice the usual: likewise", own_arena)
def flood_2(lab):
    flood(lab, 2, 2 * USUAL)


@test("a flood that fills a listener without SYN cookies is a flood, and nothing else",
      own_arena)
def without_cookies(lab):
    lab.B.sysctl("net.ipv4.tcp_syncookies", 0)
    lab.B.sysctl("net.ipv4.tcp_synack_retries", 1)
    lab.listen(4, 80, backlog=64)
    with contextlib.ExitStack() as stack:
        peace(lab, stack, 80, fams=[4], limit=5000)
        with Storm(lab, 4, 80, 20 * USUAL):
            await_turn(lab, 4, 80, ("begin", "flood_spoofed"))
            wait_for(lambda: kernel(lab, 4, 80)["TCPReqQFullDrop"], what="drops")
            mark = account(lab.R, 4, 80).syn
            await_account(lab.R, 4, 80, lambda each: each.syn > mark + 1000, "more SYNs")
            await_turn(lab, 4, 80, ("begin", "flood_spoofed"))
        await_turn(lab, 4, 80, ("begin", "flood_spoofed"), ("end", "flood_spoofed"), timeout=120)


@test("a flood in pulses, 100 ms every 2 s, is one flood")
def pulsed(lab):
    with contextlib.ExitStack() as stack:
        peace(lab, stack, 80, fams=[6])
        with Storm(lab, 6, 80, 200, pulse=2000):
            await_turn(lab, 6, 80, ("begin", "flood_spoofed"))
            mark = account(lab.R, 6, 80).syn
            await_account(lab.R, 6, 80, lambda each: each.syn > mark + 700, "more pulses")
        await_turn(lab, 6, 80, ("begin", "flood_spoofed"), ("end", "flood_spoofed"), timeout=120)


@test("a flood of eight sources is of few, and names them")
def few(lab):
    with contextlib.ExitStack() as stack:
        for fam in BOTH:
            lab.listen(fam)
        storms(lab, stack, 80, 250, sources=8)
        for fam in BOTH:
            await_turn(lab, fam, 80, ("begin", "flood_few"))
            first = ipaddress.ip_address(SOURCES[fam])
            eight = {str(first + number) for number in range(8)}
            seen = await_account(lab.R, fam, 80, lambda each: len(each.heavy) >= 8, "sources")
            true(eight <= {source for source, _ in seen.heavy}, f"who is named: {seen.heavy}")
            heavy = [share for source, share in seen.heavy if source in eight]
            true(min(heavy) > 40 and 600 < sum(heavy) <= 1010, f"their shares: {seen.heavy}")


@test("a flood of the router's own listener, and none of who is behind it")
def own(lab):
    for fam in BOTH:
        lab.R.addr[fam] = lab.address(fam, 1, 1)
        lab.listen(fam, 80, lab.R)
    with contextlib.ExitStack() as stack:
        for fam in BOTH:
            stack.enter_context(Storm(lab, fam, 80, 250, target=lab.R.addr[fam]))
        for fam in BOTH:
            await_turn(lab, fam, 80, ("begin", "flood_spoofed"))
            row = read(lab.R, "listeners", f"-{fam}")
            equal([(each["listener"], each["verdict"]) for each in row],
                  [(lab.R.addr[fam], "flood_spoofed")], "the tool in R")
            true("kernel" in row[0], f"the socket is R's: {row}")


# what is no flood

@test("a flash crowd of slow clients, a sixth of whom never come back, is a surge")
def crowd(lab):
    lab.R.sysctl("net.tcpstate.flood_surge_syn", 8)     # of more than emulation carries
    lab.delay(150, 150)
    with contextlib.ExitStack() as stack:
        for fam in BOTH:
            stack.enter_context(Clients(lab, fam, 80, 8))
        for fam in BOTH:
            await_account(lab.R, fam, 80, lambda each: each.completed >= 60, "what is usual")
        clients = {fam: stack.enter_context(Clients(lab, fam, 80, 60)) for fam in BOTH}
        storms(lab, stack, 80, 10)
        for fam in BOTH:
            await_account(lab.R, fam, 80, lambda each: each.verdict == "surge", "the surge")
        for fam in BOTH:
            mark = account(lab.R, fam, 80).syn
            seen = await_account(lab.R, fam, 80, lambda each: each.syn > mark + 300, "more")
            true(seen.verdict in ("ok", "surge"), f"{seen}")
    for fam in BOTH:
        true(clients[fam].connected > 100, f"the crowd came: {clients[fam].connected}")
    equal(lab.alerts.all(), [], "alerts")


@test("a backend behind a wall is dead, one that was never heard too; a closed port refuses")
def dead(lab):
    known, silent, closed = 80, 81, 82
    wall = "table inet wall", "delete table inet wall"
    with contextlib.ExitStack() as stack:
        peace(lab, stack, known, limit=4000)
        with contextlib.ExitStack() as asking:
            lab.B.nft(*wall, "table inet wall {",
                      "chain in { type filter hook input priority 0;",
                      f"tcp dport {{ {known}, {silent} }} drop;", "}", "}")
            clients = {(fam, port): asking.enter_context(
                Clients(lab, fam, port, USUAL, limit=4000, accept=False))
                for fam in BOTH for port in (silent, closed)}
            verdicts = {known: "dead_backend", silent: "dead_backend", closed: "refused"}
            for port, verdict in verdicts.items():
                for fam in BOTH:
                    await_turn(lab, fam, port, ("begin", verdict))
        lab.B.nft(*wall)
        for port, verdict in verdicts.items():
            for fam in BOTH:
                await_turn(lab, fam, port, ("begin", verdict), ("end", verdict), timeout=120)
        for fam in BOTH:
            mark = account(lab.R, fam, known).completed
            await_account(lab.R, fam, known, lambda each: each.completed > mark, "it lives")
    for fam in BOTH:
        true(clients[fam, closed].refused > 20, "refused")
        equal(account(lab.R, fam, closed).synack, 0, "what a closed port answered")


@test("a listener that accepts nobody is overloaded", own_arena)
def overload(lab):
    lab.delay(300, 300)                 # many are on their way when it is full
    for fam in BOTH:
        lab.listen(fam, 80, backlog=64)
    with contextlib.ExitStack() as stack:
        for fam in BOTH:
            stack.enter_context(Clients(lab, fam, 80, 50, limit=4000, accept=False))
        for fam in BOTH:
            await_turn(lab, fam, 80, ("begin", "overload"))
            wait_for(lambda: kernel(lab, fam, 80)["ListenOverflows"], what="overflows")


# hosts

@test("one who asks many ports, or many hosts, scans; who is answered unasked is a victim")
def hosts(lab):
    lab.R.sysctl("net.tcpstate.flood_reflection", 40)
    with contextlib.ExitStack() as stack:
        wanted = set()
        for fam in BOTH:
            first = ipaddress.ip_address(SOURCES[fam])
            ports, targets, victim = (str(first + number) for number in (100, 200, 300))
            wanted |= {(f"ipv{fam}", ports, "scan"), (f"ipv{fam}", targets, "scan"),
                       (f"ipv{fam}", victim, "reflection_victim")}
            stack.enter_context(Storm(lab, fam, 1000, 100, source=ports, sources=1, ports=5000))
            stack.enter_context(Storm(lab, fam, 443, 100, source=targets, sources=1,
                                      target=str(first + 10000), targets=5000))
            stack.enter_context(Storm(lab, fam, 80, 200, host=lab.B, source=victim, sources=1,
                                      target=str(first + 20000), targets=300, synack=1))
        with Channel(lab.R) as channel:
            def look():
                return {(*each.key, each.verdict): each for each in channel.hosts()}
            seen = wait_for(look, lambda seen: set(seen) >= wanted, "hosts")
        equal(set(seen), wanted, "hosts under a verdict")
        true(all(each.targets >= 20 for each in seen.values()), f"others: {seen}")

    def ends():
        return {(*each.key, each.verdict) for each in lab.alerts.all()
                if isinstance(each, Host) and each.told["alert"] == "end"}
    wait_equal(ends, wanted, "the ends", timeout=120)
    equal([each for each in lab.alerts.all() if isinstance(each, Listener)], [], "floods")


# figures

@test("what a listener's line says is what was done, the same wherever one reads it", lab=Lab)
def figures(lab):
    lab.B.sysctl("net.ipv4.tcp_synack_retries", 0)
    lab.R.sysctl("net.tcpstate.timeout_syn_recv", 1)
    wanted = {}
    for fam in BOTH:
        spoof(lab, fam, 80, range(1, 3))                # they time out
        for _ in range(5):
            lab.keep(lab.connect(fam))
        lab.connect(fam, dport=83).close()
        lab._listeners.pop((fam, 83, lab.B)).close()
        for _ in range(3):
            with contextlib.suppress(ConnectionRefusedError):
                lab.A.socket(fam).connect((lab.B.addr[fam], 83))
        await_account(lab.R, fam, 80, lambda each: each.timed_out == 2, "timeouts")
    lab.R.sysctl("net.tcpstate.timeout_syn_recv", 60)
    for fam in BOTH:
        spoof(lab, fam, 80, range(3, 7))
        #                     syn synack completed refused timed_out syn_sent syn_recv
        wanted[fam, 80] = 11, 11, 5, 0, 2, 0, 4
        wanted[fam, 83] = 4, 1, 1, 3, 0, 0, 0
    names = "syn synack completed refused timed_out syn_sent syn_recv".split()

    def look():
        seen = [listeners.of_proc(lab.R), read(lab.R, "listeners"),
                listeners.of_text(output(lab.R, "-o", "listeners")),
                listeners.of_netlink(lab.R)]
        for rows in seen:
            for row in rows:
                fam, port = int(row["family"][3]), row["listener_port"]
                equal(tuple(row[name] for name in names if name in row),
                      tuple(value for name, value in zip(names, wanted[fam, port])
                            if name in row), f"{row}")
            equal(len(keyed(rows)), len(wanted), "listeners")
        halves = halfopens(lab.R)
        for (fam, port), row in wanted.items():
            lines = [each.phase for each in halves if each.responder == at(lab.B.addr[fam], port)]
            equal((lines.count("SYN_SENT"), lines.count("SYN_RECV")), row[-2:], "half-opens")
    wait_for(look, lambda _: True, "agreement")


def spoof(lab, fam, port, numbers):
    """A SYN by each of lab's spoofed sources, to a listener of B."""
    make, target = {4: ipv4, 6: ipv6}[fam], lab.B.addr[fam]
    lab.listen(fam, port)
    lab.forge(lab.A, [make(lab.spoof(fam, each), target, tcp(
        lab.spoof(fam, each), target, 5000, port, seq=each * 7919, flags=SYN, options=mss()))
        for each in numbers])


THRESHOLDS = ("backlog floor allowance alarm certain surge surge_syn few calm scan "
              "reflection").split()


@test("a slow flood is one by what it leaves behind, from flood_backlog on; nonsense is refused",
      own_arena)
def thresholds(lab):
    for name in THRESHOLDS:
        name = f"net.tcpstate.flood_{name}"
        usual = lab.R.sysctl(name)
        for value in "0", "-1", "x", "", "1048577", "99999999999999999999":
            with contextlib.suppress(OSError):
                lab.R.sysctl(name, value)
                raise Failure(f"{name} took {value!r}")
        equal(lab.R.sysctl(name), usual, name)
        lab.R.sysctl(name, 1 << 20)
        equal(lab.R.sysctl(name), str(1 << 20), name)
        lab.R.sysctl(name, usual)
    lab.R.sysctl("net.tcpstate.flood_backlog", 48)
    for fam in BOTH:
        lab.listen(fam, 80)
    with contextlib.ExitStack() as stack:
        storms(lab, stack, 80, 20)
        for fam in BOTH:
            await_turn(lab, fam, 80, ("begin", "flood_spoofed"))
            true(lab.alerts.of(fam, 80)[0].stale > 48, f"{lab.alerts.of(fam, 80)[0]}")
            # B's own eyes see the same and go by the default.
            seen = account(lab.B, fam, 80)
            equal(seen.verdict, "ok", f"in B: {seen}")


# limits; the module is loaded anew for each

HALFOPEN = 128


@test("half-opens at their limit: no more of them, those of clients live as computed, and all "
      "who complete are credited", lab=lambda: loaded_arena(max_halfopen=HALFOPEN), serial=True)
def limited(lab):
    lab.B.sysctl("net.ipv4.tcp_synack_retries", 0)
    lab.listen(4)
    lab.delay(100, 100)
    with Storm(lab, 4, 80, 400):
        wait_for(lambda: proc(lab.R)["evicted"] > 2 * HALFOPEN)
        first, since = proc(lab.R), time.monotonic()
        with Clients(lab, 4, 80, 2 * USUAL) as clients:
            trips = []

            def look():
                begun = time.monotonic()
                sock = lab.A.socket(4)
                sock.connect((lab.B.addr[4], 80))
                trips.append(time.monotonic() - begun)
                sock.close()
                seen = proc(lab.R)
                true(HALFOPEN * 3 / 4 <= seen["halfopen"] <= HALFOPEN, f"{seen['halfopen']}")
                return account(lab.R, 4, 80).completed
            wait_for(look, lambda completed: completed > 300, "clients")
        last, until = proc(lab.R), time.monotonic()
    rate = (last["evicted"] - first["evicted"]) / (until - since)
    trip = sorted(trips)[len(trips) // 2]
    computed = 2.718281828 ** -(trip * rate / HALFOPEN)
    wait_equal(lambda: account(lab.R, 4, 80).completed, clients.connected + len(trips),
               "all who connected, credited")
    with Channel(lab.R) as channel:
        flows = channel.flows(initiator={"addr": lab.A.addr[4]})
    lived = sum(not each.picked_up for each in flows) / len(flows)
    say(f"{rate:.0f} evicted a second, {trip * 1000:.0f} ms to an ACK: {lived:.2f} of "
        f"{len(flows)} lived, computed {computed:.2f}")
    true(computed / 2 < lived < computed * 2, "as computed")


SLOTS = 8


@test("slots: no scan takes any; of full ones the one that was idle longest goes, not who is "
      "under a verdict", lab=lambda: loaded_arena(max_listeners=SLOTS), serial=True)
def slots(lab):
    def ports():
        with Channel(lab.R) as channel:
            return {each.port for each in channel.listeners() if each.synack}

    for port in range(80, 83):
        lab.connect(4, dport=port).close()
    with Storm(lab, 4, 1000, 1000, ports=5000, sources=1):
        wait_for(lambda: proc(lab.R)["refused"] > 500, what="a scan")
        equal(ports(), {80, 81, 82}, "who has a slot")
        lab.connect(4, dport=83).close()
        wait_equal(ports, {80, 81, 82, 83}, "who has a slot")
        equal(proc(lab.R)["listeners"], 4, "slots")
    for name in "syn_recv", "time_wait", "close":
        lab.R.sysctl(f"net.tcpstate.timeout_{name}", 1)
    lab.B.sysctl("net.ipv4.tcp_synack_retries", 0)
    lab.R.sysctl("net.tcpstate.flood_calm", 1 << 20)
    with Storm(lab, 4, 80, 400):
        await_turn(lab, 4, 80, ("begin", "flood_spoofed"))
    for port in (*range(83, 88), 82):                   # 81 is idle longest, but for 80
        lab.connect(4, dport=port).close()
    wait_equal(lambda: proc(lab.R)["listeners"], SLOTS, "slots")
    await_account(lab.R, 4, 80, lambda each: not each.syn_recv, "nothing is left of the flood")

    def another(port):
        lab.connect(4, dport=port).close()
        return ports()

    def full():
        return proc(lab.R)["listeners"] == SLOTS
    # While there is no slot it is a guest of those who have none, and seen beside them.
    wait_for(lambda: another(88), lambda seen: seen == {80, *range(82, 89)} and full(),
             "who has a slot")
    for port in range(82, 89):                          # now it is 80
        lab.connect(4, dport=port).close()
    wait_for(lambda: another(89), lambda seen: 89 in seen and len(seen) == SLOTS and full(),
             "who has a slot", timeout=120)
    true(80 in ports(), f"who is flooded keeps it: {ports()}")
    equal(proc(lab.R)["listeners"], SLOTS, "slots")
    equal(account(lab.R, 4, 80).verdict, "flood_spoofed", "whoever is flooded")


def loaded_arena(**parameters):
    """An Arena once tcpstate is loaded with these."""
    reload(**parameters)
    return Arena()


# the log, and the end

def log(since):
    """The lines of the kernel's log after so many, and how many there are."""
    lines = subprocess.run(["dmesg"], text=True, check=True, stdout=subprocess.PIPE)
    lines = lines.stdout.splitlines()
    return [line.split("] ", 1)[-1] for line in lines[since:]], len(lines)


class Wired:
    """The first namespace, its device f0 wired to another; what is for a spoofed source is
    swallowed, as in an Arena."""

    addr = {4: "10.8.0.2"}

    def __init__(self):
        self.R = self.B = first()
        self.knobs = {name: self.R.sysctl(f"net.tcpstate.{name}")
                      for name in ("checksum", "flood_backlog")}
        self.A = attach(self.R)
        self.A.dev, self.A.gateway_mac = "out", "02:00:00:00:0f:01"
        self.R.addr = self.addr
        self.R.ip("addr add 10.8.0.2/24 dev f0", "link add void type dummy", "link set void up",
                  "route add 198.18.0.0/15 dev void")
        self.alerts = Alerts(self.R)
        self.socks = []

    def listen(self, fam, port):
        self.socks.append(self.R.socket(fam))
        self.socks[-1].bind((self.addr[fam], port))
        self.socks[-1].listen(1024)

    def close(self):
        self.R.ip("link del void", "link del f0")
        for name, value in self.knobs.items():
            self.R.sysctl(f"net.tcpstate.{name}", value)


LINES = 10                              # in a minute


@test("floods of the first namespace are in the kernel's log, but not too often; no others",
      lab=lambda: loaded_arena(max_halfopen=ROOM), serial=True)
def logged(lab):
    def flood(lab, port):
        with contextlib.ExitStack() as stack:
            storms(lab, stack, port, 300, fams=[4])
            await_turn(lab, 4, port, ("begin", "flood_spoofed"))
        await_turn(lab, 4, port, ("begin", "flood_spoofed"), ("end", "flood_spoofed"),
                   timeout=120)
        return [line for line in log(mark)[0] if re.match("tcpstate: flood", line)]

    _, mark = log(0)
    lab.listen(4, 4321)
    equal(flood(lab, 4321), [], "lines of a namespace that a user may have made")
    wired = Wired()
    limits = {name: open(f"/proc/sys/net/core/message_{name}").read() for name in ("burst", "cost")}

    def limit(burst, cost):
        for name, value in ("burst", burst), ("cost", cost):
            with open(f"/proc/sys/net/core/message_{name}", "w") as file:
                file.write(str(value))
    try:
        limit(0, 3600)                  # what other parts of the kernel may write
        wired.listen(4, 4321)
        begins, ends = flood(wired, 4321)
        true(re.fullmatch(r"tcpstate: flood_spoofed of 10\.8\.0\.2:4321 begins, [1-9]\d* SYN/s",
                          begins), begins)
        equal(ends, "tcpstate: flood_spoofed of 10.8.0.2:4321 ends", "its end")
        wired.R.sysctl("net.tcpstate.flood_backlog", 48)        # floods also where SYNs are slow
        began = time.monotonic()
        for port in range(5000, 5000 + LINES + 4):
            wired.listen(4, port)
        with Storm(wired, 4, 5000, 150 * (LINES + 4), ports=LINES + 4):
            for port in range(5000, 5000 + LINES + 4):
                await_turn(wired, 4, port, ("begin", "flood_spoofed"))
        lines = [line for line in log(mark)[0] if "flood_spoofed of" in line]
        minutes = 2 + int((time.monotonic() - began) / 60)
        true(len(lines) <= LINES * minutes, f"{len(lines)} lines in {minutes} minutes")
    finally:
        limit(limits["burst"], limits["cost"])
        wired.close()


@test("flushed, switched off, unloaded in the midst of a flood, it begins anew", serial=True)
def uprooted(lab):
    def await_begin(times, what):
        wait_equal(lambda: lab.alerts.turns(4, 80), [("begin", "flood_spoofed")] * times,
                   f"begins after {what}")
    old = lab.connect(4, dport=22)
    lab.listen(4)
    with Storm(lab, 4, 80, 400):
        await_begin(1, "it began")
        with Channel(lab.R) as channel:
            channel.flush()
        mark = account(lab.R, 4, 80).syn
        await_account(lab.R, 4, 80, lambda each: each.syn > mark + 400 and
                      each.verdict == "flood_spoofed", "it goes on after flush")
        lab.R.sysctl("net.tcpstate.enabled", 0)
        equal((proc(lab.R)["halfopen"], proc(lab.R)["listeners"],
               lab.R.net("tcpstate_listeners")), (0, 0, ""), "what is left when it is off")
        lab.R.sysctl("net.tcpstate.enabled", 1)
        await_begin(2, "it was switched on")
        lab.alerts.gapless()
        unload()
        old.talk()
        reload(max_halfopen=ROOM)
        lab.alerts = Alerts(lab.R)
        await_begin(1, "modprobe")
        old.talk()


def main():
    def prepare():
        reload(max_halfopen=ROOM)
        build()

    ktap.main(6, prepare, reload)


if __name__ == "__main__":
    main()
