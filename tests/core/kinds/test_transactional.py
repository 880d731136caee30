"""An act within a transaction."""

from __future__ import annotations

from typing import Any

import pytest

from core.language import ConditionContext
from core.model.when import When
from tests.core.builders import condition, event, identify, on, play, playbook, rows, trigger

RICH = condition("value >= 30 and orders < 1", ConditionContext.WHERE)


@pytest.mark.parametrize(
    ("when", "properties", "fires"),
    [
        (on("Cart"), {}, True),
        (on("Cart", where=RICH), {"value": 30}, True),
        (on("Cart", where=RICH), {"value": 29.99}, False),
        (on("Cart", where=RICH), {}, False),
        (on("Cart"), {"kind": "page"}, True),
        (on("Cart"), {"kind": "identify"}, False),
        (on("Other"), {}, False),
    ],
)
def test_it_fires_on_each_event_of_the_name_for_which_where_holds(
    when: When, properties: dict[str, Any], fires: bool
) -> None:
    plan = play(playbook(trigger("t", when)), event("Cart", "Mon 10:00", **properties), until="Mon 12:00")
    assert rows(plan) == (["Mon 10:00 t email send"] if fires else [])


def test_where_sees_the_customer_as_she_is_with_the_event() -> None:
    book = playbook(
        trigger(
            "t",
            on(
                "Order Completed",
                where=condition("orders == 1 and trait.club == 'gold'", ConditionContext.WHERE),
            ),
        )
    )
    events = [
        identify("Mon 09:00", club="gold"),
        event("Order Completed", "Mon 10:00"),
        event("Order Completed", "Mon 11:00"),
    ]
    assert rows(play(book, *events)) == ["Mon 10:00 t email send"]


def test_enrolments_of_one_trigger_may_overlap() -> None:
    plan = play(
        playbook(trigger("t", on("Cart", after=7_200_000))),
        event("Cart", "Mon 10:00"),
        event("Cart", "Mon 11:00"),
    )
    assert rows(plan) == ["Mon 12:00 t email send", "Mon 13:00 t email send"]
