#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""
The life of a connection between real stacks, as a router sees it: every state
held still, and the kernel itself (ss on both hosts) as the witness.
"""

import errno
import select
import socket

from lab import *

TCP_REPAIR, TCP_FASTOPEN, MSG_FASTOPEN = 19, 23, 0x20000000

OPEN = {"opened": 1, "established": 1}
OPENED = {"LISTEN": 1, "SYN_SENT": 1, "SYN_RECV": 1, "ESTABLISHED": 2}

# What R does not forward. It has seen it all the same.
FIN_OF_A = "iifname a0 tcp flags & fin == fin"
FIN_OF_B = "iifname b0 tcp flags & fin == fin"
PURE_ACK_OF_A = "iifname a0 tcp flags & (fin | syn | rst | psh | ack) == ack"
PURE_ACK_OF_B = "iifname b0 tcp flags & (fin | syn | rst | psh | ack) == ack"
SYN_ACK = "tcp flags & (syn | ack) == (syn | ack)"
SYN_ALONE = "tcp flags & (syn | ack) == syn"


def receive(sock, size):
    """So many octets."""
    got = b""
    while len(got) < size:
        more = sock.recv(size - len(got))
        true(more, "end of stream instead of data")
        got += more
    return got


def ended(sock):
    """Await the peer's FIN."""
    equal(sock.recv(1), b"", "end of stream")


def pump(conn, size=400_000):
    """So many octets both ways at once, as fast as they go."""
    left = {conn.a: [size, size], conn.b: [size, size]}     # to send, to receive
    for sock in left:
        sock.setblocking(False)
    while any(map(any, left.values())):
        readable, writable, _ = select.select(
            [sock for sock in left if left[sock][1]],
            [sock for sock in left if left[sock][0]], [], 30)
        true(readable or writable, f"{conn}: data stands still, left {list(left.values())}")
        for sock in readable:
            left[sock][1] -= len(sock.recv(1 << 16))
        for sock in writable:
            left[sock][0] -= sock.send(bytes(min(left[sock][0], 1 << 16)))
    for sock in left:
        sock.settimeout(30)


def connected(sock):
    """Await the end of a connect() that was not waited for; its errno."""
    wait_for(lambda: select.select([], [sock], [], 30)[1], what="connect()")
    error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    sock.settimeout(30)
    return error


# Opening

@test("handshake and data both ways: ESTABLISHED")
def handshake(lab, fam):
    conn = lab.connect(fam)
    lab.expect([(conn, "ESTABLISHED", "ESTABLISHED")], "AB", OPEN, OPENED)
    for _ in range(3):
        conn.talk()
    pump(conn)
    lab.expect([(conn, "ESTABLISHED", "ESTABLISHED")], "AB", OPEN, OPENED)
    # who began is who is called initiator, wherever it lives
    other = lab.connect(fam, client=lab.B, dport=81)
    other.talk()
    other.a.shutdown(SHUT_WR)
    lab.expect([(conn, "ESTABLISHED", "ESTABLISHED"), (other, "FIN_WAIT2", "CLOSE_WAIT")],
               "AB", {"opened": 2, "established": 2})


@test("silent target: SYN_SENT and LISTEN, every SYN counted")
def silent(lab, fam):
    conn = lab.dial(fam, lab.silent[fam])
    lab.expect([(conn, "SYN_SENT", "LISTEN")], "A", {"opened": 1},
               {"SYN_SENT": 1, "LISTEN": 1})
    wait_for(lambda: lab.sniffer.witness()["syn_retrans"] >= 2, what="two retransmissions")
    lab.expect([(conn, "SYN_SENT", "LISTEN")], "A", {"opened": 1},
               {"SYN_SENT": 1, "LISTEN": 1})

    def line():
        equal([tuple(each._replace(age_ms=0)) for each in halfopens(lab.R)],
              [(f"ipv{fam}", conn.initiator, conn.responder, "SYN_SENT", 0,
                lab.sniffer.witness()["syn"], 0)], "half-open lines")
        return halfopens(lab.R)[0]
    # the second retransmission comes two seconds after the SYN, or (before 6.5) three
    age = wait_for(line, lambda _: True, "half-open line").age_ms
    true(1900 <= age <= 10 * 60_000, f"age_ms is {age}")
    equal(proc(lab.R)["halfopen"], 1, "halfopen")
    equal(proc(lab.R)["flows"], 0, "flows")


