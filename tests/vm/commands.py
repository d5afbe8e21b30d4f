# SPDX-License-Identifier: GPL-2.0
"""
Commands as somebody reads them in the manual or the README, and types them:

    command = Command(lab.R, "tcpstate -j monitor | jq .seq")
    command.told("17").stop().prints("^17$")
"""

import os
import re
import signal
import subprocess
import tempfile

import ktap
from lab import *

# What monitor says after all.
SUM = re.compile(r"^tcpstate: [1-9]\d* events received, 0 lost\n", re.M)


class Command:
    """A command, run by a shell in a namespace and in a directory of its own."""

    def __init__(self, ns, line):
        self.line, self.place = line, tempfile.mkdtemp()
        with ns, open(f"{self.place}/out", "w") as out, open(f"{self.place}/err", "w") as err:
            self.shell = subprocess.Popen(["sh", "-c", line], cwd=self.place,
                                          stdin=subprocess.DEVNULL, stdout=out, stderr=err)

    def read(self, name="out"):
        """A file that it wrote: `out` and `err`, or one by the name that it gave."""
        with open(f"{self.place}/{name}") as file:
            return file.read()

    def prints(self, *patterns, name="out"):
        """Await its end, a good one without a complaint, and assert that what it wrote
        has each of these. Return that."""
        status = self.shell.wait(ktap.PATIENCE * 2)
        equal((status, SUM.sub("", self.read("err"))), (0, ""), f"{self.line}: status, complaint")
        text = self.read(name)
        for pattern in patterns:
            true(re.search(pattern, text, re.M), f"{self.line}: no /{pattern}/ in\n{text}")
        return text

    def told(self, pattern, meanwhile=lambda: None):
        """Await that it has written that."""
        def look():
            meanwhile()
            return self.read()
        wait_for(look, lambda text: re.search(pattern, text, re.M), f"{self.line}: {pattern}")
        return self

    def _tool(self):
        """The process of tcpstate or its exporter: the shell itself, or a child of it."""
        children = subprocess.run(["pgrep", "-P", str(self.shell.pid)], text=True,
                                  stdout=subprocess.PIPE).stdout.split()
        for pid in [str(self.shell.pid), *children]:
            with contextlib.suppress(OSError), open(f"/proc/{pid}/comm") as file:
                if file.read().startswith("tcpstate"):
                    return int(pid)
        return None

    def stop(self):
        """End tcpstate, as who has seen enough does, and nothing behind it in a pipe."""
        os.kill(wait_for(self._tool, what=f"{self.line}: tcpstate"), signal.SIGTERM)
        return self
