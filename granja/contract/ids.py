"""Numbers that stand for farmers, artifacts and offers.

We never use a farmer's number again: if somebody else gets the same name, they inherit nothing.  An
artifact's number is that of the catalog.  The numbers of offers count up.
"""

from __future__ import annotations

from typing import NewType

FarmerId = NewType("FarmerId", int)
ArtifactId = NewType("ArtifactId", int)
OfferId = NewType("OfferId", int)
