"""How the server answers what a client negotiates: everything stays off, except GMCP."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from granja.wire.negotiation import Negotiation
from granja.wire.telnet import AYT, DO, DONT, ECHO, GMCP, TIMING_MARK, WILL, WONT

NAWS = 31


class Client:
    """The connection that negotiates: what it was sent, and whether it has packages."""

    def __init__(self, late: bool = False) -> None:
        self.said: list[tuple[int, int]] = []
        self.speaks_packages = False
        self.here = 0
        self._late = late

    def say_here(self) -> None:
        self.here += 1

    def say_telnet(self, verb: int, option: int) -> None:
        self.said.append((verb, option))

    def begin_packages(self) -> bool:
        self.speaks_packages = not self._late
        return not self._late

    def end_packages(self) -> None:
        self.speaks_packages = False


class Answers(SynchronousTestCase):
    def answers(self, *heard: tuple[int, int], late: bool = False, hides: bool = False) -> Client:
        """Say all that, after a question for a password or not."""
        client = Client(late)
        negotiation = Negotiation(client)
        if hides:
            negotiation.hide_typing(True)
            client.said.clear()
        for verb, option in heard:
            negotiation.negotiated(verb, option)
        return client

    def test_what_we_do_not_do_is_refused(self) -> None:
        for option in (0, ECHO, NAWS, 255):
            self.assertEqual(self.answers((DO, option)).said, [(WONT, option)])
            self.assertEqual(self.answers((WILL, option)).said, [(DONT, option)])

    def test_what_is_off_needs_no_answer(self) -> None:
        for option in (0, ECHO, NAWS, GMCP):
            self.assertEqual(self.answers((DONT, option), (WONT, option)).said, [])

    def test_packages_begin_once_and_end(self) -> None:
        """This includes a client that meanwhile ends something else."""
        client = self.answers((DO, GMCP), (DO, GMCP), (DONT, NAWS), (WONT, GMCP))
        self.assertEqual((client.said, client.speaks_packages), ([(WILL, GMCP)], True))
        client = self.answers((DO, GMCP), (DONT, GMCP), (DONT, GMCP))
        self.assertEqual(client.said, [(WILL, GMCP), (WONT, GMCP)])
        self.assertFalse(client.speaks_packages)

    def test_packages_begin_again(self) -> None:
        client = self.answers((DO, GMCP), (DONT, GMCP), (DO, GMCP))
        self.assertEqual(client.said, [(WILL, GMCP), (WONT, GMCP), (WILL, GMCP)])

    def test_too_late_for_packages(self) -> None:
        self.assertEqual(self.answers((DO, GMCP), late=True).said, [(WONT, GMCP)])

    def test_the_answer_to_our_own_word_is_not_answered(self) -> None:
        """We say WILL ECHO where a password is asked, and they agree: DO ECHO."""
        self.assertEqual(self.answers((DO, ECHO), hides=True).said, [])
        self.assertEqual(self.answers((DONT, ECHO), hides=True).said, [])
        self.assertEqual(self.answers((DO, NAWS), hides=True).said, [(WONT, NAWS)])

    def test_typing_is_hidden_and_shown_once(self) -> None:
        client = Client()
        negotiation = Negotiation(client)
        for hide in (False, True, True, False, False):
            negotiation.hide_typing(hide)
        self.assertEqual(client.said, [(WILL, ECHO), (WONT, ECHO)])

    def test_what_is_asked_for_is_answered(self) -> None:
        """The client asks "are you there", or sends RFC 860's mark, which the server refuses each
        time."""
        client = Client()
        negotiation = Negotiation(client)
        negotiation.answer((AYT, 0))
        self.assertEqual((client.here, negotiation.begun), (1, False))
        negotiation.answer((DO, TIMING_MARK))
        negotiation.answer((DO, TIMING_MARK))
        self.assertEqual(client.said, [(WONT, TIMING_MARK)] * 2)

    def test_who_negotiates(self) -> None:
        """Only with these clients may the server begin a negotiation: to hide a password."""
        for verb in (WILL, WONT, DO, DONT):
            negotiation = Negotiation(Client())
            self.assertFalse(negotiation.begun)
            negotiation.answer((verb, NAWS))
            self.assertTrue(negotiation.begun, verb)
