"""The log of decisions and the outbox for the screens, on a real database: terms, order, evidence, acts and
their refusals.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, insert, select, update

from console.clock import SIMULATED_AT
from console.main import main
from console.tui.answers.local_service import LocalService
from core.errors import ManometerError
from core.instants import DAY, format_instant
from core.model.fates import Fate
from core.model.outbox import ALLOWED, CLOSED, OPEN, STATES
from screens.cells.filters import Reader
from screens.ports.decisions import NEWEST
from screens.ports.terms import LogFilter
from storage import decisions
from storage.schema.decisions import decisions as decisions_table
from storage.schema.messages import messages
from storage.schema.operations import audit
from storage.store import set_meta
from tests.console.furniture import HOSTILE, NOON, TRIGGER, furnished


def never() -> bool:
    return False


@pytest.fixture
def local(tmp_path: Path) -> Iterator[LocalService]:
    folder = furnished(tmp_path / "shop")
    assert main(["-w", str(folder), "apply", "--at", format_instant(NOON - 30 * DAY), "--yes"]) == 0
    service = LocalService(folder)
    with service.store.writing() as connection:
        set_meta(connection, SIMULATED_AT, str(NOON))
    yield service
    service.close()


def terms(text: str, fields: tuple[str, ...] = ("trigger", "outcome", "reason", "channel")) -> LogFilter:
    return Reader(fields, NOON, ZoneInfo("Europe/Zurich")).terms(text)


# ---- decisions ----


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("", [6, 5, 2, 1, 3, 4]),
        ("outcome:send", [6, 1, 3, 4]),
        ("!outcome:send", [5, 2]),
        ("reason:press", [5]),
        ("!reason:pressure", [6, 2, 1, 3, 4]),
        ("reason:pressure reason:no-consent", [5, 2]),
        ("trigger:basket outcome:defer", [5]),
        ("no_consent", [2]),
        ("email !send", [5, 2]),
        ("customer:u1 outcome:send since:2d", [6, 1, 3]),
        ("until:2025-03-30T14:00", [3, 4]),
        ("trigger:birthday", []),
    ],
)
def test_the_log_is_narrowed_by_terms_and_stands_newest_first(
    local: LocalService, text: str, ids: list[int]
) -> None:
    assert list(local.decisions.ids(terms(text), never).ids) == ids


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "trigger:baskett-reminder",
            "There is no trigger 'baskett-reminder' here. Did you mean 'basket-reminder'?",
        ),
        ("nonsense", "There is nothing called 'nonsense' here."),
        ("customer:u9", "There is no customer 'u9'"),
    ],
)
def test_a_term_that_names_nothing_is_refused_in_words(local: LocalService, text: str, said: str) -> None:
    with pytest.raises(ManometerError) as refused:
        local.decisions.ids(terms(text), never)
    assert said in str(refused.value)


def test_the_first_few_are_told_before_the_rest_is_read(
    local: LocalService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decisions, "FIRST_FOUND", 2)
    told: list[list[int]] = []
    local.decisions.ids(LogFilter(), never, lambda ids: told.append(list(ids)))
    assert told == [[6, 5]]


def test_only_so_many_of_the_newest_are_looked_at(
    local: LocalService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decisions, "NEWEST", 3)
    assert list(local.decisions.ids(LogFilter(), never).ids) == [6, 5, 2]
    assert list(local.decisions.ids(terms("outcome:send"), never).ids)[:2] == [6, 1]
    assert 4 not in local.decisions.ids(terms("outcome:send"), never).ids


def test_what_is_written_since_is_asked_for_alone(local: LocalService) -> None:
    listed = local.decisions.ids(terms("outcome:send"), never)
    new = {
        "at": NOON + 2 * DAY,
        "customer_id": 1,
        "trigger": TRIGGER,
        "step": 1,
        "channel": "email",
        "planned_at": NOON,
        "version": 1,
    }
    with local.store.writing() as connection:
        connection.execute(insert(decisions_table), [{**new, "outcome": "send"}, {**new, "outcome": "hold"}])
    newer = local.decisions.newer(terms("outcome:send"), listed.last, never)
    assert (list(newer.ids), newer.last) == ([7], 8)
    assert list(local.decisions.newer(terms("outcome:send"), newer.last, never).ids) == []


def test_a_decision_is_shown_with_what_filled_the_window(local: LocalService) -> None:
    view = local.decisions.view(5, never)
    assert "the customer has had 3 of 3 by rule three-a-week" in view.words
    assert view.rules[0]["counted"][0]["trigger"] == TRIGGER
    assert local.decisions.view(1, never).message_words == "waits for approval"
    with pytest.raises(ManometerError, match="not in the log"):
        local.decisions.view(99, never)


def test_hostile_names_come_through_as_they_are_for_the_screen_to_tame(local: LocalService) -> None:
    assert local.decisions.rows([2], never)[2].name == HOSTILE


# ---- the outbox ----

FIELDS = ("state", "trigger", "channel", "reason")


def test_screens_and_storage_know_the_same_bounds() -> None:
    assert NEWEST == decisions.NEWEST


def test_every_state_is_open_or_closed_and_acts_are_for_open_ones() -> None:
    assert sorted((*OPEN, *CLOSED)) == sorted(STATES)
    assert set().union(*ALLOWED.values()) <= {*OPEN}


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("", [2, 3, 4, 1]),
        ("state:held", [2]),
        ("!state:sent !state:held", [3, 4]),
        ("state:fail", [3]),
        ("since:2025-03-30", [2, 4]),
        ("customer:u1 state:sent", [1]),
        ("trigger:basket state:sent", [1]),
        ("channel:sms", [3]),
        ("!channel:sms", [2, 4, 1]),
        ("channel:webpush", []),
    ],
)
def test_messages_are_listed_the_urgent_first(local: LocalService, text: str, ids: list[int]) -> None:
    with local.store.writing() as connection:
        connection.execute(update(messages).values(channel="sms").where(messages.c.id == 3))
    assert list(local.outbox.ids(terms(text, FIELDS), never)) == ids


def test_the_open_states_are_counted(local: LocalService) -> None:
    assert dict(local.outbox.counts(never)) == {Fate.WAITS_FOR_APPROVAL: 1, Fate.FAILED: 1, Fate.DUE: 1}


def test_an_act_takes_only_those_it_can_and_says_why_not_the_others(local: LocalService) -> None:
    effect = local.outbox.effect("approve", [1, 2, 3, 4], never)
    assert list(effect.ids) == [2]
    assert effect.refused == {"sent": 1, "failed": 1, "planned": 1}
    assert (effect.customers, effect.triggers, effect.channels) == (1, {TRIGGER: 1}, {"email": 1})
    late = local.outbox.effect("retry", [3], never)
    assert (list(late.ids), late.too_late) == ([], 1)


def test_acts_are_written_with_their_reason(local: LocalService) -> None:
    assert local.outbox.act("reject", [2], "wrong price") == "1 message rejected."
    assert local.outbox.act("cancel", [4], "") == "1 message cancelled."
    with local.store.reading() as connection:
        lines = connection.execute(
            select(audit.c.action, audit.c.subject, audit.c.reason).where(audit.c.action != "apply")
        ).all()
        ended = connection.execute(select(func.count()).where(messages.c.state == "cancelled")).scalar_one()
    assert ended == 2
    assert [tuple(each) for each in lines] == [
        ("outbox reject", "2", "wrong price"),
        ("outbox cancel", "4", None),
    ]
    with pytest.raises(ManometerError, match="message 2 is cancelled"):
        local.outbox.act("approve", [2], "")
