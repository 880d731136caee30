"""Audiences in cells and words. Instants are ms UTC."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final
from zoneinfo import ZoneInfo

from core.errors import ManometerError
from core.explain.words import counted
from core.instants import Instant
from core.model.audiences import AudienceChanges, AudienceLine, AudienceOverlap
from screens.cells import customers
from screens.cells.column import Column
from screens.cells.deed import Deed, DialogField
from screens.cells.exports import Fields, plain
from screens.cells.filters import Reader
from screens.cells.line import Cell, Cells, Line
from screens.cells.moments import in_full, share
from screens.ports.customers import CustomerLine

COLUMNS: Final = (
    Column("name", "AUDIENCE", 16, grow=2, most=40),
    Column("sort", "OF", 8),
    Column("customers", "CUSTOMERS", 9, right=True),
    Column("share", "SHARE", 6, right=True),
    Column("title", "TITLE", 16, least=80, grow=2, most=40),
    Column("text", "CONDITION", 14, grow=4),
)
EXPORTED: Final[Fields] = (*plain("key", "title", "text", of="line"), *plain("number"))
WENT_AND_CAME: Final = (
    Column("way", "WAY", 6),
    *(replace(each, least=70) if each.name == "orders" else each for each in customers.COLUMNS),
)


def cells(line: AudienceLine, number: int | None, whole: int) -> Sequence[Cells]:
    """One line of the list; `…` while it is being counted."""
    return (
        line.name, "segment" if line.is_segment else "trigger",
        Cell("…", "dim") if number is None else f"{number:,}", "" if number is None else share(number, whole),
        line.title, Cell(line.text, "dim"),
    )  # fmt: skip


def words(line: AudienceLine) -> str:
    """What a filter is compared with."""
    return f"{line.name} {line.title} {line.text} {'segment' if line.is_segment else 'trigger'}"


def overlap_lines(one: AudienceLine, other: AudienceLine, found: AudienceOverlap) -> list[Line]:
    """Two audiences side by side, in words."""
    only_one, only_other = found.one - found.both, found.other - found.both
    return [
        [Cell(f"{found.both:,}", "strong"), f" {_are(found.both)} in both: {share(found.both, found.one)} of "
         f"{one.name}, {share(found.both, found.other)} of {other.name}"],
        [],
        [Cell(f"{only_one:,}", "strong"), f" only in {one.name} ({found.one:,} in all)"],
        [Cell(f"{only_other:,}", "strong"), f" only in {other.name} ({found.other:,} in all)"],
    ]  # fmt: skip


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


def since_deed(line: AudienceLine, now: Instant, zone: ZoneInfo) -> Deed:
    """Asks since when."""

    def fault(text: str) -> str | None:
        try:
            return None if read_since(text, now, zone) < now else "That is not in the past."
        except ManometerError as error:
            return str(error)

    return Deed(
        f"Who came into {line.name} and who went?",
        [
            "Everybody is looked at as of then, folded back from the log of events; with many customers it "
            "takes a while, and leaving the screen ends it."
        ],
        "Look",
        fields=(DialogField("since", "Since when (7d, yesterday, 2025-11-03)", "7d", True, fault),),
    )


def read_since(text: str, now: Instant, zone: ZoneInfo) -> Instant:
    """The instant that was written; ManometerError where it is none."""
    found = Reader((), now, zone).terms(f'since:"{text.strip()}"').since
    if found is None:
        raise ManometerError("Write a day, an instant, or how long ago: 7d.")
    return found


def changes_chip(found: AudienceChanges, zone: ZoneInfo) -> str:
    """What the second line says of who came and went."""
    return (
        f"since {in_full(found.since, zone)}: {len(found.came):,} came, {len(found.went):,} went, "
        f"{found.then:,} then and {found.now:,} now"
    )


def looking(done: int, whole: int) -> str:
    """How far it has come."""
    return f"{done:,} of {counted(whole, 'customer')} looked at …"


def change_cells(row: CustomerLine, came: bool, now: Instant, zone: ZoneInfo) -> Sequence[Cells]:
    """One customer who came or went."""
    way = Cell("+ came", "ok") if came else Cell("– went", "warn")
    return way, *customers.cells(row, now, zone)
