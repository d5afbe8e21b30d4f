#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""
Memory that is not to be had, and copies from and to userspace that fail: one by one
wherever the kernel asks for any on our behalf (see faults.c), and by chance while
traffic passes. For kernels with fault injection, such as tests/vm/build uml-debug.
What leaks on the way is found by kmemleak, which tests/vm/run reads in the end.
"""

import contextlib
import os
import re
import signal
import subprocess
import tempfile
import time

import ktap
from genl import Channel
from lab import *
from uapi import COMMANDS

HERE = os.path.dirname(os.path.abspath(__file__))
DEBUG = "/sys/kernel/debug"
KINDS = "failslab", "fail_page_alloc", "fail_usercopy"
PLACE = tempfile.TemporaryDirectory()
PROGRAM = f"{PLACE.name}/faults"
SECONDS = int(os.environ.get("TCPSTATE_FAULTS", 10))    # of each probability
NET = "/proc/thread-self/net"
# With what a fault may be answered, be it by a socket that cannot be made; that nobody
# answers is EAGAIN. What else a namespace is made of has more to say.
ANSWERS = {"ENOMEM", "EFAULT", "ENOBUFS", "EAGAIN", "EINTR", "ENFILE"}
# /proc has no such entry where it has no memory for the inode of a task's.
OTHERS = {"netns": {"EINVAL", "ENODEV", "EAFNOSUPPORT", "EEXIST"}, "read": {"ENOENT"}}


def control(kind, name, value):
    """Set one of a kind's controls."""
    with open(f"{DEBUG}/{kind}/{name}".rstrip("/"), "w") as file:
        file.write(f"{value}\n")


def quiet():
    """No fault but those that a process asks for itself, and none is shown."""
    for kind in KINDS:
        for name, value in (("probability", 0), ("times", -1), ("verbose", 0), ("interval", 1),
                            ("space", 0), ("task-filter", "N")):
            control(kind, name, value)
    for kind in KINDS[:2]:
        control(kind, "ignore-gfp-wait", "N")
    control("failslab", "cache-filter", "N")
    control("fail_page_alloc", "min-order", 0)


def prepare():
    module()
    if os.path.exists(f"{DEBUG}/failslab"):
        subprocess.run(["gcc", "-O1", f"-I{HERE}/../../module/uapi", "-o", PROGRAM,
                        f"{HERE}/faults.c"], check=True)
        quiet()


def faulty(title, **options):
    """A test that skips where nothing can be made to fail, and leaves nothing that does."""
    def skip():
        raise Skip("this kernel has no fault injection")

    def register(function):
        def attempt(*arguments):
            try:
                function(*arguments)
            finally:
                quiet()
        if os.path.exists(f"{DEBUG}/failslab"):
            test(title, serial=True, timeout=3000, **options)(attempt)
        else:
            test(title, families=None, lab=None)(skip)
    return register


