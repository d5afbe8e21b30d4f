#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""
The tool's filters over a crowd of 300 connections: words, and what they mean in Python.
What they give is what would be picked of all, whether spelt our way or as for ss.
"""

import ipaddress
import random

import ktap
from crowd import Crowd
from lab import *
from ktap import test
from tool import PLAIN, built, key, keyed, read

lab = None                          # made once


def in_states(names, ends=("initiator", "responder")):
    return lambda record: any(record[f"{end}_state"] in names for end in ends)


def negated(claim):
    return lambda record: not claim(record)


def within(end, prefix):
    network = ipaddress.ip_network(prefix, strict=False)
    return lambda record: ipaddress.ip_address(record[end]) in network


def ports(end, first, last=None):
    return lambda record: first <= record[f"{end}_port"] <= (first if last is None else last)


def both(*claims):
    return lambda record: all(claim(record) for claim in claims)


def at_least(name, ms):
    return lambda record: record[name] >= ms


ENDS_OF = {"s": "initiator", "d": "responder"}
SPELT = {"SYN_RECV": ["syn-recv", "SYN-RCV", "syn_recv"], "FIN_WAIT1": ["fin-wait-1", "FIN_WAIT1"],
         "FIN_WAIT2": ["fin-wait-2", "fin_wait2"], "CLOSE": ["closed", "close", "unconnected"],
         "LISTEN": ["listening", "Listen"]}
UNCONNECTED = {"CLOSE", "LISTEN"}
BUCKET = {"SYN_RECV", "TIME_WAIT"}
GROUPS = {"all": set(STATES), "connected": set(STATES) - UNCONNECTED,
          "synchronized": set(STATES) - UNCONNECTED - {"SYN_SENT"}, "bucket": BUCKET,
          "big": set(STATES) - BUCKET, "established,time-wait": {"ESTABLISHED", "TIME_WAIT"}}
SETS = [(word, {name}) for name in STATES
        for word in SPELT.get(name, [name.lower().replace("_", "-")])] + list(GROUPS.items())


def words_of_states():
    """Of each kind of filter, [(words, claim)]."""
    few = SETS[::4]
    return {
        "state": [(f"state {word}", in_states(names)) for word, names in SETS]
                 + [(f"exclude {word}", negated(in_states(names))) for word, names in few]
                 + [(f"not state {word}", negated(in_states(names))) for word, names in few],
        **{f"{letter}state":
           [(f"{letter}state {word}", in_states(names, [end])) for word, names in few]
           + [(f"not {letter}state {word}", negated(in_states(names, [end])))
              for word, names in few[:3]] for letter, end in ENDS_OF.items()},
    }


def words_of_ends(record):
    """Filters of addresses and ports, drawn around a record that has both."""
    found = {}
    size = 32 if record["family"] == "ipv4" else 128
    for letter, end in {"src": "initiator", "dst": "responder"}.items():
        address, port = record[end], record[f"{end}_port"]
        lengths = (8, 17, 24, 31) if size == 32 else (16, 47, 64, 101, 127)
        name = f"[{address}]" if size == 128 else address
        found[letter] = [(f"{letter} {address}/{bits}", within(end, f"{address}/{bits}"))
                         for bits in (0, 1, *lengths, size)] + [
            (f"{letter} {address}", within(end, address)),
            (f"{letter} {name}:{port}", both(within(end, address), ports(end, port))),
            (f"{letter} {name}/{size // 2}:{port}-65535",
             both(within(end, f"{address}/{size // 2}"), ports(end, port, 65535))),
            (f"{letter} :{port}", ports(end, port))]
        short = letter[0] + "port"
        found[short] = [(f"{short} {port}", ports(end, port)),
                        (f"{short} 0-{port}", ports(end, 0, port)),
                        (f"{short} {max(port - 9, 0)}-{port}", ports(end, max(port - 9, 0), port)),
                        (f"{short} >= {port}", ports(end, port, 65535)),
                        (f"{short} le {port}", ports(end, 0, port)),
                        (f"{short} > {port - 1}", ports(end, port, 65535)),
                        (f"{short} lt {port}", ports(end, 0, port - 1))]
        if port < 65535:
            found[short] += [(f"{short} gt {port}", ports(end, port + 1, 65535)),
                             (f"{short} < {port + 1}", ports(end, 0, port))]
    return found


def words_of_times(record):
    """Filters of times, some of them drawn around a record."""
    return {word: [(f"{word} {text}", at_least(name, ms)) for text, ms in (
        (f"{record[name]}ms", record[name]), ("0", 0), ("1", 1000), ("5s", 5000), ("1m", 60_000),
        ("1h", 3_600_000), ("2d", 172_800_000))]
            for word, name in (("older", "age_ms"), ("idle", "idle_ms"))}


WORDS_OF_FLAGS = {
    word: [(word, at_least(word.replace("-", "_"), True)),
           (f"not {word}", negated(at_least(word.replace("-", "_"), True)))]
    for word in ("picked-up", "one-sided")}


class Sieve:
    """Compares what filters give with what they would give of all records. These age
    meanwhile: what passed before all must pass, nothing that would not pass after it."""

    def __init__(self, command="flows"):
        self.command, self.tried, self.compared = command, [], 0
        self.before = self.all()

    def all(self):
        return [record for record in read(lab.R, "flows") if self.command == "flows" or
                record["initiator_state"] in ("SYN_SENT", "SYN_RECV")]

    def sift(self, words, claim):
        got = read(lab.R, self.command, *words, tool=PLAIN)
        self.tried.append((words, claim, set(keyed(got))))

    def judge(self):
        after = self.all()
        for words, claim, seen in self.tried:
            must = {key(record) for record in self.before if claim(record)}
            may = {key(record) for record in after if claim(record)}
            true(must <= seen <= may, f"{words}: lacks {sorted(must - seen)[:3]}, "
                                      f"has {sorted(seen - may)[:3]}")
            self.compared += len(seen)
        empty = sum(not seen for _, _, seen in self.tried)
        say(f"{len(self.tried)} filters, {empty} of them give nothing; "
            f"{self.compared} records compared")
        true(empty < len(self.tried) / 2, "most filters give something")


@test("each filter of states gives what it says", None)
def filters_of_states():
    sieve = Sieve()
    for choice in words_of_states().values():
        for words, claim in choice:
            sieve.sift(words.split(), claim)
    sieve.judge()


@test("each filter of addresses and ports gives what it says")
def filters_of_ends(fam):
    sieve = Sieve()
    record = random.Random(SEED).choice([record for record in sieve.before
                                         if record["family"] == f"ipv{fam}"])
    for choice in words_of_ends(record).values():
        for words, claim in choice:
            sieve.sift(words.split(), claim)
    sieve.sift([f"-{fam}"], lambda record: record["family"] == f"ipv{fam}")
    sieve.judge()


@test("each filter of times and flags gives what it says", None)
def filters_of_times():
    sieve = Sieve()
    filters = dict(filter for record in random.Random(SEED).sample(sieve.before, 4)
                   for choice in {**words_of_times(record), **WORDS_OF_FLAGS}.values()
                   for filter in choice)
    for words, claim in filters.items():
        sieve.sift(words.split(), claim)
    sieve.judge()


@test("filters together give what all of them give", None)
def filters_together():
    die = random.Random(SEED)
    for command, number in ("flows", 32), ("halfopen", 8):
        sieve = Sieve(command)
        for _ in range(number):
            record = die.choice(sieve.before)
            choices = {**words_of_states(), **words_of_ends(record), **words_of_times(record),
                       **WORDS_OF_FLAGS}
            # all three of these may say what nothing can be, which is an error
            del choices[die.choice(["state", "sstate", "dstate"])]
            terms = []
            for kind in die.sample(sorted(choices), die.randint(2, 5)):
                true_of = [each for each in choices[kind] if each[1](record)]
                if true_of:
                    terms.append(die.choice(true_of))
            glue = die.choice([" ", " and "])
            text = glue.join(words for words, _ in terms)
            sieve.sift(die.choice([text.split(), [text]]), both(*(claim for _, claim in terms)))
        sieve.judge()


@test("what ss understands, the tool understands likewise", None)
def as_ss():
    sieve = Sieve()
    some = sieve.before[0]["responder_port"]
    pairs = {"sport = :30000": "sport 30000", "sport == 30000": "sport 30000",
             "sport eq :30000": "sport 30000", f"dport = :{some}": f"dport {some}",
             "sport >= :30000": "sport 30000-65535", "sport ge 30000": "sport 30000-65535",
             "sport < :30000": "sport 0-29999", "dport gt :80": "dport 81-65535",
             "dport<=:80": "dport 0-80", "dport>=8000": "dport 8000-65535",
             "src 10.0.0.0/8": "src 10.255.255.255/8", "src = 10.0.0.0/8": "src 10.0.0.0/8",
             "dst 10.77.54.32:443": "dst 10.77.54.32 dport 443",
             "dst [2001:db8::]/32:443": "dst 2001:db8::/32 and dport 443",
             "src :40000": "sport 40000",
             "state fin-wait-1": "state FIN_WAIT1", "state SYN-RECV": "state syn_recv"}
    given = 0
    for theirs, ours in pairs.items():
        one, other = (set(keyed(read(lab.R, "flows", *words.split(), tool=PLAIN)))
                      for words in (theirs, ours))
        equal(one, other, f"'{theirs}' and '{ours}'")
        given += bool(one)
    say(f"{len(pairs)} spellings, {given} of them give something")
    true(given > len(pairs) * 2 / 3, "most give something")


def prepare():
    global lab
    module()
    built()
    say(f"seed {SEED}")
    lab = Lab()
    Crowd(lab, SEED)


if __name__ == "__main__":
    ktap.main(None, prepare)
