# SPDX-License-Identifier: GPL-2.0
"""
The tool as it is run: the one under sanitizers, where that is built and can run, and
whatever it is run for, nothing they say is passed over. First of all comes where.

    flows = read(lab.R, "flows", "dport", "80")
    with as_nobody() as nobody:
        refused(lab.R, "CAP_NET_ADMIN", 2, "flows", **nobody)
"""

import contextlib
import ctypes
import fcntl
import functools
import json
import os
import pty
import re
import shutil
import signal
import subprocess
import tempfile

import ktap
from ktap import equal, sanitized, say, true
from roles import NOBODY

HERE = os.path.dirname(os.path.realpath(__file__))
TOOLS = os.path.realpath(f"{HERE}/../../tools")
PLAIN = f"{TOOLS}/tcpstate"         # for what is run by the dozen: the other starts slowly
TOOL = sanitized(f"{TOOLS}/asan/tcpstate", PLAIN)
COMPLAINT = 98                      # exit status of a sanitizer or valgrind that found fault
ENVIRONMENT = {**os.environ, "LC_ALL": "C", "TERM": "xterm",
               "ASAN_OPTIONS": f"exitcode={COMPLAINT}",
               "UBSAN_OPTIONS": f"halt_on_error=1:exitcode={COMPLAINT}"}
ENVIRONMENT.pop("NO_COLOR", None)
# Of a record in the words of JSON: whom it is about.
WHO = ("family initiator initiator_port responder responder_port listener "
       "listener_port").split()


def built():
    """Assert that it is there to be run, and tell which."""
    true(os.access(TOOL, os.X_OK), "tools/tcpstate is not built: make -C tools")
    say(TOOL)


# to its end

def run(ns, *words, tool=TOOL, by=(), env=(), stdout=subprocess.PIPE, **options):
    """Run it, or have it run by a program of these words."""
    with ns:
        done = subprocess.run([*by, tool, *words], text=True, stdin=subprocess.DEVNULL,
                              stdout=stdout, stderr=subprocess.PIPE,
                              env={**ENVIRONMENT, **dict(env)}, **options)
    true(done.returncode != COMPLAINT and "Sanitizer" not in done.stderr and
         "runtime error" not in done.stderr, f"{done.args}:\n{done.stderr}")
    return done


def output(ns, *words, **options):
    """What it prints, when all goes well."""
    done = run(ns, *words, **options)
    equal((done.returncode, done.stderr), (0, ""), f"{words}: status, complaint")
    return done.stdout


def read(ns, *words, **options):
    """Likewise, of JSON."""
    return json.loads(output(ns, "-j", *words, **options))


def refused(ns, word, status, *words, **options):
    """Assert that it prints one line of complaint that has a word in it, and nothing else."""
    done = run(ns, *words, **options)
    equal((done.returncode, done.stdout or ""), (status, ""), f"{words}: status, output")
    true(re.fullmatch(r"tcpstate: [^\n]+\n", done.stderr) and word in done.stderr,
         f"{words}: one line with '{word}', not {done.stderr!r}")


def nothing(ns, *words):
    """Assert that it tells of no record: an empty array, or titles alone."""
    equal(output(ns, "-j", *words), "[]\n", f"{words} as JSON")
    equal(read(ns, "-p", *words), [], f"{words} as pretty JSON")
    equal(len(output(ns, *words).splitlines()), 1, f"lines of {words}")


@contextlib.contextmanager
def as_nobody(tool=TOOL):
    """How to run it without any privilege, from where nobody may read."""
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o755)
        yield {"user": NOBODY, "group": NOBODY, "extra_groups": [], "cwd": "/",
               "tool": shutil.copy(tool, place)}


@functools.cache
def preloaded(name):
    """A library of ours, to come before any other: the environment that says so."""
    library = f"{tempfile.mkdtemp()}/{name}.so"
    subprocess.run(["gcc", "-O2", "-shared", "-fPIC", "-o", library, f"{HERE}/{name}.c"],
                   check=True)
    return {"LD_PRELOAD": library}


