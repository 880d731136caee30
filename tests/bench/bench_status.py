"""`manometer status` where everybody is overdue: a million customers, each with a decision and a message that
nobody hands over.

    python -m tests.bench.bench_status [CUSTOMERS]
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest
from sqlalchemy import insert

from console import clock
from console.main import main
from core.instants import DAY, HOUR
from storage.schema.customers import customers
from storage.schema.decisions import decisions
from storage.schema.enrolments import enrolments
from storage.schema.events import events
from storage.schema.messages import messages
from storage.store import Store
from tests.bench.bases import folder, seconds
from tests.console.lives import workspace

PORTION = 20_000


def overdue(place: Path, number: int) -> Path:
    """A workspace whose customers were all due yesterday, and whose messages were all planned then."""
    shop = workspace(place / "shop", [])
    assert main(["-w", str(shop), "apply", "--yes"]) == 0
    due = clock.now() - DAY
    with Store.open(shop / "manometer.db") as store:
        for first in range(1, number + 1, PORTION):
            ids = range(first, min(first + PORTION, number + 1))
            with store.writing() as connection:
                for table, rows in _rows(ids, due):
                    connection.execute(insert(table), list(rows))
    return shop


def _rows(ids: range, due: int) -> Iterator[tuple[Any, Iterator[dict[str, object]]]]:
    yield customers, (
        {"id": i, "key": f"c{i}", "email": f"c{i}@example.ch", "next_due_at": due + i % 1000,
         "planned_version": 1}
        for i in ids
    )  # fmt: skip
    yield events, (
        {"id": i, "dedup": i.to_bytes(16, "big"), "customer_id": i, "kind": "track",
         "name": "Checkout Started", "occurred_at": due - HOUR, "arrived_at": due - HOUR, "source": "shop"}
        for i in ids
    )  # fmt: skip
    yield enrolments, (
        {"id": i, "customer_id": i, "trigger": "basket", "cause_key": "e", "cause_at": due, "cause_event": i,
         "entered_at": due, "version": 1, "state": "open", "step": 1, "planned_at": due}
        for i in ids
    )  # fmt: skip
    yield messages, (
        {"id": i, "key": f"k{i}", "customer_id": i, "enrolment_id": i, "trigger": "basket", "step": 1,
         "channel": "email", "template": "note", "state": "planned", "planned_at": due + i % 1000,
         "expires_at": due + 3 * DAY, "lands_at": due, "purpose": "marketing", "weight": 1000, "counts": 1}
        for i in ids
    )  # fmt: skip
    yield decisions, (
        {"id": i, "at": due, "customer_id": i, "enrolment_id": i, "trigger": "basket", "step": 1,
         "channel": "email", "outcome": "send", "planned_at": due, "message_id": i, "version": 1}
        for i in ids
    )  # fmt: skip


def measure(number: int) -> None:
    """Print how long `status` takes, its interpreter's start left out."""
    with folder() as place:
        shop = overdue(place, number)
        for _ in range(3):
            begun = perf_counter()
            code = main(["-w", str(shop), "status", "--json"])
            print(f"status with {number:,} customers overdue: {seconds(begun):.2f} s, exit code {code}")


@pytest.mark.bench
def test_status_where_everybody_is_overdue() -> None:
    measure(20_000)


if __name__ == "__main__":
    measure(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
