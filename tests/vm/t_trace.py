#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""
Segments as `tcpstate trace` draws and tells them, arrow by arrow beside what a packet
socket (and tcpdump) saw on the wire: direction, flags, numbers relative to the initial
ones, length, order, and the states after each. Where tools/asan/tcpstate is built,
that one is run.
"""

import collections
import errno
import itertools
import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import time

import ktap
from genl import Channel, Refusal, fields
from lab import *
from tool import PLAIN, Running, refused, text_of

TRACES_MAX, RATE_MAX = 16, 10000    # module/trace.c
FLAGS = "FIN SYN RST PSH ACK URG ECE CWR".split()
KEYS = {"seq", "time", "family", "from", "flags", "seq_number", "relative_seq", "length",
        "window", "count", "facts"} | {
    f"{end}{what}" for end in ("initiator", "responder") for what in ("", "_port", "_state")}
WORDS = {"rst_inexact": "inexact rst", "simultaneous_open": "simultaneous open",
         "simultaneous_close": "simultaneous close", "zero_window": "zero window",
         "out_of_window": "out of window", "invalid_ack": "invalid ack",
         "invalid_rst": "invalid rst", "keepalive": "keep-alive",
         **{f"{what}_retrans": "retransmission" for what in ("syn", "synack", "fin", "data")}}
REFUSED = {"out_of_window", "invalid_ack", "invalid_rst", "rst_inexact", "stray"}
OPENING = [("SYN_SENT", "LISTEN"), ("SYN_SENT", "SYN_RECV"), ("ESTABLISHED", "ESTABLISHED")]

# from: 0 the initiator; flags, numbers as J+n and K+n (absolute where no initial one is
# known; seq None where it is not shown), facts as words; what came between it and the last
Arrow = collections.namedtuple("Arrow", "way flags seq ack length states notes broken before")


# running it

class Tracer(Running):
    """The tool's trace in a namespace."""

    def __init__(self, ns, *words, **options):
        super().__init__(ns, "trace", *words, **options)

    def objects(self):
        """What it told in JSON so far; those of the probe left out."""
        return [each for each in super().objects() if each.get("initiator_port") != PROBE]

    def wait(self):
        """Its end, without complaint."""
        super().wait()
        equal(self.said(), "", "what trace said")


# Whoever traces port 80 is asked whether it does by a SYN from this port to nobody.
PROBE = 9


def packet(lab, fam, src, dst, *args, **options):
    return (ipv4 if fam == 4 else ipv6)(src, dst, tcp(src, dst, *args, **options))


def trace(lab, fam, *words, dport=80, json=(False, True), **options):
    """Tracers in R, of text and of JSON, once they trace."""
    tracers = [Tracer(lab.R, *["-j"] * each, *words, "dport", str(dport), **options)
               for each in json]
    probe = packet(lab, fam, lab.spoof(fam, 250), lab.silent[fam], PROBE, dport, flags=SYN)

    def ready():
        lab.forge(lab.A, probe)
        return all(any("SYN" in line for line in tracer.lines()) for tracer in tracers)
    wait_for(ready, what="a tracer that traces")
    return tracers


# arrows, from the wire and from what is told

def number(letter, value, iss):
    """As the diagram has it."""
    if iss is None:
        return str(value)
    n = (value - iss) % (1 << 32)
    return letter + (f"+{n}" if 0 < n < 1 << 31 else f"-{(1 << 32) - n}" if n else "")


def initial(segments, conn):
    """The initial sequence numbers on the wire."""
    found = [None, None]
    for seg in segments:
        way = at(seg.src, seg.sport) != conn.initiator
        if seg.flags & SYN and found[way] is None:
            found[way] = seg.seq
    return found


