"""A request of an operator, field by field."""

from __future__ import annotations

from granja.contract.commands import LONGEST
from granja.text.clean import clean, squeezed


class Refused(Exception):
    """The errand cannot be done.  The text is one sentence for the operator."""


class Request:
    """The fields of a request, each read as what it must be."""

    def __init__(self, fields: object) -> None:
        self._fields = fields if isinstance(fields, dict) else {}

    def text(self, field: str) -> str:
        """The text of a field.

        A shell may pass on words of another encoding.  JSON then has them as halves of a character.

        :raises Refused: when it is missing, or is no text, or is no UTF-8.
        """
        value = self._fields.get(field)
        if not isinstance(value, str):
            raise Refused(f"the request has no {field}")
        if not value.isascii() and any("\ud800" <= char <= "\udfff" for char in value):
            raise Refused(f"what the request says as {field} is not UTF-8")
        return value

    def says(self, field: str) -> bool:
        return self._fields.get(field) is True

    def has(self, field: str) -> bool:
        return field in self._fields

    def without(self, field: str) -> dict[str, object]:
        return {name: value for name, value in self._fields.items() if name != field}

    def reason(self) -> str:
        """The reason, as farmers may read it; empty if there is none."""
        return squeezed(clean(self.text("why"))).strip() if "why" in self._fields else ""

    def seconds(self) -> int:
        """The time in seconds.

        :raises Refused: when there is none.
        """
        value = self._fields.get("seconds")
        if not isinstance(value, int) or not 0 <= value <= LONGEST:
            raise Refused("the request has no time")
        return value
