"""Decisions in cells and words: the log, and one with its evidence. Instants are ms UTC."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from zoneinfo import ZoneInfo

from core.explain.words import BECAUSE, in_short
from core.instants import Instant, parse_instant, rounded_up
from core.model.decisions import OUTCOMES
from core.model.fates import why_never
from screens.cells.column import Column
from screens.cells.exports import Fields, instants, plain
from screens.cells.filters import SYNONYMS, Reader
from screens.cells.line import Cell, Cells, Line, fit
from screens.cells.moments import in_full, moment
from screens.cells.states import fate_cell
from screens.ports.decisions import NEWEST, DecisionView, Listed, LoggedDecision

COLUMNS: Final = (
    Column("at", "DECIDED", 12),
    Column("outcome", "OUTCOME", 10, grow=50, most=20),
    Column("reason", "REASON", 12, grow=5),
    Column("trigger", "TRIGGER", 10, grow=5),
    Column("step", "STEP", 4, right=True, least=104),
    Column("channel", "OVER", 8, least=92, grow=1),
    Column("customer", "CUSTOMER", 8, grow=1),
    Column("name", "NAME", 12, least=76, grow=2),
    Column("until", "FREE AGAIN", 12, least=132),
    Column("late", "LATE", 4, least=140),
)
EXPORTED: Final[Fields] = (
    *instants("at"), *plain("id", "customer", "name", "trigger", "step", "channel", "outcome", "reason"),
    *instants("until"),
    *plain("late"),
)  # fmt: skip
FIELDS: Final = ("trigger", "outcome", "reason", "channel")
HINT: Final = (
    "trigger:basket  outcome:hold  reason:pressure  channel:email  customer:C1  since:3d  !reason:expired"
)
CYCLE: Final = (None, *OUTCOMES)


def reader(now: Instant, zone: ZoneInfo) -> Reader:
    """Reads the filter line of the log."""
    return Reader(FIELDS, now, zone, {"outcome": SYNONYMS})


def next_outcome(now: str | None) -> str | None:
    """The outcome after this one; None is all of them."""
    return CYCLE[(CYCLE.index(now) + 1) % len(CYCLE)] if now in CYCLE else CYCLE[1]


def cells(row: LoggedDecision, now: Instant, zone: ZoneInfo) -> Sequence[Cells]:
    """One line of the log."""
    return (
        moment(row.at, now, zone), fate_cell(row.fate, row.message_state), why(row),
        row.trigger, str(row.step),
        row.channel or "", row.customer, row.name, moment(row.until, now, zone),
        Cell("late", "warn") if row.late else "",
    )  # fmt: skip


def told(row: LoggedDecision) -> str | None:
    """The reason that tells what has become of it."""
    return why_never(row.reason, row.message_state, row.message_reason)


def why(row: LoggedDecision) -> str:
    """Why it became that, in a few words; of what goes out, what led to its channel."""
    if row.is_paused:
        return "paused or stopped"
    return in_short(told(row), row.behind) or row.note


def chip(listed: Listed, text: str) -> str:
    """What the second line of the screen says of the list."""
    number = len(listed.ids)
    if not text:
        return f"the newest {number:,} decisions" if listed.is_cut else f"{number:,} decisions"
    return f"/ {text} — {number:,}{f' of the newest {NEWEST:,}' if listed.is_cut else ''}"


# ---- one ----


def detail(view: DecisionView, zone: ZoneInfo) -> list[Line]:
    """One decision: in words, the rules with what filled them, everything that was objected, and its
    message.
    """
    row = view.row
    lines: list[Line] = [
        [
            fate_cell(row.fate, row.message_state),
            "  ",
            Cell(why(row), "strong"),
            f"  {BECAUSE.get(told(row) or '', '')}",
        ],
        [],
        [view.words],
        [],
        _pair("customer", f"{row.customer}  {row.name}"),
        _pair("trigger", f"{row.trigger}, step {row.step}{f' over {row.channel}' if row.channel else ''}"),
        _pair("decided", in_full(row.at, zone) + (", late" if row.late else "")),
        _pair("planned for", in_full(view.planned_at, zone)),
    ]
    if row.until is not None:
        lines.append(_pair("free again", in_full(rounded_up(row.until), zone)))
    lines.append(_pair("playbook", f"version {view.version}"))
    return [*lines, *_rules(view.rules, zone), *_objections(view, zone), *_message(view)]


def _pair(name: str, value: str) -> Line:
    return [Cell(fit(name, 13), "dim"), value]


def _rules(rules: Sequence[Mapping[str, Any]], zone: ZoneInfo) -> Iterator[Line]:
    if rules:
        yield []
        yield [Cell("Limits that were full", "strong")]
    for rule in rules:
        yield ["  ", Cell(str(rule["rule"]), "warn"), f"  {_filled(rule)}"]
        yield [Cell(f"    window {_at(rule['from'], zone)} to {_at(rule['to'], zone)}", "dim")]
        for contact in rule["counted"]:
            yield [
                f"    {_at(contact['at'], zone)}  ",
                fit(str(contact["channel"]), 10),
                str(contact["trigger"]),
            ]


def _filled(rule: Mapping[str, Any]) -> str:
    return (
        "too close to another contact" if rule["limit"] is None else f"{rule['count']:g} of {rule['limit']:g}"
    )


def _at(text: str, zone: ZoneInfo) -> str:
    return in_full(parse_instant(text), zone)


def _objections(view: DecisionView, zone: ZoneInfo) -> Iterator[Line]:
    if view.objections:
        yield []
        yield [Cell("What stood against it, the first decides", "strong")]
    for each in view.objections:
        free = "" if each.until is None else f"; free {in_full(rounded_up(each.until), zone)}"
        yield [
            "  ",
            Cell(fit(in_short(each.reason), 19), "warn"),
            (each.detail or BECAUSE.get(each.reason, "")) + free,
        ]


def _message(view: DecisionView) -> Iterator[Line]:
    if view.message is not None:
        yield []
        yield [Cell(f"Message {view.message} ", "strong"), view.message_words]
