"""A whole farm, broken again and again; see ``tests/whole/cluster``."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from functools import partial
from random import Random

from twisted.trial.unittest import SynchronousTestCase

from tests.support import postgresql
from tests.support.folders import folder_for
from tests.support.nats import MISSING
from tests.whole.cluster.faults import Fault, happen, rounds, schedule
from tests.whole.cluster.machines import Machines
from tests.whole.cluster.run import ClusterTest

#: How much is broken.  ``.ci/run`` asks for less when it runs the tests again.
FAULTS = int(os.environ.get("GRANJA_TEST_FAULTS", "20"))

#: The seed of the faults.
SEED = 4925

#: How many kinds of fault there are: eight, and two sorts of line that break in four ways.
KINDS = 16

#: Seconds of a node's lease: less than what a farm has, so that nobody waits long for its end.
LEASE = 2.0


class WholeFarm(SynchronousTestCase):
    """Real servers, a real database with a standby, a real bus."""

    skip = MISSING or None

    def setUp(self) -> None:
        postgresql.programs()

    def test_nothing_is_lost_whatever_breaks(self) -> None:
        """After each round of faults, the test checks every promise."""
        machines = Machines(folder_for(self), LEASE)
        test = ClusterTest(machines, SEED, partial(happen, machines))
        asyncio.run(test.run(schedule(SEED, FAULTS, LEASE)))
        self.assertEqual(test.faults.total(), FAULTS)
        self.assertGreater(test.town.told.trades, FAULTS)


class Schedule(SynchronousTestCase):
    """The schedule of a seed."""

    def faults(self, seed: int, number: int) -> list[list[Fault]]:
        return list(rounds(Random(seed), number, 5.0))

    def test_a_seed_repeats_its_choices(self) -> None:
        self.assertEqual(self.faults(1, 30), self.faults(1, 30))
        self.assertNotEqual(self.faults(1, 30), self.faults(2, 30))

    def test_all_kinds_come_and_nothing_breaks_twice_at_once(self) -> None:
        found = self.faults(3, 300)
        self.assertEqual(sum(map(len, found)), 300)
        for together in found:
            self.assertEqual(len({fault.concerns for fault in together}), len(together))
        count = Counter(fault.kind for together in found for fault in together)
        self.assertEqual(len(count), KINDS)
        self.assertLessEqual(max(count.values()) - min(count.values()), 1)

    def test_the_twenty_of_every_run_are_of_all_kinds(self) -> None:
        found = list(schedule(SEED, 20, LEASE))
        self.assertEqual(len({fault.kind for together in found for fault in together}), KINDS)
