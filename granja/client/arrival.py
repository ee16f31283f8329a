"""Who one is, kept in memory so that one can arrive again by itself after the line dropped."""

from __future__ import annotations

from collections.abc import Sequence

from granja.contract.answers import NONE


class Arrival:
    """The answers that brought this person in.

    A server that gave a pass brings back whoever has it, where they were (PROTOCOL §5b).  Where
    that does not serve, a visitor is brought back with the artifacts that they last held, and
    someone registered with the password that the server last accepted.  All of that is kept in
    memory only.

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
        self._pass = ""
        self._number: int | None = None
        self._tried = False
        self._recalled = False

    @property
    def alone(self) -> bool:
        """Whether questions are being answered without the person."""
        return self._alone

    def connected(self) -> None:
        """A new connection: whoever was in before goes in again without being asked."""
        self._alone = bool(self.name)
        self._tried = False
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

    def recall(self, name: str, secret: str) -> None:
        """Another client was in before this one, with this pass.  Where it does not serve any more,
        everything is asked as ever: who sits here today may be somebody else."""
        self.name, self._pass, self._recalled = name, secret, True

    def given(self, secret: str) -> None:
        """The server gave a pass; the ones before it need not be kept."""
        self._pass = secret

    def read(self, number: int) -> None:
        """The line of this number has come."""
        self._number = max(self._number or 0, number)

    def _return(self) -> str | None:
        """What to say where the name is asked, the first time that it is."""
        if not self._pass:
            return None
        if self._tried:
            self._pass = ""  # It does not serve any more.
            self.name = "" if self._recalled else self.name
            return None
        self._tried = True
        # Without a number the server tells what this machine had not acknowledged.
        number = "" if self._number is None else f" {self._number}"
        return f":volver {self._pass}{number}"

    def answer(self, question: str, inventory: Sequence[int] | None) -> str | None:
        """What to answer without asking the person, or None when the person must.

        A question that comes a second time was not answered well, so from there on it is the
        person's turn.

        :param inventory: the numbers of what was last held, None if that is not known.
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
        """The server let us in; ``name`` is how it calls us, empty if it does not say."""
        self.name = name or self._typed.get("name", "") or self.name
        if "password" in self._typed:
            self.password_accepted()
        elif "password" not in self._answered and not (self._tried and self._pass):
            self._password = ""  # nobody asked for one: a visitor, perhaps by another name
        self._alone = self._recalled = False

    def _known(self, question: str, inventory: Sequence[int] | None) -> str | None:
        if question == "name":
            return self.name or None
        if question == "password":
            return (self._password or None) if self._secure else None
        # Declaring is final for someone registered (`--declarations once`): never done unasked.
        if self._password:
            return None
        if question == "artifacts" and inventory is not None:
            return ", ".join(map(str, inventory)) or NONE
        return "sí" if question == "confirm" and "artifacts" in self._answered else None
