#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""
The tool over a crowd of 300 connections: its views tell the same as each other, as
netlink, as /proc and as ss on the hosts; complaints are one line, and nothing that
happens to its output breaks it. Where tools/asan/tcpstate is built, that one is run, but
for what is run by the dozen: its start takes a while.
"""

import errno
import fcntl
import json
import os
import random
import re
import shutil
import signal
import subprocess
import termios

import ktap
from crowd import Crowd
from genl import Channel
from kinds import KINDS, populate
from lab import *
from ktap import test
from tool import (COMPLAINT, PLAIN, abandoned, as_nobody, built, key, keyed, milliseconds,
                  nothing, on_terminal, output, preloaded, read, refused, run, start)

# contract.md
ENDS = "initiator", "responder"
TUPLE = ["family"] + [f"{end}{what}" for end in ENDS for what in ("", "_port", "_state")]
FLOW_KEYS = TUPLE + ["age_ms", "idle_ms", "picked_up", "one_sided", "history"] + [
    f"{end}_{what}" for end in ENDS for what in ("bytes", "segments", "retrans")]
HALFOPEN_KEYS = TUPLE + "phase age_ms syn synack".split()
TITLES = "INITIATOR STATE RESPONDER STATE AGE IDLE".split()
TIMES = "age_ms", "idle_ms"

lab = crowd = None                  # made once; tests that change something come last


# records: dictionaries in the words of JSON

def told(flow):
    """A record of netlink's."""
    record = {"family": f"ipv{flow.fam}", "age_ms": flow.age, "idle_ms": flow.idle,
              "phase": flow.phase, "syn": flow.syn, "synack": flow.synack,
              "picked_up": bool(flow.picked_up), "one_sided": bool(flow.one_sided),
              "history": flow.history}
    for end, name in enumerate(("initiator", "responder")):
        record[name] = flow.address[end]
        for what, values in (("port", flow.port), ("state", flow.states),
                             ("bytes", flow.bytes), ("segments", flow.segments),
                             ("retrans", flow.retrans)):
            record[f"{name}_{what}"] = values[end]
    return record


def rows(text, titles):
    """Records of text, a line each; times are (least, most)."""
    lines = text.splitlines()
    equal(lines[0].split(), titles, "titles")
    true(not any(line != line.rstrip() for line in lines), "no blanks at an end of line")
    equal(len({line.find(line.split()[1]) for line in lines[:65]}), 1, "columns begin")
    found = []
    for line in lines[1:]:
        words = line.split()
        cells = list(zip(titles, words))
        record = {"picked_up": False, "one_sided": False}
        for title, cell in cells:
            if title in ("INITIATOR", "RESPONDER"):
                end = title.lower()
                address, _, port = cell.rpartition(":")
                record["family"] = "ipv6" if address[0] == "[" else "ipv4"
                record[end], record[f"{end}_port"] = address.strip("[]"), int(port)
            elif title == "STATE":
                record[f"{end}_state"] = cell
            elif title in ("AGE", "IDLE"):
                record[f"{title.lower()}_ms"] = milliseconds(cell)
            else:
                record[title.lower()] = int(cell) if cell.isdigit() else cell
        for word in words[len(titles):]:
            name, _, value = word.partition(":")
            if "/" in value:
                record[f"initiator_{name}"], record[f"responder_{name}"] = \
                    map(int, value.split("/"))
            else:
                record[name.replace("-", "_")] = value or True
        found.append(record)
    return found


def same(before, seen, after, names):
    """Assert that what was seen is what was there before and after: the same records,
    and in each of these names the same, times between. Return how many records."""
    before, seen, after = keyed(before), keyed(seen), keyed(after)
    equal(set(seen), set(before), "who is there")
    for who, record in seen.items():
        for name in names:
            least, most = before[who][name], after[who][name]
            value = record.get(name)
            if name in TIMES:
                low, high = value if isinstance(value, tuple) else (value, value)
                true(low <= most and least <= high, f"{who} {name}: {value}, not {least}..{most}")
            else:
                equal((value, most), (least, least), f"{who} {name}")
    return len(seen)


