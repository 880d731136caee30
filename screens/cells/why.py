"""Why and why not in cells and lines: one line a trigger, and the engine's answer with its checks. Instants
are ms UTC.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from zoneinfo import ZoneInfo

from core.explain.trigger_explanation import TriggerExplanation
from core.explain.why import PASSING, Check
from core.explain.words import BECAUSE, in_short, localized
from core.instants import Instant
from screens.cells.column import Column
from screens.cells.exports import Fields, instants, plain
from screens.cells.forecast import badge
from screens.cells.line import Cell, Cells, Line, fit
from screens.cells.moments import moment
from screens.cells.states import fate_cell
from screens.ports.pressure import Supposed

COLUMNS: Final = (
    Column("verdict", "STATE", 11, grow=6, most=22),
    Column("trigger", "TRIGGER", 18, grow=1),
    Column("since", "SINCE", 12, least=80),
    Column("reason", "REASON", 26, grow=6),
)
EXPORTED: Final[Fields] = (
    *plain("trigger", "title", "status"),
    *plain("verdict", "reason", "step", of="explanation"),
    *instants("since"),
    *plain("words", of="explanation"),
)
NOT_SUPPOSED: Final = Cell(" is not taken into account here: this is why, under the rules in force.", "warn")
STANDING: Final = "trigger active"
"""The check whose detail, such as `the trigger is draft`, needs no name before it."""


def verdict(each: TriggerExplanation) -> Cell:
    """Symbol and word of what becomes of the message; of one foretold, marked so."""
    found = each.explanation
    if found.fate is None:
        return Cell("○ not entered", "dim")
    return Cell("◌ foretold", "accent") if found.foretold else fate_cell(found.fate, found.message_state)


def reason(each: TriggerExplanation, zone: ZoneInfo) -> str:
    """Why, in a few words: of the last decision, else what keeps the customer out."""
    found = each.explanation
    if found.short:
        return found.short.removeprefix(f"{STANDING}: ")
    if found.reason is not None:
        because = BECAUSE.get(found.reason, in_short(found.reason))
        return f"{because}, waiting for {in_short(found.behind)}" if found.behind else because
    if found.verdict == "send":
        return ""
    if found.step is not None:
        return f"step {found.step} is to come"
    return "nothing stands against it" if each.stop is None else _stop_words(each.stop, zone)


def _stop_words(stop: Check, zone: ZoneInfo) -> str:
    detail = localized(stop.detail, zone)
    return detail if stop.check in ("cause", STANDING) else f"{stop.check}: {detail}"


def cells(each: TriggerExplanation, now: Instant, zone: ZoneInfo) -> Sequence[Cells]:
    """One trigger in the `COLUMNS`."""
    name = each.trigger if each.status == "active" else f"{each.trigger} ({each.status})"
    return (
        verdict(each),
        name,
        moment(each.since, now, zone),
        Cell(reason(each, zone), "dim" if each.explanation.verdict == "none" else ""),
    )


def explanation(each: TriggerExplanation, zone: ZoneInfo, supposed: Supposed | None = None) -> list[Line]:
    """The answer in words, then every check in its order; where something is `supposed` below, that
    this answer is of the present.
    """
    first = each.stop
    lines: list[Line] = [] if supposed is None else [badge(supposed), [NOT_SUPPOSED], []]
    lines += [
        [" ", Cell(each.title, "strong"), Cell(f"  {each.trigger}", "dim")],
        [f" {each.explanation.words}"],
        [],
    ]
    lines.append([Cell(" Would it send now? Every check, in order:", "strong")])
    return [*lines, *(check(line, line is first, zone) for line in each.explanation.trace)]


def check(line: Check, is_first: bool, zone: ZoneInfo) -> Line:
    """One check: what, whether it stands against a message, and the detail."""
    sign = Cell(" ✓ ok   ", "ok") if line.holds else Cell(" ✗ no   ", "bad")
    if not line.holds and line.check.endswith(PASSING):
        sign = Cell(" → wait ", "warn")
    name = Cell(fit(line.check, 28), "strong" if is_first else "")
    return [sign, name, " ", localized(line.detail, zone)]
