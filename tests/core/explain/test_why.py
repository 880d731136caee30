"""Why not: which check keeps a customer out, by how much, since when; and that the engine does what the
answer says.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.engine import advance
from core.explain.why import Explanation, explain
from core.instants import DAY, HOUR, MINUTE, Instant
from core.kinds.behavioural import Behavioural
from core.kinds.transactional import Transactional
from core.language import ConditionContext
from core.model.customer import Consent, Suppression
from core.model.dossier import settled
from core.model.events import Event
from core.model.triggers import NEVER, Trigger
from core.model.when import When
from core.playbook.playbook import Playbook
from tests.core.builders import (
    MONDAY,
    at,
    condition,
    dossier,
    event,
    identify,
    on,
    on_behaviour,
    on_crossing,
    on_date,
    order,
    pause,
    playbook,
    trigger,
)  # fmt: skip
from tests.core.engine.test_laws import a_life, a_playbook

NOW = at("Sun 12:00")
WHERE = ConditionContext.WHERE


def why(
    asked: Trigger, *arrivals: Event, book: dict[str, Any] | None = None, now: Instant = NOW, **fields: Any
) -> Explanation:
    """The answer as of Sunday noon for a customer with these events."""
    return answer(playbook(asked, **(book or {})), asked.name, dossier(*arrivals, **fields), now)


def answer(rules: Playbook, name: str, known: Any, now: Instant) -> Explanation:
    """The answer for one trigger of a playbook, as the console gathers it."""
    plan = advance(known, rules, now)
    asked = rules.index.by_name[name]
    names = asked.when.enters_on()
    causes = [
        each
        for each in known.arrivals
        if each.name in names and each.occurred_at <= now and each.arrived_at <= now
    ]
    decided = [
        {
            "at": d.at, "step": d.step, "channel": d.channel, "outcome": str(d.outcome),
            "reason": d.reason and str(d.reason),
            "until": d.until, "rules": [], "objections": [[str(o.reason), o.detail,
                o.until] for o in d.objections],
        }
        for d in plan.decisions if d.trigger == name
    ]  # fmt: skip
    sources = {
        trait: each.source for each in known.arrivals if each.kind == "identify" for trait in each.properties
    }
    return explain(settled(known, plan), rules, asked, now, decided, causes, sources)


VIEWS = [
    event("Product Viewed", "Fri 10:00", product_id=1),
    event("Product Viewed", "Sat 10:00", product_id=1),
]
BUYS = [order(at("Mon 10:00") - days * DAY, 100) for days in (60, 30, 0)]
TOLD = identify("Tue 10:00", **{"address.country": "DE", "source": "crm"})
NOTHING = on("Checkout Started")
# what is asked, what happened, what the check of that name says, the answer in a few words
CASES: list[tuple[Trigger, list[Event], str, str, str]] = [
    (trigger("t", NOTHING), [], "cause", "no Checkout Started is known", "no Checkout Started is known"),
    (
        trigger("t", on("Checkout Started", where=condition("value >= 30", WHERE))),
        [event("Checkout Started", "Tue 10:00", value=24.9)],
        "cause",
        "Checkout Started Tue 04 Mar 2025 10:00 does not fulfil `where`: value >= 30: value is 24.90, 5.10 "
        "short of 30",
        "value >= 30: 5.10 short of 30",
    ),
    (
        trigger("t", NOTHING, activated_at=at("Wed 00:00")),
        [event("Checkout Started", "Tue 10:00")],
        "cause",
        "Checkout Started Tue 04 Mar 2025 10:00 was before the trigger was in force",
        "the last cause was before it was in force",
    ),
    (
        trigger("t", on_behaviour("Product Viewed", at_least=3, within=7 * DAY)),
        VIEWS,
        "cause",
        "2 of 3 Product Viewed within 7d, 1 short; the last Sat 08 Mar 2025 10:00",
        "2 of 3 Product Viewed within 7d, 1 short",
    ),
    (
        trigger("t", on_behaviour("Product Viewed", at_least=2, per="product_id")),
        [
            event("Product Viewed", "Fri 10:00", product_id=1),
            event("Product Viewed", "Sat 10:00", product_id=2),
        ],
        "cause",
        "1 of 2 Product Viewed, 1 short; the last Sat 08 Mar 2025 10:00",
        "1 of 2 Product Viewed, 1 short",
    ),
    (
        trigger("t", on_behaviour("Order Completed", change=2.0)),
        BUYS,
        "cause",
        "every 30 days on average, the last Mon 03 Mar 2025 10:00; overdue from Fri 02 May 2025 11:00 on if "
        "nothing comes",
        "comes Fri 02 May 2025 11:00",
    ),
    (
        trigger("t", on_behaviour("Order Completed", change=2.0)),
        BUYS[:2],
        "cause",
        "2 of 3 Order Completed that a rhythm needs, 1 short",
        "2 of 3 Order Completed that a rhythm needs, 1 short",
    ),
    (
        trigger("t", on_crossing(metric="revenue", threshold=500_000)),
        [order("Mon 10:00", 3912.40)],
        "cause",
        "revenue is CHF 3,912.40, CHF 1,087.60 short of CHF 5,000.00; the last order Mon 03 Mar 2025 10:00",
        "revenue: CHF 1,087.60 short",
    ),
    (
        trigger("t", on_crossing(metric="orders", threshold=10, within=365 * DAY)),
        [order("Mon 10:00"), order("Tue 10:00")],
        "cause",
        "orders within 365d is 2, 8 short of 10; the last order Tue 04 Mar 2025 10:00",
        "orders: 8 short",
    ),
    (
        trigger("t", on_crossing(metric="orders", threshold=1, within=DAY), activated_at=at("Sun 00:00")),
        [order("Sat 20:00")],
        "cause",
        "orders within 1d is 1, past the mark of 1 already, and only the event that crosses it enters",
        "orders was past the mark before",
    ),
    (
        trigger("t", on_crossing(inactive_for=180 * DAY)),
        [order("Tue 12:00", channel="store")],
        "cause",
        "last active 5 days ago (Order Completed over store Tue 04 Mar 2025 12:00); silent for 180d from "
        "Sun 31 Aug 2025 13:00 on"
        " if nothing comes",
        "comes Sun 31 Aug 2025 13:00",
    ),
    (
        trigger("t", on_crossing(inactive_for=180 * DAY)),
        [],
        "cause",
        "no activity is known, so no silence of 180d can end",
        "no activity is known, so no silence of 180d can end",
    ),
    (
        trigger("t", on_date("birthday")),
        [],
        "cause",
        "birthday is missing or no date",
        "birthday is missing or no date",
    ),
    (
        trigger("t", on_date("birthday")),
        [identify("Tue 10:00", birthday="1990-05-21")],
        "cause",
        "comes up Wed 21 May 2025 09:00",
        "comes up Wed 21 May 2025 09:00",
    ),
    (
        trigger("t", on_date("birthday", years=[3]), activated_at=MONDAY),
        [identify("Tue 10:00", birthday="2020-05-21")],
        "cause",
        "the 3rd anniversary of birthday is not to come any more",
        "the 3rd anniversary of birthday is not to come any more",
    ),
    (
        trigger("t", NOTHING, audience=condition("country in ('CH')")),
        [TOLD, event("Checkout Started", "Wed 10:00")],
        "audience",
        "country in ('CH'): country is 'DE' since 2025-03-04T09:00:00Z (identify from crm)",
        "audience: country in ('CH'): country is 'DE' since Tue 04 Mar 2025 10:00 (identify from crm)",
    ),
    (
        trigger("t", NOTHING, audience=condition("orders >= 10")),
        [order("Mon 10:00"), event("Checkout Started", "Wed 10:00")],
        "audience",
        "orders >= 10: orders is 1 since 2025-03-03T09:00:00Z, 9 short of 10",
        "audience: orders >= 10: 9 short of 10",
    ),
    (
        trigger("t", NOTHING, audience=condition("orders >= 1 and revenue >= 200")),
        [order("Mon 10:00", 50.5), event("Checkout Started", "Wed 10:00")],
        "audience",
        "revenue >= 200: revenue is CHF 50.50 since 2025-03-03T09:00:00Z, CHF 149.50 short of CHF 200.00",
        "audience: revenue >= 200: CHF 149.50 short of CHF 200.00",
    ),
    (
        trigger("t", NOTHING, audience=condition("days_since(last_order) >= 90")),
        [order("Mon 10:00"), event("Checkout Started", "Wed 10:00")],
        "audience",
        "days_since(last_order) >= 90: days_since(last_order) is 6, last_order is 2025-03-03T09:00:00Z,"
        " holds from 2025-06-01T09:00:00Z on if nothing comes",
        "audience: days_since(last_order) >= 90: holds from Sun 01 Jun 2025 11:00 on if nothing comes",
    ),
    (
        trigger("t", NOTHING, audience=condition("last_order > ago('2d')")),
        [order("Mon 10:00"), event("Checkout Started", "Wed 10:00")],
        "audience",
        "last_order > ago('2d'): last_order is 2025-03-03T09:00:00Z, ago('2d') is 2025-03-07T11:00:00Z,"
        " no longer since 2025-03-05T09:00:00Z",
        "audience: last_order > ago('2d'): no longer since Wed 05 Mar 2025 10:00",
    ),
    (
        trigger("t", NOTHING, audience=condition("count('Product Viewed', last='1d') >= 3")),
        [*VIEWS, event("Checkout Started", "Wed 10:00")],
        "audience",
        "count('Product Viewed', last='1d') >= 3: count('Product Viewed', last='1d') is 0 (the last Product "
        "Viewed 2025-03-08T09:00:00Z),"
        " 3 short of 3",
        "audience: count('Product Viewed', last='1d') >= 3: 3 short of 3",
    ),
    (
        trigger("t", NOTHING, audience=condition("trait.vip")),
        [identify("Tue 10:00", vip=False, source="shop"), event("Checkout Started", "Wed 10:00")],
        "audience",
        "trait.vip: trait.vip is false since 2025-03-04T09:00:00Z (identify from shop)",
        "audience: trait.vip: trait.vip is false since Tue 04 Mar 2025 10:00 (identify from shop)",
    ),
    (
        trigger("t", NOTHING, status="draft"),
        [event("Checkout Started", "Wed 10:00")],
        "trigger active",
        "the trigger is draft",
        "trigger active: the trigger is draft",
    ),
    (
        trigger("t", NOTHING, activated_at=at("Sun 18:00")),
        [],
        "trigger active",
        "in force only from Sun 09 Mar 2025 18:00 on",
        "trigger active: in force only from Sun 09 Mar 2025 18:00 on",
    ),
]


@pytest.mark.parametrize(
    ("asked", "arrivals", "check", "detail", "short"),
    CASES,
    ids=[f"{case[2]}: {case[3][:60]}" for case in CASES],
)
def test_what_keeps_her_out_is_said_by_how_much_and_since_when(
    asked: Trigger, arrivals: list[Event], check: str, detail: str, short: str
) -> None:
    found = why(asked, *arrivals)
    assert found.verdict == "none"
    assert detail in [each.detail for each in found.trace if each.check == check and not each.holds]
    assert found.short == short
    assert "Z" not in "".join(word for word in found.words.split() if word[:4].isdigit())


def test_a_consent_withdrawn_is_said_with_its_day() -> None:
    withdrawn = Consent("email", "*", "withdrawn", at("Tue 10:00"), at("Tue 10:00"))
    asked = trigger("t", NOTHING, audience=condition("consent('email', 'marketing')"))
    found = why(asked, event("Checkout Started", "Wed 10:00"), consents=(withdrawn,))
    (clause,) = [each.detail for each in found.trace if each.check == "audience"]
    assert clause.endswith("consent for email and marketing is not given (withdrawn on 2025-03-04T09:00:00Z)")


def test_a_segment_she_is_not_in_says_which_of_its_clauses_keeps_her_out() -> None:
    found = why(
        trigger("t", NOTHING, audience=condition("orders >= 2 or trait.vip")),
        event("Checkout Started", "Wed 10:00"),
    )
    assert [each.detail for each in found.trace if each.check == "audience"] == [
        "orders >= 2: orders is 0, 2 short of 2",
        "trait.vip: trait.vip is missing",
    ]


def test_of_alternatives_only_the_one_that_holds_is_shown() -> None:
    found = why(trigger("t", NOTHING, audience=condition("orders >= 2 or country == 'CH'")))
    assert [(each.holds, each.detail) for each in found.trace if each.check == "audience"] == [
        (True, "country == 'CH': country is 'CH'")
    ]


def test_the_first_step_bars_only_where_no_channel_of_it_is_open() -> None:
    dead = Suppression("email", "anna@example.org", "bounce", at("Tue 10:00"))
    two = trigger("t", NOTHING, replace(trigger("x", NOTHING).steps[0], channels=("email", "sms")))
    assert why(two, suppressions=(dead,)).bars == 1
    one = why(trigger("t", NOTHING), suppressions=(dead,))
    assert one.bars == 2
    assert "email address: bounce on" not in one.short
    assert "would stand against it too" in one.words


def test_quiet_hours_and_pressure_pass_by_themselves_and_keep_nobody_out() -> None:
    found = why(trigger("t", on_date("birthday")), traits={"birthday": "1990-05-21"}, now=at("Sun 03:00"))
    assert (
        found.words
        == "t has never considered the customer: comes up Wed 21 May 2025 09:00; nothing else stands "
        "against it."
    )


def test_a_pause_is_said_before_the_cause_that_is_missing() -> None:
    found = why(
        trigger("t", on_date("birthday")),
        traits={"birthday": "1990-05-21"},
        book={"pauses": (pause("t", "Sat 10:00"),)},
    )
    assert found.short == "trigger active: paused since Sat 08 Mar 2025 10:00"


def test_reentry_says_from_when_on_she_may_enter_again() -> None:
    asked = trigger("t", NOTHING, reentry=30 * DAY)
    found = why(asked, event("Checkout Started", "Tue 10:00"))
    (entry,) = [each for each in found.trace if each.check == "entry"]
    assert (entry.holds, entry.detail) == (
        False,
        "last entered Tue 04 Mar 2025 10:00; may enter again after 30d, from Thu 03 Apr 2025 11:00 on",
    )


@settings(max_examples=300, derandomize=True, deadline=None)
@given(st.integers(0, 2**31))
def test_whom_nothing_stands_against_enters_when_her_cause_comes(number: int) -> None:
    lot = Random(number)
    book, known = a_playbook(lot), a_life(lot)
    now = MONDAY + lot.randrange(10 * 24) * HOUR + 30 * MINUTE
    known = replace(known, arrivals=tuple(each for each in known.arrivals if each.arrived_at <= now))
    for asked in book.triggers:
        if not _enters_on_any_event(asked.when):
            continue
        properties: dict[str, Any] = {"cart": "new", "order_id": "new", "revenue": 100}
        cause = event(lot.choice(sorted(asked.when.enters_on())), now + 1, id=1000, **properties)
        found = answer(book, asked.name, known, now)
        later = advance(replace(known, arrivals=(*known.arrivals, cause)), book, now + 1)
        entered = any(each.trigger == asked.name and each.cause_event == 1000 for each in later.enrolments)
        barred = [
            each
            for each in found.trace
            if not each.holds and each.check in ("trigger active", "customer known", "entry", "holdout")
        ]
        if asked.audience is None and asked.when.where is None and asked.holdout == 0:
            assert entered == (not barred or _is_stop_only(book, barred)), (asked, barred, found.words)


def _enters_on_any_event(when: When) -> bool:
    if isinstance(when, Behavioural):
        return when.change is None and when.at_least == 1
    return isinstance(when, Transactional)


def _is_stop_only(book: Playbook, barred: list[Any]) -> bool:
    """An emergency stop, and the pause of a segment or a customer, hold what is sent; entering goes on."""
    held = ("all sending stopped", "segment", "customer paused")
    return all(each.check == "trigger active" and each.detail.startswith(held) for each in barred)


@settings(max_examples=200, derandomize=True, deadline=None)
@given(st.integers(0, 2**31))
def test_the_verdict_is_that_of_the_last_decision(number: int) -> None:
    lot = Random(number)
    book, known = a_playbook(lot), a_life(lot)
    now = MONDAY + lot.randrange(10 * 24) * HOUR
    known = replace(known, arrivals=tuple(each for each in known.arrivals if each.arrived_at <= now))
    plan = advance(known, book, now)
    for asked in book.triggers:
        found = answer(book, asked.name, known, now)
        last = next((each for each in reversed(plan.decisions) if each.trigger == asked.name), None)
        assert found.verdict == ("none" if last is None else last.outcome)
        assert found.words
        assert found.trace


def test_who_may_never_enter_again_is_kept_out_by_that() -> None:
    found = why(trigger("t", Transactional(events=frozenset({"A"})), reentry=NEVER), event("A", "Tue 10:00"))
    assert [each.holds for each in found.trace if each.check == "entry"] == [False]
