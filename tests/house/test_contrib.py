"""The files in contrib/ do what they say, as far as this machine can try it."""

from __future__ import annotations

import configparser
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import psycopg
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from twisted.trial.unittest import SkipTest, SynchronousTestCase

from granja.health.stalls import Stalls
from granja.health.vitals import Vitals
from granja.ledger.postgresql.schema import bring_up_to_date
from granja.tap import Options
from tests.house.test_imports import ROOT
from tests.support.farm import Farm
from tests.support.folders import folder_for
from tests.support.postgresql import server

CONTRIB = ROOT / "contrib"


def run(*command: str) -> subprocess.CompletedProcess[str]:
    """What a program says, if it is installed."""
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
        """The programs exist, and systemd knows every setting."""
        folder = folder_for(self)
        for name in ("granja.service", "granja.socket"):
            text = (CONTRIB / name).read_text().replace("/opt/granja/bin/twistd", "/bin/true")
            (folder / name).write_text(text)
        done = run("systemd-analyze", "verify", str(folder / "granja.service"))
        self.assertEqual([line for line in done.stderr.splitlines() if "granja" in line], [])

    def test_the_command_and_the_socket_fit_the_handbook(self) -> None:
        """The options exist, and the handbook's granja.toml names the socket as the unit does."""
        service = (CONTRIB / "granja.service").read_text()
        (command,) = re.findall(r"^ExecStart=\S+/twistd (.*)$", service, re.MULTILINE)
        words = command.partition(" granja ")[2].split()
        self.assertEqual(words[::2], ["--log-format", "--config"])
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
        """No rule fires while all is well."""
        folder = folder_for(self)
        bare = re.sub(r"(?m)^ +annotations:\n +summary: .*\n", "", self.rules)
        (folder / "granja-alerts.yaml").write_text(bare)
        (folder / "alerts.yaml").write_text(self.cases)
        done = run("promtool", "test", "rules", str(folder / "alerts.yaml"))
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
        path = folder_for(self) / "asked.yaml"
        path.write_text(json.dumps({"groups": [{"name": "asked", "rules": rules}]}))
        done = run("promtool", "check", "rules", str(path))
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


class Containers(SynchronousTestCase):
    def setUp(self) -> None:
        text = (CONTRIB / "Containerfile").read_text()
        whole = re.sub(r"\\\n\s*", "", re.sub(r"(?m)^#.*\n", "", text))
        self.steps = [line.partition(" ")[::2] for line in whole.splitlines() if line]

    def of(self, word: str) -> list[str]:
        return [rest for step, rest in self.steps if step == word]

    def test_what_runs_is_nobody(self) -> None:
        """The user is not root.  It is a number, so that a cluster can check it, and nothing
        changes it."""
        self.assertRegex(self.of("USER")[-1], r"\A[1-9]\d+\Z")
        after = [step for step, _ in self.steps][[s for s, _ in self.steps].index("USER") :]
        self.assertEqual({"RUN", "COPY", "ADD"} & set(after), set())
        self.assertEqual(self.of("ADD"), [])
        for base in self.of("FROM"):
            self.assertRegex(base, r"\A\S+/\S+:3\.\d+-slim-\w+( AS \w+)?\Z")

    def test_its_command_starts_a_server(self) -> None:
        """The options exist, and the health check asks at the right place."""
        command = [*json.loads(self.of("ENTRYPOINT")[0]), *json.loads(self.of("CMD")[0])]
        self.assertEqual(command[:2], ["twistd", "-n"])
        options = Options()
        options.parseOptions(command[command.index("granja") + 1 :])
        port = re.findall(r"127\.0\.0\.1:(\d+)/livez", self.of("HEALTHCHECK")[0])
        self.assertEqual(options["metrics"], [f"tcp:{port[0]}:interface=127.0.0.1"])
        self.assertEqual(self.of("EXPOSE"), ["5555 8080"])

    def test_the_wheel_has_all_that_it_is_made_of(self) -> None:
        """Only what is copied is there for the build; nothing that is copied leads out of it."""
        copied: set[Path] = set()
        for words in map(str.split, self.of("COPY")):
            if not words[0].startswith("--from"):
                copied |= {ROOT / word for word in words[:-1]}
        setup = configparser.ConfigParser()
        setup.read(ROOT / "setup.cfg")
        for word in [*setup["options"]["packages"].split(), "setup.cfg", "pyproject.toml"]:
            top = ROOT / word.partition(".")[0]
            self.assertTrue({top, ROOT / word} & copied, word)
        found = [path for top in copied if top.is_dir() for path in top.rglob("*")]
        for link in filter(Path.is_symlink, found):
            behind = link.resolve()
            self.assertTrue({behind, *behind.parents} & copied, link)

    def test_the_hashes_are_of_what_is_required(self) -> None:
        """Each library of setup.cfg is there, in a version that setup.cfg takes, with a hash."""
        setup = configparser.ConfigParser()
        setup.read(ROOT / "setup.cfg")
        wanted = setup["options"]["install_requires"].split("\n")
        for extra in ("metrics", "cluster"):
            wanted += setup["options.extras_require"][extra].split("\n")
        text = (CONTRIB / "constraints.txt").read_text()
        pinned = dict(re.findall(r"(?m)^(\S+)==(\S+) \\\n    --hash=sha256:[0-9a-f]{64}", text))
        self.assertEqual(len(pinned), text.count("=="))
        for requirement in map(Requirement, filter(None, wanted)):
            version = pinned.get(canonicalize_name(requirement.name), "0")
            self.assertIn(version, requirement.specifier, requirement.name)

    def test_the_nodes_start_with_options_that_there_are(self) -> None:
        """Each under a name of its own, on one ledger and one bus, with a console."""
        text = (CONTRIB / "compose-cluster.yaml").read_text()
        found = []
        for name, service in re.findall(r"(?m)^  (\w+):\n    <<: \*node\n((?:    .*\n)+)", text):
            options = Options()
            options.parseOptions(re.findall(r"(?m)^      - (--\S+)$", service))
            self.assertEqual(options["node"], name)
            found.append((name, options["ledger"], options["bus"], options["admin"]))
        self.assertEqual([name for name, *_ in found], ["norte", "sur", "este"])
        self.assertEqual(len({tuple(rest) for _, *rest in found}), 1)

    def test_health_checks_are_one_line_for_a_shell(self) -> None:
        """Debian 12's podman-compose breaks a list of words."""
        text = (CONTRIB / "compose-cluster.yaml").read_text()
        (check,) = re.findall(r"(?m)^      test: (.*)$", text)
        self.assertTrue(check.startswith("psql "), check)

    def test_the_database_of_the_nodes_is_one_for_a_granja(self) -> None:
        """Its role is no superuser and owns it, and a ledger can be opened there."""
        script = (CONTRIB / "compose-database.sh").read_text().replace("granja", "hato")
        database = server()
        environ = os.environ | {"PGHOST": "127.0.0.1", "PGPORT": f"{database.port}"}
        environ |= {"PGUSER": "root", "POSTGRES_PASSWORD": "it's a secret"}
        done = subprocess.run(["sh", "-c", script], env=environ, capture_output=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        url = f"postgresql://hato:it%27s%20a%20secret@127.0.0.1:{database.port}/hato"
        with psycopg.connect(url, autocommit=True) as connection:
            self.assertTrue(bring_up_to_date(connection, "hato"))
