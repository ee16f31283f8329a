"""``kill -9`` at random moments, again and again; see ``tests/whole/crash.py``."""

from __future__ import annotations

import asyncio
import os
from contextlib import closing

from twisted.trial.unittest import SynchronousTestCase

from granja.contract.ids import ArtifactId, FarmerId, OfferId
from granja.ledger import open_archive
from granja.market.facts import Declared, Offered, Traded
from granja.operations.audit import Audit
from tests.support.folders import folder_for
from tests.support.ledgers import forge, tamper
from tests.whole.crash import CrashTest
from tests.whole.told import Broken, Record

#: How often a server is killed.  ``.ci/run`` asks for fewer when it runs the tests again.
KILLS = int(os.environ.get("GRANJA_TEST_KILLS", "30"))


class CrashTests(SynchronousTestCase):
    """Real servers, real sockets, a real ``kill -9``."""

    def test_kills_lose_nothing(self) -> None:
        """Conservation, every trade that anyone was told of, and none half there: after each."""
        test = CrashTest(folder_for(self), seed=3)
        asyncio.run(test.run(KILLS))
        self.assertGreaterEqual(test.told.trades, KILLS // 3)  # many times that on a quiet machine
        with closing(open_archive(f"sqlite:{test.ledger}")) as archive:
            audit = Audit()
            entries = sum(1 for _ in audit.run(archive))
        self.assertEqual(audit.kinds["traded"], len(test.record.traded))
        self.assertEqual(audit.kinds["settled"], test.record.rings)
        self.assertGreaterEqual(test.record.rings, KILLS // 10)
        self.assertGreater(entries, 5 * KILLS)

    def test_it_would_notice(self) -> None:
        """Lose a trade that was told, or make one up behind the server's back: it is found."""
        test = CrashTest(folder_for(self), seed=4)
        asyncio.run(test.run(1))
        tamper(test.ledger, "UPDATE entries SET body = body || ' ' WHERE sequence = 5")
        with self.assertRaisesRegex(Exception, "entry 5 is damaged"):
            asyncio.run(self.again(test))

    def test_it_would_notice_a_lost_trade(self) -> None:
        """A trade that a farmer was told of, and that is not there."""
        test = CrashTest(folder_for(self), seed=5)
        asyncio.run(test.run(1))
        test.told.accepted.add(10**6)
        with self.assertRaisesRegex(Broken, "told as accepted, but not on record: \\[1000000\\]"):
            asyncio.run(self.again(test))

    def test_it_would_notice_a_lost_ring(self) -> None:
        """A ring that a farmer was told of, and that is not there."""
        test = CrashTest(folder_for(self), seed=7)
        asyncio.run(test.run(1))
        test.told.settled.add((10**6, 1, 2))
        with self.assertRaisesRegex(Broken, r"told as settled, but not on record: \[\(1000000, "):
            asyncio.run(self.again(test))

    def test_it_would_notice_an_invented_trade(self) -> None:
        """A trade on record that gave away what nobody had."""
        test = CrashTest(folder_for(self), seed=6)
        asyncio.run(test.run(1))
        ana, beto, spade = FarmerId(10**6), FarmerId(10**6 + 1), ArtifactId(13)
        number = OfferId(10**6)
        forge(
            test.ledger,
            [
                Declared(ana, "Falsa", (spade,)),
                Offered(number, ana, beto, spade, spade, 2e9),
                Traded(number),
            ],
        )
        with self.assertRaisesRegex(Exception, "had no artifact 13"):
            asyncio.run(self.again(test))

    async def again(self, test: CrashTest) -> None:
        """Read the whole ledger as after a crash."""
        test.record = Record()
        test._read_ledger()
