"""When a channel brakes: refusals in a row, their share of the last twenty, addresses within an hour."""

from __future__ import annotations

import pytest

from core.instants import HOUR, MINUTE
from core.limits.brake import USUAL_BRAKE, BrakeLimits, BrakeRecord

NOON = 43_200_000


def heard(said: str, record: BrakeRecord | None = None) -> BrakeRecord:
    """A record of messages 1, 2, 3 and so on: `x` was refused, anything else went."""
    found = record or BrakeRecord()
    for number, each in enumerate(said, 1):
        found = found.was_refused(number) if each == "x" else found.went(number)
        found = found.shortened(USUAL_BRAKE)
    return found


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("", None),
        ("x" * 9, None),
        ("x" * 10, "10 messages in a row were refused"),
        ("." + "x" * 10, "10 messages in a row were refused"),
        ("x" * 9 + ".", None),
        ("x" * 9 + "." + "x" * 9, None),
        ("x." * 9 + "x", None),
        ("x." * 10, "10 of the last 20 messages were refused"),
        ("x.." * 10, None),
        ("." * 30 + "x" * 9, None),
        ("." * 30 + "x" * 9 + ".x", "10 of the last 20 messages were refused"),
        ("x" * 9 + "." * 20, None),
    ],
)
def test_refusals_in_a_row_and_by_share_brake(said: str, why: str | None) -> None:
    assert heard(said).why_braked(USUAL_BRAKE) == why


@pytest.mark.parametrize(
    ("limits", "said", "braked"),
    [
        (BrakeLimits(refusals=1), "x", True),
        (BrakeLimits(refusals=3), "xx", False),
        (BrakeLimits(refusals=3), "xxx", True),
        (BrakeLimits(share=1.0), "x" * 9 + "." + "x" * 9 + ".", False),
        (BrakeLimits(share=0.05), "." * 19 + "x", True),
        (BrakeLimits(refusals=50, share=1.0), "x" * 19, False),
    ],
)
def test_the_limits_may_be_others(limits: BrakeLimits, said: str, braked: bool) -> None:
    assert (heard(said).why_braked(limits) is not None) is braked


def test_a_message_that_is_refused_again_and_again_is_one_refusal() -> None:
    record = BrakeRecord()
    for _ in range(50):
        record = record.was_refused(7)
    assert record == BrakeRecord(((7, True),))


def test_a_message_that_goes_at_last_is_no_refusal_any_more() -> None:
    record = heard("x" * 10).went(10)
    assert record.why_braked(USUAL_BRAKE) is None
    assert record.refused[-1] == (10, False)


def test_what_was_refused_before_the_channel_worked_again_says_nothing_of_it_later() -> None:
    record = heard("x" * 10).works_again()
    assert record.refused == ()
    assert heard("x" * 10, record).why_braked(USUAL_BRAKE) is None
    assert heard("x" * 20, record).why_braked(USUAL_BRAKE) == "10 messages in a row were refused"


def test_whether_another_was_taken_since_a_refusal() -> None:
    record = heard("x.")
    assert (record.took_since(1), record.took_since(2), record.took_since(9)) == (True, True, False)
    assert not heard(".x").took_since(2)


def test_addresses_are_counted_by_the_hour() -> None:
    limits = BrakeLimits(suppressions=2)
    record = BrakeRecord().suppresses(NOON).suppresses(NOON + MINUTE)
    assert not record.may_suppress(NOON + MINUTE, limits)
    assert not record.may_suppress(NOON + HOUR - 1, limits)
    assert record.may_suppress(NOON + HOUR, limits)
    assert record.suppresses(NOON + HOUR).suppressed == (NOON + MINUTE, NOON + HOUR)
