"""What operators did in cells and words: acts, and the rows of one. Instants are ms UTC."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from zoneinfo import ZoneInfo

from core.explain.acts import act_kind, act_subject, act_words
from core.explain.words import counted
from core.instants import Instant
from core.model.audit import AuditLine, OperatorAct
from screens.cells.column import Column
from screens.cells.exports import Fields, instants, plain
from screens.cells.filters import Reader
from screens.cells.line import Cell, Cells, Line, fit
from screens.cells.moments import in_full, moment

COLUMNS: Final = (
    Column("at", "WHEN", 12),
    Column("author", "WHO", 8, grow=1, most=20),
    Column("kind", "DID", 9, grow=1, most=20),
    Column("what", "TO WHAT", 14, grow=2),
    Column("reason", "WHY", 9, grow=3),
)
EXPORTED: Final[Fields] = (
    *plain("id"), *instants("at"), *plain("author", "action", "subject", "rows", "reason"),
)  # fmt: skip
LINE_COLUMNS: Final = (
    Column("key", "WHAT", 14, grow=1),
    Column("customer", "CUSTOMER", 10, least=74, grow=1),
    Column("trigger", "TRIGGER", 14, least=90, grow=1),
    Column("detail", "DETAIL", 24, grow=4),
)
LINES_EXPORTED: Final[Fields] = (
    *plain("id"), *instants("at"),
    *plain("author", "action", "subject", "reason", "customer", "trigger", "detail_json"),
)  # fmt: skip
FIELDS: Final = ("operator", "kind", "subject", "reason")
HINT: Final = "operator:olga  kind:pause  subject:basket  since:7d  until:2026-01-31  or any word; !word"
ERASED: Final = "erased; that it was done, when and by whom stays"


def reader(now: Instant, zone: ZoneInfo) -> Reader:
    """Reads the filter line of the acts."""
    return Reader(FIELDS, now, zone)


def cells(act: OperatorAct, now: Instant, zone: ZoneInfo) -> Sequence[Cells]:
    """One act."""
    return (
        moment(act.at, now, zone), act.author, Cell(act_kind(act), "strong"), act_subject(act),
        Cell(act.reason or "", "dim"),
    )  # fmt: skip


def line_cells(line: AuditLine) -> Sequence[Cells]:
    """One row of an act."""
    what = Cell("(erased)", "dim") if line.is_erased else line.subject
    return what, line.customer or "", line.trigger or "", Cell(said(line.detail), "dim")


def said(detail: Mapping[str, object]) -> str:
    """The detail in a line: `was held, medium email`; the keys of messages are for machines."""
    return ", ".join(
        f"{name.replace('_', ' ')} {_value(value)}"
        for name, value in detail.items()
        if name != "key" and value is not None and value is not False and value not in ("", [], {})
    )


def _value(value: object) -> str:
    if value is True:
        return "yes"
    if isinstance(value, list):
        return " ".join(map(_value, value))
    return f"({said(value)})" if isinstance(value, dict) else str(value)


def chip(number: int, text: str) -> str:
    """What the second line says of the list."""
    return f"/ {text} — {counted(number, 'act')}" if text else counted(number, "act")


def act_head(act: OperatorAct, zone: ZoneInfo) -> list[Line]:
    """Who did what, when and why, above the rows of the act."""
    why = Cell("no reason was given", "dim") if act.reason is None else Cell(act.reason)
    return [
        [" ", Cell(act.author, "strong"), f"  {act_words(act)}  ", Cell(in_full(act.at, zone), "dim")],
        [" ", Cell("why  ", "dim"), Cell(ERASED, "dim") if act.is_erased else why],
    ]


def act_lines(acts: Sequence[OperatorAct], now: Instant, zone: ZoneInfo) -> list[Line]:
    """What operators did last, a line each: who, what, why."""
    times = max((len(moment(act.at, now, zone)) for act in acts), default=0)
    return [_act(act, now, zone, times) for act in acts]


def _act(act: OperatorAct, now: Instant, zone: ZoneInfo, times: int) -> Line:
    why = f": {act.reason}" if act.reason else ""
    return [
        Cell(f" {moment(act.at, now, zone):>{times}} ", "dim"),
        f"{act.author} {act_words(act)}",
        Cell(why, "dim"),
    ]


def detail(line: AuditLine, zone: ZoneInfo) -> list[Line]:
    """All of one row."""
    pairs = {
        "when": in_full(line.at, zone), "who": line.author, "did": line.action, "to": line.subject,
        "why": line.reason or "", "customer": line.customer or "", "trigger": line.trigger or "",
    }  # fmt: skip
    lines: list[Line] = [_pair(name, value) for name, value in pairs.items() if value]
    if line.is_erased:
        lines.append(_pair("", ERASED))
    lines += list(_details(line.detail))
    return [*lines, [], _pair("row", f"{line.number} of its chain"), _pair("link", line.link)]


def _details(known: Mapping[str, object]) -> Iterator[Line]:
    if known:
        yield []
    for name, value in known.items():
        yield _pair(name.replace("_", " "), _value(value))


def _pair(name: str, value: str) -> Line:
    return [Cell(f"{fit(name, 13)} ", "dim"), value]
