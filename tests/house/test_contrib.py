"""What lies in contrib/ does what it says, as far as this machine can try it."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from granja.tap import Options
from tests.house.test_imports import ROOT

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
