#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""
What is inferred from real captures, held against verdicts that others gave; as KTAP.

    tests/traces/score.py [-v]

The captures and the verdicts are those of $TCPSTATE_TRACES, else of ../shared/traces
beside the project. What we say is what pcap-states prints; that the kernel says the same
is for another test.

Every verdict must be ours too, or be listed in explained.tsv, which names the row and the
cause that DISAGREEMENTS.md explains. A listed row that is not such a disagreement (any
more) fails as well, where its capture is there. -v prints every disagreement that is not
listed, as a row for it.
"""

import collections
import csv
import ipaddress
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.realpath(__file__))
PROJECT = os.path.realpath(f"{HERE}/../..")
TRACES = os.environ.get("TCPSTATE_TRACES", f"{PROJECT}/../shared/traces")
PROGRAM = os.environ.get("PCAP_STATES", f"{HERE}/build/pcap-states")
PACKETDRILL = "packetdrill/freebsd-snippets"

# Our states under the names of RFC 9293, as labels.tsv and states.tsv write them.
RFC = {"SYN_SENT": "SYN-SENT", "SYN_RECV": "SYN-RECEIVED", "FIN_WAIT1": "FIN-WAIT-1",
       "FIN_WAIT2": "FIN-WAIT-2", "CLOSE_WAIT": "CLOSE-WAIT", "LAST_ACK": "LAST-ACK",
       "TIME_WAIT": "TIME-WAIT", "CLOSE": "CLOSED"}
PAST_FIN = {"FIN_WAIT1", "FIN_WAIT2", "CLOSING", "LAST_ACK", "TIME_WAIT", "CLOSE"}


# reading

def table(path):
    """The rows of a TSV file, a dictionary each; lines that begin with # are remarks."""
    with open(path, encoding="utf-8", newline="") as file:
        lines = (line for line in file if not line.startswith("#"))
        return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))


def endpoint(text):
    """(address, port) of ADDRESS:PORT, the address of IPv6 bracketed or not."""
    address, _, port = text.rpartition(":")
    return ipaddress.ip_address(address.strip("[]")), int(port)


def ends(record):
    """Both endpoints of what pcap-states prints."""
    return tuple((ipaddress.ip_address(record[end]), record[f"{end}_port"])
                 for end in ("initiator", "responder"))


def replay(files, *options):
    """What pcap-states prints of the captures."""
    done = subprocess.run([PROGRAM, "-n", *options, *files], cwd=TRACES, text=True,
                          check=True, stdout=subprocess.PIPE)
    return done.stdout.splitlines()


def match(rows, lines):
    """
    Of the records of a row's endpoints the last that began before the next stream of these
    did, {row number: record}, and how many began in the stream, {row number: count}.
    """
    streams, records = collections.defaultdict(list), collections.defaultdict(list)
    for index, row in enumerate(rows):
        key = row["file"], frozenset((endpoint(row["client"]), endpoint(row["server"])))
        streams[key].append((int(row["first_frame"]), index))
    for record in map(json.loads, lines):
        records[record["file"], frozenset(ends(record))].append(record)
    matched, counts = {}, {}
    for key, starts in streams.items():
        starts.sort()
        limits = [first for first, _ in starts[1:]] + [float("inf")]
        for (first, index), limit in zip(starts, limits):
            begun = [each for each in records[key] if each["first_frame"] < limit]
            counts[index] = sum(each["first_frame"] >= first for each in begun)
            if begun:
                matched[index] = max(begun, key=lambda each: each["first_frame"])
    return matched, counts


# the words of each engine, folded as labels.tsv folds them

SURICATA = {"syn_sent": "SYN", "syn_recv": "SYN", "established": "EST",
            "close_wait": "HALFCLOSE", "fin_wait1": "HALFCLOSE", "fin_wait2": "HALFCLOSE",
            "last_ack": "CLOSED", "time_wait": "CLOSED", "closing": "CLOSED"}
CONNTRACK = {"SYN_SENT": "SYN", "SYN_SENT2": "SYN", "SYN_RECV": "SYN", "ESTABLISHED": "EST",
             "FIN_WAIT": "HALFCLOSE", "CLOSE_WAIT": "HALFCLOSE", "LAST_ACK": "CLOSED",
             "TIME_WAIT": "CLOSED", "CLOSE": "RST"}
TCPTRACE = {"yes": "CLOSED", "no S1 F0": "SYN", "no S2 F0": "EST", "no S2 F1": "HALFCLOSE"}
ARGUS = {"REQ": "SYN", "ACC": "SYN", "CON": "EST", "FIN": "CLOSED", "CLO": "CLOSED",
         "RST": "RST"}
RST = 0x04


def suricata(row):
    """Its one word for the end does not tell FIN from RST, the flags it saw do."""
    if row["suricata807_state"] != "closed":
        return SURICATA.get(row["suricata807_state"])
    seen = int(row["suricata807_flags_ts"], 16) | int(row["suricata807_flags_tc"], 16)
    return "RST" if seen & RST else "CLOSED"


