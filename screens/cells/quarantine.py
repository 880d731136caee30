"""What is set aside in cells, words and deeds. Instants are ms UTC."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from zoneinfo import ZoneInfo

from core.explain.words import counted
from core.instants import Instant
from core.model.quarantine import SetAside
from screens.cells.column import Column
from screens.cells.deed import Deed, DialogField
from screens.cells.exports import Fields, plain
from screens.cells.line import Cell, Cells
from screens.cells.moments import moment

COLUMNS: Final = (
    Column("kind", "KIND", 9),
    Column("what", "WHAT", 22, grow=1),
    Column("since", "SINCE", 12, least=74),
    Column("reason", "WHY", 22, grow=3),
)
EXPORTED: Final[Fields] = plain("id", "kind", "what", "since", "reason")
RELEASED: Final[Mapping[str, str]] = {
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


def cells(thing: SetAside, now: Instant, zone: ZoneInfo) -> Sequence[Cells]:
    """One line of the list."""
    return Cell(thing.kind, "bad"), thing.what, moment(thing.since, now, zone), Cell(thing.reason, "dim")


def words(thing: SetAside) -> str:
    """What a filter is compared with."""
    return f"{thing.kind} {thing.what} {thing.reason}"


def release_deed(thing: SetAside, author: str) -> Deed:
    """What releasing it would do."""
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


def drop_deed(thing: SetAside, author: str) -> Deed:
    """What dropping it would do."""
    return Deed(
        f"Give up {thing.kind} {thing.what}?",
        [thing.reason, DROPPED[thing.kind]],
        "Drop it",
        fields=(DialogField("reason", "Why (for the audit log)", needed=True),),
        author=author,
    )


def chip(things: Sequence[SetAside]) -> str:
    """What the filter line says without a filter."""
    return f"{counted(len(things), 'thing')} set aside" if things else "nothing is set aside"
