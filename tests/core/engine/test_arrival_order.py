"""What is told of one instant is taken in the same order, however the lines of a file stand."""

from __future__ import annotations

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from core.engine.arrival_order import in_order
from core.instants import DAY
from core.model.events import Event
from core.model.triggers import ALWAYS
from tests.core.builders import (
    condition,
    event,
    identify,
    on,
    on_crossing,
    order,
    play,
    playbook,
    rows,
    trigger,
)

TEN = "Mon 10:00"


def names(*arrivals: Event) -> list[str]:
    return [each.name or each.kind for each in in_order(arrivals)]


def test_what_is_said_of_a_person_comes_before_what_she_does() -> None:
    assert names(event("Product Viewed", "Mon 09:00", arrived=TEN), identify(TEN)) == [
        "identify", "Product Viewed",
    ]  # fmt: skip


def test_what_occurred_earlier_comes_first() -> None:
    later, earlier = event("A", "Mon 09:30", arrived=TEN), event("B", "Mon 09:00", arrived=TEN)
    assert names(later, earlier) == ["B", "A"]


@given(st.permutations(range(5)))
def test_the_words_on_an_order_follow_its_life(places: list[int]) -> None:
    acts = ("Completed", "Updated", "Cancelled", "Returned", "Refunded")
    told = [event(f"Order {act}", TEN) for act in acts]
    assert names(*(told[place] for place in places)) == [f"Order {act}" for act in acts]


@given(st.permutations(range(5)))
def test_the_words_on_consent_follow_its_life(places: list[int]) -> None:
    acts = ("Requested", "Confirmed", "Granted", "Withdrawn", "Objected")
    told = [event(f"Consent {act}", TEN) for act in acts]
    assert names(*(told[place] for place in places)) == [f"Consent {act}" for act in acts]


@given(st.permutations(range(4)))
def test_all_else_goes_by_name_then_source_then_message(places: list[int]) -> None:
    told = [
        event("Checkout Started", TEN, source="web")._replace(tie=b"2"),
        event("Product Viewed", TEN, source="till")._replace(tie=b"3"),
        event("Product Viewed", TEN, source="web")._replace(tie=b"1"),
        event("Product Viewed", TEN, source="web")._replace(tie=b"2"),
    ]
    numbered = [each._replace(id=place) for place, each in enumerate(told[number] for number in places)]
    found = [(each.name, each.source, each.tie) for each in in_order(numbered)]
    assert found == [(each.name, each.source, each.tie) for each in told]


def test_a_purchase_and_a_return_of_one_instant_cross_a_mark_once_in_whatever_order_they_stand() -> None:
    crossing = on_crossing(metric="revenue", threshold=100_000)
    book = playbook(trigger("vip", crossing, reentry=ALWAYS))
    first = order("Mon 08:00", 1200)
    together = (event("Order Returned", "Tue 10:00", revenue=500), order("Tue 10:00", 500))
    for one, other in permutations(together):
        told = [first, one._replace(id=101), other._replace(id=102)]
        assert rows(play(book, *told)) == ["Mon 08:00 vip email send"]


def test_an_audience_is_asked_of_an_order_and_another_event_of_one_instant_alike() -> None:
    book = playbook(trigger("buyers", on("Product Viewed"), audience=condition("orders >= 1"), max_age=DAY))
    together = (order(TEN), event("Product Viewed", TEN))
    for one, other in permutations(together):
        told = [one._replace(id=101), other._replace(id=102)]
        assert rows(play(book, *told)) == ["Mon 10:00 buyers email send"]
