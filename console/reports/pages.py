"""A preview or a difference as one page for a browser: pictures with their numbers below, no scripts, nothing
from elsewhere.

All text that stands in it is data and is escaped as such.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from jinja2 import Environment, StrictUndefined

from console.forecast.preview_result import PreviewResult
from console.forecast.question import span_in_words
from core.errors import ManometerError
from core.forecast.diff import KINDS, Diff, Sides
from core.forecast.preview import ChannelDemand, PreviewCell, PreviewLimit
from core.limits.pressure import POINT
from core.model.decisions import OUTCOMES
from screens.cells.gauge import load_bars
from screens.cells.grid import DARK_SHADES, LIGHT_SHADES, Grid, legend, shade
from screens.cells.safe_text import safe_text
from storage.unfinished import unfinished_file

DAYS: Final = 62
"""More days than these stand by months."""
MOST: Final = 20
"""So many triggers have a line of their own where each meets each."""
WIDTH: Final = 760
"""Of a picture, in units of its own."""
LABEL: Final = 170
LINE: Final = 24
CHARACTER: Final = 7


# ---- what stands on a page ----


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


# ---- a preview ----

_OUTCOMES: Final = (
    ("goes out", "send"),
    ("put off", "defer"),
    ("does not go out", "suppress"),
    ("waits for approval", "hold"),
)


def preview_page(answer: PreviewResult, title: str, *more: str) -> ReportPage:
    """What a preview found."""
    totals = answer.totals
    changes = (
        [f"Not under the rules in force, but with: {', '.join(answer.changes)}."] if answer.changes else []
    )
    outcomes = Counter[str]()
    for cell, number in totals.cells.items():
        outcomes[cell.outcome] += number
    facts = [
        ("customers looked at", totals.looked_at),
        ("decisions", totals.decisions),
        ("customers concerned", totals.customers),
    ]
    facts += [(words, outcomes[outcome]) for words, outcome in _OUTCOMES]
    makers = (
        _sent,
        _by_trigger,
        _contacts,
        _limits,
        _rules,
        _beats,
        _capacity,
        _reasons,
        _moves,
        _expired,
        _pressed,
    )
    sections = [section for make in makers for section in [make(answer)] if section is not None]
    return ReportPage(
        title,
        (f"{span_in_words(answer, answer.zone)} Times are those of {answer.zone.key}.", *changes, *more,
         f"Playbook {answer.version or 'of the files, not applied yet'}."),
        tuple((words, f"{number:,}") for words, number in facts),
        tuple(sections),
    )  # fmt: skip


def _sent(answer: PreviewResult) -> Section:
    sends = _cells(answer.totals.cells, "send")
    imagined = _cells(answer.totals.imagined, "send")
    days = _days({cell.day for cell in (*sends, *imagined)})
    channels = sorted({cell.channel or "" for cell in sends})
    known = sends - imagined
    pictures = [Heat("Known" if imagined else "Messages by day and channel", _grid(channels, days, known))]
    if imagined:
        pictures.append(
            Heat(
                "Imagined: what comes of events that only might happen",
                _grid(channels, days, imagined),
                is_imagined=True,
            )
        )
    words = "Messages that go out. Each cell says its number; the shade only helps to find the high ones."
    return Section(
        "Messages by day and channel", words, tuple(pictures), _day_table(channels, days, known, imagined)
    )


def _cells(cells: Mapping[PreviewCell, int], outcome: str) -> Counter[PreviewCell]:
    return Counter({cell: number for cell, number in cells.items() if cell.outcome == outcome})


def _days(found: Iterable[str]) -> list[str]:
    """The days in order; months where they are many."""
    days = sorted(set(found))
    return days if len(days) <= DAYS else sorted({day[:7] for day in days})


def _by_day(days: Sequence[str], day: str) -> str:
    return day if day in days else day[:7]


def _grid(channels: Sequence[str], days: Sequence[str], cells: Mapping[PreviewCell, int]) -> Grid:
    sums = _sums(days, cells)
    values = tuple(tuple(sums[channel, day] for day in days) for channel in channels)
    return Grid(
        tuple(channels),
        tuple((day[5:] if len(day) > 7 else day, "") for day in days),
        values,
        "messages sent",
    )


def _sums(days: Sequence[str], cells: Mapping[PreviewCell, int]) -> Counter[tuple[str, str]]:
    known = set(days)
    found = Counter[tuple[str, str]]()
    for cell, number in cells.items():
        found[cell.channel or "", cell.day if cell.day in known else cell.day[:7]] += number
    return found


def _day_table(
    channels: Sequence[str],
    days: Sequence[str],
    known: Mapping[PreviewCell, int],
    imagined: Mapping[PreviewCell, int],
) -> ReportTable:
    sides = [("", _sums(days, known)), *([(" (imagined)", _sums(days, imagined))] if imagined else [])]
    heads = (
        ColumnHead("day", False),
        *(ColumnHead(f"{channel}{name}") for name, _ in sides for channel in channels),
    )
    return ReportTable(
        heads,
        tuple((day, *(sums[channel, day] for _, sums in sides for channel in channels)) for day in days),
    )


def _by_trigger(answer: PreviewResult) -> Section:
    outcomes = answer.totals.by("trigger")
    imagined = Counter[tuple[str, str]]()
    for cell, number in answer.totals.imagined.items():
        imagined[cell.trigger, cell.outcome] += number
    lines = []
    for (name,), numbers in outcomes.items():
        new = imagined[str(name), "send"]
        parts = [
            BarPiece(numbers["send"] - new, "send"),
            BarPiece(new, "imagined"),
            *(BarPiece(numbers[each], each) for each in OUTCOMES if each != "send"),
        ]
        lines.append(BarLine(str(name), tuple(parts), f"{sum(numbers.values()):,}"))
    key = (
        *((words, outcome) for words, outcome in _OUTCOMES),
        *([("goes out, imagined", "imagined")] if imagined else []),
    )
    heads = (
        ColumnHead("trigger", False),
        *(ColumnHead(words) for words, _ in _OUTCOMES),
        *([ColumnHead("of these imagined")] if imagined else []),
    )
    rows = tuple(
        (
            name,
            *(numbers[outcome] for _, outcome in _OUTCOMES),
            *([sum(imagined[str(name), each] for each in OUTCOMES)] if imagined else []),
        )
        for (name,), numbers in outcomes.items()
    )
    return Section(
        "Decisions by trigger",
        "",
        (Bars("Decisions by trigger", tuple(lines), key),),
        ReportTable(heads, rows),
    )


def _contacts(answer: PreviewResult) -> Section:
    contacts = sorted(answer.totals.contacts.items())
    lines = tuple(
        BarLine(f"{number}", (BarPiece(people, "send"),), f"{people:,}") for number, people in contacts
    )
    words = "How many customers get how many contacts in the span, as far as their purpose counts."
    heads = (ColumnHead("contacts"), ColumnHead("customers"))
    return Section(
        "Contacts per customer",
        words,
        (Bars("Contacts per customer", lines),),
        ReportTable(heads, tuple(contacts)),
    )


def _limits(answer: PreviewResult) -> Section | None:
    """The fullest window of each customer against each limit."""
    pictures, rows = [], []
    for limit in answer.limits:
        loads = {
            load: people for (rule, load), people in answer.totals.fullness.items() if rule == limit.rule
        }
        if loads:
            pictures.append(_against(limit, loads))
            rows += [
                (limit.rule, _in_unit(load, limit), _in_unit(limit.limit, limit), people)
                for load, people in sorted(loads.items())
            ]
    if not pictures:
        return None
    words = (
        "The fullest window that each customer has under a rule at any time of the span, "
        "past contacts counted, against the limit."
    )
    heads = (
        ColumnHead("rule", False),
        ColumnHead("in the fullest window"),
        ColumnHead("limit"),
        ColumnHead("customers"),
    )
    return Section("Pressure against the limits", words, tuple(pictures), ReportTable(heads, tuple(rows)))


def _in_unit(number: int, limit: PreviewLimit) -> int | float:
    return number / POINT if limit.unit == "points" else number


def _against(limit: PreviewLimit, loads: Mapping[int, int]) -> Bars:
    whole: Counter[int] = Counter()
    scale = POINT if limit.unit == "points" else 1
    for load, people in loads.items():
        whole[-(-load // scale)] += people
    looks = {"warn": "defer", "bad": "over"}
    bars = load_bars(whole, -(-limit.limit // scale))
    lines = tuple(
        BarLine(bar.label, (BarPiece(bar.number, looks.get(bar.style, "send")),), f"{bar.number:,}", bar.note)
        for bar in bars
    )
    return Bars(f"{limit.rule}: customers by {limit.unit} in their fullest window", lines)


def _rules(answer: PreviewResult) -> Section | None:
    rules = answer.totals.rules.most_common()
    if not rules:
        return None
    lines = tuple(BarLine(rule, (BarPiece(number, "defer"),), f"{number:,}") for rule, number in rules)
    rows = tuple((rule, name, number) for (rule, name), number in sorted(answer.totals.held_by.items()))
    heads = (ColumnHead("rule", False), ColumnHead("trigger", False), ColumnHead("decisions held back"))
    return Section(
        "Held back by which rule", "", (Bars("Held back by which rule", lines),), ReportTable(heads, rows)
    )


def _beats(answer: PreviewResult) -> Section | None:
    beats = answer.totals.beats
    if not beats:
        return None
    words = (
        "Rows: whose contacts fill the windows, or to whom others give way. "
        "Columns: whose are held back by it."
    )
    picture = Heat("Who beats whom", _matrix(beats, "decisions held back"))
    heads = (ColumnHead("ahead", False), ColumnHead("held back", False), ColumnHead("decisions"))
    return Section(
        "Who beats whom",
        words,
        (picture,),
        ReportTable(heads, tuple((*pair, number) for pair, number in beats.most_common())),
    )


def _matrix(pairs: Mapping[tuple[str, str], int], words: str) -> Grid:
    """The rows and columns with the most, each with its number where they meet."""
    rows = [row for row, _ in _summed(pairs, lambda pair: pair[0]).most_common(MOST)]
    columns = [column for column, _ in _summed(pairs, lambda pair: pair[1]).most_common(MOST)]
    rows.sort()
    columns.sort()
    values = tuple(tuple(pairs.get((row, column), 0) for column in columns) for row in rows)
    return Grid(tuple(rows), tuple((column, "") for column in columns), values, words)


def _summed(pairs: Mapping[tuple[str, str], int], part: Callable[[tuple[str, str]], str]) -> Counter[str]:
    found = Counter[str]()
    for pair, number in pairs.items():
        found[part(pair)] += number
    return found


def _capacity(answer: PreviewResult) -> Section | None:
    if not answer.asked:
        return None
    by_channel: dict[str, list[ChannelDemand]] = {}
    for each in answer.asked:
        by_channel.setdefault(each.channel, []).append(each)
    pictures = tuple(
        Columns(
            f"{channel}: asked for each day, and what it takes",
            tuple((each.day, each.asked, each.capacity) for each in days),
        )
        for channel, days in by_channel.items()
    )
    heads = (
        ColumnHead("channel", False),
        ColumnHead("day", False),
        ColumnHead("asked"),
        ColumnHead("capacity"),
        ColumnHead("share"),
    )
    rows = tuple(
        (each.channel, each.day, each.asked, each.capacity, f"{each.share:.0%}") for each in answer.asked
    )
    return Section(
        "Channels with a capacity", "Above the line the rest waits.", pictures, ReportTable(heads, rows)
    )


def _reasons(answer: PreviewResult) -> Section:
    reasons = answer.totals.by("outcome", "reason")
    found = [
        (str(outcome), reason or "", sum(numbers.values())) for (outcome, reason), numbers in reasons.items()
    ]
    lines = tuple(
        BarLine(reason or outcome, (BarPiece(number, outcome),), f"{number:,}", outcome)
        for outcome, reason, number in found
    )
    heads = (ColumnHead("outcome", False), ColumnHead("reason", False), ColumnHead("decisions"))
    return Section(
        "Outcomes and reasons", "", (Bars("Outcomes and reasons", lines),), ReportTable(heads, tuple(found))
    )


def _moves(answer: PreviewResult) -> Section | None:
    moves = answer.totals.moves
    if not moves:
        return None
    days = _days({day for pair in moves for day in pair})
    sums = Counter[tuple[str, str]]()
    for (origin, target), number in moves.items():
        sums[_by_day(days, origin), _by_day(days, target)] += number
    grid = Grid(
        tuple(days),
        tuple((day[5:] if len(day) > 7 else day, "") for day in days),
        tuple(tuple(sums[row, column] for column in days) for row in days),
        "decisions put off",
    )
    heads = (ColumnHead("from", False), ColumnHead("to", False), ColumnHead("decisions"))
    words = "Rows: the day on which it was put off. Columns: the day to which."
    return Section(
        "What is put off, and where it goes",
        words,
        (Heat("What is put off, and where it goes", grid),),
        ReportTable(heads, tuple((*pair, number) for pair, number in sorted(moves.items()))),
    )


def _expired(answer: PreviewResult) -> Section | None:
    """Messages that never find room in time."""
    found = Counter[str]()
    for cell, number in answer.totals.cells.items():
        if cell.reason == "EXPIRED":
            found[cell.trigger] += number
    if not found:
        return None
    lines = tuple(
        BarLine(name, (BarPiece(number, "suppress"),), f"{number:,}") for name, number in found.most_common()
    )
    words = "Messages that found no room before they were out of date, and so are lost."
    heads = (ColumnHead("trigger", False), ColumnHead("lost"))
    return Section(
        "Lost because they were out of date",
        words,
        (Bars("Lost because they were out of date", lines),),
        ReportTable(heads, tuple(found.most_common())),
    )


def _pressed(answer: PreviewResult) -> Section | None:
    rows = [
        (each.customer, each.contacts, each.points / POINT, each.fullest.rule if each.fullest else "")
        for each in answer.totals.most_pressed(20)
    ]
    heads = (
        ColumnHead("customer", False),
        ColumnHead("contacts"),
        ColumnHead("points"),
        ColumnHead("nearest to the limit of", False),
    )
    return Section("Customers under most pressure", "", (), ReportTable(heads, tuple(rows))) if rows else None


# ---- a difference ----


def diff_page(
    diff: Diff,
    title: str,
    lines: Sequence[str],
    zone: ZoneInfo,
    before: Sequence[PreviewLimit] = (),
    after: Sequence[PreviewLimit] = (),
) -> ReportPage:
    """What changes between two previews with these limits."""
    kinds = diff.kinds()
    facts = [("customers looked at", diff.after.looked_at), ("customers for whom it changes", diff.customers)]
    facts += [(kind, kinds[kind]) for kind in KINDS]
    found = [
        _change_by_day(diff),
        _both("Messages by trigger", diff.by("trigger"), "send", "trigger"),
        _gains(diff),
        _both("Messages by channel", diff.by("channel"), "send", "channel"),
        _rules_before_and_after(diff),
        *_rule_customers(diff, before, after),
        _contacts_before_and_after(diff),
        _both("All decisions by reason", diff.by("outcome", "reason"), None, "reason"),
        _most_changed(diff),
    ]
    sections = tuple(section for section in found if section is not None)
    return ReportPage(
        title,
        (*lines, f"Days are those of {zone.key}."),
        tuple((words, f"{number:,}") for words, number in facts),
        sections,
    )


_SIDES: Final = (("before", "before"), ("after", "send"))


def _change_by_day(diff: Diff) -> Section | None:
    before, after = _cells(diff.before.cells, "send"), _cells(diff.after.cells, "send")
    days = _days({cell.day for cell in (*before, *after)})
    channels = sorted({cell.channel or "" for cell in (*before, *after)})
    if not days:
        return None
    old, new = _sums(days, before), _sums(days, after)
    pictures = (Heat("Before", _grid(channels, days, before)), Heat("After", _grid(channels, days, after)))
    heads = (
        ColumnHead("day", False),
        *(
            ColumnHead(f"{channel}{side}")
            for channel in channels
            for side in (" before", " after", " change")
        ),
    )
    rows = tuple(
        (
            day,
            *(
                each
                for channel in channels
                for each in (
                    old[channel, day],
                    new[channel, day],
                    _signed(new[channel, day] - old[channel, day]),
                )
            ),
        )
        for day in days
    )
    return Section("Messages by day and channel", "", pictures, ReportTable(heads, rows))


def _signed(number: int) -> str:
    return f"{number:+,}" if number else ""


def _both(
    title: str, sides: Mapping[tuple[str | None, ...], Sides], outcome: str | None, head: str
) -> Section | None:
    """Something before and after, one bar each."""

    def number(numbers: Counter[str]) -> int:
        return numbers.total() if outcome is None else numbers[outcome]

    rows = [
        (" ".join(part for part in key if part), number(both.before), number(both.after))
        for key, both in sides.items()
    ]
    return _before_and_after(title, head, [row for row in rows if row[1] or row[2]])


def _before_and_after(
    title: str, head: str, rows: Sequence[tuple[str, int, int]], words: str = ""
) -> Section | None:
    if not rows:
        return None
    lines = [
        line
        for name, before, after in rows
        for line in (
            BarLine(name, (BarPiece(before, "before"),), f"{before:,}", "before"),
            BarLine("", (BarPiece(after, "send"),), f"{after:,}", f"after {_signed(after - before)}"),
        )
    ]
    heads = (ColumnHead(head, False), ColumnHead("before"), ColumnHead("after"), ColumnHead("change"))
    table = ReportTable(heads, tuple((*row, _signed(row[2] - row[1])) for row in rows))
    return Section(title, words, (Bars(title, tuple(lines), _SIDES),), table)


def _gains(diff: Diff) -> Section | None:
    names = sorted(diff.gaining.keys() | diff.losing.keys())
    heads = (
        ColumnHead("trigger", False),
        ColumnHead("customers who get more of it"),
        ColumnHead("customers who get less of it"),
    )
    rows = tuple((name, diff.gaining[name], diff.losing[name]) for name in names)
    return Section("Who gains and who loses", "", (), ReportTable(heads, rows)) if rows else None


def _rules_before_and_after(diff: Diff) -> Section | None:
    before, after = diff.before.rules, diff.after.rules
    return _before_and_after(
        "Held back by which rule",
        "rule",
        [(rule, before[rule], after[rule]) for rule in sorted(before.keys() | after.keys())],
    )


def _rule_customers(
    diff: Diff, before: Sequence[PreviewLimit], after: Sequence[PreviewLimit]
) -> Iterator[Section | None]:
    rules = diff.rules(before, after)
    full = [
        (rule, old.full or 0, new.full or 0) for rule, (old, new) in rules.items() if old.full or new.full
    ]
    held = [
        (rule, old.customers, new.customers)
        for rule, (old, new) in rules.items()
        if old.customers or new.customers
    ]
    words = "Customers whose fullest window under the rule reaches its limit at any time of the span."
    yield _before_and_after("Customers at the limit", "rule", full, words)
    yield _before_and_after("Customers held back by which rule", "rule", held)


def _contacts_before_and_after(diff: Diff) -> Section | None:
    before, after = diff.before.contacts, diff.after.contacts
    rows = [
        (str(number), before[number], after[number])
        for number in sorted((before.keys() | after.keys()) - {0})
    ]
    return _before_and_after(
        "Contacts per customer", "contacts", rows, "Customers with so many contacts in the span."
    )


def _most_changed(diff: Diff) -> Section | None:
    rows = tuple((each.customer, each.differences, each.before, each.after) for each in diff.most_changed(50))
    heads = (
        ColumnHead("customer", False),
        ColumnHead("differences"),
        ColumnHead("contacts before"),
        ColumnHead("contacts after"),
    )
    return Section("Customers for whom most changes", "", (), ReportTable(heads, rows)) if rows else None


# ---- as a file ----


def rendered(page: ReportPage) -> str:
    """The page as text."""
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["plain"] = _plain
    environment.filters["short"] = _short
    template = environment.from_string(
        files("console.reports").joinpath("page.html").read_text(encoding="utf-8")
    )
    return template.render(
        page=page, dark=DARK_SHADES, light=LIGHT_SHADES, width=WIDTH, label=LABEL, line=LINE
    ).lstrip()


def _plain(value: Any) -> str:
    """A cell: numbers with their thousands parted, text without what cannot be seen."""
    return (
        f"{value:,}"
        if isinstance(value, int)
        else f"{value:,g}"
        if isinstance(value, float)
        else safe_text(value, 10_000)
    )


def _short(value: Any, room: float) -> str:
    text = safe_text(value, 10_000)
    most = max(1, int(room / CHARACTER))
    return text if len(text) <= most else f"{text[: most - 1]}…"


def write_page(path: Path, page: ReportPage) -> None:
    """Write it to a new file, which is complete or not there; ManometerError where it exists already or
    cannot be written.
    """
    text = rendered(page)
    try:
        if os.path.lexists(path):
            raise ManometerError(f"{path} exists already. Name another file, or remove it.")
        with unfinished_file(path) as (temporary, new):
            with os.fdopen(new, "w", encoding="utf-8") as file:
                file.write(text)
            temporary.rename(path)
    except OSError as error:
        raise ManometerError(f"{path}: cannot be written: {error.strerror}.") from None