@test("a second attempt from the same port supersedes the first")
def superseded(lab, fam):
    first = lab.dial(fam, lab.silent[fam], sport=40000)
    lab.expect([(first, "SYN_SENT", "LISTEN")], "A", {"opened": 1})
    first.a.close()
    second = lab.dial(fam, lab.silent[fam], sport=40000)
    lab.expect([(second, "SYN_SENT", "LISTEN")], "A", {"opened": 2, "superseded": 1})


@test("closed port: refused, and nothing stays")
def refused(lab, fam):
    conn = lab.dial(fam, dport=4)
    equal(connected(conn.a), errno.ECONNREFUSED, "connect()")
    lab.expect([], "AB", {"opened": 1, "refused": 1},
               {"SYN_SENT": 1, "LISTEN": 1, "CLOSE": 2})
    equal(halfopens(lab.R), [], "half-open lines")
    equal(ss(lab.A), {}, "ss in A")


@test("spoofed SYNs: SYN_SENT and SYN_RECV, every SYN-ACK counted")
def spoofed(lab, fam):
    lab.B.sysctl("net.ipv4.tcp_synack_retries", 6)
    lab.B.sysctl("net.ipv4.tcp_syncookies", 0)
    lab.listen(fam)
    count = 20
    conns = []
    for number in range(1, count + 1):
        source = lab.spoof(fam, number)
        segment = tcp(source, lab.B.addr[fam], 1000 + number, 80, seq=number << 20,
                      flags=SYN, options=mss())
        lab.forge(lab.A, {4: ipv4, 6: ipv6}[fam](source, lab.B.addr[fam], segment))
        conns.append(Conn(fam, (None, lab.B), at(source, 1000 + number),
                          at(lab.B.addr[fam], 80)))
    pairs = [(conn, "SYN_SENT", "SYN_RECV") for conn in conns]
    entered = {"SYN_SENT": count, "LISTEN": count, "SYN_RECV": count}
    lab.expect(pairs, "B", {"opened": count}, entered)
    wait_for(lambda: lab.sniffer.witness()["synack_retrans"] >= 2 * count,
             what="two retransmissions each")
    lab.expect(pairs, "B", {"opened": count}, entered)

    def lines():
        sent = collections.Counter(at(seg.dst, seg.dport) for seg in lab.sniffer.all()
                                   if seg.dev == "b0")
        for ns in lab.R, lab.B:
            equal(sorted(tuple(each._replace(age_ms=0)) for each in halfopens(ns)),
                  sorted((f"ipv{fam}", conn.initiator, conn.responder, "SYN_RECV", 0, 1,
                          sent[conn.initiator]) for conn in conns), f"half-open lines in {ns}")
    wait_for(lines, lambda _: True, "half-open lines")
    equal(proc(lab.R)["halfopen"], count, "halfopen")


@test("SYN-ACK lost behind us: SYN_SENT and SYN_RECV, then ESTABLISHED")
def synack_lost(lab, fam):
    lab.listen(fam)
    lab.drop(SYN_ACK)
    conn = lab.dial(fam)
    conn.hosts = lab.A, lab.B
    lab.expect([(conn, "SYN_SENT", "SYN_RECV")], "B", {"opened": 1})
    wait_for(lambda: lab.sniffer.witness()["syn_retrans"] and
             lab.sniffer.witness()["synack_retrans"], what="both retransmit")
    lab.expect([(conn, "SYN_SENT", "SYN_RECV")], "B", {"opened": 1},
               {"SYN_SENT": 1, "LISTEN": 1, "SYN_RECV": 1})
    # A heard nothing, so its own view knows less
    lab.expect([(conn, "SYN_SENT", "LISTEN", "SYN_SENT", "SYN_RECV")], ns=lab.A)
    lab.drop()
    equal(connected(conn.a), 0, "connect()")
    lab.expect([(conn, "ESTABLISHED", "ESTABLISHED")], "AB", OPEN, OPENED)


