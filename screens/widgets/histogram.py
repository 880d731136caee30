"""Bars with their numbers: a histogram against a limit, or a ranking; read as well without the bars."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Final

from textual.binding import BindingType
from textual.events import Click, Resize
from textual.message import Message
from textual.strip import Strip

from screens.widgets.keys import key, moving
from screens.widgets.line_widget import Cell, Cells, Line, Lines, fit
from screens.widgets.safe_text import cells, safe_text
from screens.widgets.theme import StyleName

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
    label = min(max(12, width * 6 // 10), max((cells(safe_text(each.label)) for each in bars), default=0))
    digits = max((len(each.told) for each in bars), default=0)
    note = max((cells(safe_text(each.note)) for each in bars), default=0)
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


class Histogram(Lines, can_focus=True):
    """A title and bars with a cursor; those that stand for something can be opened."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *moving("bars"),
        key("enter", "open", "Open", "bars.open", "what is behind the bar", show=True),
    ]
    DEFAULT_CSS = "Histogram { height: 1fr; }"

    class Opened(Message):
        """Enter was pressed on a bar."""

        def __init__(self, histogram: Histogram, bar: Bar) -> None:
            super().__init__()
            self.histogram = histogram
            self.bar = bar

        @property
        def control(self) -> Histogram:
            """The widget."""
            return self.histogram

    def __init__(
        self, title: str, *, can_open: bool = True, id: str | None = None, classes: str | None = None
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.title = title
        self.items: Sequence[Item] = ()
        self.foot = ""
        self.cursor = 0
        self._top = 0
        self._can_open = can_open

    def show(self, title: str, items: Sequence[Item], foot: str = "") -> None:
        """Draw these from now on; `foot` is a sentence below. The same again cost nothing."""
        if (title, items, foot) != (self.title, self.items, self.foot):
            self.title, self.items, self.foot = title, items, foot
            self._go(self.cursor, 1)

    @property
    def bar(self) -> Bar | None:
        """The bar under the cursor."""
        item = self.items[self.cursor] if self.cursor < len(self.items) else None
        return item if isinstance(item, Bar) else None

    # ---- moving ----

    def _page(self) -> int:
        return max(1, self.size.height - 1 - bool(self.foot))

    def _go(self, place: int, direction: int) -> None:
        place = min(max(0, place), max(0, len(self.items) - 1))
        while 0 <= place < len(self.items) and isinstance(self.items[place], Heading):
            place += direction
        if 0 <= place < len(self.items):
            self.cursor = place
        elif self.cursor >= len(self.items):
            self.cursor = 0
        above = 1 if self.cursor and isinstance(self.items[self.cursor - 1], Heading) else 0
        self._top = min(
            max(self._top, self.cursor - self._page() + 1),
            max(0, self.cursor - above),
            max(0, len(self.items) - self._page()),
        )
        self._top = max(0, self._top)
        self.refresh()

    def action_line(self, lines: int) -> None:
        """Up or down."""
        self._go(self.cursor + lines, 1 if lines > 0 else -1)

    def action_page(self, pages: int) -> None:
        """A page up or down."""
        self._go(self.cursor + pages * self._page(), pages)

    def action_edge(self, end: bool) -> None:
        """To the first or the last."""
        self._go(len(self.items) if end else 0, -1 if end else 1)

    def action_open(self) -> None:
        """Tell the screen that the bar was opened."""
        if self.bar is not None and self.bar.stands_for is not None:
            self.post_message(self.Opened(self, self.bar))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Enter exists only where bars can be opened."""
        return self._can_open if action == "open" else True

    # ---- drawing ----

    def render_line(self, y: int) -> Strip:
        """The title, the bars, the sentence below."""
        width = self.size.width
        if y == 0:
            return self.strip([Cell(self._head(width), "head")], width)
        if self.foot and y == self.size.height - 1:
            return self.strip([Cell(f" {self.foot}", "strong")], width)
        place = self._top + y - 1
        if place >= len(self.items):
            return Strip.blank(width, self.rich_style)
        lines = bar_lines(self.items, width)
        is_here = self._can_open and self.has_focus and place == self.cursor
        line = lines[place]
        return self.strip([">", *_after_margin(line)] if is_here else line, width, reverse=is_here)

    def _head(self, width: int) -> str:
        """The title, and how much there is below what is seen."""
        title, below = (
            f"{'>' if self.has_focus else ' '}{self.title}",
            len(self.items) - self._top - self._page(),
        )
        more = f" {below} more below" if below > 0 else ""
        if cells(title) + len(more) > width:
            more = f" +{below}"
        return fit(title, max(0, width - len(more))) + more if below > 0 else fit(title, width)

    def on_resize(self, _: Resize) -> None:
        """Another height shows others."""
        self._go(self.cursor, 1)

    def on_focus(self) -> None:
        """The cursor appears."""
        self.refresh()

    def on_blur(self) -> None:
        """The cursor disappears."""
        self.refresh()

    def on_click(self, event: Click) -> None:
        """A click brings the cursor, a second one opens."""
        place = self._top + event.y - 1
        if event.y > 0 and place < len(self.items):
            if place == self.cursor:
                self.action_open()
            else:
                self._go(place, 1)


def _after_margin(line: Line) -> Line:
    """The line without the blank it begins with."""
    first, *rest = line
    text, style = (first, "") if isinstance(first, str) else first
    return [Cell(text[1:], style), *rest]  # type: ignore[arg-type]
