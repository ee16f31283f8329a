"""Numbers that stand for farmers, artifacts and offers.

A farmer's number is never used again, so a name that has become somebody else's inherits nothing.
An artifact's is the catalog's, an offer's counts up.
"""

from __future__ import annotations

from typing import NewType

FarmerId = NewType("FarmerId", int)
ArtifactId = NewType("ArtifactId", int)
OfferId = NewType("OfferId", int)
