# SPDX-License-Identifier: GPL-2.0
"""
Claims, awaited conditions, and verdicts in KTAP. Knows nothing of networks.
"""

import contextlib
import ctypes
import fnmatch
import os
import random
import select
import signal
import sys
import time
import traceback

# Emulated CPUs are slow, so a condition that should come is awaited long.
PATIENCE = float(os.environ.get("LAB_PATIENCE", 60))

# Of dice that fall the same way each time.
SEED = int(os.environ.get("LAB_SEED", 9293))


class Failure(AssertionError):
    """The claim is false."""


class Skip(Exception):
    """The claim cannot be tried here; the argument says why."""


def say(text):
    """A line beside the verdicts."""
    print(f"# {text}", flush=True)


def die_of_today():
    """A die with a seed of its own each time, which it tells; LAB_SEED repeats one."""
    seed = int(os.environ.get("LAB_SEED", time.time_ns()))
    say(f"LAB_SEED={seed}")
    return random.Random(seed)


# awaiting

def wait_for(get, ok=bool, what="", timeout=None):
    """Call get() until ok(value) and return value; Failure shows the last one.
    A Failure raised by get() counts as not yet."""
    limit = time.monotonic() + (PATIENCE if timeout is None else timeout)
    pause = 0.002
    while True:
        try:
            value = get()
            if ok(value):
                return value
            last = repr(value)
        except Failure as failure:
            last = str(failure)
        if time.monotonic() >= limit:
            raise Failure(f"{what or 'condition'} never came; last: {last}")
        time.sleep(pause)
        pause = min(pause * 2, 0.1)


def wait_equal(get, want, what="", timeout=None):
    """Await get() == want."""
    return wait_for(get, lambda value: value == want,
                    f"{what or 'value'} (wanted {want!r})", timeout)


def stays(get, want, seconds, what=""):
    """Assert that get() == want for so long. For what must not happen: let some
    later effect that can be awaited prove the point instead, where there is one."""
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        equal(get(), want, what)
        time.sleep(0.02)


def sanitized(under, plain):
    """Of a program of ours the one under sanitizers, where it is built and can run: User-Mode
    Linux has no room in a process for what ASan takes down. Else the plain one."""
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
        able = "User Mode Linux" not in file.read()
    return under if able and os.access(under, os.X_OK) else plain


def equal(seen, want, what=""):
    """Assert seen == want."""
    if seen != want:
        raise Failure(f"{what or 'value'}: wanted {want!r}, saw {seen!r}")


def true(value, what):
    """Assert that value is true."""
    if not value:
        raise Failure(what)


def same_set(seen, want, what):
    """Assert that two sets are the same."""
    missing, more = want - seen, seen - want
    true(not missing and not more, f"{what}: {len(missing)} missing, like "
         f"{sorted(missing)[:3]}; {len(more)} too many, like {sorted(more)[:3]}")


# processes beside

@contextlib.contextmanager
def child(function, *arguments, **options):
    """Run a function in a child process until the block ends: killed then, unless
    done, which must be without an error. Yields its pid."""
    pid = os.fork()
    if not pid:
        status = 1
        try:
            signal.alarm(0)
            function(*arguments, **options)
            status = 0
        except BaseException as error:
            print(f"# {function.__name__}: {type(error).__name__}: {error}", flush=True)
        os._exit(status)
    try:
        yield pid
    finally:
        os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
    true(status in (0, signal.SIGKILL), f"{function.__name__} ended with status {status:#x}")


# claims and verdicts

_tests = []
chosen = []         # what main() runs of them


def test(title, families=(4, 6), lab=None, serial=False, timeout=480):
    """Register a claim: function(lab, fam), once per family (families=None: just
    function(lab)). lab=None: no Lab is made and the function is not given one.
    serial: never beside another."""
    def register(function):
        for fam in families or (None,):
            suffix = "" if fam is None else f", IPv{fam}"
            _tests.append((title + suffix, function, fam, lab, serial, timeout))
        return function
    return register


