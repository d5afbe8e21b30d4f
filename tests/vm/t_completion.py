#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""
bash completes what tcpstate takes, and nothing else: commands and options as its help
has them, words of filters, states and verdicts that it accepts, ports that there are.
"""

import os
import re

from lab import *
from tool import PLAIN, TOOLS, output

SCRIPT = f"{TOOLS}/completion/tcpstate"
PATH = f"{TOOLS}:{os.environ['PATH']}"


def completions(lab, line):
    """What the last word of a line may become."""
    words = line.split(" ")
    text = lab.R.run("env", f"PATH={PATH}", "bash", "-c",
                     'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _tcpstate; '
                     'printf "%s\\n" "${COMPREPLY[@]}"', "bash", SCRIPT, *words)
    return text.split()


@test("commands, options, states, verdicts and live ports", families=None)
def complete(lab):
    for port in 80, 8080, 443:
        lab.keep(lab.connect(4, dport=port, sport=40000 + port))
    wait_equal(lambda: proc(lab.R)["flows"], 3, "flows")
    text = output(lab.R, "--help", tool=PLAIN)
    commands = re.findall(r"^  ([a-z]+)  ", text, re.M)
    equal(set(completions(lab, "tcpstate ")), set(commands), "commands")
    equal(set(completions(lab, "tcpstate -")), set(re.findall(r"--[a-z0-9]+", text)) -
          {"--help.", "--"}, "options")
    equal(completions(lab, "tcpstate -j ha"), ["halfopen"], "a command behind an option")
    equal(completions(lab, "tcpstate flows dport "), ["80", "443", "8080"], "responders' ports")
    equal(completions(lab, "tcpstate flows state established dport 8"), ["80", "8080"], "with 8")
    equal(completions(lab, "tcpstate flows sport "), ["40080", "40443", "48080"],
          "initiators' ports")
    equal(completions(lab, "tcpstate flows state clos"), ["close", "close-wait", "closing"],
          "states")
    equal(completions(lab, "tcpstate flows state established,fin-wait-1,la"),
          ["established,fin-wait-1,last-ack"], "a list of states")
    true({"dst", "verdict"} <= set(completions(lab, "tcpstate listeners ")) and
         "src" not in completions(lab, "tcpstate listeners "), "words of a filter")
    equal(completions(lab, "tcpstate flush "), [], "what takes no word")
    for word in completions(lab, "tcpstate flows state "):
        output(lab.R, "flows", "state", word, tool=PLAIN)
    for word in completions(lab, "tcpstate monitor alerts verdict "):
        if word not in ("scan", "reflection_victim"):
            output(lab.R, "listeners", "verdict", word, tool=PLAIN)
        else:
            output(lab.R, "hosts", "verdict", word, tool=PLAIN)


if __name__ == "__main__":
    main()