def views(command, method, titles, names):
    """Assert that all views of a command tell the same. Return how many records."""
    with Channel(lab.R) as channel:
        before = [told(flow) for flow in getattr(channel, method)()]
        seen = [read(lab.R, command), read(lab.R, "-p", command),
                rows(output(lab.R, "-o", command), titles),
                rows(output(lab.R, command).replace("\n\t", " "), titles)]
        after = [told(flow) for flow in getattr(channel, method)()]
    for record in seen[0] + seen[1]:
        equal(sorted(record), sorted(names), "keys")
    shown = [name for name in names if command == "flows" or not name.endswith("_state")]
    return sum(same(before, each, after, names if "initiator_state" in each[0] else shown)
               for each in seen)


@test("flows: text, JSON, pretty JSON and netlink tell the same", None)
def flows():
    many = views("flows", "flows", TITLES, FLOW_KEYS)
    equal(many, 4 * len(crowd.lives), "records")
    say(f"{many} records compared")


@test("halfopen: text, JSON, pretty JSON, netlink and /proc tell the same", None)
def halfopen():
    many = views("halfopen", "halfopens", "INITIATOR RESPONDER PHASE AGE SYN SYNACK".split(),
                 HALFOPEN_KEYS)
    equal(many, 4 * sum(life.halfopen for life in crowd.lives), "records")
    lines = {line._replace(age_ms=0) for line in halfopens(lab.R)}
    equal({HalfOpen(each["family"], at(each["initiator"], each["initiator_port"]),
                    at(each["responder"], each["responder_port"]), each["phase"], 0,
                    each["syn"], each["synack"]) for each in read(lab.R, "halfopen")}, lines,
          "/proc/net/tcpstate_halfopen")
    say(f"{many + len(lines)} records compared")


@test("flows says of the crowd what passed", None)
def truth():
    seen = keyed(read(lab.R, "flows"))
    for life in crowd.lives:
        ends = zip(life.address, life.port)
        record = seen[(f"ipv{life.fam}", *(each for end in ends for each in end))]
        equal((record["initiator_state"], record["responder_state"]), life.states, f"{life}")
        equal((record["picked_up"], record["one_sided"]), (life.picked_up, life.one_sided),
              f"{life}: flags")
        if not life.letters:
            continue                            # a real one
        equal(record["history"], life.history, f"{life}: history")
        for what in "bytes", "segments", "retrans":
            equal((record[f"initiator_{what}"], record[f"responder_{what}"]),
                  getattr(life, what), f"{life}: {what}")
    say(f"{len(seen)} records compared")


def still(figures):
    """Those of stats that stand still while nothing passes: leaks are the last sweep's."""
    return {**figures, "leaks": len(figures["leaks"]) <= 2}


@test("stats: text, JSON, netlink and /proc have the same names and figures", None)
def stats():
    for ns in lab.R, lab.A:
        seen = proc(ns)
        names = [name for name in seen.counters]
        for option in "-j", "-p":
            found = read(ns, option)
            again = still(read(ns, option, "stats"))
            for key, value in still(found).items():
                equal(again.get(key), value, f"stats is the default: {key}")
            true({"counters", "enabled", "states", "version"} <= set(found), "keys")
            equal((found["enabled"], found["version"]), (True, version()), "about the module")
            equal(list(found["counters"].items()), list(seen.counters.items()), "counters")
            equal(list(found["memory"].items()), list(seen.memory.items()), "memory")
            equal({name: tuple(row[each] for each in ("initiator", "responder", "entered"))
                   for name, row in found["states"].items()}, seen.states, "states")
            equal(list(found["states"]), STATES, "order of states")
            true(all(len(row) == 3 for row in found["states"].values()), "keys of a state")
        with Channel(ns) as channel:
            asked = channel.stats()
        equal((asked.states, {name: asked.counters[name] for name in names}),
              (seen.states, seen.counters), "netlink")
        equal({name: asked.memory[name] for name in MEMORY}, seen.memory, "memory by netlink")
        text = output(ns, "stats")
        found = {row[0]: tuple(map(int, row[1:])) for row in re.findall(
            r"^([A-Z_0-9]+) +(\d+) +(\d+) +(\d+)$", text, re.M)}
        equal(found, seen.states, "states as text")
        found = {name: int(value) for name, value in re.findall(r"  ([a-z_]+) +(\d+)", text)}
        equal(found, seen.counters, "counters as text")
        part = re.search(r"\n\nmemory, in octets\n((?:  .*\n)+)", text)
        found = dict(re.findall(r"^  ([a-z]+): +(\d+)$", part[1], re.M))
        equal({name: int(value) for name, value in found.items()}, seen.memory,
              "memory as text")


