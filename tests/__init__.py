"""Granja's tests.  ``pytest`` and ``python -m twisted.trial tests`` run the same ones."""

import os
import time

from hypothesis import settings

#: The server says times in its machine's time zone.  The plays expect this zone.
os.environ["TZ"] = "UTC"
time.tzset()

# How long an example takes says something of the machine, not of Granja.
settings.register_profile("granja", deadline=None)
settings.load_profile("granja")
