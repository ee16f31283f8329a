"""One person's conversation with the granja, over one or more connections.

It has no sockets, no terminal and no clock.  Bytes from the server and typed lines go in; lines to
show and bytes to send come out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from granja.client import sentences as notes
from granja.client.arrival import Arrival
from granja.client.completion import Suggestion, suggest
from granja.client.display import Shown, own, show
from granja.client.drafts import CHAT, SECRET
from granja.client.incoming import PASS, Heard, Hearing
from granja.client.keepsake import Nowhere
from granja.client.passwords import may_be_kept, password_start
from granja.client.surroundings import Surroundings, short
from granja.wire.telnet import DO, GMCP, IAC

_LAST_WORDS = frozenset({"goodbye", "replaced", "time-up", "WrongPassword"})
"""After one of these, the client does not come back by itself: the server has closed on purpose."""

_PROPOSALS = frozenset({"chance-told", "chances"})
"""Messages that tell a command to type.  Tab then types it."""


class Memory(Protocol):
    """Keeps a pass (:class:`granja.client.keepsake.Keepsake`)."""

    def recall(self) -> tuple[str, str] | None: ...
    def keep(self, name: str, secret: str) -> None: ...
    def forget(self) -> None: ...


class Conversation:
    """:param catalog: the artifacts' names by number, until the server tells its own.
    :param secure: whether connections use TLS; see :class:`granja.client.arrival.Arrival`.
    :param memory: keeps a pass longer than this client runs.
    :param history: lines of earlier talk to ask for on joining.
    """

    def __init__(
        self,
        catalog: Mapping[int, str],
        *,
        secure: bool = False,
        memory: Memory | None = None,
        history: int = 0,
    ) -> None:
        self._around = Surroundings(catalog)
        self._arrival = Arrival(secure=secure)
        self._memory: Memory = memory or Nowhere()
        kept = self._memory.recall()
        if kept is not None:
            self._arrival.recall(*kept)
        self._history = history
        self._came_back = False
        self._missed: list[Shown] | None = None
        self._hearing = Hearing(self._send)
        self._outgoing = bytearray()
        self._connected = False
        self._arrived = False
        self._looking_around = False
        self._last_code = ""
        self._met = False
        self._hinted: set[str] = set()
        self.question = ""

    # -- what the screen asks ----------------------------------------------------------------

    @property
    def name(self) -> str:
        """The person's name in the chat; empty before the first arrival."""
        return self._arrival.name

    @property
    def connected(self) -> bool:
        return self._connected

    @property
    def arrived(self) -> bool:
        """Whether this connection has come as far as the chat."""
        return self._arrived

    @property
    def hidden(self) -> bool:
        """Whether the line that is being typed must stay unseen."""
        return self._connected and (self.question == "password" or self._hearing.echoes)

    @property
    def listening(self) -> bool:
        """Whether a typed line would go where the person means it to go.

        While the client answers questions by itself, the server would take talk for an answer.
        """
        return self._connected and not self._arrival.alone

    @property
    def place(self) -> str | None:
        """The place that a half-typed line belongs to; see :class:`granja.client.drafts.Drafts`."""
        if self.hidden:
            return SECRET
        if self.question:
            return self.question
        at_home = self._arrived or (self.name and not self.listening)
        return CHAT if at_home else None

    @property
    def met(self) -> bool:
        """Whether a granja is at the other end, so that it is worth coming back."""
        return self._met

    @property
    def over(self) -> bool:
        """Whether the server's last words mean that the client must not come back by itself."""
        return self._last_code in _LAST_WORDS

    @property
    def said_goodbye(self) -> bool:
        return self._last_code == "goodbye"

    def suggestions(self, before: str, asked: bool = False) -> list[Suggestion]:
        """How the line could go on; see :func:`granja.client.completion.suggest`."""
        return [] if self.hidden else suggest(before, self._around, self.question, asked)

    def may_be_kept(self, line: str) -> bool:
        """Whether the history may keep a typed line: talk and commands, but no answers and no
        passwords."""
        return self._arrived and not self.hidden and may_be_kept(line)

    # -- what happens ------------------------------------------------------------------------

    def connect(self) -> None:
        """A new connection is up.  Granja's telnet clients speak first and ask for GMCP."""
        self._hearing = Hearing(self._send)
        self._outgoing.clear()
        self._connected, self._arrived, self._looking_around = True, False, False
        self._last_code = self.question = ""
        self._arrival.connected()
        self._send(bytes([IAC, DO, GMCP]))

    def receive(self, data: bytes) -> list[Shown]:
        """Take bytes from the server, and return the lines to show."""
        return [line for heard in self._hearing.feed(data) for line in self._hear(heard)]

    def disconnect(self) -> list[Shown]:
        """The connection is gone.  Return the lines that are still to be shown."""
        rest = [line for heard in self._hearing.rest() for line in self._hear(heard)]
        rest += self._missed_lines()
        self._connected = self._arrived = False
        self.question = ""
        self._outgoing.clear()
        self._around.forget_others()
        return rest

    def type(self, line: str) -> None:
        """The person entered a line.  Pasted text may have several."""
        for part in line.splitlines() or [""]:
            self._note(part)
            self._say(part)

    def leave(self) -> None:
        """Say goodbye in the chat.  To a question, it would be an answer."""
        if self._arrived:
            self._say(":q")

    def take_outgoing(self) -> bytes:
        """The bytes to send now, in one piece."""
        data = bytes(self._outgoing)
        self._outgoing.clear()
        return data

    # -- inside ------------------------------------------------------------------------------

    def _send(self, data: bytes) -> None:
        self._outgoing += data

    def _say(self, line: str) -> None:
        self._send(line.encode(errors="replace") + b"\r\n")

    def _note(self, line: str) -> None:
        if line.strip() == self._around.proposed:
            self._around.proposed = ""
        if self.question:
            self._arrival.person_answered(self.question, line)
            self.question = ""  # Until the server asks something, perhaps the same again.
            return
        start = password_start(line)
        if start is not None:
            self._arrival.person_chose_password(line[start:])

    def _hear(self, heard: Heard) -> list[Shown]:
        self._last_code = short(heard.data, "code")
        number = heard.data.get("n")
        if isinstance(number, int):
            self._arrival.read(number)
        if heard.type == PASS:
            secret = short(heard.data, "pass")
            self._arrival.given(secret)
            self._memory.keep(self.name, secret)
            return []
        if self._last_code == "goodbye":
            self._memory.forget()
        if self._last_code == "BadPass" and self._arrival.alone:
            self._memory.forget()
            return []  # The client tries the name next.
        self._around.learn(heard)
        hint = self._hint(notes.HOW_TO_SWAP) if heard.type in _PROPOSALS else []
        if heard.type == "prompt":
            return self._asked(heard)
        if heard.type == "welcome-back":
            self._came_back = True
        if self._missed is not None and heard.type not in ("catalog", "here", "plain"):
            self._missed.append(show(heard, self.name))
            return []
        before = self._missed_lines()
        shown = before + ([] if self._asked_for_itself(heard) else [show(heard, self.name), *hint])
        if heard.type == "ready":
            shown += self._hint(notes.HOW_TO_TALK)
            self._let_in(short(heard.data, "name"))
        elif heard.type == "registered" or self._last_code == "password-changed":
            self._arrival.password_accepted()
        return shown

    def _asked(self, heard: Heard) -> list[Shown]:
        """Answer a question.  If the client answers by itself, the person does not see it."""
        self._met = True
        question, alone = short(heard.data, "question"), self._arrival.alone
        answer = self._arrival.answer(question, self._around.inventory)
        if answer is not None:
            self._say(answer)
            return []
        self.question = question
        turn = [own(notes.YOUR_TURN)] if alone else []
        hint = self._hint(notes.HOW_TO_LIST) if question == "artifacts" else []
        return [*turn, show(heard, self.name), *hint]

    def _hint(self, sentence: str) -> list[Shown]:
        """A hint for a newcomer, shown once, when it is useful first."""
        if sentence in self._hinted:
            return []
        self._hinted.add(sentence)
        return [own(sentence)]

    def _let_in(self, name: str) -> None:
        self.question = ""
        if self._arrived:  # `¡OK!` also ends the list that `:registrar` may ask for.
            return
        self._arrived = True
        self._arrival.arrived(name)
        if self._hearing.structured:
            self._looking_around = True
            self._missed = [] if self._came_back else None
            self._say(":catalogo")
            self._say(":u")
        if self._history and not self._came_back:
            self._say(f":historial {self._history}")
        self._came_back, self._history = False, 0

    def _missed_lines(self) -> list[Shown]:
        """The lines between coming back and the first answer, with a rule above and below."""
        missed, self._missed = self._missed or [], None
        if not missed:
            return []
        return [own(notes.missed(len(missed))), *missed, own(notes.END_OF_MISSED)]

    def _asked_for_itself(self, heard: Heard) -> bool:
        """Whether the client itself has asked for this catalog, for completion; we do not show it.

        Answers come in the order of the commands, so the answer to ``:u`` shows where the catalog
        ends.  If that answer is too long for a package, it comes as a line.
        """
        if self._looking_around and heard.type in ("here", "plain"):
            self._looking_around = False
        return self._looking_around and heard.type == "catalog"
