# SPDX-License-Identifier: GPL-2.0
"""What goes on without end beside a test, each in a child of its own (ktap's child())."""

import contextlib
import errno
import os
import time

import ktap
from lab import *
from whole import pump


def transfers(lab, fam, server, client=None, address=None, cpu=None):
    """Connections without end, one after another, each with data both ways that must
    arrive whole, closed by either side in turn."""
    if cpu is not None:
        os.sched_setaffinity(0, {cpu})
    client, address = client or lab.A, address or lab.B.addr[fam]
    port = server.getsockname()[1]
    number = 0
    while True:
        number += 1
        time.sleep(0.01)                    # leave some of the CPU to others
        with client.socket(fam) as sock:
            sock.connect((address, port))
            peer = server.accept()[0]
            peer.settimeout(ktap.PATIENCE)
            pump(sock, peer, 20_000)
            pump(peer, sock, 5_000)
            first, second = (sock, peer) if number % 3 else (peer, sock)
            if number % 5 == 0:
                reset(first)
                second.close()
                continue
            first.shutdown(SHUT_WR)
            equal(second.recv(1), b"", "end of stream")
            second.close()
            equal(first.recv(1), b"", "end of the other stream")
            first.close()


def readers(ns, cpu):
    """Read all files without end, wherever they are there to be read."""
    os.sched_setaffinity(0, {cpu})
    size = 1
    with ns:
        while True:
            size = size * 7 % 4093
            time.sleep(0.005)
            for name in FILES:
                try:
                    with open(f"/proc/thread-self/net/{name}", "rb", buffering=0) as file:
                        while file.read(size + 16):
                            pass
                except OSError as error:        # not there, or no longer
                    true(error.errno in (errno.ENOENT, errno.EIO, errno.EINVAL),
                         f"reading {name}: {error}")


def write(name, value):
    """Write a setting to its file."""
    with open(name, "w") as file:
        file.write(value)


def spin(cpu, told):
    """Keep all ordinary tasks off a CPU until killed."""
    os.sched_setaffinity(0, {cpu})
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50))
    # This reads what the loop needs from disk: it waits, and the CPU is free then.
    while time.process_time() < 0.1:
        pass
    os.write(told, b".")
    while True:
        pass


@contextlib.contextmanager
def stalled(queue):
    """Work that the kernel queues during queue(), to be done on any CPU, is done after the
    block: it waits for a CPU that is kept busy. Work that is queued later is done at once."""
    mask = "/sys/devices/virtual/workqueue/cpumask"
    settings = {"/proc/sys/kernel/sched_rt_runtime_us": "-1",
                "/sys/kernel/debug/sched/fair_server/cpu1/runtime": "0",
                # The kernel reports what waits for long.
                "/proc/sys/kernel/hung_task_timeout_secs": "0",
                "/sys/module/workqueue/parameters/watchdog_thresh": "0", mask: "2"}
    if not os.path.exists(mask) or len(os.sched_getaffinity(0)) < 2:
        raise Skip("a kernel or machine where work cannot wait for one CPU")
    with contextlib.ExitStack() as stack:
        for name, value in settings.items():
            if os.path.exists(name):
                with open(name) as file:
                    stack.callback(write, name, file.read())
                write(name, value)
        stack.enter_context(one_cpu(0))
        ready, told = os.pipe()
        stack.enter_context(child(spin, 1, told))
        equal(os.read(ready, 1), b".", "what keeps the CPU busy says")
        os.close(ready)
        os.close(told)
        queue()
        write(mask, "1")
        yield
