# SPDX-License-Identifier: GPL-2.0
"""The tool's monitor, and who listens as it does."""

from ktap import wait_for
from tool import Running


def listening(ns):
    """How many sockets in a namespace are in two multicast groups of generic netlink."""
    lines = [line.split() for line in ns.net("netlink").splitlines()[1:]]
    return sum(line[1] == "16" and bin(int(line[3], 16)).count("1") >= 2 for line in lines)


class Monitor(Running):
    """The tool's monitor in a namespace, once it listens."""

    def __init__(self, ns, *words, json=True, **options):
        self.told = self.objects if json else self.lines
        before = listening(ns)
        super().__init__(ns, *["-j"] * json, "monitor", *words, **options)
        wait_for(lambda: listening(ns) > before or self.process.poll() is not None,
                 what="a listener")

    def wait(self):
        """Its end: all that it printed."""
        super().wait()
        return self.told()
