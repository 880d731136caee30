"""What stands on a page: facts, tables and pictures, as values; sizes are units of the picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from screens.cells.grid import Grid, legend, shade

WIDTH: Final = 760
"""Of a picture, in units of its own."""
LABEL: Final = 170
LINE: Final = 24
CHARACTER: Final = 7


class ColumnHead(NamedTuple):
    """A column's head."""

    text: str
    is_number: bool = True


@dataclass(frozen=True, slots=True)
class ReportTable:
    """Numbers for who reads them, hears them or copies them."""

    heads: tuple[ColumnHead, ...]
    rows: tuple[tuple[object, ...], ...]


@dataclass(frozen=True, slots=True)
class Heat:
    """A grid of numbers, shaded."""

    title: str
    grid: Grid
    is_imagined: bool = False
    kind: str = "heat"

    @property
    def cell(self) -> float:
        """Width of a cell."""
        return min(64.0, (WIDTH - LABEL - (60 if self.is_slanted else 0)) / max(1, len(self.grid.heads)))

    @property
    def is_slanted(self) -> bool:
        """Whether the heads are too long to stand side by side."""
        return any(len(head) > len("12-31") and not head[:4].isdigit() for head, _ in self.grid.heads)

    @property
    def top(self) -> int:
        """Where the rows begin."""
        return 96 if self.is_slanted else LINE

    @property
    def height(self) -> int:
        """Of the whole."""
        return self.top + LINE * len(self.grid.rows) + 6

    def shade(self, value: int | None) -> int:
        """Which of the shades a number has; 0 for nothing."""
        return shade(value, self.grid.bounds)

    def legend(self) -> list[tuple[str, int]]:
        """The scale in numbers."""
        return legend(self.grid)


class BarPiece(NamedTuple):
    """A piece of a bar: how much, and what it looks like."""

    number: int
    look: str


@dataclass(frozen=True, slots=True)
class BarLine:
    """One bar of pieces."""

    label: str
    parts: tuple[BarPiece, ...]
    said: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars one below the other; `key` says what their looks mean."""

    title: str
    lines: tuple[BarLine, ...]
    key: tuple[tuple[str, str], ...] = ()
    kind: str = "bars"

    @property
    def height(self) -> int:
        """Of the whole."""
        return LINE * len(self.lines) + 6

    def pieces(self, line: BarLine) -> list[tuple[float, float, str]]:
        """Left, width and look of each piece."""
        most = max((sum(part.number for part in each.parts) for each in self.lines), default=0) or 1
        room, left, found = WIDTH - LABEL - 170, float(LABEL), []
        for part in line.parts:
            if part.number:
                width = max(1.0, part.number * room / most)
                found.append((left, width, part.look))
                left += width
        return found


@dataclass(frozen=True, slots=True)
class Columns:
    """What is asked for day by day, and the line of what is possible."""

    title: str
    days: tuple[tuple[str, int, int], ...]
    kind: str = "columns"
    height: int = 190

    def columns(self) -> list[tuple[float, float, float, float, str, int, int]]:
        """Left, width, top of the column and of the line, day, and the two numbers."""
        most = max((max(asked, capacity) for _, asked, capacity in self.days), default=0) or 1
        step = (WIDTH - 60) / max(1, len(self.days))
        return [
            (
                50 + number * step,
                step,
                150 - 130 * asked / most,
                150 - 130 * capacity / most,
                day,
                asked,
                capacity,
            )
            for number, (day, asked, capacity) in enumerate(self.days)
        ]


Picture = Heat | Bars | Columns


@dataclass(frozen=True, slots=True)
class Section:
    """One question with its answer."""

    title: str
    words: str = ""
    pictures: tuple[Picture, ...] = ()
    table: ReportTable | None = None


@dataclass(frozen=True, slots=True)
class ReportPage:
    """All of it; `facts` are numbers that stand first."""

    title: str
    lines: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]
