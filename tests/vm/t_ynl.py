#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""
The kernel's own netlink command line, which knows of the family what the spec
module/uapi/tcpstate.yaml says, drives the live family: what it prints is what
/proc/tcpstate and the raw client of genl.py say.
"""

import ast
import ctypes
import errno
import functools
import importlib
import json
import os
import random
import re
import runpy
import subprocess
import sys
import time
import traceback
from dataclasses import asdict, replace

import yaml

from crowd import *
from flood import Flood
from genl import *
from lab import *

HERE = os.path.dirname(os.path.realpath(__file__))
SPEC = os.path.realpath(f"{HERE}/../../module/uapi/tcpstate.yaml")
with open(SPEC) as _file:
    FAMILY = yaml.safe_load(_file)
OPS = {op["name"]: op for op in FAMILY["operations"]["list"]}
# Left out of replies where there is nothing to say.
OPTIONAL = {"phase", "responder-latency", "initiator-latency", "pair", "transition", "resets",
            "leak", "completion", "usual", "source"}


# the command line

def _fetched():
    """Where the kernel's tools are, or why they are not here."""
    found = subprocess.run([f"{HERE}/ynl"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                           text=True)
    return (found.stdout.strip(), None) if not found.returncode else (None, found.stderr.strip())


# What a run of it spends on an emulated CPU is imports, and YAML read in Python: so it
# runs in a fork of this process, which has it imported, and libyaml reads.
TREE, MISSING = _fetched()
if TREE:
    sys.path.insert(0, f"{TREE}/tools/net/ynl")
    importlib.import_module("lib")
    yaml.safe_load = functools.partial(yaml.load, Loader=yaml.CSafeLoader)


# User-Mode Linux has numbers of 64 bits aligned, by attributes that 6.12's command line takes
# for a type it does not know.
PADDED = "uml" in os.uname().release


def unpadded(said):
    """JSON, decoded, without what only makes room in a message."""
    return json.loads(said, object_hook=lambda found: {
        name: value for name, value in found.items() if name != "pad"})


class Cli:
    """One run in a namespace, begun: ("do", "stats-get"), ("dump", "flow-get", {...}).
    schema=True: it validates the spec first. before() is called in its process; more
    are arguments."""

    def __init__(self, ns, kind, op, wanted=None, schema=False, before=None, more=()):
        if not TREE:
            raise Skip(MISSING)
        path = f"{TREE}/tools/net/ynl/cli.py"
        args = [path, "--spec", SPEC, "--output-json", f"--{kind}", op, *more]
        args += ["--schema", f"{TREE}/Documentation/netlink/{FAMILY['protocol']}.yaml"] \
            if schema else ["--no-schema"]
        if wanted:
            args += ["--json", json.dumps(wanted)]
        if PADDED:
            args.append("--process-unknown")
        sys.stdout.flush()
        self.reader, writer = os.pipe()
        self.pid = os.fork()
        if not self.pid:
            status = 2
            try:
                for fd in 1, 2:
                    os.dup2(writer, fd)
                with ns:
                    if before:
                        before()
                    sys.argv = args
                    runpy.run_path(path, run_name="__main__")
                status = 0
            except SystemExit as end:
                status = end.code
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                os._exit(status)
        os.close(writer)

    def said(self):
        """All that it printed."""
        with open(self.reader) as file:
            return file.read()

    def end(self):
        """Await its end: what it printed, decoded. What the kernel refused is a Refusal."""
        said = self.said()
        if os.waitpid(self.pid, 0)[1] == 0:
            return unpadded(said)
        code = re.search(r"^\terror: -(\d+)$", said, re.M)
        true(code, f"the command line failed: {said}")
        extack = re.search(r"^\textack: (\{.*\})$", said, re.M)
        extack = ast.literal_eval(extack[1]) if extack else {}
        raise Refusal(int(code[1]), extack.get("msg"), extack.get("bad-attr"), extack)


def cli(*args, **options):
    """A whole run."""
    return Cli(*args, **options).end()


class Subscriber(Cli):
    """A run that hears a multicast group of a namespace until end(): it sleeps not for
    some seconds but until then."""

    def __init__(self, ns, group):
        ready, begun = os.pipe()
        over, self.over = os.pipe()

        def before():
            os.close(self.over)

            def sleep(_):
                os.write(begun, b"!")
                os.read(over, 1)
            time.sleep = sleep
        super().__init__(ns, "subscribe", group, before=before, more=["--sleep", "1"])
        os.close(begun)
        os.close(over)
        if not os.read(ready, 1):
            raise Failure(f"no subscriber of {group}: {self.said()}")
        os.close(ready)

    def end(self):
        """What it heard: the attributes of each message, which all are of one kind."""
        # those that began after it have this end of the pipe too
        os.write(self.over, b"!")
        os.close(self.over)
        heard = super().end()
        true(len({each["name"] for each in heard}) <= 1, f"kinds of messages: {heard}")
        return [(each["name"], each["msg"]) for each in heard]


# the two languages: the raw client's, and JSON by the spec

def dashed(name):
    return name.lower().replace("_", "-")


def to_json(wanted):
    """What fields() takes, for the command line."""
    said = {}
    for name, value in wanted.items():
        if isinstance(value, dict):
            value = to_json(value)
        elif isinstance(value, set):
            value = [dashed(state) for state in sorted(value)]
        elif name == "addr":
            value = packed(value).hex()
        elif name == "family":
            value = {4: socket.AF_INET, 6: socket.AF_INET6}[value]
        said[dashed(name)] = value
    return said


def state_of(name):
    return {dashed(state): state for state in STATES}[name]


def to_flow(said):
    """A reply of a dump, as the raw client's Flow; Failure where it is not what the spec
    lists for it."""
    listed = OPS["flow-get"]["dump"]["reply"]["attributes"]
    true(set(listed) - OPTIONAL <= said.keys() <= set(listed), f"attributes of {said}")
    ends = said["initiator"], said["responder"]
    return Flow({socket.AF_INET: 4, socket.AF_INET6: 6}[said["family"]],
                tuple(end["addr"] for end in ends), tuple(end["port"] for end in ends),
                tuple(state_of(end["state"]) for end in ends),
                *(tuple(end[name] for end in ends) for name in ("bytes", "segments", "retrans")),
                said["age"], said["idle"], said.get("phase") and state_of(said["phase"]),
                *(said[name] for name in ("syn", "synack", "picked-up", "one-sided", "history")))


def by_key(flows):
    """The flows, without what time changes, by who they are."""
    found = {flow.key: asdict(replace(flow, age=0, idle=0)) for flow in flows}
    equal(len(found), len(flows), "connections told once")
    return found


def die_of_today():
    """A die with a seed of its own each time, which it tells."""
    seed = int(os.environ.get("LAB_SEED", time.time_ns()))
    print(f"# LAB_SEED={seed}")
    return random.Random(seed)


# claims

@test("the family's operations, their kinds and rights are those of the spec", families=None,
      lab=None)
def operations():
    kinds = {"do": CAN_DO, "dump": CAN_DUMP}
    rights = {"uns-admin-perm": UNS_ADMIN_PERM, "admin-perm": ADMIN_PERM}
    with Channel() as channel:
        told = {cmd: flags & ~HAS_POLICY for cmd, flags in channel.info["ops"].items()}
        equal((channel.info["name"], channel.info["version"]),
              (FAMILY["name"], FAMILY["version"]), "name and version")
    equal(told, {COMMANDS[name.upper().replace("-", "_")]:
                 sum(kinds[kind] for kind in kinds if kind in op) |
                 sum(rights[flag] for flag in op.get("flags", ()))
                 for name, op in OPS.items() if {"do", "dump"} & op.keys()}, "operations")


@test("the command line's own schema lets the spec pass", families=None, lab=None)
def schema():
    said = cli(first(), "do", "stats-get", schema=True)
    listed = set(OPS["stats-get"]["do"]["reply"]["attributes"])
    true(listed - OPTIONAL <= said.keys() <= listed, f"attributes {list(said)}")


@test("stats-get is /proc/tcpstate", families=None)
def stats(lab):
    for fam in 4, 6:
        lab.keep(lab.connect(fam)).talk()
        lab.keep(lab.dial(fam, lab.silent[fam]))
    wait_equal(lambda: (proc(lab.R)["flows"], proc(lab.R)["halfopen"]), (2, 2), "connections")

    def look():
        shown = proc(lab.R)
        said = cli(lab.R, "do", "stats-get")
        again = proc(lab.R)
        equal(again.text, shown.text, "/proc/tcpstate before and after")
        equal([(state_of(row["state"]), row["initiator"], row["responder"], row["entered"])
               for row in said["state"]],
              [(name, *row) for name, row in shown.states.items()], "states")
        equal(list(said["counters"].items()),
              [(dashed(name), value) for name, value in shown.counters.items()], "counters")
        with Channel(lab.R) as channel:
            equal((said["version"], said["enabled"]), (channel.stats().version, 1),
                  "version, enabled")
    # the silent are asked again and again, and more and more seldom
    wait_for(look, lambda _: True, "a reading that nothing disturbed")
    for host in lab.hosts:
        equal(cli(host, "do", "stats-get")["counters"]["flows"], 2, f"flows in {host}")


@test("flow-get and halfopen-get tell what the raw client and /proc tell", families=None)
def dumps(lab):
    crowd = Crowd(lab, die_of_today(), 120)
    with Channel(lab.R) as channel:
        for op, raw_dump in ("flow-get", channel.flows), ("halfopen-get", channel.halfopens):
            first = {flow.key: flow for flow in raw_dump()}
            said = [to_flow(each) for each in cli(lab.R, "dump", op)]
            last = {flow.key: flow for flow in raw_dump()}
            equal(by_key(said), by_key(first.values()), op)
            for flow in said:
                for clock in "age", "idle":
                    true(getattr(first[flow.key], clock) <= getattr(flow, clock) <=
                         getattr(last[flow.key], clock), f"{op}: {clock} of {flow}")
    equal({flow.halfopen._replace(age_ms=0) for flow in said},
          {line._replace(age_ms=0) for line in halfopens(lab.R)}, "half-opens in /proc")
    equal(len(said), sum(life.halfopen for life in crowd.lives), "half-opens that were forged")


WANTED = [
    {"family": 6},
    {"states": {"ESTABLISHED", "TIME_WAIT"}},
    {"initiator": {"states": {"FIN_WAIT2"}}, "responder": {"states": {"CLOSE_WAIT"}}},
    {"initiator": {"addr": "10.77.54.0", "prefix": 25}},
    {"responder": {"addr": "2001:db8:77::", "prefix": 64, "port": 443}},
    {"family": 4, "responder": {"port": 8000, "port_last": 19999}, "picked_up": 0},
    {"picked_up": 1, "initiator": {"port": 20000, "port_last": 65535}},
    {"one_sided": 1},
]


@test("filters, nests in them too, select what they select for the raw client", families=None)
def filters(lab):
    Crowd(lab, die_of_today(), 200)
    useless = []
    with Channel(lab.R) as channel:
        oldest = max(channel.flows(), key=lambda flow: flow.age)
        lab.keep(lab.connect(4))
        aged = {"min_age": oldest.age, "min_idle": oldest.idle}
        for op, raw_dump in ("flow-get", channel.flows), ("halfopen-get", channel.halfopens):
            everybody = len(raw_dump())
            for wanted in [aged, *WANTED] if op == "flow-get" else WANTED[:1]:
                first = by_key(raw_dump(**wanted))
                said = by_key([to_flow(each)
                               for each in cli(lab.R, "dump", op, to_json(wanted))])
                last = by_key(raw_dump(**wanted))
                # in between some may have come of the age that is asked for
                equal({**last, **said}, last, f"{op} {wanted}, at most")
                equal({**said, **first}, said, f"{op} {wanted}, at least")
                if not 0 < len(said) < everybody:
                    useless.append((op, wanted, len(said)))
    equal(useless, [], "filters that choose")


REFUSED = [
    {"initiator": {"prefix": 24}},
    {"responder": {"addr": "10.9.1.0", "prefix": 33}},
    {"family": 6, "responder": {"port": 80, "addr": "10.9.1.2"}},
    {"responder": {"port": 443, "port_last": 80}},
    {"states": set()},
    {"initiator": {"states": 1}},
    {"picked_up": 2},
    {"age": 1000},
]


@test("what the kernel refuses is shown: why, and which attribute", families=None, lab=None)
def refusals():
    def refused(function, *args):
        try:
            return Failure(f"granted {args}: {function(*args)}")
        except Refusal as refusal:
            return refusal

    here = first()
    named = 0
    with Channel() as channel:
        for wanted in REFUSED:
            asked = refused(lambda wanted: channel.flows(**wanted), wanted)
            said = refused(cli, here, "dump", "flow-get", to_json(wanted))
            path = asked.named and "".join("." + dashed(each.partition("_")[2])
                                           for each in asked.named.split("/"))
            equal((said.errno, said.message, said.named), (asked.errno, asked.message, path),
                  f"{wanted}")
            equal("policy" in said.tlvs, "policy" in asked.tlvs, f"{wanted}: policy")
            named += bool(path and said.message)
    # 6.1 has no word to say of what the beginning of a dump refuses, only the policy
    true(named >= 3, f"only {named} attributes were named")
    said = refused(cli, here, "do", "halfopen-get")
    equal(said.errno, errno.EOPNOTSUPP, "a dump that is asked for as a do")


def give_up_net_admin():
    """Drop CAP_NET_ADMIN from the effective set of this process."""
    libc = ctypes.CDLL(None, use_errno=True)
    head, sets = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    equal(libc.capget(head, sets), 0, "capget")
    sets[0] &= ~(1 << 12)
    equal(libc.capset(head, sets), 0, "capset")


@test("without CAP_NET_ADMIN stats-get is granted, and nothing else", families=None)
def rights(lab):
    lab.keep(lab.connect(4))
    equal(cli(lab.R, "do", "stats-get", before=give_up_net_admin)["counters"]["flows"], 1, "flows")
    for kind, op in ("dump", "flow-get"), ("dump", "halfopen-get"), ("dump", "listener-get"), \
            ("dump", "host-get"), ("do", "flush"):
        try:
            raise Failure(f"{op} granted: {cli(lab.R, kind, op, before=give_up_net_admin)}")
        except Refusal as refusal:
            equal(refusal.errno, errno.EPERM, op)
    equal(proc(lab.R)["flows"], 1, "flows after a flush that was refused")


def event_attributes(op, told):
    """Assert that a notification has what the spec lists for it, or leaves out what it may."""
    listed = set(OPS[op]["event"]["attributes"])
    may = OPTIONAL | {"reason", "by", "conn-state", "ack", "relative-ack"}
    true(listed - may <= told.keys() <= listed, f"attributes of {told}")


@test("a subscriber hears what becomes of a connection, and of each of its segments")
def subscribe(lab, fam):
    groups = [Subscriber(lab.R, group) for group in ("flows", "closed", "segments")]
    with Channel(lab.R) as channel:
        channel.do("TRACE_SET", fields("FLOW", {"responder": {"port": 80}}))
        conn = lab.connect(fam)
        conn.talk()
        reset(conn.a)
        lab.expect([], counters={"opened": 1, "established": 1, "closed_reset": 1})
        last = channel.settled()
        segments = lab.sniffer.all()
        heard, closed, traced = (group.end() for group in groups)
    equal([name for name, _ in heard + closed], ["flow-ntf"] * 4, "names")
    for _, told in heard + closed:
        event_attributes("flow-ntf", told)
        equal((at(told["initiator"]["addr"], told["initiator"]["port"]),
               at(told["responder"]["addr"], told["responder"]["port"])),
              (conn.initiator, conn.responder), "ends")
    equal([(told["event"], told["seq"]) for _, told in heard + closed],
          [("opened", 1), ("established", 2), ("closed", 3), ("closed", 1)], "events and numbers")
    equal(heard[0][1]["initiator"]["state"], "syn-sent", "state of one that opened")
    for _, told in heard[2], closed[0]:
        equal((told["reason"], told["by"], told["initiator"]["bytes"]), ("reset", "initiator", 4),
              "reason, by, octets")
    for name, told in traced:
        equal(name, "segment-ntf", "name")
        event_attributes("segment-ntf", told)
    equal([(told["from"], told["flags"], told["number"], told.get("ack", 0), told["length"])
           for _, told in traced],
          [("initiator" if seg.src == lab.A.addr[fam] else "responder", seg.flags, seg.seq,
            seg.ack if seg.flags & 16 else 0, seg.length) for seg in segments], "segments")
    equal([told["seq"] for _, told in traced], list(range(1, len(segments) + 1)), "numbers")
    equal((traced[2][1]["facts"], traced[-1][1]["reason"]), (["established"], "reset"),
          "fact and reason")
    equal((last["flows"], last["closed"], last["segments"]), (3, 1, len(segments)),
          "last numbers")


def to_listener(said):
    """A reply of listener-get, or an alert, as the raw client's Listener."""
    listed = set(OPS["listener-get"]["dump"]["reply"]["attributes"])
    true(listed - OPTIONAL <= said.keys(), f"attributes of {said}")
    told = {name.replace("-", "_"): value for name, value in said.items() if name in listed}
    end, heavy = told.pop("endpoint"), told.pop("source", ())
    true(all(len(told[name]) == 32 for name in ("responder_latency", "initiator_latency")),
         f"latencies of {said}")
    return Listener({socket.AF_INET: 4, socket.AF_INET6: 6}[told.pop("family")], end["addr"],
                    end["port"], verdict=told.pop("verdict").replace("-", "_"),
                    heavy=tuple((each["addr"], each["share"]) for each in heavy),
                    **{name: tuple(value) if isinstance(value, list) else value
                       for name, value in told.items()})


def by_name(listeners):
    """Listeners, without what time changes, by who they are."""
    return {each.key: asdict(replace(each, since=0, told=None)) for each in listeners}


@test("listener-get tells what the raw client tells, and filters likewise", families=None)
def listeners(lab):
    for fam in 4, 6:
        for port in 80, 443, 8080:
            lab.keep(lab.connect(fam, dport=port)).talk()
        lab.keep(lab.dial(fam, lab.silent[fam]))
    with Channel(lab.R) as channel:
        for wanted in {}, {"family": 6}, {"endpoint": {"port": 80, "port_last": 443}}, \
                {"endpoint": {"addr": "10.9.2.0", "prefix": 24}}, {"verdicts": {"ok"}}, \
                {"verdicts": {"flood_few"}}:
            def look():
                before = by_name(channel.listeners(**wanted))
                said = by_name(map(to_listener, cli(lab.R, "dump", "listener-get",
                                                    to_json(wanted))))
                equal(by_name(channel.listeners(**wanted)), before, "nothing moves")
                equal(said, before, f"{wanted}")
                return len(said)
            many = wait_for(look, lambda _: True, "agreement")
            true(bool(many) == (wanted != {"verdicts": {"flood_few"}}), f"{wanted}: {many}")
    equal(cli(lab.R, "dump", "host-get"), [], "hosts")


@test("a subscriber hears of a flood", families=None)
def alerts(lab):
    subscriber = Subscriber(lab.R, "alerts")
    with Channel(lab.R) as channel, Flood(lab, 4):
        wait_for(lambda: channel.stats().seq["alerts"], what="an alert")
    heard = subscriber.end()
    true(heard, "something was heard")
    for number, (name, told) in enumerate(heard, 1):
        equal((name, told["seq"]), ("alert-ntf", number), "name and number")
    first = heard[0][1]
    listener = to_listener(first)
    equal((listener.address, listener.port), (lab.B.addr[4], 80), "whose")
    true(listener.verdict.startswith("flood") and first["before"] in ("ok", "surge") and
         first["alert"] == "begin", f"verdict {listener.verdict} after {first['before']}")


@test("flush forgets every connection", families=None)
def flush(lab):
    for fam in 4, 6:
        lab.keep(lab.connect(fam))
        lab.keep(lab.dial(fam, lab.silent[fam]))
    wait_equal(lambda: proc(lab.B)["flows"], 2, "flows in B")
    equal(len(cli(lab.R, "dump", "flow-get")), 4, "connections before")
    # the silent are asked again: none of that after the flush
    lab.R.sysctl("net.tcpstate.loose", 0)
    lab.drop("oifname b0")
    equal(cli(lab.R, "do", "flush"), None, "reply")
    seen = proc(lab.R)
    equal(seen["flushed"], 4, "flushed")
    equal(seen["flows"], 0, "flows")
    equal(proc(lab.B)["flows"], 2, "flows in B, whom nobody flushed")


if __name__ == "__main__":
    main()