@test("final ACK lost behind us: ESTABLISHED already, SYN-ACKs still counted")
def final_ack_lost(lab, fam):
    lab.drop(PURE_ACK_OF_A)
    conn = lab.connect(fam, accept=False)
    lab.expect([(conn, "ESTABLISHED", "ESTABLISHED", "ESTABLISHED", "SYN_RECV")], "A",
               OPEN, OPENED)
    wait_for(lambda: lab.sniffer.witness()["synack_retrans"], what="SYN-ACK again")
    lab.expect([(conn, "ESTABLISHED", "ESTABLISHED", "ESTABLISHED", "SYN_RECV")], "A",
               OPEN, OPENED)
    # B saw no ACK, so its own view is the kernel's
    lab.expect([(conn, "SYN_SENT", "SYN_RECV", "ESTABLISHED", "SYN_RECV")], ns=lab.B)
    lab.drop()
    conn.b = lab.listen(fam).accept()[0]
    conn.talk()
    lab.expect([(conn, "ESTABLISHED", "ESTABLISHED")], "AB", OPEN, OPENED)


def crossing(lab, fam):
    """Both hosts connect() from and to bound ports, A first."""
    conn = lab.dial(fam, dport=40002, sport=40001)
    wait_for(lambda: proc(lab.R)["opened"], what="A's SYN in R")
    back = lab.dial(fam, dport=40001, sport=40002, client=lab.B)
    conn.b = back.a
    return conn


def crossed(lab, conn):
    """Both connect() of crossing() succeed, and data flows."""
    equal(connected(conn.a), 0, "connect() in A")
    equal(connected(conn.b), 0, "connect() in B")
    conn.talk()


@test("simultaneous open, held: SYN_SENT and SYN_SENT, then ESTABLISHED")
def simultaneous_open_held(lab, fam):
    lab.drop(SYN_ALONE)
    conn = crossing(lab, fam)
    lab.expect([(conn, "SYN_SENT", "SYN_SENT")],
               counters={"opened": 1, "simultaneous_open": 1},
               entered={"LISTEN": 1, "SYN_SENT": 2})
    (line,) = halfopens(lab.R)
    equal((line.initiator, line.responder, line.phase, line.synack),
          (conn.initiator, conn.responder, "SYN_SENT", 0), "half-open line")
    equal(proc(lab.R)["halfopen"], 1, "halfopen")
    lab.drop()
    crossed(lab, conn)
    lab.expect([(conn, "ESTABLISHED", "ESTABLISHED")], "AB",
               {**OPEN, "simultaneous_open": 1})
    equal(proc(lab.R)["halfopen"], 0, "halfopen")


@test("simultaneous open through unequal delays: both answer, ESTABLISHED")
def simultaneous_open_delayed(lab, fam):
    lab.hold()
    conn = crossing(lab, fam)
    wait_for(lambda: lab.sniffer.witness()["syn"] >= 2, what="B's SYN in R")
    lab.release(lab.A)
    wait_for(lambda: lab.sniffer.witness()["synack"], what="A's answer in R")
    lab.release(lab.B)
    crossed(lab, conn)
    equal(lab.sniffer.witness()["synack"] > 0, True, "a SYN-ACK was seen")
    lab.expect([(conn, "ESTABLISHED", "ESTABLISHED")], "AB",
               {**OPEN, "simultaneous_open": 1})
    pump(conn, 50_000)
    lab.expect([(conn, "ESTABLISHED", "ESTABLISHED")], "AB",
               {**OPEN, "simultaneous_open": 1})


