"""Granja's tests.  ``pytest`` and ``python -m twisted.trial tests`` run the same ones."""

import os
import time

#: The server says times by the time zone of its machine; the plays have them in this one.
os.environ["TZ"] = "UTC"
time.tzset()
