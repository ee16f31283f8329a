"""What ``ps`` shows about a server."""

from __future__ import annotations

import subprocess
import sys
from unittest import SkipTest

from twisted.trial.unittest import SynchronousTestCase

_PROGRAM = """
import sys
from granja.reactor.title import hide
hide("clave secreta")
print(open("/proc/self/cmdline", "rb").read().split(b"\\0")[3:])
"""


class Titles(SynchronousTestCase):
    def test_a_secret_is_not_among_the_words(self) -> None:
        """Each secret is hidden, plain or as in a URL.  The rest stays."""
        if sys.platform != "linux":
            raise SkipTest("the words are overwritten on Linux only")
        words = ["--ledger", "postgresql://a:clave%20secreta@h/clave secreta", "--x"]
        done = subprocess.run(
            [sys.executable, "-c", _PROGRAM, *words], capture_output=True, text=True, check=True
        )
        self.assertIn("postgresql://a:xxxxxxxxxxxxxxx@h/xxxxxxxxxxxxx", done.stdout)
        self.assertIn("--x", done.stdout)
