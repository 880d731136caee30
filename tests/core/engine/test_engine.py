"""The walk through a customer's instants: their order, what wakes whom, what is late, and when she needs
attention next.
"""

from __future__ import annotations

import pytest

from core.engine import advance
from core.instants import DAY, HOUR, MINUTE
from core.limits.pressure import Contact
from core.model.dossier import BEGINNING
from tests.core.builders import (
    MONDAY,
    at,
    dossier,
    event,
    identify,
    on,
    on_crossing,
    on_date,
    order,
    pause,
    play,
    playbook,
    rows,
    rule,
    settle,
    step,
    trigger,
)  # fmt: skip

BASKET = trigger(
    "basket",
    on("Checkout Started", after=HOUR, unless=["Order Completed"]),
    exits=frozenset({"Order Completed"}),
)


def test_arrivals_come_before_steps_of_the_same_instant() -> None:
    assert rows(play(playbook(BASKET), event("Checkout Started", "Mon 10:00"), order("Mon 11:00"))) == [
        "Mon 11:00 basket email suppress GOAL_REACHED"
    ]


def test_arrivals_come_before_crossings_of_the_same_instant() -> None:
    book = playbook(trigger("quiet", on_crossing(inactive_for=DAY)))
    assert rows(play(book, order("Mon 10:00"), order("Tue 10:00"), until="Wed 09:59")) == []


def test_dates_come_before_steps_so_that_they_compete_at_their_instant() -> None:
    birthday = trigger("z-birthday", on_date("birthday", at=(10, 0)), priority=90)
    book = playbook(trigger("news", on("News")), birthday, rules=[rule("one", 1, "1d")])
    assert rows(play(book, event("News", "Wed 10:00"), traits={"birthday": "--03-05"},
        until="Wed 12:00")) == [
        "Wed 10:00 z-birthday email send", "Wed 10:00 news email defer PRESSURE until Thu 10:00",
    ]  # fmt: skip


def test_an_identify_that_arrives_with_an_event_is_taken_first() -> None:
    known = dossier(
        event("News", "Mon 10:00"), identify("Mon 10:00", email="new@example.org"), traits={"email": None}
    )
    assert rows(advance(known, playbook(trigger("news", on("News"))), at("Tue 00:00"))) == [
        "Mon 10:00 news email send"
    ]


@pytest.mark.parametrize(
    ("until", "next_due"),
    [
        ("Mon 09:00", "Mon 10:00"),  # an arrival
        ("Mon 10:00", "Mon 11:00"),  # a step
        ("Mon 11:00", "Tue 12:00"),  # the end of a pause that is announced
        ("Tue 12:00", "Wed 11:00"),  # a deferred step
        ("Wed 11:00", "2026-03-04 09:00"),  # a birthday
    ],
)
def test_next_due_is_the_next_instant_at_which_anything_happens(until: str, next_due: str) -> None:
    birthday = trigger("birthday", on_date("birthday"), activated_at=at("Wed 00:00"))
    held = pause("basket", "Mon 10:30", "Tue 12:00", policy="overdue")
    book = playbook(BASKET, birthday, rules=[rule("gap", None, gap=DAY)], pauses=(held,))
    sent = Contact(at("Tue 11:00"), "email", "x", "marketing", frozenset(), 1000, True, "x/1")
    due = play(
        book,
        event("Checkout Started", "Mon 10:00"),
        until=until,
        traits={"birthday": "--03-04"},
        contacts=(sent,),
    ).next_due
    assert due == at(next_due)


def test_nobody_is_due_who_waits_for_an_operator() -> None:
    book = playbook(BASKET, pauses=(pause("basket", "Mon 10:30"),))
    plan = play(book, event("Checkout Started", "Mon 10:00"))
    assert rows(plan) == ["Mon 11:00 basket email hold TRIGGER_PAUSED"]
    assert plan.next_due is None


@pytest.mark.parametrize(
    ("not_before", "expected"),
    [
        ("Mon 10:59", "Mon 11:00 basket email send"),
        ("Mon 11:00", "Mon 11:00 basket email send"),
        ("Mon 11:01", "Mon 11:01 basket email send late"),
    ],
)
def test_what_was_due_before_now_less_the_grace_is_decided_as_of_then_and_late(
    not_before: str, expected: str
) -> None:
    known = dossier(event("Checkout Started", "Mon 10:00"), event("Product Viewed", "Mon 11:00"))
    assert rows(advance(known, playbook(BASKET), at("Mon 12:00"), not_before=at(not_before))) == [expected]


