"""Folders for tests."""

from __future__ import annotations

import tempfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase


def folder_for(test: SynchronousTestCase) -> Path:
    """A new empty folder.  It is removed when the test ends (``mktemp`` leaves its own there)."""
    folder = tempfile.TemporaryDirectory(prefix="granja-")
    test.addCleanup(folder.cleanup)
    return Path(folder.name).resolve()