def faults(*words, ns=None):
    """What faults.c did, in words of its own, as (done, failed, errors)."""
    with ns or contextlib.nullcontext():
        done = subprocess.run([PROGRAM, *map(str, words)], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
    equal(done.returncode, 0, f"{' '.join(map(str, words))}: {done.stdout}")
    print(f"# {' '.join(map(str, words))}: {done.stdout.strip()}", flush=True)
    return told(done.stdout, words[0])


def told(text, name):
    """The line that faults.c ends with, of an operation."""
    number, failed, *errors = text.split()
    equal(set(errors) - ANSWERS - OTHERS.get(name, set()), set(), f"other errors of {name}")
    return int(number), int(failed), errors


def object_file():
    """tcpstate.ko."""
    return subprocess.run(["modinfo", "-n", "tcpstate"], stdout=subprocess.PIPE, text=True,
                          check=True).stdout.strip()


# Where 6.12 itself leaks when it fails: the name of a slab in sysfs.
LEAKY = ("sysfs_slab_add",)


def only_known_leaks():
    """Assert that what kmemleak finds are the kernel's own leaks, and have it forget them."""
    path = f"{DEBUG}/kmemleak"
    if not os.path.exists(path):
        return
    time.sleep(6)                               # younger than five seconds is none yet
    for _ in range(2):
        control("kmemleak", "", "scan")
    with open(path) as file:
        found = re.split("(?=^unreferenced object)", file.read(), flags=re.M)[1:]
    control("kmemleak", "", "clear")
    print(f"# kmemleak: {len(found)}", flush=True)
    equal([each for each in found if not any(name in each for name in LEAKY)], [], "leaks")


def sound(lab):
    """Assert that it still tells right, and forgets all when told so."""
    for fam in 4, 6:
        conn = lab.keep(lab.connect(fam))
        conn.talk()
        key = [f"ipv{fam}", conn.initiator, conn.responder]
        with Channel(lab.R) as channel:
            wait_for(lambda: [flow.states for flow in channel.flows() if list(flow.key) == key],
                     lambda states: states == [("ESTABLISHED", "ESTABLISHED")], "the connection")
    with Channel(lab.R) as channel:
        wait_equal(lambda: [channel.flush(), *(proc(lab.R)[name] for name in GAUGES)][1:],
                   [0, 0, 0], "gauges after a flush")


@faulty("loading: whichever allocation fails, it fails and leaves nothing, or works",
        families=None, lab=None)
def loads():
    unload()
    try:
        done, failed, _ = faults("load", object_file())
        true(failed > 100, f"{failed} of {done} failed")
        only_known_leaks()
    finally:
        module()


@faulty("a namespace: whichever allocation fails, it fails and leaves nothing, or works",
        families=None, lab=None)
def namespaces():
    done, failed, _ = faults("netns")
    true(failed > 100, f"{failed} of {done} failed")


@faulty("requests, files, sysctls: whichever allocation or copy fails, that is said",
        families=None)
def requests(lab):
    lab.witnessed = False
    for number in range(40):
        lab.keep(lab.dial(4 + number % 2 * 2, lab.silent[4 + number % 2 * 2]))
    with Channel(lab.R) as channel:
        family, groups = channel.family, channel.info["groups"]
    for name in "STATS_GET", "FLUSH":
        true(faults("ask", family, COMMANDS[name], ns=lab.R)[1], f"{name} never failed")
    for name in "FLOW_GET", "HALFOPEN_GET", "LISTENER_GET", "HOST_GET":
        true(faults("dump", family, COMMANDS[name], ns=lab.R)[1], f"{name} never failed")
    for group in groups.values():
        true(faults("join", group, ns=lab.R)[1], "to join never failed")
    for name in "tcpstate", "tcpstate_halfopen", "tcpstate_listeners", "stat/tcpstate":
        true(faults("read", f"{NET}/{name}", ns=lab.R)[1], f"{name} never failed")
    for value in 0, 1:
        path = "/proc/sys/net/tcpstate/enabled"
        true(faults("write", path, f"{value}", ns=lab.R)[1], f"enabled={value} never failed")
        equal(lab.R.sysctl("net.tcpstate.enabled"), str(value), "enabled")
    sound(lab)


def packets(ns, table):
    """What the counters of an nft table have counted."""
    text = ns.run("nft", "list", "table", "inet", table)
    return [int(each) for each in re.findall(r"packets (\d+)", text)]


def slab(name):
    """A slab's own switch for faults."""
    path = f"/sys/kernel/slab/tcpstate_{name}/failslab"
    with open(path, "w") as file:
        file.write("1\n")


@faulty("records: without memory for one nothing is dropped, and each is counted")
def records(lab, fam):
    lab.witnessed = False
    try:
        slab("ipv4")
        slab("ipv6")
    except OSError as error:
        raise Skip(f"slabs are merged: {error}") from error
    control("failslab", "cache-filter", "Y")
    lab.B.nft("table inet count", "table inet count {",
              "chain in { type filter hook prerouting priority -400;",
              "tcp dport 7 counter; }", "}")
    number = 2000
    src, dst = lab.address(fam, 1, 2), lab.address(fam, 2, 2)
    for share in 10, 30, 50:
        control("failslab", "probability", share)
        before = proc(lab.R)
        lab.forge(lab.A, [{4: ipv4, 6: ipv6}[fam](
            src, dst, tcp(src, dst, 1024 + each, 7, seq=each, flags=SYN))
            for each in range(number)])

        def look():
            seen = proc(lab.R)
            told = [seen[name] - before[name] for name in ("syn", "opened", "nomem")]
            equal((told[0], told[1] + told[2]), (number, number), "SYNs, opened and nomem")
            return told[2]
        nomem = wait_for(look, lambda _: True, "all SYNs")
        true(share * 0.5 < nomem * 100 / number < share * 1.5,
             f"of {number} SYNs {nomem} found no memory, at {share} %")
        with Channel(lab.R) as channel:
            channel.flush()
        conns = [lab.connect(fam) for _ in range(20)]
        for conn in conns:
            conn.talk()
            conn.close()
    control("failslab", "probability", 0)
    wait_for(lambda: packets(lab.B, "count")[0], lambda count: count == 3 * number, "SYNs in B")
    identities(lab.R)
    sound(lab)


@contextlib.contextmanager
def workers(*works):
    """faults.c, often, for each (ns, words) until the block ends, which waits for all of them.
    Given is a list, in the end of those that lived to tell what they did."""
    children, lived = [], []
    try:
        for ns, words in works:
            with ns:
                children.append(subprocess.Popen([PROGRAM, "often", *map(str, words)],
                                                 stdout=subprocess.PIPE,
                                                 stderr=subprocess.STDOUT, text=True))
        for child in children:
            child.stdout.readline()
        yield lived
    finally:
        for child in children:
            child.send_signal(signal.SIGTERM)
        said = [child.communicate(timeout=300)[0] for child in children]
    for (_, words), child, text in zip(works, children, said):
        print(f"# often {' '.join(map(str, words))}: {text.strip()}", flush=True)
        # Whose own page cannot be had is killed, and nothing is said of the kernel by that.
        if child.returncode in (-signal.SIGSEGV, -signal.SIGBUS, -signal.SIGKILL):
            continue
        equal(child.returncode, 0, f"{words}: {text}")
        done, failed, _ = told(text, words[0])
        true(done and failed, f"{words}: done {done} times, {failed} failed")
        lived.append(words[0])


def by_chance(lab, filtered, works=()):
    """Have 10 to 50 % fail, in the workers ("Y") or wherever one may not sleep ("N"), while
    segments pass: as many leave our hook as come to it."""
    # Who is killed may fail to tell 9p's server what he has closed, and that is never mended.
    if os.path.exists("/sys/bus/virtio/drivers/9pnet_virtio"):
        raise Skip("the VM's own root is on 9p, which does not outlive it")
    lab.witnessed = False
    lab.sniffer.close()
    monitor = Channel(lab.R)
    for group in monitor.info["groups"]:
        monitor.join(group)
    # Ours comes right behind destination NAT, at -100.
    lab.R.nft("table inet around {", *(
        f"chain {name} {{ type filter hook prerouting priority {at}; tcp dport 7 counter; }}"
        for name, at in (("before", -101), ("behind", -96))), "}")
    number, survivors = 0, []
    for share in 10, 30, 50:
        for kind in KINDS[:2]:
            control(kind, "task-filter", filtered)
            control(kind, "ignore-gfp-wait", "YN"[filtered == "Y"])
        control("fail_usercopy", "task-filter", "Y")
        for kind in KINDS:
            control(kind, "probability", share)
        with workers(*works) as lived:
            limit = time.monotonic() + SECONDS / 2
            while time.monotonic() < limit:
                number += 1
                for fam in 4, 6:
                    src, dst = lab.address(fam, 3, 1 + number % 200), lab.B.addr[fam]
                    with contextlib.suppress(OSError):
                        lab.forge(lab.A, [{4: ipv4, 6: ipv6}[fam](src, dst, tcp(
                            src, dst, 1024 + number % 60000, 7, seq=number, flags=flags))
                            for flags in (SYN, ACK, FIN | ACK)])
        survivors += lived
        for kind in KINDS:
            control(kind, "probability", 0)
    quiet()
    true(survivors or not works, "no worker lived to tell")
    before, behind = wait_for(lambda: packets(lab.R, "around"), lambda seen: seen[0] == seen[1],
                              "as many behind our hook as before it")
    print(f"# {before} packets", flush=True)
    true(before > 500, f"{before} packets")
    monitor.close()
    lab.A.sysctl("net.tcpstate.enabled", 1)
    sound(lab)


@faulty("by chance: 10 to 50 % of all that some ask for fails, and every packet passes",
        families=None)
def asked(lab):
    with Channel(lab.R) as channel:
        family, groups = channel.family, channel.info["groups"]
    by_chance(lab, "Y", [
        (lab.R, ("dump", family, COMMANDS["FLOW_GET"])),
        (lab.R, ("dump", family, COMMANDS["LISTENER_GET"])),
        (lab.R, ("ask", family, COMMANDS["STATS_GET"])),
        (lab.R, ("ask", family, COMMANDS["FLUSH"])),
        (lab.R, ("join", groups["flows"])), (lab.R, ("netns",)),
        (lab.R, ("read", f"{NET}/tcpstate_halfopen")),
        (lab.A, ("write", "/proc/sys/net/tcpstate/enabled", "0")),
        (lab.A, ("write", "/proc/sys/net/tcpstate/enabled", "1"))])


@faulty("by chance: likewise of all that nobody may wait for", families=None)
def unasked(lab):
    by_chance(lab, "N")


if __name__ == "__main__":
    ktap.main(None, prepare, module)
