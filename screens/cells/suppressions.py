"""Suppressed addresses in cells, words and deeds. Instants are ms UTC."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from zoneinfo import ZoneInfo

from core.explain.words import counted
from core.instants import Instant
from core.model.suppressed import FIELDS, SuppressedAddress
from core.sources.listed_addresses import listed_address, no_address
from screens.cells.column import Column
from screens.cells.deed import Deed, DialogField, typed_number
from screens.cells.exports import Fields, instants, plain
from screens.cells.line import Cell, Cells, Line
from screens.cells.moments import in_full, moment
from screens.ports.suppressions import ListEffect

COLUMNS: Final = (
    Column("key", "ADDRESS", 20, grow=3),
    Column("medium", "MEDIUM", 8),
    Column("reason", "WHY", 12, grow=3),
    Column("since", "SINCE", 12),
    Column("source", "REPORTED BY", 11, grow=1, least=80),
)
EXPORTED: Final[Fields] = (*plain("address", "medium", "reason"), *instants("since"), *plain("source"))
HINT: Final = f"words, or {' '.join(f'{name}:' for name in FIELDS)}; !word leaves out"
_NAMED: Final = 5
_REASON: Final = DialogField("reason", "Why (for the list and the audit log)", needed=True)


def cells(row: SuppressedAddress, now: Instant, zone: ZoneInfo) -> Sequence[Cells]:
    """One line of the list."""
    return row.address, row.medium, row.reason, moment(row.since, now, zone), row.source


def detail(row: SuppressedAddress, zone: ZoneInfo) -> list[Line]:
    """Everything about one, to read."""
    said = {
        "address": row.address, "medium": row.medium, "why": row.reason, "since": in_full(row.since, zone),
        "reported by": row.source,
    }  # fmt: skip
    return [[Cell(f"{name:<13}", "dim"), value] for name, value in said.items()]


def chip(shown: int, text: str) -> str:
    """What the second line says of the list and its filter."""
    return f"/ {text} — {shown:,} found" if text else f"{shown:,} suppressed"


def add_deed(author: str) -> Deed:
    """Writing one address down."""
    return Deed(
        "Suppress an address?",
        ["Nothing is sent to it any more, for whatever purpose, until somebody lifts that."],
        "Suppress it",
        fields=(
            DialogField("address", "Mail address or phone number", needed=True, check=_fault),
            _REASON,
        ),
        author=author,
    )


def _fault(value: str) -> str | None:
    return None if listed_address(value) is not None else f"{no_address(value)}."


def file_deed() -> Deed:
    """Naming a file; what is in it is asked about afterwards."""
    return Deed(
        "Suppress the addresses of a file?",
        [
            "One address a line, or a CSV whose header names the column (email, address, phone ...). "
            "What is in it is shown before anything is done."
        ],
        "Read it",
        fields=(DialogField("path", "Path of the file", needed=True),),
    )


def listed_deed(effect: ListEffect, author: str) -> Deed:
    """What adding the addresses of a file would do."""
    number = counted(effect.addresses, "address")
    lines = [
        f"{effect.path}: {counted(effect.read, 'line')}, {number}, {effect.customers:,} of them "
        f"{'belongs' if effect.customers == 1 else 'belong'} to a customer of today."
    ]
    if effect.refused:
        lines.append(f"{counted(len(effect.refused), 'line')} without an address:")
        lines += [f"  {each}" for each in effect.refused[:_NAMED]]
    if len(effect.refused) > _NAMED:
        lines.append(f"  and {len(effect.refused) - _NAMED:,} more")
    return Deed(
        f"Suppress {number}?", lines, f"Suppress {effect.addresses:,}", fields=(_REASON,),
        typed=typed_number(effect.addresses), author=author,
    )  # fmt: skip


def lift_deed(chosen: int, row: SuppressedAddress | None, author: str) -> Deed:
    """What lifting rows would do; `row` is the one where it is one alone."""
    if row is not None and chosen == 1:
        title = f"May {row.address} be written to again?"
        why = [f"It has been suppressed for: {row.reason}."]
    else:
        title, why = f"May the addresses of {chosen:,} lines be written to again?", []
    return Deed(
        title,
        [
            *why,
            "Every reason for the address goes, on every medium, and its soft bounces are counted anew. What "
            "occurred before does not suppress it again. Consent is asked for as ever.",
        ],
        "Lift it" if chosen == 1 else f"Lift {chosen:,}",
        fields=(_REASON,),
        typed=typed_number(chosen),
        author=author,
    )
