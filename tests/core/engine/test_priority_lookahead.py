"""Who wins where a window has not room for all: foreseen candidates of higher rank are admitted first."""

from __future__ import annotations

from typing import Any

import pytest

from core.instants import DAY, HOUR, parse_instant
from core.model.dossier import TriggerEntry
from core.model.reasons import Reason
from core.model.triggers import Approval, Trigger
from core.playbook.playbook import Playbook
from tests.core.builders import (
    channel,
    condition,
    event,
    on,
    on_date,
    order,
    pause,
    play,
    rows,
    rule,
    step,
    trigger,
)
from tests.core.builders import playbook as any_playbook

ONE = (rule("one", 1, "7d"),)
WEAK = trigger("weak", on("News"))
STRONG_WHEN = on("News", after=6 * HOUR, unless=["Order Completed"])
WAITS = "Mon 10:00 weak email defer LOWER_PRIORITY until Mon 16:00"
GOES = "Mon 10:00 weak email send"


def playbook(*triggers: Trigger, **fields: Any) -> Playbook:
    return any_playbook(*triggers, **fields)


def strong(*steps: Any, **fields: Any) -> Trigger:
    return trigger("strong", fields.pop("when", STRONG_WHEN), *steps, **({"priority": 90} | fields))


@pytest.mark.parametrize(
    ("book", "first"),
    [
        (playbook(WEAK, strong(), rules=ONE), WAITS),
        (playbook(WEAK, strong(), rules=[rule("two", 2, "7d")]), GOES),
        (playbook(WEAK, strong(), rules=[rule("one", 1, "6h")]), GOES),
        (playbook(WEAK, strong(), rules=[rule("gap", None, gap=7 * HOUR)]), WAITS),
        (playbook(WEAK, strong(), rules=[rule("one", 1, "7d", channels=frozenset({"sms"}))]), GOES),
        (
            playbook(WEAK, strong(step("sms")), rules=[rule("mail", 1, "7d", channels=frozenset({"email"}))]),
            GOES,
        ),
        (playbook(WEAK, strong(priority=50), rules=ONE), GOES),
        (playbook(WEAK, strong(step(weight=1001), priority=50), rules=ONE), WAITS),
        (playbook(WEAK, strong(purpose="service"), rules=ONE), WAITS),
        (playbook(WEAK, strong(purpose="transactional"), rules=ONE), GOES),
        (playbook(trigger("weak", on("News"), purpose="probe"), strong(), rules=ONE), GOES),
        (playbook(WEAK, strong(audience=condition("orders < 1")), rules=ONE), WAITS),
        (playbook(WEAK, strong(holdout=1.0), rules=ONE), GOES),
        (playbook(WEAK, strong(), rules=ONE, pauses=(pause("strong", "Mon 10:00"),)), GOES),
        (
            playbook(WEAK, strong(step("sms")), rules=ONE, channels=[channel("sms", "Mon 17:00-18:00")]),
            WAITS.replace("16:00", "17:00"),
        ),
        (playbook(trigger("weak", on("News"), step(expires=5 * HOUR)), strong(), rules=ONE), GOES),
        (playbook(trigger("weak", on("News"), step(expires=6 * HOUR)), strong(), rules=ONE), WAITS),
    ],
)
def test_a_candidate_gives_way_only_to_one_that_needs_its_room(book: Playbook, first: str) -> None:
    said = rows(play(book, event("News", "Mon 10:00")))
    assert next(line for line in said if " weak " in line) == first


def test_the_row_names_the_winner_and_the_rule() -> None:
    decision = play(
        playbook(WEAK, strong(), rules=ONE), event("News", "Mon 10:00"), until="Mon 10:00"
    ).decisions[0]
    assert [(each.rule, [contact.trigger for contact in each.counted]) for each in decision.rules] == [
        ("one", ["strong"])
    ]
    assert [(each.reason, each.detail) for each in decision.objections] == [
        (Reason.LOWER_PRIORITY, "gives way to strong on 2025-03-03T15:00:00Z")
    ]


