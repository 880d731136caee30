"""Laws of `advance`, on random small playbooks and random lives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.engine import advance
from core.instants import DAY, HOUR, MINUTE, Instant
from core.language import ConditionContext
from core.limits.pressure import Contact, PressureRule
from core.model.customer import Consent
from core.model.decisions import Decision, Message
from core.model.dossier import BEGINNING, Dossier, Merge, Plan, TriggerEntry
from core.model.enrolment import Enrolment
from core.model.events import Event
from core.model.pauses import Pause, PausePolicy, parse_target
from core.model.triggers import ALWAYS, NEVER, OVER, Approval, Goal, Step, Trigger, Wait
from core.model.when import When
from core.playbook.playbook import Holdout, Playbook
from core.playbook.preference import Preference
from tests.core.builders import (
    MONDAY,
    ZURICH,
    channel,
    condition,
    dossier,
    event,
    in_words,
    loadable,
    on,
    on_behaviour,
    on_crossing,
    on_date,
    pause,
    playbook,
    rule,
    settle,
    step,
    trigger,
)  # fmt: skip

WHERE = ConditionContext.WHERE
LAW = settings(
    max_examples=400, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
LENGTH = 10 * DAY
END = MONDAY + LENGTH
NAMES = (
    ("Checkout Started",) * 3
    + ("Order Completed",) * 2
    + ("Product Viewed",) * 3
    + ("Order Returned", "Email Link Clicked", "Message Clicked")
)

lives = st.integers(0, 2**31)
DELAYS = (0, HOUR, 6 * HOUR, DAY, 2 * DAY)
POLICIES: Sequence[PausePolicy] = ("skip", "overdue", "shift", "restart")
WHENS: Sequence[When] = (
    on("Checkout Started", after=HOUR, unless=["Order Completed"]),
    on("Checkout Started", per="cart", after=6 * HOUR, unless=["Order Completed"]),
    on("Checkout Started", per="cart", after=6 * HOUR, unless=["Order Completed"], restart=True),
    on("Order Completed", after=DAY, unless=["Order Returned"], per="order_id"),
    on("Product Viewed"),
    on(
        "Checkout Started",
        where=condition(
            "count('Product Viewed', last='2d', cart=event.cart, revenue <= event.revenue) >= 1", WHERE
        ),
    ),
    on_behaviour("Product Viewed", at_least=2, within=DAY),
    on_behaviour("Order Completed", change=1.5),
    on_behaviour("Order Completed", change=0.6),
    on_date("birthday"),
    on_date("last_order", offset_days=-363),
    on_crossing(metric="orders", threshold=2),
    on_crossing(metric="revenue", threshold=10_000),
    on_crossing(metric="orders", threshold=2, within=2 * DAY),
    on_crossing(inactive_for=2 * DAY),
    on_crossing(inactive_for=DAY, activity=["Order Completed"], on_activation="enrol"),
)
CHANGES: Sequence[dict[str, Any]] = (
    {"birthday": "--03-07"}, {"birthday": "1990-03-12"}, {"timezone": "America/New_York"}, {"phone": None},
    {"preferredChannel": "sms"}, {"preferred_channel": "webpush"},
)  # fmt: skip
FILTERS: Sequence[dict[str, Any]] = (
    {},
    {},
    {},
    {"channels": frozenset({"email"})},
    {"channels": frozenset({"sms", "print"})},
    {"tags": frozenset({"sale"})},
    {"purposes": frozenset({"marketing"})},
)
AUDIENCES = (
    "orders < 3",
    "sum('Order Completed', 'revenue', last='3d') < 150 and distinct('Product Viewed', 'cart') <= 1",
    "last('Order Completed') is missing or last('Order Completed', order_id in ('o', 'p')) < ago('12h')",
)
HELD = (
    *"*aabbcc",
    "channel:email",
    "channel:email",
    "channel:sms",
    "segment:buyers",
    "segment:buyers",
    "customer:anna",
    "customer:other",
)
WINDOWS = ("1d", "3d", "5d", "16h", "2 days", "calendar day", "calendar week")


def an_instant(lot: Random) -> Instant:
    """Twice out of three times on the hour, so that things fall together."""
    return MONDAY + (
        lot.randrange(LENGTH // HOUR) * HOUR
        if lot.random() < 0.67
        else lot.randrange(LENGTH // MINUTE) * MINUTE
    )


def a_step(lot: Random, later: range = range(0), variants: Sequence[str] = ()) -> Step:
    """A step that may branch to any of the `later` ones, wait for an event, and be for some variants only."""
    made = a_content(lot, variants)
    if made.only_if is not None and lot.random() < 0.6:
        other = replace(
            a_content(lot, variants), otherwise=a_content(lot, variants) if lot.random() < 0.3 else None
        )
        made = (
            replace(made, otherwise=other)
            if lot.random() < 0.6
            else replace(made, else_to=lot.choice([OVER, *later]))
        )
    return replace(
        made,
        then=lot.choice([None, None, None, OVER, *later]) if lot.random() < 0.3 else None,
        wait=a_wait(lot, later) if lot.random() < 0.25 else None,
        variants=frozenset(lot.sample(variants, 1)) if variants and lot.random() < 0.3 else frozenset(),
        by_variant=((lot.choice(variants), a_content(lot, variants)),)
        if variants and lot.random() < 0.3
        else (),
    )


def a_wait(lot: Random, later: range) -> Wait:
    return Wait(
        frozenset(
            lot.choice(
                [("Order Completed",), ("Product Viewed", "Email Link Clicked"), ("Checkout Started",)]
            )
        ),
        lot.choice([HOUR, 6 * HOUR, DAY, 2 * DAY]),
        where=lot.choice([None, None, condition("revenue >= 50", ConditionContext.WHERE)]),
        sends=lot.random() < 0.5,
        goes_to=lot.choice([None, None, OVER, *later]),
    )


def a_goal(lot: Random) -> Goal | None:
    if lot.random() < 0.7:
        return None
    where = lot.choice([None, condition("revenue >= 50", ConditionContext.WHERE)])
    return Goal(frozenset({"Order Completed"}), lot.choice([DAY, 14 * DAY]), where, exit=lot.random() < 0.5)


def a_content(lot: Random, variants: Sequence[str] = ()) -> Step:
    texts = [
        None,
        None,
        None,
        "not clicked",
        "clicked",
        "orders >= 1",
        *(f"variant == '{name}'" for name in variants),
    ]
    only_if = lot.choice(texts)
    return step(
        *lot.choice([("email",), ("email",), ("sms",), ("email", "sms"), ("print",), ("webpush", "email")]),
        after=lot.choice(DELAYS),
        expires=lot.choice([6 * HOUR, DAY, 7 * DAY, 7 * DAY]),
        only_if=None if only_if is None else condition(only_if, ConditionContext.ONLY_IF, variants),
        on_limit=lot.choice(["defer", "defer", "drop", "fallback"]),
        mode=lot.choice(["first", "first", "first", "all"]),
        approval=Approval() if lot.random() < 0.1 else None,
        weight=lot.choice([None, None, None, 2500]),
        prefer=lot.random() < 0.3,
        digest=lot.random() < 0.7,
    )


def a_trigger(lot: Random, name: str, when: When | None = None) -> Trigger:
    number = lot.randint(1, 3)
    split = lot.choice([(), (), (("x", 0.5), ("y", 0.5)), (("x", 1.0), ("y", 0.0))])
    return trigger(
        name,
        when or lot.choice(WHENS),
        *(
            a_step(lot, range(place + 1, number + 1), [each for each, _ in split])
            for place in range(1, number + 1)
        ),
        split=split,
        goal=a_goal(lot),
        purpose=lot.choice(["marketing"] * 6 + ["service", "transactional", "probe"]),
        priority=lot.choice([20, 50, 80]),
        reentry=lot.choice([ALWAYS, ALWAYS, ALWAYS, NEVER, 2 * DAY]),
        exits=frozenset(lot.choice([(), (), (), ("Order Completed",), ("Order Returned",)])),
        holdout=lot.choice([0.0] * 9 + [1.0]),
        audience=lot.choice([None, None, None, None, *(condition(text) for text in AUDIENCES)]),
        tags=frozenset(lot.choice([(), ("sale",)])),
        activated_at=lot.choice([None, MONDAY, MONDAY + 2 * DAY + 9 * HOUR]),
    )


def a_rule(lot: Random, name: str) -> PressureRule:
    unit = lot.choice(["contacts", "contacts", "points", "gap"])
    filters = lot.choice(FILTERS)
    if unit == "gap":
        return rule(name, None, gap=lot.choice([HOUR, 16 * HOUR]), **filters)
    limit = lot.choice([1, 2, 3] if unit == "contacts" else [1000, 2500, 4000])
    return rule(name, limit, lot.choice(WINDOWS), unit=unit, **filters)


def a_pause(lot: Random) -> Pause:
    since = an_instant(lot)
    until = lot.choice(
        [None, since + lot.choice(DELAYS) + 30 * MINUTE, since + lot.choice(DELAYS) + 30 * MINUTE]
    )
    return Pause(parse_target(lot.choice(HELD)), since, until, lot.choice(POLICIES), lot.random() < 0.5)


def a_playbook(lot: Random) -> Playbook:
    together = lot.choice([None, lot.choice(WHENS)])  # all at the same instants, or each at its own
    return playbook(
        *(a_trigger(lot, name, together) for name in "abcde"[: lot.randint(2, 5)]),
        rules=[a_rule(lot, f"rule-{number}") for number in range(lot.choice([0, 1, 2, 2, 3]))],
        channels=[
            channel("email", lot.choice([None, None, "Mon-Sun 07:00-21:00", "Mon-Fri 08:00-18:00"])),
            channel("sms", lot.choice([None, "Mon-Sat 09:00-20:00"]), weight=2000),
            channel("print", lead_time=lot.choice([0, 3 * DAY]), weight=3000),
        ],
        pauses=tuple(a_pause(lot) for _ in range(lot.choice([0, 1, 2, 3]))),
        segments={
            "buyers": condition(
                lot.choice(
                    [
                        "orders >= 1",
                        "orders < 2",
                        "phone is missing",
                        "count('Product Viewed', last='2d') >= 1",
                    ]
                )
            )
        },
        look_ahead=lot.random() < 0.85,
        holdout=Holdout(lot.choice([0.0] * 9 + [1.0]), frozenset({"marketing"})),
        preference=Preference(
            learn=lot.random() < 0.5, within=lot.choice([DAY, 5 * DAY]), least=lot.choice([1, 2])
        ),
    )


def an_event(lot: Random, number: int) -> Event:
    occurred = an_instant(lot)
    arrived = occurred + lot.choice([0, 0, 0, 0, 20 * MINUTE, 5 * HOUR, 30 * HOUR])
    if lot.random() < 0.1:
        return event("", occurred, arrived=arrived, kind="identify", id=number, **lot.choice(CHANGES))
    values: dict[str, Any] = {"revenue": lot.choice([40, 100]), "history": lot.random() < 0.1}
    values |= lot.choice(
        [
            {},
            {"cart": "x"},
            {"cart": "y", "order_id": "o"},
            {"order_id": "p"},
            {"channel": "sms"},
            {"trigger": "a"},
        ]
    )
    return event(lot.choice(NAMES), occurred, arrived=arrived, id=number, **values)


def a_life(lot: Random) -> Dossier:
    arrivals = [an_event(lot, number) for number in range(1, lot.randint(4, 24))]
    objected = Consent("print", "*", "objected", MONDAY + 3 * DAY, MONDAY + 3 * DAY)
    birthday = lot.choice(["1980-03-05", "--03-09"])
    return dossier(
        *arrivals,
        traits={"birthday": birthday},
        consents=lot.choice([(), (), (objected,)]),
        merges=some_merges(lot),
    )


def some_merges(lot: Random) -> tuple[Merge, ...]:
    """Merges with customers who had entered some triggers before."""
    if lot.random() < 0.6:
        return ()
    merges = [
        Merge(an_instant(lot), tuple((name, an_entry(lot)) for name in lot.sample("abcde", 2)))
        for _ in range(lot.randint(1, 2))
    ]
    return tuple(sorted(merges))


def an_entry(lot: Random) -> TriggerEntry:
    return TriggerEntry(
        lot.choice([BEGINNING, MONDAY - DAY, an_instant(lot)]),
        lot.choice(["event:900", "cart:x", "year:2025"]),
    )


def drawn(number: int) -> tuple[Playbook, Dossier, Random]:
    """The playbook and the life of that number, and more lots of it."""
    lot = Random(number)
    return a_playbook(lot), a_life(lot), lot


def in_passes(
    known: Dossier, book: Playbook, passes: Sequence[Instant], grace: int | None = None
) -> tuple[list[Decision], Dossier, Plan]:
    """What several passes say, each with what had arrived by then, saved and loaded in between."""
    decisions: list[Decision] = []
    for now in passes:
        arrived = replace(known, arrivals=tuple(each for each in known.arrivals if each.arrived_at <= now))
        later = [each for each in known.arrivals if each.arrived_at > now]
        loaded = loadable(arrived, book)
        plan = (
            advance(loaded, book, now)
            if grace is None
            else advance(loaded, book, now, not_before=now - grace)
        )
        decisions += plan.decisions
        known = settle(arrived, plan, book, later)
    return decisions, known, plan


def states(known: Dossier) -> list[tuple[object, ...]]:
    under_way = known.enrolments
    return sorted(
        (
            e.trigger,
            e.cause_key,
            e.step,
            e.planned_at,
            e.due_at or -1,
            str(e.waits_for),
            e.waits_until or -1,
            str(e.waited),
            e.variant or "",
        )
        for e in under_way
    )


def said(decisions: Sequence[Decision]) -> list[str]:
    return [
        f"{in_words(each, ZURICH)} {each.cause_key} {[r.rule for r in each.rules]} {each.joins} {each.note}"
        for each in decisions
    ]


@LAW
@given(lives)
def test_passes_in_between_change_nothing(number: int) -> None:
    book, known, lot = drawn(number)
    between = [an_instant(lot) for _ in range(lot.randint(1, 4))]
    once, after_once, plan_once = in_passes(known, book, [END])
    often, after_often, plan_often = in_passes(known, book, [*sorted(between), END])
    assert said(often) == said(once)
    assert states(after_often) == states(after_once)
    assert plan_often.next_due == plan_once.next_due


@LAW
@given(lives)
def test_within_the_grace_it_does_not_matter_how_often_the_scheduler_ticks(number: int) -> None:
    book, known, lot = drawn(number)
    minutes = lot.randint(10, 55)
    ticks = [*range(MONDAY, END, 6 * HOUR + minutes * MINUTE), END]
    once, _, _ = in_passes(known, book, [END])
    ticking, _, _ = in_passes(known, book, ticks, grace=7 * HOUR)
    assert said(ticking) == said(once)


@LAW
@given(lives)
def test_no_admitted_contact_breaks_a_rule(number: int) -> None:
    book, known, _ = drawn(number)
    plan = advance(known, book, END)
    admitted: list[Contact] = []
    dispatches: dict[str, list[Message]] = {}
    for decision in plan.decisions:
        if decision.message is not None:
            dispatches.setdefault(decision.message.contact.dispatch, []).append(decision.message)
    for messages in dispatches.values():
        together, known_then = [message.contact for message in messages], messages[0].profile
        assert known_then is not None
        if book.purposes[together[0].purpose].obeys:
            zone = known_then.zone(ZURICH)
            assert [
                r.name
                for r in book.rules
                for each in together
                if is_broken(r, admitted, together, each, zone)
            ] == []
        admitted += [contact for contact in together if contact.counts]


def is_broken(
    each: PressureRule, admitted: Sequence[Contact], together: Sequence[Contact], one: Contact, zone: ZoneInfo
) -> bool:
    """Whether a contact that joins those admitted breaks the rule, by counting."""
    if not each.applies_to(one):
        return False
    counted = [contact for contact in admitted if each.applies_to(contact)]
    if each.gap is not None:
        return any(abs(contact.at - one.at) < each.gap for contact in counted)
    assert each.window is not None
    assert each.limit is not None
    ours = [contact for contact in together if each.applies_to(contact)]
    later = [contact.at for contact in counted if contact.at > one.at] if one.counts else []
    for landing in [one.at, *later]:
        span = each.window.span(landing, zone)
        if span.first <= one.at <= span.last:
            inside = [contact for contact in (*counted, *ours) if span.first <= contact.at <= span.last]
            load = (
                len({contact.dispatch for contact in inside})
                if each.unit == "contacts"
                else sum(contact.weight for contact in inside)
            )
            if load > each.limit:
                return True
    return False


@LAW
@given(lives)
def test_the_same_cause_never_enters_twice(number: int) -> None:
    book, known, lot = drawn(number)
    between = [an_instant(lot), an_instant(lot)]
    entered: list[Enrolment] = []
    for now in [*sorted(between), END]:
        arrived = replace(known, arrivals=tuple(each for each in known.arrivals if each.arrived_at <= now))
        plan = advance(loadable(arrived, book), book, now)
        new = {id(each) for each in plan.enrolments} - {id(each) for each in known.enrolments}
        old = {(each.trigger, each.cause_key) for each in arrived.enrolments}
        entered += [
            each for each in plan.enrolments if id(each) in new and (each.trigger, each.cause_key) not in old
        ]
        known = settle(arrived, plan, book, [each for each in known.arrivals if each.arrived_at > now])
    assert max(Counter((each.trigger, each.cause_key) for each in entered).values(), default=1) == 1


@LAW
@given(lives)
def test_nothing_is_sent_after_the_end_of_its_journey_and_no_message_twice(number: int) -> None:
    book, known, _ = drawn(number)
    plan = advance(known, book, END)
    ended = {
        (each.trigger, each.cause_key): each.ended_at for each in plan.enrolments if each.state != "open"
    }
    keys = []
    for decision in plan.decisions:
        end = ended.get((decision.trigger, decision.cause_key))
        if decision.message is not None:
            assert end is None or decision.at <= end
            keys.append(decision.message.key)
    assert len(keys) == len(set(keys))


@LAW
@given(lives)
def test_next_due_is_never_later_than_the_next_row(number: int) -> None:
    book, known, lot = drawn(number)
    until = an_instant(lot)
    arrived = replace(known, arrivals=tuple(each for each in known.arrivals if each.arrived_at <= until))
    first, longer = advance(arrived, book, until), advance(arrived, book, END)
    following = [decision.at for decision in longer.decisions if decision.at > until]
    assert [decision.at for decision in longer.decisions if decision.at <= until] == [
        decision.at for decision in first.decisions
    ]
    assert not following or (first.next_due is not None and first.next_due <= following[0])


@LAW
@given(lives)
def test_rows_come_in_order_of_time_and_a_wait_ends_later_than_it_begins(number: int) -> None:
    book, known, _ = drawn(number)
    decisions = advance(known, book, END).decisions
    assert [decision.at for decision in decisions] == sorted(decision.at for decision in decisions)
    assert all(decision.until is None or decision.until > decision.at for decision in decisions)


@settings(LAW, max_examples=60)
@given(lives)
def test_advance_changes_nothing_it_was_given(number: int) -> None:
    book, known, lot = drawn(number)
    until = an_instant(lot)
    _, midway, _ = in_passes(known, book, [until])
    before = _content(midway)
    advance(midway, book, END)
    assert _content(midway) == before


def _content(known: Dossier) -> object:
    profile = {name: deepcopy(getattr(known.profile, name)) for name in known.profile.__slots__}
    rest = {
        name: deepcopy(getattr(known, name))
        for name in known.__slots__
        if name not in ("profile", "arrivals", "history")
    }
    return profile, rest, known.arrivals, known.history


def test_a_released_contact_wakes_those_it_deferred_also_at_the_settled_instant() -> None:
    book = playbook(trigger("a", on("News")), rules=[rule("one", 1, "7d")])
    sent = Contact(MONDAY + HOUR, "email", "z", "marketing", frozenset(), 1000, True, "z/1")
    known = dossier(event("News", MONDAY + 2 * HOUR), contacts=(sent,))
    plan = advance(known, book, MONDAY + 3 * HOUR)
    after = settle(known, plan, book)
    for released in (MONDAY + 3 * HOUR, MONDAY + 4 * HOUR):
        woken = replace(after, contacts=(sent._replace(released_at=released),))
        assert [(d.at, d.outcome) for d in advance(woken, book, END).decisions] == [(released, "send")]


def test_a_pause_that_ended_is_carried_out_once() -> None:
    book = playbook(
        trigger("a", on("News", after=DAY)), pauses=(pause("a", "Mon 10:00", "Mon 22:00", policy="shift"),)
    )
    decisions, _, _ = in_passes(
        dossier(event("News", "Mon 08:00")), book, [MONDAY + 23 * HOUR, MONDAY + 30 * HOUR, END]
    )
    assert said(decisions) == [line for line in said(decisions) if line.startswith("Tue 20:00 a email send")]
    assert len(decisions) == 1


@LAW
@given(lives)
def test_a_step_that_joins_is_in_a_message_of_its_instant_and_channel_and_adds_no_contact(
    number: int,
) -> None:
    book, known, _ = drawn(number)
    decisions = advance(known, book, END).decisions
    leaders = {decision.message.key: decision for decision in decisions if decision.message is not None}
    joined = [decision for decision in decisions if decision.joins is not None]
    for decision in joined:
        leader = leaders[decision.joins or ""]
        assert leader.message is not None
        assert (leader.at, leader.channel, decision.message) == (decision.at, decision.channel, None)
        assert (decision.trigger, decision.step, decision.cause_key) in {
            (p.trigger, p.step, p.cause_key) for p in leader.message.digest[1:]
        }
    carried = [
        part
        for leader in leaders.values()
        if leader.message is not None
        for part in leader.message.digest[1:]
    ]
    assert len(carried) == len(joined)
