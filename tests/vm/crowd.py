# SPDX-License-Identifier: GPL-2.0
"""
A crowd of connections for R to know of: both families, either direction, every
pair of states, addresses that prefixes of every length part, several ages and
idle times. Drawn by a seeded die and forged, but for a few real ones, so that
nothing in it moves until somebody moves it.

    crowd = Crowd(lab, seed)            # in R when this returns; or Crowd(lab, die)
    for life in crowd.lives: ...        # Life, what R should say of each
"""

import random
import re
import time
from dataclasses import dataclass

from lab import *

PAYLOAD = 100                           # octets in a segment of data
BATCH = 1.5                             # seconds from one batch to the next
BATCHES = 5

# What passes, upper case by the initiator: S SYN, H SYN-ACK, A ACK, D data, T the
# same data again, F FIN, X a FIN that crosses the peer's, R RST; a blank is a pause
# until the next batch. Then the states that both ends are in, none where it is over.
LIVES = {
    "S": "SYN_SENT LISTEN",
    "S S": "SYN_SENT LISTEN",
    "Sh": "SYN_SENT SYN_RECV",
    "S h": "SYN_SENT SYN_RECV",
    "Sh hh": "SYN_SENT SYN_RECV",
    "Ss": "SYN_SENT SYN_SENT",
    "SsH": "SYN_RECV SYN_SENT",
    "ShA": "ESTABLISHED ESTABLISHED",
    "Sh A": "ESTABLISHED ESTABLISHED",
    "ShADa": "ESTABLISHED ESTABLISHED",
    "ShADadAT": "ESTABLISHED ESTABLISHED",
    "ShADa d ADDDa": "ESTABLISHED ESTABLISHED",
    "ShAF": "FIN_WAIT1 ESTABLISHED",
    "ShAf": "ESTABLISHED FIN_WAIT1",
    "ShADFa": "FIN_WAIT2 CLOSE_WAIT",
    "ShAFa dA": "FIN_WAIT2 CLOSE_WAIT",
    "ShAfA": "CLOSE_WAIT FIN_WAIT2",
    "ShADFf": "FIN_WAIT2 LAST_ACK",
    "ShAf F": "LAST_ACK FIN_WAIT2",
    "ShAFx": "FIN_WAIT1 FIN_WAIT1",
    "ShAFxA": "CLOSING FIN_WAIT2",
    "ShAfXa": "FIN_WAIT2 CLOSING",
    "ShAFxAa": "TIME_WAIT TIME_WAIT",
    "ShADdAFfA": "TIME_WAIT CLOSE",
    "ShA DFfA": "TIME_WAIT CLOSE",
    "ShAfFa": "CLOSE TIME_WAIT",
    # begun before anyone looked
    "h": "SYN_SENT SYN_RECV",
    "A": "ESTABLISHED ESTABLISHED",
    "d": "ESTABLISHED ESTABLISHED",
    "D a": "ESTABLISHED ESTABLISHED",
    "DaFa": "FIN_WAIT2 CLOSE_WAIT",
    "F": "FIN_WAIT1 ESTABLISHED",
    "f": "ESTABLISHED FIN_WAIT1",
    # answered by another way
    "SDD": "ESTABLISHED ESTABLISHED",
    "S DD D": "ESTABLISHED ESTABLISHED",
    "SDD dA": "ESTABLISHED ESTABLISHED",
    "SDDF": "FIN_WAIT1 ESTABLISHED",
    # over: nothing may be said of them any more
    "Sr": "",
    "ShAR": "",
    "ShADar": "",
}

FLAGS = {"S": SYN, "H": SYN | ACK, "A": ACK, "D": PSH | ACK, "T": PSH | ACK, "F": FIN | ACK,
         "X": FIN | ACK, "R": RST | ACK}


