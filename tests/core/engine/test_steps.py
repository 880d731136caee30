"""Deciding one step that is due: guards in their order, channels, limits, what the row says, and how the
journey goes on.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from core.engine import advance
from core.engine.guards import GUARDS
from core.instants import DAY, HOUR, MINUTE
from core.language import ConditionContext
from core.limits.pressure import Contact
from core.model.customer import Consent, Suppression
from core.model.dossier import Dossier
from core.model.reasons import Reason
from core.model.triggers import Approval
from core.playbook.playbook import Playbook, Purpose
from tests.core.builders import (
    at,
    channel,
    condition,
    dossier,
    enrolment,
    event,
    on,
    pause,
    play,
    playbook,
    rows,
    rule,
    step,
    trigger,
)  # fmt: skip

NEWS = trigger("t", on("News"))


def sent(when: str, name: str = "email", *, weight: int = 1000, of: str = "x") -> Contact:
    return Contact(at(when), name, of, "marketing", frozenset(), weight, True, f"{of}/{when}")


def objected(when: str) -> Consent:
    return Consent("email", "*", "objected", at(when), at(when))


FULL = (rule("none", 0, "7d"),)


@pytest.mark.parametrize(
    ("book", "fields", "row"),
    [
        (playbook(NEWS), {}, "send"),
        (
            playbook(NEWS, pauses=(pause("t", "Mon 09:30"), pause("*", "Mon 09:30"))),
            {},
            "hold TRIGGER_PAUSED",
        ),
        (playbook(NEWS, pauses=(pause("*", "Mon 09:30"),)), {"erased_at": at("Mon 09:30")}, "hold STOPPED"),
        (playbook(replace(NEWS, status="retired")), {}, "suppress TRIGGER_RETIRED"),
        (playbook(replace(NEWS, status="draft")), {}, "suppress TRIGGER_RETIRED"),
        (
            playbook(replace(NEWS, audience=condition("orders > 5"))),
            {"erased_at": at("Mon 09:30")},
            "suppress CUSTOMER_ERASED",
        ),
        (playbook(NEWS), {"erased_at": at("Mon 10:00")}, "suppress CUSTOMER_ERASED"),
        (playbook(NEWS), {"erased_at": at("Mon 10:01")}, "send"),
        (
            playbook(replace(NEWS, audience=condition("orders > 5"))),
            {"traits": {"email": None}},
            "suppress LEFT_AUDIENCE",
        ),
        (playbook(NEWS, consent_policy="strict"), {"traits": {"email": None}}, "suppress NO_ADDRESS"),
        (playbook(NEWS), {"traits": {"email": ""}}, "suppress NO_ADDRESS"),
        (
            playbook(NEWS, consent_policy="strict"),
            {"suppressions": (Suppression("email", "anna@example.org", "bounced", at("Mon 09:00")),)},
            "suppress ADDRESS_SUPPRESSED",
        ),
        (playbook(NEWS, consent_policy="strict", rules=FULL), {}, "suppress NO_CONSENT"),
        (playbook(NEWS, rules=FULL), {"consents": (objected("Mon 09:00"),)}, "suppress OBJECTED"),
        (playbook(NEWS, rules=FULL), {"consents": (objected("Mon 10:01"),)}, "suppress PRESSURE"),
        (playbook(trigger("t", on("News"), step(approval=Approval())), rules=FULL), {}, "suppress PRESSURE"),
        (playbook(trigger("t", on("News"), step(approval=Approval()))), {}, "hold APPROVAL"),
        (playbook(replace(NEWS, approval=Approval())), {}, "hold APPROVAL"),
        (playbook(NEWS, channels=[channel("email", approval=Approval())]), {}, "hold APPROVAL"),
        (playbook(NEWS, channels=[channel("email", "Mon 11:00-12:00")], rules=FULL), {}, "suppress PRESSURE"),
    ],
)
def test_the_first_objection_decides(book: Playbook, fields: dict[str, Any], row: str) -> None:
    known = dossier(enrolments=(enrolment(NEWS, "Mon 10:00"),), **fields)
    assert rows(advance(known, book, at("Mon 10:00")))[:1] == [f"Mon 10:00 t email {row}"]


def test_the_guards_stand_in_the_order_of_the_reasons() -> None:
    names = ["trigger_active", "not_stopped", "customer_known", "in_audience", "has_address",
        "address_not_suppressed", "consent_given",
             "channel_open", "not_expired"]  # fmt: skip
    reasons = [Reason.TRIGGER_PAUSED, Reason.STOPPED, Reason.CUSTOMER_ERASED, Reason.LEFT_AUDIENCE,
        Reason.NO_ADDRESS,
               Reason.ADDRESS_SUPPRESSED, Reason.NO_CONSENT, Reason.EXPIRED]  # fmt: skip
    assert [guard.__name__ for guard in GUARDS] == names
    assert sorted(reasons, key=list(Reason).index) == reasons


def test_all_objections_are_kept_with_the_row() -> None:
    book = playbook(replace(NEWS, audience=condition("orders > 5")), consent_policy="strict")
    known = dossier(enrolments=(enrolment(NEWS, "Mon 10:00"),))
    (decision,) = advance(known, book, at("Mon 10:00")).decisions
    assert [each.reason for each in decision.objections] == [Reason.LEFT_AUDIENCE, Reason.NO_CONSENT]


@pytest.mark.parametrize(
    ("late", "row"), [(0, "send"), (DAY, "send late"), (DAY + MINUTE, "suppress EXPIRED late")]
)
def test_a_step_goes_out_until_it_expires_and_not_a_moment_later(late: int, row: str) -> None:
    book = playbook(trigger("t", on("News"), step(expires=DAY)))
    plan = advance(
        dossier(event("News", "Mon 10:00")), book, at("Fri 00:00"), not_before=at("Mon 10:00") + late
    )
    assert [line.split(" t email ")[1] for line in rows(plan)] == [row]


def at_ten(book: Playbook, *contacts: Contact, **fields: Any) -> list[str]:
    return rows(play(book, event("News", "Tue 10:00"), contacts=contacts, until="Tue 10:00", **fields))


@pytest.mark.parametrize(
    ("limit", "contacts", "row"),
    [
        (rule("r", 1, "7d"), [], "send"),
        (rule("r", 1, "1d"), [sent("Mon 10:00")], "send"),
        (rule("r", 1, "7d"), [sent("Mon 10:00")], "defer PRESSURE until 2025-03-10 10:00"),
        (rule("r", 2, "7d"), [sent("Mon 10:00"), sent("Mon 12:00")], "defer PRESSURE until 2025-03-10 10:00"),
        (rule("r", 1, "3 days"), [sent("Mon 10:00")], "defer PRESSURE until Thu 00:00"),
        (rule("r", 1, "calendar week"), [sent("Mon 10:00")], "defer PRESSURE until 2025-03-10 00:00"),
        (rule("r", 1, "calendar day"), [sent("Tue 20:00")], "defer PRESSURE until Wed 00:00"),
        (rule("r", 1, "1d"), [sent("Tue 20:00")], "defer PRESSURE until Wed 20:00"),
        (rule("r", None, gap=16 * HOUR), [sent("Mon 20:00")], "defer PRESSURE until Tue 12:00"),
        (rule("r", None, gap=14 * HOUR), [sent("Mon 20:00")], "send"),
        (
            rule("r", 3000, "7d", unit="points"),
            [sent("Mon 10:00", "sms", weight=2000), sent("Mon 11:00")],
            "defer PRESSURE until 2025-03-10 10:00",
        ),
        (rule("r", 500, "7d", unit="points"), [], "suppress PRESSURE"),
        (rule("r", 0, "7d"), [], "suppress PRESSURE"),
        (rule("r", 1, "7d", channels=frozenset({"sms"})), [sent("Mon 10:00")], "send"),
        (rule("r", 1, "7d", triggers=frozenset({"x"})), [sent("Mon 10:00")], "send"),
        (rule("r", 1, "14d"), [sent("Mon 10:00")], "suppress EXPIRED"),
        (rule("r", 1, "7d", audience=condition("orders > 1")), [sent("Mon 10:00")], "send"),
        (
            rule("r", 1, "7d", audience=condition("orders < 1")),
            [sent("Mon 10:00")],
            "defer PRESSURE until 2025-03-10 10:00",
        ),
    ],
)
def test_a_full_window_defers_to_the_first_legal_instant(
    limit: Any, contacts: list[Contact], row: str
) -> None:
    assert at_ten(playbook(NEWS, rules=[limit]), *contacts) == [f"Tue 10:00 t email {row}"]


def test_the_evidence_names_rule_window_count_and_what_fills_it() -> None:
    book = playbook(NEWS, rules=[rule("one", 1, "7d"), rule("gap", None, gap=DAY + HOUR)])
    contact = sent("Mon 10:00")
    (decision,) = play(book, event("News", "Tue 10:00"), contacts=(contact,), until="Tue 10:00").decisions
    week, gap = decision.rules
    assert (week.rule, week.count, week.limit, week.counted, week.free_at) == (
        "one",
        1,
        1,
        (contact,),
        at("2025-03-10 10:00"),
    )
    assert (gap.rule, gap.limit, gap.free_at) == ("gap", None, at("Tue 11:00"))


@pytest.mark.parametrize(
    ("obeys", "counts", "expected"),
    [
        (True, True, ["send", "defer"]),
        (True, False, ["send", "send"]),
        (False, True, ["send", "send"]),
        (False, False, ["send", "send"]),
    ],
)
def test_obeying_and_counting_are_two_switches(obeys: bool, counts: bool, expected: list[str]) -> None:
    news = replace(NEWS, purpose="p")
    book = playbook(news, rules=[rule("one", 1, "7d")], purposes={"p": Purpose("p", obeys, counts)})
    plan = play(book, event("News", "Mon 10:00"), event("News", "Mon 11:00"), until="Mon 12:00")
    assert [decision.outcome for decision in plan.decisions] == expected


@pytest.mark.parametrize(
    ("fields", "contacts", "expected"),
    [
        ({"on_limit": "defer"}, [sent("Tue 09:00")], ["email defer PRESSURE until Wed 09:00"]),
        ({"on_limit": "drop"}, [sent("Tue 09:00")], ["email suppress PRESSURE"]),
        ({"on_limit": "fallback"}, [sent("Tue 09:00")], ["sms send"]),
        (
            {"on_limit": "fallback"},
            [sent("Tue 09:00"), sent("Tue 08:00", "sms")],
            ["sms defer PRESSURE until Wed 08:00"],
        ),
        (
            {"on_limit": "fallback"},
            [sent("Tue 09:00"), sent("Tue 09:00", "sms")],
            ["email defer PRESSURE until Wed 09:00"],
        ),
        (
            {"mode": "all"},
            [sent("Tue 09:00", "sms")],
            ["email defer PRESSURE until Wed 09:00", "sms defer PRESSURE until Wed 09:00"],
        ),
        ({"mode": "all"}, [], ["email send", "sms send"]),
        (
            {"mode": "all", "on_limit": "drop"},
            [sent("Tue 09:00", "sms")],
            ["email suppress PRESSURE", "sms suppress PRESSURE"],
        ),
    ],
)
def test_what_a_full_window_does(
    fields: dict[str, Any], contacts: list[Contact], expected: list[str]
) -> None:
    rules = [rule(f"one-{name}", 1, "1d", channels=frozenset({name})) for name in ("email", "sms")]
    book = playbook(trigger("t", on("News"), step("email", "sms", **fields)), rules=rules)
    assert at_ten(book, *contacts) == [f"Tue 10:00 t {row}" for row in expected]


def test_a_step_that_is_dropped_at_a_full_window_waits_for_the_opening_of_its_channel_and_not_for_room() -> (
    None
):
    book = playbook(
        trigger("t", on("News"), step(on_limit="drop")),
        channels=[channel("email", "Mon-Sun 08:00-18:00")],
        rules=[rule("one", 1, "7d")],
    )
    assert rows(play(book, event("News", "Mon 20:00"), contacts=(sent("Mon 10:00"),))) == [
        "Mon 20:00 t email defer QUIET_HOURS until Tue 08:00",
        "Tue 08:00 t email suppress PRESSURE",
    ]


def test_a_step_that_expires_in_quiet_hours_names_the_rule_that_is_full_at_their_end() -> None:
    book = playbook(
        trigger("t", on("News"), step(expires=13 * HOUR)),
        channels=[channel("email", "Mon-Sun 08:00-18:00")],
        rules=[rule("one", 1, "10h")],
    )
    plan = play(book, event("News", "Mon 20:00"), contacts=(sent("Tue 07:00", "print"),))
    assert rows(plan) == ["Mon 20:00 t email suppress EXPIRED"]
    assert [each.rule for each in plan.decisions[0].rules] == ["one"]


@pytest.mark.parametrize(
    ("mode", "traits", "expected"),
    [
        ("first", {}, ["email send"]),
        ("first", {"email": None}, ["sms send"]),
        ("first", {"email": None, "phone": None}, ["email suppress NO_ADDRESS"]),
        ("all", {"email": None}, ["sms send"]),
        ("all", {"email": None, "phone": None}, ["email suppress NO_ADDRESS", "sms suppress NO_ADDRESS"]),
    ],
)
def test_only_allowed_channels_are_used(mode: str, traits: dict[str, Any], expected: list[str]) -> None:
    book = playbook(trigger("t", on("News"), step("email", "sms", mode=mode)))
    assert at_ten(book, traits=traits) == [f"Tue 10:00 t {row}" for row in expected]


def test_channels_sent_together_wait_for_an_hour_that_is_open_for_all() -> None:
    windows = [channel("email", "Mon-Sun 08:00-12:00"), channel("sms", "Mon-Sun 11:00-20:00")]
    book = playbook(trigger("t", on("News"), step("email", "sms", mode="all")), channels=windows)
    assert at_ten(book)[0] == "Tue 10:00 t email defer QUIET_HOURS until Tue 11:00"


def test_quiet_hours_are_those_of_her_own_zone() -> None:
    book = playbook(NEWS, channels=[channel("email", "Mon-Sun 09:00-20:00")])
    assert at_ten(book, traits={"timezone": "America/New_York"}) == [
        "Tue 10:00 t email defer QUIET_HOURS until Tue 15:00"
    ]
    assert at_ten(book, traits={"timezone": "Nowhere/Land", "address.country": "JP"}) == [
        "Tue 10:00 t email send"
    ]


def test_a_new_row_for_a_waiting_step_only_when_reason_or_instant_change() -> None:
    book = playbook(NEWS, rules=[rule("one", 1, "1d")])
    contact = sent("Mon 20:00")
    waiting = contact._replace(released_at=None)
    other = sent("Mon 08:00")._replace(released_at=at("Tue 12:00"))
    plan = play(book, event("News", "Tue 10:00"), contacts=(waiting, other), until="Tue 13:00")
    assert rows(plan) == ["Tue 10:00 t email defer PRESSURE until Tue 20:00"]


def test_a_contact_that_is_cancelled_wakes_what_it_deferred() -> None:
    book = playbook(NEWS, rules=[rule("one", 1, "1d")])
    cancelled = sent("Mon 20:00")._replace(released_at=at("Tue 12:00"))
    plan = play(book, event("News", "Tue 10:00"), contacts=(cancelled,))
    assert rows(plan) == ["Tue 10:00 t email defer PRESSURE until Tue 20:00", "Tue 12:00 t email send"]


def test_on_waking_all_guards_are_asked_again() -> None:
    book = playbook(NEWS, rules=[rule("one", 1, "1d")])
    withdrawn = Consent("email", "*", "withdrawn", at("Tue 12:00"), at("Tue 12:00"))
    plan = play(book, event("News", "Tue 10:00"), contacts=(sent("Mon 20:00"),), consents=(withdrawn,))
    assert rows(plan) == [
        "Tue 10:00 t email defer PRESSURE until Tue 20:00",
        "Tue 20:00 t email suppress NO_CONSENT",
    ]


def test_the_next_step_is_planned_from_the_planned_instant_not_from_the_sending() -> None:
    book = playbook(
        trigger("t", on("News"), step(), step(after=2 * DAY)),
        channels=[channel("email", "Mon-Sun 07:00-21:00")],
    )
    assert rows(play(book, event("News", "Mon 22:00"))) == [
        "Mon 22:00 t email defer QUIET_HOURS until Tue 07:00", "Tue 07:00 t email send",
        "Wed 22:00 t#2 email defer QUIET_HOURS until Thu 07:00", "Thu 07:00 t#2 email send",
    ]  # fmt: skip


def test_a_step_whose_condition_does_not_hold_is_passed_over_without_a_row() -> None:
    second = step(after=DAY, only_if=condition("event.value > 10", ConditionContext.ONLY_IF))
    book = playbook(trigger("t", on("News"), step(), second, step("sms", after=DAY)))
    assert rows(play(book, event("News", "Mon 10:00", value=5))) == [
        "Mon 10:00 t email send",
        "Wed 10:00 t#3 sms send",
    ]


@pytest.mark.parametrize("gone", ["trigger", "step"])
def test_what_is_no_longer_in_the_playbook_ends(gone: str) -> None:
    under_way = enrolment(trigger("t", on("News")), "Mon 10:00", step=2 if gone == "step" else 1)
    book = playbook(NEWS) if gone == "step" else playbook()
    plan = advance(dossier(enrolments=(under_way,)), book, at("Mon 10:00"))
    assert [(d.channel, d.reason) for d in plan.decisions] == [(None, Reason.TRIGGER_RETIRED)]
    assert plan.next_due is None


def test_the_key_of_a_message_is_that_of_enrolment_step_and_channel() -> None:
    book = playbook(trigger("t", on("News"), step("email", "sms", mode="all"), step(after=DAY)))
    known: Dossier = dossier(event("News", "Mon 10:00", id=7))
    first, again = (
        advance(known, replace(book, version=version), at("Sun 00:00")).decisions for version in (1, 2)
    )
    keys = [decision.message.key for decision in first if decision.message is not None]
    assert len(set(keys)) == 3
    assert keys == [decision.message.key for decision in again if decision.message is not None]


def test_a_letter_counts_where_it_lands_and_the_row_is_of_the_decision() -> None:
    book = playbook(
        trigger("t", on("News"), step("print")),
        channels=[channel("print", lead_time=3 * DAY)],
        rules=[rule("gap", None, gap=DAY)],
    )
    plan = play(book, event("News", "Mon 10:00"), contacts=(sent("Thu 12:00"),), until="Tue 12:00")
    assert rows(plan) == ["Mon 10:00 t print defer PRESSURE until Tue 12:00", "Tue 12:00 t print send"]
    assert plan.decisions[-1].message is not None
    assert plan.decisions[-1].message.contact.at == at("Fri 12:00")
