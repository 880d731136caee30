"""The one error of the condition language."""

from __future__ import annotations

from core.errors import ManometerError

SHOWN = 60


class ConditionError(ManometerError):
    """A condition that cannot be used: what is wrong, where (column from 1, in `text`), and what to write
    instead.
    """

    def __init__(self, message: str, column: int = 1, suggestion: str | None = None, text: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.column = column
        self.suggestion = suggestion
        self.text = text

    def __str__(self) -> str:
        """One line for people, to stand after the name of a file: column, message and suggestion."""
        sentences = (self.message, self.suggestion or "")
        return f"column {self.column}: {' '.join(_sentence(part) for part in sentences if part)}"

    def pointing(self) -> str:
        """Two lines: the part of the text around the fault, and a caret under the fault."""
        offset = min(max(self.column - 1, 0), len(self.text))
        first = max(self.text.rfind("\n", 0, offset) + 1, offset - SHOWN)
        last = min([end for end in (self.text.find("\n", offset), len(self.text)) if end >= 0])
        shown = "".join(
            letter if letter.isprintable() else " " for letter in self.text[first : min(last, offset + SHOWN)]
        )
        return f"{shown}\n{' ' * (offset - first)}^"


def _sentence(words: str) -> str:
    return words if words.endswith((".", "?")) else f"{words}."
