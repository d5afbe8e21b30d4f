#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""
Each segment is counted exactly once, however the path of packets winds through
the host: a whole connection is laid beside what a packet socket saw of it. One
counted twice would show as a retransmission, one missed as a flow picked up.
"""

import os
import socket
import struct

import ktap
from lab import *
from whole import *

# What passes unseen

def offload(lab, conn):
    """Have R forward the connection by a flowtable, unseen."""
    lab.R.nft("table inet f {", "flowtable ft {", "hook ingress priority 0;",
              "devices = { a0, b0 };", "}", "chain forward {",
              "type filter hook forward priority 0;", "meta l4proto tcp flow add @ft", "}", "}")

    def unseen():
        before = proc(lab.R)["segments"]
        conn.talk()
        return proc(lab.R)["segments"] == before
    wait_for(unseen, what="an exchange that is not seen")


def far(conn):
    """4 MiB each way, in pieces that the sockets' buffers hold."""
    for _ in range(256):
        conn.talk(bytes(16384), bytes(16384))


def bridges(lab, fam, pass_by):
    lab.witnessed = False
    conn = lab.connect(fam)
    conn.talk()
    offload(lab, conn)
    pass_by(conn)
    lab.R.nft("delete table inet f")
    for number in range(1, 21):
        conn.talk()
        if proc(lab.R)["resync"]:
            break
    seen = proc(lab.R)
    equal(seen["resync"], 1, f"resync after {number} exchanges")
    for _ in range(20):
        conn.talk()
    after = proc(lab.R)
    for name in "out_of_window", "invalid_ack", "stray":
        equal(after[name], seen[name], name)
    conn.close()
    wait_equal(lambda: proc(lab.R).pairs, {"TIME_WAIT": (1, 0), "CLOSE": (0, 1)}, "the close")


@test("30 exchanges by a flowtable: bridged within 20, and the close is followed")
def offloaded_exchanges(lab, fam):
    def pass_by(conn):
        for _ in range(30):
            conn.talk(bytes(100), bytes(1000))
    bridges(lab, fam, pass_by)


@test("4 MiB each way by a flowtable: bridged within 20 exchanges, and the close is followed")
def offloaded_far(lab, fam):
    bridges(lab, fam, far)


@test("4 MiB each way by a flowtable, and then the close alone: the record does not stay")
def offloaded_close(lab, fam):
    lab.witnessed = False
    lab.R.sysctl("net.tcpstate.timeout_fin_wait", 1)
    lab.R.sysctl("net.tcpstate.timeout_time_wait", 1)
    lab.R.sysctl("net.tcpstate.timeout_close", 1)
    conn = lab.connect(fam)
    conn.talk()
    offload(lab, conn)
    far(conn)
    equal(proc(lab.R).pairs, {"ESTABLISHED": (1, 1)}, "states before the close")
    conn.close()
    wait_equal(lambda: proc(lab.R).pairs, {}, "the record's end")


@test("SYNPROXY on the router: connections close", families=(4,))
def synproxy(lab, fam):
    lab.witnessed = False
    lab.R.nft("table ip s {", "chain pre {", "type filter hook prerouting priority raw;",
              "tcp dport 80 tcp flags syn / fin,syn,rst,ack notrack", "}", "chain forward {",
              "type filter hook forward priority filter;",
              "tcp dport 80 ct state invalid,untracked synproxy mss 1460 wscale 7 timestamp "
              "sack-perm", "ct state invalid drop", "}", "}")
    lab.R.sysctl("net.netfilter.nf_conntrack_tcp_loose", 0)
    lab.R.sysctl("net.ipv4.tcp_syncookies", 1)
    for count in 0, 1, 20:
        conn = lab.connect(fam)
        for _ in range(count):
            conn.talk(bytes(100), bytes(1000))
        wait_equal(lambda: proc(lab.R).states["ESTABLISHED"][:2], (1, 1), "while it is open")
        conn.close()
        wait_equal(lambda: proc(lab.R).states["ESTABLISHED"][:2], (0, 0),
                   f"after {count} exchanges and the close")
    wait_equal(lambda: proc(lab.R).pairs, {"TIME_WAIT": (3, 0), "CLOSE": (0, 3)}, "the closes")