@test("TCP Fast Open: data in the SYN, early data in the answer")
def fast_open(lab, fam):
    for host in lab.hosts:
        host.sysctl("net.ipv4.tcp_fastopen", 0x607)     # no cookies, every listener
    lab.listen(fam, before=lambda sock: sock.setsockopt(
        socket.IPPROTO_TCP, TCP_FASTOPEN, 16))
    lab.drop("iifname b0")
    sock = lab.A.socket(fam)
    sock.setblocking(False)
    try:
        sock.sendto(b"early", MSG_FASTOPEN, (lab.B.addr[fam], 80))
    except BlockingIOError:
        pass
    conn = Conn(fam, lab.hosts, endpoint(sock), at(lab.B.addr[fam], 80), sock)
    conn.b = lab.listen(fam).accept()[0]
    conn.b.settimeout(30)
    equal(receive(conn.b, 5), b"early", "data of the SYN")
    conn.b.sendall(b"also early")
    wait_for(lambda: any(seg.dev == "b0" and seg.length for seg in lab.sniffer.all()),
             what="data before the final ACK")
    true(lab.sniffer.all()[0].length == 5, "the SYN carries the data")
    lab.expect([(conn, "SYN_SENT", "SYN_RECV")], "B", {"opened": 1},
               {"SYN_SENT": 1, "LISTEN": 1, "SYN_RECV": 1})
    lab.drop()
    equal(connected(sock), 0, "connect()")
    equal(receive(sock, 10), b"also early", "data of the answer")
    conn.talk()
    lab.expect([(conn, "ESTABLISHED", "ESTABLISHED")], "AB", OPEN, OPENED)


# Established

@test("keep-alive: counted, and nothing else")
def keepalive(lab, fam):
    conn = lab.connect(fam)
    conn.talk()
    for option, value in ((socket.TCP_KEEPIDLE, 1), (socket.TCP_KEEPINTVL, 1)):
        conn.a.setsockopt(socket.IPPROTO_TCP, option, value)
    conn.a.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    wait_for(lambda: lab.sniffer.witness()["keepalive"] >= 2, what="two keep-alives")
    lab.expect([(conn, "ESTABLISHED", "ESTABLISHED")], "AB", OPEN, OPENED)
    true(proc(lab.R)["keepalive"] >= 2 or BARE, "keepalive counted")


@test("zero window: counted, probed, opened again")
def zero_window(lab, fam):
    lab.listen(fam, before=lambda sock: sock.setsockopt(
        socket.SOL_SOCKET, socket.SO_RCVBUF, 4096))
    conn = lab.connect(fam)
    conn.a.setblocking(False)
    sent = 0

    def shut():
        nonlocal sent
        try:
            while sent < 1 << 20:
                sent += conn.a.send(bytes(4096))
        except BlockingIOError:
            pass
        return lab.sniffer.last(lab.B.addr[fam]).window == 0
    wait_for(shut, what="zero window")
    wait_for(lambda: lab.sniffer.witness()["keepalive"] >= 2, what="two probes")
    lab.expect([(conn, "ESTABLISHED", "ESTABLISHED")], "AB", OPEN, OPENED)
    true(BARE or proc(lab.R)["zero_window"] >= 1, "zero_window counted")
    receive(conn.b, sent)
    conn.a.settimeout(30)
    conn.talk()
    lab.expect([(conn, "ESTABLISHED", "ESTABLISHED")], "AB", OPEN, OPENED)


@test("without window scaling: nothing is out of window")
def no_scaling(lab, fam):
    lab.A.sysctl("net.ipv4.tcp_window_scaling", 0)
    conn = lab.connect(fam)
    pump(conn)
    lab.expect([(conn, "ESTABLISHED", "ESTABLISHED")], "AB", OPEN, OPENED)


