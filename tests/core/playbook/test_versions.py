"""Customers under way when another version of the playbook is put in force: they finish as they began, move,
or leave.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from core.engine import advance
from core.engine.last_look import Handover, last_look
from core.instants import DAY, HOUR, Instant
from core.model.dossier import Dossier
from core.model.enrolment import Enrolment
from core.model.reasons import Reason
from core.model.triggers import Trigger
from core.playbook.playbook import Playbook
from core.playbook.versions import EnrolmentStanding, Former, UnderWay, VersionChange, goes_on, standing
from tests.core.builders import (
    at,
    dossier,
    enrolment,
    event,
    in_words,
    loadable,
    on,
    pause,
    playbook,
    settle,
    step,
    trigger,
)

OLD = trigger(
    "basket",
    on("Checkout Started", after=HOUR),
    step("email"),
    step("sms", after=DAY),
    exits=frozenset({"Order Completed"}),
)
NEW = trigger("basket", on("Checkout Started", after=2 * HOUR), step("print"))
APPLIED = at("Mon 12:00")


def changes(*does: UnderWay) -> list[VersionChange]:
    """Versions from 2 on, each an hour later, that do this to who is under way in `basket`."""
    return [VersionChange(number, number * HOUR, {"basket": each}) for number, each in enumerate(does, 2)]


@pytest.mark.parametrize(
    ("entered", "does", "expected"),
    [
        (1, [], None),
        (1, ["move"], None),
        (1, ["finish"], EnrolmentStanding(1)),
        (2, ["finish"], None),
        (1, ["finish", "finish"], EnrolmentStanding(1)),
        (2, ["finish", "finish"], EnrolmentStanding(2)),
        (1, ["finish", "move"], None),
        (1, ["finish", "move", "finish"], EnrolmentStanding(3)),
        (1, ["move", "finish"], EnrolmentStanding(2)),
        (1, ["leave", "finish"], EnrolmentStanding(1, VersionChange(2, 2 * HOUR, {"basket": "leave"}))),
        (1, ["finish", "leave"], EnrolmentStanding(1, VersionChange(3, 3 * HOUR, {"basket": "leave"}))),
        (2, ["finish", "leave"], EnrolmentStanding(2, VersionChange(3, 3 * HOUR, {"basket": "leave"}))),
        (3, ["finish", "leave"], None),
        (1, ["retire"], EnrolmentStanding(1, VersionChange(2, 2 * HOUR, {"basket": "retire"}), retires=True)),
    ],
)
def test_the_versions_applied_since_an_entry_say_how_it_stands(
    entered: int, does: list[UnderWay], expected: EnrolmentStanding | None
) -> None:
    assert standing("basket", entered, changes(*does)) == expected
    assert standing("another", entered, changes(*does)) is None


def test_a_definition_goes_on_only_where_its_purpose_and_its_channels_are() -> None:
    assert goes_on(OLD, ["email", "sms"], ["marketing"])
    assert not goes_on(OLD, ["email"], ["marketing"])
    assert not goes_on(OLD, ["email", "sms"], ["service"])


def under(*former: Former, now: Trigger | None = NEW, **fields: Any) -> Playbook:
    """Version 2, in force since Monday noon; who entered under 1 stands as said."""
    known = dict.fromkeys([("basket", 1)], former[0]) if former else {}
    return playbook(
        *([now] if now is not None else []), version=2, applied_at=APPLIED, former=known, **fields
    )


def anna(*arrivals: object, begun: str = "Mon 10:00", **fields: object) -> Dossier:
    """Under way since Monday ten under version 1, planned under it."""
    journey = replace_version(enrolment(OLD, begun, **fields))
    return dossier(*arrivals, enrolments=(journey,), settled_until=at("Mon 10:30"), planned_version=1)  # type: ignore[arg-type]


def replace_version(journey: Enrolment) -> Enrolment:
    journey.version = 1
    return journey


def said(book: Playbook, known: Dossier, until: str = "Sun 23:59") -> list[str]:
    return [
        in_words(each._replace(channel=each.channel or "-"))
        for each in advance(known, book, at(until)).decisions
    ]


FINISH = Former(OLD, 1)
LEAVE = Former(OLD, 1, APPLIED, 2)


@pytest.mark.parametrize(
    ("book", "expected"),
    [
        (under(FINISH), ["Mon 11:00 basket email send", "Tue 11:00 basket#2 sms send"]),
        (under(), ["Mon 11:00 basket print send"]),
        (under(LEAVE), ["Mon 11:00 basket email send", "Mon 12:00 basket#2 sms suppress TRIGGER_RETIRED"]),
        (under(FINISH, now=None), ["Mon 11:00 basket email send", "Tue 11:00 basket#2 sms send"]),
        (
            under(FINISH, now=replace(NEW, status="retired")),
            ["Mon 11:00 basket email send", "Tue 11:00 basket#2 sms send"],
        ),
        (under(Former(None, 1), now=None), ["Mon 11:00 basket - suppress TRIGGER_RETIRED"]),
        (under(Former(None, 1)), ["Mon 11:00 basket - suppress TRIGGER_RETIRED"]),
    ],
    ids=[
        "finish",
        "move",
        "leave",
        "removed and finish",
        "retired and finish",
        "removed",
        "removed and added again",
    ],
)
def test_a_customer_under_way_follows_the_definition_that_her_entry_stands_by(
    book: Playbook, expected: list[str]
) -> None:
    assert said(book, anna()) == expected


def test_who_moves_to_a_shorter_journey_leaves_where_her_step_is_gone() -> None:
    assert said(under(), anna(step=2, planned_at=at("Tue 11:00"), due_at=at("Tue 11:00"))) == [
        "Tue 11:00 basket#2 - suppress TRIGGER_RETIRED"
    ]


def test_a_decision_names_the_version_whose_definition_made_it() -> None:
    entering = event("Checkout Started", "Mon 13:00")
    decided = advance(anna(entering), under(FINISH), at("Sun 23:59")).decisions
    assert [(each.channel, each.version) for each in decided] == [("email", 1), ("print", 2), ("sms", 1)]
    (last,) = advance(
        anna(step=2, planned_at=at("Tue 11:00"), due_at=at("Tue 11:00")), under(LEAVE), at("Sun 23:59")
    ).decisions
    assert (last.version, last.objections[0].detail) == (2, "the definition was replaced by version 2")


def test_an_exit_of_an_earlier_definition_still_ends_its_journeys_and_no_others() -> None:
    bought = event("Order Completed", "Mon 14:00")
    again = event("Checkout Started", "Mon 13:30")
    assert said(under(FINISH), anna(again, bought))[1:] == [
        "Mon 14:00 basket#2 sms suppress GOAL_REACHED",
        "Mon 15:30 basket print send",
    ]
    assert under(FINISH).index.concerns("track", "Order Completed")
    assert "Order Completed" in under(FINISH).index.history_needed
    assert not under().index.concerns("track", "Order Completed")


def test_an_arrival_before_the_change_counts_before_it() -> None:
    assert said(under(LEAVE), anna(event("Order Completed", "Mon 10:45"))) == [
        "Mon 10:45 basket email suppress GOAL_REACHED"
    ]
    assert said(under(LEAVE), anna(event("Order Completed", "Mon 12:00")))[1:] == [
        "Mon 12:00 basket#2 sms suppress TRIGGER_RETIRED"
    ]


def test_who_waits_in_a_pause_leaves_at_the_change_all_the_same() -> None:
    book = under(LEAVE, pauses=(pause("basket", "Mon 10:00"),))
    assert said(book, anna()) == [
        "Mon 11:00 basket email hold TRIGGER_PAUSED",
        "Mon 12:00 basket email suppress TRIGGER_RETIRED",
    ]


def test_a_pause_moves_the_steps_of_an_earlier_definition_by_its_own_delays() -> None:
    book = under(FINISH, pauses=(pause("basket", "Mon 10:00", "Wed 12:00", policy="skip"),))
    skipped = [line for line in said(book, anna()) if "suppress" in line]
    assert skipped == [
        "Wed 12:00 basket email suppress TRIGGER_PAUSED",
        "Wed 12:00 basket#2 sms suppress TRIGGER_PAUSED",
    ]


@pytest.mark.parametrize("former", [FINISH, LEAVE], ids=["finish", "leave"])
@pytest.mark.parametrize("rhythm", [HOUR, 7 * HOUR, 3 * DAY])
def test_playing_in_parts_gives_the_rows_of_playing_at_once(former: Former, rhythm: Instant) -> None:
    book = under(former)
    events = [event("Checkout Started", "Mon 11:30"), event("Order Completed", "Tue 10:00")]
    whole = said(book, anna(*events))
    known, parts, now = anna(*events), list[str](), at("Mon 10:30")
    while now < at("Sun 23:59"):
        now = min(now + rhythm, at("Sun 23:59"))
        plan = advance(loadable(known, book), book, now)
        parts += [in_words(decision) for decision in plan.decisions]
        known = settle(known, plan, book)
    assert parts == whole


@pytest.mark.parametrize(
    ("book", "version", "expected"),
    [
        (under(FINISH, now=None), 1, None),
        (under(FINISH, now=None), 2, Reason.TRIGGER_RETIRED),
        (under(LEAVE), 1, Reason.TRIGGER_RETIRED),
        (under(LEAVE), 2, None),
    ],
)
def test_a_message_is_looked_at_by_the_definition_that_planned_it(
    book: Playbook, version: int, expected: Reason | None
) -> None:
    planned = Handover(
        trigger="basket", step=1, channel="email", address="anna@example.org", cause_key="event:1",
        cause_at=at("Mon 10:00"),
        entered_at=at("Mon 10:00"),
        planned_at=at("Mon 11:00"), expires_at=at("Sun 11:00"), version=version,
    )  # fmt: skip
    found = last_look(planned, dossier(), book, at("Mon 13:00"))
    assert (None if found is None else found.reason) == expected


def test_an_exit_of_an_earlier_definition_cancels_its_planned_message() -> None:
    planned = Handover(
        trigger="basket", step=1, channel="email", address="anna@example.org", cause_key="event:1",
        cause_at=at("Mon 10:00"),
        entered_at=at("Mon 10:00"),
        planned_at=at("Mon 11:00"), expires_at=at("Sun 11:00"), version=1,
    )  # fmt: skip
    bought = dossier(history=(event("Order Completed", "Mon 10:40"),))
    found = last_look(planned, bought, under(FINISH), at("Mon 13:00"))
    assert found is not None
    assert found.reason is Reason.GOAL_REACHED
    assert last_look(planned, bought, under(), at("Mon 13:00")) is None