# routers and hosts

@test("forwarded, sent and received: each segment once, and as many on all three hosts")
def forwarded(lab, fam):
    own = {host: local(host) for host in lab.hosts}
    live(lab.listen(fam), lab.A, lab.B.addr[fam])
    true(largest(lab.sniffer) > 1, "no skb held more than a segment")
    counts = [once(lab.R, lab.sniffer)] + [once(host, own[host]) for host in lab.hosts]
    equal(len(set(counts)), 1, f"segments in R, A and B: {counts}; how many")


@test("loopback")
def loopback(lab, fam):
    own = local(lab.A)
    live(listener(lab.A, fam), lab.A, LOOPBACK[fam])
    once(lab.A, own)
    silence(lab.R)


@test("a host talks to the address of its own device")
def own_address(lab, fam):
    own = local(lab.A)
    live(listener(lab.A, fam), lab.A, lab.A.addr[fam])
    once(lab.A, own)
    silence(lab.R)


@test("loopback with small segments, a qdisc and packet steering")
def loopback_steered(lab, fam):
    if not os.path.exists("/sys/class/net/lo/queues/rx-0/rps_cpus"):
        raise Skip("a kernel without packet steering")
    lab.A.ip("link set lo mtu 1500")
    lab.A.run("tc", "qdisc", "add", "dev", "lo", "root", "netem", "delay", "2ms",
              "limit", "10000")
    lab.A.run("unshare", "-m", "sh", "-ec", "mount -t sysfs sysfs /sys; "
              "echo 3 >/sys/class/net/lo/queues/rx-0/rps_cpus")
    own = local(lab.A)
    live(listener(lab.A, fam), lab.A, LOOPBACK[fam])
    true(largest(own) > 1, "no skb held more than a segment")
    once(lab.A, own)


def merge(lab, *features, threaded=False):
    """The hosts send segment by segment, and R puts them together again: many at once,
    however slow they are, for in a list go together only those with the same flags."""
    for host in lab.hosts:
        host.sysctl("net.ipv4.tcp_min_tso_segs", 8)
        host.run("ethtool", "-K", "eth0", "tso", "off", "gso", "off", "gro", "on")
    for dev in "a0", "b0":
        lab.R.run("ethtool", "-K", dev, "gro", "on", *features)
        if threaded:
            lab.R.run("unshare", "-m", "sh", "-ec", "mount -t sysfs sysfs /sys; "
                      f"echo 1 >/sys/class/net/{dev}/threaded; "
                      f"grep -q 1 /sys/class/net/{dev}/threaded")


def merged(lab, fam):
    own = {host: local(host) for host in lab.hosts}
    live(lab.listen(fam), lab.A, lab.B.addr[fam])
    true(largest(lab.sniffer) > 1, "GRO put no segments together")
    counts = [once(lab.R, lab.sniffer)] + [once(host, own[host]) for host in lab.hosts]
    equal(len(set(counts)), 1, f"segments in R, A and B: {counts}; how many")


@test("segments put together by GRO count as on the wire")
def gro(lab, fam):
    merge(lab)
    merged(lab, fam)


@test("GRO by frag lists counts as on the wire")
def gro_list(lab, fam):
    merge(lab, "rx-gro-list", "on")
    merged(lab, fam)


@test("GRO in a threaded NAPI counts as on the wire")
def gro_threaded(lab, fam):
    merge(lab, threaded=True)
    merged(lab, fam)


def kernel():
    """The kernel's version."""
    return tuple(int(part) for part in os.uname().release.split(".")[:2])


