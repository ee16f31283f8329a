"""``--metrics`` at a real server: what machines that watch it read."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
from threading import Timer
from urllib.error import HTTPError
from urllib.request import urlopen

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from tests.house.test_imports import ROOT
from tests.support.certificates import make
from tests.support.folders import folder_for
from tests.support.ports import free_port
from tests.support.server import Server


class Watched(SynchronousTestCase):
    def setUp(self) -> None:
        self.watched = free_port()
        self.endpoint = f"tcp:{self.watched}:interface=127.0.0.1"

    def started(self, *options: str) -> Server:
        return Server("--metrics", self.endpoint, *options, ledger="sqlite:granja.db")

    def asks(self, path: str) -> tuple[int, str]:
        try:
            with urlopen(f"http://127.0.0.1:{self.watched}/{path}", timeout=20) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def test_what_they_read(self) -> None:
        """A farmer is counted.  The server answers at its own door, and the log does not show
        that."""
        with self.started() as server:
            farmer = server.dial()
            self.addCleanup(farmer.close)
            farmer.hears()  # It is let in: the server may read the question below before it.
            status, page = self.asks("metrics")
            self.assertEqual(status, 200)
            self.assertIn("granja_connections 1.0\n", page)
            self.assertIn('granja_info{version="', page)
            self.assertEqual(self.asks("livez"), (200, "ok\n"))
            self.assertEqual(self.asks("readyz"), (200, "ok\n"))
            self.assertEqual(self.asks("metrics?")[0], 200)
            self.assertEqual(self.asks("")[0], 404)
            server.stop()
            self.assertNotIn("livez", server.read_log())

    def test_all_that_is_drawn_and_watched_has_a_series(self) -> None:
        """From the start, when nothing has happened yet: a rule about what is not there, or comes
        into being with its first count, would never fire.

        What a server says goes to promtool's Prometheus, which is asked all that the dashboard asks
        and what each rule compares.
        """
        at = make("granja.example").put(folder_for(self) / "door.pem")
        secure = f"ssl:0:interface=127.0.0.1:privateKey={at}:certKey={at}"
        with self.started("--listen", secure):
            series = [
                {"series": line.rpartition(" ")[0], "values": f"{line.rpartition(' ')[2]}x10"}
                for line in self.asks("metrics")[1].splitlines()
                if not line.startswith("#")
            ]
        series.append({"series": 'up{job="granja"}', "values": "1x10"})
        dashboard = json.loads((ROOT / "contrib" / "granja-dashboard.json").read_text())
        asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
        rules = re.findall(
            r"expr: (?:>\n)?((?:.|\n)+?) (?:==|!=|<|>) [\d* ]+\n",
            (ROOT / "contrib" / "granja-alerts.yaml").read_text(),
        )
        self.assertGreater(len(rules), 8)
        there = [
            {"expr": f"count({one}) > bool 0", "eval_time": "10m", "exp_samples": [{"value": 1}]}
            for one in [*asked, *rules]
        ]
        tests = [{"interval": "1m", "input_series": series, "promql_expr_test": there}]
        path = folder_for(self) / "tests.yaml"
        path.write_text(json.dumps({"rule_files": [], "tests": tests}))
        if shutil.which("promtool") is None:
            raise SkipTest("promtool is not installed")
        command = ["promtool", "test", "rules", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_a_server_that_does_not_move_is_not_alive(self) -> None:
        """While the process stands still, questions get no answer.  After it, they get the
        truth."""
        with self.started() as server:
            assert server.process is not None
            server.process.send_signal(signal.SIGSTOP)
            timer = Timer(0.5, server.process.send_signal, [signal.SIGCONT])
            timer.start()
            self.addCleanup(timer.join)
            self.assertEqual(self.asks("livez"), (200, "ok\n"))
