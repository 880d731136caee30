"""The question that a preview, a comparison and a backtest answer: which span, which future, under which
rules; and its span in words. Instants are ms UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Protocol, TypeAlias
from zoneinfo import ZoneInfo

from core.explain.words import in_full
from core.forecast.what_if import PlaybookChange
from core.instants import DAY, Instant, Millis

Future: TypeAlias = Literal["known", "replay", "as-it-was"]
"""Nothing new happens; the last weeks happen again; what is past comes as it came."""
Drafts: TypeAlias = tuple[tuple[str, str], ...]
"""Files of a workspace by relative path, each with its text."""

WEEK: Final[Millis] = 7 * DAY


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: all instants in (first, last], seen from `now`, with what dealing with the unknown
    future, under which rules.

    The rules are those in force, those of `playbook_folder`, or those of `files`, which are all files of a
    workspace; `drafts` are files by relative path that are put over them, their triggers taken as active;
    `changes` come last. With the future `replay` the acts of the last `weeks` happen again.
    """

    folder: Path
    database: Path
    now: Instant
    first: Instant
    last: Instant
    future: Future = "known"
    trigger: str | None = None
    playbook_folder: Path | None = None
    with_rows: bool = False
    with_details: bool = False
    changes: tuple[PlaybookChange, ...] = ()
    drafts: Drafts = ()
    files: Drafts = ()
    weeks: int = 1

    @property
    def is_past(self) -> bool:
        """Whether it begins before now, so that dossiers must be folded back."""
        return self.first < self.now

    @property
    def changed_at(self) -> Instant:
        """Since when other rules than those in force are taken to hold."""
        return min(self.first, self.now)

    @property
    def is_changed(self) -> bool:
        """Whether it is asked under other rules than those in force."""
        return self.playbook_folder is not None or bool(self.changes or self.drafts or self.files)


class Spanned(Protocol):
    """What says which span is looked at, and how the unknown future is dealt with."""

    @property
    def first(self) -> Instant:
        """Begin, not included."""

    @property
    def last(self) -> Instant:
        """End, included."""

    @property
    def future(self) -> Future:
        """What is taken to happen."""

    @property
    def weeks(self) -> int:
        """How many weeks happen again."""


def span_in_words(question: Spanned, zone: ZoneInfo) -> str:
    """What the preview covers, in local time, and what it cannot know."""
    span = f"{in_full(question.first, zone)} to {in_full(question.last, zone)}"
    if question.future == "replay":
        ago = "the week" if question.weeks == 1 else f"the {question.weeks} weeks"
        return (
            f"{span}, if what people did in {ago} before happens again. "
            "That is imagined, and counted apart from what is known."
        )
    if question.future == "as-it-was":
        return (
            f"{span}, with the events as they came. "
            "What messages would have changed in people's behaviour is not in it."
        )
    return f"{span}, if nothing new happens: events still to come are not known and not in it."
