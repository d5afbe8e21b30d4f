#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""
tcpstate top as somebody sees it: in tmux, at 80 by 24 and at other sizes, by its
screen. What it shows is what ss and the other views say; its keys do what they say.
"""

import os
import re
import subprocess

from lab import *
from tool import ENVIRONMENT, PLAIN, as_nobody, output, refused


class Terminal:
    """tcpstate top in a tmux of its own, in R, until the end of a with statement."""

    def __init__(self, lab, *arguments, term="screen-256color", rows=24, columns=80):
        self.lab, self.name = lab, f"top{os.getpid()}"
        command = " ".join([PLAIN, "top", "-d", "300ms", *arguments])
        with lab.R:
            self.tmux("-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y",
                      str(rows), "cat", ";", "set", "-g", "remain-on-exit", "on", ";",
                      "set", "-g", "default-terminal", term, ";", "set", "-g", "status", "off",
                      ";", "set", "-g", "window-size", "manual", ";",
                      "respawn-pane", "-k", f"{command}; echo status $?")
        # however the session was made
        self.resize(rows, columns)

    def tmux(self, *words):
        return subprocess.run(["tmux", "-L", self.name, *words], check=True, text=True,
                              stdout=subprocess.PIPE, stdin=subprocess.DEVNULL,
                              env={**ENVIRONMENT, "LC_ALL": "C.UTF-8"}).stdout

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.tmux("kill-server")

    def resize(self, rows, columns):
        self.tmux("resize-window", "-x", str(columns), "-y", str(rows))

    def screen(self, *options):
        """Its lines."""
        return self.tmux("capture-pane", "-p", *options).rstrip("\n").split("\n")

    def keys(self, *keys):
        self.tmux("send-keys", *keys)

    def until(self, ok, what):
        """Await a screen, and return it."""
        return wait_for(self.screen, ok, what)

    def shows(self, *texts):
        """Await that a line has each of these."""
        return self.until(lambda lines: all(any(text in line for line in lines)
                                            for text in texts), f"{texts} on the screen")


def below(lines, title):
    """The rows of a table."""
    start = next((n for n, line in enumerate(lines) if line.startswith(title)), len(lines))
    found = []
    for line in lines[start + 1:]:
        if re.match(r"[A-Z]", line):        # the next titles, or the keys
            break
        found.append(line.split())
    return [row for row in found if row]


def bars(lines):
    """{state: (initiators, responders)} of the bars."""
    return {name: (int(one), int(other)) for name, one, other in re.findall(
        r"([A-Z_0-9]+) +\[\|* *(\d+)\]\[\|* *(\d+)\]", "\n".join(lines))}


def populate(lab):
    """Some of everything that there is a table for; lasting."""
    lab.B.sysctl("net.ipv4.tcp_synack_retries", 10)
    for port in 80, 443, 22:
        lab.keep(lab.connect(4, dport=port))
    for _ in range(4):
        conn = lab.keep(lab.connect(4, dport=443))
        conn.a.shutdown(SHUT_WR)
    lab.listen(4)
    lab.forge(lab.A, [ipv4(lab.spoof(4, n), lab.B.addr[4],
                           tcp(lab.spoof(4, n), lab.B.addr[4], 1000 + n, 80, seq=n, flags=SYN))
                      for n in range(1, 21)])
    want = {"ESTABLISHED": (3, 3), "FIN_WAIT2": (4, 0), "CLOSE_WAIT": (0, 4),
            "SYN_SENT": (20, 0), "SYN_RECV": (0, 20)}
    wait_equal(lambda: proc(lab.R).pairs, want, "states")
    return {state: want.get(state, (0, 0)) for state in STATES}


@test("80 by 24: states, rates, listeners, half-opens, leaks; and it resizes", families=None)
def sizes(lab):
    want = populate(lab)
    with Terminal(lab) as terminal:
        # there are no rates before its second look
        lines = terminal.until(lambda lines: bars(lines) == want and
                               len(below(lines, "CLOSE_WAIT")) > 2 and
                               re.match(r"a second: \d+ segments  \d+ SYN  ", lines[1]),
                               "all states and rates")
        true(len(lines) <= 24 and max(map(len, lines)) <= 80, "it fits")
        true(re.match(r"tcpstate \d\d:\d\d:\d\d, every 0.3 s$", lines[0]), lines[0])
        seen = proc(lab.R)
        true(f"7/{seen['max_flows']}]" in lines[2] and f"20/{seen['max_halfopen']}]" in lines[2],
             lines[2])
        equal(below(lines, "LISTENERS")[0][0], f"{lab.B.addr[4]}:80", "most half-opens first")
        half = {(row[0], row[1]) for row in below(lines, "HALF-OPENS")}
        true(half <= {(each.initiator, each.responder) for each in halfopens(lab.R)} and half,
             f"half-opens: {half}")
        equal({row[1] for row in below(lines, "CLOSE_WAIT")}, {"FIN_WAIT2"}, "leaks")
        true("F1Help" in lines[23] and "F10Quit" in lines[23], lines[23])
        terminal.resize(50, 132)
        lines = terminal.until(lambda lines: len(lines) == 50 and
                               len(below(lines, "HALF-OPENS")) == 20, "a larger one")
        true(bars(lines) == want and len(below(lines, "LISTENERS")) == 3, "all of it")
        terminal.resize(12, 40)
        lines = terminal.until(lambda lines: "F1Help" in lines[-1] and len(lines) == 12 and
                               below(lines, "LISTENERS"), "a smaller one")
        true(max(map(len, lines)) <= 40, "it fits")
        terminal.resize(24, 80)
        terminal.until(lambda lines: bars(lines) == want and len(lines) == 24, "as it was")
        more = lab.keep(lab.connect(4, dport=8080))
        terminal.shows(f"{more.responder}")
        terminal.keys("q")
        terminal.shows("status 0")


@test("its keys: Tab, F6, I, F3, /, F4, F1, and q", families=None)
def keys(lab):
    populate(lab)
    with Terminal(lab, rows=40) as terminal:
        def table(title):
            return lambda: [row[0] for row in below(terminal.screen(), title)]

        def ports(title):
            return [int(row.rpartition(":")[2]) for row in table(title)()]
        terminal.shows("SYN_RECVv")
        equal(ports("LISTENERS")[0], 80, "by half-opens")
        for title in ("STALE", "SYN/S", "SOURCES", "LISTENERS"):
            terminal.keys("F6")
            terminal.shows(f"{title}v" if title != "LISTENERS" else "LISTENERS")
        wait_equal(lambda: ports("LISTENERS"), [443, 80, 22], "by name, backwards")
        terminal.keys("I")
        wait_equal(lambda: ports("LISTENERS"), [22, 80, 443], "by name")
        terminal.keys("Tab")
        oldest = wait_for(table("HALF-OPENS"), lambda rows: len(rows) > 9, "half-opens")
        terminal.keys("/")
        terminal.shows("Search: _")
        terminal.keys("-l", f"{lab.spoof(4, 17)}:")
        terminal.shows(f"Search: {lab.spoof(4, 17)}:_")

        def selected():
            return [line for line in terminal.screen("-e")
                    if re.match(r"\033\[[\d;]*7m", line.replace("\033[0m", ""))]
        wait_for(selected, lambda lines: any(f"{lab.spoof(4, 17)}:" in line for line in lines),
                 "the row that was searched for, selected")
        terminal.keys("Enter")
        terminal.shows("F3Search")
        terminal.keys("F4")
        terminal.keys("-l", "FIN_WAIT2")
        wait_equal(table("HALF-OPENS"), [], "half-opens that pass the filter")
        equal(len(table("CLOSE_WAIT")()), 4, "leaks that pass")
        terminal.keys("Escape")
        wait_for(table("HALF-OPENS"), lambda rows: len(rows) >= len(oldest), "all again")
        terminal.keys("F1")
        terminal.shows("Press any key to return")
        terminal.keys("x")
        terminal.shows("LISTENERS")
        terminal.keys("F10")
        terminal.shows("status 0")


@test("colours where a terminal has them, and none elsewhere", families=None)
def colours(lab):
    populate(lab)
    colour = re.compile(r"\033\[(?:\d+;)*3[1-7](?:;\d+)*m")
    with Terminal(lab) as terminal:
        terminal.until(lambda lines: bars(lines).get("CLOSE_WAIT") == (0, 4), "states")
        true(len(set(colour.findall("\n".join(terminal.screen("-e"))))) > 3, "colours")
        terminal.keys("C-c")
        terminal.shows("status 0")
    with Terminal(lab, term="vt100") as terminal:
        terminal.until(lambda lines: bars(lines).get("CLOSE_WAIT") == (0, 4), "states")
        text = "\n".join(terminal.screen("-e"))
        true(not colour.search(text) and "\033[" in text, "no colours, but reverse")


@test("a single look is plain text; without a terminal there is nothing else", families=None)
def plain(lab):
    want = populate(lab)
    text = output(lab.R, "top", "-1", "-d", "100ms", tool=PLAIN)
    true("\033" not in text and not any(line != line.rstrip() for line in text.splitlines()),
         "plain")
    lines = text.splitlines()
    equal(bars(lines), want, "states")
    equal([len(below(lines, title)) for title in ("LISTENERS", "HALF-OPENS", "CLOSE_WAIT")],
          [3, 10, 4], "rows of tables")
    true(max(map(len, lines)) <= 80, "80 columns")
    wide = output(lab.R, "top", "-1", "-d", "100ms", tool=PLAIN, env={"COLUMNS": "120"})
    true(max(map(len, wide.splitlines())) > 80, "120 columns")
    refused(lab.R, "-1", 2, "top", tool=PLAIN)
    with as_nobody(PLAIN) as nobody:
        refused(lab.R, "CAP_NET_ADMIN", 2, "top", "-1", "-d", "100ms", **nobody)
    for word in "0", "99ms", "x", "1.5":
        refused(lab.R, word, 1, "top", "-d", word, tool=PLAIN)


if __name__ == "__main__":
    main()
