"""Steps of one instant in one message: who joins whom, and what the message then is."""

from __future__ import annotations

from typing import Any

import pytest

from core.engine import advance
from core.instants import DAY, HOUR
from core.model.customer import Suppression
from core.model.decisions import Decision, Message
from core.model.triggers import Approval, Trigger
from tests.core.builders import (
    CHANNELS,
    channel,
    condition,
    dossier,
    on,
    play,
    playbook,
    rows,
    rule,
    step,
    trigger,
)
from tests.core.builders import event as happens

NEWS = happens("News", "Mon 10:00")


def told(
    name: str, *channels: str, priority: int = 50, of: dict[str, Any] | None = None, **fields: Any
) -> Trigger:
    """A trigger of one step that may share its message."""
    return trigger(
        name, on("News"), step(*channels, **({"digest": True} | fields)), priority=priority, **(of or {})
    )


def decided(*triggers: Trigger, **fields: Any) -> list[Decision]:
    return play(
        playbook(*triggers, rules=fields.pop("rules", ()), channels=fields.pop("channels", ())),
        NEWS,
        **fields,
    ).decisions


def carried(decision: Decision) -> Message:
    assert decision.message is not None
    return decision.message


def test_the_first_in_rank_leads_and_its_message_names_all_that_it_carries() -> None:
    first, second, third = decided(told("a"), told("b", priority=80, expires=DAY), told("c"))
    message = carried(first)
    assert [(part.trigger, part.step) for part in message.digest] == [("b", 1), ("a", 1), ("c", 1)]
    assert [(each.joins, each.message, each.note) for each in (second, third)] == [
        (message.key, None, "together with b")
    ] * 2
    assert (first.trigger, first.note, message.expires_at) == (
        "b",
        "together with a, c",
        NEWS.occurred_at + 7 * DAY,
    )


@pytest.mark.parametrize(
    "follower",
    [
        told("b", digest=False),
        told("b", "sms"),
        told("b", mode="all"),
        told("b", approval=Approval()),
        told("b", approval=Approval(100)),
        told("b", of={"approval": Approval()}),
        told("b", of={"purpose": "service"}),
        told("b", of={"audience": condition("orders > 3")}),
        told("b", only_if=condition("orders > 3")),
        told("b", after=HOUR),
    ],
    ids=str,
)
def test_what_differs_or_may_not_go_does_not_join(follower: Trigger) -> None:
    decisions = decided(told("a", priority=80), follower)
    assert carried(decisions[0]).digest == ()
    assert [decision.joins for decision in decisions if decision.trigger == "b"] in ([], [None])


def test_text_messages_are_never_put_together() -> None:
    assert [carried(decision).digest for decision in decided(told("a", "sms"), told("b", "sms"))] == [(), ()]


def test_a_message_that_an_approval_holds_carries_nothing_else() -> None:
    decisions = decided(told("a", priority=80, approval=Approval()), told("b"))
    assert [(decision.outcome, decision.joins) for decision in decisions] == [("hold", None), ("send", None)]


def test_what_joins_adds_no_contact_and_needs_no_room() -> None:
    decisions = decided(told("a"), told("b"), told("c"), rules=[rule("one", 1, "7d")])
    assert [decision.outcome for decision in decisions] == ["send"] * 3
    assert len([decision for decision in decisions if decision.message is not None]) == 1


def test_a_message_weighs_as_much_as_its_heaviest_step_and_bears_the_tags_of_all() -> None:
    first, _ = decided(
        told("a", of={"tags": frozenset({"sale"})}),
        told("b", weight=2500, priority=20, of={"tags": frozenset({"news"})}),
    )
    assert (carried(first).contact.weight, carried(first).contact.tags) == (2500, frozenset({"sale", "news"}))


@pytest.mark.parametrize(
    ("limit", "joins"),
    [
        (rule("points", 2500, "7d", unit="points"), True),
        (rule("points", 2499, "7d", unit="points"), False),
        (rule("no-sale", 0, "7d", tags=frozenset({"sale"})), False),
        (rule("no-b", 0, "7d", triggers=frozenset({"b"})), False),
        (rule("no-a", 0, "7d", triggers=frozenset({"c"})), True),
    ],
)
def test_a_step_joins_only_where_the_message_with_it_has_room(limit: Any, joins: bool) -> None:
    decisions = decided(
        told("a", priority=80), told("b", weight=2500, of={"tags": frozenset({"sale"})}), rules=[limit]
    )
    assert (decisions[1].joins is not None) is joins


def test_a_message_that_fails_gives_its_room_back_with_all_that_it_carries() -> None:
    book = playbook(
        told("a"),
        told("b"),
        trigger("later", on("News", after=HOUR)),
        rules=[rule("one", 1, "7d")],
        look_ahead=False,
    )
    known = dossier(NEWS)
    key = carried(advance(known, book, NEWS.occurred_at).decisions[0]).key
    plan = advance(known, book, NEWS.occurred_at + HOUR, failed=frozenset({key}))
    assert rows(plan) == ["Mon 10:00 a email send", "Mon 10:00 b email send", "Mon 11:00 later email send"]


def test_a_step_over_several_channels_joins_over_the_leaders() -> None:
    decisions = decided(told("a", priority=80), told("b", "sms", "email"))
    assert [(decision.channel, decision.joins is not None) for decision in decisions] == [
        ("email", False),
        ("email", True),
    ]


def test_a_dead_address_lets_nobody_lead_or_join() -> None:
    dead = Suppression("email", "anna@example.org", "bounced", NEWS.occurred_at - DAY)
    decisions = decided(told("a", priority=80), told("b", "email", "sms"), suppressions=(dead,))
    assert [(decision.outcome, decision.channel) for decision in decisions] == [
        ("suppress", "email"),
        ("send", "sms"),
    ]


def test_the_journey_goes_on_after_a_step_that_joined() -> None:
    follower = trigger("b", on("News"), step(digest=True), step(after=HOUR))
    plan = play(playbook(told("a", priority=80), follower), NEWS)
    assert rows(plan) == ["Mon 10:00 a email send", "Mon 10:00 b email send", "Mon 11:00 b#2 email send"]


def test_a_channel_that_is_approved_in_batches_has_no_shared_messages() -> None:
    held = channel("email", approval=Approval())
    assert all(
        decision.joins is None for decision in decided(told("a"), told("b"), channels=[*CHANNELS, held])
    )


def test_a_candidate_that_can_join_gives_way_to_nobody() -> None:
    strong = trigger("z", on("News", after=2 * HOUR), priority=90)
    book = playbook(told("a", priority=95), told("b"), strong, rules=[rule("two", 2, "7d")], look_ahead=True)
    assert rows(play(book, NEWS))[:2] == ["Mon 10:00 a email send", "Mon 10:00 b email send"]
