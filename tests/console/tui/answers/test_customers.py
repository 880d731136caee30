"""What the console is told about customers, from a real database."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, update

from console.clock import SIMULATED_AT
from console.tui.answers.local_service import LocalService
from core.errors import ManometerError
from core.instants import DAY, HOUR
from screens.ports import CancelledError
from screens.ports.customers import CustomerGauge, Filling
from storage.schema.consents import consents, suppressions
from storage.schema.customers import customers
from storage.schema.events import events
from storage.schema.messages import messages
from storage.store import Store, set_meta
from tests.console.furniture import HOSTILE, NOON, TRIGGER, furnished

ANNA, EVE = 1, 2
SENT = {
    "customer_id": ANNA, "enrolment_id": 7, "trigger": TRIGGER, "step": 1, "channel": "email",
    "template": TRIGGER, "state": "sent",
    "expires_at": NOON + DAY, "purpose": "marketing", "weight": 1000, "counts": 1,
}  # fmt: skip


def never() -> bool:
    return False


def nothing(_: array[int]) -> None:
    """Nobody waits for the first rows."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = furnished(tmp_path / "shop")
    with Store.open(place / "manometer.db") as store, store.writing() as connection:
        set_meta(connection, SIMULATED_AT, str(NOON))
    return place


@pytest.fixture
def service(folder: Path) -> Iterator[LocalService]:
    service = LocalService(folder)
    yield service
    service.close()


def add(service: LocalService, table: Any, *rows: dict[str, Any]) -> None:
    with service.store.writing() as connection:
        connection.execute(insert(table), list(rows))


# ---- the list ----


def test_customers_are_found_with_the_contacts_of_seven_days(service: LocalService) -> None:
    hits = service.customers.ids("anna", "key", False, never, nothing)
    row = service.customers.rows(hits.ids, never)[ANNA]
    assert (row.key, row.name, row.contacts, row.revenue, row.next_due) == (
        "u1",
        "Anna Müller",
        2,
        12345,
        NOON + HOUR,
    )


def test_a_fault_of_the_filter_is_an_answer_and_no_error(service: LocalService) -> None:
    hits = service.customers.ids("segment:regular", "key", False, never, nothing)
    assert not hits.ids
    assert "Did you mean 'regulars'?" in str(hits.fault)


def test_a_segment_is_found_as_its_condition_says(service: LocalService) -> None:
    first = service.customers.ids("segment:regulars", "key", False, never, nothing)
    with service.store.writing() as connection:
        connection.execute(
            update(customers).where(customers.c.id == EVE).values(orders=50, last_order_at=NOON)
        )
    then = service.customers.ids("segment:regulars", "key", False, never, nothing)
    assert EVE not in first.ids
    assert EVE in then.ids
    assert EVE not in service.customers.ids("!segment:regulars", "key", False, never, nothing).ids


def test_a_question_that_nobody_waits_for_ends(service: LocalService) -> None:
    with pytest.raises(CancelledError):
        service.customers.ids("anna", "key", False, lambda: True, nothing)


# ---- one ----


def test_a_profile_says_which_consent_counts_and_what_is_wrong_with_an_address(service: LocalService) -> None:
    said = {
        "customer_id": ANNA,
        "channel": "email",
        "purpose": "marketing",
        "state": "withdrawn",
        "source": "link",
    }
    add(
        service,
        consents,
        said | {"occurred_at": NOON + 1, "arrived_at": NOON - 1},
        said | {"occurred_at": NOON - 9, "arrived_at": NOON},
    )
    add(
        service,
        suppressions,
        {
            "medium": "email",
            "address": "anna@example.com",
            "reason": "bounce",
            "arrived_at": NOON,
            "source": "smtp",
        },
    )
    with service.store.writing() as connection:
        connection.execute(
            update(customers).where(customers.c.id == ANNA).values(traits='{"email":"anna@example.com"}')
        )
    profile = service.customers.profile(ANNA, never)
    assert [(consent.state, consent.is_latest) for consent in profile.consents] == [
        ("withdrawn", False), ("granted", True), ("withdrawn", False),
    ]  # fmt: skip
    assert [each.reason for each in profile.suppressed] == ["bounce"]
    assert "ADDRESS SUPPRESSED: email" in profile.badges
    assert ("loyalty", "L-77") in profile.identities


def test_a_customer_without_a_consent_has_a_badge(service: LocalService) -> None:
    assert "NO CONSENT to any channel" in service.customers.profile(EVE, never).badges


def test_a_customer_who_is_gone_is_said_in_words(service: LocalService) -> None:
    for question in (service.customers.profile, service.customers.pressure, service.customers.planned):
        with pytest.raises(ManometerError, match="There is no customer in row 99"):
            question(99, never)


