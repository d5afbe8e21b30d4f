#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""
The state diagram: each way that an endpoint takes is counted, by the module once and by
the tool as JSON, as a graph and as a picture; a picture needs graphviz.
"""

import collections
import re
import shutil
import xml.etree.ElementTree

from genl import Channel
from lab import *
from tool import PLAIN, output, read, refused

SVG = "{http://www.w3.org/2000/svg}"


def live(lab, fam):
    """Lives of which each step is known: the ways that they took."""
    ways = collections.Counter()

    def went(*states, times=1):
        ways.update({way: times for way in zip(states, states[1:])})
    conn = lab.connect(fam)
    conn.a.shutdown(SHUT_WR)
    lab.expect([(conn, "FIN_WAIT2", "CLOSE_WAIT")])
    conn.b.close()
    lab.expect([(conn, "TIME_WAIT", "CLOSE")])
    went(None, "SYN_SENT", "ESTABLISHED", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT")
    went(None, "LISTEN", "SYN_RECV", "ESTABLISHED", "CLOSE_WAIT", "LAST_ACK", "CLOSE")
    for _ in range(3):
        conn = lab.keep(lab.connect(fam))
        reset(conn.a)
    went(None, "SYN_SENT", "ESTABLISHED", "CLOSE", times=3)
    went(None, "LISTEN", "SYN_RECV", "ESTABLISHED", "CLOSE", times=3)
    with contextlib.suppress(ConnectionRefusedError):
        lab.A.socket(fam).connect((lab.B.addr[fam], 81))
    went(None, "SYN_SENT", "CLOSE")
    went(None, "LISTEN", "CLOSE")
    lab.keep(lab.connect(fam))
    went(None, "SYN_SENT", "ESTABLISHED")
    went(None, "LISTEN", "SYN_RECV", "ESTABLISHED")
    return ways


def edges(dot):
    """The ways of a graph in DOT, and how often each was taken."""
    found = {}
    for start, end, label in re.findall(r'^\t(\w+) -> (\w+) \[label="(.*?)" ', dot, re.M):
        start = None if start == "CLOSED" else start
        true((start, end) not in found, f"twice: {start} {end}")
        found[start, end] = int(label.rpartition("\\n")[2])
    return found


@test("each way that an endpoint takes is counted, and no other")
def counted(lab, fam):
    ways = live(lab, fam)
    # the RSTs may be on their way yet
    with Channel(lab.R) as channel:
        wait_equal(lambda: collections.Counter(channel.stats().transitions), ways, "transitions")
    told = read(lab.R, "stats", tool=PLAIN)
    equal({(row["from"], row["to"]): row["count"] for row in told["transitions"]}, dict(ways),
          "transitions as JSON")
    dot = output(lab.R, "graph", tool=PLAIN)
    equal({way: count for way, count in edges(dot).items() if count}, dict(ways), "edges")
    equal(dict(re.findall(r"\b(ESTABLISHED|TIME_WAIT|LISTEN)\\n(initiators \d+\\nresponders \d+)",
                          dot)),
          {"ESTABLISHED": r"initiators 1\nresponders 1",
           "TIME_WAIT": r"initiators 1\nresponders 0",
           "LISTEN": r"initiators 0\nresponders 0"}, "who is where")
    # the only end of TIME_WAIT that there is no need to wait for, and none of the endpoints
    output(lab.R, "flush", tool=PLAIN)
    with Channel(lab.R) as channel:
        equal(collections.Counter(channel.stats().transitions), ways, "after a flush")
    if not shutil.which("dot"):
        raise Skip("graphviz is not installed")
    picture = xml.etree.ElementTree.fromstring(output(lab.R, "graph", "--svg", tool=PLAIN))
    titles = collections.Counter(title.text for title in picture.iter(f"{SVG}title"))
    drawn = {tuple(title.split("->")) for title in titles if "->" in title}
    equal({(None if start == "CLOSED" else start, end) for start, end in drawn},
          set(edges(dot)), "edges of the picture")
    true(set(STATES) < titles.keys(), f"nodes of the picture: {titles}")


@test("without graphviz there is no picture, and one line says why", families=None)
def no_graphviz(lab):
    refused(lab.R, "graphviz", 2, "graph", "--svg", tool=PLAIN, env={"PATH": "/nowhere"})
    equal(len(edges(output(lab.R, "graph", tool=PLAIN, env={"PATH": "/nowhere"}))), 20, "edges")


if __name__ == "__main__":
    main()