@test("without timestamps and SACK: nothing is refused")
def no_timestamps(lab, fam):
    lab.A.sysctl("net.ipv4.tcp_timestamps", 0)
    lab.A.sysctl("net.ipv4.tcp_sack", 0)
    conn = lab.connect(fam)
    pump(conn)
    lab.expect([(conn, "ESTABLISHED", "ESTABLISHED")], "AB", OPEN, OPENED)


@test("loss behind us: retransmissions counted, nothing refused")
def loss(lab, fam):
    for dev in "a0", "b0":
        lab.R.run("tc", "qdisc", "replace", "dev", dev, "root", "netem", "loss", "4%",
                  "delay", "5ms")
    # segment by segment: an offloaded one is lost whole
    for host in lab.hosts:
        host.ip("link set eth0 gso_max_segs 1")
    conn = lab.connect(fam)
    pump(conn, 200_000)
    lab.expect([(conn, "ESTABLISHED", "ESTABLISHED")], counters=OPEN)
    true(BARE or proc(lab.R)["data_retrans"], "data_retrans counted")


# Closing

def closing_entered(**more):
    """OPENED and what closing entered besides."""
    return {**OPENED, **more}


@test("active close by the initiator: FIN_WAIT2 and CLOSE_WAIT, TIME_WAIT and CLOSE")
def close_by_initiator(lab, fam):
    conn = lab.connect(fam)
    conn.a.shutdown(SHUT_WR)
    lab.expect([(conn, "FIN_WAIT2", "CLOSE_WAIT")], "AB", OPEN,
               closing_entered(FIN_WAIT1=1, FIN_WAIT2=1, CLOSE_WAIT=1))
    conn.b.close()
    lab.expect([(conn, "TIME_WAIT", "CLOSE")], "AB", OPEN,
               closing_entered(FIN_WAIT1=1, FIN_WAIT2=1, CLOSE_WAIT=1, LAST_ACK=1,
                               TIME_WAIT=1, CLOSE=1))
    equal(len(lab.sniffer.all()) >= 7, True, "four segments to close")


@test("active close by the responder: CLOSE_WAIT and FIN_WAIT2, CLOSE and TIME_WAIT")
def close_by_responder(lab, fam):
    conn = lab.connect(fam)
    conn.talk()
    conn.b.close()
    lab.expect([(conn, "CLOSE_WAIT", "FIN_WAIT2")], "AB", OPEN,
               closing_entered(FIN_WAIT1=1, FIN_WAIT2=1, CLOSE_WAIT=1))
    conn.a.close()
    lab.expect([(conn, "CLOSE", "TIME_WAIT")], "AB", OPEN,
               closing_entered(FIN_WAIT1=1, FIN_WAIT2=1, CLOSE_WAIT=1, LAST_ACK=1,
                               TIME_WAIT=1, CLOSE=1))


@test("close in three segments: FIN_WAIT2 and LAST_ACK")
def close_in_three(lab, fam):
    conn = lab.connect(fam)
    lab.expect([(conn, "ESTABLISHED", "ESTABLISHED")])
    # before R: so R sees FIN, FIN+ACK, ACK; and the last only once we let it
    bare = "tcp flags & (fin | syn | rst | ack) == ack drop;"
    for host in lab.hosts:
        host.nft("table inet lab {", "chain output { type filter hook output priority 0;",
                 bare, "}", "}")
    conn.a.shutdown(SHUT_WR)
    ended(conn.b)
    conn.b.close()
    lab.expect([(conn, "FIN_WAIT2", "LAST_ACK", "TIME_WAIT", "LAST_ACK")], counters=OPEN,
               entered=closing_entered(FIN_WAIT1=1, FIN_WAIT2=1, LAST_ACK=1))
    lab.A.nft("delete table inet lab")
    lab.expect([(conn, "TIME_WAIT", "CLOSE")], counters=OPEN,
               entered=closing_entered(FIN_WAIT1=1, FIN_WAIT2=1, LAST_ACK=1, TIME_WAIT=1,
                                       CLOSE=1))