def let_grow(ns, dev, octets):
    """`ip link set DEV gso_max_size gro_max_size gso_ipv4_max_size gro_ipv4_max_size`,
    the last two of which this machine's ip need not know."""
    RTM_NEWLINK, REQUEST_ACK, ATTRIBUTES = 16, 5, (41, 58, 63, 64)
    body = struct.pack("=BxHiII", 0, 0, int(ns.run("cat", f"/proc/net/dev_snmp6/{dev}").split()[1]),
                       0, 0)
    body += b"".join(struct.pack("=HHI", 8, kind, octets) for kind in ATTRIBUTES)
    with ns.socket(socket.AF_NETLINK, socket.SOCK_RAW) as sock:
        sock.send(struct.pack("=IHHII", 16 + len(body), RTM_NEWLINK, REQUEST_ACK, 1, 0) + body)
        equal(struct.unpack_from("=i", sock.recv(4096), 16)[0], 0, f"sizes of {dev}")


@test("BIG TCP, more than an IP length field can say")
def big_tcp(lab, fam):
    for ns, dev in (lab.A, "eth0"), (lab.B, "eth0"), (lab.R, "a0"), (lab.R, "b0"):
        let_grow(ns, dev, 120_000)          # a packet socket reads no more
    for host in lab.hosts:
        host.sysctl("net.ipv4.tcp_wmem", "4096 1000000 8000000")
        host.sysctl("net.ipv4.tcp_rmem", "4096 2000000 8000000")
        host.sysctl("net.ipv4.tcp_min_tso_segs", 80)    # however slow they are
    own = {host: local(host) for host in lab.hosts}
    live(lab.listen(fam), lab.A, lab.B.addr[fam], size=2_000_000)
    longest = max(segment.length for segment in lab.sniffer.all())
    if fam == 4 and kernel() < (6, 3) and longest <= 65_535:
        raise Skip("BIG TCP over IPv4 came with 6.3")
    true(longest > 65_535, f"no skb held more than {longest} octets")
    for ns, sniffer in (lab.R, lab.sniffer), *own.items():
        once(ns, sniffer)                   # so much at once may well get lost


# VRF

def enslave(ns, devs, peers=(), name="vrf0", table=10):
    """Put devices of a namespace of the Lab into a VRF, addresses, neighbours and
    all; the default route of a host too, the peers of a router."""
    ns.ip(f"link add {name} type vrf table {table}", f"link set {name} up")
    for dev in devs:
        held = [line.split()[3] for line in
                ns.run("ip", "-6", "-o", "addr", "show", "dev", dev, "scope", "global")
                .splitlines()]
        ns.ip(f"link set {dev} master {name}",
              *(f"addr add {address} dev {dev} nodad" for address in held))
    for fam in 4, 6:
        for peer in peers:
            ns.ip(f"neigh replace {peer.addr[fam]} lladdr {peer.mac} dev {peer.gateway_dev}")
        if not peers:
            ns.ip(f"route replace default via {Lab.address(fam, 1, 1)} dev eth0 table {table}")


@test("VRF: outbound, bound to the VRF")
def vrf_outbound(lab, fam):
    enslave(lab.A, ["eth0"])
    own = local(lab.A, "eth0")
    live(lab.listen(fam), lab.A, lab.B.addr[fam], before=bind_to("vrf0"))
    equal(once(lab.A, own), once(lab.R, lab.sniffer), "segments in A, as in R")


@test("VRF: outbound, bound to the enslaved device")
def vrf_outbound_device(lab, fam):
    enslave(lab.A, ["eth0"])
    own = local(lab.A, "eth0")
    live(lab.listen(fam), lab.A, lab.B.addr[fam], before=bind_to("eth0"))
    once(lab.A, own)


@test("VRF: outbound through a qdisc on the VRF")
def vrf_outbound_qdisc(lab, fam):
    enslave(lab.A, ["eth0"])
    lab.A.run("tc", "qdisc", "add", "dev", "vrf0", "root", "pfifo", "limit", "10000")
    own = local(lab.A, "eth0")
    live(lab.listen(fam), lab.A, lab.B.addr[fam], before=bind_to("vrf0"))
    once(lab.A, own)


