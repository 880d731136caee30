"""Triggers in cells and words: the list, the journey, outcomes, history, the file. Instants are ms UTC."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

from core.explain.journey_words import Role, Words, about, of_step
from core.explain.words import counted, in_short
from core.filters import holds, read_words
from core.instants import Instant
from core.model.counts import JourneyCount, OutcomeCount, fates_of
from core.model.fates import FOLLOWED, Fate, counted_fate
from screens.cells.bars import bar
from screens.cells.column import Column
from screens.cells.exports import Fields, instants, plain
from screens.cells.line import Cell, Cells, Line, StyleName, fit
from screens.cells.moments import in_full, moment, number, share
from screens.cells.states import TRIGGER, fate_cell, paused_words, state
from screens.ports.triggers import HistoryLine, TriggerLine, TriggerView, WaitingView

COLUMNS: Final = (
    Column("state", "STATE", 9),
    Column("name", "NAME", 16, grow=2),
    Column("title", "TITLE", 20, least=120, grow=3),
    Column("kind", "KIND", 13, least=104),
    Column("waiting", "WAITING", 7, right=True),
    Column("sent", "SENT", 9, right=True, least=90),
    Column("sent_lately", "SENT 7D", 7, right=True),
    Column("goal_reached_lately", "GOAL 7D", 7, right=True, least=138),
    Column("later_lately", "LATER 7D", 8, right=True, least=148),
    Column("never_lately", "NEVER 7D", 8, right=True),
    Column("last_fired", "LAST IN", 12, least=132),
    Column("next_due", "NEXT DUE", 12, least=76),
)
"""The last three are decisions by what has become of them, in the words of `core.model.fates`."""
EXPORTED: Final[Fields] = (
    *plain("name", "title", "kind", "state", "waiting", "sent", "sent_lately", "goal_reached_lately",
        "later_lately", "never_lately"),
    *instants("last_fired", "next_due"),
)  # fmt: skip
WAITING: Final = (
    Column("due_at", "DUE", 12),
    Column("customer", "CUSTOMER", 16, grow=1),
    Column("name", "NAME", 16, least=74, grow=2),
    Column("step", "STEP", 5, right=True),
    Column("waits_for", "WAITS FOR", 18, grow=1),
)
EXPORTED_WAITING: Final[Fields] = (*instants("due_at"), *plain("customer", "name", "step", "waits_for"))
BAR: Final = 26
Counts: TypeAlias = tuple[OutcomeCount, ...]
"""The numbers that one line adds up."""


def cells(line: TriggerLine, now: Instant, zone: ZoneInfo) -> Sequence[Cells]:
    """One line of the list."""
    never: Cells = Cell(number(line.never_lately), "warn" if line.never_lately > line.sent_lately else "")
    return (
        state(TRIGGER, line.state), line.name, line.title, Cell(line.kind, "dim"), number(line.waiting),
        number(line.sent),
        number(line.sent_lately), number(line.goal_reached_lately), number(line.later_lately), never,
        moment(line.last_fired, now, zone), moment(line.next_due, now, zone),
    )  # fmt: skip


def matches(line: TriggerLine, text: str) -> bool:
    """Whether every word of the filter occurs in state, name, title or kind; with `!` in none of them."""
    return holds(read_words(text), f"{line.state} {line.name} {line.title} {line.kind}")


def waiting_cells(row: WaitingView, now: Instant, zone: ZoneInfo) -> Sequence[Cells]:
    """One customer under way."""
    due: Cells = Cell("operator", "warn") if row.due_at is None else moment(row.due_at, now, zone)
    why = in_short(row.waits_for)
    return (
        due,
        row.customer,
        row.name,
        str(row.step),
        Cell(why, "dim" if row.due_at is not None else "warn"),
    )


# ---- the head of one ----


def head(view: TriggerView, now: Instant, zone: ZoneInfo) -> list[Line]:
    """Three lines: state and title, what holds it, and its numbers."""
    line = view.line
    return [
        [" ", state(TRIGGER, line.state), "  ", Cell(line.title, "strong"), Cell(f"  {line.kind}", "dim")],
        [" ", *_standing(view, now, zone)],
        [" ", *_numbers(view, now, zone)],
    ]


def _standing(view: TriggerView, now: Instant, zone: ZoneInfo) -> Iterator[Cells]:
    pause = view.line.pause
    if pause is not None and view.line.state in ("paused", "stopped"):
        yield Cell(paused_words(pause, view.line.state == "stopped", now, zone), "warn")
    elif view.trigger is None:
        ends = (
            "some finish on an earlier version"
            if any(view.by_version.keys() - {view.version})
            else "what is under way ends"
        )
        yield Cell(f"its file is gone; {ends}", "warn")
    elif view.line.state == "draft":
        yield Cell(
            'a draft: it never runs, but can be previewed; status = "active" in its file and `manometer '
            "apply` start it",
            "dim",
        )
    else:
        since = "" if view.activated_at is None else f"in force since {in_full(view.activated_at, zone)}"
        yield Cell(since, "dim")


SAID_LATELY: Final = tuple(fate for fate in Fate if fate is not Fate.SENT)
"""What is sent has a number of its own, of messages by when they went out."""


def _numbers(view: TriggerView, now: Instant, zone: ZoneInfo) -> Iterator[Cells]:
    line = view.line
    sent = f"sent {line.sent:,} (7 days: {line.sent_lately:,})"
    yield f"{line.waiting:,} under way · {sent}"
    told = [counted_fate(line.lately[fate], fate) for fate in SAID_LATELY if line.lately.get(fate)]
    yield f" · decided in 7 days: {', '.join(told)}" if told else ""
    if line.next_due is not None:
        yield f" · next {moment(line.next_due, now, zone)}"


# ---- the journey ----

ROLES: Final[Mapping[Role, StyleName]] = {"": "", "name": "strong", "mark": "accent", "aside": "dim"}
"""How what a word of a journey is looks."""


def journey(view: TriggerView, currency: str) -> list[Line]:
    """What makes a customer enter, the steps in words with those who wait before each, and what became of the
    last month's.
    """
    trigger = view.trigger
    if trigger is None:
        return [[Cell("The trigger is no longer in force.", "dim")]]
    lines: list[Line] = [*_versions(view), *map(_said, about(trigger, currency)), []]
    for place, step in enumerate(trigger.steps, 1):
        lines += map(_said, of_step(place, step, trigger))
        if waiting := view.waiting_by_step.get(place):
            lines.append(["   ", Cell(f"{counted(waiting, 'customer')} waiting for it", "accent")])
    return [*lines, [], *_month(view)]


def _versions(view: TriggerView) -> Iterator[Line]:
    """By which versions those under way go on, where not all do by the one in force."""
    if view.by_version.keys() - {view.version}:
        shown = sorted(view.by_version.items(), reverse=True)
        yield [
            Cell("Under way ", "strong"),
            " · ".join(f"{number:,} on version {version}" for version, number in shown),
        ]
        yield []


def _said(line: Words) -> Line:
    return [Cell(word.text, ROLES[word.role]) for word in line]


def _month(view: TriggerView) -> Iterator[Line]:
    reached = fates_of(view.outcomes)[Fate.GOAL_REACHED]
    numbers = (
        f"{view.entered:,} entered · {view.sent:,} sent · {reached:,} reached the goal before their message"
    )
    yield [Cell("In 30 days ", "strong"), numbers]
    if view.trigger is not None and (view.trigger.goal is not None or view.trigger.split):
        yield from (_of_variant(each) for each in view.journeys)


def _of_variant(each: JourneyCount) -> Line:
    reached = f" ({share(each.reached, each.entered)})" if each.entered else ""
    goal = f"{each.reached:,} reached the goal{reached}"
    numbers = f"{each.entered:,} entered · {each.under_way:,} under way · {goal}"
    return [Cell(f"{'Kept out' if each.is_holdout else each.variant or 'In all'} ", "strong"), numbers]


# ---- outcomes ----


NOTHING_DECIDED: Final = "Nothing was decided in the last 30 days."


def outcomes_title(counts: Sequence[OutcomeCount]) -> str:
    """What the lines of `outcomes` add up to."""
    return f"{counted(sum(each.number for each in counts), 'decision')} in 30 days"


def outcomes(counts: Sequence[OutcomeCount]) -> list[tuple[Counts, Line]]:
    """What has become of what was decided, by reason, each with a bar, and the numbers it adds up."""
    total, lines = sum(each.number for each in counts), _by_fate(counts)
    most = max((number for number, _ in lines), default=0)
    return [(line, _outcome(line[0], number, most, total)) for number, line in lines]


def _by_fate(counts: Sequence[OutcomeCount]) -> list[tuple[int, Counts]]:
    """What has one word and one reason, with its sum; the most frequent first."""
    found: dict[tuple[Fate, str | None, str | None], list[OutcomeCount]] = {}
    for each in counts:
        key = each.fate, in_short(each.why), FOLLOWED.get(each.message_state or "")
        found.setdefault(key, []).append(each)
    lines = [(sum(each.number for each in line), tuple(line)) for line in found.values()]
    return sorted(lines, key=lambda line: (-line[0], line[1][0].fate, line[1][0].why or ""))


def _outcome(each: OutcomeCount, number: int, most: int, total: int) -> Line:
    outcome, reason = fate_cell(each.fate, each.message_state), in_short(each.why)
    return [
        Cell(fit(outcome.text, 21), outcome.style), fit(reason, 19),
        fit(f"{number:,}", 9, right=True), fit(share(number, total), 7, right=True), " ",
        Cell(bar(number, most, BAR), outcome.style),
    ]  # fmt: skip


# ---- history and definition ----


def history(lines: Sequence[HistoryLine], zone: ZoneInfo) -> list[Line]:
    """What was done to it, the newest first."""
    if not lines:
        return [[Cell("Nobody has done anything to it yet.", "dim")]]
    return [_history(each, zone) for each in lines]


def _history(each: HistoryLine, zone: ZoneInfo) -> Line:
    because = f"  “{each.reason}”" if each.reason else ""
    return [
        Cell(fit(in_full(each.at, zone), 28), "dim"), Cell(fit(each.action, 8), "strong"),
        fit(each.author, 12), each.detail,
        because,
    ]  # fmt: skip


_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|\'[^\']*\'|#.*|[^"\'#]+|.')


def toml(text: str) -> list[Line]:
    """A file with its tables, keys, texts and comments told apart."""
    if not text:
        return [[Cell("Its file is not in force any more.", "dim")]]
    return [_toml_line(line) for line in text.splitlines()]


def _toml_line(line: str) -> Line:
    if line.lstrip().startswith("["):
        return [Cell(line, "accent")]
    return [_token(part) for part in _TOKEN.findall(line.replace("\t", "    "))]


def _token(part: str) -> Cells:
    if part.startswith("#"):
        return Cell(part, "dim")
    return Cell(part, "ok") if part[0] in "\"'" else part
