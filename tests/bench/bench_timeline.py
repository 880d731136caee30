"""The first page of a customer's timeline, of one with few events and of one with many."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median
from time import perf_counter

from core.instants import MINUTE
from storage import customers
from storage.store import Store
from tests.bench.bases import AT_ONCE, NOW, Rows, folder, opened, seconds, typical_workspace

FEW = 100
MANY = 100_000
PAGE = 50
TIMES = 200
AIM = 1.5


def run(few: int = FEW, many: int = MANY) -> Iterator[str]:
    """The figures of one run, a line each."""
    with folder() as place:
        typical_workspace(place)
        store, _ = opened(place)
        with store:
            _fill(store, 1, few)
            _fill(store, 2, many, few + 1)
            _page(store, 1), _page(store, 2)  # statements are compiled once a process
            first = median(_page(store, 1) for _ in range(TIMES))
            second = median(_page(store, 2) for _ in range(TIMES))
    yield f"timeline: first page of {few:,} events: {first * 1000:.2f} ms"
    yield (
        f"timeline: first page of {many:,} events: {second * 1000:.2f} ms, {second / first:.2f} times (aim: "
        f"{AIM:g})"
    )


def _fill(store: Store, customer: int, count: int, first_event: int = 1) -> None:
    rows = Rows.begin()
    rows.next_event = first_event
    rows.customer(customer, "1980-11-05", NOW, None, {})
    for number in range(count):
        rows.event(
            customer,
            "Product Viewed",
            NOW - number * MINUTE,
            product_id=f"p{number % 500}",
            url="/p",
            title="A thing to look at",
        )
        if number % AT_ONCE == 0:
            rows.flush(store)
    rows.flush(store)


def _page(store: Store, customer: int) -> float:
    began = perf_counter()
    with store.reading() as connection:
        shown = list(customers.timeline(connection, customer, limit=PAGE))
    assert shown
    return seconds(began)


if __name__ == "__main__":
    for line in run():
        print(line, flush=True)