@test("VRF: a host talks to its own address through a qdisc on the VRF")
def vrf_local_qdisc(lab, fam):
    enslave(lab.A, ["eth0"])
    lab.A.run("tc", "qdisc", "add", "dev", "vrf0", "root", "pfifo", "limit", "10000")
    own = local(lab.A, "vrf0")
    live(listener(lab.A, fam, before=bind_to("vrf0")), lab.A, lab.A.addr[fam],
         before=bind_to("vrf0"))
    once(lab.A, own)


@test("VRF: inbound to a listener in the VRF")
def vrf_inbound(lab, fam):
    enslave(lab.A, ["eth0"])
    own = local(lab.A, "eth0")
    live(listener(lab.A, fam, before=bind_to("vrf0")), lab.B, lab.A.addr[fam])
    equal(once(lab.A, own), once(lab.R, lab.sniffer), "segments in A, as in R")


@test("VRF: inbound to a listener of all VRFs (tcp_l3mdev_accept)")
def vrf_inbound_any(lab, fam):
    enslave(lab.A, ["eth0"])
    lab.A.sysctl("net.ipv4.tcp_l3mdev_accept", 1)
    own = local(lab.A, "eth0")
    live(listener(lab.A, fam), lab.B, lab.A.addr[fam])
    once(lab.A, own)


@test("VRF: a host talks to its own address within the VRF")
def vrf_local(lab, fam):
    enslave(lab.A, ["eth0"])
    own = local(lab.A, "vrf0")
    live(listener(lab.A, fam, before=bind_to("vrf0")), lab.A, lab.A.addr[fam],
         before=bind_to("vrf0"))
    once(lab.A, own)
    silence(lab.R)


@test("VRF: a host talks to the VRF's own loopback address")
def vrf_loopback(lab, fam):
    enslave(lab.A, ["eth0"])
    lab.A.ip({4: "addr add 127.0.0.1/8 dev vrf0", 6: "addr add ::1/128 dev vrf0 nodad"}[fam])
    # the VRF's table must be asked first, as the kernel's vrf.rst has it
    for version in "-4", "-6":
        lab.A.run("ip", version, "rule", "add", "pref", "32765", "lookup", "local")
        lab.A.run("ip", version, "rule", "del", "pref", "0")
    own = local(lab.A, "vrf0")
    live(listener(lab.A, fam, before=bind_to("vrf0")), lab.A, LOOPBACK[fam],
         before=bind_to("vrf0"))
    once(lab.A, own)


@test("VRF: forwarded within the VRF")
def vrf_forwarded(lab, fam):
    lab.witnessed = False                   # the Lab's packet socket hears vrf0 too
    enslave(lab.R, ["a0", "b0"], lab.hosts)
    ports, own = Several(lab.R, "a0", "b0"), local(lab.A)
    live(lab.listen(fam), lab.A, lab.B.addr[fam])
    equal(once(lab.R, ports), once(lab.A, own), "segments in R, as in A")


@test("VRF: forwarded into the VRF from outside (leaked routes)")
def vrf_leaked(lab, fam):
    lab.witnessed = False
    enslave(lab.R, ["b0"], [lab.B])
    size = {4: 24, 6: 64}[fam]
    lab.R.ip(f"route add {lab.address(fam, 2, 0)}/{size} dev b0",
             f"route add table 10 {lab.address(fam, 1, 0)}/{size} dev a0")
    own = {host: local(host) for host in lab.hosts}
    live(lab.listen(fam), lab.A, lab.B.addr[fam])
    segments = once(lab.A, own[lab.A])
    wait_equal(lambda: proc(lab.R)["segments"], segments, "segments in R")
    equal(proc(lab.R).entered, ENTERED, "entered in R")


# Bridges