@test("half-close: data flows on from the other side")
def half_close(lab, fam):
    conn = lab.connect(fam)
    conn.a.shutdown(SHUT_WR)
    ended(conn.b)
    for size in [10, 1000, 100_000] * 4:
        conn.b.sendall(bytes(size))
        receive(conn.a, size)
    lab.expect([(conn, "FIN_WAIT2", "CLOSE_WAIT")], "AB", OPEN,
               closing_entered(FIN_WAIT1=1, FIN_WAIT2=1, CLOSE_WAIT=1))
    conn.b.close()
    lab.expect([(conn, "TIME_WAIT", "CLOSE")], "AB", OPEN)


@test("FIN lost behind us: FIN_WAIT1")
def fin_wait1(lab, fam):
    conn = lab.connect(fam)
    lab.drop(FIN_OF_A)
    conn.a.shutdown(SHUT_WR)
    wait_for(lambda: lab.sniffer.witness()["fin_retrans"] >= 2, what="FIN again")
    lab.expect([(conn, "FIN_WAIT1", "ESTABLISHED")], "A", OPEN, closing_entered(FIN_WAIT1=1))
    # data from the other side does not acknowledge it
    conn.b.sendall(b"data")
    receive(conn.a, 4)
    lab.expect([(conn, "FIN_WAIT1", "ESTABLISHED")], "A", OPEN, closing_entered(FIN_WAIT1=1))
    # B saw no FIN
    lab.expect([(conn, "ESTABLISHED", "ESTABLISHED", "FIN_WAIT1", "ESTABLISHED")], ns=lab.B)
    lab.drop()
    lab.expect([(conn, "FIN_WAIT2", "CLOSE_WAIT")], "AB", OPEN)


@test("ACK of a FIN lost behind us: FIN_WAIT2 all the same")
def fin_ack_lost(lab, fam):
    conn = lab.connect(fam)
    lab.drop(PURE_ACK_OF_B)
    conn.a.shutdown(SHUT_WR)
    lab.expect([(conn, "FIN_WAIT2", "CLOSE_WAIT", "FIN_WAIT1", "CLOSE_WAIT")], "B", OPEN)
    wait_for(lambda: lab.sniffer.witness()["fin_retrans"], what="FIN again")
    lab.expect([(conn, "FIN_WAIT2", "CLOSE_WAIT", "FIN_WAIT1", "CLOSE_WAIT")], "B", OPEN,
               closing_entered(FIN_WAIT1=1, FIN_WAIT2=1, CLOSE_WAIT=1))
    # A heard nothing of it
    lab.expect([(conn, "FIN_WAIT1", "ESTABLISHED", "FIN_WAIT1", "CLOSE_WAIT")], ns=lab.A)
    lab.drop()
    lab.expect([(conn, "FIN_WAIT2", "CLOSE_WAIT")], "AB", OPEN)


@test("second FIN lost behind us: LAST_ACK")
def last_ack(lab, fam):
    conn = lab.connect(fam)
    conn.a.shutdown(SHUT_WR)
    ended(conn.b)
    lab.drop(FIN_OF_B)
    conn.b.close()
    wait_for(lambda: lab.sniffer.witness()["fin_retrans"], what="FIN again")
    lab.expect([(conn, "FIN_WAIT2", "LAST_ACK")], "B", OPEN,
               closing_entered(FIN_WAIT1=1, FIN_WAIT2=1, CLOSE_WAIT=1, LAST_ACK=1))
    lab.expect([(conn, "FIN_WAIT2", "CLOSE_WAIT", "FIN_WAIT2", "LAST_ACK")], ns=lab.A)
    lab.drop()
    lab.expect([(conn, "TIME_WAIT", "CLOSE")], "AB", OPEN)


