"""Behaviour: so many times within a span, and a rhythm that changes."""

from __future__ import annotations

from typing import Any

import pytest

from core.instants import DAY
from core.language import ConditionContext
from tests.core.builders import condition, event, on_behaviour, order, play, playbook, rows, trigger


@pytest.mark.parametrize(
    ("at_least", "within", "times", "fires"),
    [
        (1, None, ["Mon 10:00", "Mon 11:00"], ["Mon 10:00", "Mon 11:00"]),
        (3, None, ["Mon 10:00", "Tue 10:00", "Sat 10:00", "Sat 11:00"], ["Sat 10:00"]),
        (2, DAY, ["Mon 10:00", "Tue 09:59"], ["Tue 09:59"]),
        (2, DAY, ["Mon 10:00", "Tue 10:00"], []),
        (2, DAY, ["Mon 10:00", "Mon 11:00", "Mon 12:00"], ["Mon 11:00"]),
        (2, DAY, ["Mon 10:00", "Mon 11:00", "Wed 11:00", "Wed 12:00"], ["Mon 11:00", "Wed 12:00"]),
    ],
)
def test_it_fires_on_the_event_that_makes_them_so_many(
    at_least: int, within: int | None, times: list[str], fires: list[str]
) -> None:
    book = playbook(trigger("t", on_behaviour("Seen", at_least=at_least, within=within)))
    assert rows(play(book, *(event("Seen", when) for when in times))) == [
        f"{when} t email send" for when in fires
    ]


def test_several_events_count_together_and_where_holds_for_each() -> None:
    when = on_behaviour(
        "Seen", "Liked", at_least=2, within=DAY, where=condition("price >= 50", ConditionContext.WHERE)
    )
    events = [
        event("Seen", "Mon 10:00", price=60),
        event("Liked", "Mon 11:00", price=40),
        event("Liked", "Mon 12:00", price=50),
    ]
    assert rows(play(playbook(trigger("t", when)), *events)) == ["Mon 12:00 t email send"]


def test_with_per_only_events_of_the_same_value_count_together() -> None:
    when = on_behaviour("Seen", at_least=2, within=DAY, per="product_id")
    events = [event("Seen", f"Mon 1{hour}:00", product_id=product) for hour, product in enumerate("abcb")]
    assert rows(play(playbook(trigger("t", when)), *events)) == ["Mon 13:00 t email send"]


@pytest.mark.parametrize("nothing", [{}, {"product_id": ""}, {"product_id": "null"}, {"product_id": None}])
def test_with_per_an_event_that_names_no_value_stands_for_itself(nothing: dict[str, Any]) -> None:
    book = playbook(trigger("t", on_behaviour("Seen", at_least=2, within=DAY, per="product_id")))
    silent = [event("Seen", f"Mon {hour}:00", **nothing) for hour in (11, 12)]
    assert rows(play(book, event("Seen", "Mon 10:00", product_id="shoe"), *silent)) == []


def test_with_per_a_number_and_its_text_are_one_value() -> None:
    book = playbook(trigger("t", on_behaviour("Seen", at_least=3, within=DAY, per="product_id")))
    seen = [event("Seen", f"Mon 1{hour}:00", product_id=it) for hour, it in enumerate([7, "7", 7.0])]
    assert rows(play(book, *seen)) == ["Mon 12:00 t email send"]


def test_settled_history_counts() -> None:
    book = playbook(trigger("t", on_behaviour("Seen", at_least=2, within=DAY)))
    known = (event("Seen", "2025-03-02 20:00"),)
    assert rows(play(book, event("Seen", "Mon 10:00"), history=known)) == ["Mon 10:00 t email send"]


@pytest.mark.parametrize(
    ("change", "days", "fires"),
    [
        (2.0, [1, 3, 5], ["2025-03-11 12:00"]),  # mean of two days: overdue after four
        (2.0, [1, 3], []),  # one interval is no rhythm
        (1.5, [1, 2, 5], ["2025-03-10 12:00"]),  # (1 + 3) / 2 = 2 days, times 1.5
        (0.5, [1, 5, 9, 11], ["2025-03-13 12:00"]),  # 2 <= half of 4
        (0.5, [1, 5, 9, 12], []),
        (0.5, [1, 5, 6], []),
    ],
)
def test_a_rhythm_needs_two_intervals_and_is_measured_by_their_mean(
    change: float, days: list[int], fires: list[str]
) -> None:
    book = playbook(trigger("t", on_behaviour("Order Completed", change=change)))
    events = [order(f"2025-03-{2 + day:02d} 12:00") for day in days]
    plan = play(book, *events, until="2025-04-30 00:00")
    assert rows(plan) == [f"{when} t email send" for when in fires]