class Switch:
    """X and Y, 10.9.5.1 and .2, on two ports of a bridge in S, which may have the
    address .3 itself."""

    def __init__(self, iptables):
        self.X, self.S, self.Y = (Namespace(each) for each in "XSY")
        for ns in self.X, self.S, self.Y:
            for knob in "ipv6.conf.default.accept_dad", "ipv6.conf.default.accept_ra", \
                    "ipv6.conf.default.router_solicitations":
                ns.sysctl(f"net.{knob}", 0)
            ns.ip("link set lo up")
        self.S.run("modprobe", "br_netfilter")
        self.S.ip("link add br0 type bridge forward_delay 0", "link set br0 up")
        for number, (host, port) in enumerate(((self.X, "x0"), (self.Y, "y0")), 1):
            self.S.ip(f"link add {port} type veth peer name eth0 netns {host.path}",
                      f"link set {port} master br0", f"link set {port} up")
            self.settle(host, "eth0", number)
        for knob in "bridge-nf-call-iptables", "bridge-nf-call-ip6tables":
            self.S.sysctl(f"net.bridge.{knob}", iptables)

    @staticmethod
    def settle(ns, dev, number):
        ns.addr = {4: f"10.9.5.{number}", 6: f"fd00:9:5::{number}"}
        ns.ip(f"addr add {ns.addr[4]}/24 dev {dev}",
              f"addr add {ns.addr[6]}/64 dev {dev} nodad", f"link set {dev} up")


@ktap.test("bridged between two ports, br_netfilter on: each segment once")
def bridged(fam):
    net = Switch(1)
    own, ports = local(net.X), Several(net.S, "x0", "y0")
    live(listener(net.Y, fam), net.X, net.Y.addr[fam])
    equal(once(net.X, own), once(net.S, ports), "segments in S, as in X")


@ktap.test("bridged between two ports, br_netfilter off: nothing is seen")
def bridged_unseen(fam):
    net = Switch(0)
    own = local(net.X)
    live(listener(net.Y, fam), net.X, net.Y.addr[fam])
    once(net.X, own)
    silence(net.S)


def bridge_local(fam, iptables, inbound):
    net = Switch(iptables)
    Switch.settle(net.S, "br0", 3)
    own, peer = local(net.S, "br0"), local(net.X)
    if inbound:
        live(listener(net.S, fam), net.X, net.S.addr[fam])
    else:
        live(listener(net.X, fam), net.S, net.X.addr[fam])
    equal(once(net.S, own), once(net.X, peer), "segments in S, as in X")


@ktap.test("bridge with an address, br_netfilter on: inbound")
def bridge_inbound(fam):
    bridge_local(fam, 1, True)


@ktap.test("bridge with an address, br_netfilter on: outbound")
def bridge_outbound(fam):
    bridge_local(fam, 1, False)


@ktap.test("bridge with an address, br_netfilter off: inbound")
def bridge_inbound_plain(fam):
    bridge_local(fam, 0, True)


def routed_off_bridge(fam, iptables, vrf=False):
    """Z, behind another device of S, is reached through S's own address."""
    net = Switch(iptables)
    Z = Namespace("Z")
    Z.sysctl("net.ipv6.conf.default.accept_dad", 0)
    net.S.ip(f"link add z0 type veth peer name eth0 netns {Z.path}")
    if vrf:
        net.S.ip("link add vrf0 type vrf table 10", "link set vrf0 up",
                 "link set br0 master vrf0", "link set z0 master vrf0")
    Switch.settle(net.S, "br0", 3)
    net.S.sysctl("net.ipv4.ip_forward", 1)
    net.S.sysctl("net.ipv6.conf.all.forwarding", 1)
    net.S.ip("addr add 10.9.6.1/24 dev z0", "addr add fd00:9:6::1/64 dev z0 nodad",
             "link set z0 up")
    Z.ip("link set eth0 up", "addr add 10.9.6.2/24 dev eth0",
         "addr add fd00:9:6::2/64 dev eth0 nodad", "route add default via 10.9.6.1",
         "route add default via fd00:9:6::1")
    net.X.ip("route add default via 10.9.5.3", "route add default via fd00:9:5::3")
    own = local(net.X)
    live(listener(Z, fam), net.X, {4: "10.9.6.2", 6: "fd00:9:6::2"}[fam])
    segments = once(net.X, own)
    wait_equal(lambda: proc(net.S)["segments"], segments, "segments in S, as in X")
    equal(proc(net.S).entered, ENTERED, "entered in S")
    equal((proc(net.S)["picked_up"], proc(net.S)["data_retrans"]),
          (0, proc(net.X)["data_retrans"]), "picked_up, data_retrans in S")


