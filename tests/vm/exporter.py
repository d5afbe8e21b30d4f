# SPDX-License-Identifier: GPL-2.0
"""The tool as an exporter, what it says, and the programs of Prometheus that understand it."""

import http.client
import re
import signal
import subprocess

from ktap import Skip, equal, true, wait_for
from tool import ENVIRONMENT, HERE, TOOL

PORT = 9293


def programs():
    """Where prometheus and promtool are."""
    done = subprocess.run([f"{HERE}/../prometheus/get"], text=True, stdout=subprocess.PIPE)
    if done.returncode:
        raise Skip("prometheus is not fetched")
    return done.stdout.strip()


def exposition(text):
    """{name with labels: value}, {family: type}; asserts that the format is kept to."""
    samples, families, family = {}, {}, None
    true(text.endswith("\n"), "a whole last line")
    for line in text.splitlines():
        if line.startswith("# HELP "):
            family = line.split(" ")[2]
            true(family not in families, f"{family} begins twice")
            families[family] = None
            continue
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            equal(name, family, "TYPE below HELP")
            families[family] = kind
            continue
        match = re.fullmatch(r'([a-z_]+)(\{(?:[a-z]+="[^"\\]*",?)+\})? ([-+.e\d]+)', line)
        true(match, f"a sample: {line!r}")
        true(re.fullmatch(f"{family}(_bucket|_sum|_count)?", match[1]), f"{line!r} in {family}")
        name = match[1] + (match[2] or "")
        true(name not in samples, f"{name} twice")
        samples[name] = float(match[3])
    return samples, families


class Exporter:
    """tcpstate export --listen, in a namespace, until the end of a with statement."""

    def __init__(self, ns, *more, where=f":{PORT}", tool=TOOL):
        self.ns = ns
        self.address = "::1" if where.startswith("[::1]") else "127.0.0.1"
        with ns:
            self.process = subprocess.Popen(
                [tool, "export", "--listen", where, *more], stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                # Who has given up everything cannot look for leaks in itself.
                env={**ENVIRONMENT, "ASAN_OPTIONS": "detect_leaks=0"})

    def __enter__(self):
        wait_for(self.listens, what="an exporter that listens")
        # It gives up its privileges then, and answers afterwards.
        self.ask("/")
        return self

    def __exit__(self, kind, *_):
        self.process.send_signal(signal.SIGTERM)
        said = self.process.communicate(timeout=60)
        if not kind:
            equal((self.process.returncode, said), (0, ("", "")), "status, output, complaint")

    def listens(self):
        if self.process.poll() is not None:
            raise AssertionError(f"it ended: {self.process.stderr.read()}")
        return f":{PORT}" in self.ns.run("ss", "-Hltn")

    def open(self, address=None, ns=None):
        """A connection to it."""
        connection = http.client.HTTPConnection(address or self.address, PORT, timeout=60)
        with ns or self.ns:
            connection.connect()
        return connection

    def ask(self, path="/metrics", method="GET", **options):
        """Status, type and text of an answer."""
        connection = self.open(**options)
        connection.request(method, path)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, answer.getheader("Content-Type"), text

    def read(self, **options):
        """What it exports."""
        status, kind, text = self.ask(**options)
        equal((status, kind), (200, "text/plain; version=0.0.4; charset=utf-8"), text[:200])
        return exposition(text)[0]

    def status(self):
        """Of its process, as /proc has it."""
        with open(f"/proc/{self.process.pid}/status") as file:
            return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
