"""Bars with their numbers as values and as lines: a histogram against a limit, or a ranking; read as well
without the bars.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from screens.cells.line import Cell, Cells, Line, StyleName, fit
from screens.cells.safe_text import display_width, safe_text

K = TypeVar("K", bound=Hashable)
EIGHTHS: Final = " ▏▎▍▌▋▊▉█"
SHORTEST: Final = 4
"""Bars shorter than this at their longest are left out; the numbers stay."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: a label, a number, a word behind it, and what it stands for; with what the number is `before`
    a change.

    `brief` is the word behind it where the whole note has no room.
    """

    label: str
    number: int
    note: str = ""
    style: StyleName = ""
    stands_for: Hashable = None
    before: int | None = None
    brief: str = ""

    @property
    def told(self) -> str:
        """The number, and the one before where that is another."""
        return (
            f"{self.number:,}" if self.before in (None, self.number) else f"{self.before:,}→{self.number:,}"
        )


@dataclass(frozen=True, slots=True)
class Heading:
    """A line between bars; the cursor passes it by."""

    text: str
    style: StyleName = "dim"


Item = Bar | Heading


def compared(numbers: Counter[K], before: Counter[K] | None) -> Iterator[tuple[K, int, int | None]]:
    """What is counted, with its number and the one before a change; the highest first. None before where
    nothing is changed.
    """
    both = numbers if before is None else numbers | before
    for key, _ in both.most_common():
        yield key, numbers[key], None if before is None else before[key]


def bar(number: int, most: int, width: int) -> str:
    """A bar of eighths of a column; something above nothing is always seen."""
    if number <= 0 or most <= 0 or width <= 0:
        return ""
    whole, rest = divmod(max(1, round(8 * width * number / most)), 8)
    return ("█" * whole + (EIGHTHS[rest] if rest else ""))[:width]


def bar_of_two(before: int, after: int, most: int, width: int) -> str:
    """A bar for what is on both sides, and beyond it what there is more (`▓`) or less (`░`) after the
    change.
    """
    if most <= 0 or width <= 0 or not (before or after):
        return ""
    both, longer = (round(width * each / most) for each in (min(before, after), max(before, after)))
    rest = max(longer - both, 1) if before != after else 0
    return ("█" * both + ("▓" if after > before else "░") * rest)[-width:]


def bar_lines(items: Sequence[Item], width: int) -> list[Line]:
    """The items as lines of cells: label, number, bar, note; the bars share what is left."""
    bars = [item for item in items if isinstance(item, Bar)]
    label = min(
        max(12, width * 6 // 10), max((display_width(safe_text(each.label)) for each in bars), default=0)
    )
    digits = max((len(each.told) for each in bars), default=0)
    note = max((display_width(safe_text(each.note)) for each in bars), default=0)
    most = max((max(each.number, each.before or 0) for each in bars), default=0)
    room = width - label - digits - 3 - (note + 1 if note else 0)
    if room < 0 and any(each.brief for each in bars):
        return bar_lines([_briefly(item) for item in items], width)
    return [
        _line(item, label, digits, most, room) if isinstance(item, Bar) else [Cell(item.text, item.style)]
        for item in items
    ]


def _briefly(item: Item) -> Item:
    return replace(item, note=item.brief or item.note, brief="") if isinstance(item, Bar) else item


def _line(item: Bar, label: int, digits: int, most: int, room: int) -> Line:
    line: list[Cells] = [Cell(f" {fit(safe_text(item.label), label)} {item.told:>{digits}} ", item.style)]
    if room >= SHORTEST:
        drawn = (
            bar(item.number, most, room)
            if item.before is None
            else bar_of_two(item.before, item.number, most, room)
        )
        line.append(Cell(fit(drawn, room), item.style or "accent"))
    return [*line, Cell(f" {item.note}", item.style or "dim")] if item.note else line