def version():
    with open("/sys/module/tcpstate/version") as file:
        return file.read().strip()


# complaints

BAD = [
    ("-x", "-x"), ("--nope", "--nope"), ("--json=x", "--json"), ("nope", "nope"),
    ("flows nope", "nope"), ("flows state", "state"), ("flows exclude", "exclude"),
    ("flows src", "src"), ("flows dport", "dport"), ("flows sport >=", "sport"),
    ("flows older", "older"), ("flows idle", "idle"), ("flows not", "not"),
    ("flows not sport 1", "sport"), ("flows sport 80 and", "and"), ("-n", "-n"),
    ("flows --netns", "--netns"),
    ("flows src 10.0.0.0/33", "10.0.0.0/33"), ("flows src 10.0.0.256", "10.0.0.256"),
    ("flows src 10.0.0", "10.0.0"), ("flows dst 10.0.0.0/", "10.0.0.0/"),
    ("flows dst 10.0.0.0/-1", "10.0.0.0/-1"), ("flows dst 10.0.0.0/8x", "10.0.0.0/8x"),
    ("flows src fd00::/129", "fd00::/129"), ("flows src fd00:::1", "fd00:::1"),
    ("flows src [fd00::1", "[fd00::1"), ("flows src [10.0.0.1]", "[10.0.0.1]"),
    ("flows src 10.0.0.1:65536", "10.0.0.1:65536"), ("flows src localhost", "localhost"),
    ("flows sport 65536", "65536"), ("flows sport -1", "-1"), ("flows sport x", "x"),
    ("flows sport 5-4", "5-4"), ("flows sport 99999999999999999999", "99999999999999999999"),
    ("flows sport != 80", "!="), ("flows dport >= 4-5", "4-5"), ("flows dport 80,", "80,"),
    ("flows state bogus", "bogus"), ("flows state established,", ""),
    ("flows state established,bogus", "bogus"), ("flows sstate 1", "1"),
    ("flows older 5x", "5x"), ("flows older -5", "-5"), ("flows idle 1.5s", "1.5s"),
    ("flows idle 99999999999999999999", "99999999999999999999"), ("flows idle s", "s"),
    ("-4 flows src fd00::/8", "fd00::/8"), ("-6 flows dst 10.0.0.0/8", "10.0.0.0/8"),
    ("flows src 10.0.0.0/8 dst fd00::/8", "fd00::/8"), ("-4 -6 flows", "-6"),
    ("flows sport 80 sport 81", "sport"), ("flows picked-up not picked-up", "picked-up"),
    ("flows src 10.0.0.1 src 10.0.0.2", "src"), ("flows state listen exclude listen", "state"),
    ("flush now", "now"), ("stats established", "established"), ("version 2", "2"),
    ("stats -4", "-4"), ("halfopen nope", "nope"), ("flows flows", "flows"),
]


