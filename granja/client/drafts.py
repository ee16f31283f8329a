"""Drafts: a half-typed line belongs to the place where it was typed, a question or the chat.

A question may come in the middle of a sentence, when the connection drops and the server wants the
password again.  Half a sentence must not become the answer, and half a password must not be seen.
"""

from __future__ import annotations

CHAT = ""
SECRET = "password"
MOST_PLACES = 10
"""There are fewer places, but a server could ask anything."""


class Drafts:
    """Half-typed lines by place.

    A place is a question, or :data:`CHAT`, or None between two questions: a line typed there
    belongs to whatever comes next.
    """

    def __init__(self) -> None:
        self._place: str | None = None
        self._kept: dict[str, str] = {}

    def entered(self, place: str | None) -> str:
        """A line was entered, and nothing is half typed now.

        :param place: where the person is now.
        :return: what was half typed there before.
        """
        self._place = place
        return self._take(place)

    def move(self, place: str | None, typed: str) -> str:
        """The place may have changed.

        :param typed: what is half typed now.
        :return: what should be half typed from now on.
        """
        before = self._place
        if place == before:
            return typed
        if before == SECRET:
            typed = ""
        elif place is None:
            return typed  # Nobody asks anything now, but the draft stays with its question.
        elif before is not None:
            self._keep(before, typed)
            typed = ""
        self._place = place
        return typed or self._take(place)

    def _keep(self, place: str, typed: str) -> None:
        if typed and (place in self._kept or len(self._kept) < MOST_PLACES):
            self._kept[place] = typed

    def _take(self, place: str | None) -> str:
        return "" if place is None else self._kept.pop(place, "")
