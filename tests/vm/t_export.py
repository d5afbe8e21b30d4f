#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""
What is exported to Prometheus: what netlink tells, in its format, by its conventions
(promtool's word) and with no more series than is written; over HTTP by a server that
has hardly any privilege left, in each namespace its own. Where tools/asan/tcpstate is
built, that one is run.
"""

import concurrent.futures
import os
import re
import shutil
import subprocess
import tempfile

from exporter import PORT, Exporter, exposition, programs
from flood import Flood
from genl import Channel
from lab import *
from roles import NOBODY
from tool import PLAIN, TOOLS, as_nobody, output, refused

NET_ADMIN = 1 << 12


def same_as_netlink(samples, told):
    """Assert that samples are what STATS_GET tells."""
    for name, value in told.counters.items():
        gauge = name in GAUGES or name in LIMITS
        equal(samples[f"tcpstate_{name}{'' if gauge else '_total'}"], value, name)
    for kind in MEMORY[:-1]:
        equal(samples[f'tcpstate_memory_bytes{{kind="{kind}"}}'], told.memory[kind], kind)
    equal(samples["tcpstate_memory_limit_bytes"], told.memory["limit"], "ceiling")
    for state, (initiators, responders, entered) in told.states.items():
        for role, value in ("initiator", initiators), ("responder", responders):
            equal(samples[f'tcpstate_endpoints{{state="{state}",role="{role}"}}'], value, state)
        equal(samples[f'tcpstate_entered_total{{state="{state}"}}'], entered, state)
        buckets, total = told.dwell[state]
        name, label = "tcpstate_dwell_seconds", f'state="{state}"'
        equal(samples[f'{name}_count{{{label}}}'], sum(buckets), f"stays in {state}")
        equal(round(samples[f'{name}_sum{{{label}}}'] * 1000), total, f"all of {state}")
        equal(samples[f'{name}_bucket{{{label},le="1.024"}}'], sum(buckets[:11]),
              f"stays in {state} of a second")


@test("what is exported is what netlink tells, and in Prometheus's format", families=None)
def once(lab):
    for fam in 4, 6:
        lab.keep(lab.connect(fam)).talk()
        reset(lab.keep(lab.connect(fam)).a)
    wait_equal(lambda: proc(lab.R)["closed_reset"], 2, "RSTs")

    def look():
        samples, families = exposition(output(lab.R, "export"))
        with Channel(lab.R) as channel:
            same_as_netlink(samples, channel.stats())
        return samples, families
    samples, families = wait_for(look, what="an export that nothing disturbed")
    equal(samples['tcpstate_verdicts{verdict="ok"}'], 2, "listeners that are well")
    equal({name for name, kind in families.items()
           if (kind == "counter") != name.endswith("_total")}, set(), "counters by their names")
    with open(f"{TOOLS}/prometheus/README.md") as file:
        written = re.search(r"(\d+) series a host, and (\d+) for each listener", file.read())
    equal(len(samples), int(written[1]), "series, and how many are written")
    one, other = (exposition(output(lab.R, "export", "--listeners", number))[0] for number in "12")
    equal(len(other) - len(one), int(written[2]), "series of a listener")
    empty = output(Namespace("empty"), "export")
    equal(exposition(empty)[0].keys(), samples.keys(), "what is there though all is zero")
    names = {re.match("[a-z_]+", name)[0] for name in other}
    for path in ("prometheus/tcpstate.rules.yml", "prometheus/tcpstate.alerts.yml",
                 "grafana/tcpstate.json"):
        with open(f"{TOOLS}/{path}") as file:
            asked = set(re.findall(r"(?<![:\w])tcpstate_[a-z_]+(?=[{\[ )>])", file.read()))
        true(asked, f"what {path} asks for")
        equal(asked - names, set(), f"asked for in {path}, and not exported")


@test("promtool has nothing to say of it", families=None)
def conventions(lab):
    lab.keep(lab.connect(4))
    promtool = f"{programs()}/promtool"
    text = output(lab.R, "export", "--listeners", "5")
    done = subprocess.run([promtool, "check", "metrics"], input=text, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    equal((done.returncode, done.stdout), (0, ""), "promtool check metrics")


@test("without privilege: all but verdicts; listeners need CAP_NET_ADMIN", families=None)
def unprivileged(lab):
    lab.keep(lab.connect(4))
    with as_nobody(PLAIN) as nobody:
        seen, all_of_it = (exposition(output(lab.R, "export", **options))[0]
                           for options in (nobody, {}))
        equal({re.match("[a-z_]+", name)[0] for name in all_of_it.keys() - seen.keys()},
              {"tcpstate_verdicts"}, "what nobody is told")
        refused(lab.R, "CAP_NET_ADMIN", 2, "export", "--listeners", "3", **nobody)
    for status, words in (1, "--listen nowhere"), (1, "--listen ::1:80"), (1, "--listeners 0"), \
            (1, "--listeners 1001"), (2, "--listen :1 --user nobody-there"), \
            (2, "--listen 10.99.0.1:80"):
        refused(lab.R, words.split()[-1], status, "export", *words.split(), tool=PLAIN)


@test("each namespace has its own exporter, of no privilege but CAP_NET_ADMIN", families=None)
def served(lab):
    addresses = {lab.R: lab.address(4, 2, 1), lab.B: lab.B.addr[4], lab.A: lab.A.addr[4]}
    with contextlib.ExitStack() as stack:
        exporters = {ns: stack.enter_context(Exporter(ns)) for ns in addresses}
        for ns, exporter in exporters.items():
            status = exporter.status()
            equal((status["Uid"].split(), status["Gid"].split(), status["Groups"].strip()),
                  ([str(NOBODY)] * 4, [str(NOBODY)] * 4, ""), f"who it is in {ns}")
            equal({name: int(status[name], 16)
                   for name in ("CapEff", "CapPrm", "CapInh", "CapBnd", "CapAmb")},
                  {"CapEff": NET_ADMIN, "CapPrm": NET_ADMIN, "CapInh": 0, "CapBnd": 0,
                   "CapAmb": 0}, f"what it may in {ns}")
            equal(status["NoNewPrivs"], "1", f"new privileges in {ns}")
        conns = [lab.connect(4, dport=8000 + n) for n in range(3)]
        # asked across the router, by name of no family: what it answers is seen, too
        said = {ns: exporters[ns].read(address=addresses[ns], ns=lab.A) for ns in addresses}
        seen = {ns: proc(ns) for ns in addresses}
        for ns in addresses:
            true(said[ns]["tcpstate_opened_total"] >= len(conns), f"opened in {ns}")
            true(said[ns]["tcpstate_opened_total"] <= seen[ns]["opened"], f"opened in {ns}")
        lab.R.sysctl("net.tcpstate.enabled", 0)
        equal({ns: exporters[ns].read()["tcpstate_enabled"] for ns in addresses},
              {lab.R: 0, lab.B: 1, lab.A: 1}, "where it is watched")
        lab.R.sysctl("net.tcpstate.enabled", 1)
    lab.witnessed = False


@test("it answers what a server should, many at once, and whoever dawdles alone", families=None)
def answers(lab):
    with Exporter(lab.R, "--user", "daemon", "--listeners", "2", where=f"[::1]:{PORT}") as server:
        ask = server.ask
        equal(server.status()["Uid"].split()[0], "1", "daemon")
        status, kind, text = ask("/")
        equal((status, kind.partition(";")[0], "/metrics" in text), (200, "text/html", True), "/")
        equal(ask("/metrics", method="HEAD")[::2], (200, ""), "HEAD")
        equal([ask(path)[0] for path in ("/metric", "/metrics/", "//")], [404] * 3, "elsewhere")
        equal([ask(method=method)[0] for method in ("POST", "DELETE")], [405] * 2, "methods")
        slow = [server.open() for _ in range(5)]
        for connection in slow:
            connection.sock.sendall(b"GET /metrics HT")
        wild = server.open()
        wild.sock.sendall(os.urandom(3000) + b"\r\n\r\n")
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            texts = list(pool.map(lambda _: ask()[2], range(12)))
        for text in texts:
            true("tcpstate_listeners_omitted" in exposition(text)[0], "listeners")
        for connection in slow:
            connection.sock.sendall(b"TP/1.1\r\nHost: r\r\n\r\n")
            true(connection.sock.recv(12) == b"HTTP/1.1 200", "an answer for whoever dawdled")
            connection.close()
        wild.close()


@test("listeners are told one by one where they are asked for, the flooded first", families=None)
def listeners(lab):
    for port in range(8000, 8006):
        lab.keep(lab.connect(4, dport=port))
        lab.keep(lab.connect(4, dport=port))
    with Exporter(lab.R, "--listeners", "3") as server:
        samples = server.read()
        told = [name for name in samples if name.startswith("tcpstate_listener_syn_total")]
        # its own is one of them
        equal((len(told), samples["tcpstate_listeners_omitted"]), (3, 7 - 3), "told, omitted")
        with Flood(lab, 4, dport=80):
            name = f'listener="{lab.B.addr[4]}:80"'

            def flooded():
                samples = server.read()
                return sum(samples.get(f'tcpstate_listener_verdict{{{name},verdict="{verdict}"}}',
                                       0) for verdict in ("flood_spoofed", "flood_few")) == 1 and \
                    sum(samples[f'tcpstate_verdicts{{verdict="{verdict}"}}']
                        for verdict in ("flood_spoofed", "flood_few")) == 1
            wait_for(flooded, what="a listener that is flooded")
            samples = server.read()
            equal(len([name for name in samples if "listener_syn_total" in name]), 3, "told")
            true(samples[f'tcpstate_listener_halfopen{{{name},phase="SYN_RECV"}}'] > 0,
                 "half-opens")
            with Channel(lab.R) as channel:
                many = [each.syn for each in channel.listeners() if each.port == 80]
            true(samples[f"tcpstate_listener_syn_total{{{name}}}"] <= many[0], "its SYNs")


@test("it lives on while the module goes and comes back", lab=loaded(), families=None,
      serial=True)
def module_gone(lab):
    lab.witnessed = False
    with Exporter(lab.R) as server:
        server.read()
        unload()
        status, _, text = server.ask()
        equal((status, "modprobe tcpstate" in text, text.count("\n")), (503, True, 1), text)
        refused(lab.R, "modprobe tcpstate", 2, "export")
        module()
        lab.keep(lab.connect(4))
        equal(server.read()["tcpstate_opened_total"] > 0, True, "afterwards")


@test("a program of its own serves: no other command loads what HTTP takes", lab=None,
      families=None)
def apart():
    libraries = [subprocess.run(["ldd", program], stdout=subprocess.PIPE, text=True,
                                check=True).stdout for program in (PLAIN, f"{PLAIN}-exporter")]
    equal(["libmicrohttpd" in each for each in libraries], [False, True], "linked with HTTP")
    with tempfile.TemporaryDirectory() as place:
        # It would serve on some port until it is ended.
        done = subprocess.run(["timeout", "60", shutil.copy(PLAIN, place), "export", "--listen",
                               "127.0.0.1:0"], capture_output=True, text=True, check=False)
    true((done.returncode, done.stdout) == (2, "") and re.fullmatch(
        r"tcpstate: cannot run .*/tcpstate-exporter: No such file .*; install tcpstate anew\n",
        done.stderr), f"without it: status {done.returncode}, said {done.stderr!r}")


if __name__ == "__main__":
    main()
