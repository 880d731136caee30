"""The classes of the schema say what the tables hold, and add nothing to what is written."""

from __future__ import annotations

from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin

import pytest
from sqlalchemy import insert
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import configure_mappers
from sqlmodel import Session, select

from storage.schema.operations import PauseRow
from storage.schema.row import SchemaRow, metadata
from storage.store import Store
from tests.storage.schema_classes import all_classes

PYTHON = {"INTEGER": int, "TEXT": str, "BLOB": bytes}
CLASSES = all_classes()


def _kinds(annotation: Any) -> set[Any]:
    if get_origin(annotation) is Literal:
        return {type(value) for value in get_args(annotation)}
    return set(get_args(annotation)) or {annotation}


@pytest.mark.parametrize("row", CLASSES, ids=lambda row: row.__name__)
def test_each_field_matches_its_column(row: type[SchemaRow]) -> None:
    assert list(row.model_fields) == [column.name for column in row.__table__.columns]
    for column in row.__table__.columns:
        kinds = _kinds(row.model_fields[column.name].annotation)
        optional = NoneType in kinds
        is_key_of_row = column.primary_key and row.model_fields[column.name].default is None
        assert kinds - {NoneType} == {PYTHON[column.type.compile(sqlite.dialect())]}, column.name
        assert optional == (column.nullable or is_key_of_row), column.name


@pytest.mark.parametrize("row", CLASSES, ids=lambda row: row.__name__)
def test_only_the_database_fills_in_what_a_statement_leaves_out(row: type[SchemaRow]) -> None:
    for column in row.__table__.columns:
        assert column.default is None, column.name
        in_class = row.model_fields[column.name].get_default()
        if column.server_default is None:
            assert row.model_fields[column.name].is_required() or in_class is None, column.name
        else:
            assert str(in_class) == column.server_default.arg, column.name  # type: ignore[attr-defined]


def test_every_table_has_one_class_with_words_of_its_own() -> None:
    configure_mappers()
    assert {row.__table__ for row in CLASSES} == set(metadata.tables.values())
    assert len(CLASSES) == len(metadata.tables)
    assert all(row.__doc__ for row in CLASSES)


def test_a_row_is_written_and_read_back(tmp_path: Path) -> None:
    with Store.create(tmp_path / "shop.db") as store:
        with Session(store.writer) as session:
            session.add(PauseRow(trigger="basket", since=1, policy="skip", author="ann"))
            session.commit()
        with Session(store.reader) as session:
            assert session.exec(select(PauseRow.trigger, PauseRow.until)).one() == ("basket", None)


def test_an_object_writes_the_same_row_as_a_statement(tmp_path: Path) -> None:
    with Store.create(tmp_path / "shop.db") as store:
        with store.writing() as connection:
            connection.execute(
                insert(PauseRow.__table__).values(trigger="*", since=1, policy="skip", author="ann")
            )
            with Session(connection) as session:
                session.add(PauseRow(trigger="*", since=1, policy="skip", author="ann"))
                session.flush()
        with store.reading() as connection:
            first, second = connection.execute(PauseRow.__table__.select()).all()
    assert first[1:] == second[1:]


def test_an_object_turns_no_value_into_another(tmp_path: Path) -> None:
    row = PauseRow(trigger="*", since="1", policy="skip", author="ann")  # type: ignore[arg-type]
    assert vars(row)["since"] == "1"
    row.since = "yesterday"  # type: ignore[assignment]
    with Store.create(tmp_path / "shop.db") as store, store.writing() as connection:
        session = Session(connection)
        session.add(row)
        with pytest.raises(IntegrityError):
            session.flush()