@dataclass(eq=False)
class Life:
    """A connection, and what R should say of it."""
    fam: int
    letters: str                        # of LIVES; "" of a real one
    address: tuple                      # initiator's and responder's
    port: tuple
    states: tuple                       # () when it is over
    born: int = 0                       # its batch

    def __repr__(self):
        return f"{self.initiator}>{self.responder} {self.letters}"

    @property
    def initiator(self):
        """Its name, and so below."""
        return at(self.address[0], self.port[0])

    @property
    def responder(self):
        return at(self.address[1], self.port[1])

    @property
    def key(self):
        """Who it is: family, both names."""
        return f"ipv{self.fam}", self.initiator, self.responder

    @property
    def halfopen(self):
        """Half-open?"""
        return self.states[:1] in (("SYN_SENT",), ("SYN_RECV",))

    @property
    def picked_up(self):
        """Begun by something else than a SYN?"""
        return bool(self.letters) and self.letters[0] != "S"

    @property
    def one_sided(self):
        """Established by its initiator's word alone?"""
        return bool(re.match(r"S[A-Z ]*D[A-Z ]*D", self.letters))

    # what follows is known of a forged one alone

    @property
    def bytes(self):
        """Octets of payload that each sent, and so below."""
        return tuple(PAYLOAD * self.letters.count(each) for each in "Dd")

    @property
    def segments(self):
        """Segments that each sent."""
        return sum(map(str.isupper, self.letters)), sum(map(str.islower, self.letters))

    @property
    def retrans(self):
        """Segments that each sent again."""
        return tuple(self.letters.count(again) + max(sum(map(self.letters.count, syn)) - 1, 0)
                     for again, syn in (("T", "S"), ("t", "sh")))

    @property
    def history(self):
        """Its letters in the order of first appearance, ^ where the roles are guessed."""
        letters = self.letters.translate({ord("X"): "F", ord("x"): "f", ord(" "): None})
        return "^" * (letters[0] not in "Sh") + "".join(dict.fromkeys(letters))

    @property
    def asked(self):
        """SYNs of the initiator, and SYN-ACKs of either."""
        return self.letters.count("S"), self.letters.lower().count("h")

    @property
    def phase(self):
        """Of a half-open one: was it answered?"""
        return "SYN_RECV" if self.asked[1] else "SYN_SENT"