def wire(segments, conn):
    """What was on the wire of a connection: (way, flags, seq, ack, length) of each."""
    ends = conn.initiator, conn.responder
    segments = [seg for seg in segments
                if {at(seg.src, seg.sport), at(seg.dst, seg.dport)} == set(ends)]
    iss = initial(segments, conn)
    rows = []
    for seg in segments:
        way = ends.index(at(seg.src, seg.sport))
        flags = frozenset(name for bit, name in enumerate(FLAGS) if seg.flags >> bit & 1)
        rows.append((way, flags, number("JK"[way], seg.seq, iss[way]),
                     number("KJ"[way], seg.ack, iss[not way]) if "ACK" in flags else None,
                     seg.length))
    return rows, iss


def of_json(objects, iss):
    """Arrows of JSON; asserts that its two ways to tell a number agree."""
    arrows = []
    for each in objects:
        way = ["initiator", "responder"].index(each["from"])
        flags = frozenset(each["flags"])
        equal(set(each) - {"reason"},
              KEYS | ({"ack_number", "relative_ack"} if "ACK" in flags else set()), "keys")
        for value, relative, end in (("seq_number", "relative_seq", way),
                                     ("ack_number", "relative_ack", not way)):
            if value in each and iss[end] is not None:
                equal((each[value] - each[relative]) % (1 << 32), iss[end], f"{value} in {each}")
        notes = [WORDS.get(fact, fact) for fact in each["facts"]]
        arrows.append(Arrow(way, flags, number("JK"[way], each["seq_number"], iss[way]),
                            number("KJ"[way], each["ack_number"], iss[not way])
                            if "ACK" in flags else None,
                            each["length"], (each["initiator_state"], each["responder_state"]),
                            notes, bool(REFUSED & set(each["facts"])), each["time"]))
    return arrows


STATE = "|".join(STATES)
LINE = re.compile(rf"(?:\s*[\d.]+ )?({STATE}) *\|(.*)\| ({STATE})")
LABEL = re.compile(rf"(?:((?:{'|'.join(FLAGS)})(?:,(?:{'|'.join(FLAGS)}))*)(?: |$))?"
                   r"(?:([JK](?:[+-]\d+)?|\d+)(?: len (\d+))?(?:, |$))?(?:ACK (\S+))?")


def of_arrow(line, above, between):
    """The Arrow of a line of the diagram, with the text above it."""
    left, shaft, right = LINE.fullmatch(line).groups()
    way = {"->": 0, " x": 0, "-x": 0}.get(shaft[-2:], 1)
    true(way == 0 or shaft[:3] in ("<--", "x -"), f"arrow {shaft!r}")
    true(way == 1 or shaft[:3] in ("---", "- -"), f"arrow {shaft!r}")
    label = " ".join(above + [shaft[4:].rstrip("->x ")])
    notes = re.findall(r"\[(.*?)\]", label)
    told = {letter: int(value) for letter, value in re.findall(r"\(([JK])=(\d+)\)", label)}
    text = re.sub(r" ?(\[.*?\]|\([JK]=\d+\))", "", label).strip()
    # ACK stands behind, so as the one flag it is not the first word
    first, rest = ("", text) if text.startswith("ACK ") else (None, text)
    match = LABEL.fullmatch(rest) if first is None else re.fullmatch(r"()()()ACK (\S+)", rest)
    true(match, f"label {text!r}")
    flags, seq, length, ack = match.groups()
    return Arrow(way, frozenset(flags.split(",") if flags else ()) |
                 frozenset(["ACK"] if ack else ()), seq or None, ack, int(length or 0),
                 (left, right), notes, shaft[-1] == "x" or shaft[0] == "x", between), told


def of_text(lines, conn):
    """Arrows of a diagram, those of one connection, and the initial numbers it tells."""
    arrows, iss, heading, above, between = [], {}, [], [], []
    for line in lines:
        true("\033" not in line and len(line) <= 80 and line == line.rstrip(), f"line {line!r}")
        if LINE.fullmatch(line):
            arrow, told = of_arrow(line, above, between)
            if heading == [conn.initiator, conn.responder]:
                arrows.append(arrow)
                iss.update(told)
            above, between = [], []
        elif re.fullmatch(r" +\|.*\|", line):
            text = line.strip().strip("|").strip()
            if text.startswith("* "):
                arrows and arrows[-1].before.append(text)
            else:
                (between if text.startswith("...") else above).append(text)
        elif line:
            words = line.split()
            heading = (heading + words if len(heading) == 1 else words)
        else:
            heading = []
    return arrows, iss


