"""The audit's chains: whoever changes, takes away or adds a row behind the program's back is found out, as
far as that can be.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select

from core.instants import DAY
from storage import audit
from storage.audit_proof import anchor, anchor_is_due, newest_anchor, prove
from storage.schema.operations import audit as rows
from storage.sqlite import dbapi
from storage.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Six acts of two people, with an anchor after the fourth."""
    with Store.create(tmp_path / "shop.db") as made:
        with made.writing() as connection:
            for at in range(1, 7):
                audit.record(connection, at, "ann" if at % 2 else "bob", "pause", f"t{at}", "why", {"n": at})
                if at == 4:
                    anchor(connection, at)
        yield made


def forge(store: Store, *statements: str) -> None:
    """What the owner of the file may do: the triggers are only in it."""
    raw: Any = dbapi.connect(str(store.path), isolation_level=None)
    for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        raw.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        raw.execute(statement)
    raw.close()


def proved(store: Store, kept: str | None = None) -> tuple[int | None, str | None]:
    with store.reading() as connection:
        proof = prove(connection, kept)
    return proof.row, proof.fault


def test_each_writer_has_a_chain_and_an_untouched_audit_holds(store: Store) -> None:
    with store.reading() as connection:
        proof = prove(connection)
        chains = connection.execute(select(rows.c.writer, rows.c.number).order_by(rows.c.id)).all()
    assert (proof.holds, proof.rows, proof.writers, proof.anchors, proof.after_anchor) == (True, 6, 2, 1, 2)
    assert [number for _, number in chains] == [1, 1, 2, 2, 3, 3]
    assert {writer for writer, _ in chains} == {audit.writer_of("ann"), audit.writer_of("bob")}


@pytest.mark.parametrize(
    ("statement", "row", "words"),
    [
        ("UPDATE audit SET subject = 'other' WHERE id = 3", 3, "subject, reason or detail were changed"),
        ("UPDATE audit SET reason = NULL WHERE id = 2", 2, "reason or detail were changed"),
        ("UPDATE audit SET author = 'bob' WHERE id = 5", 5, "author"),
        ("UPDATE audit SET at = 0 WHERE id = 4", 4, "instant, action"),
        ("UPDATE audit SET action = 'stop' WHERE id = 1", 1, "instant, action"),
        ("UPDATE audit SET deed = 1 WHERE id = 3", 3, "instant, action, act"),
        ("UPDATE audit SET salt = 'no number' WHERE id = 1", 1, "were changed"),
        ("UPDATE audit SET salt = NULL WHERE id = 1", 1, "its salt is gone, and what it says is not"),
        ("DELETE FROM audit WHERE id = 2", 4, "follows number 0: rows are missing"),
        ("DELETE FROM audit WHERE id = 3", 5, "rows are missing"),
        ("INSERT INTO audit SELECT 9, at, author, action, subject, reason, detail, writer, 4, salt, "
         "commitment, link, deed FROM audit WHERE id = 5", 9, "instant, action"),
        ("DELETE FROM audit WHERE id > 3", None, "an anchor knows row 2"),
        ("UPDATE audit_anchors SET at = 5", None, "anchor 1 was changed"),
    ],
)  # fmt: skip
def test_what_was_changed_taken_away_or_added_is_found_and_named(
    store: Store, statement: str, row: int | None, words: str
) -> None:
    forge(store, statement)
    found, fault = proved(store)
    assert found == row
    assert fault is not None
    assert words in fault


def test_an_anchor_that_was_kept_elsewhere_finds_a_history_that_was_written_anew(
    store: Store, tmp_path: Path
) -> None:
    with store.reading() as connection:
        kept = newest_anchor(connection)
    assert kept is not None
    assert proved(store, kept.link[:12]) == (None, None)
    with Store.create(tmp_path / "anew.db") as other, other.writing() as connection:
        audit.record(connection, 1, "ann", "pause", "t1", "why", {"n": 1})
        anchor(connection, 4)
    with Store.open(tmp_path / "anew.db") as other:
        assert proved(other) == (None, None)
        assert "the anchor that was kept is not here" in str(proved(other, kept.link)[1])


def test_rows_cut_off_after_the_last_anchor_are_not_found_and_that_is_said(store: Store) -> None:
    forge(store, "DELETE FROM audit WHERE id > 4")
    with store.reading() as connection:
        proof = prove(connection)
    assert (proof.holds, proof.after_anchor) == (True, 0)


def test_what_is_personal_can_be_erased_and_the_chain_stays_whole(store: Store) -> None:
    with store.writing() as connection:
        audit.erase(connection, [2, 3])
    with store.reading() as connection:
        proof = prove(connection)
        kept = connection.execute(select(rows.c.subject, rows.c.reason, rows.c.detail, rows.c.salt)).all()
    assert (proof.holds, proof.erased) == (True, 2)
    assert [tuple(row) for row in kept][1:3] == [("", None, "{}", None)] * 2


def test_an_anchor_is_due_after_a_day_in_which_something_was_done(store: Store) -> None:
    def due(connection: Connection, at: int) -> bool:
        return anchor_is_due(connection, at)

    with store.writing() as connection:
        assert not due(connection, 4 + DAY - 1)
        assert due(connection, 4 + DAY)
        anchor(connection, 4 + DAY)
        assert not due(connection, 4 + 3 * DAY)
        audit.record(connection, 4 + 2 * DAY, "ann", "go", "*")
        assert due(connection, 4 + 2 * DAY)
