"""Conflicts of identities in cells, words and deeds. Instants are ms UTC."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from zoneinfo import ZoneInfo

from core.explain.words import counted
from core.instants import Instant
from screens.cells.column import Column
from screens.cells.deed import Deed, DialogField
from screens.cells.exports import Fields, instants, plain
from screens.cells.line import Cell, Cells
from screens.cells.moments import moment, number
from screens.ports.people import ConflictLine

COLUMNS: Final = (
    Column("kind", "WHY", 18),
    Column("identity", "WHAT", 19, grow=2),
    Column("customers", "CUSTOMERS", 18, grow=3),
    Column("people", "HOW MANY", 8, right=True, least=92),
    Column("since", "SINCE", 12, least=74),
)
EXPORTED: Final[Fields] = (*plain("kind", "identity", "keys", "people"), *instants("since"))
WHY: Final[Mapping[str, str]] = {
    "namespace": "said by several",
    "shared": "shared by too many",
    "order": "order of several",
    "birthday": "two birthdays",
    "kept": "joined before",
}
_REASON: Final = DialogField("reason", "Why (for the audit log)")


def cells(line: ConflictLine, now: Instant, zone: ZoneInfo) -> Sequence[Cells]:
    """One line of the list."""
    mark = Cell(WHY.get(line.kind, line.kind), "bad" if line.kind == "shared" else "warn")
    return (
        mark, line.identity or "", line.keys, number(line.people),
        moment(line.since, now, zone),
    )  # fmt: skip


def words(line: ConflictLine) -> str:
    """What a filter is compared with."""
    return " ".join((WHY.get(line.kind, line.kind), line.identity or "", *line.customers))


def join_deed(line: ConflictLine, author: str) -> Deed:
    """What joining the two would do."""
    one, other = line.customers[:2]
    return Deed(
        f"Are {one} and {other} one person?",
        [
            f"{other} goes into {one} with all events, consents, journeys and messages, whatever is told of "
            "the two from now on.",
            "`manometer merges undo` takes it back.",
        ],
        "Join them",
        fields=(_REASON,),
        author=author,
    )


def part_deed(line: ConflictLine, author: str) -> Deed:
    """What parting the two would do."""
    one, other = line.customers[:2]
    orders = ["The order counts for each of them."] if line.kind == "order" else []
    return Deed(
        f"Are {one} and {other} two people?",
        [
            *orders,
            "Nothing that is told of the two joins them from now on, not even an alias.",
            "Where they are one customer they are parted: each has the events, journeys and messages again "
            "that came by the own identities.",
            "`manometer merges forget` takes the decision back.",
        ],
        "Keep them apart",
        fields=(_REASON,),
        author=author,
    )


def chip(lines: Sequence[ConflictLine]) -> str:
    """What the filter line says without a filter."""
    return f"{counted(len(lines), 'conflict')} to be decided" if lines else "nothing waits for a decision"