@ktap.test("routed off a bridge, br_netfilter on")
def bridge_routed(fam):
    routed_off_bridge(fam, 1)


@ktap.test("routed off a bridge in a VRF, br_netfilter off")
def bridge_vrf_plain(fam):
    routed_off_bridge(fam, 0, vrf=True)


@ktap.test("routed off a bridge in a VRF, br_netfilter on")
def bridge_vrf(fam):
    routed_off_bridge(fam, 1, vrf=True)


# Address translation

def nat(ns, *rules, hook="prerouting", kind="dstnat"):
    """Rules of a nat chain, as nft writes them."""
    ns.nft(f"table inet nat_{hook} {{",
           f"chain {hook} {{ type nat hook {hook} priority {kind};",
           *(f"{rule};" for rule in rules), "}", "}")


PREFIX = {4: "ip", 6: "ip6"}


def to(fam, address, port):
    """address:port as nft's dnat wants it."""
    return f"{PREFIX[fam]} to " + (f"[{address}]:{port}" if fam == 6 else f"{address}:{port}")


def dnat(lab, fam, dport=8080):
    """R takes connections to its own address there to B's port 80."""
    nat(lab.R, f"iifname a0 tcp dport {dport} dnat {to(fam, lab.B.addr[fam], 80)}")
    return lab.address(fam, 1, 1), dport


def translated(lab, fam, address, port):
    """A connects to what R turns into B:80: one record, whole, in R."""
    own = {host: local(host) for host in lab.hosts}
    live(lab.listen(fam), lab.A, address, port)
    counts = [once(lab.R, lab.sniffer)] + [once(host, own[host]) for host in lab.hosts]
    equal(len(set(counts)), 1, f"segments in R, A and B: {counts}; how many")
    return own


def line_of(lab, fam, address, port, phase="SYN_RECV"):
    """While R forwards no SYN-ACK: A's half-open in R is one line, of B's address
    and A's, whatever either side was told."""
    lab.R.nft("table inet hold {", "chain forward { type filter hook forward priority -1;",
              "tcp flags & (syn | ack) == (syn | ack) drop;", "}", "}")
    lab.listen(fam)
    conn = lab.dial(fam, address, port)
    wait_equal(lambda: [each[:4] for each in halfopens(lab.R)],
               [(f"ipv{fam}", conn.initiator, at(lab.B.addr[fam], 80), phase)],
               "half-open lines in R")
    equal(proc(lab.R).pairs, {"SYN_SENT": (1, 0), "SYN_RECV": (0, 1)}, "states in R")
    lab.R.nft("delete table inet hold")
    wait_equal(lambda: proc(lab.R).pairs, {"ESTABLISHED": (1, 1)}, "states in R")
    equal((proc(lab.R)["opened"], proc(lab.R)["picked_up"]), (1, 0), "opened, picked_up")


@test("DNAT: one flow")
def nat_destination(lab, fam):
    translated(lab, fam, *dnat(lab, fam))


@test("SNAT: one flow")
def nat_source(lab, fam):
    nat(lab.R, f"oifname b0 snat {PREFIX[fam]} to {lab.address(fam, 2, 1)}",
        hook="postrouting", kind="srcnat")
    own = translated(lab, fam, lab.B.addr[fam], 80)
    equal({segment.src for segment in own[lab.B].all() if segment.flags & SYN},
          {lab.address(fam, 2, 1), lab.B.addr[fam]}, "who B thinks it talks to")


@test("SNAT to another port: one flow")
def nat_source_port(lab, fam):
    nat(lab.R, f"oifname b0 meta l4proto tcp snat {to(fam, lab.address(fam, 2, 1), 5555)}",
        hook="postrouting", kind="srcnat")
    translated(lab, fam, lab.B.addr[fam], 80)


@test("masquerade: one flow")
def nat_masquerade(lab, fam):
    nat(lab.R, "oifname b0 masquerade", hook="postrouting", kind="srcnat")
    translated(lab, fam, lab.B.addr[fam], 80)


