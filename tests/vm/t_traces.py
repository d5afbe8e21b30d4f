#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""
Real captures: the module and the engine in userspace (tests/traces/engine.h) tell the
same of every connection and count the same, to the letter. The captures are those in
tests/traces/own and in ../shared/traces beside the project, or $TCPSTATE_TRACES.
"""

import collections
import json
import os
import pathlib
import re
import subprocess

from ktap import *

PROJECT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = PROJECT / "tests/traces"
SHARED = pathlib.Path(os.environ.get("TCPSTATE_TRACES", PROJECT.parent / "shared/traces"))
OWN = PROGRAMS / "own"
STATES = sanitized(PROGRAMS / "asan/pcap-states", PROGRAMS / "build/pcap-states")
# What a capture's name has behind a dot, whatever comes after.
NAME = re.compile(r"\.p?cap")

# What was freed need not be kept for long: the VM is small.
os.environ["ASAN_OPTIONS"] = "quarantine_size_mb=8"

# Lines of a disagreement that are shown.
SHOWN = 12

MODES = {
    "checksums verified": [],
    "checksums ignored": ["-C"],
    "not loose": ["-C", "-L"],
    "over a bad wire": ["-s", "1"],
    "over another": ["-C", "-s", "2"],
}


def captures(where):
    """The captures under a directory, as paths from there."""
    found = sorted(str(path.relative_to(where)) for path in where.rglob("*")
                   if NAME.search(path.name) and path.is_file())
    if not found:
        raise Skip(f"no captures in {where}")
    return found


def told(program, options, where, files):
    """What a program tells: file -> its lines, sorted, as Counter() of text."""
    run = subprocess.run([PROGRAMS / program, "-c", *options, *files], cwd=where,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                         check=False)
    if run.returncode or run.stderr:
        raise Failure(f"{program} ended with {run.returncode}: {run.stderr[-4000:]}")
    lines = collections.defaultdict(collections.Counter)
    for line in run.stdout.splitlines():
        lines[json.loads(line)["file"]][line] += 1
    equal(sorted(lines), files, f"files that {program} told of")
    return lines


def compare(kernel, userspace):
    """Failure where they differ, with the first lines that do."""
    shown = []
    for file, lines in kernel.items():
        shown += [f"module    {line}" for line in (lines - userspace[file]).elements()]
        shown += [f"userspace {line}" for line in (userspace[file] - lines).elements()]
    if shown:
        files = sum(lines != userspace[file] for file, lines in kernel.items())
        raise Failure("\n".join([f"they disagree on {files} of {len(kernel)} captures",
                                 *shown[:SHOWN], *["..."] * (len(shown) > SHOWN)]))


def segments(lines):
    """How many were counted in all captures together."""
    return sum(json.loads(line).get("counters", {}).get("segments", 0)
               for counter in lines.values() for line in counter)


def agree(where, options):
    """Show all captures there to both, and compare."""
    files = captures(where)
    kernel = told("build/replay", options, where, files)
    compare(kernel, told(STATES, ["-a", *options], where, files))
    true(segments(kernel) > 0, "segments were seen")


for title, where in {"captures of others": SHARED, "own captures": OWN}.items():
    for mode, options in MODES.items():
        test(f"module and userspace agree on {title}, {mode}", families=None, timeout=580)(
            lambda where=where, options=options: agree(where, options))


def prepare():
    """The module with its own limits, whatever the test before asked for."""
    for command in ["modprobe", "tun"], ["modprobe", "-r", "tcpstate"], ["modprobe", "tcpstate"]:
        subprocess.run(command, check=True)


if __name__ == "__main__":
    # The module has one clock, and replay moves it.
    main(jobs=1, prepare=prepare)
