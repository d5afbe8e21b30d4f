#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""
tcpstate check: what the module says of real sockets is what the kernel says of them,
nobody is accused while connections come and go, and who is told wrongly is found.
Where tools/asan/tcpstate is built, that one is run, but for what takes a LD_PRELOAD and
where its start would take most of the time.
"""

import json
import random
import re

from genl import Channel
from kinds import mixed, populate, quiet
from lab import *
from tool import PLAIN, TOOL, as_nobody, preloaded, refused, run

DIFFERENT = 3
KEYS = ("family initiator initiator_port responder responder_port endpoint tcpstate socket "
        "translated picked_up age_ms idle_ms").split()
SUMMARY = re.compile(
    r"(\d+) endpoints compared: (\d+) agree, (\d+) differ, (\d+) undecided; (\d+) translated"
    r"(?:, (\d+) sockets without a flow)?, (\d+) flows without an endpoint here\n")
FIELDS = "compared agree differ undecided translated without_flow remote".split()
LINE = re.compile(
    r"(\S+) > (\S+) (initiator|responder): tcpstate ([A-Z_0-9]+), socket ([A-Z_0-9]+|none), "
    r"age \d+ms, idle \d+ms(, translated)?(, picked-up)?\n")


class Verdict:
    """What check says: `differences`, dictionaries in the words of JSON, and the numbers
    of the summary (without_flow is None where it is not told)."""

    def __init__(self, status, text, summary, differences):
        match = SUMMARY.fullmatch(summary)
        true(match, f"'{summary}' is no summary")
        self.differences = differences
        self.numbers = dict(zip(FIELDS, (each and int(each) for each in match.groups())))
        equal(status, DIFFERENT if differences else 0, f"status of:\n{text}")
        equal(self["differ"], len(differences), f"differences of:\n{text}")
        equal(self["compared"], self["agree"] + self["differ"] + self["undecided"],
              f"sum in:\n{text}")

    def __getitem__(self, name):
        return self.numbers[name]

    def opinions(self):
        """Whom it accuses of what."""
        return sorted((at(each["initiator"], each["initiator_port"]),
                       at(each["responder"], each["responder_port"]), each["endpoint"],
                       each["tcpstate"], each["socket"]) for each in self.differences)


def check(ns, *words, **options):
    """The verdict in a namespace, from JSON."""
    done = run(ns, "-j", "check", *words, **options)
    true(done.returncode in (0, DIFFERENT), f"status {done.returncode}: {done.stderr}")
    differences = json.loads(done.stdout)
    for each in differences:
        equal(list(each), KEYS, "keys")
    return Verdict(done.returncode, done.stdout + done.stderr, done.stderr, differences)


def check_text(ns, *words, **options):
    """The same from text: the verdict, and whom it accuses of what."""
    done = run(ns, "check", *words, **options)
    equal(done.stderr, "", "complaint")
    *lines, summary = done.stdout.splitlines(keepends=True)
    found = [LINE.fullmatch(line) for line in lines]
    true(all(found), f"a line of:\n{done.stdout}")
    verdict = Verdict(done.returncode, done.stdout, summary, found)
    return verdict, sorted((each[1], each[2], each[3], each[4],
                            None if each[5] == "none" else each[5]) for each in found)


def fine(ns, *words, tool=TOOL, **numbers):
    """Assert that nothing differs, and these numbers of the summary."""
    verdict = check(ns, *words, tool=tool)
    equal(verdict.opinions(), [], f"differences in {ns}")
    equal({name: verdict[name] for name in numbers}, numbers, f"summary in {ns}")
    return verdict


def records(ns):
    with Channel(ns) as channel:
        return channel.flows()


# agreement

@test("300 connections in mixed states: no difference on either host, nobody's on the router",
      families=None)
def population(lab):
    say(f"seed {SEED}")
    die = random.Random(SEED)
    lab.keep(populate(lab, die, mixed(die, 300)))
    # Where the kernel is slow, TIME_WAITs end between two looks.
    known = [(host, records(host)) for host in lab.hosts]
    for host, flows in known:
        true(len(flows) > 150 and len({state for flow in flows for state in flow.states}) == 11,
             f"{len(flows)} flows in all states")
        over = sum("TIME_WAIT" in flow.states for flow in flows)
        verdict = fine(host, remote=0, translated=0, without_flow=0)
        true(len(records(host)) <= verdict["compared"] <= len(flows),
             f"{verdict['compared']} endpoints in {host} of {len(flows)}")
        true(verdict["undecided"] <= over, f"{verdict['undecided']} undecided, {over} over")
        true(len(flows) - verdict["compared"] <= over,
             f"of what is not over in {host}, not all is compared")
        equal(check_text(host)[1], [], f"differences in {host} as text")
    before = len(records(lab.R))
    remote = fine(lab.R, compared=0, without_flow=0)["remote"]
    true(len(records(lab.R)) <= remote <= before, f"{remote} are nobody's on R, of {before}")


@test("both ends on one host", families=None)
def loopback(lab):
    pairs = [("127.0.0.1", "127.0.0.1"), ("127.0.0.5", "127.9.9.9"), ("::1", "::1"),
             (lab.A.addr[4], lab.A.addr[4]), (lab.A.addr[6], "::1")]
    for number, (client, server) in enumerate(pairs):
        listener, sock = (lab.keep(lab.A.socket(6 if ":" in server else 4)) for _ in range(2))
        listener.bind((server, 7000 + number))
        listener.listen()
        sock.bind((client, 0))
        sock.connect((server, 7000 + number))
        peer = lab.keep(listener.accept()[0])
        if number % 2:
            sock.shutdown(SHUT_WR)
            equal(peer.recv(1), b"", "end of stream")
        if number == 1:                     # whose responder has no socket then
            peer.shutdown(SHUT_WR)
            equal(sock.recv(1), b"", "end of stream")
    wait_equal(lambda: proc(lab.A).pairs.get("CLOSE"), (0, 1), "the closed one")
    fine(lab.A, compared=2 * len(pairs), agree=2 * len(pairs), remote=0, without_flow=0)


@test("ten readings while connections come and go accuse nobody", families=None)
def traffic(lab):
    for fam in (4, 6):
        lab.listen(fam)
        for _ in range(10):
            lab.keep(lab.connect(fam))

    def come_and_go():
        die = random.Random(SEED)
        held = []
        while True:
            conn = lab.connect(die.choice((4, 6)))
            if die.randrange(2):
                conn.talk()
            held += [conn.a, conn.b]
            while len(held) > 40:
                sock = held.pop(die.randrange(len(held)))
                (reset if die.randrange(4) == 0 else socket.socket.close)(sock)

    def opened():
        return proc(lab.A)["opened"]
    with child(come_and_go):
        before = wait_for(opened, lambda number: number > 50, "traffic")
        undecided = 0
        for number in range(10):
            verdict = fine(lab.hosts[number % 2], tool=PLAIN)
            undecided += verdict["undecided"]
            true(verdict["agree"] >= 20, f"{verdict['agree']} agree")
            before = wait_for(opened, lambda now, before=before: now > before, "more traffic")
    say(f"{before} connections, {undecided} undecided")


@test("TIME_WAIT, orphans, and who waits to be accepted")
def leavings(lab, fam):
    lab.drop("tcp dport 81 tcp flags & fin == fin", "tcp sport 82 tcp flags & fin == fin")
    for port in 80, 81, 82:
        lab.listen(fam, port)
    gone, orphan, unheard, unaccepted, last = (
        lab.connect(fam, accept=False, dport=port) for port in (80, 80, 81, 80, 82))
    gone.b, orphan.b, unheard.b, last.b = (
        lab.keep(lab._listeners[fam, port, lab.B].accept()[0]) for port in (80, 80, 81, 82))
    unaccepted.b = None
    lab.keep(unaccepted)
    orphan.a.close()
    unheard.a.close()
    last.a.close()
    equal(last.b.recv(1), b"", "end of stream")
    last.b.close()
    gone.close()                            # its TIME_WAIT begins, and lasts a minute
    lab.expect([(gone, "TIME_WAIT", "CLOSE"), (orphan, "FIN_WAIT2", "CLOSE_WAIT"),
                (unaccepted, "ESTABLISHED", "ESTABLISHED"),
                (unheard, "FIN_WAIT1", "ESTABLISHED"), (last, "FIN_WAIT2", "LAST_ACK")])
    for host in lab.hosts:
        fine(host, compared=5, agree=5, without_flow=0, remote=0)


@test("an IPv6 socket that speaks IPv4 has the flow of what it speaks", families=None)
def mapped(lab):
    quiet(lab)
    listener = lab.keep(lab.B.socket(6))
    listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    listener.bind(("::", 80))
    listener.listen(64)
    for number, fam in enumerate((4, 6, 4, 6, 4, 6)):
        sock = lab.keep(lab.A.socket(fam))
        sock.connect((("" if fam == 4 else "::ffff:") + lab.B.addr[4], 80))
        peer = lab.keep(listener.accept()[0])
        for one, other in ((sock, peer), (peer, sock))[:number // 2]:
            one.shutdown(SHUT_WR)
            equal(other.recv(1), b"", "end of stream")
    source = lab.spoof(4, 1)
    lab.forge(lab.A, ipv4(source, lab.B.addr[4], tcp(
        source, lab.B.addr[4], 20000, 80, seq=1, flags=SYN, options=mss())))
    wait_equal(lambda: proc(lab.B)["halfopen"], 1, "the half-open one")
    wait_equal(lambda: sorted(flow.states for flow in records(lab.A)),
               sorted([("ESTABLISHED", "ESTABLISHED")] * 2 + [("FIN_WAIT2", "CLOSE_WAIT")] * 2 +
                      [("TIME_WAIT", "CLOSE")] * 2), "the others")
    fine(lab.A, compared=6, agree=6, without_flow=0)
    fine(lab.B, compared=7, agree=7, without_flow=0)


@test("a destination that the host itself translates")
def translated(lab, fam):
    quiet(lab)
    elsewhere = {4: "192.0.2.9", 6: "2001:db8::9"}[fam]
    lab.A.nft("table inet lab {", "chain out { type nat hook output priority -100;",
              f"{'ip' if fam == 4 else 'ip6'} daddr {elsewhere} tcp dport 80 dnat "
              f"{'ip' if fam == 4 else 'ip6'} to {lab.B.addr[fam]}", "}", "}")
    listener = lab.listen(fam)
    plain = lab.connect(fam)
    conns = []
    for _ in range(2):
        sock = lab.A.socket(fam)
        sock.connect((elsewhere, 80))
        conns.append(Conn(fam, lab.hosts, endpoint(sock), f"{at(lab.B.addr[fam], 80)}", sock,
                          listener.accept()[0]))
    conns[1].a.shutdown(SHUT_WR)
    equal(conns[1].b.recv(1), b"", "end of stream")
    fine(lab.A, compared=3, agree=3, translated=2, without_flow=0)
    fine(lab.B, compared=3, agree=3, translated=0, without_flow=0)
    fine(lab.A, "sport", str(plain.a.getsockname()[1]), compared=1, agree=1, translated=0,
         without_flow=None)
    seen = corrupted(lab.A, conns[0], 1, "LAST_ACK")
    equal([(each["translated"], each["socket"]) for each in seen.differences],
          [(True, "ESTABLISHED")], "a difference of a translated one")
    lab.keep((plain, conns))


@test("SYN cookies leave no socket to compare with")
def cookies(lab, fam):
    quiet(lab)
    lab.listen(fam)
    conn = lab.keep(lab.connect(fam))

    def half_open(first, number):
        for source in (lab.spoof(fam, each) for each in range(first, first + number)):
            lab.forge(lab.A, {4: ipv4, 6: ipv6}[fam](source, lab.B.addr[fam], tcp(
                source, lab.B.addr[fam], 20000, 80, seq=1, flags=SYN, options=mss())))
        wait_equal(lambda: [flow.states for flow in records(lab.B)].count(
            ("SYN_SENT", "SYN_RECV")), first + number - 1, "half-open ones")
    half_open(1, 5)
    fine(lab.B, compared=6, agree=6, undecided=0, without_flow=0)
    lab.B.sysctl("net.ipv4.tcp_syncookies", 2)
    half_open(6, 10)
    fine(lab.B, compared=16, agree=6, undecided=10)
    lab.B.sysctl("net.ipv4.tcp_syncookies", 1)
    fine(lab.B, compared=16, agree=6, undecided=10)
    # by whose word there are no cookies, who has no request socket differs
    lab.B.sysctl("net.ipv4.tcp_syncookies", 0)
    equal(check(lab.B).opinions(), sorted(
        (at(lab.spoof(fam, each), 20000), at(lab.B.addr[fam], 80), "responder", "SYN_RECV", None)
        for each in range(6, 16)), "those without a socket")
    fine(lab.A, compared=1, agree=1)
    lab.keep(conn)


@test("sockets of which no flow is known are counted, not accused")
def unknown(lab, fam):
    conns = [lab.connect(fam) for _ in range(3)]
    for host in lab.hosts:
        with Channel(host) as channel:
            channel.flush()
        fine(host, compared=0, without_flow=3)
    conns[0].talk()
    wait_equal(lambda: len(records(lab.B)), 1, "picked up")
    fine(lab.A, compared=1, agree=1, without_flow=2)
    fine(lab.B, compared=1, agree=1, without_flow=2)


# differences

@test("a handshake that the listener leaves in its queue is a difference, until it does not")
def deferred(lab, fam):
    quiet(lab)
    lab.listen(fam, before=lambda sock: sock.setsockopt(
        socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 120))
    conn = lab.connect(fam, accept=False)
    wait_equal(lambda: [flow.states for flow in records(lab.B)], [("ESTABLISHED", "ESTABLISHED")],
               "the wire's view")
    want = [(conn.initiator, conn.responder, "responder", "ESTABLISHED", "SYN_RECV")]
    equal(check(lab.B).opinions(), want, "differences in B")
    equal(check_text(lab.B)[1], want, "the same as text")
    fine(lab.A, compared=1, agree=1)
    conn.a.sendall(b"here I am")
    lab.keep(lab._listeners[fam, 80, lab.B].accept()[0])
    fine(lab.B, compared=1, agree=1)


def corrupted(ns, conn, by, state, *words, how=check):
    """The verdict where the module tells another state of one end of a connection."""
    port = (conn.initiator, conn.responder)[by - 1].rpartition(":")[2]
    return how(ns, *words, tool=PLAIN, env={
        **preloaded("check_shim"), "CHECK_SHIM_END": str(by), "CHECK_SHIM_PORT": port,
        "CHECK_SHIM_STATE": str(STATES.index(state) + 1)})


@test("of forty connections the one that is told wrongly is found, that one alone")
def wrong(lab, fam):
    for port in range(80, 120):
        lab.listen(fam, port)
    # A port each at either end: by that they are told apart.
    conns = [lab.connect(fam, sport=20000 + port, dport=port) for port in range(80, 120)]
    for conn in conns[::3]:
        conn.a.shutdown(SHUT_WR)
        equal(conn.b.recv(1), b"", "end of stream")
    half, whole = conns[9], conns[10]
    for host, conn, by, end, state, socket_state in (
            (lab.A, whole, 1, "initiator", "CLOSE_WAIT", "ESTABLISHED"),
            (lab.A, half, 1, "initiator", "CLOSING", "FIN_WAIT2"),
            (lab.A, half, 1, "initiator", "CLOSE", "FIN_WAIT2"),
            (lab.B, half, 2, "responder", "ESTABLISHED", "CLOSE_WAIT"),
            (lab.B, whole, 2, "responder", "LISTEN", "ESTABLISHED")):
        want = [(conn.initiator, conn.responder, end, state, socket_state)]
        verdict = corrupted(host, conn, by, state)
        equal(verdict.opinions(), want, f"differences in {host}")
        equal((verdict["compared"], verdict["agree"]), (40, 39), f"summary in {host}")
    verdict, seen = corrupted(host, conn, by, state, how=check_text)
    equal((seen, verdict["agree"]), (want, 39), "the same as text")
    # the other end is not here, so nobody can tell
    equal(corrupted(lab.A, whole, 2, "CLOSE_WAIT").opinions(), [], "A about B's end")
    # filters
    port = whole.responder.rpartition(":")[2]
    seen = corrupted(lab.B, whole, 2, "LISTEN", "dport", port)
    equal((seen.opinions(), seen["compared"]), (want, 1), "filter that it passes")
    seen = corrupted(lab.B, whole, 2, "LISTEN", "dport", "<", port)
    equal((seen.opinions(), seen["compared"]), ([], 10), "filter that it does not")
    seen = corrupted(lab.B, whole, 2, "LISTEN", "-4" if fam == 6 else "-6")
    equal((seen.opinions(), seen["compared"]), ([], 0), "the other family")


@test("usage, and who may not ask", families=None)
def complaints(lab):
    lab.keep(lab.connect(4))
    refused(lab.A, "nonsense", 1, "check", "nonsense")
    with as_nobody() as nobody:
        refused(lab.A, "CAP_NET_ADMIN", 2, "check", **nobody)
        refused(lab.A, "CAP_NET_ADMIN", 2, "-j", "check", **nobody)
    equal(run(lab.A, "-j", "check").stdout, "[]\n", "JSON of nothing")


if __name__ == "__main__":
    main()
