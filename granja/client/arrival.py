"""Arrival: remembers who the person is, to come back after a lost connection without asking."""

from __future__ import annotations

from collections.abc import Sequence

from granja.contract.answers import NONE


class Arrival:
    """The answers that brought this person in.

    If the server gave a pass, the pass brings the person back to the same place (PROTOCOL §5b).  If
    the pass does not work, a visitor comes back with their last artifacts, and a registered farmer
    with the last password that the server accepted.  All of this is only in memory.

    :param secure: whether the connection proves (TLS) that the same server answers as before.
        Without it, the client never gives the password by itself: anybody may answer at that
        address.
    """

    def __init__(self, *, secure: bool = False) -> None:
        self._secure = secure
        self.name = ""
        self._password = ""
        self._typed: dict[str, str] = {}
        self._answered: set[str] = set()
        self._alone = False
        self._pass = ""
        self._number: int | None = None
        self._tried = False
        self._recalled = False

    @property
    def alone(self) -> bool:
        """Whether the client answers questions without the person."""
        return self._alone

    def connected(self) -> None:
        """A new connection is up.  A person who was in goes in again without being asked."""
        self._alone = bool(self.name)
        self._tried = False
        self._answered.clear()
        self._typed.clear()

    def person_answered(self, question: str, answer: str) -> None:
        self._typed[question] = answer.strip()
        if question == "name":  # The person begins again, perhaps with another name.
            self._typed.pop("password", None)
            self._answered.discard("password")

    def person_chose_password(self, password: str) -> None:
        """A ``:registrar`` or ``:clave`` went out.  It counts when the server says so."""
        self._typed["password"] = password.strip()

    def password_accepted(self) -> None:
        self._password = self._typed.pop("password", self._password)

    def recall(self, name: str, secret: str) -> None:
        """An earlier client was in with this pass.

        If the pass does not work any more, everything is asked as usual: today somebody else may
        sit here.
        """
        self.name, self._pass, self._recalled = name, secret, True

    def given(self, secret: str) -> None:
        """Keep the pass that the server gave, and forget older ones."""
        self._pass = secret

    def read(self, number: int) -> None:
        """Note that the line with this number has come."""
        self._number = max(self._number or 0, number)

    def _return(self) -> str | None:
        """The answer to the first question for the name, if there is a pass."""
        if not self._pass:
            return None
        if self._tried:
            self._pass = ""  # It does not work any more.
            self.name = "" if self._recalled else self.name
            return None
        self._tried = True
        # Without a number, the server tells what this machine had not acknowledged.
        number = "" if self._number is None else f" {self._number}"
        return f":volver {self._pass}{number}"

    def answer(self, question: str, inventory: Sequence[int] | None) -> str | None:
        """The answer that the client gives by itself; None if the person must answer.

        If a question comes a second time, the answer was not right.  Then the person must answer.

        :param inventory: the numbers of the last known artifacts; None if they are not known.
        """
        if self._alone and question == "name" and (back := self._return()) is not None:
            return back
        known = self._known(question, inventory) if self._alone else None
        if known is None or question in self._answered:
            self._alone = False
            return None
        self._answered.add(question)
        return known

    def arrived(self, name: str) -> None:
        """The server let us in.  ``name``: how it calls us; empty if it does not say."""
        self.name = name or self._typed.get("name", "") or self.name
        if "password" in self._typed:
            self.password_accepted()
        elif "password" not in self._answered and not (self._tried and self._pass):
            self._password = ""  # Nobody asked for one: a visitor, perhaps with another name.
        self._alone = self._recalled = False

    def _known(self, question: str, inventory: Sequence[int] | None) -> str | None:
        if question == "name":
            return self.name or None
        if question == "password":
            return (self._password or None) if self._secure else None
        # Declaring is final for a registered farmer (`--declarations once`): never do it unasked.
        if self._password:
            return None
        if question == "artifacts" and inventory is not None:
            return ", ".join(map(str, inventory)) or NONE
        return "sí" if question == "confirm" and "artifacts" in self._answered else None