def conntrack(row, column="nf_conntrack_state"):
    """Replied to or not."""
    return CONNTRACK.get(row[column].partition(":")[0])


def tcptrace(row):
    """Where it saw a SYN: without, it has no word for what we call established."""
    said = row["tcptrace_complete"]
    return "RST" if said.startswith("RESET") else TCPTRACE.get(said)


# Of all but one nobody verified checksums.
ENGINES = {"suricata": suricata, "nf_conntrack": conntrack,
           "nf_conntrack_nocksum": lambda row: conntrack(row, "nf_conntrack_state_nocksum"),
           "tcptrace": tcptrace, "argus": lambda row: ARGUS.get(row["argus_state"])}


# our words

def was_reset(record):
    """Did a RST end it, before or after the FINs?"""
    return set(record["history"]) & set("rR")


def class_of(record):
    """The class into which labels.tsv folds the verdicts, of a record of ours."""
    if record is None:
        return "none"
    states = record["initiator_state"], record["responder_state"]
    if record["reason"] in ("reset", "refused"):
        return "RST"
    if states[0] in ("SYN_SENT", "SYN_RECV"):
        return "SYN"
    return ("EST", "HALFCLOSE", "CLOSED")[sum(state in PAST_FIN for state in states)]


def states_of(row, record):
    """The states of the row's client and server at the end, in the RFC's words."""
    if record is None:
        return "none", "none"
    states = record["initiator_state"], record["responder_state"]
    if was_reset(record):
        states = "CLOSE", "CLOSE"
    if ends(record)[0] != endpoint(row["client"]):
        states = states[::-1]
    return tuple(RFC.get(state, state) for state in states)


def allowed(row, states):
    """Do the columns rfc9293_client and rfc9293_server let these states pass?"""
    cells = row["rfc9293_client"], row["rfc9293_server"]
    if cells[0].startswith("one "):
        return sorted(states) == sorted(part.split()[-1] for part in cells[0].split(","))
    return all(state in cell.split("|") for state, cell in zip(states, cells))


# the questions: each yields (question, file, at, theirs, ours, do they agree)

def ask_classes(rows, records, wanted):
    """The class of the streams that are wanted, where anybody has a word for it."""
    for index, row in enumerate(rows):
        theirs, ours = row["class_vote"], class_of(records.get(index))
        if theirs and wanted(row):
            yield "class", row["file"], row["stream"], theirs, ours, theirs == ours


def ask_records(rows, counts, level):
    """What tshark calls a stream, and engines agree on, is one record."""
    for index, row in enumerate(rows):
        if row["strict"] == level:
            yield ("records", row["file"], row["stream"], "1", str(counts[index]),
                   counts[index] == 1)


def is_wreck(row):
    """Is the stream not whole, or are those who judge it not of one mind?"""
    return row["strict"] == "no"


def is_offloaded(row):
    """Are there checksums in it that nobody can verify?"""
    return "badcksum" in row["notes"]


def ask_states(rows, verified, ignored):
    """Both endpoints' states, on the same streams."""
    for index, row in enumerate(rows):
        if row["strict"] == "no" or not row["rfc9293_client"]:
            continue
        states = states_of(row, (verified if row["strict"] == "yes" else ignored).get(index))
        yield ("states", row["file"], row["stream"],
               f"{row['rfc9293_client']} / {row['rfc9293_server']}", " / ".join(states),
               allowed(row, states))


def zeek_verifies(row):
    """Its letter for a bad checksum says that it looks, and many of its tests do not."""
    return bool(set(row["zeek_history"]) & set("cC")) or not is_offloaded(row)


def ask_zeek(rows, verified, ignored):
    """Zeek's name for the close, of every stream for which it has one."""
    for index, row in enumerate(rows):
        if not row["zeek_conn_state"]:
            continue
        record = (verified if zeek_verifies(row) else ignored).get(index)
        ours = record["conn_state"] if record else "none"
        yield ("zeek", row["file"], row["stream"], row["zeek_conn_state"], ours,
               row["zeek_conn_state"] == ours)


def states_by_frame(file):
    """{frame: {endpoint: state}}, of what pcap-states -f says of each."""
    done = subprocess.run([PROGRAM, "-f", file], cwd=TRACES, text=True, check=True,
                          stdout=subprocess.PIPE)
    told = {}
    for line in done.stdout.splitlines():
        words = line.split()
        if line.startswith("{") or not words[4].isdecimal():
            continue
        pair = sorted(map(endpoint, words[1:3]), key=lambda end: end[1] != int(words[4]))
        told[int(words[0])] = dict(zip(pair, words[5:7]))
    return told


def ask_packetdrill(rows):
    """The state of the endpoint under test, after the frame where the script asserts it."""
    for row in rows:
        file = f"{PACKETDRILL}/{row['pcap']}"
        states = states_by_frame(file).get(int(row["after_frame"]), {})
        state = states.get(endpoint(row["endpoint_under_test"]), "none")
        ours = RFC.get(state, state)
        yield ("packetdrill", file, f"{row['after_frame']} {row['evidence']}", row["state"],
               ours, row["state"] == ours)


# the verdict on the verdicts

