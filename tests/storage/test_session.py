"""Objects in a Session share the transaction of the connection they are read and written on."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from storage.schema.workspace import FactRow, facts
from storage.session import session
from storage.store import Store, meta, set_meta


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "shop.db")


def test_an_object_is_written_and_taken_back_with_what_core_statements_write(store: Store) -> None:
    with store, store.writing() as connection:
        set_meta(connection, "by", "a statement")
        with session(connection) as opened:
            opened.add(FactRow(name="with", value="an object"))
        assert (meta(connection, "by"), meta(connection, "with")) == ("a statement", "an object")
        connection.rollback()
    with store, store.reading() as connection:
        assert connection.execute(select(facts)).all() == []


def test_an_object_that_is_changed_is_written_when_the_session_is_left(store: Store) -> None:
    with store, store.writing() as connection:
        connection.execute(insert(facts).values(name="colour", value="red"))
        with session(connection) as opened:
            row = opened.get_one(FactRow, "colour")
            row.value = "blue"
        assert row.value == meta(connection, "colour") == "blue"


def test_leaving_a_session_does_not_end_the_snapshot(store: Store) -> None:
    with store, store.reading() as connection:
        with session(connection) as opened:
            assert opened.get(FactRow, "later") is None
        with store.writing() as other:
            set_meta(other, "later", "yes")
        assert meta(connection, "later") is None


def test_an_error_in_a_session_leaves_the_transaction_to_its_owner(store: Store) -> None:
    with store, store.writing() as connection:
        set_meta(connection, "kept", "yes")
        with suppress(RuntimeError), session(connection) as opened:
            opened.add(FactRow(name="half", value="done"))
            raise RuntimeError
        assert connection.in_transaction()
    with store, store.reading() as connection:
        assert (meta(connection, "kept"), meta(connection, "half")) == ("yes", None)
