"""A decision as a listing, as JSON and as a line of CSV."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from console.cli.output import INSTANTS, ListingField
from console.reports.csv_export import write_csv
from core.instants import format_instant, rounded_up

FIELDS = (
    ListingField("at", "instant"),
    ListingField("customer"),
    ListingField("trigger"),
    ListingField("step", "number"),
    ListingField("channel"),
    ListingField("outcome"),
    ListingField("reason"),
    ListingField("until", "until"),
    ListingField("late"),
    ListingField("rules", "json", shown=False),
    ListingField("message", "number", shown=False),
)
IMAGINED = (*FIELDS, ListingField("imagined"))
"""With `--future replay`: also whether the decision comes of what is imagined."""


def write_rows(path: Path, fields: Sequence[ListingField], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write decision rows to a new CSV file."""
    write_csv(
        path,
        [field.name for field in fields],
        ([_text(field, row[field.name]) for field in fields] for row in rows),
    )


def _text(field: ListingField, value: Any) -> object:
    if value is None or field.kind not in INSTANTS:
        return value
    return format_instant(rounded_up(value) if field.kind == "until" else value)
