"""What is half typed belongs to where it was typed: a question, or the chat.

A question can come in the midst of a sentence, when the line drops and the server wants the
password again.  Half a sentence must not become the answer, nor half a password be seen.
"""

from __future__ import annotations

CHAT = ""
SECRET = "password"
MOST_PLACES = 10
"""There are fewer, but a server could ask anything."""


class Drafts:
    """Half-typed lines by place: the question that is asked, :data:`CHAT`, or None for between
    two questions, where what is typed goes to whatever comes next."""

    def __init__(self) -> None:
        self._place: str | None = None
        self._kept: dict[str, str] = {}

    def entered(self, place: str | None) -> str:
        """A line was entered and nothing is half typed now.

        :param place: where that left us.
        :return: what was half typed there before.
        """
        self._place = place
        return self._take(place)

    def move(self, place: str | None, typed: str) -> str:
        """The place may have changed.

        :param typed: what is half typed now.
        :return: what should be half typed from here on.
        """
        before = self._place
        if place == before:
            return typed
        if before == SECRET:
            typed = ""
        elif place is None:
            return typed  # nobody asks anything now, but what is typed stays with its question
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
