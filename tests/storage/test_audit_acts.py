"""Acts: what was done at once is one, however many rows it left, and what narrows them."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection

from core.explain.acts import act_words
from core.model.audit import OperatorAct
from storage import audit, audit_acts
from storage.audit_acts import AuditQuery, AuditTerm
from storage.store import Store

ALL = AuditQuery()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Two approvals of one operator at one instant, as under a simulated clock, and a pause of another."""
    with Store.create(tmp_path / "shop.db") as made:
        with made.writing() as connection:
            for messages in (range(1, 88), range(88, 90)):
                details = ((str(number), {"was": "held"}) for number in messages)
                audit.record_each(connection, 5, "ann", "outbox approve", details, "looked at")
            audit.record(connection, 7, "bob", "pause", "basket", "wrong 100%_price")
            audit.record(connection, 8, "ann", "stop", "*")
        yield made


def words(connection: Connection, wanted: AuditQuery = ALL) -> list[str]:
    acts = audit_acts.acts(connection, audit_acts.act_ids(connection, wanted))
    return [f"{act.author} {act_words(act)}" for act in acts]


def test_an_act_on_many_is_one_and_two_of_the_same_instant_are_two(store: Store) -> None:
    with store.reading() as connection:
        assert words(connection) == [
            "ann stop", "bob pause basket", "ann approve 2 messages", "ann approve 87 messages",
        ]  # fmt: skip
        assert audit_acts.last_acts(connection, 1) == [OperatorAct(91, 8, "ann", "stop", "*", None)]
        second = audit_acts.act_ids(connection, ALL)[2]
        lines = list(audit_acts.act_lines(connection, audit_acts.act_line_ids(connection, second)))
        assert [(line.subject, line.detail, line.reason) for line in lines] == [
            ("88", {"was": "held"}, "looked at"), ("89", {"was": "held"}, "looked at"),
        ]  # fmt: skip
        assert audit_acts.act_line_ids(connection, second + 1) == array("q")


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (AuditQuery((AuditTerm(("author",), ("BOB", "eve")),)), ["bob pause basket"]),
        (AuditQuery((AuditTerm(("action",), ("approve",)),), until=6),
         ["ann approve 2 messages", "ann approve 87 messages"]),
        (AuditQuery((AuditTerm(("subject",), ("89",)),)), ["ann approve 2 messages"]),
        (AuditQuery((AuditTerm(("author",), ("ann",), is_negated=True),)), ["bob pause basket"]),
        (AuditQuery((AuditTerm(("reason",), ("100%_",)),)), ["bob pause basket"]),
        (AuditQuery((AuditTerm(("reason", "subject"), ("%",)),)), ["bob pause basket"]),
        (AuditQuery(since=7, until=8), ["bob pause basket"]),
        (AuditQuery((AuditTerm(("author",), ("eve",)),)), []),
    ],
)  # fmt: skip
def test_acts_are_narrowed_by_operator_kind_subject_reason_and_span(
    store: Store, wanted: AuditQuery, found: list[str]
) -> None:
    with store.reading() as connection:
        assert words(connection, wanted) == found


def test_what_was_erased_says_so_and_its_act_stays(store: Store) -> None:
    with store.writing() as connection:
        audit.erase(connection, [90])
    with store.reading() as connection:
        assert words(connection)[1] == "bob pause (erased)"
        (line,) = audit_acts.act_lines(connection, [90])
        assert (line.is_erased, line.subject, line.reason, line.detail) == (True, "", None, {})