def test_it_goes_at_once_when_the_winner_falls_away_and_writes_no_row_before() -> None:
    book = playbook(WEAK, strong(), rules=ONE)
    said = rows(
        play(book, event("News", "Mon 10:00"), event("Product Viewed", "Mon 11:00"), order("Mon 12:00"))
    )
    assert said == [WAITS, "Mon 12:00 strong email suppress GOAL_REACHED", "Mon 12:00 weak email send"]


def test_a_date_ahead_is_foreseen_also_before_anybody_entered_by_it() -> None:
    birthday = trigger("birthday", on_date("birthday"), priority=90)
    said = rows(
        play(
            playbook(WEAK, birthday, rules=[rule("one", 1, "2d")]),
            event("News", "Tue 10:00"),
            traits={"birthday": "--03-05"},
        )
    )
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
    assert (
        rows(
            play(
                playbook(WEAK, strong(), rules=ONE, look_ahead=False),
                order("Mon 09:00"),
                event("News", "Mon 10:00"),
            )
        )[0]
        == GOES
    )


def test_in_a_chain_of_three_all_wait_for_the_strongest_and_nobody_is_told_twice() -> None:
    middle = trigger("middle", on("News", after=3 * HOUR), priority=70)
    said = rows(
        play(playbook(WEAK, middle, strong(), rules=[rule("one", 1, "1d")]), event("News", "Mon 10:00"))
    )
    assert said == [
        WAITS,
        "Mon 13:00 middle email defer LOWER_PRIORITY until Mon 16:00",
        "Mon 16:00 strong email send",
        "Mon 16:00 middle email defer PRESSURE until Tue 16:00",
        "Mon 16:00 weak email defer PRESSURE until Tue 16:00",
        "Tue 16:00 middle email send",
        "Tue 16:00 weak email defer PRESSURE until Wed 16:00",
        "Wed 16:00 weak email send",
    ]


def test_when_the_winner_of_two_falls_away_the_stronger_of_them_goes() -> None:
    middle = trigger("middle", on("News"), priority=70)
    said = rows(
        play(
            playbook(WEAK, middle, strong(), rules=[rule("one", 1, "1d")]),
            event("News", "Mon 10:00"),
            order("Mon 12:00"),
        )
    )
    assert said == [
        "Mon 10:00 middle email defer LOWER_PRIORITY until Mon 16:00",
        WAITS,
        "Mon 12:00 strong email suppress GOAL_REACHED",
        "Mon 12:00 middle email send",
        "Mon 12:00 weak email defer PRESSURE until Tue 12:00",
        "Tue 12:00 weak email send",
    ]


def test_with_room_for_two_of_three_the_weakest_waits_and_names_the_strongest() -> None:
    middle = trigger("middle", on("News", after=3 * HOUR), priority=70)
    said = rows(
        play(playbook(WEAK, middle, strong(), rules=[rule("two", 2, "1d")]), event("News", "Mon 10:00"))
    )
    assert said[:4] == [
        WAITS,
        "Mon 13:00 middle email send",
        "Mon 16:00 strong email send",
        "Mon 16:00 weak email defer PRESSURE until Tue 13:00",
    ]


def test_a_letter_is_foreseen_where_it_lands_and_waited_for_until_it_is_handed_over() -> None:
    post = channel("print", lead_time=3 * DAY)
    book = playbook(WEAK, strong(step("print")), rules=[rule("one", 1, "1d")], channels=[post])
    assert rows(play(book, event("News", "Mon 10:00")))[0] == GOES
    wide = playbook(WEAK, strong(step("print")), rules=[rule("one", 1, "4d")], channels=[post])
    assert rows(play(wide, event("News", "Mon 10:00")))[0] == WAITS


def test_a_letter_gives_way_to_mail_that_goes_out_while_it_is_under_way() -> None:
    book = playbook(
        trigger("weak", on("News"), step("print")),
        strong(priority=90),
        rules=[rule("one", 1, "7d")],
        channels=[channel("print", lead_time=3 * DAY)],
    )
    assert rows(play(book, event("News", "Mon 10:00")))[0] == WAITS.replace("email", "print")


