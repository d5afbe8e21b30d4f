#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""
What the README shows is what there is to see. A block of it is run by what stands
behind its fence:

    console demo        commands with their prompts, and what they print: so does
                        tests/vm/demo, as to titles, states, verdicts and keys
    console SCENE       likewise, of commands that are run in that scene, by and by
    sh vm               commands that all end well, on a machine without the module
    sh, text            nothing of it: commands that take a machine, and others try them

Where README_SHOW is set, what is printed is told: that is where the README has it from.
"""

import os
import re
import subprocess

import ktap
import traffic
from commands import Command
from ktap import *
from traffic import *

HERE = os.path.dirname(os.path.realpath(__file__))
# Words that mean the same each time, as opposed to figures and addresses.
WORDS = re.compile(r"\b[A-Z_]{2,}[0-9]?(?=\s|$)|\b(?:ok|surge|[a-z]+_[a-z_]+)\b|"
                   r"\b[A-Za-z-]+:(?=[\d<])")


def blocks(kind):
    """What stands behind the fences of a kind, and the text of each."""
    with open(f"{HERE}/../../README.md", encoding="utf-8") as file:
        return re.findall(rf"^```{kind}\n(.*?)^```$", file.read(), re.M | re.S)


def peace(lab, stack, rate, port=80, **options):
    """Real clients, until it is known what is usual; only where nothing else runs."""
    stack.enter_context(Clients(lab, 4, port, rate, **options))
    await_usual(lab.R, 4, port)


# scenes

def flood(lab, stack):
    lab.listen(4, 80, backlog=64)
    if "TCPSTATE_FLOODS" in os.environ:
        peace(lab, stack, 20)
    stack.enter_context(Storm(lab, 4, 80, 400))


def crowd(lab, stack):
    peace(lab, stack, 20)
    for _ in range(3):
        stack.enter_context(Clients(lab, 4, 80, 100))


def dead(lab, _):
    lab.keep([lab.dial(4, lab.silent[4]) for _ in range(24)])


def leak(lab, _):
    for _ in range(3):
        conn = lab.keep(lab.connect(4))
        conn.talk()
        conn.a.shutdown(SHUT_WR)
    lab.keep(lab.connect(4)).talk()


SCENES = {"flood": (flood, lambda: Arena(own=True)), "crowd": (crowd, Arena),
          "dead": (dead, Lab), "leak": (leak, Lab)}


def shown(text):
    """(host, command, what it prints) of a block."""
    parts = re.split(r"^([ABR])\$ (.*)\n", text, flags=re.M)
    equal(parts[0], "", "what stands before the first command")
    return list(zip(parts[1::3], parts[2::3], parts[3::3]))


def look(lab, host, line, output):
    """Await that it prints what the README shows, as far as it means the same each time."""
    words = set(WORDS.findall(output))

    def lacking():
        said = Command(getattr(lab, host), line).prints()
        return words - set(WORDS.findall(said)), said
    _, said = wait_for(lacking, lambda seen: not seen[0], f"{host}$ {line}: {sorted(words)}")
    true(said, f"{host}$ {line}: prints nothing")
    if "README_SHOW" in os.environ:
        print(f"{host}$ {line}\n{said}", end="", flush=True)


def scene(name):
    begin, lab = SCENES[name]

    def play(lab):
        lab.witnessed = False
        with contextlib.ExitStack() as stack:
            begin(lab, stack)
            for text in blocks(f"console {name}"):
                for host, line, output in shown(text):
                    look(lab, host, line, output)
    ktap.test(f"README: {name}", families=None, lab=lab)(play)


for each in SCENES:
    scene(each)


@ktap.test("README: demo", families=None)
def demonstration():
    done = subprocess.run([f"{HERE}/demo"], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE)
    equal((done.returncode, done.stderr), (0, ""), "status, complaint")
    said = {(host, line): set(WORDS.findall(output))
            for host, line, output in shown(done.stdout[re.search(r"^\w\$ ", done.stdout,
                                                                  re.M).start():])}
    for text in blocks("console demo"):
        for host, line, output in shown(text):
            equal(set(WORDS.findall(output)) - said.get((host, line), set()), set(),
                  f"what {host}$ {line} does not print of the README's")
    if "README_SHOW" in os.environ:
        print(done.stdout, flush=True)


@ktap.test("README: each block is of a kind that is known, and each scene has one", families=None)
def kinds():
    names = blocks(r"(?!console \w+\n|sh(?: vm)?\n|text\n)\S.*")
    equal(names, [], "other blocks")
    with open(f"{HERE}/../../README.md", encoding="utf-8") as file:
        equal(set(re.findall(r"^```console (\w+)$", file.read(), re.M)), {"demo", *SCENES},
              "scenes")


@ktap.test("README: on a machine without the module", families=None, serial=True)
def machine():
    unload()
    texts = blocks("sh vm")
    true(texts, "there is a block for it")
    for text in texts:
        subprocess.run(["sh", "-ec", text], check=True, stdout=subprocess.DEVNULL)
    module()


if __name__ == "__main__":
    traffic.build()
    main()
