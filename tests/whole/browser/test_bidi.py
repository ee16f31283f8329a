"""The program between Playwright and Firefox changes one command and nothing else."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.support.bidi import answerable, masked


class Relay(SynchronousTestCase):
    def test_a_command_that_firefox_does_not_know_becomes_one_that_changes_nothing(self) -> None:
        command = b'{"id":10,"method":"emulation.setMediaFeaturesOverride","params":{}}'
        self.assertEqual(answerable(command), b'{"id":10,"method":"session.status","params":{}}')

    def test_all_others_are_handed_on(self) -> None:
        said = b'{"id":11,"method":"input.performActions","params":{"text":"%s"}}'
        for text in (b"", b"emulation.setMediaFeaturesOverride"):
            self.assertIsNone(answerable(said % text))

    def test_a_mask_is_taken_away_as_it_is_put_on(self) -> None:
        self.assertEqual(
            masked(masked(b"hola \xf0\x9f\x8c\xbe", b"abcd"), b"abcd"), b"hola \xf0\x9f\x8c\xbe"
        )
