"""What ends an enrolment: `unless` within its closed span, `[exit]` for as long as it runs, over any
source.
"""

from __future__ import annotations

from typing import Any

import pytest

from core.engine.goals import ends, first_due
from core.engine.state import CustomerState
from core.instants import DAY, HOUR, MINUTE
from tests.core.builders import (
    at,
    dossier,
    enrolment,
    event,
    on,
    on_behaviour,
    on_crossing,
    order,
    play,
    playbook,
    step,
    trigger,
)

JOURNEY = trigger(
    "t",
    on("Cart", after=HOUR, unless=["Stop"], per="cart"),
    step(after=MINUTE),
    step(after=DAY),
    exits=frozenset({"Order Completed"}),
)
LIFE = CustomerState(dossier(), playbook(JOURNEY))


def test_the_first_step_is_due_after_the_kinds_delay_and_its_own() -> None:
    assert first_due(JOURNEY, at("Mon 10:00")) == at("Mon 11:01")


@pytest.mark.parametrize(
    ("name", "when", "open_step", "ended"),
    [
        ("Stop", "Mon 09:59", 1, False),
        ("Stop", "Mon 10:00", 1, True),
        ("Stop", "Mon 11:01", 1, True),
        ("Stop", "Mon 11:02", 1, False),
        ("Stop", "Mon 10:30", 2, False),
        ("Order Completed", "Mon 09:59", 1, False),
        ("Order Completed", "Mon 10:00", 1, True),
        ("Order Completed", "Fri 10:00", 2, True),
        ("Product Viewed", "Mon 10:30", 1, False),
    ],
)
def test_an_event_ends_by_when_it_occurred(name: str, when: str, open_step: int, ended: bool) -> None:
    assert (
        ends(
            event(name, when),
            enrolment(JOURNEY, "Mon 10:00", step=open_step, planned_at=at("Mon 11:01")),
            JOURNEY,
            LIFE,
        )
        is ended
    )


def test_the_span_of_unless_moves_with_a_shifted_step() -> None:
    shifted = enrolment(JOURNEY, "Mon 10:00", planned_at=at("Tue 11:01"))
    assert ends(event("Stop", "Tue 11:00"), shifted, JOURNEY, LIFE)


@pytest.mark.parametrize(
    ("properties", "ended"),
    [({"cart": "a"}, True), ({"cart": "b"}, False), ({}, True), ({"cart": None}, True), ({"cart": 7}, False)],
)
def test_with_per_another_key_ends_nothing_and_an_event_without_the_property_ends_all(
    properties: dict[str, Any], ended: bool
) -> None:
    under_way = enrolment(JOURNEY, "Mon 10:00", key_value="a")
    assert ends(order("Mon 10:30", **properties), under_way, JOURNEY, LIFE) is ended


def test_the_cause_itself_ends_nothing() -> None:
    again = trigger("t", on("Order Completed"), exits=frozenset({"Order Completed"}))
    cause = order("Mon 10:00")
    assert not ends(
        cause,
        enrolment(again, "Mon 10:00", cause_event=cause.id),
        again,
        CustomerState(dossier(), playbook(again)),
    )


@pytest.mark.parametrize(
    ("when", "key", "name", "occurred", "ended"),
    [
        (on_crossing(inactive_for=DAY), "since:0", "Product Viewed", "Mon 10:00", True),
        (on_crossing(inactive_for=DAY), "since:0", "Product Viewed", "Sun 10:00", True),
        (on_crossing(inactive_for=DAY), "since:0", "Email Opened", "Sun 10:00", False),
        (on_crossing(inactive_for=DAY), "since:0", "Product Viewed", "2025-03-01 10:00", False),
        (
            on_crossing(inactive_for=DAY, activity=["Order Completed"]),
            "since:0",
            "Product Viewed",
            "Mon 10:00",
            False,
        ),
        (
            on_behaviour("Order Completed", change=2.0),
            f"since:{at('Mon 09:00')}",
            "Order Completed",
            "Mon 09:01",
            True,
        ),
        (
            on_behaviour("Order Completed", change=2.0),
            f"since:{at('Mon 09:00')}",
            "Order Completed",
            "2025-03-01 09:00",
            False,
        ),
    ],
)
def test_an_act_since_the_silence_began_ends_it(
    when: object, key: str, name: str, occurred: str, ended: bool
) -> None:
    silent = trigger("t", when)  # type: ignore[arg-type]
    under_way = enrolment(silent, "Mon 12:00")
    under_way.cause_key = key
    assert ends(event(name, occurred), under_way, silent, CustomerState(dossier(), playbook(silent))) is ended


def test_the_row_names_the_event_that_reached_the_goal() -> None:
    plan = play(
        playbook(trigger("basket", on("Checkout Started", after=HOUR, unless=["Order Completed"]))),
        event("Checkout Started", "Mon 10:00"),
        event("Order Completed", "Mon 10:30", channel="store"),
    )
    assert [objection.detail for objection in plan.decisions[0].objections] == ["Order Completed over store"]
