"""The end of a pause: what becomes of what waited."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.engine import advance
from core.instants import DAY, HOUR
from core.model.pauses import PausePolicy
from tests.core.builders import (
    at,
    channel,
    condition,
    dossier,
    event,
    on,
    on_date,
    pause,
    play,
    playbook,
    rows,
    rule,
    settle,
    step,
    trigger,
)

TEN_DAYS = trigger("t", on("News", after=10 * DAY))


@pytest.mark.parametrize(
    ("policy", "sent"),
    [
        ("shift", "2025-01-16 00:00"),
        ("restart", "2025-01-20 00:00"),
        ("overdue", "2025-01-11 00:00"),
        ("skip", "2025-01-11 00:00"),
    ],
)
def test_a_delay_of_ten_days_paused_from_the_fifth_to_the_tenth(policy: PausePolicy, sent: str) -> None:
    book = playbook(TEN_DAYS, pauses=(pause("t", "2025-01-05 00:00", "2025-01-10 00:00", policy=policy),))
    known = dossier(event("News", "2025-01-01 00:00"), settled_until=at("2025-01-01 00:00") - 1)
    assert rows(advance(known, book, at("2025-01-31 00:00"))) == [f"{sent} t email send"]


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("overdue", ["Tue 12:00 t email send", "Thu 10:00 t#2 email send"]),
        ("skip", ["Tue 12:00 t email suppress TRIGGER_PAUSED", "Thu 10:00 t#2 email send"]),
        ("shift", ["Wed 11:00 t email send", "Fri 11:00 t#2 email send"]),
        ("restart", ["Wed 12:00 t email send", "Fri 12:00 t#2 email send"]),
    ],
)
@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize("looked", [True, False])
def test_a_step_that_fell_due_in_the_pause(
    policy: PausePolicy, expected: list[str], announced: bool, looked: bool
) -> None:
    """Whether or not its end was known before, and whether or not anybody looked meanwhile."""
    book = playbook(trigger("t", on("News", after=DAY), step(), step(after=2 * DAY)))
    ended = pause("t", "Mon 11:00", "Tue 12:00", policy=policy)
    held = replace(book, pauses=(ended if announced else replace(ended, until=None),))
    known = dossier(event("News", "Mon 10:00"))
    first = advance(known, held, at("Tue 11:00" if looked else "Mon 10:30"))
    second = advance(
        settle(known, first, held),
        replace(book, pauses=(ended,)),
        at("Sun 00:00"),
        not_before=at("Tue 12:00"),
    )
    until = " until Tue 12:00" if announced else ""
    waited = [f"Tue 10:00 t email hold TRIGGER_PAUSED{until}"] if looked else []
    assert [line.removesuffix(" late") for line in rows(first) + rows(second)] == waited + expected


def test_skip_skips_every_step_that_fell_due_and_the_rest_goes_on() -> None:
    book = playbook(trigger("t", on("News"), step(), step(after=HOUR), step(after=HOUR), step(after=DAY)))
    paused = replace(book, pauses=(pause("t", "Mon 10:30", "Mon 13:00"),))
    assert rows(play(paused, event("News", "Mon 10:00"))) == [
        "Mon 10:00 t email send", "Mon 11:00 t#2 email hold TRIGGER_PAUSED until Mon 13:00",
        "Mon 13:00 t#2 email suppress "
        "TRIGGER_PAUSED", "Mon 13:00 t#3 email suppress TRIGGER_PAUSED", "Tue 12:00 t#4 email send",
    ]  # fmt: skip


@pytest.mark.parametrize("policy", ["shift", "restart", "overdue"])
def test_birthdays_never_move(policy: PausePolicy) -> None:
    birthday = trigger("t", on_date("birthday"), step(), step(after=DAY))
    book = playbook(birthday, pauses=(pause("t", "Tue 12:00", "Thu 12:00", policy=policy),))
    assert rows(play(book, traits={"birthday": "--03-04"})) == [
        "Tue 09:00 t email send", "Wed 09:00 t#2 email hold TRIGGER_PAUSED until Thu "
                                  "12:00", "Thu 12:00 t#2 email send",
    ]  # fmt: skip


def test_what_was_deferred_before_the_pause_is_shifted_with_it_but_does_not_begin_anew() -> None:
    quiet = channel("email", "Mon-Sun 07:00-21:00")
    for policy, sent in (("shift", "Tue 09:00"), ("restart", "Tue 07:00")):
        book = playbook(
            trigger("t", on("News")),
            channels=[quiet],
            pauses=(pause("t", "Mon 23:00", "Tue 01:00", policy=policy),),
        )
        assert rows(play(book, event("News", "Mon 22:00")))[-1] == f"{sent} t email send"


def test_an_overdue_step_goes_out_under_pressure_and_expiry() -> None:
    short = trigger("t", on("News", after=HOUR), step(expires=HOUR))
    long = trigger("u", on("News", after=HOUR))
    pauses = tuple(pause(name, "Mon 10:30", "Mon 14:00", policy="overdue") for name in ("t", "u"))
    book = playbook(short, long, trigger("v", on("Other")), rules=[rule("one", 1, "1d")], pauses=pauses)
    said = rows(play(book, event("News", "Mon 10:00"), event("Other", "Mon 13:00"), until="Mon 15:00"))
    assert said[-2:] == [
        "Mon 14:00 t email suppress EXPIRED",
        "Mon 14:00 u email defer PRESSURE until Tue 13:00",
    ]


def test_of_two_pauses_each_handles_what_it_held() -> None:
    pauses = (
        pause("t", "Mon 10:30", "Mon 12:00", policy="overdue"),
        pause("*", "Mon 10:45", "Mon 14:00", policy="skip"),
    )
    book = playbook(trigger("t", on("News", after=HOUR)), pauses=pauses)
    assert rows(play(book, event("News", "Mon 10:00"))) == [
        "Mon 11:00 t email hold TRIGGER_PAUSED until Mon "
        "12:00", "Mon 12:00 t email hold STOPPED until Mon 14:00",
        "Mon 14:00 t email suppress STOPPED",
    ]  # fmt: skip


def test_the_end_of_a_stop_moves_nothing_that_it_did_not_hold() -> None:
    confirmation = trigger("t", on("News", after=DAY), purpose="transactional")
    for held, sent in ((False, "Tue 10:00"), (True, "Tue 12:00")):
        book = playbook(
            confirmation, pauses=(pause("*", "Mon 12:00", "Mon 14:00", policy="shift", transactional=held),)
        )
        assert rows(play(book, event("News", "Mon 10:00"))) == [f"{sent} t email send"]


def test_exits_act_in_a_pause_and_a_shifted_delay_is_still_ended_by_its_unless() -> None:
    basket = trigger("t", on("Cart", after=DAY, unless=["Order Completed"]))
    book = playbook(basket, pauses=(pause("t", "Mon 12:00", "Mon 18:00", policy="shift"),))
    assert rows(play(book, event("Cart", "Mon 10:00"), event("Order Completed", "Tue 13:00"))) == [
        "Tue 13:00 t email suppress GOAL_REACHED"
    ]
    assert rows(play(book, event("Cart", "Mon 10:00"), event("Order Completed", "Tue 17:00"))) == [
        "Tue 16:00 t email send"
    ]


# ---- a channel, a segment, a customer ----

BOTH = trigger("t", on("News"), step("sms", "email", on_limit="fallback"))


def test_a_customer_who_leaves_the_paused_segment_is_free_at_her_next_instant() -> None:
    new = {"new": condition("orders < 1")}
    book = playbook(
        trigger("t", on("News", after=HOUR)), segments=new, pauses=(pause("segment:new", "Mon 09:00"),)
    )
    assert rows(play(book, event("News", "Mon 10:00"), event("Order Completed", "Mon 15:00", revenue=5))) == [
        "Mon 11:00 t email hold STOPPED", "Mon 15:00 t email send",
    ]  # fmt: skip


def test_a_paused_segment_that_the_files_no_longer_name_holds_nobody() -> None:
    book = playbook(trigger("t", on("News")), pauses=(pause("segment:gone", "Mon 09:00"),))
    assert rows(play(book, event("News", "Mon 10:00"))) == ["Mon 10:00 t email send"]


def test_the_pause_of_one_customer_is_none_of_anybody_else() -> None:
    book = playbook(trigger("t", on("News")), pauses=(pause("customer:beat", "Mon 09:00"),))
    assert rows(play(book, event("News", "Mon 10:00"))) == ["Mon 10:00 t email send"]


def test_a_step_that_falls_back_takes_the_next_channel_while_its_first_is_paused() -> None:
    book = playbook(BOTH, pauses=(pause("channel:sms", "Mon 09:00"),))
    assert rows(play(book, event("News", "Mon 10:00"))) == ["Mon 10:00 t email send"]


def test_other_steps_wait_for_the_channel_they_would_take() -> None:
    book = playbook(
        trigger("t", on("News"), step("sms", "email")), pauses=(pause("channel:sms", "Mon 09:00"),)
    )
    assert rows(play(book, event("News", "Mon 10:00"))) == ["Mon 10:00 t sms hold STOPPED"]


def test_one_paused_channel_of_several_at_once_holds_them_all() -> None:
    book = playbook(
        trigger("t", on("News"), step("email", "sms", mode="all")),
        pauses=(pause("channel:sms", "Mon 09:00"),),
    )
    assert rows(play(book, event("News", "Mon 10:00"))) == [
        "Mon 10:00 t sms hold STOPPED", "Mon 10:00 t email hold STOPPED",
    ]  # fmt: skip


def test_where_all_channels_of_a_step_are_paused_the_first_to_open_takes_it() -> None:
    pauses = (pause("channel:sms", "Mon 09:00"), pause("channel:email", "Mon 09:00", "Mon 12:00"))
    assert (
        rows(play(playbook(BOTH, pauses=pauses), event("News", "Mon 10:00")))[-1] == "Mon 12:00 t email send"
    )


def test_a_paused_channel_is_named_with_its_author() -> None:
    book = playbook(trigger("t", on("News")), pauses=(pause("channel:email", "Mon 09:00", author="rita"),))
    (decision,) = play(book, event("News", "Mon 10:00")).decisions
    assert [each.detail for each in decision.objections] == [
        "channel email paused since 2025-03-03T08:00:00Z, by rita"
    ]


def test_a_stop_that_ends_does_not_free_what_a_pause_of_the_customer_goes_on_to_hold() -> None:
    pauses = (
        pause("*", "Mon 09:00", "Mon 12:00", policy="overdue"),
        pause("customer:anna", "Mon 09:30", "Mon 14:00", policy="shift"),
    )
    book = playbook(trigger("t", on("News", after=HOUR)), pauses=pauses)
    assert rows(play(book, event("News", "Mon 10:00"))) == [
        "Mon 11:00 t email hold STOPPED until Mon 14:00", "Mon 15:00 t email send",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("purpose", "row"),
    [
        ("marketing", "hold STOPPED"),
        ("service", "hold STOPPED"),
        ("probe", "hold STOPPED"),
        ("transactional", "send"),
    ],
)
def test_a_stop_holds_every_purpose_that_obeys_the_limits_or_counts(purpose: str, row: str) -> None:
    book = playbook(trigger("t", on("News"), purpose=purpose), pauses=(pause("*", "Mon 09:00"),))
    assert rows(play(book, event("News", "Mon 10:00"))) == [f"Mon 10:00 t email {row}"]


@pytest.mark.parametrize("name", ["channel:email", "segment:all", "customer:anna"])
@pytest.mark.parametrize(("asked", "row"), [(False, "send"), (True, "hold STOPPED")])
def test_transactional_messages_wait_only_on_request(name: str, asked: bool, row: str) -> None:
    receipt = trigger("t", on("News"), purpose="transactional")
    book = playbook(
        receipt, segments={"all": condition("true")}, pauses=(pause(name, "Mon 09:00", transactional=asked),)
    )
    assert rows(play(book, event("News", "Mon 10:00"))) == [f"Mon 10:00 t email {row}"]


def test_a_journey_that_a_paused_channel_does_not_hold_is_not_moved_by_its_end() -> None:
    book = playbook(
        trigger("t", on("News", after=DAY)),
        pauses=(pause("channel:email", "Mon 11:00", "Mon 14:00", policy="shift"),),
    )
    assert rows(play(book, event("News", "Mon 10:00"))) == ["Tue 10:00 t email send"]


def test_what_a_pause_skipped_is_listed_by_rank_in_whatever_order_journeys_are_loaded() -> None:
    names = ("a", "b", "c")
    triggers = [
        trigger(name, on("News", after=HOUR), priority=priority)
        for name, priority in zip(names, (10, 90, 50))
    ]
    held = playbook(*triggers, pauses=(pause("*", "Mon 10:30"),))
    known = dossier(event("News", "Mon 10:00"))
    waiting = settle(known, advance(known, held, at("Mon 12:00")), held)
    ended = replace(held, pauses=(pause("*", "Mon 10:30", "Tue 08:00", policy="skip"),))
    loaded = [waiting.enrolments, waiting.enrolments[::-1], waiting.enrolments[1:] + waiting.enrolments[:1]]
    found = [
        rows(advance(replace(waiting, enrolments=tuple(e.copy() for e in each)), ended, at("Wed 00:00")))
        for each in loaded
    ]
    assert found == [[f"Tue 08:00 {name} email suppress STOPPED" for name in ("b", "c", "a")]] * 3
