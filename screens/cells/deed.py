"""What an operator is asked before a deed that is hard to undo, and the answer, as values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

REASON: Final = "reason"
"""The field that says why, for the audit log."""
MANY: Final = 20
"""From so many messages or addresses on, a deed wants their number typed."""


def typed_number(number: int) -> str | None:
    """What has to be typed before a deed on so many; None where they are few."""
    return str(number) if number >= MANY else None


@dataclass(frozen=True, slots=True)
class DialogChoice:
    """One of several ways to do it: its name, and what it would do, in numbers."""

    name: str
    words: str


@dataclass(frozen=True, slots=True)
class DialogField:
    """Something to write: `check` gives the sentence of what is wrong with it, or None."""

    name: str
    label: str
    value: str = ""
    needed: bool = False
    check: Callable[[str], str | None] = lambda _: None


@dataclass(frozen=True, slots=True)
class Deed:
    """What is about to be done."""

    title: str
    lines: Sequence[str]
    verb: str
    """The deed by its name with its number, such as "Pause 1,204 customers"."""
    choices: Sequence[DialogChoice] = ()
    fields: Sequence[DialogField] = ()
    typed: str | None = None
    """What has to be typed before the deed can be done: for what reaches many people."""
    author: str = ""
    is_urgent: bool = False
    """Nothing keeps anybody from it: no reason is needed, whatever the workspace says."""

    def with_reason(self) -> Deed:
        """The same where no change is made without a reason."""
        if self.is_urgent:
            return self
        fields = [replace(each, needed=True) if each.name == REASON else each for each in self.fields]
        return replace(self, fields=fields)


@dataclass(frozen=True, slots=True)
class DialogAnswer:
    """The answer: which way, and what was written, by the names of the fields."""

    choice: str | None = None
    values: Mapping[str, str] = field(default_factory=dict)