def agree(lab, conn, tracers, ordered=True):
    """Assert that both tell of each segment on the wire. Return the JSON."""
    text, other = tracers

    def all_there():
        rows, iss = wire(lab.sniffer.all(), conn)
        objects = [each for each in other.objects()
                   if at(each["initiator"], each["initiator_port"]) == conn.initiator]
        arrows, _ = of_text(text.lines(), conn)
        equal((len(objects), len(arrows)), (len(rows), len(rows)), "arrows")
        return rows, iss, objects
    rows, iss, objects = wait_for(all_there, lambda _: True, "every arrow")
    arrows, said = of_text(text.lines(), conn)
    told = of_json(objects, iss)
    for one, what in (told, "JSON"), (arrows, "text"):
        seen = [tuple(arrow[:5]) for arrow in one]
        if what == "text":          # a mere acknowledgment is drawn without its own number
            for i, row in enumerate(seen):
                if row[2] is None:
                    equal((row[1], row[4]), (frozenset(["ACK"]), 0), f"{row}: no number")
                    seen[i] = (*row[:2], told[i].seq, *row[3:])
        for way in 0, 1:
            equal([row for row in seen if row[0] == way],
                  [row for row in rows if row[0] == way], f"{what}, way {way}")
        if ordered:
            equal(seen, rows, f"{what}, order")
    for one, two, each in zip(arrows, told, objects):
        equal((one.way, one.states, one.broken), (two.way, two.states, two.broken), "text and JSON")
        equal([note for note in one.notes if "segments" not in note], two.notes, "notes")
        equal([text for text in one.before if text[0] == "*"],
              [f"* ended: {each['reason']} *"] if "reason" in each else [], "the end")
    equal(said, {letter: value for letter, value in zip("JK", iss) if value is not None},
          "initial numbers")
    return objects


def states(objects):
    """The pairs of states, each once as long as it lasts."""
    return [pair for pair, _ in itertools.groupby(
        (each["initiator_state"], each["responder_state"]) for each in objects)]


def facts(objects):
    return [fact for each in objects for fact in each["facts"]]


def labels(tracer):
    """What is written on the arrows, from the first to the last."""
    return [LINE.fullmatch(line)[2][4:].rstrip("->x ") for line in tracer.lines()
            if LINE.fullmatch(line)]


# claims

def of_tcpdump(lines):
    """What tcpdump has printed: Segments, as far as wire() looks at them."""
    rows = []
    for line in lines:
        match = re.search(r"IP6? (\S+)\.(\d+) > (\S+)\.(\d+): Flags \[(\S+)\], "
                          r"(?:seq (\d+)(?::\d+)?, )?(?:ack (\d+), )?.*length (\d+)", line)
        if not match:
            continue
        src, sport, dst, dport, flags, seq, ack, length = match.groups()
        bits = sum(1 << "FSRP.UEW".index(letter) for letter in flags)
        rows.append((src, int(sport), dst, int(dport), bits, seq and int(seq), int(ack or 0),
                     int(length)))
    return rows


