"""Preview: all customers who fall due within 14 days, with one decision each and with ten, beside merely
reading their rows.

Both under the example workspace, and again with every campaign of the catalogue in force beside it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

from console.forecast.diff import Comparison, compare
from console.forecast.preview import preview
from console.forecast.question import Question
from core.forecast.preview import Totals
from core.forecast.what_if import parse_change
from core.instants import DAY
from core.playbook.playbook import Playbook
from storage.sqlite import dbapi
from storage.store import Store
from tests.bench.bases import (
    NOW,
    busy_within,
    busy_workspace,
    due_within,
    folder,
    opened,
    seconds,
    typical_workspace,
    whole_catalogue,
)

SIZE = 100_000
SMALL = 600
AIMS = (10_000, 1_000)
"""Customers a second on two cores."""
AIM_DIFF = 2.0
CHANGE = "rule.three-a-week.limit=1"
BOOKS: dict[str, Callable[[Path], Path]] = {"": lambda place: place, "whole catalogue, ": whole_catalogue}
CHUNK = 500
READ = (
    "SELECT id, key, settled, settled_until, entries, erased_at, orders, revenue_gross, returned, returns, "
    "units, first_order_at,"
    " last_order_at, last_activity_at, traits, detail FROM customers WHERE id IN ({})",
    "SELECT customer_id, event_id FROM arrivals WHERE customer_id IN ({})",
    "SELECT customer_id, id, trigger, cause_key, cause_at, entered_at, step, planned_at, due_at, version, "
    "cause_event, waits_for,"
    " waits_until, last_message_at, resumed_at, key_value FROM enrolments WHERE customer_id IN ({}) AND "
    "state = 'open'",
    "SELECT customer_id, lands_at, channel, trigger, purpose, tags, weight, enrolment_id, step, released_at "
    "FROM messages"
    f" WHERE customer_id IN ({{}}) AND lands_at > {NOW - 32 * DAY}",
    "SELECT customer_id, id, kind, name, occurred_at, arrived_at, source, channel, amount, properties, "
    "history FROM events"
    f" WHERE customer_id IN ({{}}) AND name IN ('Product Viewed', 'Order Completed') AND occurred_at > "
    f"{NOW - 90 * DAY}",
    "SELECT customer_id, channel, purpose, state, occurred_at, arrived_at, address FROM consents WHERE "
    "customer_id IN ({})",
)


def run(size: int = SIZE) -> Iterator[str]:
    """The figures of one run, a line each: at about one decision a customer, and at ten, for a tenth of the
    customers.
    """
    for under, prepared in BOOKS.items():
        with folder() as place:
            store, playbook = opened(prepared(typical_workspace(place)))
            with store:
                due_within(store, size)
                question = Question(place, store.path, NOW, NOW, NOW + 14 * DAY)
                alone = yield from _previewed(
                    f"{under}one decision each", AIMS[0], size, question, store, playbook
                )
                yield _difference(under, question, store, alone)
        with folder() as place:
            store, playbook = opened(prepared(busy_workspace(place)))
            with store:
                busy_within(store, size // 10)
                question = Question(place, store.path, NOW, NOW, NOW + 14 * DAY)
                yield from _previewed(
                    f"{under}ten decisions each", AIMS[1], size // 10, question, store, playbook
                )


def _difference(under: str, question: Question, store: Store, alone: float) -> str:
    """What a difference takes, beside the seconds of one preview."""
    began = perf_counter()
    changed = _differing(replace(question, changes=(parse_change(CHANGE),)), store)
    taken = seconds(began)
    return (
        f"preview: {under}the difference that {CHANGE} makes, one process: {changed:,} customers change, "
        f"{taken:.2f} s,"
        f" {taken / alone:.1f} times a preview (aim: {AIM_DIFF:g})"
    )


def _previewed(
    what: str, aim: int, size: int, question: Question, store: Store, playbook: Playbook
) -> Generator[str, None, float]:
    """The lines of one base; the seconds that one process takes."""
    _ahead(question, store, playbook, 1)  # statements are compiled once a process
    began = perf_counter()
    rows = _read(store.path)
    reading = seconds(began)
    yield f"preview, {what}: {size:,} customers due; reading their {rows:,} rows: {reading:.2f} s"
    times = []
    for processes in (1, 2):
        began, used = perf_counter(), process_time()
        totals = _ahead(question, store, playbook, processes)
        times.append(taken := seconds(began))
        own = f" ({process_time() - used:.2f} s of processor time)" if processes == 1 else ""
        yield (
            f"preview, {what}, at most {processes} process{'es' if processes > 1 else ''}:"
            f" {totals.decisions:,} decisions in {taken:.2f} s{own},"
            f" {size / taken:,.0f} customers/s (aim on two cores: {aim:,}), {taken / reading:.1f} times "
            "reading"
        )
    return times[0]


def _differing(question: Question, store: Store) -> int:
    """How many customers' decisions are different."""
    return sum(part.diff.customers for part, _, _ in compare(Comparison(question), store, 1))


def _ahead(question: Question, store: Store, playbook: Playbook, processes: int) -> Totals:
    totals = Totals()
    for part, _, _ in preview(question, store, playbook, processes):
        totals.merge(part.totals)
    return totals


def _read(database: Path) -> int:
    """Fetch the rows, by chunks of customers as the preview does; how many they are."""
    raw = dbapi.connect(str(database))
    try:
        ids = [
            row[0]
            for row in raw.execute(
                f"SELECT id FROM customers WHERE next_due_at <= {NOW + 14 * DAY} ORDER BY id"
            )
        ]
        return sum(_read_chunk(raw, ids[start : start + CHUNK]) for start in range(0, len(ids), CHUNK))
    finally:
        raw.close()


def _read_chunk(raw: Any, ids: Sequence[int]) -> int:
    marks = ",".join("?" * len(ids))
    return sum(len(raw.execute(text.format(marks), ids).fetchall()) for text in READ)


if __name__ == "__main__":
    for line in run(int(sys.argv[1]) if len(sys.argv) > 1 else SIZE):
        print(line, flush=True)
