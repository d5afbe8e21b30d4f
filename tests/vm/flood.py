# SPDX-License-Identifier: GPL-2.0
"""Floods of one's own: SYNs that nobody stands by."""

import threading

from packets import *


class Flood(threading.Thread):
    """From A's wire to a port of B, from so many sources of lab.spoofed, some `rate` in
    a second, until it is stopped:

        with Flood(lab, fam): ...
    """

    def __init__(self, lab, fam, sources=250, dport=80, rate=2000):
        super().__init__(daemon=True)
        self.lab, self.fam, self.sources, self.dport = lab, fam, sources, dport
        self.batch = rate // 10
        self.over, self.sent = threading.Event(), 0
        lab.listen(fam, dport)

    def packet(self, number):
        """The number-th one, from 1 on."""
        source = self.lab.spoof(self.fam, 1 + number % self.sources)
        return self.syn(source, 1024 + number // self.sources % 60000, self.dport, number)

    def syn(self, source, sport, dport, number):
        target = self.lab.B.addr[self.fam]
        return {4: ipv4, 6: ipv6}[self.fam](source, target, tcp(
            source, target, sport, dport, seq=number * 7919, flags=SYN, options=mss()))

    def run(self):
        while not self.over.wait(0.1):
            first, self.sent = self.sent + 1, self.sent + self.batch
            self.lab.forge(self.lab.A, [self.packet(number)
                                        for number in range(first, self.sent + 1)])

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join()


class Scan(Flood):
    """Likewise, of one source, and each of another port."""

    def __init__(self, lab, fam, source=250, rate=1000):
        super().__init__(lab, fam, rate=rate)
        self.source = lab.spoof(fam, source)

    def packet(self, number):
        return self.syn(self.source, 40000, 1000 + number % 60000, number)
