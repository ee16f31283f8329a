"""What lies in contrib/ does what it says, as far as this machine can try it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from granja.health.stalls import Stalls
from granja.health.vitals import Vitals
from granja.tap import Options
from tests.house.test_imports import ROOT
from tests.support.farm import Farm

CONTRIB = ROOT / "contrib"


def run(*command: str) -> subprocess.CompletedProcess[str]:
    """What a program says, which need not be there."""
    if shutil.which(command[0]) is None:
        raise SkipTest(f"{command[0]} is not installed")
    return subprocess.run(command, capture_output=True, text=True, check=False)


class Units(SynchronousTestCase):
    def test_the_service_may_do_little(self) -> None:
        """The score of systemd's own judge: 0 is nothing at all, 10 everything."""
        done = run("systemd-analyze", "security", "--offline=true", str(CONTRIB / "granja.service"))
        score = re.search(r"Overall exposure level for granja.service: ([\d.]+)", done.stdout)
        assert score is not None, done.stdout + done.stderr
        self.assertLessEqual(float(score[1]), 1.5)

    def test_systemd_can_read_them(self) -> None:
        """With programs that are there; nothing is unknown in them."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        for name in ("granja.service", "granja.socket"):
            text = (CONTRIB / name).read_text().replace("/opt/granja/bin/twistd", "/bin/true")
            (Path(folder.name) / name).write_text(text)
        done = run("systemd-analyze", "verify", str(Path(folder.name) / "granja.service"))
        self.assertEqual([line for line in done.stderr.splitlines() if "granja" in line], [])

    def test_the_command_and_the_socket_fit_the_handbook(self) -> None:
        """The options exist, and the handbook's granja.toml names the socket as the unit does."""
        service = (CONTRIB / "granja.service").read_text()
        (command,) = re.findall(r"^ExecStart=\S+/twistd (.*)$", service, re.MULTILINE)
        words = command.partition(" granja ")[2].split()
        self.assertEqual(words[::2], ["--config"])
        handbook = (ROOT / "docs" / "operating.md").read_text()
        name = re.findall(
            r"^FileDescriptorName=(.*)$", (CONTRIB / "granja.socket").read_text(), re.M
        )
        at = f"systemd:domain=INET6:name={name[0]}"
        self.assertIn(f'listen = ["{at}"]', handbook)
        options = Options()
        options.parseOptions(["--listen", at])
        self.assertEqual(options["listen"], [at])


#: Names that Prometheus makes of one of ours.
SUFFIXES = ("_bucket", "_count", "_sum")


def promised() -> set[str]:
    """The names of all that ``/metrics`` says."""
    farm = Farm()
    families = Vitals(farm.factory, Stalls(farm.clock, farm.clock.seconds)).collect()
    return {
        f"{family.name}_total" if family.type == "counter" else family.name for family in families
    }


class Watching(SynchronousTestCase):
    def setUp(self) -> None:
        self.rules = (CONTRIB / "granja-alerts.yaml").read_text()
        self.cases = (ROOT / "tests" / "house" / "alerts.yaml").read_text()

    def test_each_rule_fires(self) -> None:
        """And none of them while all is well."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        bare = re.sub(r"(?m)^ +annotations:\n +summary: .*\n", "", self.rules)
        (Path(folder.name) / "granja-alerts.yaml").write_text(bare)
        (Path(folder.name) / "alerts.yaml").write_text(self.cases)
        done = run("promtool", "test", "rules", str(Path(folder.name) / "alerts.yaml"))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_each_rule_has_a_case(self) -> None:
        alerts = set(re.findall(r"- alert: (\w+)", self.rules))
        fired = set(re.findall(r"alertname: (\w+),? *(?:\n +)?exp_alerts", self.cases))
        self.assertEqual(fired, alerts)

    def test_all_names_exist(self) -> None:
        """In the rules, on the dashboard, and in the handbook, which lists every one."""
        names, handbook = promised(), (ROOT / "docs" / "operating.md").read_text()
        dashboard = (CONTRIB / "granja-dashboard.json").read_text()
        used = set(re.findall(r"\bgranja_\w+", self.rules + self.cases + dashboard))
        for suffix in SUFFIXES:
            used = {name.removesuffix(suffix) for name in used}
        self.assertLessEqual(used, names)
        self.assertEqual({name for name in names if f"`{name}" not in handbook}, set())

    def test_the_dashboard_asks_what_prometheus_understands(self) -> None:
        dashboard = json.loads((CONTRIB / "granja-dashboard.json").read_text())
        asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
        rules = [{"record": f"granja:{n}", "expr": expr} for n, expr in enumerate(asked)]
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = Path(folder.name) / "asked.yaml"
        path.write_text(json.dumps({"groups": [{"name": "asked", "rules": rules}]}))
        done = run("promtool", "check", "rules", str(path))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
