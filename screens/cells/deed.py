"""What an operator is asked before a deed that is hard to undo, and the answer, as values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field


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


@dataclass(frozen=True, slots=True)
class DialogAnswer:
    """The answer: which way, and what was written, by the names of the fields."""

    choice: str | None = None
    values: Mapping[str, str] = field(default_factory=dict)
