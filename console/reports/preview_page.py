"""A preview as one page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from console.forecast.preview_result import PreviewResult
from console.forecast.question import span_in_words
from console.reports.day_grid import cells_of, day_grid, day_sums, days_shown, shown_day
from console.reports.elements import (
    BarLine,
    BarPiece,
    Bars,
    ColumnHead,
    Columns,
    Heat,
    ReportPage,
    ReportTable,
    Section,
)
from core.forecast.preview import FORETOLD_FATES, ChannelDemand, PreviewCell, PreviewLimit
from core.limits.pressure import POINT
from core.model.fates import FATE_WORDS, Fate
from screens.cells.behind import ALREADY
from screens.cells.gauge import load_bars
from screens.cells.grid import Grid

MOST: Final = 20
"""So many triggers have a line of their own where each meets each."""

_BARS: Final[Mapping[Fate, str]] = {
    Fate.DECIDED: "send",
    Fate.WAITS_FOR_APPROVAL: "hold",
    Fate.LATER: "defer",
    Fate.HELD: "hold",
    Fate.GOAL_REACHED: "goal",
    Fate.NEVER: "suppress",
}
"""The look of what becomes of a message, as a part of a bar."""


def preview_page(answer: PreviewResult, title: str, *more: str) -> ReportPage:
    """What a preview found."""
    totals = answer.totals
    changes = (
        [f"Not under the rules in force, but with: {', '.join(answer.changes)}."] if answer.changes else []
    )
    fates = totals.fates().get((), Counter())
    facts = [
        ("customers looked at", totals.looked_at),
        ("decisions", totals.decisions),
        ("customers concerned", totals.customers),
    ]
    facts += [(FATE_WORDS[fate], fates[fate]) for fate in FORETOLD_FATES]
    facts += [(ALREADY, totals.already.total())] if totals.already else []
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
    sends = cells_of(answer.totals.cells, "send")
    imagined = cells_of(answer.totals.imagined, "send")
    days = days_shown({cell.day for cell in (*sends, *imagined)})
    channels = sorted({cell.channel or "" for cell in sends})
    known = sends - imagined
    pictures = [Heat("Known" if imagined else "Messages by day and channel", day_grid(channels, days, known))]
    if imagined:
        pictures.append(
            Heat(
                "Imagined: what comes of events that only might happen",
                day_grid(channels, days, imagined),
                is_imagined=True,
            )
        )
    words = "Messages that go out. Each cell says its number; the shade only helps to find the high ones."
    return Section(
        "Messages by day and channel", words, tuple(pictures), _day_table(channels, days, known, imagined)
    )


def _day_table(
    channels: Sequence[str],
    days: Sequence[str],
    known: Mapping[PreviewCell, int],
    imagined: Mapping[PreviewCell, int],
) -> ReportTable:
    sides = [("", day_sums(days, known)), *([(" (imagined)", day_sums(days, imagined))] if imagined else [])]
    heads = (
        ColumnHead("day", False),
        *(ColumnHead(f"{channel}{name}") for name, _ in sides for channel in channels),
    )
    return ReportTable(
        heads,
        tuple((day, *(sums[channel, day] for _, sums in sides for channel in channels)) for day in days),
    )


def _by_trigger(answer: PreviewResult) -> Section:
    of_triggers = answer.totals.fates("trigger")
    imagined = Counter[tuple[str, Fate]]()
    for cell, number in answer.totals.imagined.items():
        imagined[cell.trigger, cell.fate] += number
    lines = []
    for (name,), numbers in of_triggers.items():
        new = imagined[str(name), Fate.DECIDED]
        parts = [
            BarPiece(numbers[Fate.DECIDED] - new, "send"),
            BarPiece(new, "imagined"),
            *(BarPiece(numbers[each], _BARS[each]) for each in FORETOLD_FATES[1:]),
        ]
        lines.append(BarLine(str(name), tuple(parts), f"{sum(numbers.values()):,}"))
    key = (
        *((FATE_WORDS[fate], _BARS[fate]) for fate in FORETOLD_FATES),
        *([("decided, imagined", "imagined")] if imagined else []),
    )
    heads = (
        ColumnHead("trigger", False),
        *(ColumnHead(FATE_WORDS[fate]) for fate in FORETOLD_FATES),
        *([ColumnHead("of these imagined")] if imagined else []),
    )
    rows = tuple(
        (
            name,
            *(numbers[fate] for fate in FORETOLD_FATES),
            *([sum(imagined[str(name), each] for each in FORETOLD_FATES)] if imagined else []),
        )
        for (name,), numbers in of_triggers.items()
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
    days = days_shown({day for pair in moves for day in pair})
    sums = Counter[tuple[str, str]]()
    for (origin, target), number in moves.items():
        sums[shown_day(days, origin), shown_day(days, target)] += number
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