@test("a life: handshake, data both ways, close in four segments")
def life(lab, fam):
    said = tempfile.TemporaryFile("a+")
    with lab.R:
        dump = subprocess.Popen(["tcpdump", "-i", "any", "-Q", "in", "-nn", "-S", "-l",
                                 "--immediate-mode", "-s", "200", "-B", "4096", "-Z", "root",
                                 "tcp port 80"],
                                stdout=said, stderr=subprocess.PIPE, text=True)
    for line in dump.stderr:
        if "listening on" in line:
            break
    tracers = trace(lab, fam)
    conn = lab.connect(fam)
    conn.talk()
    # what acknowledges the last data must be there before the FIN
    agree(lab, conn, tracers)
    conn.a.shutdown(SHUT_WR)
    wait_equal(lambda: ss(lab.A).get((conn.initiator, conn.responder)), "FIN_WAIT2", "A")
    conn.b.shutdown(SHUT_WR)
    wait_equal(lambda: ss(lab.A).get((conn.initiator, conn.responder)), "TIME_WAIT", "A")
    objects = agree(lab, conn, tracers)
    equal(states(objects), OPENING + [("FIN_WAIT1", "ESTABLISHED"), ("FIN_WAIT2", "CLOSE_WAIT"),
                                      ("FIN_WAIT2", "LAST_ACK"), ("TIME_WAIT", "CLOSE")], "states")
    equal([(each["from"][0], each["flags"]) for each in objects][-4:],
          [("i", ["FIN", "ACK"]), ("r", ["ACK"]), ("r", ["FIN", "ACK"]), ("i", ["ACK"])], "close")
    equal(facts(objects), ["established"], "facts")
    equal(sum(each["length"] for each in objects), 8, "octets")
    # as a textbook has it
    rows = [re.sub(r" [\[(].*", "", label) for label in labels(tracers[0])][-len(objects):]
    equal([rows[0], rows[1], rows[2]], ["SYN J", "SYN K, ACK J+1", "ACK K+1"], "handshake")
    equal(rows[-4:], ["FIN J+5, ACK K+5", "ACK J+6", "FIN K+5, ACK J+6", "ACK K+6"], "close")
    for tracer in tracers:
        tracer.stop()

    def dumped():
        text = text_of(said)
        seen = [row for row in of_tcpdump(text.split("\n")[:-1]) if PROBE not in row]
        wanted = [(seg.src, seg.sport, seg.dst, seg.dport, seg.flags, seg.seq, seg.ack, seg.length)
                  for seg in lab.sniffer.all() if PROBE not in (seg.sport, seg.dport)]
        equal(len(seen), len(wanted), f"segments that tcpdump saw {text}")
        for one, other in zip(seen, wanted):
            # tcpdump does not show the number of a segment that takes up none
            equal(one if one[5] is not None else one[:5] + (other[5],) + one[6:], other, "tcpdump")
    wait_for(dumped, lambda _: True, "tcpdump")
    dump.terminate()
    dump.wait()


@test("simultaneous close: FINs that cross", families=(4,))
def simultaneous_close(lab, fam):
    tracers = trace(lab, fam)
    conn = lab.connect(fam)
    conn.talk()
    agree(lab, conn, tracers)
    lab.hold()
    conn.a.shutdown(SHUT_WR)
    conn.b.shutdown(SHUT_WR)
    for host, state in (lab.A, "FIN_WAIT1"), (lab.B, "CLOSING"):
        wait_for(lambda state=state: proc(lab.R).pairs, lambda pairs, state=state: state in pairs
                 and "ESTABLISHED" not in pairs, f"{state} in R")
        lab.release(host)
    for host, ends in (lab.A, (conn.initiator, conn.responder)), \
            (lab.B, (conn.responder, conn.initiator)):
        wait_equal(lambda host=host, ends=ends: ss(host).get(ends), "TIME_WAIT", f"{host}")
    objects = agree(lab, conn, tracers, ordered=False)
    one, *rest = states(objects)[3:]
    true(one in (("FIN_WAIT1", "ESTABLISHED"), ("ESTABLISHED", "FIN_WAIT1")), f"first {one}")
    equal(rest, [("FIN_WAIT1", "FIN_WAIT1"), ("CLOSING", "FIN_WAIT2"), ("TIME_WAIT", "TIME_WAIT")],
          "states")
    # They are held so long that the FINs may be sent again.
    equal([fact for fact in facts(objects) if fact != "fin_retrans"],
          ["established", "simultaneous_close"], "facts")


