"""What the engine itself has stopped in cells, words and deeds. Instants are ms UTC."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from zoneinfo import ZoneInfo

from core.explain.words import counted
from core.health import BRAKED
from core.instants import Instant
from screens.cells.column import Column
from screens.cells.deed import Deed, DialogField
from screens.cells.exports import Fields, plain
from screens.cells.line import Cell, Cells, Line
from screens.cells.moments import moment
from screens.ports.quarantine import HELD, Standstill

COLUMNS: Final = (
    Column("kind", "KIND", 9),
    Column("what", "WHAT", 22, grow=1),
    Column("since", "SINCE", 12, least=74),
    Column("reason", "WHY", 22, grow=3),
)
EXPORTED: Final[Fields] = plain("id", "kind", "what", "since", "reason")
RELEASED: Final[Mapping[str, str]] = {
    "brake": "The channel is used again at once, and what it refused before is not held against it.",
    "halt": "The channel is used again at once.",
    "surge": "All its messages that are held may go; what was planned until now counts no longer.",
    "file": "It is put back into the folder it was taken from.",
    "customer": "What is due is decided, and the customer's messages go on waiting for their turn.",
    "event": "The event is played as if it had become known now.",
}
DROPPED: Final[Mapping[str, str]] = {
    "customer": "Nothing is decided for the customer any more, and what is held is cancelled.",
    "event": "The event is left out for good.",
    "message": "The message is cancelled and gives its room back.",
    "template": "Its messages that are due are cancelled; later ones are tried again.",
    "file": "The file stays in failed/.",
    "channel": "The channel is tried again with the next message.",
}


_WHY: Final = DialogField("reason", "Why (for the audit log)", needed=True)


def cells(line: Standstill, now: Instant, zone: ZoneInfo) -> Sequence[Cells]:
    """One line of the list."""
    until = "" if line.until is None else f"tried again {moment(line.until, now, zone)}; "
    return (
        Cell(line.kind, "warn" if line.kind in HELD else "bad"),
        line.what.rpartition("/")[2] if line.kind == "file" else line.what,
        moment(line.since, now, zone),
        Cell(f"{until}{_reason(line)}", "dim"),
    )


def _reason(line: Standstill) -> str:
    return line.reason.removeprefix(BRAKED)


def whole(line: Standstill, now: Instant, zone: ZoneInfo) -> list[Line]:
    """What the columns cut: all of the name and the reason, and what comes next."""
    since = f"{line.kind} since {moment(line.since, now, zone)}"
    until = "" if line.until is None else f", tried again {moment(line.until, now, zone)}"
    ends = "R lets it go." if line.kind in HELD else "R has it worked on again, D gives it up."
    return [
        [" ", Cell(line.what, "strong"), Cell(f"  {since}{until}", "dim")],
        [f" {_reason(line)}"],
        [Cell(f" {ends}", "dim")],
    ]


def words(line: Standstill) -> str:
    """What a filter is compared with."""
    return f"{line.kind} {line.what} {line.reason}"


def release_deed(thing: Standstill, author: str) -> Deed:
    """What releasing it would do."""
    if thing.kind in HELD:
        return Deed(
            f"Let the {'trigger' if thing.kind == 'surge' else 'channel'} {thing.what} go?",
            [
                _reason(thing),
                *([f"{counted(thing.waiting, 'message')} due over it."] if thing.kind != "surge" else []),
                RELEASED[thing.kind],
            ],
            "Let it go",
            fields=(_WHY,),
            author=author,
        )
    return Deed(
        f"Work on {thing.kind} {thing.what} again?",
        [
            thing.reason,
            RELEASED.get(thing.kind, "It is worked on with the next pass."),
            "Should it fail twice again, it is set aside again.",
        ],
        "Release it",
        author=author,
    )


def drop_deed(thing: Standstill, author: str) -> Deed:
    """What dropping it would do."""
    return Deed(
        f"Give up {thing.kind} {thing.what}?",
        [thing.reason, DROPPED[thing.kind]],
        "Drop it",
        fields=(_WHY,),
        author=author,
    )


def chip(lines: Sequence[Standstill]) -> str:
    """What the filter line says without a filter."""
    aside = sum(line.kind not in HELD for line in lines)
    held = len(lines) - aside
    parts = [
        f"{counted(number, 'thing')} {state}"
        for number, state in ((aside, "set aside"), (held, "held back"))
        if number
    ]
    return " · ".join(parts) or "nothing is set aside"
