"""A trigger in words: how a customer enters, and what each step says beside its message."""

from __future__ import annotations

import pytest

from core.explain.journey_words import told
from core.instants import DAY, HOUR
from core.kinds.behavioural import Behavioural
from core.kinds.recurring import Recurring
from core.kinds.threshold import Threshold
from core.kinds.transactional import Transactional
from core.model.triggers import NEVER, Approval, Step, Trigger
from core.model.when import When


@pytest.mark.parametrize(
    ("when", "said"),
    [
        (
            Transactional(
                events=frozenset({"Checkout Started"}),
                after=HOUR,
                unless=frozenset({"Order Completed"}),
                per="cart_id",
            ),
            "when Checkout Started comes; 1h later, unless Order Completed came; once for each cart_id",
        ),
        (
            Behavioural(events=frozenset({"B", "A"}), at_least=3, within=7 * DAY),
            "when A or B comes 3 times within 7d",
        ),
        (
            Behavioural(events=frozenset({"Order Completed"}), change=1.5, at_least=3),
            "when 1.5 times her usual interval has passed since Order Completed, known from at least 3 "
            "intervals",
        ),
        (
            Behavioural(events=frozenset({"Order Completed"}), change=0.5),
            "when Order Completed comes after at most 0.5 times her usual interval",
        ),
        (Recurring(date="birthday", at=(9, 0)), "on birthday at 09:00 every year"),
        (
            Recurring(date="birthday", offset_days=-7, years=frozenset({3})),
            "7 days before birthday at 09:00, in year 3",
        ),
        (Threshold(metric="revenue", threshold=500_000), "when revenue reaches CHF 5,000.00"),
        (Threshold(metric="orders", threshold=10, within=DAY), "when orders reaches 10 within 1d"),
        (Threshold(inactive_for=60 * DAY), "after 60d without any sign of life"),
    ],
)
def test_what_makes_a_customer_enter_is_said_as_a_sentence(when: When, said: str) -> None:
    assert when.words("CHF") == said


def test_what_a_step_does_about_other_messages_is_said_beside_it() -> None:
    mail = Step(("email", "sms"), "news", digest=True, prefer=True, on_limit="fallback")
    card = Step(("print", "email"), "card", after=2 * DAY, mode="all", approval=Approval(100))
    trigger = Trigger(
        "news",
        "News",
        "marketing",
        Recurring(date="birthday"),
        (mail, card),
        reentry=NEVER,
        holdout=0.1,
    )
    beside = "next channel where the limit is full · expires after 7d"
    assert list(told(trigger, "CHF")) == [
        "Enters on birthday at 09:00 every year",
        "Rules purpose marketing · priority 50 · once in a lifetime · 10% kept out to measure",
        "1. at once over email, else sms · template news",
        f"   {beside} · her preferred channel first · shares a message with others of its instant",
        "2. 2d later over print and email · template card",
        "   waits where the limit is full · expires after 7d · batches over 100 need approval",
    ]
