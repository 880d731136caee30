"""The queries that must be fast use the index that was made for them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from storage.store import Store

QUERIES = {
    "a page of a timeline": (
        "SELECT id FROM events WHERE customer_id = ? AND (occurred_at, id) < (?, ?) ORDER BY occurred_at "
        "DESC, id DESC LIMIT 100",
        "ix_events_timeline",
    ),
    "customers that are due": (
        "SELECT id FROM customers WHERE next_due_at <= ? ORDER BY next_due_at",
        "ix_customers_next_due_at",
    ),
    "customers planned under an older playbook": (
        "SELECT id FROM customers WHERE planned_version < ?",
        "ix_customers_planned_version",
    ),
    "what one customer has under way": (
        "SELECT id FROM enrolments WHERE customer_id = ? AND state = 'open'",
        "ix_enrolments_open",
    ),
    "contacts of a window": (
        "SELECT id FROM messages WHERE customer_id = ? AND lands_at > ? AND lands_at <= ?",
        "ix_messages_contacts",
    ),
    "messages that wait": (
        "SELECT id FROM messages WHERE state = 'planned' AND state IN ('planned', 'held', 'due', 'claimed') "
        "AND planned_at <= ?",
        "ix_messages_waiting",
    ),
    "events the engine has to play": ("SELECT event_id FROM arrivals WHERE customer_id = ?", "PRIMARY KEY"),
    "an event that is known": ("SELECT id FROM events WHERE dedup = ?", "uq_events_dedup"),
    "whose an identity is": (
        "SELECT customer_id FROM identities WHERE kind = ? AND value IN (?, ?)",
        "sqlite_autoindex_identities_1",
    ),
    "decisions of one customer": (
        "SELECT id FROM decisions WHERE customer_id = ? ORDER BY at",
        "ix_decisions_customer_id",
    ),
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with Store.create(tmp_path_factory.mktemp("plans") / "shop.db") as store:
        yield store


@pytest.mark.parametrize(("query", "index"), QUERIES.values(), ids=list(QUERIES))
def test_a_query_that_must_be_fast_searches_by_its_index(store: Store, query: str, index: str) -> None:
    with store.reading() as connection:
        steps = [
            row[3]
            for row in connection.exec_driver_sql(
                f"EXPLAIN QUERY PLAN {query}", tuple([1] * query.count("?"))
            )
        ]
    assert any("SEARCH" in step and index in step for step in steps), steps
    assert not any("TEMP B-TREE" in step for step in steps), steps
