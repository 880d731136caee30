"""Triggers for the screens, on a real database: numbers, who waits, pausing with its undo, and what is
refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import insert, select, update

from console.clock import SIMULATED_AT
from console.main import main
from console.tui.answers.local_service import LocalService
from core.errors import ManometerError
from core.instants import DAY, HOUR, MINUTE, Instant, format_instant
from core.model.counts import OutcomeCount, fates_of
from core.model.fates import Fate
from core.model.pauses import Pause, parse_target
from screens.ports import CancelledError
from storage import pauses
from storage.schema.enrolments import enrolments
from storage.schema.messages import messages
from storage.schema.operations import audit
from storage.store import set_meta
from tests.console.furniture import NOON, TRIGGER, furnished


def never() -> bool:
    return False


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    folder = furnished(tmp_path / "shop")
    assert main(["-w", str(folder), "apply", "--at", format_instant(NOON - 30 * DAY), "--yes"]) == 0
    return folder


@pytest.fixture
def local(shop: Path) -> Iterator[LocalService]:
    service = LocalService(shop)
    stand_at(service, NOON)
    yield service
    service.close()


def stand_at(service: LocalService, at: Instant) -> None:
    with service.store.writing() as connection:
        set_meta(connection, SIMULATED_AT, str(at))


def line(service: LocalService, name: str = TRIGGER):  # type: ignore[no-untyped-def]
    return next(each for each in service.triggers.lines(never) if each.name == name)


def test_a_trigger_is_listed_with_its_numbers(local: LocalService) -> None:
    found = line(local)
    assert (found.state, found.waiting, found.sent, found.sent_lately) == ("active", 2, 1, 1)
    assert (found.never_lately, found.later_lately, found.goal_reached_lately) == (1, 1, 0)
    assert (found.last_fired, found.next_due) == (NOON - DAY, NOON - HOUR)


def test_what_was_sent_long_ago_is_counted_once_and_what_is_new_each_time(local: LocalService) -> None:
    assert line(local).sent == 1
    with local.store.writing() as connection:
        connection.execute(
            update(messages).where(messages.c.id == 3).values(state="sent", sent_at=NOON - HOUR)
        )
        connection.execute(update(messages).where(messages.c.id == 2).values(state="uncertain"))
    assert line(local).sent == 2  # of the uncertain one nobody can say that it was sent


def test_drafts_and_retired_triggers_are_told_apart(local: LocalService) -> None:
    assert line(local, "win-back").state == "draft"
    assert {each.state for each in local.triggers.lines(never)} == {"active", "draft"}


def test_one_trigger_is_shown_with_its_journey_file_and_outcomes(local: LocalService) -> None:
    view = local.triggers.view(TRIGGER, never)
    assert view.trigger is not None
    assert view.waiting_by_step == {1: 2}
    assert view.entered == 2
    assert "[when]" in view.definition
    assert set(view.outcomes) == {
        OutcomeCount("send", None, 1, "sent"), OutcomeCount("send", None, 1, "held"),
        OutcomeCount("send", None, 1, "failed"), OutcomeCount("send", None, 1, "planned"),
        OutcomeCount("suppress", "NO_CONSENT", 1), OutcomeCount("defer", "PRESSURE", 1),
    }  # fmt: skip
    assert view.sent == local.triggers.lines(never)[0].sent == fates_of(view.outcomes)[Fate.SENT] == 1
    assert [each.action for each in view.history] == ["apply"]


def test_each_number_of_the_outcomes_opens_as_many_decisions(local: LocalService) -> None:
    view = local.triggers.view(TRIGGER, never)
    found = [
        local.triggers.decision_ids(TRIGGER, view.outcomes_since, [each], never) for each in view.outcomes
    ]
    assert [len(ids) for ids in found] == [each.number for each in view.outcomes]
    together = local.triggers.decision_ids(TRIGGER, view.outcomes_since, view.outcomes, never)
    assert sorted(together) == sorted(number for ids in found for number in ids)
    assert len(set(together)) == sum(each.number for each in view.outcomes)


def test_a_trigger_that_there_is_not_is_refused_with_the_nearest_name(local: LocalService) -> None:
    with pytest.raises(ManometerError, match="Did you mean 'basket-reminder'"):
        local.triggers.view("basket-remindre", never)


def test_who_waits_is_listed_by_due_instant_those_without_one_first(local: LocalService) -> None:
    with local.store.writing() as connection:
        held = {"id": 7, "customer_id": 1, "trigger": TRIGGER, "cause_key": "held", "cause_at": NOON,
            "entered_at": NOON, "version": 1,
                "state": "open", "step": 2, "planned_at": NOON, "due_at": None,
                "waits_for": "TRIGGER_PAUSED"}  # fmt: skip
        connection.execute(insert(enrolments), [held])
    ids = local.triggers.waiting_ids(TRIGGER, never)
    assert list(ids) == [7, 1, 2]
    rows = local.triggers.waiting_rows(ids, never)
    assert (rows[7].step, rows[7].waits_for, rows[7].due_at) == (2, "TRIGGER_PAUSED", None)
    assert (rows[1].customer, rows[1].name) == ("u1", "Anna Müller")


# ---- pausing ----


def test_pausing_is_written_with_author_reason_and_end_and_undone_as_if_it_had_not_been(
    local: LocalService,
) -> None:
    said = local.triggers.pause(TRIGGER, NOON + DAY, "wrong price")
    assert said.startswith("basket-reminder is paused until Mon 31 Mar 2025 14:00 CEST:")
    assert "2 customers under way, 2 messages waiting" in said
    found = line(local)
    assert found.state == "paused"
    assert found.pause is not None
    assert (found.pause.reason, found.pause.until) == ("wrong price", NOON + DAY)
    assert "undone" in local.triggers.undo_pause(TRIGGER)
    assert line(local).state == "active"
    with local.store.reading() as connection:
        assert [pause.policy for pause in pauses.all_of(connection)] == ["overdue"]
        lines = connection.execute(
            select(audit.c.action, audit.c.reason).where(audit.c.subject == TRIGGER)
        ).all()
    assert [tuple(each) for each in lines] == [("pause", "wrong price"), ("resume", "undone")]


def test_undo_takes_back_only_what_this_console_has_just_done(local: LocalService) -> None:
    with pytest.raises(ManometerError, match="has not paused"):
        local.triggers.undo_pause(TRIGGER)
    local.triggers.pause(TRIGGER, None, "")
    stand_at(local, NOON + 11 * MINUTE)
    with pytest.raises(ManometerError, match="more than ten minutes"):
        local.triggers.undo_pause(TRIGGER)
    local.triggers.resume(TRIGGER, "skip", "")
    with local.store.writing() as connection:
        pauses.pause(connection, Pause(parse_target(TRIGGER), NOON + 11 * MINUTE), "somebody else", None)
    with pytest.raises(ManometerError, match="has not paused"):
        local.triggers.undo_pause(TRIGGER)


def test_a_pause_is_refused_where_it_is_one_already_or_its_end_is_past(local: LocalService) -> None:
    with pytest.raises(ManometerError, match="is not after"):
        local.triggers.pause(TRIGGER, NOON, "")
    local.triggers.pause(TRIGGER, None, "")
    with pytest.raises(ManometerError, match="has been paused since"):
        local.triggers.pause(TRIGGER, None, "")


def test_resuming_offers_every_policy_in_numbers_and_does_the_chosen_one(local: LocalService) -> None:
    local.triggers.pause(TRIGGER, None, "")
    stand_at(local, NOON + HOUR)
    effect = local.triggers.pause_effect(TRIGGER, never)
    assert [each.policy for each in effect.policies] == ["skip", "overdue", "shift", "restart"]
    words = (
        "1 step under way, to move by 1h; 1 step fell due meanwhile, to go out now, under pressure and "
        "expiry."
    )
    assert effect.policies[2].words == words
    assert local.triggers.resume(TRIGGER, "shift", "put right") == f"basket-reminder goes on. shift: {words}"
    assert line(local).state == "active"
    with pytest.raises(ManometerError, match="is not paused"):
        local.triggers.resume(TRIGGER, "skip", "")


def test_the_stop_shows_on_every_active_trigger_and_go_ends_it(local: LocalService) -> None:
    assert local.triggers.pause_effect("*", never).pause is None
    assert (
        local.triggers.stop(False, "fire")
        == "All sending is stopped, transactional messages go on: 2 messages waiting."
    )
    assert line(local).state == "stopped"
    local.in_force()
    assert local.place.stopped
    with pytest.raises(ManometerError, match="has been stopped since"):
        local.triggers.stop(False, "")
    local.triggers.stop(True, "all of it")
    assert local.triggers.go("overdue", "").startswith("Sending goes on. overdue:")
    assert line(local).state == "active"
    local.in_force()
    assert not local.place.stopped


def test_a_console_for_reading_only_pauses_nothing(shop: Path) -> None:
    service = LocalService(shop, read_only=True)
    try:
        with pytest.raises(ManometerError, match="--read-only"):
            service.triggers.pause(TRIGGER, None, "")
        assert line(service).state == "active"
    finally:
        service.close()


def test_a_question_nobody_waits_for_is_given_up(local: LocalService) -> None:
    with pytest.raises(CancelledError):
        local.triggers.lines(lambda: True)
