"""What a preview adds up about contact pressure."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from core.forecast.preview import (
    ChannelDemand,
    Fullness,
    Over,
    PreviewCell,
    PreviewCustomer,
    Totals,
    capacity_on,
    fullest,
    fullness,
)
from core.instants import DAY, HOUR, Instant
from core.limits.pressure import Contact, Ledger, PressureRule
from core.limits.quiet_hours import ALWAYS_OPEN, parse_send_windows
from core.limits.windows import Span, parse_window
from core.model.decisions import Decision, Objection, RuleEvidence
from core.model.reasons import Reason
from core.playbook.playbook import Channel
from tests.core.builders import ZURICH, at

RULE = PressureRule("three-a-week", limit=3, window=parse_window("7d"))
SPAN = Span(at("Mon 12:00"), at("Mon 12:00") + 7 * DAY)


def contact(when: Instant, dispatch: str = "", channel: str = "email", weight: int = 1000) -> Contact:
    return Contact(when, channel, "basket", "marketing", frozenset(), weight, True, dispatch or str(when))


def test_the_fullest_window_counts_contacts_from_before_the_span() -> None:
    ledger = Ledger([contact(at("Mon 12:00") - 3 * DAY), contact(at("Tue 09:00")), contact(at("Sun 12:00"))])
    assert fullest(RULE, ledger, SPAN, ZURICH) == 2


def test_a_contact_exactly_a_window_before_another_is_not_in_it() -> None:
    ledger = Ledger([contact(at("Tue 09:00") - 7 * DAY), contact(at("Tue 09:00"))])
    assert fullest(RULE, ledger, SPAN, ZURICH) == 1


def test_a_past_window_that_nothing_is_added_to_counts_as_it_stands_at_the_begin() -> None:
    ledger = Ledger(
        [
            contact(at("Mon 12:00") - DAY),
            contact(at("Mon 12:00") - 2 * DAY),
            contact(at("Mon 12:00") - 9 * DAY),
        ]
    )
    assert fullest(RULE, ledger, SPAN, ZURICH) == 2


def test_the_channels_of_one_dispatch_are_one_contact_but_all_their_points() -> None:
    ledger = Ledger([contact(at("Tue 09:00"), "1/1"), contact(at("Tue 09:00"), "1/1", "sms", 2000)])
    points = PressureRule("points", limit=4000, unit="points", window=parse_window("7d"))
    assert fullest(RULE, ledger, SPAN, ZURICH) == 1
    assert fullest(points, ledger, SPAN, ZURICH) == 3000


def test_only_what_the_rule_counts_fills_it_and_a_gap_has_no_window() -> None:
    sms = PressureRule("sms", limit=1, window=parse_window("calendar month"), channels=frozenset({"sms"}))
    gap = PressureRule("gap", gap=16 * HOUR)
    ledger = Ledger([contact(at("Tue 09:00")), contact(at("Wed 09:00"), channel="sms")])
    assert fullness((RULE, sms, gap), ledger, SPAN, ZURICH) == (
        Fullness("three-a-week", 2, 3),
        Fullness("sms", 1, 1),
    )


def test_most_pressed_names_the_rule_that_comes_nearest_to_its_limit() -> None:
    from core.model.decisions import Message

    message = Message(
        "k", "email", "note", None, at("Tue 09:00"), at("Tue 09:00") + DAY, contact(at("Tue 09:00"))
    )
    send = Decision(at("Tue 09:00"), "basket", "c", 1, "email", "send", at("Tue 09:00"), message=message)
    totals = Totals()
    totals.add(
        PreviewCustomer(
            "anna", 7, (Fullness("loose", 2, 9), Fullness("tight", 1, 1), Fullness("closed", 1, 0))
        ),
        [send],
        ZURICH,
    )
    (most,) = totals.most_pressed()
    assert (most.customer, most.id, most.fullest) == ("anna", 7, Fullness("closed", 1, 0))
    assert totals.reached == {("2025-03-04", "email"): 1, ("2025-03-04", None): 1}
    assert totals.fullness == {("loose", 2): 1, ("tight", 1): 1, ("closed", 1): 1}


def test_who_has_no_decision_is_looked_at_and_counted_nowhere_else() -> None:
    totals, other = Totals(), Totals()
    totals.add(PreviewCustomer("anna", 7, (Fullness("loose", 2, 9),)), [], ZURICH)
    other.add(PreviewCustomer("beat", 8), [], ZURICH)
    totals.merge(other)
    assert totals == Totals(looked_at=2)


@pytest.mark.parametrize(
    ("capacity", "over"), [({"email": 2}, []), ({"email": 1}, [Over("2025-03-04", "email", 2, 1)]), ({}, [])]
)
def test_a_day_is_over_capacity_when_more_is_asked_than_it_takes(
    capacity: dict[str, int], over: list[Over]
) -> None:
    totals = Totals()
    totals.cells[PreviewCell("2025-03-04", "basket", "email", "send", None)] = 2
    totals.cells[PreviewCell("2025-03-04", "basket", "email", "defer", "PRESSURE")] = 5
    assert list(totals.over_capacity(capacity)) == over


def test_who_beats_whom_is_counted_from_the_contacts_that_fill_the_windows_and_from_those_given_way_to() -> (
    None
):
    full = RuleEvidence(
        "three-a-week", "contacts", 3, 3, 0, 1, (contact(at("Mon 09:00")), contact(at("Mon 10:00"))), None
    )
    held = Decision(
        at("Tue 09:00"),
        "sale",
        "c",
        1,
        "email",
        "defer",
        at("Tue 09:00"),
        Reason.PRESSURE,
        at("Wed 09:00"),
        rules=(full,),
    )
    why = Objection(Reason.LOWER_PRIORITY, "gives way to birthday", at("Wed 09:00"), "birthday")
    gives_way = held._replace(reason=Reason.LOWER_PRIORITY, objections=(why,))
    totals, other = Totals(), Totals()
    totals.add(PreviewCustomer("anna"), [held], ZURICH)
    other.add(PreviewCustomer("beat"), [gives_way], ZURICH)
    totals.merge(other)
    assert totals.beats == {("basket", "sale"): 1, ("birthday", "sale"): 1}


@pytest.mark.parametrize(
    ("capacity", "windows", "takes"),
    [
        ((200, "day"), ["Mon-Fri 08:00-18:00"], 200),
        ((50, "hour"), ["Mon-Fri 08:00-18:00"], 500),
        ((2, "minute"), [], 2_880),
        ((60, "hour"), ["Mon 22:00-02:00", "Tue 06:00-07:00", "Tue 06:30-07:30"], 60 * 3 + 30),
        ((60, "hour"), ["Sat 09:00-12:00"], 0),
    ],
)
def test_a_capacity_by_the_hour_is_worth_the_hours_that_are_open(
    capacity: tuple[int, str], windows: list[str], takes: int
) -> None:
    letters = Channel("print", "file", "print", parse_send_windows(windows), capacity=capacity)
    assert capacity_on(letters, date(2025, 3, 4)) == takes  # a Tuesday


def test_every_channel_with_a_capacity_says_what_it_is_asked_for() -> None:
    totals = Totals()
    totals.cells[PreviewCell("2025-03-04", "basket", "print", "send", None)] = 150
    totals.cells[PreviewCell("2025-03-04", "basket", "email", "send", None)] = 5
    letters = Channel("print", "file", "print", ALWAYS_OPEN, capacity=(100, "day"))
    (asked,) = totals.asked({"print": letters, "email": replace(letters, name="email", capacity=None)})
    assert (asked, asked.share) == (ChannelDemand("2025-03-04", "print", 150, 100), 1.5)
