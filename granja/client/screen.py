"""The terminal: the line that is being typed at the bottom, everything else above it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext

from prompt_toolkit import PromptSession
from prompt_toolkit.application import in_terminal
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.filters import Condition
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.history import History
from prompt_toolkit.input import Input
from prompt_toolkit.input.vt100 import Vt100Input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.layout.processors import Processor, Transformation, TransformationInput
from prompt_toolkit.layout.utils import explode_text_fragments
from prompt_toolkit.output import Output
from prompt_toolkit.renderer import print_formatted_text
from prompt_toolkit.styles import Style

from granja.client import rows, sentences as notes
from granja.client.conversation import Conversation
from granja.client.display import Shown, own
from granja.client.drafts import Drafts
from granja.client.passwords import password_start

STYLE = Style.from_dict(
    {
        "prompt": "bold",
        "speaker": "bold",
        "whisper": "ansimagenta",
        "server": "ansicyan",
        "question": "ansicyan bold",
        "offer": "ansiyellow",
        "error": "ansired",
        "own": "ansibrightblack italic",
    }
)

#: The most rows that stay free for the menu of suggestions.
MENU_ROWS = 8


class Screen:
    """What the person sees and types into.

    :param input: the keyboard: :class:`Keyboard`, or a test's.
    :param output: the terminal: the process's own, or a test's.
    """

    def __init__(
        self,
        conversation: Conversation,
        history: History,
        input: Input | None = None,
        output: Output | None = None,
    ) -> None:
        self._conversation = conversation
        self._completer = Suggestions(conversation)
        self._drafts = Drafts()
        self._returned = ""
        self._session: PromptSession[str] = PromptSession(
            message=self._label,
            style=STYLE,
            history=history,
            completer=self._completer,
            complete_while_typing=True,
            is_password=Condition(lambda: conversation.hidden),
            input_processors=[HidePasswordArgument()],
            key_bindings=self._keys(),
            enable_history_search=False,
            enable_suspend=True,
            input=input,
            output=output,
        )
        self._session.app.before_render += lambda _: self._leave_room_for_talk()

    @property
    def typed(self) -> str:
        """What is half typed now."""
        return self._session.default_buffer.text

    async def ask(self) -> str:
        """The next line that the person enters.

        :raises EOFError: for Ctrl-D on an empty line.
        :raises KeyboardInterrupt: for Ctrl-C.
        """
        half_typed = self._drafts.entered(self._conversation.place)
        returned, self._returned = self._returned, ""
        return await self._session.prompt_async(default=returned or half_typed)

    def give_back(self, line: str) -> None:
        """Offer a line again that could not be sent."""
        self._returned = line

    async def show(self, lines: Sequence[Shown]) -> None:
        """Print lines above the line that is being typed, and draw that line again."""
        self._rearrange()
        app = self._session.app
        if not lines:
            app.invalidate()
            return
        async with in_terminal():
            columns = app.output.get_size().columns
            print_formatted_text(app.output, _formatted(lines, columns), STYLE)
            if any(line.bell for line in lines):
                app.output.bell()
            app.output.flush()

    # -- inside ------------------------------------------------------------------------------

    def _label(self) -> StyleAndTextTuples:
        talk = self._conversation
        if not talk.listening:
            label = notes.NO_CONNECTION
        elif talk.arrived and not talk.question:
            label = talk.name
        else:
            label = notes.QUESTIONS.get(talk.question, "…")
        return [("class:prompt", f"{label}> ")]

    def _keys(self) -> KeyBindings:
        keys = KeyBindings()

        @keys.add("enter", filter=Condition(lambda: not self._conversation.listening))
        async def _(event: KeyPressEvent) -> None:
            await self.show([own(notes.NOT_SENT)])

        @keys.add("tab")
        def _(event: KeyPressEvent) -> None:
            self._complete(event.current_buffer)

        return keys

    def _complete(self, buffer: Buffer) -> None:
        """Complete at Tab.  prompt_toolkit would lose the key while it still collects
        suggestions."""
        if buffer.complete_state:
            buffer.complete_next()
            return
        asked = CompleteEvent(completion_requested=True)
        found = list(self._completer.get_completions(buffer.document, asked))
        if len(found) == 1:
            buffer.apply_completion(found[0])
        else:
            buffer.start_completion(insert_common_part=True, complete_event=asked)

    def _leave_room_for_talk(self) -> None:
        """Limit the menu: prompt_toolkit keeps 8 rows free for it, all rows of a small terminal."""
        rows = self._session.app.output.get_size().rows
        self._session.reserve_space_for_menu = min(MENU_ROWS, rows // 4)

    def _rearrange(self) -> None:
        """Fit the line that is being typed to what the server wants now."""
        app, buffer = self._session.app, self._session.default_buffer
        app.erase_when_done = self._conversation.hidden or not self._conversation.connected
        if not app.is_running:
            return
        text = self._drafts.move(self._conversation.place, buffer.text)
        if text != buffer.text:
            buffer.document = Document(text)


class Suggestions(Completer):
    """The conversation's suggestions in prompt_toolkit's form."""

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation

    def get_completions(
        self, document: Document, complete_event: CompleteEvent
    ) -> Iterable[Completion]:
        asked = complete_event.completion_requested
        for s in self._conversation.suggestions(document.text_before_cursor, asked):
            yield Completion(s.text, -s.replaces, display=s.label, display_meta=s.note)


class HidePasswordArgument(Processor):
    """Shows the password of ``:registrar`` and ``:clave`` as stars."""

    def apply_transformation(self, transformation_input: TransformationInput) -> Transformation:
        fragments = transformation_input.fragments
        start = password_start(transformation_input.document.text)
        if start is None:
            return Transformation(fragments)
        letters = explode_text_fragments(fragments)
        stars = [(style, "*") for style, *_ in letters[start:]]
        return Transformation([*letters[:start], *stars])


class Keyboard(Vt100Input):
    """The terminal's keyboard.  It stays raw while we print lines above.

    prompt_toolkit would let the terminal echo during each print.  A letter of a password that is
    typed in that moment would be seen.  Our output needs no cooked terminal.
    """

    def cooked_mode(self) -> AbstractContextManager[None]:
        return nullcontext()


def _formatted(lines: Sequence[Shown], columns: int) -> StyleAndTextTuples:
    fragments: StyleAndTextTuples = []
    for shown in lines:
        style = f"class:{shown.kind.name.lower()}"
        mark = shown.kind.value
        folded = rows.fold(shown.line, columns, len(mark))
        speaker = shown.speaker if folded.startswith(shown.speaker) else ""
        fragments.append((style, mark))
        if speaker:
            fragments.append((f"{style} class:speaker", speaker))
        fragments.append((style, folded.removeprefix(speaker) + "\n"))
    return fragments
