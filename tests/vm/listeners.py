# SPDX-License-Identifier: GPL-2.0
"""
Listeners by whoever tells of them, all in the words of the tool's JSON: netlink, /proc, and
the tool's own text.
"""

from genl import Channel
from ktap import equal, true
from tool import milliseconds

TITLES = "LISTENER VERDICT SINCE SYN_SENT SYN_RECV STALE SYN/S SOURCES".split()
PROC = ("syn_sent syn_recv syn synack completed refused timed_out syn_rate sources verdict "
        "since_ms").split()
JUDGED = {"completion", "usual"}


def told(each):
    """A Listener of netlink's."""
    record = {"family": f"ipv{each.fam}", "listener": each.address, "listener_port": each.port,
              "verdict": each.verdict, "since_ms": each.since,
              "top_sources": [{"source": source, "share": share / 1000}
                              for source, share in each.heavy]}
    for name in PROC + ["stale", "untimed"]:
        record.setdefault(name, getattr(each, name, None))
    for name in "responder_latency", "initiator_latency":
        record[f"{name}_us"] = list(getattr(each, name))
    for name in JUDGED:
        if getattr(each, name) is not None:
            record[name] = getattr(each, name) / 1000
    return record


def of_netlink(ns):
    """The listeners that netlink tells of."""
    with Channel(ns) as channel:
        return [told(each) for each in channel.listeners()]


def of_proc(ns):
    """Those of /proc/net/tcpstate_listeners."""
    found = []
    for line in ns.net("tcpstate_listeners").splitlines():
        family, name, *rest = line.split(" ")
        equal(len(rest), len(PROC), f"words in {line!r}")
        address, _, port = name.rpartition(":")
        found.append({"family": family, "listener": address.strip("[]"),
                      "listener_port": int(port),
                      **{name: int(word) if word.isdigit() else word
                         for name, word in zip(PROC, rest)}})
    return found


def of_text(text):
    """Those of text, a line each; times are (least, most)."""
    lines = text.splitlines()
    equal(lines[0].split(), TITLES, "titles")
    true(not any(line != line.rstrip() for line in lines), "no blanks at an end of line")
    found = []
    for line in lines[1:]:
        words = line.split()
        address, _, port = words[0].rpartition(":")
        record = {"family": "ipv6" if address[0] == "[" else "ipv4",
                  "listener": address.strip("[]"), "listener_port": int(port),
                  "verdict": words[1], "since_ms": milliseconds(words[2])}
        record.update(zip(("syn_sent", "syn_recv", "stale", "syn_rate", "sources"),
                          map(int, words[3:8])))
        for word in words[8:]:
            name, _, value = word.partition(":")
            name = name.replace("-", "_")
            if name in JUDGED:
                true(value[-1] == "%", f"a share: {word}")
                record[name] = round(float(value[:-1]) / 100, 3)
            elif name == "top_sources":
                record[name] = [{"source": source, "share": round(float(share[:-1]) / 100, 3)}
                                for source, share in (one.split("=")
                                                      for one in value.split(","))]
            else:
                record[name] = int(value) if value.isdigit() else value
        found.append(record)
    return found
