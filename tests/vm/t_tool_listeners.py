#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""
What the tool says of listeners, of hosts under a verdict, and of alerts: text, JSON,
netlink and /proc tell the same, filters give what they say, an alert begins and ends.
Whether a verdict is right is not asked here. Where tools/asan/tcpstate is built, that
one is run.
"""

import re
import signal

import ktap
from crowd import Crowd
from flood import Flood, Scan
from genl import Channel
from lab import *
from ktap import test
from listeners import JUDGED, PROC, of_netlink, of_proc, of_text
from monitor import Monitor
from tool import (PLAIN, abandoned, as_nobody, built, key, keyed, nothing, on_terminal, output,
                  preloaded, read, refused)

# contract.md, flood.md, and more
KEYS = ("family listener listener_port syn_sent syn_recv syn synack completed refused timed_out "
        "syn_rate sources verdict since_ms stale responder_latency_us initiator_latency_us "
        "untimed top_sources").split()
HOST_KEYS = "family host verdict since_ms targets syn".split()
KERNEL = ("SyncookiesSent SyncookiesRecv ListenOverflows ListenDrops TCPReqQFullDrop "
          "TCPReqQFullDoCookies").split()
FLOODS = "flood_spoofed", "flood_few"

lab = None                          # made once, with a crowd


def same(before, seen, after, names):
    """Assert that what was seen was there before and after: the same listeners, and of
    these names what stood still."""
    before, seen, after = keyed(before), keyed(seen), keyed(after)
    equal((set(before), set(seen)), (set(after), set(after)), "who is there")
    for who, record in seen.items():
        for name in names:
            first, last = before[who].get(name), after[who].get(name)
            value = record.get(name)
            if name == "since_ms":
                low, high = value if isinstance(value, tuple) else (value, value)
                true(last < first or (low <= last and first <= high),
                     f"{who} {name}: {value}, not {first}..{last}")
            elif first == last and name in record:
                equal(value, first, f"{who} {name}")
    return len(seen)


@test("listeners: text, JSON, pretty JSON, netlink and /proc tell the same", None)
def views():
    text = KEYS[:14] + ["stale", "untimed", *JUDGED]

    def look():
        before = of_netlink(lab.R)
        seen = read(lab.R, "listeners"), read(lab.R, "-p", "listeners")
        lines = of_text(output(lab.R, "-o", "listeners"))
        lines_of_two = of_text(output(lab.R, "listeners").replace("\n\t", " "))
        proc_says = of_proc(lab.R)
        after = of_netlink(lab.R)
        for record in seen[0] + seen[1]:
            equal(sorted(set(record) - JUDGED), sorted(KEYS), "keys")
        return sum(same(before, each, after, names) for each, names in (
            (seen[0], KEYS + list(JUDGED)), (seen[1], KEYS + list(JUDGED)), (lines, text),
            (lines_of_two, text), (proc_says, PROC)))
    many = wait_for(look, bool, "agreement")
    say(f"{many} records compared")
    listeners = keyed(read(lab.R, "listeners"))
    # the silent and those who refuse have no slot
    true(0 < proc(lab.R)["listeners"] <= len(listeners), f"{len(listeners)} and the counter")
    real = {name: row for name, row in listeners.items() if row["completed"]}
    true(len(real) > 10, f"{len(real)} of them completed handshakes")
    timed = [row for row in real.values() if sum(row["responder_latency_us"])]
    true(timed and all(len(row["responder_latency_us"]) == 32 for row in timed), "histograms")


@test("listeners says of real ones what passed")
def truth(fam):
    sockets = [lab.keep(lab.connect(fam, dport=7000 + fam, client=lab.A)) for _ in range(5)]
    for _ in range(3):
        with contextlib.suppress(ConnectionRefusedError):
            lab.A.socket(fam).connect((lab.B.addr[fam], 7010 + fam))

    def look():
        found = keyed(read(lab.R, "listeners"))
        row = found[f"ipv{fam}", lab.B.addr[fam], 7000 + fam]
        equal([row[name] for name in ("syn", "synack", "completed", "refused", "syn_sent",
                                      "syn_recv", "timed_out")],
              [len(sockets)] * 3 + [0] * 4, "figures")
        # what refuses is told as far as there is room
        row = found.get((f"ipv{fam}", lab.B.addr[fam], 7010 + fam))
        if row:
            equal((row["synack"], row["completed"]), (0, 0), "figures of a closed port")
    wait_for(look, lambda _: True, "an account")


# filters

def filters():
    """Words, and what they mean."""
    def within(prefix):
        network = ipaddress.ip_network(prefix, strict=False)
        return lambda row: ipaddress.ip_address(row["listener"]) in network

    def ports(first, last=None):
        return lambda row: first <= row["listener_port"] <= (last or first)

    row = next(row for row in read(lab.R, "listeners") if row["completed"])
    found = {"": lambda row: True}
    for fam, prefix in (4, "10.64.0.0/10"), (4, "10.9.2.0/24"), (6, "2001:db8::/32"), (6, "::/1"):
        found[f"dst {prefix}"] = within(prefix)
        found[f"-{fam}"] = lambda row, fam=fam: row["family"] == f"ipv{fam}"
    found[f"dst {row['listener']}"] = within(row["listener"])
    for words, first, last in (("80", 80, 80), ("8000-8010", 8000, 8010), (">= 9000", 9000, 65535),
                               ("lt 443", 0, 442)):
        found[f"dport {words}"] = ports(first, last)
    found["dst :443"] = ports(443)
    found["dst 10.64.0.0/10 and dport 80"] = \
        lambda row: within("10.64.0.0/10")(row) and row["listener_port"] == 80
    found["verdict ok"] = lambda row: row["verdict"] == "ok"
    found["not verdict ok,surge"] = lambda row: row["verdict"] not in ("ok", "surge")
    found["verdict flood"] = lambda row: row["verdict"] in FLOODS
    return found


@test("each filter of listeners gives what it says", None)
def filter_words():
    given = 0
    for words, claim in filters().items():
        def look():
            before, seen, after = (read(lab.R, "listeners", *some, tool=PLAIN)
                                   for some in ((), words.split(), ()))
            wanted = [{key(row) for row in rows if claim(row)} for rows in (before, after)]
            equal(wanted[0], wanted[1], "nothing moves")
            equal(set(keyed(seen)), wanted[0], f"'{words}'")
            return seen
        given += bool(wait_for(look, lambda _: True, f"'{words}'"))
    say(f"{len(filters())} filters, {given} of them give something")
    true(given > len(filters()) / 2, "most give something")


BAD = [
    ("listeners src 10.0.0.0/8", "'src'"), ("listeners sport 80", "'sport'"),
    ("listeners state established", "'state'"), ("listeners older 3s", "'older'"),
    ("listeners idle 3", "'idle'"), ("listeners picked-up", "'picked-up'"),
    ("listeners host 10.0.0.1", "'host'"), ("listeners verdict", "'verdict'"),
    ("listeners verdict bad", "'bad'"), ("listeners verdict scan", "'scan'"),
    ("listeners verdict ok,bad", "'bad'"), ("listeners not dport 80", "'dport'"),
    ("-4 listeners dst fd00::/8", "fd00::/8"), ("listeners nope", "'nope'"),
    ("hosts dst 10.0.0.1", "'dst'"), ("hosts dport 80", "'dport'"), ("hosts src ::1", "'src'"),
    ("hosts host 10.0.0.1:80", "'host'"), ("hosts verdict ok", "'ok'"),
    ("monitor alerts state listen", "'state'"), ("monitor alerts verdict bad", "'bad'"),
    ("monitor alerts host 10.0.0.1 dport 80", "'host'"), ("flows verdict ok", "'verdict'"),
    ("halfopen host 10.0.0.1", "'host'"), ("monitor verdict ok", "'verdict'"),
]


@test("a word that says nothing of them is one line that has it, and status 1", None)
def bad_words():
    for words, offending in BAD:
        refused(lab.R, offending, 1, *words.split(), tool=PLAIN)


@test("no listener and no host is an empty array, or titles alone", None)
def none():
    empty = Namespace("E")
    for words in ["listeners"], ["hosts"], ["listeners", "dport", "80"], ["hosts", "-6"]:
        nothing(empty, *words)
    nothing(lab.R, "listeners", "dst", "198.51.100.0/24")


@test("without privilege nothing is told of them: one line, and status 2", None)
def nobody():
    with as_nobody() as options:
        for words in ["listeners"], ["-j", "listeners", "dport", "80"], ["hosts"], \
                ["monitor", "alerts"], ["-j", "monitor", "alerts"]:
            refused(lab.R, "CAP_NET_ADMIN", 2, *words, **options)


@test("a reader that leaves ends it without a word, a full device with one", None)
def pipes():
    for words in ["listeners"], ["-j", "listeners"], ["-p", "listeners"]:
        abandoned(lab.R, *words)
        with open("/dev/full", "w") as device:
            refused(lab.R, "No space left", 2, *words, stdout=device)


@test("a dump that was interrupted is read again, and each listener printed once", None)
def read_again():
    here = keyed(read(lab.R, "listeners"))
    env = {**preloaded("dump_shim"), "DUMP_SHIM_COUNT": "1", "DUMP_SHIM_LOSE": "1"}
    equal(set(keyed(read(lab.R, "listeners", tool=PLAIN, env=env))), set(here), "listeners")


# verdicts

def row_of(ns, lab, fam, *words, dport=80):
    """What the tool says of a listener of B."""
    return keyed(read(ns, "listeners", *words)).get((f"ipv{fam}", lab.B.addr[fam], dport))


def netstat(ns):
    """What the kernel counts in a namespace, of TcpExt."""
    names, values = (line.split()[1:] for line in ns.net("netstat").splitlines()
                     if line.startswith("TcpExt:"))
    found = dict(zip(names, map(int, values)))
    return {name: found[name] for name in KERNEL}


@test("a flood stands in every view: verdict, share, colour, and the kernel's own figures beside",
      lab=Lab)
def flooded(lab, fam):
    with Flood(lab, fam, sources=2):
        row = wait_for(lambda: row_of(lab.R, lab, fam), lambda row: row and row["verdict"] in
                       FLOODS, "a verdict in R")
        true("kernel" not in row, "the socket is not R's")
        wait_for(lambda: row_of(lab.B, lab, fam)["verdict"], lambda said: said in FLOODS,
                 "a verdict in B")
        # a slow machine floods in fits, with seconds between them
        row = wait_for(lambda: row_of(lab.R, lab, fam, "verdict", "flood"),
                       lambda row: row and row["top_sources"] and row["syn_rate"] and
                       row.get("completion", 1) < 0.5, "sources that stand out, and figures")
        true({each["source"] for each in row["top_sources"]} <= {
            lab.spoof(fam, 1), lab.spoof(fam, 2)}, f"they are who asked: {row['top_sources']}")
        true(all(0.2 < each["share"] <= 1 for each in row["top_sources"][:2]),
             f"shares: {row['top_sources']}")

        def beside():
            before = netstat(lab.B)
            seen = row_of(lab.B, lab, fam)["kernel"]
            equal(list(seen), KERNEL, "names")
            after = netstat(lab.B)
            true(all(before[name] <= seen[name] <= after[name] for name in KERNEL),
                 f"{before}, {seen}, {after}")
        beside()

        def shown():
            text = output(lab.B, "listeners", "dport", "80")
            true(re.search(r"^\tkernel: SyncookiesSent:\d+ .*TCPReqQFullDoCookies:\d+$", text,
                           re.M), f"the kernel's figures as text: {text}")
            true(re.search(rf"^\ttop-sources:{re.escape(lab.spoof(fam, 1))[:-1]}\S+%", text, re.M),
                 f"sources as text: {text}")
            words = "listeners", "dport", "80", f"-{fam}"
            painted = on_terminal(lab.R, *words)
            true(re.search(r"\033\[31mflood_\w+\033\[0m", painted), f"a flood is red: {painted!r}")
            true("\033" not in output(lab.R, *words), "not where there is no terminal")
            true("\033" not in on_terminal(lab.R, *words, NO_COLOR="1"), "nor with NO_COLOR")
            equal([key(row)[2] for row in read(lab.R, "listeners", "verdict", "ok",
                                               "dport", "80", f"-{fam}")], [], "it is not ok")
        wait_for(shown, lambda _: True, "all that in one fit")
    text = on_terminal(lab.R, "listeners", "verdict", "ok")
    true("\033" not in text, f"ok is not painted: {text!r}")


@test("monitor alerts: a flood begins and ends, with numbers, and the filter divides", lab=Lab)
def alerts(lab, fam):
    monitor, text = Monitor(lab.R, "alerts"), Monitor(lab.R, "-t", "alerts", json=False)
    port = Monitor(lab.R, "alerts", "dport", "81", tool=PLAIN)
    flood = Monitor(lab.R, "alerts", "verdict", "flood", "dst", lab.B.addr[fam], tool=PLAIN)
    first = Monitor(lab.R, "--count", "1", "alerts", tool=PLAIN)
    with Flood(lab, fam):
        wait_for(monitor.objects, bool, "an alert")
        equal(len(first.wait()), 1, "as many as asked for")
    wait_for(monitor.objects, lambda seen: seen[-1]["event"] == "end", "its end", timeout=90)
    with Channel(lab.R) as channel:
        last = channel.stats().seq["alerts"]
    events, lines = monitor.stop(), text.stop()
    equal([event["seq"] for event in events], list(range(1, last + 1)), "numbers")
    equal(events[0]["event"], "begin", "it begins")
    equal((monitor.said(), port.stop()), ("", []), "what was lost, what another port had")
    equal(flood.stop(), [event for event in events if event.get("listener") == lab.B.addr[fam] and
                         {event["verdict"], event["before"]} & set(FLOODS)], "filtered")
    mine = [event for event in events if event.get("listener") == lab.B.addr[fam]]
    equal((mine[0]["event"], mine[-1]["event"]), ("begin", "end"), "begin and end")
    for event in mine:
        equal(sorted(set(event) - JUDGED), sorted(KEYS + ["event", "seq", "time", "before"]),
              "keys")
        equal((event["family"], event["listener_port"]), (f"ipv{fam}", 80), "who")
        true(re.fullmatch(r"[-0-9]{10}T[:0-9]{8}\.\d{9}Z", event["time"]), event["time"])
    true(mine[0]["verdict"] in FLOODS and mine[0]["before"] in ("ok", "surge"), f"{mine[0]}")
    true(mine[-1]["verdict"] in ("ok", "surge") and mine[-1]["before"] in FLOODS, f"{mine[-1]}")
    times = [event["time"] for event in events]
    equal(times, sorted(times), "times")
    equal(lines[0].split(), ["EVENT", "TIME", "SUBJECT", "VERDICT"], "titles")
    equal([line.split()[:4] for line in lines[1:]],
          [[event["event"], event["time"], at(event["listener"], event["listener_port"])
            if "listener" in event else event.get("host") or event["table"],
            event.get("verdict", "full")] for event in events], "text")


@test("what was lost of alerts is counted", lab=Lab, families=None, serial=True)
def lost(lab):
    # a socket so small that a message or two fill it
    monitor = Monitor(lab.R, "alerts", "--buffer", "1")
    monitor.process.send_signal(signal.SIGSTOP)
    with contextlib.ExitStack() as floods, Channel(lab.R) as channel:
        # one after the other, for what is told at once is one message
        for number in range(1, 6):
            floods.enter_context(Flood(lab, 4, dport=79 + number, rate=400))
            wait_for(lambda: channel.stats().seq["alerts"],
                     lambda last, least=number: last >= least, "alerts", timeout=120)
    with Channel(lab.R) as channel:
        monitor.process.send_signal(signal.SIGINT)
        monitor.process.send_signal(signal.SIGCONT)
        events = monitor.wait()
        last = channel.stats().seq["alerts"]
    gone = sum(event["count"] for event in events if event["event"] == "lost")
    kept = sum("seq" in event for event in events)
    true(gone and kept and 5 <= gone + kept <= last, f"{kept} received, {gone} lost, of {last}")
    at_ = 0
    for event in events:
        at_ += event.get("count", 1)
        equal(event.get("seq", at_), at_, "number")


@test("hosts: one that scans is named, in text and JSON as by netlink", lab=Lab)
def scanned(lab, fam):
    source = lab.spoof(fam, 250)
    monitor = Monitor(lab.R, "alerts", "host", source)
    with Scan(lab, fam):
        seen = wait_for(lambda: read(lab.R, "hosts"), bool, "a host")
        equal([sorted(each) for each in seen], [sorted(HOST_KEYS)] * len(seen), "keys")
        mine = [each for each in seen if each["host"] == source]
        equal([(each["family"], each["verdict"]) for each in mine], [(f"ipv{fam}", "scan")], "who")
        true(mine[0]["targets"] > 20 and mine[0]["syn"] > 20, f"figures: {mine}")
        equal([each["host"] for each in read(lab.R, "hosts", "host", source, "verdict",
                                             "scan")], [source], "a filter")
        equal(read(lab.R, "hosts", "verdict", "reflection_victim", "host", source), [],
              "another verdict")
        text = output(lab.R, "hosts").splitlines()
        equal(text[0].split(), ["HOST", "VERDICT", "SINCE", "TARGETS", "SYN"], "titles")
        true([source, "scan"] in [line.split()[:2] for line in text[1:]], f"text: {text}")
        with Channel(lab.R) as channel:
            true((f"ipv{fam}", source) in [each.key for each in channel.hosts()], "netlink")
        told = wait_for(monitor.objects, bool, "an alert")[0]
        equal((told["event"], told["host"], told["verdict"]), ("begin", source, "scan"), "told")
        equal(sorted(set(told) - {"before"}), sorted(HOST_KEYS + ["event", "seq", "time"]), "keys")
    monitor.stop()


@test("a table that is full is told", lab=loaded(max_halfopen=64), families=None, serial=True)
def full_table(lab):
    monitor = Monitor(lab.R, "alerts")
    with Flood(lab, 4):
        told = wait_for(lambda: [event for event in monitor.objects() if "table" in event],
                        bool, "an alert")[0]
    monitor.stop()
    equal(sorted(told), sorted("event seq time table fill limit".split()), "keys")
    equal((told["event"], told["table"], told["limit"]),
          ("begin", "halfopen", proc(lab.R)["max_halfopen"]), "what is full")
    true(0 < told["fill"] <= told["limit"], f"fill {told['fill']}")


def prepare():
    global lab
    module()
    built()
    lab = Lab()
    Crowd(lab, SEED)


if __name__ == "__main__":
    ktap.main(None, prepare, reload)
