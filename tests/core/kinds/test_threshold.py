"""Crossing a mark from below, once; and silences."""

from __future__ import annotations

from typing import Any

import pytest

from core.instants import DAY
from core.model.events import Event
from core.model.triggers import NEVER
from tests.core.builders import at, event, on_crossing, order, play, playbook, rows, trigger

MARK = 10_000  # a hundred francs


def returned(when: str, amount: float, **properties: Any) -> Event:
    return event("Order Returned", when, revenue=amount, **properties)


def refunded(when: str, amount: float, **properties: Any) -> Event:
    return event("Order Refunded", when, revenue=amount, **properties)


@pytest.mark.parametrize(
    ("when", "events", "fires"),
    [
        (
            {"metric": "orders", "threshold": 2},
            [order("Mon 10:00"), order("Tue 10:00"), order("Wed 10:00")],
            ["Tue 10:00"],
        ),
        (
            {"metric": "revenue", "threshold": MARK},
            [order("Mon 10:00", 99.99), order("Tue 10:00", 0.01)],
            ["Tue 10:00"],
        ),
        ({"metric": "revenue", "threshold": MARK}, [order("Mon 10:00", 250)], ["Mon 10:00"]),
        (
            {"metric": "revenue", "threshold": MARK},
            [order("Mon 10:00", 60), returned("Tue 10:00", 20), order("Wed 10:00", 60)],
            ["Wed 10:00"],
        ),
        (
            {"metric": "revenue_gross", "threshold": MARK},
            [order("Mon 10:00", 60), returned("Tue 10:00", 60), order("Wed 10:00", 40)],
            ["Wed 10:00"],
        ),
        (
            {"metric": "revenue", "threshold": MARK},
            [order("Mon 10:00", 100), returned("Tue 10:00", 1), order("Wed 10:00", 1)],
            ["Mon 10:00", "Wed 10:00"],
        ),
        (
            {"metric": "revenue", "threshold": MARK},
            [
                order("Mon 10:00", 90, order_id="a"),
                returned("Tue 10:00", 30, order_id="a"),
                refunded("Tue 11:00", 30, order_id="a"),
                order("Wed 10:00", 40),
            ],
            ["Wed 10:00"],
        ),
        (
            {"metric": "returns", "threshold": 2},
            [
                returned("Mon 10:00", 1, order_id="a"),
                refunded("Mon 11:00", 1, order_id="a"),
                returned("Tue 10:00", 1),
            ],
            ["Tue 10:00"],
        ),
        (
            {"metric": "units", "threshold": 3},
            [order("Mon 10:00", products=[{"quantity": 2}]), order("Tue 10:00", products=[{}])],
            ["Tue 10:00"],
        ),
        (
            {"metric": "orders", "threshold": 2, "within": DAY},
            [order("Mon 10:00"), order("Tue 10:00"), order("Wed 09:59")],
            ["Wed 09:59"],
        ),
        (
            {"metric": "revenue", "threshold": 9_000, "within": DAY},
            [
                order("Mon 10:00", 60),
                returned("Mon 11:00", 20),
                order("Mon 12:00", 49),
                order("Mon 13:00", 1),
            ],
            ["Mon 13:00"],
        ),
        (
            {"metric": "count", "metric_event": "Visited", "threshold": 2},
            [event("Visited", "Mon 10:00"), event("Visited", "Tue 10:00")],
            ["Tue 10:00"],
        ),
        (
            {"metric": "sum", "metric_event": "Points", "metric_property": "n", "threshold": 5},
            [
                event("Points", "Mon 10:00", n=2.5),
                event("Points", "Mon 11:00", n="9"),
                event("Points", "Tue 10:00", n=2.5),
            ],
            ["Tue 10:00"],
        ),
    ],
)
def test_it_fires_on_the_event_that_reaches_the_mark_from_below(
    when: dict[str, Any], events: list[Event], fires: list[str]
) -> None:
    assert rows(play(playbook(trigger("t", on_crossing(**when))), *events)) == [
        f"{moment} t email send" for moment in fires
    ]


def test_a_mark_is_crossed_once_although_an_older_event_arrives_later() -> None:
    when = on_crossing(metric="count", metric_event="Visited", threshold=2)
    events = [
        event("Visited", "Mon 10:00"),
        event("Visited", "Mon 12:00"),
        event("Visited", "Mon 11:00", arrived="Mon 13:00"),
    ]
    assert rows(play(playbook(trigger("t", when)), *events)) == ["Mon 12:00 t email send"]


def test_events_too_old_to_enrol_cross_silently() -> None:
    book = playbook(trigger("t", on_crossing(metric="orders", threshold=1)))
    assert rows(play(book, order("2025-02-20 10:00", arrived="Mon 10:00"), order("Tue 10:00"))) == []


def test_a_return_and_a_purchase_again_do_not_fire_twice_where_reentry_is_never() -> None:
    book = playbook(trigger("t", on_crossing(metric="revenue", threshold=100), reentry=NEVER))
    assert rows(play(book, order("Mon 10:00", 1), returned("Tue 10:00", 1), order("Wed 10:00", 1))) == [
        "Mon 10:00 t email send"
    ]


@pytest.mark.parametrize(
    ("when", "fires"),
    [
        ({"inactive_for": DAY}, ["Tue 18:00", "Fri 10:00"]),
        ({"inactive_for": DAY, "activity": ["Order Completed"]}, ["Tue 10:00", "Fri 10:00"]),
        ({"inactive_for": 3 * DAY}, ["Sun 10:00"]),
        ({"inactive_for": DAY, "activity": ["Store Visited"]}, []),
    ],
)
def test_a_silence_is_measured_from_the_last_activity_over_any_channel(
    when: dict[str, Any], fires: list[str]
) -> None:
    acts = [
        order("Mon 10:00"),
        event("Product Viewed", "Mon 18:00"),
        event("Email Opened", "Tue 09:00"),
        order("Thu 10:00", channel="store"),
    ]
    assert rows(play(playbook(trigger("t", on_crossing(**when))), *acts)) == [
        f"{moment} t email send" for moment in fires
    ]


def test_whoever_never_did_anything_is_not_inactive() -> None:
    assert rows(play(playbook(trigger("t", on_crossing(inactive_for=DAY))))) == []


@pytest.mark.parametrize(
    ("on_activation", "fires"), [("ignore", ["Fri 10:00"]), ("enrol", ["Wed 12:00", "Fri 10:00"])]
)
def test_those_inactive_already_enter_at_the_activation_where_asked(
    on_activation: str, fires: list[str]
) -> None:
    when = on_crossing(inactive_for=DAY, on_activation=on_activation)
    book = playbook(trigger("t", when, activated_at=at("Wed 12:00")))
    assert rows(play(book, order("Mon 10:00"), order("Thu 10:00"))) == [
        f"{moment} t email send" for moment in fires
    ]
