"""Who wins where a window has not room for all: foreseen candidates of higher rank are admitted first."""

from __future__ import annotations

from typing import Any

import pytest

from core.instants import DAY, HOUR
from core.playbook import Playbook
from core.reasons import Reason
from core.triggers import Trigger
from tests.core.builders import channel, condition, event, on, on_date, order, pause, play, rows, rule, step, trigger
from tests.core.builders import playbook as any_playbook

ONE = (rule("one", 1, "7d"),)
WEAK = trigger("weak", on("News"))
STRONG_WHEN = on("News", after=6 * HOUR, unless=["Order Completed"])
WAITS = "Mon 10:00 weak email defer LOWER_PRIORITY until Mon 16:00"
GOES = "Mon 10:00 weak email send"


def playbook(*triggers: Trigger, **fields: Any) -> Playbook:
    return any_playbook(*triggers, look_ahead=True, **fields)


def strong(*steps: Any, **fields: Any) -> Trigger:
    return trigger("strong", STRONG_WHEN, *steps, **({"priority": 90} | fields))


@pytest.mark.parametrize(
    ("book", "first"),
    [
        (playbook(WEAK, strong(), rules=ONE), WAITS),
        (playbook(WEAK, strong(), rules=[rule("two", 2, "7d")]), GOES),
        (playbook(WEAK, strong(), rules=[rule("one", 1, "6h")]), GOES),
        (playbook(WEAK, strong(), rules=[rule("gap", None, gap=7 * HOUR)]), WAITS),
        (playbook(WEAK, strong(), rules=[rule("one", 1, "7d", channels=frozenset({"sms"}))]), GOES),
        (playbook(WEAK, strong(step("sms")), rules=[rule("mail", 1, "7d", channels=frozenset({"email"}))]), GOES),
        (playbook(WEAK, strong(priority=50), rules=ONE), GOES),
        (playbook(WEAK, strong(step(weight=1001), priority=50), rules=ONE), WAITS),
        (playbook(WEAK, strong(purpose="service"), rules=ONE), WAITS),
        (playbook(WEAK, strong(purpose="transactional"), rules=ONE), GOES),
        (playbook(trigger("weak", on("News"), purpose="probe"), strong(), rules=ONE), GOES),
        (playbook(WEAK, strong(audience=condition("orders < 1")), rules=ONE), WAITS),
        (playbook(WEAK, strong(holdout=1.0), rules=ONE), GOES),
        (playbook(WEAK, strong(), rules=ONE, pauses=(pause("strong", "Mon 10:00"),)), GOES),
        (playbook(WEAK, strong(step("sms")), rules=ONE, channels=[channel("sms", "Mon 17:00-18:00")]), WAITS.replace("16:00", "17:00")),
        (playbook(trigger("weak", on("News"), step(expires=5 * HOUR)), strong(), rules=ONE), GOES),
        (playbook(trigger("weak", on("News"), step(expires=6 * HOUR)), strong(), rules=ONE), WAITS),
    ],
)
def test_a_candidate_gives_way_only_to_one_that_needs_its_room(book: Playbook, first: str) -> None:
    said = rows(play(book, event("News", "Mon 10:00")))
    assert next(line for line in said if " weak " in line) == first


def test_the_row_names_the_winner_and_the_rule() -> None:
    decision = play(playbook(WEAK, strong(), rules=ONE), event("News", "Mon 10:00"), until="Mon 10:00").decisions[0]
    assert [(each.rule, [contact.trigger for contact in each.counted]) for each in decision.rules] == [("one", ["strong"])]
    assert [(each.reason, each.detail) for each in decision.objections] == [
        (Reason.LOWER_PRIORITY, "gives way to strong on 2025-03-03T15:00:00Z")
    ]


def test_it_goes_at_once_when_the_winner_falls_away_and_writes_no_row_before() -> None:
    book = playbook(WEAK, strong(), rules=ONE)
    said = rows(play(book, event("News", "Mon 10:00"), event("Product Viewed", "Mon 11:00"), order("Mon 12:00")))
    assert said == [WAITS, "Mon 12:00 strong email suppress GOAL_REACHED", "Mon 12:00 weak email send"]


def test_a_date_ahead_is_foreseen_also_before_anybody_entered_by_it() -> None:
    birthday = trigger("birthday", on_date("birthday"), priority=90)
    said = rows(play(playbook(WEAK, birthday, rules=[rule("one", 1, "2d")]), event("News", "Tue 10:00"), traits={"birthday": "--03-05"}))
    assert said == [
        "Tue 10:00 weak email defer LOWER_PRIORITY until Wed 09:00", "Wed 09:00 birthday email send",
        "Wed 09:00 weak email defer PRESSURE until Fri 09:00", "Fri 09:00 weak email send",
    ]  # fmt: skip


def test_the_next_step_of_the_same_journey_is_no_rival() -> None:
    book = playbook(trigger("t", on("News"), step(), step(after=DAY, weight=5000)), rules=ONE)
    assert rows(play(book, event("News", "Mon 10:00"), until="Mon 12:00")) == ["Mon 10:00 t email send"]


def test_a_strong_one_that_has_no_room_itself_holds_nobody_back() -> None:
    rules = [rule("no-sms", 0, "7d", channels=frozenset({"sms"})), *ONE]
    assert rows(play(playbook(WEAK, strong(step("sms")), rules=rules), event("News", "Mon 10:00")))[0] == GOES


def test_without_look_ahead_who_is_due_first_goes_first() -> None:
    assert rows(play(any_playbook(WEAK, strong(), rules=ONE), order("Mon 09:00"), event("News", "Mon 10:00")))[0] == GOES
