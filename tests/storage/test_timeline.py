"""One customer's timeline: four tables in one order, narrowed, and read by the index of each."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event as listening
from sqlalchemy import insert

from core.filters import read_words
from storage import timeline
from storage.schema.consents import consents
from storage.schema.decisions import decisions
from storage.schema.events import events
from storage.schema.messages import messages
from storage.store import Store
from storage.timeline import CONSENT, DECISION, EVENT, MESSAGE, packed


def event(
    number: int, at: int, name: str = "Product Viewed", customer: int = 1, **more: Any
) -> dict[str, Any]:
    row = {
        "id": number,
        "dedup": number.to_bytes(16, "big"),
        "customer_id": customer,
        "kind": "track",
        "name": name,
        "occurred_at": at,
    }
    return {**row, "arrived_at": at, "source": "shop", "channel": "web", "properties": "{}", **more}


def message(number: int, planned: int, sent: int | None, state: str) -> dict[str, Any]:
    return {
        "id": number, "key": f"k{number}", "customer_id": 1, "enrolment_id": 1, "trigger": "basket",
        "step": 1, "channel": "email",
        "template": "basket", "state": state, "planned_at": planned, "sent_at": sent, "expires_at": 99,
        "lands_at": planned,
        "purpose": "marketing", "weight": 1000, "counts": 1,
    }  # fmt: skip


def decision(number: int, at: int, outcome: str) -> dict[str, Any]:
    row = {
        "id": number,
        "at": at,
        "customer_id": 1,
        "trigger": "basket",
        "step": 1,
        "channel": "email",
        "outcome": outcome,
    }
    return {**row, "planned_at": at, "version": 1}


def consent(number: int, at: int, event_id: int | None) -> dict[str, Any]:
    row = {
        "id": number,
        "customer_id": 1,
        "channel": "email",
        "purpose": "marketing",
        "state": "granted",
        "occurred_at": at,
    }
    return {**row, "arrived_at": at, "source": "crm", "event_id": event_id}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.create(tmp_path / "shop.db") as store:
        with store.writing() as connection:
            rows = [
                event(1, 10),
                event(2, 30, "Order Completed", properties='{"sku": "A-1"}', channel="store"),
                event(3, 20, "Consent Granted"),
            ]
            connection.execute(insert(events), [*rows, event(4, 25, customer=2), event(5, 26, "identify")])
            connection.execute(
                insert(messages), [message(1, 15, 40, "sent"), message(2, 90, None, "planned")]
            )
            connection.execute(insert(decisions), [decision(1, 15, "send"), decision(2, 30, "suppress")])
            connection.execute(insert(consents), [consent(1, 20, 3), consent(2, 26, 5)])
        yield store


WHOLE = [
    packed(MESSAGE, 2), packed(MESSAGE, 1), packed(DECISION, 2), packed(EVENT, 2), packed(CONSENT, 2),
    packed(EVENT, 5),
    packed(CONSENT, 1), packed(DECISION, 1), packed(EVENT, 1),
]  # fmt: skip


def entries(store: Store, text: str = "", told: list[array[int]] | None = None) -> list[int]:
    asked = read_words(text, timeline.FIELDS)
    with store.reading() as connection:
        return list(
            timeline.entries(connection, 1, asked, (lambda ids: None) if told is None else told.append)
        )


def test_events_messages_decisions_and_consents_stand_in_one_order_newest_first(store: Store) -> None:
    assert set(entries(store)) == set(WHOLE)
    with store.reading() as connection:
        instants = {entry: row["at"] for entry, row in timeline.rows(connection, WHOLE).items()}
    assert [instants[entry] for entry in entries(store)] == [90, 40, 30, 30, 26, 26, 20, 15, 10]


def test_the_record_of_a_consent_is_not_told_twice(store: Store) -> None:
    assert packed(EVENT, 3) not in entries(store)
    assert packed(EVENT, 5) in entries(store)  # what an identify call says beside the consent stays


def test_the_newest_are_told_first(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timeline, "FIRST", 3)
    told: list[array[int]] = []
    whole = entries(store, told=told)
    assert [list(ids) for ids in told] == [whole[:3]]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("kind:message", {packed(MESSAGE, 1), packed(MESSAGE, 2)}),
        ("kind:message state:sent", {packed(MESSAGE, 1)}),
        ("channel:store", {packed(EVENT, 2)}),
        ("A-1", {packed(EVENT, 2)}),
        ("kind:event !store", {packed(EVENT, 1), packed(EVENT, 5)}),
        ("trigger:bas !kind:message", {packed(DECISION, 1), packed(DECISION, 2)}),
        ("source:crm", {packed(CONSENT, 1), packed(CONSENT, 2)}),
        ("suppress", {packed(DECISION, 2)}),
        ("%", set()),
    ],
)
def test_a_filter_narrows_all_four(store: Store, text: str, wanted: set[int]) -> None:
    assert set(entries(store, text)) == wanted


def test_entries_that_are_gone_are_left_out(store: Store) -> None:
    with store.reading() as connection:
        assert list(timeline.rows(connection, [packed(EVENT, 1), packed(EVENT, 999)])) == [packed(EVENT, 1)]
        assert timeline.channels(connection, 1) == ["email", "store", "web"]
        assert timeline.unpacked(packed(DECISION, 7)) == (DECISION, 7)


def test_every_part_is_read_by_the_customer_and_the_newest_events_without_a_sort(store: Store) -> None:
    asked: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        if statement.startswith("SELECT"):
            asked.append((statement, parameters))

    with store.reading() as connection:
        listening.listen(connection, "before_cursor_execute", note)
        timeline._merged(connection, 1, (), set(), 10)
        listening.remove(connection, "before_cursor_execute", note)
        plans = [
            "\n".join(row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {s}", p))
            for s, p in asked
        ]
    assert "COVERING INDEX ix_events_timeline (customer_id=?)" in plans[0]
    assert "TEMP B-TREE" not in plans[0]
    for plan in plans:
        assert "SEARCH" in plan
        assert "(customer_id=?)" in plan
