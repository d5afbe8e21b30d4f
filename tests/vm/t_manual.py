#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""
The commands of the manual's EXAMPLES do what the text above them says, each as its
reader sees it and beside the traffic that it speaks of; and what the module's page says
of settings is so.
"""

import collections
import http.client
import json
import os
import re
import subprocess

import ktap
from commands import Command
from flood import Flood, Scan
from lab import *
from monitor import listening
from tool import TOOLS


def page(number, title):
    """A section of a page, as its reader sees it."""
    text = subprocess.run(["mandoc", "-Tascii", "-O", "width=200", f"{TOOLS}/tcpstate.{number}"],
                          check=True, text=True, stdout=subprocess.PIPE).stdout
    section = re.search(rf"^{title}\n(.*?)(?=^\S)", re.sub(".\b", "", text), re.M | re.S)
    true(section, f"tcpstate({number}) has a section {title}")
    return section[1]


def populate(lab):
    """Three connections, one of which leaks, and half-opens of two ports. B has one more."""
    for _ in range(2):
        lab.keep(lab.connect(4)).talk()
    leak = lab.keep(lab.connect(4))
    leak.a.shutdown(SHUT_WR)
    for port in 80, 81:
        lab.listen(4, port)
        source = lab.spoof(4, 1)
        lab.forge(lab.A, ipv4(source, lab.B.addr[4], tcp(
            source, lab.B.addr[4], 40000, port, seq=7919, flags=SYN)))
    own = lab.keep(lab.B.socket(4))
    own.connect((lab.B.addr[4], 81))
    wait_equal(lambda: proc(lab.R).pairs, {
        "ESTABLISHED": (2, 2), "SYN_SENT": (2, 0), "SYN_RECV": (0, 2), "FIN_WAIT2": (1, 0),
        "CLOSE_WAIT": (0, 1)}, "states")


# The examples: each makes what is left of its traffic, and says what must be printed.

def summary(lab, line):
    Command(lab.R, line).prints(r"^ESTABLISHED +2 +2 ", r"^CLOSE_WAIT +0 +1 ", r"^  flows +3 ")


def container(lab, line):
    with lab.B:
        nginx = subprocess.Popen(["nginx", "infinity"], executable="/bin/sleep")
    try:
        Command(lab.R, line).prints(r"^ESTABLISHED +3 +3 ", r"^  flows +4 ")
    finally:
        nginx.kill()
        nginx.wait()


def agreement(lab, line):
    Command(lab.B, line).prints(r"0 differ")


def stale(lab, line):
    wait_for(lambda: [row.age_ms for row in halfopens(lab.R)],
             lambda ages: len(ages) == 2 and min(ages) >= 3000, "two half-opens of 3 s")
    equal(re.findall(r"^10\.9\.3\.1:40000 +(\S+) +SYN_RECV ", Command(lab.R, line).prints(), re.M),
          ["10.9.2.2:80"], f"{line}: responders")


def leaking(lab, line):
    # nobody waits an hour for it
    equal(Command(lab.R, line).prints("^INITIATOR").count("\n"), 1, f"{line}: lines")
    Command(lab.R, line.replace("1h", "500ms")).prints(
        r"^10\.9\.1\.2:\d+ +FIN_WAIT2 +10\.9\.2\.2:80 +CLOSE_WAIT ")


def initiators(lab, line):
    Command(lab.R, line).prints(r"^ +3 10\.9\.1\.2$", r"^ +2 10\.9\.3\.1$")


def refusals(lab, line):
    before = listening(lab.R)
    command = Command(lab.R, line)
    wait_for(lambda: listening(lab.R), lambda now: now > before, "a listener")
    with contextlib.suppress(ConnectionRefusedError):
        lab.A.socket(4).connect((lab.B.addr[4], 82))
    reset(lab.connect(4).a)
    wait_for(lambda: proc(lab.R)["refused"] and proc(lab.R)["closed_reset"], what="both ends")
    said = [json.loads(each) for each in command.stop().prints().splitlines()]
    equal([(each["initiator"], each["responder_port"], each["by"]) for each in said],
          [("10.9.1.2", 82, "responder")], f"{line}: who")


def ladder(lab, line):
    def connect():
        lab.connect(4).close()
        lab.connect(4, client=lab.B).close()
    command = Command(lab.R, line).told(r"^SYN_SENT +\|--- SYN J .*->\| LISTEN", connect).stop()
    true("10.9.2.2:80" in command.prints(r"^ESTABLISHED +\|--- ACK K\+1 \[established\]") and
         "10.9.1.2:80" not in command.read(), f"{line}: of the web server\n{command.read()}")


def picture(lab, line):
    Command(lab.R, line).prints("<svg", "CLOSE_WAIT", name="tcpstate.svg")


def served(lab, line):
    lab.R.ip("addr add 192.0.2.1/32 dev lo")
    command = Command(lab.R, line)
    connection = http.client.HTTPConnection("192.0.2.1", 9293, timeout=ktap.PATIENCE)

    def connected():
        with contextlib.suppress(ConnectionRefusedError), lab.R:
            connection.connect()
            return True
    wait_for(connected, what=f"{line}: who listens")
    connection.request("GET", "/metrics")
    true(b'tcpstate_endpoints{state="CLOSE_WAIT",role="responder"} 1\n' in
         connection.getresponse().read(), f"{line}: what it serves")
    connection.close()
    command.stop().prints()


def collected(lab, line):
    Command(lab.R, line).prints(r"^tcpstate_flows [1-9]", name="tcpstate.prom")


def watched(lab, line):
    """Waits for the flood that the others are tried in."""
    before = listening(lab.R)
    lab.alerts = Command(lab.R, line)
    wait_for(lambda: listening(lab.R), lambda now: now > before, "a listener")


def flooded(lab, line):
    wait_for(lambda: Command(lab.R, line).prints(), lambda text: text.count("\n") > 1, line)
    Command(lab.R, line).prints(r"^10\.9\.2\.2:80 +flood_\w+ ", r"^\tcompletion:")


def scanned(lab, line):
    wait_for(lambda: Command(lab.R, line).prints(), lambda text: text.count("\n") > 1, line)
    Command(lab.R, line).prints(r"^10\.9\.3\.250 +scan ")


def glance(lab, line):
    Command(lab.R, line).prints(r"^ *ESTABLISHED", r"10\.9\.2\.2:80 +flood_\w+ ")


QUIET = {
    "tcpstate": summary,
    "tcpstate -n /proc/$(pidof -s nginx)/ns/net": container,
    "tcpstate check": agreement,
    "tcpstate flows state close-wait idle 1h": leaking,
    "tcpstate -j flows | jq -r '.[].initiator' | sort | uniq -c": initiators,
    "tcpstate halfopen dport 80 and older 3s": stale,
    "tcpstate -j monitor closed | jq -c 'select(.conn_state == \"REJ\")'": refusals,
    "tcpstate trace src 10.9.1.2 and dport 80": ladder,
    "tcpstate graph --svg >tcpstate.svg": picture,
    "tcpstate export --listen 192.0.2.1:9293": served,
    "tcpstate export >tcpstate.$$ && mv tcpstate.$$ tcpstate.prom": collected,
}
FLOODED = {
    "tcpstate monitor -t alerts dport 80 verdict flood": watched,
    "tcpstate listeners verdict flood": flooded,
    "tcpstate hosts verdict scan": scanned,
    "tcpstate top -1 -d 1s": glance,
}


@test("the manual's examples are those that are tried", families=None, lab=None)
def whole():
    equal(collections.Counter(re.findall(r"^ {11}(\S.*)$", page(8, "EXAMPLES"), re.M)),
          collections.Counter([*QUIET, *FLOODED]), "examples")


@test("each of them does what it says", families=None)
def examples(lab):
    populate(lab)
    for line, try_it in QUIET.items():
        try_it(lab, line)


@test("and so does each of those that speak of trouble, in trouble", families=None)
def troubled(lab):
    lab.witnessed = False
    first, *others = FLOODED.items()
    first[1](lab, first[0])
    with Flood(lab, 4, sources=200), Scan(lab, 4):
        for line, try_it in others:
            try_it(lab, line)
    lab.alerts.told(r"^end ").stop().prints(r"^begin +\S+Z +10\.9\.2\.2:80 +flood_")


@test("settings are those of the module's page, with its defaults", families=None)
def settings(lab):
    told = dict(re.findall(r"^ {5}([a-z_0-9]+) \((\d+)\)", page(4, "SYSCTL VARIABLES"), re.M))
    with lab.R:
        names = os.listdir("/proc/sys/net/tcpstate")
    equal({name: lab.R.sysctl(f"net.tcpstate.{name}") for name in names}, told, "sysctls")
    files = set(re.findall(r"^ {5}(/proc/\S+)$", page(4, "FILES"), re.M))
    with lab.R:
        equal({name for name in files if not os.path.exists(name)}, set(), "files")
    # But for the clock of modules that tests build.
    equal(set(os.listdir("/sys/module/tcpstate/parameters")) - {"clock"},
          set(re.findall(r"^ {5}([a-z_]+) ", page(4, "PARAMETERS"), re.M)), "parameters")


if __name__ == "__main__":
    main()