@test("wrong usage is one line that has the offending word, and status 1", None)
def bad_usage():
    for words, offending in BAD:
        refused(lab.R, offending, 1, *words.split(), tool=PLAIN)
    refused(lab.R, "''", 1, "flows", "")
    refused(lab.R, "''", 1, "flows", "state", "")
    refused(lab.R, "'two?[1mlines'", 1, "flows", "two\033[1mlines")
    refused(lab.R, "x" * 80, 1, "flows", "src", "x" * 80)
    say(f"{len(BAD) + 4} complaints read")


@test("a namespace that is not there is one line, and status 2", None)
def bad_namespace():
    refused(lab.R, "nowhere", 2, "-n", "nowhere")
    refused(lab.R, "/nowhere", 2, "--netns", "/nowhere", "flows")
    refused(lab.R, "/dev/null", 2, "--netns=/dev/null", "flush")
    refused(lab.R, "name", 2, "-n", "x" * 5000, "stats")


@test("without privilege: stats and version alone; one line, and status 2", None)
def nobody():
    with as_nobody() as options:
        equal(still(read(lab.R, "stats", **options)), still(read(lab.R, "stats")),
              "what nobody may read")
        equal(output(lab.R, "version", **options), output(lab.R, "version"), "the version")
        for command in "flows", "halfopen", "listeners", "hosts", "flush":
            refused(lab.R, "CAP_NET_ADMIN", 2, command, **options)
        refused(lab.R, "CAP_SYS_ADMIN", 2, "-n", "/proc/self/ns/net", **options)


# output

@test("a reader that leaves ends it without a word", None)
def closed_pipe():
    for words in ["flows"], ["-j", "flows"], ["-p", "flows"], ["-o", "flows"]:
        abandoned(lab.R, *words)


@test("a device that is full, or none, is one line, and status 2", None)
def full():
    commands = (["flows"], ["-j", "flows"], ["stats"], ["-j", "stats"], ["-h"], ["-V"],
                ["version"])
    for words in commands:
        with open("/dev/full", "w") as device:
            refused(lab.R, os.strerror(errno.ENOSPC), 2, *words, stdout=device)
        refused(lab.R, os.strerror(errno.EBADF), 2, *words, stdout=None,
                by=["bash", "-c", 'exec "$0" "$@" >&-'])
    done = run(lab.R, "flows", stdout=None, by=["bash", "-c", 'exec "$0" "$@" >/dev/full 2>&-'])
    equal(done.returncode, 2, "status where the complaint has no place either")


@test("an interrupted dump is valid JSON", None)
def interrupted():
    for option in "-j", "-p":
        for number in signal.SIGINT, signal.SIGTERM:
            process = start(lab.R, option, "flows")
            waiting = bytearray(4)

            def blocked():
                fcntl.ioctl(process.stdout, termios.FIONREAD, waiting, True)
                return int.from_bytes(waiting, "little") == 4096
            wait_for(blocked, what="a full pipe")
            process.send_signal(number)
            seen = json.loads(process.stdout.read())
            said = process.stderr.read()
            equal((process.wait(), said), (-number, ""), "status, complaint")
            true(0 < len(seen) < len(crowd.lives), f"{len(seen)} records: part of them")
            equal(set(keyed(seen)) - set(keyed(read(lab.R, "flows"))), set(), "strangers")


@test("no record is an empty array, or titles alone", None)
def none():
    empty = Namespace("E")
    for words in ["flows"], ["halfopen"], ["flows", "-4", "dport", "81"]:
        nothing(empty, *words)
    nothing(lab.R, "flows", "dport", "2", "older", "9d")
    nothing(lab.R, "halfopen", "state", "established")
    sums = read(empty, "stats")
    equal((set(sums["counters"].values()) - {0, *proc(empty).counters.values()},
           sum(sum(row.values()) for row in sums["states"].values())), (set(), 0), "stats")


