"""An order is one order, whoever tells of it and however often, against a real database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count, permutations
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from core.model.events import AGAIN, ELSEWHERE, FIRST, LONG_AFTER
from core.sources.segment import Incoming, parse_call
from storage.intake.batch import Memory, take
from storage.intake.identities import unmerge
from storage.intake.refolding import refold
from storage.schema.customers import customers
from storage.schema.events import events
from storage.schema.profiles import READ_COLUMNS, profile_from
from storage.store import Store

NOW = 1_772_000_000_000
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
_messages = count()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.create(tmp_path / "shop.db") as store:
        yield store


def told(event: str, at: int, *, source: str = "shop", **said: Any) -> Incoming:
    """A call about order A1 by u1, `at` seconds after NOW, unless it says otherwise."""
    who: dict[str, Any] = {
        name: said.pop(name) for name in ("userId", "anonymousId", "context") if name in said
    }
    record: dict[str, Any] = {
        "type": "track", "event": event, "messageId": said.pop("message", f"m{next(_messages)}"),
        "properties": {"order_id": "A1"} | said, **(who or {"userId": "u1"}),
    }  # fmt: skip
    return parse_call(record, source=source, arrived_at=NOW + at * 1_000, zone=ZoneInfo("UTC"))


def bought(at: int, revenue: float = 60, **said: Any) -> Incoming:
    return told("Order Completed", at, revenue=revenue, **said)


def taken(store: Store, *batch: Incoming, at: int = 600, in_force: bool = False, **options: Any) -> None:
    with store.writing() as connection:
        concerns = (lambda *_: True) if in_force else None
        take(connection, batch, arrived_at=NOW + at * 1_000, concerns=concerns, **options)


def sums(store: Store) -> dict[str, tuple[int, int]]:
    """Orders and revenue in minor units by customer, and that a profile worked out anew is the same."""
    with store.reading() as connection:
        rows = connection.execute(select(customers).where(customers.c.merged_into.is_(None))).all()
        for row in rows:
            anew = refold(connection, row.id)
            known = row._asdict()
            differing = {name for name, value in anew.items() if not _alike(known[name], value)}
            assert not differing
    return {row.key: (row.orders, row.revenue) for row in rows}


def _alike(one: Any, other: Any) -> bool:
    is_json = isinstance(one, str) and one.startswith("{") and isinstance(other, str)
    return bool(orjson.loads(one) == orjson.loads(other) if is_json else one == other)


def standings(store: Store) -> list[int]:
    with store.reading() as connection:
        return list(connection.execute(select(events.c.standing).order_by(events.c.id)).scalars())


@pytest.mark.parametrize("at_once", [True, False])
def test_an_order_that_is_told_three_times_counts_once(store: Store, at_once: bool) -> None:
    calls = [bought(0), bought(60, source="server"), bought(120)]
    memory = Memory()
    for batch in [calls] if at_once else [[call] for call in calls]:
        taken(store, *batch, memory=memory)
    assert sums(store) == {"u1": (1, 6_000)}
    assert standings(store) == [FIRST, AGAIN, AGAIN]


def test_the_telling_that_occurred_first_counts_whichever_came_first(store: Store) -> None:
    taken(store, bought(120), bought(60), bought(0))
    assert standings(store) == [AGAIN, AGAIN, FIRST]


def test_with_a_playbook_in_force_the_telling_that_arrived_first_counts(store: Store) -> None:
    taken(store, bought(120), in_force=True)
    taken(store, bought(60), at=700, in_force=True)
    assert standings(store) == [FIRST, AGAIN]


def test_what_is_told_later_corrects_what_an_order_comes_to(store: Store) -> None:
    taken(store, bought(0), told("Order Updated", 50, total=80))
    assert sums(store) == {"u1": (1, 8_000)}
    taken(store, told("Order Refunded", 70, total=500), told("Order Returned", 90, total=10))
    assert sums(store) == {"u1": (1, 0)}
    taken(store, told("Order Cancelled", 100), bought(200, source="server"))
    assert sums(store) == {"u1": (0, 0)}


def test_an_update_of_an_order_that_is_not_yet_told_counts_nothing_until_it_comes(store: Store) -> None:
    taken(store, told("Order Updated", 50, total=80))
    assert sums(store) == {"u1": (0, 0)}
    taken(store, bought(0))
    assert sums(store) == {"u1": (1, 8_000)}


@pytest.mark.parametrize("number", [None, "", "0", "null", "undefined", "N/A"])
def test_without_a_number_each_telling_is_an_order_of_its_own(store: Store, number: str | None) -> None:
    taken(store, bought(0, order_id=number), bought(1, order_id=number))
    assert sums(store) == {"u1": (2, 12_000)}


def test_a_free_order_is_an_order(store: Store) -> None:
    taken(store, bought(0, revenue=0))
    assert sums(store) == {"u1": (1, 0)}


@pytest.mark.parametrize("person_first", [True, False])
@pytest.mark.parametrize("at_once", [True, False])
def test_an_order_of_a_visitor_and_of_a_person_counts_for_the_person_alone(
    store: Store, person_first: bool, at_once: bool
) -> None:
    calls = [bought(0), bought(0, anonymousId="a1", source="browser")]
    calls = calls if person_first else calls[::-1]
    for batch in [calls] if at_once else [[call] for call in calls]:
        taken(store, *batch)
    assert sums(store) == {"u1": (1, 6_000), "anonymous:a1": (0, 0)}
    assert sorted(standings(store)) == [FIRST, ELSEWHERE]


def test_two_known_people_with_one_number_have_an_order_each(store: Store) -> None:
    taken(store, bought(0), bought(5, userId="u2"))
    assert sums(store) == {"u1": (1, 6_000), "u2": (1, 6_000)}


def test_of_two_visitors_the_one_who_told_first_has_the_order(store: Store) -> None:
    taken(store, bought(5, anonymousId="a2"), bought(0, anonymousId="a1"))
    assert sums(store) == {"anonymous:a1": (1, 6_000), "anonymous:a2": (0, 0)}


def test_a_visitor_who_becomes_known_by_an_address_of_her_own_has_an_order_of_her_own(store: Store) -> None:
    taken(store, bought(0), bought(1, anonymousId="a1"))
    taken(store, told("Page", 9, anonymousId="a1", context={"traits": {"email": "eva@x.ch"}}))
    assert [orders for orders, _ in sums(store).values()] == [1, 1]


@pytest.mark.parametrize("in_force", [True, False])
def test_who_turns_out_to_be_one_has_one_order_and_two_when_parted_again(
    store: Store, in_force: bool
) -> None:
    taken(store, bought(0), bought(1, anonymousId="a1"), in_force=in_force)
    both = told("Page", 9, userId="u1", anonymousId="a1")
    taken(store, both, bought(20, order_id="A2"), in_force=in_force)
    assert sums(store) == {"u1": (2, 12_000)}
    assert standings(store)[:2] == [FIRST, AGAIN]
    with store.writing() as connection:
        unmerge(connection, 1, at=NOW + 900_000, wake=in_force)
    assert sums(store) == {"u1": (2, 12_000), "anonymous:a1": (0, 0)}


def test_a_batch_that_joins_two_goes_on_with_the_orders_of_both(store: Store) -> None:
    calls = [bought(0), bought(1, anonymousId="a1", order_id="A2")]
    join = told("Page", 9, userId="u1", anonymousId="a1")
    taken(store, *calls, join, bought(10), bought(11, order_id="A2"), told("Order Cancelled", 12))
    assert sums(store) == {"u1": (1, 6_000)}


ACTS = ["Order Completed", "Order Updated", "Order Cancelled", "Order Returned", "Order Refunded"]
drawn_calls = st.builds(
    lambda act, at, revenue, order, who: told(
        act, at, order_id=order, revenue=revenue, **who, message=f"{act}{at}{revenue}{order}{who}"
    ),
    st.sampled_from(ACTS), st.integers(0, 3), st.integers(0, 3), st.sampled_from(["A1", "A2", "A3"]),
    st.sampled_from([{"userId": "u1"}, {"anonymousId": "a1"}, {"userId": "u2"}]),
)  # fmt: skip


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(drawn_calls, max_size=12, unique_by=lambda call: call.dedup), st.randoms(), st.integers(1, 12)
)
def test_neither_the_order_of_lines_nor_batches_change_what_orders_come_to(
    calls: Sequence[Incoming], random: Any, size: int
) -> None:
    found = []
    shuffled = list(calls)
    random.shuffle(shuffled)
    with TemporaryDirectory(dir=MEMORY) as folder:
        for name, batch in (("a", list(calls)), ("b", shuffled)):
            with Store.create(Path(folder) / f"{name}.db") as store:
                memory = Memory()
                for start in range(0, len(batch), size):
                    taken(store, *batch[start : start + size], memory=memory)
                found.append(sums(store))
    assert found[0] == found[1]


# ---- told again long after ----

LATER = 3 * 24 * 3_600


def basket_items(store: Store) -> int | None:
    """Of the only customer; a profile worked out anew is the same."""
    assert sums(store)
    with store.reading() as connection:
        profile = profile_from(connection.execute(select(*READ_COLUMNS)).one())
    return profile.basket_items


def put(at: int, product: str = "p1") -> Incoming:
    return told("Product Added", at, product_id=product)


# what the engine has played as the purchase stays it, so with a playbook in force the order comes first
@pytest.mark.parametrize(
    ("order", "in_force"),
    [(order, in_force) for in_force in (True, False) for order in permutations(range(3))
     if not in_force or order.index(0) < order.index(2)],
    ids=str,
)  # fmt: skip
def test_a_page_that_is_loaded_again_empties_no_new_basket(
    store: Store, order: tuple[int, ...], in_force: bool
) -> None:
    calls = [bought(0), put(LATER - 60), bought(LATER, source="page")]
    for place, each in enumerate(order):
        taken(store, calls[each], at=LATER + 60 + place, in_force=in_force)
    assert basket_items(store) == 1
    assert sums(store) == {"u1": (1, 6_000)}


def test_two_sources_of_one_purchase_leave_no_basket(store: Store) -> None:
    taken(store, bought(0, source="list"), put(60), bought(3_600, source="shop"))
    assert basket_items(store) == 0
    assert standings(store) == [FIRST, FIRST, AGAIN]


def test_what_is_told_again_long_after_still_corrects_the_amount(store: Store) -> None:
    taken(store, bought(0), bought(LATER, revenue=70, source="page"), at=LATER + 60)
    assert sums(store) == {"u1": (1, 7_000)}
    assert standings(store) == [FIRST, LONG_AFTER]