def on_terminal(ns, *words, **env):
    """What it prints on a terminal."""
    ours, its = pty.openpty()
    with ns:
        process = subprocess.Popen([TOOL, *words], stdout=its, stdin=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, env={**ENVIRONMENT, **env})
    os.close(its)
    text = b""
    with contextlib.suppress(OSError):              # EIO: nobody has the other side
        while part := os.read(ours, 4096):
            text += part
    os.close(ours)
    said = process.stderr.read()
    equal((process.wait(), said), (0, b""), f"{words}: status, complaint")
    return text.decode().replace("\r\n", "\n")


# while it runs

def start(ns, *words, tool=TOOL):
    """Begin to run it, its output a pipe of one page."""
    with ns:
        process = subprocess.Popen([tool, *words], stdout=subprocess.PIPE, text=True,
                                   stderr=subprocess.PIPE, env=ENVIRONMENT)
    fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, 4096)
    return process


def abandoned(ns, *words):
    """Assert that it ends without a word once its reader has left."""
    process = start(ns, *words)
    true(process.stdout.readline(), "a line")
    process.stdout.close()
    said = process.stderr.read()
    equal((process.wait(), said), (-signal.SIGPIPE, ""), f"{words}: status, complaint")


def text_of(file):
    """All of a file that another process may be writing to by the same descriptor: its
    offset is theirs too, so it is neither used nor moved."""
    return os.pread(file.fileno(), os.fstat(file.fileno()).st_size, 0).decode()


def die_with_us():
    """Who listens must not listen on when its test has failed, for others would be heard."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)      # PR_SET_PDEATHSIG


class Running:
    """The tool where it goes on, and what it has told."""

    def __init__(self, ns, *words, tool=TOOL, env=()):
        self.out, self.err = (tempfile.TemporaryFile("a+") for _ in "oe")
        with ns:
            self.process = subprocess.Popen(
                [tool, *words], stdin=subprocess.DEVNULL, stdout=self.out, stderr=self.err,
                env={**ENVIRONMENT, **dict(env)}, preexec_fn=die_with_us)

    def lines(self):
        """What it printed so far, but for a line that is not complete."""
        return text_of(self.out).split("\n")[:-1]

    def objects(self):
        """Likewise, of JSON."""
        return [json.loads(line) for line in self.lines()]

    def said(self):
        """What it complained of so far."""
        return text_of(self.err)

    def wait(self):
        """Its end, a good one."""
        status = self.process.wait(ktap.PATIENCE * 4)
        equal(status, 0, f"status of {self.process.args}, which said {self.said()!r}")

    def stop(self, number=signal.SIGINT):
        """End it."""
        self.process.send_signal(number)
        return self.wait()


# what it tells

def key(record):
    """Whom a record is about."""
    return tuple(record[name] for name in WHO if name in record)


def keyed(records):
    """By key; asserts that nothing is there twice."""
    found = {key(record): record for record in records}
    equal(len(found), len(records), "different records")
    return found


def milliseconds(text):
    """The least and the most that a time as text may stand for."""
    match = re.fullmatch(r"(\d+)ms|(\d+)\.(\d)s|(\d+)m(\d\d)s|(\d+)h(\d\d)m|(\d+)d(\d\d)h", text)
    true(match, f"'{text}' is no time")
    ms, s, tenth, m, ms_, h, hm, d, dh = (int(each) if each else 0 for each in match.groups())
    unit = {"ms": 1, ".": 100, "m": 1000, "h": 60_000, "d": 3_600_000}[
        re.sub(r"\d", "", text)[:2 if text.endswith("ms") else 1]]
    least = ms + s * 1000 + tenth * 100 + m * 60_000 + ms_ * 1000 + h * 3_600_000 + \
        hm * 60_000 + d * 86_400_000 + dh * 3_600_000
    return least, least + unit - 1