@test("it names another namespace, and takes options anywhere", None)
def elsewhere():
    empty, name = Namespace("E"), f"tool{os.getpid()}"
    os.makedirs("/run/netns", exist_ok=True)
    with open(f"/run/netns/{name}", "w"):
        pass
    subprocess.run(["mount", "--bind", lab.R.path, f"/run/netns/{name}"], check=True)
    here = set(keyed(read(lab.R, "flows")))
    try:
        for words in (["-n", name, "flows"], ["--netns", name, "flows"], ["flows", "-n", name],
                      ["-n", lab.R.path, "flows"], [f"--netns=/run/netns/{name}", "flows"],
                      ["flows", "older", "0", f"-n{name}"]):
            equal(set(keyed(read(empty, *words))), here, f"{words}")
    finally:
        subprocess.run(["umount", f"/run/netns/{name}"], check=True)
        os.unlink(f"/run/netns/{name}")
    four, six = (set(keyed(json.loads(output(lab.R, "flows", f"-{fam}", "--json", "-N"))))
                 for fam in (4, 6))
    equal((four | six, four & six), (here, set()), "both families together")
    true(all(each[0] == "ipv4" for each in four), "-4")


@test("help and versions go to standard output", None)
def about():
    for word in "-h", "--help":
        text = output(lab.R, word)
        for name in ("stats flows halfopen listeners hosts flush version --json --netns src "
                     "dport").split():
            true(name in text, f"{word} tells of {name}")
    for word in "-V", "--version":
        equal(output(lab.R, word), f"tcpstate {version()}\n", word)
    equal(re.findall(r"^(\w+) +(.+)$", output(lab.R, "version"), re.M),
          [("tool", version()), ("module", version())], "version")
    equal(read(lab.R, "version"), {"tool": version(), "module": version()}, "version as JSON")


@test("colours are for terminals", None)
def colours():
    colour = re.compile(r"\033\[([\d;]*)m")
    words = ["flows", "-o", "state", "all"]
    text = on_terminal(lab.R, *words)
    cells = re.findall(r"\033\[(\d+)m(\w+)\033\[0m", text)
    equal(len(cells), 2 * len(crowd.lives), "states that are painted")
    equal(len(colour.findall(text)), 2 * len(cells), "nothing else is")
    equal(len(set(cells)), len({name for _, name in cells}), "a state has one colour")
    plain = [colour.sub("", text), on_terminal(lab.R, *words, NO_COLOR="1"),
             on_terminal(lab.R, *words, TERM="dumb"), output(lab.R, *words)]
    for each in plain:
        true("\033" not in each, "no colours")
        equal(set(keyed(rows(each, TITLES))), set(keyed(rows(plain[0], TITLES))), "who is there")
    true(colour.search(on_terminal(lab.R, *words, NO_COLOR="")), "an empty NO_COLOR says nothing")
    true("\033" not in on_terminal(lab.R, "-j", "flows"), "no colours in JSON")


# what kernels rarely do, and other witnesses

@test("a dump that was interrupted is read again, and each record printed once", None)
def read_again():
    here = keyed(read(lab.R, "flows"))
    for count, lose in (1, {}), (1, {"DUMP_SHIM_LOSE": "1"}), (3, {"DUMP_SHIM_LOSE": "1"}):
        env = {**preloaded("dump_shim"), "DUMP_SHIM_COUNT": str(count), **lose}
        seen = read(lab.R, "flows", tool=PLAIN, env=env)
        equal(set(keyed(seen)), set(here), f"records with {env}")
        seen = rows(output(lab.R, "-o", "flows", tool=PLAIN, env=env), TITLES)
        equal(set(keyed(seen)), set(here), f"records as text with {env}")
    env = {**preloaded("dump_shim"), "DUMP_SHIM_COUNT": "1000000"}
    done = run(lab.R, "-j", "flows", tool=PLAIN, env=env)
    equal(done.returncode, 2, "status where it never ends well")
    true(re.fullmatch(r"tcpstate: [^\n]+\n", done.stderr), f"one line, not {done.stderr!r}")
    equal(set(keyed(json.loads(done.stdout))), set(here), "records all the same")


