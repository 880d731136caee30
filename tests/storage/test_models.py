"""The SQLModel classes say the same as the tables."""

from __future__ import annotations

from pathlib import Path
from types import NoneType
from typing import get_args

import pytest
from sqlmodel import Session, SQLModel, select

from storage.schema import tables
from storage.schema.models import ROWS, PauseRow
from storage.store import Store

PYTHON = {"INTEGER": int, "TEXT": str}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.__name__)
def test_each_field_matches_its_column(row: type[SQLModel]) -> None:
    table = tables.metadata.tables[str(row.__tablename__)]
    assert row.__table__ is table  # type: ignore[attr-defined]
    assert list(row.model_fields) == [column.name for column in table.columns]
    for column in table.columns:
        kinds = set(get_args(row.model_fields[column.name].annotation)) or {
            row.model_fields[column.name].annotation
        }
        optional = NoneType in kinds
        assert kinds - {NoneType} == {PYTHON[str(column.type)]}, column.name
        assert optional == (column.nullable or (column.primary_key and str(column.type) == "INTEGER")), (
            column.name
        )


def test_a_row_is_written_and_read_back(tmp_path: Path) -> None:
    with Store.create(tmp_path / "shop.db") as store:
        with Session(store.writer) as session:
            session.add(PauseRow(trigger="basket", since=1, policy="skip", author="ann"))
            session.commit()
        with Session(store.reader) as session:
            assert session.exec(select(PauseRow.trigger, PauseRow.until)).one() == ("basket", None)
