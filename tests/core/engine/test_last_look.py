"""The last look before hand-over: what has become known since the decision cancels a planned message."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from core.engine.last_look import Handover, last_look
from core.instants import DAY, HOUR
from core.model.customer import Consent, Suppression
from core.model.reasons import Reason
from core.model.triggers import Goal, Trigger
from core.playbook.index import PlaybookIndex
from core.playbook.playbook import Playbook
from core.playbook.versions import Former
from tests.core.builders import (
    at,
    condition,
    dossier,
    event,
    identify,
    on,
    on_behaviour,
    on_crossing,
    order,
    pause,
    playbook,
    step,
    trigger,
)  # fmt: skip

BASKET = trigger(
    "t", on("Cart", unless=["Stop"], per="cart"), step(expires=DAY), exits=frozenset({"Order Completed"})
)
PLANNED = Handover(
    "t",
    1,
    "email",
    "anna@example.org",
    "cart:a",
    at("Mon 10:00"),
    at("Mon 10:00"),
    at("Mon 10:00"),
    at("Tue 10:00"),
    cause_event=0,
    key_value="a",
)
BOUNCED = Suppression("email", "anna@example.org", "bounced", at("Mon 11:00"))
WITHDRAWN = Consent("email", "*", "withdrawn", at("Mon 11:00"), at("Mon 11:00"))


def reason(
    book: Playbook, when: str = "Mon 12:00", handover: Handover = PLANNED, **fields: Any
) -> str | None:
    found = last_look(handover, dossier(*fields.pop("arrivals", ()), **fields), book, at(when))
    return None if found is None else found.reason.value


@pytest.mark.parametrize(
    ("book", "fields", "expected"),
    [
        (playbook(BASKET), {}, None),
        (playbook(BASKET), {"when": "Tue 10:00"}, None),
        (playbook(BASKET), {"when": "Tue 10:01"}, "EXPIRED"),
        (playbook(BASKET), {"arrivals": [order("Mon 11:00", channel="store")]}, "GOAL_REACHED"),
        (playbook(BASKET), {"history": (order("Mon 11:00"),)}, "GOAL_REACHED"),
        (playbook(BASKET), {"arrivals": [order("Mon 11:00", cart="a")]}, "GOAL_REACHED"),
        (playbook(BASKET), {"arrivals": [order("Mon 11:00", cart="b")]}, None),
        (playbook(BASKET), {"history": (order("Mon 09:00"),)}, None),
        (playbook(BASKET), {"arrivals": [event("Stop", "Mon 10:00")]}, None),
        (playbook(BASKET), {"arrivals": [identify("Mon 11:00", email=None)]}, "NO_ADDRESS"),
        (playbook(BASKET), {"suppressions": (BOUNCED,)}, "ADDRESS_SUPPRESSED"),
        (playbook(BASKET), {"consents": (WITHDRAWN,)}, "NO_CONSENT"),
        (playbook(BASKET), {"erased_at": at("Mon 11:00")}, "CUSTOMER_ERASED"),
        (playbook(BASKET, pauses=(pause("t", "Mon 11:00"),)), {}, "TRIGGER_PAUSED"),
        (playbook(BASKET, pauses=(pause("*", "Mon 11:00"),)), {}, "STOPPED"),
        (playbook(replace(BASKET, status="retired")), {}, "TRIGGER_RETIRED"),
        (playbook(), {}, "TRIGGER_RETIRED"),
        (playbook(replace(BASKET, audience=condition("orders >= 1"))), {}, "LEFT_AUDIENCE"),
        (
            playbook(replace(BASKET, audience=condition("orders >= 1"))),
            {"arrivals": [order("Mon 09:00")]},
            None,
        ),
    ],
)
def test_what_has_become_known_since_cancels(
    book: Playbook, fields: dict[str, Any], expected: str | None
) -> None:
    assert reason(book, **fields) == expected


@pytest.mark.parametrize(
    ("silent", "key", "arrival", "expected"),
    [
        (
            trigger("t", on_crossing(inactive_for=DAY)),
            "since:0",
            event("Product Viewed", "Mon 11:00"),
            "GOAL_REACHED",
        ),
        (trigger("t", on_crossing(inactive_for=DAY)), "since:0", event("Email Opened", "Mon 11:00"), None),
        (
            trigger("t", on_crossing(inactive_for=DAY)),
            "since:0",
            event("Product Viewed", "2025-03-01 11:00"),
            None,
        ),
        (
            trigger("t", on_crossing(inactive_for=DAY, activity=["Order Completed"])),
            "since:0",
            order("Mon 11:00"),
            "GOAL_REACHED",
        ),
        (
            trigger("t", on_behaviour("Order Completed", change=2.0)),
            f"since:{at('Mon 00:00')}",
            order("Mon 11:00"),
            "GOAL_REACHED",
        ),
        (
            trigger("t", on_behaviour("Order Completed", change=2.0)),
            f"since:{at('Mon 00:00')}",
            order("Mon 00:00"),
            None,
        ),
    ],
)
def test_an_act_cancels_the_message_to_the_silent(
    silent: Trigger, key: str, arrival: Any, expected: str | None
) -> None:
    planned = replace(PLANNED, cause_key=key, cause_event=None, key_value=None)
    assert reason(playbook(silent), handover=planned, arrivals=[arrival]) == expected
    assert (
        last_look(planned, dossier(history=(arrival,)), playbook(silent), at("Mon 12:00")) is None
        or expected is not None
    )


def test_an_activity_that_is_settled_already_cancels_the_message_to_the_silent() -> None:
    known = dossier()
    known.profile.fold(event("Product Viewed", "Mon 11:00"))
    silent = playbook(trigger("t", on_crossing(inactive_for=DAY)))
    planned = replace(PLANNED, cause_key="since:0", cause_event=None, key_value=None)
    found = last_look(planned, known, silent, at("Mon 12:00"))
    assert found is not None
    assert found.reason is Reason.GOAL_REACHED


@pytest.mark.parametrize(
    ("when", "expected"),
    [("Mon 11:59", None), ("Mon 12:00", "TRIGGER_RETIRED"), ("Mon 12:01", "TRIGGER_RETIRED")],
)
def test_a_message_of_a_journey_that_a_new_version_ends_goes_out_until_then(
    when: str, expected: str | None
) -> None:
    former = {("t", 1): Former(BASKET, 1, at("Mon 12:00"), 2)}
    assert reason(playbook(BASKET, version=2, former=former), when, replace(PLANNED, version=1)) == expected


def test_exits_are_known_as_long_as_a_message_of_the_journey_can_wait_for_its_hand_over() -> None:
    journey = trigger(
        "t",
        on("Cart", after=DAY),
        step(expires=DAY),
        step(after=2 * DAY, expires=3 * DAY),
        exits=frozenset({"Paid"}),
    )
    assert PlaybookIndex(playbook(journey)).history_needed["Paid"] == 6 * DAY


def test_the_last_look_changes_nothing_it_was_given() -> None:
    known = dossier(order("Mon 11:00"))
    last_look(PLANNED, known, playbook(BASKET), at("Mon 12:00"))
    assert known.profile.orders == 0


def test_a_goal_counts_within_its_time_from_the_entry() -> None:
    goal = Goal(frozenset({"Order Completed"}), HOUR)
    book = playbook(trigger("t", on("Cart"), step(expires=DAY), goal=goal))
    entered_late = replace(PLANNED, entered_at=at("Mon 10:50"))
    bought = (event("Order Completed", "Mon 11:30"),)
    assert reason(book, handover=entered_late, arrivals=bought) == "GOAL_REACHED"
    assert reason(book, handover=PLANNED, arrivals=bought) is None


def test_an_event_that_is_still_to_come_cancels_nothing() -> None:
    to_come = event("Order Completed", "Mon 13:00", cart="a")
    assert reason(playbook(BASKET), "Mon 12:59", arrivals=(to_come,)) is None
    assert reason(playbook(BASKET), "Mon 13:00", arrivals=(to_come,)) == "GOAL_REACHED"
    assert reason(playbook(BASKET), "Mon 12:59", history=(to_come,)) is None
