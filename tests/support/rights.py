"""What a user without rights can do, also when tests run as root, who has every right."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

#: The user of that name.
NOBODY = 65534


@contextmanager
def as_anybody() -> Iterator[None]:
    """Without root's rights.  Files that belong to root are somebody else's then."""
    root = not os.geteuid()
    if root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)