@test("simultaneous close, held: FIN_WAIT1 twice, CLOSING, TIME_WAIT twice")
def simultaneous_close_held(lab, fam):
    conn = lab.connect(fam)
    lab.drop(FIN_OF_A, FIN_OF_B)
    conn.a.shutdown(SHUT_WR)
    conn.b.shutdown(SHUT_WR)
    both = {**OPEN, "simultaneous_close": 1}
    lab.expect([(conn, "FIN_WAIT1", "FIN_WAIT1")], counters=both,
               entered=closing_entered(FIN_WAIT1=2))
    lab.drop(FIN_OF_A)
    lab.expect([(conn, "CLOSING", "FIN_WAIT2")], "A", both,
               closing_entered(FIN_WAIT1=2, FIN_WAIT2=1, CLOSING=1))
    wait_for(lambda: lab.sniffer.witness()["fin_retrans"] >= 3, what="A's FIN again")
    lab.expect([(conn, "CLOSING", "FIN_WAIT2")], "A", both)
    lab.drop()
    # B, for its part, saw A's FIN only after the ACK of its own
    lab.expect([(conn, "TIME_WAIT", "TIME_WAIT")], "A", both,
               closing_entered(FIN_WAIT1=2, FIN_WAIT2=1, CLOSING=1, TIME_WAIT=2))


@test("simultaneous close through unequal delays: TIME_WAIT twice")
def simultaneous_close_delayed(lab, fam):
    conn = lab.connect(fam)
    conn.talk()
    lab.expect([(conn, "ESTABLISHED", "ESTABLISHED")])
    lab.hold()
    conn.a.shutdown(SHUT_WR)
    conn.b.shutdown(SHUT_WR)
    lab.expect([(conn, "FIN_WAIT1", "FIN_WAIT1")])
    lab.release(lab.A)
    lab.expect([(conn, "CLOSING", "FIN_WAIT2", "CLOSING", "FIN_WAIT1")])
    lab.release(lab.B)
    lab.expect([(conn, "TIME_WAIT", "TIME_WAIT")], "AB", {**OPEN, "simultaneous_close": 1},
               closing_entered(FIN_WAIT1=2, FIN_WAIT2=1, CLOSING=1, TIME_WAIT=2))


# Reset

@test("reset by the initiator")
def reset_by_initiator(lab, fam):
    conn = lab.connect(fam)
    conn.talk()
    reset(conn.a)
    lab.expect([], "AB", {**OPEN, "closed_reset": 1}, {**OPENED, "CLOSE": 2})
    for host in lab.hosts:
        wait_equal(lambda host=host: ss(host), {}, f"ss in {host}")


@test("reset by the responder, with data on its way")
def reset_by_responder(lab, fam):
    conn = lab.connect(fam)
    conn.a.sendall(b"never read")
    wait_for(lambda: select.select([conn.b], [], [], 30)[0], what="data")
    conn.b.close()                  # unread data: the kernel resets
    lab.expect([], "AB", {**OPEN, "closed_reset": 1}, {**OPENED, "CLOSE": 2})
    for host in lab.hosts:
        wait_equal(lambda host=host: ss(host), {}, f"ss in {host}")


@test("reset of a half-closed connection")
def reset_half_closed(lab, fam):
    conn = lab.connect(fam)
    conn.a.shutdown(SHUT_WR)
    lab.expect([(conn, "FIN_WAIT2", "CLOSE_WAIT")], "AB", OPEN)
    reset(conn.b)
    lab.expect([], "AB", {**OPEN, "closed_reset": 1},
               closing_entered(FIN_WAIT1=1, FIN_WAIT2=1, CLOSE_WAIT=1, CLOSE=2))
    equal(ss(lab.B), {}, "ss in B")