@test("valgrind finds no fault", None)
def valgrind():
    if not shutil.which("valgrind"):
        raise Skip("valgrind is not installed")
    checked = {"tool": PLAIN, "by": ["valgrind", "-q", f"--error-exitcode={COMPLAINT}",
                                     "--leak-check=full", "--errors-for-leak-kinds=all"]}
    true(read(lab.R, "flows", "state", "connected", "src", "10.0.0.0/8:1024-65535", **checked),
         "flows")
    true(output(lab.R, "stats", **checked), "stats")
    refused(lab.R, "10.0.0.0/33", 1, "flows", "src", "10.0.0.0/33", **checked)


@test("flows agrees with ss on both hosts, record by record", None, Lab, serial=True)
def agrees_with_ss(lab):
    conns = populate(lab, random.Random(SEED), list(KINDS) * 3)
    owner = {host.addr[fam]: host for host in lab.hosts for fam in (4, 6)}

    def look():
        said = {host: ss(host) for host in lab.hosts}
        sockets = sum(map(len, said.values()))
        records = read(lab.R, "flows")
        keyed(records)
        for record in records:
            names = [at(record[end], record[f"{end}_port"]) for end in ENDS]
            for end, own, peer in zip(ENDS, names, names[::-1]):
                host, state = owner.get(record[end]), record[f"{end}_state"]
                if host:
                    equal(said[host].pop((own, peer), None),
                          None if state in ("CLOSE", "LISTEN") else state, f"ss of {own} {peer}")
        equal(said, {host: {} for host in lab.hosts}, "sockets without a record")
        return sockets, len(records)
    sockets, records = wait_for(look, lambda _: True, "agreement")
    true(sockets > len(conns), f"{sockets} sockets are few")
    say(f"{sockets} sockets and {records} records compared")


@test("a namespace that is not watched says so", None, serial=True)
def unwatched():
    ns = Namespace("U")
    ns.sysctl("net.tcpstate.enabled", 0)
    equal(read(ns, "stats")["enabled"], False, "enabled")
    true("net.tcpstate.enabled=1" in output(ns, "stats"), "text says how to watch it")


@test("flush forgets every connection of one namespace", None, serial=True)
def flush():
    ns = fresh("F")
    listener, kept = ns.socket(4), []
    listener.bind(("127.0.0.1", 80))
    listener.listen()
    for _ in range(5):
        sock = ns.socket(4)
        sock.connect(("127.0.0.1", 80))
        kept += [sock, listener.accept()[0]]
    wait_equal(lambda: len(read(ns, "flows", "state", "established")), 5, "flows")
    equal(output(ns, "flush"), "", "what it says")
    equal(read(ns, "flows"), [], "afterwards")
    equal((proc(ns)["flushed"], proc(ns).unequal()), (5, []), "counted")
    equal(output(ns, "flush"), "", "what it says of nothing")
    equal(len(read(lab.R, "flows")), len(crowd.lives), "elsewhere")


@test("without the module: one line that says how to load it, and status 2", None, serial=True)
def no_module():
    unload()
    try:
        for words in [], ["-j"], ["stats"], ["flows"], ["-j", "flows", "sport", "1"], \
                ["halfopen"], ["-j", "listeners"], ["hosts"], ["flush"]:
            refused(lab.R, "modprobe tcpstate", 2, *words)
        refused(lab.R, "bogus", 1, "flows", "state", "bogus")
        true("module  not loaded" in output(lab.R, "version"), "version says so")
        equal(read(lab.R, "version")["module"], None, "version as JSON")
    finally:
        module()


def prepare():
    global lab, crowd
    module()
    built()
    say(f"seed {SEED}")
    lab = Lab()
    crowd = Crowd(lab, SEED)


if __name__ == "__main__":
    ktap.main(None, prepare)