class Suite:
    """Results in KTAP, and what of the list is not accounted for."""

    def __init__(self, explained, verbose):
        self.explained = {tuple(row[key] for key in ("question", "file", "at")): row
                          for row in explained}
        self.unused = {key for key in self.explained if os.path.exists(f"{TRACES}/{key[1]}")}
        self.most = None if verbose else 20
        self.results = self.failed = 0

    def result(self, good, title, remarks):
        """One line that counts, after its remarks."""
        for remark in remarks:
            print(f"# {remark}")
        self.results += 1
        self.failed += not good
        print(f"{'' if good else 'not '}ok {self.results} - {title}")

    def ask(self, answers, title):
        """One result: every answer agrees, or is listed as it stands."""
        asked = agreed = listed = 0
        unexplained = []
        for question, file, at, theirs, ours, agree in answers:
            row = self.explained.get((question, file, at))
            asked += 1
            if agree:
                agreed += 1
            elif row and (row["theirs"], row["ours"]) == (theirs, ours):
                listed += 1
                self.unused.discard((question, file, at))
            else:
                unexplained.append("\t".join((question, file, at, theirs, ours)))
        if not asked:
            self.results += 1
            print(f"ok {self.results} - {title} # SKIP nobody says anything")
            return
        self.result(not unexplained, title,
                    [f"{agreed} of {asked} agree, {listed} explained",
                     *unexplained[:self.most]])

    def check_list(self):
        """Two results: no row of the list is idle, and no explanation."""
        self.result(not self.unused, "every disagreement that is listed is one",
                    [f"none as listed: {' '.join(key)}" for key in sorted(self.unused)])
        with open(f"{HERE}/DISAGREEMENTS.md", encoding="utf-8") as file:
            told = {line[3:].strip() for line in file if line.startswith("## ")}
        used = {row["cause"] for row in self.explained.values()}
        self.result(used == told, "every cause is explained, and every explanation has rows",
                    [f"not in both: {cause}" for cause in sorted(used ^ told)])


def compare_engines(rows, verified, ignored):
    """Remarks: with how many verdicts of each engine we agree, those on wrecks included."""
    for name, word in ENGINES.items():
        records = verified if name == "nf_conntrack" else ignored
        pairs = [(word(row), class_of(records.get(index))) for index, row in enumerate(rows)]
        same = [theirs == ours for theirs, ours in pairs if theirs]
        yield f"{name}: {sum(same)} of {len(same)} of all rows are of the same class"


def compare_histories(rows, verified, ignored):
    """Remarks: Zeek's letters, those that we have too, in order of first appearance."""
    same = asked = 0
    for index, row in enumerate(rows):
        record = (verified if zeek_verifies(row) else ignored).get(index)
        if not record or not row["zeek_history"]:
            continue
        asked += 1
        same += kept(row["zeek_history"]) == kept(record["history"])
    if asked:
        yield f"zeek history: {same} of {asked} have the same letters in the same order"


def kept(history):
    """Each of the letters that both write once a direction, in order."""
    return "".join(dict.fromkeys(letter for letter in history if letter.lower() in "shadfr"))


def main(arguments):
    if arguments not in ([], ["-v"]):
        print(__doc__, file=sys.stderr)
        return 2
    print("KTAP version 1")
    if not os.path.exists(f"{TRACES}/labels.tsv"):
        print(f"1..0 # SKIP no captures with verdicts in {TRACES}")
        return 0
    rows = table(f"{TRACES}/labels.tsv")
    files = sorted({row["file"] for row in rows})
    verified, records = match(rows, replay(files))
    ignored, more = match(rows, replay(files, "-C"))

    suite = Suite(table(f"{HERE}/explained.tsv"), bool(arguments))
    print("1..9")
    suite.ask(ask_classes(rows, verified, lambda row: row["strict"] == "yes"),
              "streams on which engines agree are of the class they say")
    suite.ask(ask_classes(rows, ignored, lambda row: row["strict"] == "if-checksums-ignored"),
              "and so are those with offloaded checksums, these ignored")
    suite.ask((*ask_records(rows, records, "yes"),
               *ask_records(rows, more, "if-checksums-ignored")),
              "each of these is one record")
    suite.ask((*ask_classes(rows, verified, lambda row: is_wreck(row) and not is_offloaded(row)),
               *ask_classes(rows, ignored, lambda row: is_wreck(row) and is_offloaded(row))),
              "the others too are of the class they say: gaps, one way, mid-stream, evasion")
    suite.ask(ask_states(rows, verified, ignored),
              "both endpoints' states are those that follow for RFC 9293")
    suite.ask(ask_zeek(rows, verified, ignored), "the close is called as Zeek calls it")
    asserted = f"{TRACES}/{PACKETDRILL}/states.tsv"
    suite.ask(ask_packetdrill(table(asserted) if os.path.exists(asserted) else ()),
              "states are those that packetdrill's scripts assert")
    suite.check_list()
    for remark in (*compare_engines(rows, verified, ignored),
                   *compare_histories(rows, verified, ignored)):
        print(f"# {remark}")
    return 1 if suite.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