@test("DNAT and SNAT: one flow")
def nat_both(lab, fam):
    nat(lab.R, "oifname b0 masquerade", hook="postrouting", kind="srcnat")
    translated(lab, fam, *dnat(lab, fam))


@test("DNAT and SNAT: the half-open line has both real endpoints")
def nat_both_line(lab, fam):
    nat(lab.R, "oifname b0 masquerade", hook="postrouting", kind="srcnat")
    line_of(lab, fam, *dnat(lab, fam))


@test("hairpin NAT, back out of the device it came by: one flow")
def nat_hairpin(lab, fam):
    other = {4: "10.9.1.9", 6: "fd00:9:1::9"}[fam]
    lab.A.ip(f"addr add {other}/{32 if fam == 4 else 128} dev eth0" + " nodad" * (fam == 6))
    lab.R.ip(f"neigh replace {other} lladdr {lab.A.mac} dev a0")
    nat(lab.R, f"iifname a0 tcp dport 8080 dnat {to(fam, other, 80)}")
    nat(lab.R, "oifname a0 masquerade", hook="postrouting", kind="srcnat")
    own = local(lab.A)
    live(listener(lab.A, fam, address=other), lab.A, lab.address(fam, 1, 1), 8080)
    once(lab.R, lab.sniffer)
    once(lab.A, own, times=2)               # both halves of it


@test("REDIRECT to a local port: one flow")
def nat_redirect(lab, fam):
    lab.witnessed = False                   # R speaks itself
    nat(lab.R, "iifname a0 tcp dport 81 redirect to :8081")
    own = {ns: local(ns, dev) for ns, dev in ((lab.A, "eth0"), (lab.R, "a0"))}
    live(listener(lab.R, fam, 8081), lab.A, lab.B.addr[fam], 81)
    equal(once(lab.R, own[lab.R]), once(lab.A, own[lab.A]), "segments in R, as in A")


@test("DNAT of what the host itself sends: one flow")
def nat_output(lab, fam):
    nat(lab.A, f"{PREFIX[fam]} daddr {lab.silent[fam]} tcp dport 8080 "
        f"dnat {to(fam, lab.B.addr[fam], 80)}", hook="output", kind="-100")
    own = local(lab.A)
    live(lab.listen(fam), lab.A, lab.silent[fam], 8080)
    equal(once(lab.A, own), once(lab.R, lab.sniffer), "segments in A, as in R")


@test("DNAT of what the host itself sends, to itself: one flow")
def nat_output_local(lab, fam):
    nat(lab.A, f"{PREFIX[fam]} daddr {lab.silent[fam]} tcp dport 8080 redirect to :80",
        hook="output", kind="-100")
    own = local(lab.A)
    live(listener(lab.A, fam), lab.A, lab.silent[fam], 8080)
    once(lab.A, own)
    silence(lab.R)


@test("an address behind DNAT and VRF: one flow")
def nat_vrf(lab, fam):
    lab.witnessed = False
    enslave(lab.R, ["a0", "b0"], lab.hosts)
    nat(lab.R, "oifname b0 masquerade", hook="postrouting", kind="srcnat")
    address, port = dnat(lab, fam)
    own = local(lab.A)
    live(lab.listen(fam), lab.A, address, port)
    segments = once(lab.A, own)
    wait_equal(lambda: proc(lab.R)["segments"], segments, "segments in R")
    equal((proc(lab.R).pairs, proc(lab.R).entered, proc(lab.R)["picked_up"]),
          (ENDED, ENTERED, 0), "R")


# Copies

def mirror(ns, fam, hook):
    """Have nft send a copy of each segment that passes a hook of ns to a device where
    nothing takes it. Return what catches the copies."""
    ns.ip("link add mirror type dummy", "link set mirror up",
          f"addr add {Lab.address(fam, 9, 1)}/{24 if fam == 4 else 64} dev mirror"
          + " nodad" * (fam == 6),
          f"neigh add {Lab.address(fam, 9, 2)} lladdr 02:00:00:00:09:02 dev mirror")
    ns.nft(f"table {PREFIX[fam]} mirror {{",
           f"chain {hook} {{ type filter hook {hook} priority 0;",
           f"meta l4proto tcp dup to {Lab.address(fam, 9, 2)} device mirror;", "}", "}")
    return Sniffer(ns, "mirror", outgoing=True)