def part_ways(die, fam):
    """Addresses in whose company a prefix of any length leaves someone out: one, and
    for each of its bits another that is equal before that bit and random after."""
    origin = int.from_bytes(packed({4: "10.77.54.32", 6: "2001:db8:77::32"}[fam]), "big")
    size = {4: 32, 6: 128}[fam]

    def beside(bit):
        found = ipaddress.ip_address((origin ^ 1 << bit ^ die.getrandbits(bit)).to_bytes(
            size // 8, "big"))
        # nothing comes from a group, and the kernel would say so before anyone looks
        return beside(bit) if found.is_multicast or found.is_loopback else str(found)
    return [str(ipaddress.ip_address(origin.to_bytes(size // 8, "big"))), *map(beside, range(size))]


def draw(die, number):
    """So many lives, every kind among them in both families, and some that are over."""
    living = [letters for letters in LIVES if LIVES[letters]]
    kinds = list(LIVES) * 2 + die.choices(living, k=number - 2 * len(living))
    pools = {fam: part_ways(die, fam) for fam in (4, 6)}
    taken, lives = set(), []
    answering, guessed = set(), set()       # who is known to listen, and who must not be
    for index, letters in enumerate(kinds):
        fam = (4, 6)[index // len(LIVES)] if index < 2 * len(LIVES) else die.choice((4, 6))
        while True:
            ends = tuple((die.choice(pools[fam]), port) for port in (
                die.choice((20000, 30000, 40000, 65535, die.randrange(20000, 65536))),
                die.choice((1, 22, 80, 443, die.randrange(8000, 8020), 19999))))
            # of one that is picked up the lower port is guessed to be the responder's,
            # unless the other one is known to listen
            if letters[0] == "S" and not die.randrange(4):
                ends = ends[::-1]
            # where SYNs crossed, the one who was asked first counts as asked, whoever answers
            answers = set(ends) if "H" in letters else {ends[1]} if "h" in letters else set()
            asks = set() if letters[0] in "Sh" else {ends[0]}
            if ends[0][0] != ends[1][0] and frozenset(ends) not in taken and \
                    not (answers & guessed or asks & answering):
                break
        taken.add(frozenset(ends))
        answering |= answers
        guessed |= asks
        lives.append(Life(fam, letters, *zip(*ends), tuple(LIVES[letters].split()),
                          die.randrange(BATCHES - letters.count(" "))))
    die.shuffle(lives)
    return lives


class Crowd:
    """Lives, and the means to bring them about."""

    def __init__(self, lab, die, number=300, real=12):
        self.lab, self.die = lab, die if isinstance(die, random.Random) else random.Random(die)
        self.over = [life for life in draw(self.die, number - real)]
        self._sequence = {}
        # Nobody answers what is forged, and nothing in the crowd runs out of time.
        lab.R.ip("route add blackhole 0.0.0.0/0", "route add blackhole ::/0")
        for knob in ("established syn_sent syn_recv fin_wait close_wait last_ack time_wait close "
                     "unreplied").split():
            lab.R.sysctl(f"net.tcpstate.timeout_{knob}", 432000)
        before = proc(lab.R)
        due = time.monotonic()
        for batch in range(BATCHES):
            wait_for(time.monotonic, lambda now, due=due: now >= due, "next batch")
            due = time.monotonic() + BATCH
            for life in self.over:
                stages = life.letters.split(" ")
                if 0 <= batch - life.born < len(stages):
                    self.say(life, stages[batch - life.born])
        self.lives = [life for life in self.over if life.states]
        self.over = [life for life in self.over if not life.states]
        self.lives += [self._real(index) for index in range(real)]
        wait_for(lambda: self.seen() or proc(lab.R).unequal() or
                 [name for name in ("flows", "halfopen") if proc(lab.R)[name] - before[name]
                  != sum(life.halfopen == (name == "halfopen") for life in self.lives)],
                 lambda wrong: not wrong, "the crowd in R")

    def _real(self, index):
        """A real connection, every third half closed."""
        client, lab = self.lab.hosts[index % 2], self.lab
        conn = lab.keep(lab.connect((4, 6)[index // 2 % 2], client=client, dport=9000 + index))
        conn.talk()
        states = ("ESTABLISHED", "ESTABLISHED")
        if index % 3 == 0:
            conn.a.shutdown(SHUT_WR)
            equal(conn.b.recv(1), b"", "end of stream")
            states = ("FIN_WAIT2", "CLOSE_WAIT")
        ends = [sock.getsockname()[:2] for sock in (conn.a, conn.b)]
        life = Life(conn.fam, "", *zip(*ends), states, BATCHES - 1)
        life.conn = conn
        return life

    def say(self, life, letters):
        """Forge what passes next in a life."""
        nxt, fin = self._sequence.setdefault(
            life, ([self.die.getrandbits(32) for _ in range(2)], [0, 0]))
        for letter in letters:
            by = int(letter.islower())
            peer, kind = 1 - by, letter.upper()
            size = PAYLOAD if kind in "DT" else 0
            # SYNs come before the first octet, which is where both stand at first
            seq = nxt[by] - (1 if kind in "SH" else PAYLOAD if kind == "T" else 0)
            segment = tcp(life.address[by], life.address[peer], life.port[by], life.port[peer],
                          seq, nxt[peer] - (kind == "X") if kind != "S" else 0, FLAGS[kind],
                          payload=bytes(size))
            if kind == "D":
                nxt[by] += PAYLOAD
            nxt[by] += kind in "FX"
            self.lab.forge(self.lab.hosts[by ^ life.port[0] & 1],
                           {4: ipv4, 6: ipv6}[life.fam](life.address[by], life.address[peer],
                                                        segment))

    def pairs(self):
        """How many endpoints are in each state, as Proc.pairs."""
        table = collections.defaultdict(lambda: [0, 0])
        for life in self.lives:
            for end in 0, 1:
                table[life.states[end]][end] += 1
        return {state: tuple(table[state]) for state in STATES if state in table}

    def seen(self):
        """What R says otherwise of the states: nothing when it says what we do. Only
        where R knows of nobody else."""
        return "" if proc(self.lab.R).pairs == self.pairs() else \
            f"{proc(self.lab.R).pairs}, not {self.pairs()}"
