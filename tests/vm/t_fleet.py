#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""
A fleet in small: a Prometheus that asks the exporters of three namespaces, with the
rules as they are, knows what passes in all of them and that one of them is flooded.
"""

import http.client
import json
import shutil
import subprocess
import tempfile
import urllib.parse

from exporter import Exporter, programs
from flood import Flood
from lab import *
from tool import PLAIN, TOOLS

RULES = f"{TOOLS}/prometheus"


class Prometheus:
    """Debian's, in R, with the project's rules, until the end of a with statement."""

    PORT = 9090

    def __init__(self, lab, program, targets):
        self.lab, self.place = lab, tempfile.mkdtemp()
        # An emulated machine takes its time.
        config = {"global": dict.fromkeys(("scrape_interval", "evaluation_interval",
                                           "scrape_timeout"), "3s"),
                  "rule_files": [f"{RULES}/tcpstate.rules.yml", f"{RULES}/tcpstate.alerts.yml"],
                  "scrape_configs": [{"job_name": "tcpstate",
                                      "static_configs": [{"targets": targets}]}]}
        with open(f"{self.place}/prometheus.yml", "w") as file:
            json.dump(config, file)
        self.log = open(f"{self.place}/log", "w+")
        with lab.R:
            self.process = subprocess.Popen(
                [program, f"--config.file={self.place}/prometheus.yml",
                 f"--storage.tsdb.path={self.place}/data", "--log.level=warn",
                 f"--web.listen-address=127.0.0.1:{self.PORT}"],
                stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.log.close()
        shutil.rmtree(self.place)

    def ask(self, query):
        """{labels, sorted and without the metric's name: value} of an instant query."""
        if self.process.poll() is not None:
            self.log.seek(0)
            raise AssertionError(f"it ended: {self.log.read()}")
        connection = http.client.HTTPConnection("127.0.0.1", self.PORT, timeout=60)
        try:
            with self.lab.R:
                connection.connect()
            connection.request("GET", "/api/v1/query?" + urllib.parse.urlencode({"query": query}))
            said = json.loads(connection.getresponse().read())
        except (OSError, ValueError) as error:
            raise Failure(f"{query}: {error}")
        finally:
            connection.close()
        if said.get("status") != "success":
            raise Failure(f"{query}: {said}")
        return {tuple(sorted((name, value) for name, value in each["metric"].items()
                             if name != "__name__")): float(each["value"][1])
                for each in said["data"]["result"]}

    def await_value(self, query, ok, **options):
        """Await the value of a query that has but one."""
        return wait_for(lambda: list(self.ask(query).values()),
                        lambda values: len(values) == 1 and ok(values[0]), query, 120)


@test("one Prometheus over three namespaces: sums, and a flood that fires", families=None,
      timeout=500)
def fleet(lab):
    program = f"{programs()}/prometheus"
    targets = {lab.A: f"{lab.A.addr[4]}:9293", lab.B: f"{lab.B.addr[4]}:9293",
               lab.R: "127.0.0.1:9293"}
    # of these, all three know
    for port in range(8000, 8005):
        lab.keep(lab.connect(4, dport=port))
    with contextlib.ExitStack() as stack:
        for ns in targets:
            stack.enter_context(Exporter(ns, tool=PLAIN))
        prometheus = stack.enter_context(Prometheus(lab, program, list(targets.values())))
        prometheus.await_value("sum(up)", lambda value: value == 3)
        equal({dict(labels)["instance"] for labels in prometheus.ask("tcpstate_enabled == 1")},
              set(targets.values()), "who is asked")
        # five that last, and those that Prometheus itself has
        prometheus.await_value('job:tcpstate_endpoints:sum{state="ESTABLISHED",role="initiator"}',
                               lambda value: value >= 15)
        prometheus.await_value("job:tcpstate_syn:rate1m", lambda value: value > 0)
        equal(prometheus.ask('ALERTS{alertname="TcpSynFlood"}'), {}, "no flood yet")
        with Flood(lab, 4):
            fires = 'ALERTS{alertname="TcpSynFlood",alertstate="firing",instance="%s"}' % \
                targets[lab.R]
            prometheus.await_value(fires, lambda value: value == 1)
            # the host that is flooded knows it, too
            prometheus.await_value('sum(job:tcpstate_verdicts:sum{verdict=~"flood_.*"})',
                                   lambda value: value >= 1)
            prometheus.await_value('max(instance:tcpstate_halfopen:ratio)', lambda value: value > 0)
        equal(prometheus.ask('ALERTS{alertname="TcpstateDown"}'), {}, "nobody is down")
    lab.witnessed = False


if __name__ == "__main__":
    main()