@test("simultaneous open: SYNs that cross", families=(6,))
def simultaneous_open(lab, fam):
    tracers = trace(lab, fam, dport=40002)
    lab.hold()
    conn = lab.dial(fam, dport=40002, sport=40001)
    conn.b = lab.dial(fam, dport=40001, sport=40002, client=lab.B).a
    wait_for(lambda: proc(lab.R)["simultaneous_open"], what="both SYNs in R")
    for host in lab.hosts:
        lab.release(host)
    wait_equal(lambda: [ss(host).get(ends) for host, ends in (
        (lab.A, (conn.initiator, conn.responder)), (lab.B, (conn.responder, conn.initiator)))],
               ["ESTABLISHED"] * 2, "both")
    objects = agree(lab, conn, tracers, ordered=False)
    equal(states(objects)[:2] + states(objects)[-1:],
          [("SYN_SENT", "LISTEN"), ("SYN_SENT", "SYN_SENT"), ("ESTABLISHED", "ESTABLISHED")],
          "states")
    true({"simultaneous_open", "established"} <= set(facts(objects)), f"facts {facts(objects)}")
    # One may be sent again, with its number, while all is held.
    equal(len({each["seq_number"] for each in objects if each["flags"] == ["SYN"]}), 2, "SYNs")


@test("a spoofed SYN: answered again and again, and silence between", families=(4,))
def spoofed(lab, fam):
    lab.listen(fam)
    tracers = trace(lab, fam)
    src, dst = lab.spoof(fam, 1), lab.B.addr[fam]
    lab.forge(lab.A, packet(lab, fam, src, dst, 40000, 80, seq=3735928559, flags=SYN,
                            options=mss()))
    conn = Conn(fam, (None, lab.B), at(src, 40000), at(dst, 80))
    wait_for(lambda: len(wire(lab.sniffer.all(), conn)[0]) >= 4, what="SYN-ACKs")
    # no more of them while what is told is compared
    lab.B.nft("table inet mute {", "chain out { type filter hook output priority -500; drop;", "}",
              "}")
    objects = agree(lab, conn, tracers)
    equal([each["flags"] for each in objects], [["SYN"]] + [["SYN", "ACK"]] * (len(objects) - 1),
          "flags")
    equal(states(objects), OPENING[:2], "states")
    equal(facts(objects), ["synack_retrans"] * (len(objects) - 2), "facts")
    true(any("SYN J (J=3735928559)" in line for line in tracers[0].lines()), "J is told")
    arrows, _ = of_text(tracers[0].lines(), conn)
    gaps = 0
    for one, other, arrow in zip(objects, objects[1:], arrows[1:]):
        first, second = (int(each["time"][17:19]) * 10**9 + int(each["time"][20:29])
                         for each in (one, other))
        since = (second - first) % (60 * 10**9)
        want = f"... {since // 10**9}.{since % 10**9 // 10**8} s ..."
        equal(arrow.before, [want] if since > 10**9 else [], "silence")
        gaps += since > 10**9
    true(gaps >= 1, "the kernel waits longer each time")


@test("a connection that is refused", families=(6,))
def refusal(lab, fam):
    tracers = trace(lab, fam)
    conn = lab.dial(fam)                        # nobody listens
    objects = agree(lab, conn, tracers)
    equal([each["flags"] for each in objects], [["SYN"], ["RST", "ACK"]], "flags")
    equal([each.get("reason") for each in objects], [None, "refused"], "reason")
    equal(states(objects), [("SYN_SENT", "LISTEN"), ("CLOSE", "CLOSE")], "states")
    equal(labels(tracers[0])[-1], "RST 0, ACK J+1", "label")


