"""Files with a fault in every tenth line: what is whole is taken as it was written, and every line is
accounted for.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import orjson
import pytest
from sqlalchemy import select

from console.intake.csv_lines import csv_items
from console.intake.csv_profiles import read_profile
from console.intake.csv_records import CsvRecords, Reject, Row
from console.intake.files import ImportResult, IntakeSettings, import_file
from console.intake.physical_lines import text_lines_of
from core.instants import parse_instant
from core.sources.connector import SourceFile
from storage.schema.events import events
from storage.store import Store
from tests.console.intake.faulty_files import PROFILE, Truth, write_csv, write_ndjson

NOW = parse_instant("2026-03-01T12:00:00Z")
SIZES = [pytest.param(3_000, id="small"), pytest.param(60_000, id="large", marks=pytest.mark.slow)]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.create(tmp_path / "shop.db") as store:
        yield store


def imported(store: Store, path: Path, profile: str | None) -> ImportResult:
    settings = IntakeSettings(
        ZoneInfo("Europe/Zurich"), path.parent / "rejects", profiles={"faulty": PROFILE}, currency="CHF"
    )
    return import_file(
        store, SourceFile(path, profile=profile), settings=settings, arrived_at=NOW, history=True
    )


def check_books(store: Store, result: ImportResult, truth: Truth) -> None:
    """What was whole is in the database with its amount, and nothing else is; the sums fit."""
    assert result.read == result.taken + result.duplicate + result.rejected
    with store.reading() as connection:
        rows = connection.execute(select(events.c.properties, events.c.amount)).all()
    assert {orjson.loads(properties)["order_id"]: amount for properties, amount in rows} == truth.sums
    assert (result.taken, result.duplicate) == (len(truth.sums), truth.duplicates)
    assert result.rejects is not None
    with result.rejects.open("rb") as file:
        rejects = [orjson.loads(line) for line in file]
    assert len(rejects) == len({reject["line"] for reject in rejects}) == result.rejected
    told = [line.strip("\r") for reject in rejects for line in reject["text"].split("\n")]
    assert told == [line.decode("utf-8", "replace") for line in truth.faulty]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", ["csv", "ndjson"])
def test_what_is_whole_is_taken_and_the_rest_is_rejected(
    store: Store, tmp_path: Path, kind: str, size: int
) -> None:
    path = tmp_path / f"orders.{kind}"
    if kind == "csv":
        truth, profile = write_csv(path, size, seed=size), "faulty"
    else:
        truth, profile = write_ndjson(path, size, seed=size), None
    check_books(store, imported(store, path, profile), truth)
    again = imported(store, path, profile)
    assert (again.taken, again.duplicate) == (0, len(truth.sums) + truth.duplicates)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("seed", [1, 2])
def test_every_physical_line_belongs_to_exactly_one_record(tmp_path: Path, size: int, seed: int) -> None:
    path = tmp_path / "orders.csv"
    write_csv(path, size, seed)
    with path.open("rb") as file:
        records = CsvRecords(text_lines_of(file), ("utf-8", "cp1252"))
        header = records.header()
        assert isinstance(header, Row)
        records.width = len(header.fields)
        found = [*_lines_of(header), *(line for record in records for line in _lines_of(record))]
    assert "".join(found) == "".join(_written(path))


def _lines_of(record: Row | Reject) -> Iterator[str]:
    return (line for line in record.text.replace("\r\n", "\n").split("\n") if line.strip())


def _written(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8", newline="\n") as file:
        for line in file:
            if line.strip():
                yield line.rstrip("\r\n")


def test_the_lines_of_orders_that_contradict_themselves_are_accounted_for_too(tmp_path: Path) -> None:
    """Orders of several lines: items stand for all their lines, in whatever order they were told."""
    path, count = tmp_path / "lines.csv", 900
    header = "receipt,at,email,sku,pieces,price"
    lines = [
        f"r{number % 300},2025-05-0{1 + number % 3}T10:00:00Z,a@x.ch,s,{'x' if number % 97 == 0 else 1},2.00"
        for number in range(count)
    ]
    path.write_text(os.linesep.join([header, *lines]))
    profile = read_profile("till", {
        "kind": "orders", "dates": ["iso"], "columns": {"key": "receipt", "at": "at"},
        "identities": {"email": "email"}, "products": {"sku": "sku", "quantity": "pieces", "price": "price"},
    })  # fmt: skip
    with path.open("rb") as file:
        items = csv_items(
            file, profile, zone=ZoneInfo("UTC"), arrived_at=NOW, source="till", path="lines.csv"
        )
        assert sum(stands_for for stands_for, _ in items) == count
