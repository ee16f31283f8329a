"""Who one is, kept in memory so that one can arrive again by itself after the line dropped."""

from __future__ import annotations

from collections.abc import Sequence


class Arrival:
    """The answers that brought this person in.

    A visitor is brought back with the artifacts that they last held.  Someone registered is
    brought back with the password that the server last accepted, which is kept in memory only.

    :param secure: whether the line is such (TLS) that whoever answers is the same server as before.
        Otherwise a password is never handed over unasked: anybody may answer at that address.
    """

    def __init__(self, *, secure: bool = False) -> None:
        self._secure = secure
        self.name = ""
        self._password = ""
        self._typed: dict[str, str] = {}
        self._answered: set[str] = set()
        self._alone = False

    @property
    def alone(self) -> bool:
        """Whether questions are being answered without the person."""
        return self._alone

    def connected(self) -> None:
        """A new connection: whoever was in before goes in again without being asked."""
        self._alone = bool(self.name)
        self._answered.clear()
        self._typed.clear()

    def person_answered(self, question: str, answer: str) -> None:
        self._typed[question] = answer.strip()
        if question == "name":  # a new beginning, perhaps as somebody else
            self._typed.pop("password", None)
            self._answered.discard("password")

    def person_chose_password(self, password: str) -> None:
        """A ``:registrar`` or ``:clave`` went out; it counts once the server says so."""
        self._typed["password"] = password.strip()

    def password_accepted(self) -> None:
        self._password = self._typed.pop("password", self._password)

    def answer(self, question: str, inventory: Sequence[int] | None) -> str | None:
        """What to answer without asking the person, or None when the person must.

        A question that comes a second time was not answered well, so from there on it is the
        person's turn.

        :param inventory: the numbers of what was last held, None if that is not known.
        """
        known = self._known(question, inventory) if self._alone else None
        if known is None or question in self._answered:
            self._alone = False
            return None
        self._answered.add(question)
        return known

    def arrived(self, name: str) -> None:
        """The server let us in; ``name`` is how it calls us, empty if it does not say."""
        self.name = name or self._typed.get("name", "") or self.name
        if "password" in self._typed:
            self.password_accepted()
        elif "password" not in self._answered:
            self._password = ""  # nobody asked for one: a visitor, perhaps by another name
        self._alone = False

    def _known(self, question: str, inventory: Sequence[int] | None) -> str | None:
        if question == "name":
            return self.name
        if question == "password":
            return (self._password or None) if self._secure else None
        # Declaring is final for someone registered (`--declarations once`): never done unasked.
        if self._password:
            return None
        if question == "artifacts" and inventory is not None:
            return ", ".join(map(str, inventory)) or "ninguno"
        return "sí" if question == "confirm" and "artifacts" in self._answered else None
