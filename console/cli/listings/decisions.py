"""A decision as a listing, as JSON and as a line of CSV."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from console.cli.output import ListingField
from console.reports.csv_export import write_csv
from core.instants import format_instant

FIELDS = (
    ListingField("at", "instant"),
    ListingField("customer"),
    ListingField("trigger"),
    ListingField("step", "number"),
    ListingField("channel"),
    ListingField("outcome"),
    ListingField("reason"),
    ListingField("until", "instant"),
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
    return format_instant(value) if field.kind == "instant" and value is not None else value
