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

    def run(self):
        make = {4: ipv4, 6: ipv6}[self.fam]
        target = self.lab.B.addr[self.fam]
        while not self.over.wait(0.1):
            packets = []
            for _ in range(self.batch):
                self.sent += 1
                source = self.lab.spoof(self.fam, 1 + self.sent % self.sources)
                packets.append(make(source, target, tcp(
                    source, target, 1024 + self.sent // self.sources % 60000, self.dport,
                    seq=self.sent * 7919, flags=SYN, options=mss())))
            self.lab.forge(self.lab.A, packets)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join()