@pytest.mark.parametrize("not_before", ["Mon 10:15", "Mon 12:00"])
def test_when_a_customer_needs_attention_next_does_not_depend_on_the_grace(not_before: str) -> None:
    known = dossier(event("Checkout Started", "Mon 10:00"))
    assert advance(known, playbook(BASKET), at("Mon 10:30"), not_before=at(not_before)).next_due == at(
        "Mon 11:00"
    )


def test_a_late_step_is_not_decided_at_an_arrival_before_the_grace() -> None:
    known = dossier(
        event("Checkout Started", "Mon 10:00"), event("Product Viewed", "Mon 11:30"), order("Mon 11:40")
    )
    assert rows(advance(known, playbook(BASKET), at("Mon 13:00"), not_before=at("Mon 12:55"))) == [
        "Mon 11:40 basket email suppress GOAL_REACHED"
    ]


def test_the_settled_instant_moves_to_the_end_and_never_back() -> None:
    assert play(playbook(), until="Tue 00:00").settled_until == at("Tue 00:00")
    assert play(playbook(), until=MONDAY - DAY).settled_until == MONDAY - 1


def test_a_customer_never_played_is_played_from_the_activation_on() -> None:
    book = playbook(trigger("birthday", on_date("birthday"), activated_at=at("Tue 00:00")))
    known = dossier(traits={"birthday": "--03-04"}, settled_until=BEGINNING)
    assert rows(advance(known, book, at("Sun 00:00"))) == ["Tue 09:00 birthday email send"]


def test_a_customer_never_played_under_triggers_without_activation_is_played_all_the_same() -> None:
    plan = advance(
        dossier(traits={"birthday": "--03-04"}, settled_until=BEGINNING),
        playbook(trigger("b", on_date("birthday"))),
        BEGINNING,
    )
    assert plan.decisions == []


@pytest.mark.parametrize("settled", ["Mon 12:00", "Mon 18:00"])
def test_those_already_past_the_mark_enter_at_the_activation_also_where_she_was_settled_at_that_instant(
    settled: str,
) -> None:
    when = on_crossing(metric="orders", threshold=1, on_activation="enrol")
    before = playbook(trigger("past", when, status="draft"))
    known = dossier(order("Mon 10:00"))
    known = settle(known, advance(known, before, at(settled)), before)
    book = playbook(trigger("past", when, activated_at=at("Mon 18:00")))
    plan = advance(known, book, at("Mon 18:00"))
    assert rows(plan) == ["Mon 18:00 past email send"]
    assert rows(advance(settle(known, plan, book), book, at("Tue 00:00"))) == []


def test_an_accepted_contact_counts_at_once_against_the_next_candidate_of_the_instant() -> None:
    book = playbook(
        trigger("b", on("News"), priority=60), trigger("a", on("News")), rules=[rule("one", 1, "1d")]
    )
    assert rows(play(book, event("News", "Mon 10:00"), until="Mon 12:00")) == [
        "Mon 10:00 b email send", "Mon 10:00 a email defer PRESSURE until Tue 10:00",
    ]  # fmt: skip


def test_a_message_that_fails_at_its_instant_gives_its_room_back() -> None:
    book = playbook(
        trigger("b", on("News"), priority=60), trigger("a", on("News")), rules=[rule("one", 1, "1d")]
    )
    known = dossier(event("News", "Mon 10:00"))
    first = advance(known, book, at("Mon 12:00")).decisions[0].message
    assert first is not None
    assert rows(advance(known, book, at("Mon 12:00"), failed=frozenset({first.key}))) == [
        "Mon 10:00 b email send", "Mon 10:00 a email send",
    ]  # fmt: skip


def test_the_plan_keeps_what_the_database_must_know() -> None:
    book = playbook(trigger("news", on("News"), step(after=MINUTE), step("sms", after=DAY)))
    plan = play(book, event("News", "Mon 10:00", id=7), until="Mon 12:00")
    (open_one,) = plan.enrolments
    assert (open_one.step, open_one.planned_at, open_one.due_at) == (2, at("Tue 10:01"), at("Tue 10:01"))
    assert (open_one.cause_event, open_one.last_message_at) == (7, at("Mon 10:01"))
    assert plan.entries["news"] == (at("Mon 10:00"), "event:7")
