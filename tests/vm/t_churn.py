#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""
Coming and going: namespaces that are made and dropped in the midst of traffic, the
module unloaded and loaded with readers of every kind at work. Afterwards all memory is
back. A few times here, TCPSTATE_CHURN=1000 times by make test-churn.
"""

import contextlib
import os
import subprocess
import time

from beside import readers, transfers
from forge import Forge
from genl import Channel
from lab import *

TIMES = int(os.environ.get("TCPSTATE_CHURN", 10))
AT_ONCE = 5                             # namespaces
CROWD = 300                             # half-opens, more than a datagram has room for
SLACK = 4 << 20                         # octets that a kernel may have more, for whatever reason
LEAK = 2048                             # and what a namespace or a load may be suspected of


def memory():
    """Octets that the kernel has in slabs, per CPU and mapped, its caches dropped."""
    with open("/proc/sys/vm/drop_caches", "w") as file:
        file.write("3\n")
    with open("/proc/meminfo") as file:
        found = dict(line.split(":") for line in file)
    return sum(int(found[name].split()[0]) << 10 for name in
               ("SUnreclaim", "Percpu", "VmallocUsed"))


def returned(before, times, what):
    """Assert that memory is back, of a kernel that frees some of it in its own time."""
    limit = before + SLACK + times * LEAK
    wait_for(memory, lambda now: now < limit, f"{what}: memory below {limit}, before {before}")
    print(f"# {what}: {memory() - before:+} octets after {times} times", flush=True)


def rmmod():
    """Try to unload, which complains of records that are left; whether it was refused."""
    return subprocess.run(["rmmod", "tcpstate"], stderr=subprocess.DEVNULL).returncode


def flood(out):
    """SYNs without end into whatever namespaces are wired to out just now."""
    forge = Forge(out, "lo")
    devices = [f"v{number}" for number in range(AT_ONCE)]
    number = 0
    while True:
        number += 1
        time.sleep(0.0005)
        for fam, device in zip((4, 6) * AT_ONCE, devices):
            with contextlib.suppress(OSError):
                forge.send(number, seq=number, fam=fam, dev=device)


def inhabit(ns):
    """Connections of every kind within a namespace, some of them under way for ever."""
    server = ns.socket(4)
    server.bind(("127.0.0.1", 80))
    server.listen()
    socks = [server]
    for number in range(4):
        client = ns.socket(4)
        client.connect(("127.0.0.1", 80))
        peer = server.accept()[0]
        client.send(b"ping")
        if number % 2:
            client.shutdown(SHUT_WR)
        reset(peer) if number == 3 else socks.append(peer)
        socks.append(client)
    return socks


@test("namespaces come and go under traffic, and nothing of them stays", families=None, lab=None,
      serial=True, timeout=60 + TIMES * 8)
def namespaces():
    module()
    out = Namespace("out")
    out.ip("link set lo up")
    out.sysctl("net.tcpstate.enabled", 0)
    before = None
    with child(flood, out):
        for round in range(-(-TIMES // AT_ONCE)):
            spaces = [Namespace(f"N{number}") for number in range(AT_ONCE)]
            out.ip(*(line for number, ns in enumerate(spaces) for line in (
                f"link add v{number} address 02:00:00:00:0f:02 type veth peer name f0 address "
                f"02:00:00:00:0f:01 netns {ns.path}", f"link set v{number} up")))
            for ns in spaces:
                ns.sysctl("net.tcpstate.checksum", 0)
                ns.up("lo")
                ns.up("f0")
                socks = inhabit(ns)
                wait_for(lambda ns=ns: proc(ns), lambda seen: seen["halfopen"] and seen["flows"],
                         "half-opens and flows")
                # Another CPU may count a SYN while they are read.
                identities(ns)
                for sock in socks:
                    sock.close()
                ns.close()
            wait_equal(lambda: out.run("ip", "-o", "link").count(": v"), 0, "devices that stay")
            before = before or memory()
    returned(before, TIMES, "namespaces")
    equal(rmmod(), 0, "status of rmmod")
    module()


@test("unloaded and loaded under traffic, with dumps half read and monitors open", families=None,
      serial=True, timeout=60 + TIMES * 8)
def loads(lab):
    lab.witnessed = False
    lab.sniffer.close()
    for host in lab.hosts:
        host.sysctl("net.ipv4.tcp_max_tw_buckets", 1 << 20)
    crowd = {fam: [{4: ipv4, 6: ipv6}[fam](lab.spoof(fam, 1), lab.silent[fam], tcp(
        lab.spoof(fam, 1), lab.silent[fam], 1024 + number, 7, seq=number, flags=SYN))
        for number in range(CROWD)] for fam in (4, 6)}
    before, busy = None, 0
    with contextlib.ExitStack() as stack:
        for cpu, fam in enumerate((4, 6)):
            cpu %= os.cpu_count()
            stack.enter_context(child(transfers, lab, fam, lab.listen(fam), cpu=cpu))
            stack.enter_context(child(readers, lab.R, cpu))
        for number in range(max(TIMES // 5, 2)):
            for packets in crowd.values():
                lab.forge(lab.A, packets)
            wait_for(lambda: proc(lab.R), lambda seen: seen["halfopen"] >= CROWD and
                     seen["flows"], "half-opens and flows")
            with contextlib.ExitStack() as open_ones:
                for group in "flows", "closed", "segments", "alerts":
                    monitor = open_ones.enter_context(Channel(lab.R))
                    monitor.join(group)
                with Channel(lab.R, 8192) as channel:
                    dump = channel.dump("FLOW_GET")
                    true(dump.step() and not dump.done, "a dump that is read by halves")
                    true(rmmod(), "it was unloaded under a dump")
                while rmmod():
                    busy += 1
                    true(busy < 100 * (number + 1), "always busy")
                    time.sleep(0.01)
                before = before or memory()
                module()
        returned(before, number, "loads")
    with Channel(lab.R) as channel:
        wait_for(lambda: [channel.flush(), proc(lab.R)][1], lambda seen: not any(
            seen[name] for name in GAUGES), "gauges after a flush")
    print(f"# rmmod was told busy {busy} times beside {number + 1} dumps", flush=True)


if __name__ == "__main__":
    main()