def test_the_pressure_counts_what_its_window_holds_and_says_when_it_frees(service: LocalService) -> None:
    times = (NOON - 6 * DAY, NOON - 2 * DAY, NOON - HOUR)
    add(
        service,
        messages,
        *[
            {**SENT, "enrolment_id": n, "key": f"x{n}", "planned_at": at, "lands_at": at}
            for n, at in enumerate(times, 5)
        ],
    )
    weekly = next(gauge for gauge in service.customers.pressure(ANNA, never) if gauge.rule == "three-a-week")
    landings = sorted(
        [*times, NOON - DAY, NOON]
    )  # of the furniture, one was sent yesterday and one waits for its approval at noon
    assert weekly == replace(weekly, unit="contacts", used=len({*landings}) - 1, limit=3, window="7d")
    assert weekly.is_full
    assert weekly.frees_at == landings[1] + 7 * DAY
    assert Filling(NOON - 6 * DAY, TRIGGER, "email") in weekly.filled_by


def test_a_gauge_of_points_is_full_where_one_usual_contact_is_too_much() -> None:
    gauge = CustomerGauge("points", "points", 7500, 8000, "7d", None, (), "")
    assert gauge.is_full
    assert not replace(gauge, used=7000).is_full
    assert replace(gauge, limit=None, used=1).is_full
    assert not replace(gauge, limit=None, used=0).is_full


def test_what_is_planned_names_the_step_the_waiting_messages_and_what_the_engine_foresees(
    service: LocalService,
) -> None:
    planned = service.customers.planned(ANNA, never)
    (under_way,) = planned.under_way
    assert (under_way.trigger, under_way.step, under_way.steps, under_way.title) == (
        TRIGGER,
        1,
        2,
        "Basket left behind",
    )
    assert [(each.id, each.state) for each in planned.waiting] == [(2, "held"), (4, "planned")]
    assert planned.until == NOON + 14 * DAY
    assert planned.foreseen
    assert {each.trigger for each in planned.foreseen} <= {
        "basket-reminder",
        "birthday",
        "product-interest",
        "win-back",
    }


# ---- the timeline ----


def test_a_timeline_mixes_all_and_gives_details_in_words(service: LocalService) -> None:
    hits = service.customers.entries(ANNA, "", never, nothing)
    rows = service.customers.entry_rows(hits.ids, never)
    assert {row.kind for row in rows.values()} == {"event", "message", "decision", "consent"}
    instants = [rows[entry].at for entry in hits.ids]
    assert instants == sorted(instants, reverse=True)
    deferred = next(row for row in rows.values() if row.state == "defer")
    details = service.customers.details(deferred.id, never)
    assert "three-a-week" in " ".join(details.words)
    assert "rule three-a-week" in [name for name, _ in details.values]
    failed = next(row for row in rows.values() if row.state == "failed")
    assert ("address", "anna@example.com") in service.customers.details(failed.id, never).values
    viewed = next(row for row in rows.values() if row.kind == "event")
    assert service.customers.details(viewed.id, never).values[0][0] == "number"
    granted = next(row for row in rows.values() if row.kind == "consent")
    assert "granted" in service.customers.details(granted.id, never).words[0]


def test_a_timeline_is_narrowed_and_a_fault_is_said(service: LocalService) -> None:
    assert len(service.customers.entries(ANNA, "kind:message state:held", never, nothing).ids) == 1
    assert "There is no field 'x'" in str(service.customers.entries(ANNA, "x:y", never, nothing).fault)
    assert service.customers.channels(ANNA, never) == ("email", "web")


def test_an_entry_that_is_gone_is_said_in_words(service: LocalService) -> None:
    with pytest.raises(ManometerError, match="gone"):
        service.customers.details(4 * 999, never)


def test_hostile_text_comes_through_as_it_is_for_the_screens_to_make_harmless(service: LocalService) -> None:
    add(
        service,
        events,
        {
            "dedup": b"x" * 16, "customer_id": EVE, "kind": "track", "name": "[/x]\x1b]52;c;cHduZWQ=\x1b\\",
            "occurred_at": NOON,
            "arrived_at": NOON, "source": "shop", "properties": '{"a":{"b":[1,{"c":"\\u202e"}]},"d":null}',
        },
    )  # fmt: skip
    hits = service.customers.entries(EVE, "kind:event", never, nothing)
    (row,) = service.customers.entry_rows(hits.ids, never).values()
    assert row.what.startswith("[/x]")
    assert service.customers.rows([EVE], never)[EVE].name == HOSTILE
