"""The listings read by their indexes and sort as little as they can."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from core.model.outbox import OPEN
from storage import audit, customers, decisions, pauses, playbooks, triggers
from storage.outbox import listing as outbox_listing
from storage.sql import ColumnClause, LogQuery
from storage.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.create(tmp_path / "manometer.db") as store:
        yield store


def _plan(store: Store, ask: Any) -> str:
    """What SQLite would do for the statements that a function runs."""
    asked: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        asked.append((statement, parameters))

    with store.reading() as connection:
        event.listen(connection, "before_cursor_execute", note)
        list(ask(connection) or ())
        event.remove(connection, "before_cursor_execute", note)
        plans = [
            connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
            for statement, parameters in asked
        ]
    return "\n".join(row[3] for plan in plans for row in plan)


def test_a_span_of_decisions_is_read_by_its_instants(store: Store) -> None:
    plan = _plan(
        store, lambda connection: decisions.listing(connection, decisions.DecisionFilter(since=1, until=2))
    )
    assert "USING INDEX ix_decisions_at" in plan
    assert "SCAN decisions" not in plan


def test_decisions_of_a_customer_are_read_by_the_customer(store: Store) -> None:
    plan = _plan(
        store, lambda connection: decisions.listing(connection, decisions.DecisionFilter(customer_id=1))
    )
    assert "USING INDEX ix_decisions_customer_id (customer_id=?" in plan


def test_all_decisions_are_sorted_only_within_an_instant(store: Store) -> None:
    plan = _plan(store, lambda connection: decisions.listing(connection, decisions.DecisionFilter()))
    assert "SCAN decisions USING INDEX ix_decisions_at" in plan
    assert "USE TEMP B-TREE FOR ORDER BY" not in plan


def test_customers_are_listed_without_sorting(store: Store) -> None:
    plan = _plan(store, lambda connection: customers.listing(connection, after="u1", limit=20))
    assert "(key>?)" in plan
    assert "TEMP B-TREE" not in plan


def test_a_customer_is_found_by_key_and_by_identity_without_a_scan(store: Store) -> None:
    assert "(key=?)" in _plan(store, lambda connection: [customers._by_key(connection, "u1")])
    assert "SCAN" not in _plan(
        store, lambda connection: [customers._by_identity(connection, "email:a@example.com")]
    )


@pytest.mark.parametrize("limit", [None, 20])
def test_a_timeline_is_read_by_the_customer_and_instant(store: Store, limit: int | None) -> None:
    plan = _plan(store, lambda connection: customers.timeline(connection, 1, before=5, limit=limit))
    assert "ix_events_timeline (customer_id=? AND occurred_at<?" in plan
    assert "TEMP B-TREE" not in plan


@pytest.mark.parametrize(
    ("trigger", "index"),
    [
        ("basket", "COVERING INDEX ix_enrolments_trigger (trigger=? AND state=?)"),
        ("*", "INDEX ix_enrolments_open"),
    ],
)
def test_what_a_pause_holds_up_is_counted_from_the_indexes_of_what_waits(
    store: Store, trigger: str, index: str
) -> None:
    plan = _plan(store, lambda connection: [pauses.waiting(connection, trigger, 1)])
    assert index in plan
    assert "ix_messages_waiting (state=?" in plan


NUMBERS = {
    "sent": (lambda connection: [triggers.sent(connection, "basket", since=1)], "ix_messages_sent "
                                                                                "(trigger=? AND sent_at>?)"),
    "last entry": (lambda connection: [triggers.last_entry(connection, "basket")], "COVERING INDEX "
                                                                                   "ix_enrolments_entered "
                                                                                   "(trigger=?)"),
    "next due": (lambda connection: [triggers.next_due(connection, "basket")], "ix_enrolments_trigger "
                                                                               "(trigger=? AND state=?)"),
    "who waits": (
        lambda connection: triggers.waiting_ids(connection, "basket", 9), "COVERING INDEX "
                                                                          "ix_enrolments_trigger (trigger=? "
                                                                          "AND state=?)"
    ),
}  # fmt: skip


@pytest.mark.parametrize(("ask", "index"), NUMBERS.values(), ids=list(NUMBERS))
def test_a_number_of_a_trigger_is_read_from_a_span_of_an_index(store: Store, ask: Any, index: str) -> None:
    plan = _plan(store, ask)
    assert index in plan
    assert "SCAN" not in plan
    assert "COVERING" in plan or "trouble" in plan


def test_what_has_become_of_decisions_reads_a_span_of_an_index_and_the_messages_by_number(
    store: Store,
) -> None:
    alone = _plan(store, lambda connection: list(triggers._without_message(connection, "basket", 1)))
    assert "COVERING INDEX ix_decisions_trigger (trigger=? AND at>?)" in alone
    plan = _plan(store, lambda connection: triggers.outcomes(connection, "basket", 1))
    assert "ix_decisions_trigger (trigger=? AND at>?" in plan
    assert "SEARCH messages USING INTEGER PRIMARY KEY" in plan


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        (LogQuery(), "COVERING INDEX ix_decisions_at"),
        (LogQuery(since=1), "COVERING INDEX ix_decisions_at (at>?)"),
        (
            LogQuery(clauses=(ColumnClause({"trigger": ("basket",)}),)),
            "COVERING INDEX ix_decisions_trigger (trigger=?",
        ),
        (
            LogQuery(
                clauses=(
                    ColumnClause({"trigger": ("basket",)}),
                    ColumnClause({"reason": ("PRESSURE",)}, negated=True),
                )
            ),
            "COVERING INDEX ix_decisions_trigger (trigger=?",
        ),
        (LogQuery(customer_id=1), "COVERING INDEX ix_decisions_customer_id (customer_id=?)"),
        (LogQuery(clauses=(ColumnClause({"outcome": ("hold",)}),)), "INDEX ix_decisions_at"),
    ],
)
def test_the_log_is_read_by_an_index_and_never_sorted(store: Store, wanted: LogQuery, index: str) -> None:
    plan = _plan(store, lambda connection: decisions.ids(connection, wanted))
    assert index in plan
    assert "TEMP B-TREE" not in plan


def test_messages_in_open_states_are_read_by_their_states(store: Store) -> None:
    plan = _plan(
        store,
        lambda connection: outbox_listing.ids(connection, LogQuery(clauses=(ColumnClause({"state": OPEN}),))),
    )
    assert "ix_messages_waiting (state=?)" in plan
    assert "ix_messages_trouble (state=?)" in plan
    assert "SCAN" not in plan
    assert "TEMP B-TREE" not in plan


def test_the_history_of_a_trigger_is_read_by_its_name(store: Store) -> None:
    assert "ix_audit_subject (subject=?)" in _plan(
        store, lambda connection: audit.entries(connection, subject="basket")
    )


def test_journeys_under_way_are_counted_from_the_index_alone(store: Store) -> None:
    assert "USING COVERING INDEX ix_enrolments_trigger" in _plan(
        store, lambda connection: [triggers.under_way(connection)]
    )


def test_the_versions_of_those_under_way_are_read_from_an_index_of_their_own(store: Store) -> None:
    for ask in (
        lambda connection: triggers.under_way_by_version(connection, "x"),
        lambda connection: triggers.entered_under(connection, "x", 9),
    ):
        assert "USING COVERING INDEX ix_enrolments_version (trigger=?" in _plan(store, ask)
    assert "USING COVERING INDEX ix_playbooks_under_way" in _plan(store, playbooks.changes)
