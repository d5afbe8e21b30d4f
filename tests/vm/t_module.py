#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""
Parameters, and the module loaded and unloaded under traffic: it leaves nothing behind.
"""

import contextlib
import errno
import os
import stat
import subprocess
from pathlib import Path

import ktap
from beside import readers, transfers
from forge import Forge, attach
from lab import *
from whole import *

PARAMETERS = {*LIMITS, "enabled", "batch_from"}
OURS = {"clock"}                # of the modules that tests build


# parameters

@test("parameters are there to read, and to read only", families=None, lab=None, serial=True)
def parameters():
    reload()
    base = "/sys/module/tcpstate/parameters"
    equal(set(os.listdir(base)) - OURS, PARAMETERS, "parameters")
    for name in PARAMETERS:
        path = f"{base}/{name}"
        equal(oct(stat.S_IMODE(os.stat(path).st_mode)), oct(0o444), f"mode of {name}")
        with contextlib.suppress(OSError):
            with open(path, "w") as file:
                file.write("1")
            raise Failure(f"{name} was written to")
        if name in LIMITS:
            equal(int(Path(path).read_text()), proc(first())[name], name)
    equal(Path(f"{base}/enabled").read_text().strip(), "Y", "enabled")
    equal(int(Path(f"{base}/batch_from").read_text()), 65536, "batch_from")
    reload(max_flows=4321, max_halfopen=1234, max_listeners=99)
    equal([proc(first())[name] for name in LIMITS], [4321, 1234, 99], "limits as given")


def kernel_says():
    return subprocess.run(["dmesg"], check=True, text=True, stdout=subprocess.PIPE).stdout


@test("limits out of range are refused in plain words", families=None, lab=None, serial=True)
def wrong_parameters():
    unload()
    for name in sorted(LIMITS):
        # the sample tells 65536 apart, 64 of which may have no slot of their own
        most = 65472 if name == "max_listeners" else 1 << 26
        for value, words in ((most + 1, f"tcpstate: {name}={most + 1} is out of range, at most "
                                        f"{most}"),
                             (-1, f"tcpstate: `-1' invalid for parameter `{name}'"),
                             ("many", f"tcpstate: `many' invalid for parameter `{name}'")):
            before = len(kernel_says())
            done = subprocess.run(["modprobe", "tcpstate", f"{name}={value}"], text=True,
                                  stderr=subprocess.PIPE)
            true(done.returncode, f"{name}={value} was taken")
            true("Invalid argument" in done.stderr, f"modprobe said {done.stderr!r}")
            said = kernel_says()[before:]
            true(words in said, f"{name}={value}: the kernel said {said!r}")
            true(not os.path.exists("/proc/tcpstate"), "the module is there")
    before = len(kernel_says())
    module()
    limits = "at most {} flows, {} half-open, {} listeners".format(
        *(proc(first())[name] for name in LIMITS))
    true(limits in kernel_says()[before:], f"{limits!r} printed at load")


@test("tables for one record: all connections pass", serial=True)
def tiny(lab, fam):
    lab.witnessed = False
    reload(max_flows=1, max_halfopen=1)
    conns = [lab.connect(fam) for _ in range(5)]
    for conn in conns:
        conn.talk()
    for conn in conns:
        conn.close()
    seen = proc(lab.R)
    true(seen["flow_table_full"] or seen["halfopen_table_full"], "it was never full")
    for ns in lab.A, lab.R, lab.B:
        identities(ns)


@test("enabled=0: nothing is watched until the sysctl says so", families=None, lab=None,
      serial=True)
def disabled():
    before = fresh("before")
    reload(enabled=0)
    for ns in before, fresh("after"):
        equal(ns.sysctl("net.tcpstate.enabled"), "0", f"enabled in {ns}")
        refused(ns)
        silence(ns)
        ns.sysctl("net.tcpstate.enabled", 1)
        refused(ns)
        wait_equal(lambda ns=ns: proc(ns).counted,
                   {"segments": 2, "syn": 1, "rst": 1, "opened": 1, "refused": 1}, f"in {ns}")
    equal(first().sysctl("net.tcpstate.enabled"), "0", "enabled in the first")


# loading and unloading

def modules():
    return {fields[0]: fields[3] for fields in
            (line.split() for line in Path("/proc/modules").read_text().splitlines())}


@test("it depends on no module, and loads none", families=None, lab=None, serial=True)
def depends():
    unload()
    before = set(modules())
    module()
    equal(set(modules()) - before, {"tcpstate"}, "modules that came with it")
    equal([name for name, users in modules().items() if "tcpstate" in users.split(",")], [],
          "modules that it uses")
    equal(subprocess.run(["modinfo", "-F", "depends", "tcpstate"], check=True, text=True,
                         stdout=subprocess.PIPE).stdout.strip(), "", "modinfo's depends")


@test("namespaces from before the load and after it are watched alike", serial=True)
def before_and_after(lab, fam):
    lab.witnessed = False
    old = fresh("old")
    reload()
    for ns in old, fresh("new"):
        own = local(ns)
        live(listener(ns, fam), ns, LOOPBACK[fam])
        once(ns, own)


def traces_of_it():
    """Where the kernel still shows anything of the module."""
    found = [path for path in ("/proc/tcpstate", "/proc/sys/net/tcpstate", "/sys/module/tcpstate",
                               *(f"/proc/net/{name}" for name in FILES)) if os.path.lexists(path)]
    for path in "/proc/slabinfo", "/proc/vmallocinfo", "/proc/kallsyms", "/proc/modules":
        if not os.path.exists(path):
            continue
        found += [f"{path}: {line}" for line in Path(path).read_text().splitlines()
                  if "tcpstate" in line and "tcpstate_bench" not in line]
    return found


@test("unloaded with flows in its tables it leaves nothing behind", serial=True)
def unloaded(lab, fam):
    lab.witnessed = False
    reload()
    conn, other = lab.connect(fam), lab.connect(10 - fam)
    half = lab.dial(fam, lab.silent[fam])
    lab.expect([(conn, "ESTABLISHED", "ESTABLISHED"), (other, "ESTABLISHED", "ESTABLISHED"),
                (half, "SYN_SENT", "LISTEN")])
    true(any("kallsyms" in trace for trace in traces_of_it()), "nothing shows a loaded module")
    unload()
    equal(traces_of_it(), [], "what is left of it")
    conn.talk()
    module()


@test("files held open do not keep it from unloading, nor harm afterwards", families=None,
      lab=None, serial=True)
def held_open():
    reload()
    ns = Namespace("N")
    forge = Forge(attach(ns))
    forge.send(0)
    wait_for(lambda: ns.net("tcpstate_listeners"), what="a listener")
    forge.halfopens(range(500))
    wait_equal(lambda: proc(ns)["halfopen"], 500, "halfopen")
    with ns:
        held = [os.open(f"/proc/thread-self/net/{name}", os.O_RDONLY) for name in FILES]
    for fd in held:
        true(os.read(fd, 50), "something to read")
    unload()
    for fd in held:
        with contextlib.suppress(OSError):
            equal(os.read(fd, 1 << 16), b"", "what a file says without its module")
    module()
    for fd in held:
        os.close(fd)


HOOKS = 1024            # that the kernel lets a place of a family have (MAX_HOOK_COUNT)


@test("a namespace without room for our hooks stays off and empty, and the module loads",
      families=None, lab=None, serial=True)
def full_of_hooks():
    reload()
    ns = Namespace("full")
    sender = attach(ns)
    ns.sysctl("net.tcpstate.enabled", 0)
    # The last of our places: all others are registered first, and see segments.
    ns.nft("table ip6 full {", *(f"chain c{number} {{ type filter hook output priority 0; }}"
                                 for number in range(HOOKS)), "}")

    def try_it():
        """Enabling fails. Return how many segments were seen meanwhile."""
        before = proc(ns)["segments"]
        try:
            ns.sysctl("net.tcpstate.enabled", 1)
            raise Failure("it was enabled")
        except OSError as error:
            equal(error.errno, errno.E2BIG, "why not")
        seen = proc(ns)
        equal((seen["halfopen"], seen["flows"], seen["listeners"]), (0, 0, 0), "what is left")
        return seen["segments"] - before

    with child(Forge(sender).forever, pause=0.001):
        wait_for(try_it, what="a segment while hooks are registered")
        reload()
        equal(ns.sysctl("net.tcpstate.enabled"), "0", "enabled")
        ns.sysctl("net.tcpstate.checksum", 0)
        ns.nft("delete table ip6 full")
        ns.sysctl("net.tcpstate.enabled", 1)
        wait_for(lambda: proc(ns)["halfopen"], what="half-opens where there is room")


@test("unloaded and loaded under traffic, with readers, twenty times", families=None,
      serial=True)
def reloads(lab):
    lab.witnessed = False
    # The kernel keeps no TIME_WAIT beyond these, and the traffic makes many.
    for host in lab.hosts:
        host.sysctl("net.ipv4.tcp_max_tw_buckets", 1 << 20)
    conns = {fam: lab.connect(fam, dport=99) for fam in (4, 6)}
    half = lab.dial(4, lab.silent[4])
    with contextlib.ExitStack() as stack:
        for cpu, fam in enumerate((4, 6)):
            cpu %= os.cpu_count()
            stack.enter_context(child(transfers, lab, fam, lab.listen(fam), cpu=cpu))
            own = listener(lab.A, fam, 8000)
            stack.enter_context(child(transfers, lab, fam, own, lab.A, LOOPBACK[fam], cpu=cpu))
            stack.enter_context(child(readers, lab.R, cpu))
        busy = 0
        for _ in range(20):
            wait_for(lambda: min(proc(lab.R)["segments"], proc(lab.A)["segments"]), what="traffic")
            while subprocess.run(["rmmod", "tcpstate"], stderr=subprocess.DEVNULL).returncode:
                busy += 1
                true(busy < 200, "always busy")
            module()
        count = proc(lab.R)["closed_fin"] + proc(lab.R)["closed_reset"] + proc(lab.R)["opened"]
        wait_for(lambda: proc(lab.R)["opened"], lambda now: now > count + 2, "traffic goes on")
    print(f"# rmmod was told busy {busy} times of {20 + busy}")
    # Its SYN is sent again, and would be seen then.
    half.a.close()
    # what was under way all the time is picked up, and ends as it should
    for fam, conn in conns.items():
        for ns in lab.A, lab.R, lab.B:
            ns.sysctl("net.tcpstate.enabled", 0)
            ns.sysctl("net.tcpstate.enabled", 1)
        before = proc(lab.R)["picked_up"]
        conn.talk()
        lab.expect([(conn, "ESTABLISHED", "ESTABLISHED")], "AB")
        equal(proc(lab.R)["picked_up"] - before, 1, "picked_up")
        conn.a.shutdown(SHUT_WR)
        lab.expect([(conn, "FIN_WAIT2", "CLOSE_WAIT")], "AB")
        conn.b.close()
        lab.expect([(conn, "TIME_WAIT", "CLOSE")], "AB")


if __name__ == "__main__":
    ktap.main(None, module, reload)
