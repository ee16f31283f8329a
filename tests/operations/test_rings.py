"""Swaps and rings as an operator sees them: ``granja audit`` and ``granja trace``."""

from __future__ import annotations

from granja.contract.ids import ArtifactId, FarmerId, OfferId
from granja.ledger.chain import BadEntry
from granja.ledger.interface import LedgerRefused, Opened
from granja.ledger.replay import market_of as replayed
from granja.market.facts import Declared, Departed, Fact, Posted, Settled, Wished
from granja.market.market import Limits
from granja.operations.audit import Audit
from tests.support.ledgers import ANA, ARROW, BETO, GUS, SPADE, SPOON, write
from tests.support.operator_case import OperatorCase


def posted(number: int, maker: FarmerId, gives: int, takes: int, *, keep: bool = False) -> Posted:
    said = (ArtifactId(gives),), (ArtifactId(takes),)
    return Posted(OfferId(number), maker, *said, keep, 2e9)


def settled(*pairs: tuple[int, int]) -> Settled:
    """The numbers of the swaps, each with what it gives."""
    return Settled(
        tuple(OfferId(number) for number, _ in pairs), tuple(ArtifactId(gift) for _, gift in pairs)
    )


#: Three people.  Each has what another one asks for.
BEFORE: list[Fact] = [
    Declared(ANA, "Ana", (SPADE,)),
    Declared(BETO, "Beto", (SPOON,)),
    Declared(GUS, "Gus", (ARROW,)),
    posted(1, ANA, SPADE, SPOON),
    posted(2, BETO, SPOON, ARROW),
    posted(3, GUS, ARROW, SPADE),
]
RING = settled((3, ARROW), (2, SPOON), (1, SPADE))


class Rings(OperatorCase):
    async def test_a_ring_that_can_have_been(self) -> None:
        await write(self.path, [*BEFORE, RING, Wished(ANA, (SPADE,), None)])
        status, out, err = self.run_granja("audit")
        self.assertEqual((status, err), (0, ""))
        self.assertIn("3 swaps were made; 1 rings settled; 0 swaps stand.", out)

    async def test_the_way_of_an_artifact_through_a_ring(self) -> None:
        await write(self.path, [*BEFORE, RING])
        told = (
            "Gus (farmer 3) handed Punta de flecha to Beto (farmer 2), "
            "Beto (farmer 2) handed Cuchara oxidada to Ana (farmer 1), "
            "Ana (farmer 1) handed Espada antigua to Gus (farmer 3) "
            "(a ring of the swaps #3, #2, #1)"
        )
        for sought in ("13", "Gus", "beto"):
            out = self.run_granja("trace", sought)[1]
            self.assertEqual(out.splitlines()[-1].split("  ", 1)[1], told)

    async def test_a_visitor_without_a_name_on_record(self) -> None:
        """A person without artifacts can say what they seek.  Then they leave."""
        visitor = FarmerId(9)
        await write(self.path, [*BEFORE, Wished(visitor, (SPADE,), None), Departed(visitor, ())])
        self.assertEqual(self.run_granja("audit")[0], 0)
        self.assertEqual(self.run_granja("trace", "Ana")[0], 0)

    def test_what_cannot_have_been(self) -> None:
        """Each is named, at its entry."""
        forged: dict[str, list[Fact]] = {
            "1 swaps and 1 artifacts are no ring": [settled((1, SPADE))],
            "2 swaps and 1 artifacts are no ring": [
                Settled((OfferId(1), OfferId(2)), (ArtifactId(SPADE),))
            ],
            "an artifact is in the ring twice": [
                settled((1, SPADE), (3, SPADE)),
            ],
            "swap #7 did not stand": [settled((7, ARROW), (2, SPOON), (1, SPADE))],
            "swap #2 could not give artifact 7": [settled((2, ARROW + 1), (3, ARROW))],
            "swap #1 did not ask for artifact 6": [settled((3, ARROW), (1, SPADE))],
            "swap #3 did not stand": [RING, RING],
            "offer #3 stood already": [posted(3, ANA, SPADE, SPOON)],
            "farmer 1 had no artifact 6 to give": [posted(4, ANA, ARROW, SPOON)],
            "farmer 1 had no artifact 13 to give": [posted(4, ANA, SPADE, SPOON, keep=True)],
            "farmer 1 had artifact 13 already": [posted(4, ANA, SPADE, SPADE)],
            "swap #4 is for nothing": [Posted(OfferId(4), ANA, (), (SPOON,), False, 2e9)],
            "swap #4 names an artifact twice": [
                Posted(OfferId(4), ANA, (SPADE,), (SPOON, SPOON), False, 2e9)
            ],
            "farmer 1 wished for an artifact twice": [Wished(ANA, (SPOON, SPOON), None)],
            "farmer 1 had left for good": [Departed(ANA, (SPADE,)), Wished(ANA, None, None)],
        }
        for why, facts in forged.items():
            audit = Audit()
            with self.assertRaises(BadEntry, msg=why) as caught:
                for sequence, fact in enumerate([*BEFORE, *facts], 1):
                    audit._follow(sequence, fact)
            self.assertEqual(caught.exception.why, why)
            self.assertEqual(caught.exception.sequence, len(BEFORE) + len(facts))

    def test_a_ring_that_cannot_be_followed(self) -> None:
        """The start of a server does not judge, but it names what it cannot follow."""
        for forged in (
            settled((7, ARROW), (2, SPOON)),
            Settled((OfferId(1), OfferId(2)), (ArtifactId(SPADE),)),
        ):
            with self.assertRaisesRegex(LedgerRefused, "entry 7 is damaged: it cannot have happen"):
                replayed(Opened(facts=[*BEFORE, forged]), Limits())