@test("stragglers after a reset open nothing")
def straggler(lab, fam):
    conn = lab.connect(fam)
    lab.drop("iifname b0 tcp flags & rst == rst")
    reset(conn.b)                   # A does not hear of it
    lab.expect([], counters={**OPEN, "closed_reset": 1})
    conn.a.sendall(b"data")         # B answers with a RST, R swallows it
    wait_for(lambda: lab.sniffer.witness()["rst"] >= 2, what="another RST")

    def absorbed():
        seen = proc(lab.R)
        equal(seen.pairs, {}, "states")
        equal(seen["picked_up"], 0, "picked_up")
        # the data (sent again and again) and each RST that answers it
        equal(seen["stray"], sum(1 for seg in lab.sniffer.all() if seg.length) +
              lab.sniffer.witness()["rst"] - 1, "stray")
    if not BARE:
        wait_for(absorbed, lambda _: True, "absorbed")
    equal(ss(lab.A), {(conn.initiator, conn.responder): "ESTABLISHED"}, "ss in A")


# Again

@test("port reused while the responder is in TIME_WAIT")
def reused_from_responder(lab, fam):
    old = lab.connect(fam, sport=40000)
    old.b.shutdown(SHUT_WR)
    ended(old.a)
    old.close()
    lab.expect([(old, "CLOSE", "TIME_WAIT")], "AB", OPEN)
    new = lab.connect(fam, sport=40000)
    new.talk()
    lab.expect([(new, "ESTABLISHED", "ESTABLISHED")], "AB",
               {"opened": 2, "established": 2, "reused": 1})


@test("port reused while the initiator is in TIME_WAIT")
def reused_from_initiator(lab, fam):
    lab.A.sysctl("net.ipv4.tcp_tw_reuse", 1)
    old = lab.connect(fam, sport=40000)
    old.a.shutdown(SHUT_WR)
    ended(old.b)
    old.b.close()
    lab.expect([(old, "TIME_WAIT", "CLOSE")], "AB", OPEN)
    old.a.close()

    def again():
        try:
            return lab.connect(fam, sport=40000)
        except OSError as error:        # for a second, by the timestamps' clock
            equal(error.errno, errno.EADDRNOTAVAIL, "connect()")
            return None
    new = wait_for(again, what="the port again")
    new.talk()
    lab.expect([(new, "ESTABLISHED", "ESTABLISHED")], "AB",
               {"opened": 2, "established": 2, "reused": 1})


@test("a host that forgot its connection: challenge ACK, RST, a new one")
def forgotten(lab, fam):
    old = lab.connect(fam, sport=40000)
    old.talk()
    old.a.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
    old.a.close()                   # without a word
    lab.expect([(old, "ESTABLISHED", "ESTABLISHED", "", "ESTABLISHED")], counters=OPEN)
    new = lab.connect(fam, sport=40000)
    new.talk()
    lab.expect([(new, "ESTABLISHED", "ESTABLISHED")], "AB",
               {"opened": 2, "established": 2, "closed_reset": 1, "out_of_window": 1,
                # the SYN that is sent again is the first of the new life
                "syn_retrans": 0})


@test("picked up in the middle, and closed", families=(4, 6))
def picked_up(lab, fam):
    for host in (lab.R, *lab.hosts) if not BARE else ():
        host.sysctl("net.tcpstate.enabled", 0)
    conn = lab.connect(fam)
    conn.talk()
    lab.witnessed = False
    for host in (lab.R, *lab.hosts) if not BARE else ():
        host.sysctl("net.tcpstate.enabled", 1)
    conn.talk()
    lab.expect([(conn, "ESTABLISHED", "ESTABLISHED")], "AB")
    if not BARE:
        equal([proc(lab.R)[each] for each in ("opened", "picked_up", "established")],
              [0, 1, 0], "opened, picked_up, established")
    conn.a.shutdown(SHUT_WR)
    lab.expect([(conn, "FIN_WAIT2", "CLOSE_WAIT")], "AB")
    conn.b.close()
    lab.expect([(conn, "TIME_WAIT", "CLOSE")], "AB")


if __name__ == "__main__":
    main(one_cpu=True)