@test("evidence that is refused: broken arrows, and why", families=(4,))
def evidence(lab, fam):
    tracers = trace(lab, fam)
    conn = lab.connect(fam)
    conn.talk()
    agree(lab, conn, tracers)
    before = len(wire(lab.sniffer.all(), conn)[0])
    j, k = wire(lab.sniffer.all(), conn)[1]
    sport, far = int(conn.initiator.rpartition(":")[2]), 1 << 30
    # R sees it all and lets nothing pass, so nobody answers
    lab.drop("iifname a0")
    for seq, ack, flags, payload in (
            (j + 5 + 100, k + 5, RST, b""), (j + 5 + far, k + 5, RST, b""),
            (j + 5 + far, k + 5, PSH | ACK, b"forged"), (j + 5, k + 5 + far, ACK, b""),
            (j + 4, k + 5, ACK, b""), (j + 1, k + 5, PSH | ACK, b"ping"),
            (j + 5, k + 5, RST, b""), (j + 5, k + 5, ACK, b"late")):
        lab.forge(lab.A, packet(lab, fam, lab.A.addr[fam], lab.B.addr[fam], sport, 80,
                                seq=seq, ack=ack, flags=flags, payload=payload))
    objects = agree(lab, conn, tracers)[before:]
    equal([each["facts"] for each in objects],
          [["rst_inexact"], ["invalid_rst"], ["out_of_window"], ["invalid_ack"], ["keepalive"],
           ["data_retrans"], [], ["stray"]], "facts")
    equal([each.get("reason") for each in objects], [None] * 6 + ["reset", None], "reason")
    equal(states(objects[:-2]), [("ESTABLISHED", "ESTABLISHED")], "states")
    arrows = of_text(tracers[0].lines(), conn)[0][before:]
    equal([arrow.broken for arrow in arrows],
          [True, True, True, True, False, False, False, True], "broken")


@test("two tracers with a filter each: neither ends the other, each tells its own", families=(4,))
def two(lab, fam):
    (one,), (other,) = (trace(lab, fam, dport=port, json=[True]) for port in (80, 81))
    # a reader that did not ask: it hears both, as long as there is one who does
    with Channel(lab.R) as reader, Channel(lab.R) as asker:
        reader.join("segments")

        def talk(told):
            """Exchange data with both ports: the ports that the reader hears of."""
            first = asker.settled()["segments"]
            reader.heard("SEGMENT")
            conns = [lab.connect(fam, dport=port) for port in (80, 81)]
            for conn in conns:
                conn.talk()
            rows = sum(len(wire(lab.sniffer.all(), conn)[0]) for conn in conns if told and
                       conn.responder.endswith(told))
            wait_equal(lambda: asker.stats().seq["segments"] - first, rows, "numbers")
            heard = []
            wait_for(lambda: heard.extend(reader.heard("SEGMENT")) or len(heard) >= rows,
                     what="notifications")
            equal([each["seq"] for each in heard], list(range(first + 1, first + 1 + rows)),
                  "numbers of notifications")
            for conn in conns:
                conn.a.close(), conn.b.close()
                wait_equal(lambda conn=conn: ss(lab.A).get((conn.initiator, conn.responder)),
                           "TIME_WAIT", "A")
            return {each["responder"]["port"] for each in heard}

        equal(talk(("80", "81")), {80, 81}, "ports heard of")
        other.stop(signal.SIGTERM)
        equal({each["responder_port"] for each in other.objects()}, {81}, "ports of one tracer")
        equal(talk(("80",)), {80}, "ports heard of")
        one.stop()
        equal({each["responder_port"] for each in one.objects()}, {80}, "ports of the other")
        for tracer in one, other:
            seqs = [each["seq"] for each in tracer.objects()]
            equal((seqs, len(set(seqs))), (sorted(seqs), len(seqs)), "numbers of a tracer")
        equal(talk(()), set(), "ports heard of when nobody asks")


@test("a trace goes on when the module comes back", families=None, serial=True)
def reloaded(lab):
    lab.witnessed = False                       # the module will have missed some
    text, other = trace(lab, 4)
    unload()
    wait_for(lambda: "module gone" in text.lines(), what="the module gone")
    module()
    wait_for(lambda: "module back" in text.lines(), what="the module back")
    wait_equal(lambda: [each["state"] for each in other.objects()
                        if each.get("event") == "module"], ["gone", "back"], "JSON")
    before = len(other.objects())
    lab.connect(4).talk()
    wait_for(lambda: [each["flags"] for each in other.objects()[before:]][:3],
             lambda flags: flags == [["SYN"], ["SYN", "ACK"], ["ACK"]], "a handshake")
    for tracer in text, other:
        tracer.stop()