@pytest.mark.parametrize(
    ("on_limit", "first"), [("drop", "send"), ("defer", "defer LOWER_PRIORITY until Tue 17:00")]
)
def test_a_stronger_one_that_would_be_dropped_holds_nobody_back_one_that_waits_for_room_does(
    on_limit: str, first: str
) -> None:
    book = playbook(
        trigger("first", on("First"), step("sms")),
        trigger("strong", on("Tuesday", after=2 * HOUR), step("sms", on_limit=on_limit), priority=90),
        trigger("weak", on("Tuesday"), priority=10),
        rules=[rule("sms", 1, "1d", channels=frozenset({"sms"})), rule("two", 2, "2d")],
    )
    said = rows(play(book, event("First", "Mon 17:00"), event("Tuesday", "Tue 10:00")))
    assert said[1] == f"Tue 10:00 weak email {first}"


def test_a_stronger_one_that_waits_for_an_approval_is_given_way_to() -> None:
    said = rows(
        play(
            playbook(WEAK, strong(approval=Approval()), rules=ONE),
            event("News", "Mon 10:00"),
            until="Mon 16:00",
        )
    )
    assert said == [WAITS, "Mon 16:00 strong email hold APPROVAL", "Mon 16:00 weak email suppress EXPIRED"]


def test_a_step_that_is_dropped_at_a_full_window_waits_for_the_stronger_one_all_the_same() -> None:
    book = playbook(trigger("weak", on("News"), step(on_limit="drop")), strong(), rules=ONE)
    assert rows(play(book, event("News", "Mon 10:00")))[:3] == [
        WAITS, "Mon 16:00 strong email send", "Mon 16:00 weak email suppress PRESSURE",
    ]  # fmt: skip


def test_woken_in_its_quiet_hours_it_waits_on_without_a_row() -> None:
    book = playbook(
        WEAK, strong(step("sms"), when=on("News", after=DAY)), rules=ONE,
        channels=[channel("email", "Mon-Sun 08:00-18:00")]
    )  # fmt: skip
    said = rows(
        play(book, event("News", "Mon 10:00"), event("Product Viewed", "Mon 23:00"), until="Tue 10:00")
    )
    assert said[:2] == [
        "Mon 10:00 weak email defer LOWER_PRIORITY until Tue 10:00",
        "Tue 10:00 strong sms send",
    ]


def test_a_winner_renewed_again_and_again_holds_nobody_beyond_his_expiry() -> None:
    book = playbook(
        trigger("weak", on("News"), step(expires=DAY)),
        trigger(
            "strong", on("Product Viewed", after=20 * HOUR), priority=90, exits=frozenset({"Product Viewed"})
        ),
        rules=ONE,
    )
    seen = [
        event("Product Viewed", f"{day} {hour}")
        for day in ("Mon", "Tue")
        for hour in ("09:00", "12:00", "15:00", "18:00")
    ]
    said = [line for line in rows(play(book, event("News", "Mon 10:00"), *seen)) if " weak " in line]
    assert said[-1] == "Mon 15:00 weak email send"


@pytest.mark.parametrize(
    ("reentry", "first"), [(364 * DAY, "defer LOWER_PRIORITY until Wed 09:00"), (400 * DAY, "send")]
)
def test_a_date_ahead_may_enter_again_when_it_comes(reentry: int, first: str) -> None:
    birthday = trigger("birthday", on_date("birthday"), priority=90, reentry=reentry)
    last = TriggerEntry(parse_instant("2024-03-05T08:00:00Z"), "year:2024")
    plan = play(
        playbook(WEAK, birthday, rules=ONE),
        event("News", "Tue 10:00"),
        traits={"birthday": "--03-05"},
        entries={"birthday": last},
    )
    assert rows(plan)[0] == f"Tue 10:00 weak email {first}"
