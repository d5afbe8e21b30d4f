#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""
What becomes of connections, as `tcpstate monitor` tells it: everything, once, in
order and by number; what was lost is counted, to the last one. And the figures
of `tcpstate stats`: how long what lasted, who reset what, who leaks. Where
tools/asan/tcpstate is built, that one is run.
"""

import collections
import datetime
import json
import re
import signal
import subprocess
import tempfile
import time

import ktap
from genl import Channel
from lab import *
from ktap import test as plain_test
from monitor import Monitor, listening
from tool import (HERE, PLAIN, as_nobody, built, key, output, preloaded, read, refused, run,
                  start)

NUMBER, SECONDS = 10000, 25         # so many connections, or what fits in that time
PROGRAM = tempfile.TemporaryDirectory()

# contract.md, and two flags more
KEYS = {"event", "seq", "time", "family", "duration_ms", "history", "picked_up", "one_sided"} | {
    f"{end}{what}" for end in ("initiator", "responder")
    for what in ("", "_port", "_state", "_bytes", "_segments", "_retrans")}
CLOSED_KEYS = KEYS | {"reason", "by", "conn_state"}
LATENCIES = {"responder_latency_us", "initiator_latency_us"}
STORY = "opened", "established", "closed"


def numbers(ns):
    """The last number of each group, by the witness."""
    with Channel(ns) as channel:
        return channel.settled()


def pure(events):
    """Assert that there are events of connections alone, numbered without a gap."""
    equal([event for event in events if event["event"] not in STORY], [], "other events")
    if events:
        first = events[0]["seq"]
        equal([event["seq"] for event in events], list(range(first, first + len(events))),
              "numbers")
    for event in events:
        keys = CLOSED_KEYS if event["event"] == "closed" else KEYS
        equal(set(event) - LATENCIES, keys, f"keys of {event['event']}")
        datetime.datetime.strptime(event["time"][:26], "%Y-%m-%dT%H:%M:%S.%f")
        true(re.fullmatch(r"[-0-9]{10}T[:0-9]{8}\.\d{9}Z", event["time"]), f"time {event['time']}")
    return events


def told(events, kind):
    return [event for event in events if event["event"] == kind]


def place(**timeouts):
    """A namespace with its loopback device, where what is over is soon forgotten."""
    ns = fresh("L")
    ns.sysctl("net.ipv4.tcp_tw_reuse", 0)           # no port twice
    ns.sysctl("net.ipv4.tcp_max_tw_buckets", 1 << 20)
    for name, seconds in {"time_wait": 1, "close": 1, **timeouts}.items():
        ns.sysctl(f"net.tcpstate.timeout_{name}", seconds)
    return ns


def short(ns, count, sent=5, answered=7):
    """Many short connections."""
    ns.run(f"{PROGRAM.name}/short", str(count), str(sent), str(answered))


def forgotten(ns):
    """Await that no connection is left: all are closed, and told of."""
    wait_for(lambda: proc(ns)["flows"] + proc(ns)["halfopen"] == 0, what="the last one's end")


# what is told

@plain_test("of many short connections everything is told, once and in order", None, serial=True)
def storm():
    ns = place()
    monitor = Monitor(ns, "--buffer", "64M")
    began, number, took = time.monotonic(), 0, 0
    while number < NUMBER and (took < SECONDS or number < NUMBER / 5):
        short(ns, 500)
        number += 500
        took = time.monotonic() - began
    forgotten(ns)
    last = numbers(ns)
    events = pure(monitor.stop())
    say(f"{number} connections in {took:.1f} s")
    equal((events[0]["seq"], events[-1]["seq"]), (1, last["flows"]), "first and last number")
    equal({kind: len(told(events, kind)) for kind in STORY}, dict.fromkeys(STORY, number), "events")
    stories, latest = [], {}
    for event in events:
        if event["event"] == STORY[0]:
            latest[key(event)] = []
            stories.append(latest[key(event)])
        latest[key(event)].append(event)
    if took < 60:                       # else a port may be had anew, TIME_WAIT being over
        equal(len(latest), number, "different connections")
    equal({tuple(event["event"] for event in story) for story in stories}, {STORY},
          "what happens to each")
    true(all(story[0]["time"] < story[1]["time"] < story[2]["time"] for story in stories),
         "times of each")
    equal(collections.Counter((event["initiator_bytes"], event["responder_bytes"])
                              for event in told(events, "closed")), {(5, 7): number}, "bytes")
    equal(collections.Counter((event["conn_state"], event["reason"], event["by"],
                               event["initiator_state"], event["responder_state"])
                              for event in told(events, "closed")),
          {("SF", "fin", "initiator", "TIME_WAIT", "CLOSE"): number}, "ends")
    seen = proc(ns)
    equal([seen[name] for name in ("opened", "established", "closed_fin", "events_lost")],
          [number] * 3 + [0], "counters")
    for name in LATENCIES:
        some = [event[name] for event in told(events, "closed")]
        true(all(0 < each < took * 1e6 for each in some), f"{name}: {min(some)}..{max(some)}")
    histograms = read(ns, "stats")["histograms"]
    for name in LATENCIES:
        want = collections.Counter(min(event[name].bit_length(), 31)
                                   for event in told(events, "closed"))
        equal(histograms[name], [want[bucket] for bucket in range(32)], name)
    # who is in TIME_WAIT in the end enters CLOSE, and does not stay
    equal({name: sum(buckets) for name, buckets in histograms["dwell_ms"].items()},
          {name: row[2] - (name == "CLOSE") * number for name, row in seen.states.items()},
          "stays in each state")


@plain_test("what was lost is counted, to the last one, whether told at once or in the end", None,
            serial=True)
def lost():
    def count(events):
        return (sum(event["event"] in STORY for event in events),
                sum(event.get("count", 0) for event in told(events, "lost")))
    for group in "flows", "closed":
        ns = place()
        monitor = Monitor(ns, group, "--buffer", "4K")
        base = numbers(ns)[group]
        monitor.process.send_signal(signal.SIGSTOP)
        short(ns, 400)
        forgotten(ns)
        span = numbers(ns)[group] - base
        equal(span, 1200 if group == "flows" else 400, "numbers that were given")
        monitor.process.send_signal(signal.SIGCONT)
        received, gone = wait_for(lambda: count(monitor.objects()),
                                  lambda both: sum(both) == span, "an account of all")
        true(received and gone, f"{received} received, {gone} lost: some of each")
        short(ns, 1)                            # and what comes now is not lost
        forgotten(ns)
        # once more: nothing comes after these, so that they are lost is seen in the end
        monitor.process.send_signal(signal.SIGSTOP)
        short(ns, 300)
        forgotten(ns)
        span = numbers(ns)[group] - base
        monitor.process.send_signal(signal.SIGINT)
        monitor.process.send_signal(signal.SIGCONT)
        events = monitor.wait()
        true(count(events)[1] > gone, "more was lost")
        equal(sum(count(events)), span, f"received and lost: {count(events)}")
        at = base
        for event in events:                    # each gap is told where it is
            at += event.get("count", 1)
            equal(event.get("seq", at), at, "number")
        equal(monitor.said(), "tcpstate: {} events received, {} lost\n".format(*count(events)),
              "what it says of it")
        say(f"{group}: {count(events)[0]} received, {count(events)[1]} lost, {span} numbered")

    # a machine may let it rest between its joining and its asking for the first number
    ns = place()
    monitor = Monitor(ns, "--buffer", "4K", tool=PLAIN, env=preloaded("join_shim"))
    wait_for(lambda: "T (stopped)" in open(f"/proc/{monitor.process.pid}/status").read(),
             what="its rest")
    short(ns, 100)
    forgotten(ns)
    monitor.process.send_signal(signal.SIGINT)
    monitor.process.send_signal(signal.SIGCONT)
    received, gone = count(monitor.wait())
    true(received and gone, f"{received} received, {gone} lost: some of each")
    equal(received + gone, 300, "received and lost since it joined")


@plain_test("with no listener nothing is numbered, and each group has numbers of its own", None)
def groups():
    ns = place()

    def numbered(flows, closed, what):
        equal(numbers(ns), {"flows": flows, "closed": closed, "segments": 0, "alerts": 0}, what)
    short(ns, 5)
    forgotten(ns)
    numbered(0, 0, "with no listener")
    closed = Monitor(ns, "closed")
    short(ns, 5)
    forgotten(ns)
    numbered(0, 5, "with a listener to the end")
    flows = Monitor(ns)
    short(ns, 5)
    forgotten(ns)
    numbered(15, 10, "with both")
    flows, closed = pure(flows.stop()), pure(closed.stop())
    equal([event["seq"] for event in closed], list(range(1, 11)), "numbers of closed")
    equal({event["event"] for event in closed}, {"closed"}, "what closed tells")
    for event in flows + closed:
        del event["seq"]
    equal(closed[5:], told(flows, "closed"), "the same ends")
    short(ns, 5)
    forgotten(ns)
    numbered(15, 10, "with no listener any more")
    late = Monitor(ns)
    short(ns, 1)
    forgotten(ns)
    equal([event["seq"] for event in pure(late.stop())], [16, 17, 18], "numbers go on")


# lives that are forged: from i and r, flags, numbers relative to each side's first one

OPENED = [("i", SYN, 0, 0), ("r", SYN | ACK, 0, 1), ("i", ACK, 1, 1)]
FIN_I, FIN_R = ("i", FIN | ACK, 1, 1), ("r", FIN | ACK, 1, 1)
CLOSED_BY_I = OPENED + [FIN_I, ("r", FIN | ACK, 1, 2), ("i", ACK, 2, 2)]
CLOSED_BY_R = OPENED + [FIN_R, ("i", FIN | ACK, 1, 2), ("r", ACK, 2, 2)]

# inference.md: each with its reason, by whom, Zeek's name and the last states
LIVES = [
    ("fin initiator SF TIME_WAIT CLOSE", CLOSED_BY_I),
    ("fin responder SF CLOSE TIME_WAIT", CLOSED_BY_R),
    ("refused responder REJ SYN_SENT LISTEN", [OPENED[0], ("r", RST | ACK, 0, 1)]),
    ("reset initiator RSTO ESTABLISHED ESTABLISHED", OPENED + [("i", RST | ACK, 1, 1)]),
    ("reset responder RSTR ESTABLISHED ESTABLISHED", OPENED + [("r", RST | ACK, 1, 1)]),
    ("reset initiator RSTOS0 SYN_SENT LISTEN", [OPENED[0], ("i", RST, 1, 0)]),
    ("reset responder RSTRH SYN_SENT SYN_RECV", [("r", SYN | ACK, 0, 1), ("r", RST | ACK, 1, 1)]),
    ("timeout none S0 SYN_SENT LISTEN", OPENED[:1]),
    ("flushed none S1 ESTABLISHED ESTABLISHED", OPENED),
    ("flushed none S2 FIN_WAIT1 ESTABLISHED", OPENED + [FIN_I]),
    ("flushed none S3 ESTABLISHED FIN_WAIT1", OPENED + [FIN_R]),
    ("flushed none OTH SYN_SENT SYN_RECV", OPENED[:2]),
    ("flushed none OTH ESTABLISHED ESTABLISHED", [("i", ACK, 1, 1), ("r", ACK, 1, 1)]),
]


def forge(lab, fam, number, script):
    """Forge part of a life between addresses where nobody answers."""
    first, second = lab.spoof(fam, 1), lab.silent[fam]
    for side, flags, seq, ack in script:
        own, peer = (1_000_000, 5_000_000) if side == "i" else (5_000_000, 1_000_000)
        src, dst, sport, dport = (first, second, 30_000 + number, 80) if side == "i" else \
            (second, first, 80, 30_000 + number)
        body = tcp(src, dst, sport, dport, own + seq, peer + ack if flags & ACK else 0, flags,
                   options=mss() if flags & SYN else b"")
        lab.forge(lab.A if side == "i" else lab.B, {4: ipv4, 6: ipv6}[fam](src, dst, body))


def end_lives(ns, families):
    """Those of LIVES that have ended, or are to time out, go once all were seen whole."""
    segments = sum(len(script) for _, script in LIVES)
    stay = sum(end.startswith("flushed") for end, _ in LIVES)
    wait_equal(lambda: proc(ns)["segments"], families * segments, "segments")
    for name in "time_wait", "close", "syn_sent":
        ns.sysctl(f"net.tcpstate.timeout_{name}", 1)
    wait_for(lambda: proc(ns), lambda seen: seen["flows"] + seen["halfopen"] == families * stay
             and seen["opened"] + seen["picked_up"] == families * len(LIVES), "those that stay")


@test("each end has its reason, its cause, Zeek's name and its last states")
def ends(lab, fam):
    monitor = Monitor(lab.R, f"-{fam}")
    for number, (_, script) in enumerate(LIVES):
        forge(lab, fam, number, script)
    end_lives(lab.R, 1)
    output(lab.R, "flush")
    events = pure(monitor.stop())
    ended = {event["initiator_port"] - 30_000: event for event in told(events, "closed")}
    equal(len(told(events, "closed")), len(LIVES), "ends")
    for number, (end, script) in enumerate(LIVES):
        event = ended[number]
        equal(" ".join(event[name] for name in ("reason", "by", "conn_state", "initiator_state",
                                                "responder_state")), end, f"{script}")
        equal(event["initiator_segments"], sum(side == "i" for side, *_ in script), f"{script}")
        equal(event["picked_up"], script[0] != OPENED[0], f"{script}: picked up")
        kinds = [each["event"] for each in events if key(each) == key(event)]
        equal(kinds, ["opened", *["established"] * (script[:3] == OPENED), "closed"], f"{script}")


@test("latencies are those of both ways, and left out where a segment was sent again", serial=True)
def latencies(lab, fam):
    monitor = Monitor(lab.R)
    lab.delay(20, 40)
    lab.connect(fam).talk()
    lab.delay(0, 0)
    began = time.monotonic()
    for side, port in ("a0", 81), ("b0", 82):
        # the first SYN is lost behind R; then the first SYN-ACK
        lab.drop(f"iifname {side} tcp flags & syn == syn")
        lab.listen(fam, port)
        conn = lab.dial(fam, dport=port)
        wait_for(lambda: [flow for flow in told(monitor.objects(), "opened")
                          if flow["responder_port"] == port], what="the first segment")
        if side == "b0":
            wait_for(lambda: [one for one in halfopens(lab.R) if one.synack], what="SYN-ACK")
        lab.drop()
        wait_for(lambda: [flow for flow in told(monitor.objects(), "established")
                          if flow["responder_port"] == port], what="the handshake")
        lab.keep(conn)
    events = {event["responder_port"]: event for event in told(pure(monitor.stop()), "established")}
    slow = events[80]
    true(40_000 <= slow["responder_latency_us"] < (time.monotonic() - began + 60) * 1e6,
         f"from SYN to SYN-ACK {slow}")
    true(20_000 <= slow["initiator_latency_us"] < 60e6, f"from SYN-ACK to ACK {slow}")
    true("responder_latency_us" not in events[81], f"SYN was sent again: {events[81]}")
    true("initiator_latency_us" in events[81], f"SYN-ACK was sent once: {events[81]}")
    equal(LATENCIES & set(events[82]), {"responder_latency_us"}, "SYN-ACK was sent again")
    sums = read(lab.R, "stats")["histograms"]
    equal([sum(sums[f"{end}_latency_us"]) for end in ("responder", "initiator")], [2, 2],
          "what was measured")


CLAIMS = {
    "src 10.0.0.0/8": lambda e: e["initiator"].startswith("10."),
    "-6": lambda e: e["family"] == "ipv6",
    "dst fd00:9:2::/48 sport 30003-30006": lambda e: e["responder"].startswith("fd00:9:2:") and
                                                     30003 <= e["initiator_port"] <= 30006,
    "state established": lambda e: "ESTABLISHED" in (e["initiator_state"], e["responder_state"]),
    "sstate syn-sent exclude syn-recv": lambda e: e["initiator_state"] == "SYN_SENT" and
                                                  e["responder_state"] != "SYN_RECV",
    "dport 81": lambda e: False,
    "picked-up": lambda e: e["picked_up"],
    "older 900ms": lambda e: e["duration_ms"] >= 900,
    "-4 not picked-up dstate close sport >= 30000": lambda e: e["family"] == "ipv4" and
        not e["picked_up"] and e["responder_state"] == "CLOSE",
}


@test("filters let pass what they say", families=None)
def filters(lab):
    everything = Monitor(lab.R)
    monitors = {words: Monitor(lab.R, *words.split(), tool=PLAIN) for words in CLAIMS}
    for fam in 4, 6:
        for number, (_, script) in enumerate(LIVES):
            forge(lab, fam, number, script)
    end_lives(lab.R, 2)
    output(lab.R, "flush")
    events = pure(everything.stop())
    for words, claim in CLAIMS.items():
        seen, want = monitors[words].stop(), [event for event in events if claim(event)]
        equal([event["seq"] for event in seen], [event["seq"] for event in want], f"'{words}'")
        equal(seen, want, f"events of '{words}'")
        true((words == "dport 81") != (0 < len(want) < len(events)), f"'{words}' divides")


# how it is run

@plain_test("who may listen, and to what", None)
def permission():
    ns = place()
    with as_nobody() as nobody:
        for group in [], ["flows"], ["closed"], ["alerts"]:
            refused(ns, "CAP_NET_ADMIN", 2, "monitor", *group, **nobody)
            refused(ns, "CAP_NET_ADMIN", 2, "-j", "monitor", *group, **nobody)
    for words in ["bogus"], ["flows", "flows"], ["state", "bogus"], ["--count", "0"], \
            ["--count", "x"], ["--buffer", "-1"], ["--buffer", "5T"], ["--buffer", "4096M"]:
        equal(run(ns, "monitor", *words, tool=PLAIN).returncode, 1, f"{words}: status")


@plain_test("it ends after so many events, by a signal, or when nobody reads any more", None)
def endings():
    ns = place()
    for number in signal.SIGINT, signal.SIGTERM:
        monitor = Monitor(ns)
        equal((monitor.stop(number), monitor.said()), ([], ""), f"signal {number}, nothing to tell")
    count = Monitor(ns, "--count", "4", "dport", ">=", "1", tool=PLAIN)
    text = Monitor(ns, "-t", json=False)
    bare = Monitor(ns, "closed", json=False, tool=PLAIN)
    piped = start(ns, "-j", "monitor", tool=PLAIN)
    wait_for(lambda: listening(ns) == 4, what="four listeners")
    short(ns, 2)
    equal([event["seq"] for event in count.wait()], [1, 2, 3, 4], "as many as asked for")
    equal(json.loads(piped.stdout.readline())["event"], "opened", "a line, at once")
    forgotten(ns)
    piped.stdout.close()
    short(ns, 1)
    equal((piped.wait(ktap.PATIENCE), piped.stderr.read()), (-signal.SIGPIPE, ""), "nobody reads")
    forgotten(ns)
    lines, ends = text.stop(), bare.stop()
    title, *rest = lines
    equal(title.split(), "EVENT TIME INITIATOR STATE RESPONDER STATE DURATION".split(), "titles")
    equal([line.split()[0] for line in rest].count("closed"), 3, "ends as text")
    equal((len(rest), len(ends)), (9, 4), "lines")
    for line in rest:
        true(re.fullmatch(r"(opened|established|closed) +\S{29}Z +127\.0\.0\.1:\d+ +[A-Z_0-9]+ +"
                          r"127\.0\.0\.1:\d+ +[A-Z_0-9]+ +\S+ .*bytes:\d.* history:\S+.*", line),
             f"line {line!r}")
    true(" bytes:5/7 " in ends[1] and " reason:fin by:initiator SF history:ShADadFf" in ends[1],
         f"end {ends[1]!r}")
    equal((text.said(), bare.said()), ("tcpstate: 9 events received, 0 lost\n",
                                       "tcpstate: 3 events received, 0 lost\n"), "in the end")


@plain_test("it outlives the module, and goes on when that is back", None, serial=True)
def outlives():
    ns = place(close_wait=432000, established=432000)
    monitor, text = Monitor(ns), Monitor(ns, json=False, tool=PLAIN)
    kept = []
    listener = ns.socket(4)
    listener.bind(("127.0.0.1", 80))
    listener.listen()
    for _ in range(5):
        sock = ns.socket(4)
        sock.connect(("127.0.0.1", 80))
        kept += [sock, listener.accept()[0]]
    short(ns, 1)
    forgotten_but = lambda: proc(ns)["flows"] == 5
    wait_for(forgotten_but, what="five that live")
    for turn in 1, 2:
        unload()
        gone = wait_for(lambda: told(monitor.objects(), "module"),
                        lambda news: len(news) == 2 * turn - 1, "that it is gone")
        equal(gone[-1], {"event": "module", "state": "gone"}, "news")
        refused(ns, "modprobe tcpstate", 2, "monitor")
        module()
        wait_for(lambda: told(monitor.objects(), "module"),
                 lambda news: len(news) == 2 * turn, "that it is back")
        wait_for(lambda: listening(ns) == 2, what="both listeners")
    for name in "time_wait", "close":
        ns.sysctl(f"net.tcpstate.timeout_{name}", 1)
    short(ns, 2)
    forgotten(ns)
    events, lines = monitor.stop(), text.stop()
    parts = [[]]
    for event in events:
        if event["event"] == "module":
            parts.append(event["state"])
            parts.append([])
        else:
            parts[-1].append(event)
    equal(parts[1::2], ["gone", "back", "gone", "back"], "news of the module")
    first, *_, last = parts[::2]
    pure(first)
    equal([event["reason"] for event in first[-5:]], ["unloaded"] * 5, "the last ends")
    equal((len(first), [event["seq"] for event in pure(last)]), (18, list(range(1, 7))), "events")
    equal([line for line in lines if line.startswith("module")],
          ["module gone", "module back"] * 2, "as text")
    for sock in kept:
        sock.close()


# figures

@test("RSTs are in the ledger by sender, states, and what became of them")
def resets(lab, fam):
    near, far = 101, 1 << 24
    forge(lab, fam, 0, OPENED + [("i", RST, near, 0), ("i", RST, near + 1, 0), ("i", RST, far, 0),
                                 ("r", RST, near, 0), ("i", RST | ACK, 1, 1)])
    forge(lab, fam, 1, OPENED + [FIN_I, ("r", ACK, 1, 2), ("r", RST, near, 0), ("r", RST, far, 0),
                                 ("r", RST, far + 1, 0), ("r", RST | ACK, 1, 2)])
    wait_for(lambda: proc(lab.R)["closed_reset"] == 2, what="both ends")
    rows = {(row["by"], row["initiator"], row["responder"]):
            (row["in_window"], row["inexact"], row["out_of_window"])
            for row in read(lab.R, "stats")["resets"]}
    equal(rows, {("initiator", "ESTABLISHED", "ESTABLISHED"): (1, 2, 1),
                 ("responder", "ESTABLISHED", "ESTABLISHED"): (0, 1, 0),
                 ("responder", "FIN_WAIT2", "CLOSE_WAIT"): (1, 1, 2)}, "ledger")
    true("  by the responder in FIN_WAIT2 / CLOSE_WAIT: 1 in window, 1 inexact, 2 out of window\n"
         in output(lab.R, "stats"), "as text")


@test("who does not close what its peer has is told soon, and pairs are those of a dump")
def leaks(lab, fam):
    conns = [lab.connect(fam) for _ in range(4)]
    equal(read(lab.R, "stats")["leaks"], [], "none at first")
    for conn in conns[:2]:
        conn.a.shutdown(SHUT_WR)
    conns[2].b.shutdown(SHUT_WR)
    lab.keep(lab.dial(fam, lab.silent[fam]))

    def look():
        return {row["side"]: row["flows"] for row in read(lab.R, "stats")["leaks"]}
    wait_equal(look, {"responder": 2, "initiator": 1}, "leaks")
    oldest = {row["side"]: row["oldest_ms"] for row in read(lab.R, "stats")["leaks"]}
    wait_for(lambda: read(lab.R, "stats")["leaks"], lambda rows: all(
        row["oldest_ms"] >= oldest[row["side"]] + 1000 for row in rows), "older leaks")
    found = read(lab.R, "stats")
    pairs = collections.Counter((flow["initiator_state"], flow["responder_state"])
                                for flow in read(lab.R, "flows"))
    equal({(row["initiator"], row["responder"]): row["flows"] for row in found["pairs"]}, pairs,
          "pairs")
    equal(pairs, {("FIN_WAIT2", "CLOSE_WAIT"): 2, ("CLOSE_WAIT", "FIN_WAIT2"): 1,
                  ("ESTABLISHED", "ESTABLISHED"): 1, ("SYN_SENT", "LISTEN"): 1}, "pairs")
    text = output(lab.R, "stats")
    true("  the responder has not closed 2 that its peer has, the oldest for " in text, "leak")
    true(re.search(r"^  FIN_WAIT2    CLOSE_WAIT +2$", text, re.M), "pair")
    true(re.search(r"^  responder: 4, 50% < \S+, 99% < \S+$", text, re.M), "latency")
    for conn in conns:
        conn.close()
    wait_equal(look, {}, "leaks in the end")


def prepare():
    module()
    built()
    subprocess.run(["gcc", "-O2", "-o", f"{PROGRAM.name}/short", f"{HERE}/short.c"], check=True)


if __name__ == "__main__":
    ktap.main(None, prepare, one_cpu=True)
