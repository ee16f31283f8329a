"""Whom somebody ignored until he left is not heard later either, at whatever node (PROTOCOL §3)."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.support.farm import Farm, Person
from tests.support.guests import guest
from tests.support.village import PASSWORD, Village


class AfterHeHasLeft(SynchronousTestCase):
    """Eva, a visitor who owns nothing, talks and leaves.  Ana ignores her from another node."""

    def setUp(self) -> None:
        self.village = Village(3, registered=("Ana",))
        self.here, self.there, self.third = self.village.farms
        self.ana = self.comes(self.there)
        self.eva = guest(self.here, "Eva")
        self.ana.types(":ignorar Eva")
        self.here.arrives("Gus").types("hola")
        self.eva.types("spam")
        self.village.quiet()

    def comes(self, farm: Farm) -> Person:
        ana = farm.person("Ana")
        ana.types("Ana", PASSWORD)
        self.village.quiet()
        return ana

    def leaves(self) -> None:
        self.eva.types(":q")
        self.eva.drops()
        self.village.settle()

    def told_again(self, ana: Person) -> list[str]:
        self.village.pass_time(1.0)
        ana.hears()
        ana.types(":historial")
        return [line.partition("] ")[2] for line in ana.hears()[1:]]

    def test_where_it_is_first_heard_that_nobody_can_ignore_her_now(self) -> None:
        self.there.bus.delay = 0.5
        self.leaves()
        self.there.bus.delay = 0.0
        self.assertEqual(self.told_again(self.ana), ["Gus: hola"])

    def test_where_it_is_first_heard_that_she_has_left(self) -> None:
        """Ana goes on to that node."""
        told: list[Any] = []
        watcher: Any = self.third.shared.watcher
        follow = watcher.beside
        self.patch(watcher, "beside", told.append)
        self.leaves()
        for items in told:
            follow(items)
        self.assertEqual(self.told_again(self.comes(self.third)), ["Gus: hola"])

    def test_but_who_listens_again_in_time_is_told_it(self) -> None:
        self.ana.types(":escuchar Eva")
        self.village.settle()
        self.assertEqual(self.told_again(self.comes(self.third)), ["Gus: hola", "Eva: spam"])