def copied(lab, fam, hook):
    """Segments that pass a hook are counted once each, and their copies are not."""
    ns, dev = (lab.R, None) if hook in ("prerouting", "forward") else (lab.A, "eth0")
    own = lab.sniffer if ns is lab.R else local(ns, dev)
    copies = mirror(ns, fam, hook)
    live(lab.listen(fam), lab.A, lab.B.addr[fam])
    segments = once(ns, own)
    wait_for(lambda: sum(segment.count for segment in copies.all()),
             lambda have: have >= segments // 3, "copies that were sent")


@test("nft's dup in prerouting: each segment once, without its copy")
def dup_prerouting(lab, fam):
    copied(lab, fam, "prerouting")


@test("nft's dup in forward: each segment once, without its copy")
def dup_forward(lab, fam):
    copied(lab, fam, "forward")


@test("nft's dup in output: each segment once, without its copy")
def dup_output(lab, fam):
    copied(lab, fam, "output")


@test("nft's dup in input: each segment once, without its copy")
def dup_input(lab, fam):
    copied(lab, fam, "input")


# IPsec

def ipsec(lab, fam, how):
    """Protect what goes between A and B, in transport mode."""
    one, other = lab.A.addr[fam], lab.B.addr[fam]
    key = "0x" + "5a" * 20
    algo = {"esp": f"enc ecb(cipher_null) '' auth hmac(sha1) {key}",
            "ah": f"auth hmac(sha1) {key}"}[how]
    for host, out in (lab.A, one), (lab.B, other):
        peer = other if out == one else one
        lines = []
        for number, (src, dst) in enumerate(((one, other), (other, one)), 1):
            lines.append(f"xfrm state add src {src} dst {dst} proto {how} spi {0x1000 + number} "
                         f"mode transport {algo}")
        for way, src, dst in ("out", out, peer), ("in", peer, out):
            lines.append(f"xfrm policy add src {src} dst {dst} dir {way} "
                         f"tmpl proto {how} mode transport")
        try:
            host.ip(*lines)
        except RuntimeError as error:
            raise Skip(f"no {how} here: {error}".replace("\n", " ")) from None


@test("IPsec, ESP in transport mode: each segment once, none seen on the way")
def ipsec_esp(lab, fam):
    ipsec(lab, fam, "esp")
    live(lab.listen(fam), lab.A, lab.B.addr[fam], size=20_000)
    sealed(lab, fam, ways=0)


@test("IPsec, AH in transport mode: each segment once")
def ipsec_ah(lab, fam):
    lab.witnessed = False                   # the Lab's packet socket knows no AH
    ipsec(lab, fam, "ah")
    live(lab.listen(fam), lab.A, lab.B.addr[fam], size=20_000)
    # IPv6 names AH an extension header, so that R sees through it
    sealed(lab, fam, ways=fam == 6)


def sealed(lab, fam, ways):
    """A and B saw one connection and as many segments; R did if it could."""
    def look():
        counts = []
        for ns in [lab.A, lab.B] + [lab.R] * ways:
            seen = proc(ns)
            equal((seen.pairs, seen.entered), (ENDED, ENTERED), f"states in {ns}")
            lives = seen.counted
            counts.append(lives.pop("segments"))
            lives.pop("data_retrans", 0)            # a slow machine probes for a lost tail
            equal(lives, {"syn": 1, "synack": 1, "fin": 2, "opened": 1, "established": 1},
                  f"counters in {ns}")
        equal(len(set(counts)), 1, f"segments in A, B (and R): {counts}; how many")
    wait_for(look, lambda _: True, "each segment once")
    if not ways:
        silence(lab.R)


if __name__ == "__main__":
    main(one_cpu=True)
