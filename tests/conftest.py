"""The order of the tests under pytest."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with whole servers and browsers, with which trial ends.

    CI runs both at once.  In the same order they would want the processor at the same time, and
    wait at the same time.
    """
    items.sort(key=lambda item: not item.nodeid.startswith("tests/whole/"))