@test("a trace must say of which connections, and there are no more than 16", families=None)
def limits(lab):
    refused(lab.R, "filter", 1, "trace")
    refused(lab.R, "filter", 1, "-j", "trace")
    refused(lab.R, "nonsense", 1, "trace", "nonsense")
    channels = [Channel(lab.R) for _ in range(TRACES_MAX)]
    try:
        channels[0].do("TRACE_SET")
        raise Failure("a trace without a filter was granted")
    except Refusal as refusal:
        equal((refusal.errno, bool(refusal.message and "filter" in refusal.message)),
              (errno.EINVAL, True), f"refusal {refusal!r}")
    for channel in channels:
        channel.do("TRACE_SET", fields("FLOW", {"family": 4}))
    refused(lab.R, "traces", 2, "trace", "dport", "80")
    # whoever has one may have another instead
    channels[0].do("TRACE_SET", fields("FLOW", {"family": 6}))
    refused(lab.R, "traces", 2, "trace", "dport", "80")
    channels.pop().close()
    (tracer,) = trace(lab, 4, "--count", "1", json=[True])
    tracer.wait()
    equal(len(tracer.lines()), 1, "segments before the end that was asked for")


def flood(host, seconds):
    """As many segments as one process can have sent to itself, in a process of its own."""
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        with socket.create_server((host, 80)) as listener:
            sender = socket.create_connection((host, 80))
            receiver = listener.accept()[0]
        limit, data = time.monotonic() + seconds, bytes(1 << 18)
        sender.setblocking(False)
        receiver.setblocking(False)
        while time.monotonic() < limit:
            for act in (lambda: sender.send(data)), (lambda: receiver.recv(1 << 20)):
                try:
                    act()
                except BlockingIOError:
                    pass
        # all that is on its way arrives
        sender.shutdown(SHUT_WR)
        receiver.settimeout(ktap.PATIENCE)
        while receiver.recv(1 << 20):
            pass
        receiver.close()
        status = sender.recv(1) != b""
    finally:
        os._exit(status)


@test("more than 10,000 segments in a second: the others are counted, to the last one",
      families=None, serial=True)
def rate(lab):
    lab.witnessed = False                       # a packet socket could not keep up either
    lab.R.ip("link set lo mtu 600 gso_max_segs 1")
    (tracer,) = trace(lab, 4, "--buffer", "256M", json=[True], tool=PLAIN)
    # the processors are for the flood; what is told of it waits
    tracer.process.send_signal(signal.SIGSTOP)
    began, rounds = time.monotonic(), 0
    with Channel(lab.R) as channel:
        while not proc(lab.R)["events_lost"]:
            if rounds == 4:
                raise Skip(f"this machine has no more than {channel.stats().seq['segments']} "
                           f"segments in {2 * rounds} seconds")
            with lab.R:
                pids = [flood(f"127.0.{rounds}.{i + 1}", 2) for i in range(os.cpu_count())]
            for pid in pids:
                equal(os.waitpid(pid, 0)[1], 0, "end of a flood")
            rounds += 1
        took = time.monotonic() - began
        numbers, lost = channel.settled()["segments"], proc(lab.R)["events_lost"]
    tracer.process.send_signal(signal.SIGCONT)
    tracer.stop()
    objects = [json.loads(line) for line in tracer.lines()]
    counted = sum(each["count"] for each in objects if each.get("event") == "lost")
    told = [each["seq"] for each in objects if "seq" in each]
    equal(counted, lost, "lost, by the tool's count")
    # the first number is that of the first probe that was traced
    equal(len(told) + counted, numbers - (told[0] - 1), "told and lost")
    true(len(told) <= RATE_MAX * (int(took) + 2), f"{len(told)} told in {took:.1f} s")
    say(f"{len(told)} told, {lost} lost in {took:.1f} s")


if __name__ == "__main__":
    main(one_cpu=True)