def _attempt(function, fam, make):
    """Run one test in this process: (verdict, lines)."""
    lab = None
    try:
        lab = make() if make else None
        function(*([lab] if make else []), *([fam] if fam else []))
        if lab is not None:
            lab.finish()
        return "ok", []
    except Skip as skip:
        return "skip", [str(skip)]
    except BaseException as error:              # a test may fail in any way
        where = [f"at {frame.name}, {os.path.basename(frame.filename)}:{frame.lineno}: "
                 f"{frame.line}" for frame in traceback.extract_tb(error.__traceback__)
                 if frame.name not in ("_attempt", "wait_for", "equal", "true")]
        kind = "" if isinstance(error, Failure) else type(error).__name__ + ": "
        lines = (kind + str(error)).splitlines() + where
        if lab is not None and hasattr(lab, "report"):
            lines += lab.report()
        return "not ok", lines


def _spawn(entry, cpu):
    """Fork a process that runs a test, there if a CPU is named: (pid, file that will tell)."""
    _, function, fam, make, _, timeout = entry
    reader, writer = os.pipe()
    sys.stdout.flush()
    parent = os.getpid()
    pid = os.fork()
    if pid:
        os.close(writer)
        return pid, reader
    os.close(reader)
    try:
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)      # PR_SET_PDEATHSIG
        if os.getppid() != parent:
            os._exit(1)
        if cpu is not None:
            os.sched_setaffinity(0, {cpu})

        def late(*_):
            raise Failure(f"not done after {timeout} s")
        signal.signal(signal.SIGALRM, late)
        signal.alarm(timeout)
        verdict, lines = _attempt(function, fam, make)
        with open(writer, "w") as file:
            file.write("\n".join([verdict, *lines]))
    finally:
        sys.stdout.flush()
        os._exit(0)


def main(jobs=None, prepare=None, finish=None, one_cpu=False):
    """Run the tests and exit. Arguments: -l lists them, -j N how many at a time,
    anything else is a pattern: run those whose titles match. prepare() is called
    before the first, finish() after the last. one_cpu=True: what each test does stays
    on one CPU, serial ones apart, for what different ones send may overtake each other."""
    sys.stdout.reconfigure(line_buffering=True)
    arguments = sys.argv[1:]
    if "-j" in arguments:
        at = arguments.index("-j")
        jobs = int(arguments[at + 1])
        del arguments[at:at + 2]
    chosen[:] = [entry for entry in _tests if not [a for a in arguments if a != "-l"] or
              any(fnmatch.fnmatch(entry[0], f"*{pattern}*") for pattern in arguments)]
    if "-l" in arguments:
        print("\n".join(entry[0] for entry in chosen))
        sys.exit(0)
    jobs = jobs or 2 * (os.cpu_count() or 1)
    if prepare:
        prepare()
    print(f"KTAP version 1\n1..{len(chosen)}")
    order = [i for i, entry in enumerate(chosen) if not entry[4]]
    alone = [i for i, entry in enumerate(chosen) if entry[4]]
    order += alone
    cpus = sorted(os.sched_getaffinity(0))
    running, told, printed, failed = {}, {}, 0, 0
    began = {}
    while printed < len(chosen):
        while order and len(running) < jobs:
            if running and order[0] in alone:
                break
            index = order.pop(0)
            busy = [cpu for *_, cpu in running.values()]
            cpu = min(cpus, key=busy.count) if one_cpu and index not in alone else None
            pid, reader = _spawn(chosen[index], cpu)
            began[index] = time.monotonic()
            running[reader] = (index, pid, [], cpu)
        for reader in select.select(list(running), [], [])[0]:
            index, pid, parts, _ = running[reader]
            part = os.read(reader, 65536)
            parts.append(part)
            if part:
                continue
            os.close(reader)
            del running[reader]
            os.waitpid(pid, 0)
            text = b"".join(parts).decode() or "not ok\nthe test's process died"
            told[index] = (*text.split("\n"), f"took {time.monotonic() - began[index]:.1f} s")
        while printed in told:
            verdict, *lines = told.pop(printed)
            title = chosen[printed][0]
            printed += 1
            if verdict == "skip":
                print(f"ok {printed} - {title} # SKIP {lines[0]}")
                continue
            print(f"{verdict} {printed} - {title}")
            if verdict != "ok" or os.environ.get("LAB_TIMES"):
                print("\n".join(f"# {line}" for line in lines))
            failed += verdict != "ok"
    if finish:
        finish()
    print(f"# {printed - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)
