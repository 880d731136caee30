"""Which way a journey goes: variants, what others can foresee of a branch or a wait, and what the last look
makes of a goal.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from core.engine.branches import following
from core.engine.entry import in_global_holdout, variant_of
from core.engine.last_look import Handover, last_look
from core.engine.pauses import steps_due
from core.instants import DAY, HOUR
from core.language import ConditionContext, ConditionError, parse
from core.model.pauses import Pause, parse_target
from core.model.triggers import OVER, Goal, Wait
from core.playbook.playbook import Holdout
from tests.core.builders import (
    at,
    condition,
    dossier,
    enrolment,
    event,
    on,
    on_date,
    order,
    play,
    playbook,
    rows,
    rule,
    step,
    trigger,
)

SPLIT = trigger("t", on("News"), split=(("a", 0.2), ("b", 0.3), ("c", 0.5)))
KEYS = [f"customer-{number}" for number in range(4_000)]
ANSWERED = Wait(frozenset({"Answered"}), DAY)


def test_a_split_shares_the_customers_out_and_each_stays_in_her_variant() -> None:
    found = Counter(variant_of(SPLIT, key) for key in KEYS)
    assert [round(found[name] / len(KEYS), 1) for name in "abc"] == [0.2, 0.3, 0.5]
    assert [variant_of(SPLIT, key) for key in KEYS] == [
        variant_of(replace(SPLIT, title="New"), key) for key in KEYS
    ]


def test_two_splits_of_the_same_shares_draw_apart() -> None:
    other = replace(SPLIT, name="u")
    assert 0.3 < sum(variant_of(SPLIT, key) == variant_of(other, key) for key in KEYS) / len(KEYS) < 0.46


def test_who_is_kept_out_of_everything_stays_so_when_the_share_grows_and_is_drawn_anew_by_another_salt() -> (
    None
):
    def kept(share: float, salt: str = "") -> set[str]:
        book = playbook(SPLIT, holdout=Holdout(share, frozenset({"marketing"}), salt))
        return {key for key in KEYS if in_global_holdout(SPLIT, key, book)}

    assert kept(0.05) < kept(0.1)
    assert len(kept(0.1) & kept(0.1, "2026")) < len(kept(0.1)) / 4


@pytest.mark.parametrize(
    ("number", "variant", "to", "expected"),
    [
        (0, "a", None, 1),
        (0, "b", None, 2),
        (1, "a", None, 3),
        (1, "a", OVER, None),
        (1, "b", 3, 3),
        (3, "a", None, None),
    ],
)
def test_steps_of_other_variants_are_no_part_of_the_journey(
    number: int, variant: str, to: int | None, expected: int | None
) -> None:
    mine = replace(SPLIT, steps=(step(variants=frozenset("a")), step(variants=frozenset("b")), step()))
    assert following(mine, number, variant, to) == expected


def test_unless_ends_a_journey_until_the_first_step_of_its_variant_is_decided() -> None:
    mine = trigger(
        "t",
        on("News", unless=["Stop"]),
        step(variants=frozenset("a")),
        step(after=HOUR, variants=frozenset("b")),
        split=(("a", 0), ("b", 1)),
    )
    assert rows(play(playbook(mine), event("News", "Mon 10:00"), event("Stop", "Mon 10:30"))) == [
        "Mon 10:30 t#2 email suppress GOAL_REACHED"
    ]


def test_a_variant_without_any_step_gets_nothing_and_enters_all_the_same() -> None:
    plan = play(
        playbook(trigger("t", on("News"), step(variants=frozenset("a")), split=(("a", 0), ("b", 1)))),
        event("News", "Mon 10:00"),
    )
    assert rows(plan) == []
    assert [(each.state, each.variant) for each in plan.enrolments] == [("done", "b")]


def test_rows_name_the_variant() -> None:
    plan = play(playbook(replace(SPLIT, split=(("a", 1.0),))), event("News", "Mon 10:00"))
    assert [decision.variant for decision in plan.decisions] == ["a"]


ONE_A_DAY = (rule("one", 1, "1d"),)
WEAK = trigger("weak", on("News"))


@pytest.mark.parametrize(
    ("strong", "said"),
    [
        (step(after=2 * HOUR), "Mon 10:00 weak email defer LOWER_PRIORITY until Mon 12:00"),
        (step(after=2 * HOUR, wait=replace(ANSWERED, timeout=HOUR, sends=True)), "Mon 10:00 weak email send"),
        (
            step("sms", only_if=condition("orders > 9"), otherwise=step("email"), after=2 * HOUR),
            "Mon 10:00 weak email defer LOWER_PRIORITY",
        ),
        (
            step("email", only_if=condition("orders > 9"), else_to=OVER, after=2 * HOUR),
            "Mon 10:00 weak email send",
        ),
    ],
)
def test_what_a_branch_would_send_is_foreseen_and_what_waits_for_an_event_is_not(
    strong: object, said: str
) -> None:
    mails = (replace(ONE_A_DAY[0], channels=frozenset({"email"})),)
    book = playbook(WEAK, trigger("strong", on("News"), strong, priority=80), rules=mails, look_ahead=True)  # type: ignore[arg-type]
    assert rows(play(book, event("News", "Mon 10:00")))[0].startswith(said)


PLANNED = Handover(
    "t",
    1,
    "sms",
    "+41791234567",
    "event:1",
    at("Mon 10:00"),
    at("Mon 10:00"),
    at("Mon 10:00"),
    at("Sun 10:00"),
    cause_event=0,
)


@pytest.mark.parametrize(
    ("goal", "revenue", "when", "cancels"),
    [
        (Goal(frozenset({"Order Completed"}), 14 * DAY), 10, "Mon 11:00", True),
        (Goal(frozenset({"Order Completed"}), 14 * DAY, exit=False), 10, "Mon 11:00", False),
        (Goal(frozenset({"Order Completed"}), DAY), 10, "Tue 10:00", True),
        (Goal(frozenset({"Order Completed"}), DAY), 10, "Tue 10:01", False),
        (
            Goal(frozenset({"Order Completed"}), DAY, condition("revenue >= 50", ConditionContext.WHERE)),
            10,
            "Mon 11:00",
            False,
        ),
        (
            Goal(frozenset({"Order Completed"}), DAY, condition("revenue >= 50", ConditionContext.WHERE)),
            50,
            "Mon 11:00",
            True,
        ),
    ],
)
def test_the_message_of_an_else_is_cancelled_by_the_goal_until_it_is_handed_over(
    goal: Goal, revenue: int, when: str, cancels: bool
) -> None:
    mine = trigger(
        "t", on("News"), step("email", only_if=condition("orders > 9"), otherwise=step("sms")), goal=goal
    )
    found = last_look(PLANNED, dossier(order(when, revenue)), playbook(mine), at("Wed 10:00"))
    assert (found is not None) == cancels


def test_a_goal_is_reached_again_for_every_journey_and_not_by_its_own_cause() -> None:
    mine = trigger("t", on("Order Completed"), goal=Goal(frozenset({"Order Completed"}), DAY, exit=False))
    first, second = order("Mon 10:00"), order("Mon 12:00")
    assert [(each.event, each.at) for each in play(playbook(mine), first, second).reached] == [
        (second.id, at("Mon 12:00"))
    ]


def test_skipped_steps_are_counted_along_their_branch() -> None:
    sends = replace(ANSWERED, sends=True)
    mine = trigger(
        "t",
        on("News"),
        step(then=3),
        step(),
        step(after=HOUR, wait=sends),
        step(after=HOUR, wait=ANSWERED),
        step(),
    )
    begin = at("Mon 10:00")
    assert [
        steps_due(Pause(parse_target("*"), 0), mine, 1, begin, begin + span)
        for span in (HOUR, 25 * HOUR, 26 * HOUR, 51 * HOUR)
    ] == [1, 1, 2, 3]


def test_the_variant_is_a_name_only_where_the_trigger_has_a_split() -> None:
    known = parse("variant == 'a' and not clicked", ConditionContext.ONLY_IF, variants=("a", "b"))
    assert not known.needs.reads_event
    assert parse("variant == 'red'", ConditionContext.ONLY_IF).needs.reads_event
    with pytest.raises(ConditionError, match="no variant 'ab'"):
        parse("variant in ('a', 'ab')", ConditionContext.ONLY_IF, variants=("a", "b"))


def test_who_entered_before_there_was_a_split_goes_without_the_steps_of_its_variants() -> None:
    mine = trigger(
        "t", on("News"), step("sms", variants=frozenset("a")), step(after=HOUR), split=(("a", 1.0),)
    )
    under_way = enrolment(mine, "Mon 09:00")
    plan = play(playbook(mine), enrolments=(under_way,))
    assert rows(plan) == ["Mon 10:00 t#2 email send"]


def test_what_is_only_foreseen_is_no_journey() -> None:
    birthday = on_date("birthday", at=(9, 0))
    waiting = trigger("strong", birthday, step(wait=ANSWERED), priority=80)
    book = playbook(WEAK, waiting, rules=ONE_A_DAY, look_ahead=True)
    plan = play(
        book,
        event("Answered", "Mon 09:00"),
        event("News", "Mon 09:00"),
        until="Mon 09:00",
        traits={"birthday": "--03-04"},
    )
    assert [each.trigger for each in plan.enrolments] == ["weak"]
