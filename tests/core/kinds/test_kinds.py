"""What every kind of trigger answers, whichever it is; a new kind is asked the same by being there."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.engine.state import CustomerState
from core.kinds import kinds
from core.kinds._kind import Kind
from core.language import explain
from core.model.nearness import EntryQuestion
from core.model.pauses import PausePolicy
from core.model.triggers import Trigger
from core.model.when import ANY_EVENT, When
from tests.core.builders import ZURICH, dossier, enrolment, event, playbook, step, trigger

POLICIES: tuple[PausePolicy, ...] = ("skip", "overdue", "shift", "restart")
FOLDER = Path(__file__).parents[3] / "core" / "kinds"
KINDS = pytest.mark.parametrize("kind", kinds().values(), ids=kinds())


def asked(kind: type[Kind]) -> Trigger:
    return trigger("t", kind(), step())


@KINDS
def test_a_kind_has_a_name_and_keys_of_its_own(kind: type[Kind]) -> None:
    assert kinds()[kind.kind] is kind
    assert kind.keys
    assert "kind" not in kind.keys


@KINDS
def test_a_kind_brings_its_reader_its_words_and_its_nearness(kind: type[Kind]) -> None:
    assert "read" in vars(kind)
    assert kind.words is not When.words
    assert kind.nearness is not When.nearness


@KINDS
def test_a_kind_names_the_events_that_concern_it(kind: type[Kind]) -> None:
    when = kind()
    assert when.enters_on() | (when.ends_on() - {ANY_EVENT}) | when.moved_by() >= set(when.history_needed())
    assert all(back > 0 for back in when.history_needed().values())


@KINDS
def test_a_kind_decides_on_what_it_sees_and_changes_nothing(kind: type[Kind]) -> None:
    book = playbook(asked(kind))
    state = CustomerState(dossier(), book)
    act = event("Seen", "Mon 10:00")
    before = kind().before_event(act, state)
    state.fold(act)
    known = (dict(state.entries), list(state.enrolments), state.now)
    kind().on_event(act, state, before)
    kind().upcoming(asked(kind), state, state.now)
    assert known == (dict(state.entries), list(state.enrolments), state.now)


@KINDS
def test_a_kind_says_how_far_a_customer_is(kind: type[Kind]) -> None:
    book = playbook(asked(kind))
    state = CustomerState(dossier(), book)
    question = EntryQuestion(
        trigger=asked(kind),
        customer=state,
        events=(),
        zone=ZURICH,
        currency=book.currency,
        explain=lambda condition, cause: explain(condition.condition, state.facts(cause)),
    )
    assert kind().nearness(question).detail
    assert kind().words(book.currency)


@KINDS
@pytest.mark.parametrize("policy", POLICIES)
def test_a_date_does_not_move_with_the_end_of_a_pause(kind: type[Kind], policy: PausePolicy) -> None:
    moved = policy in ("shift", "restart")
    assert kind().resume_policy(policy) == ("overdue" if kind.is_date and moved else policy)


@KINDS
def test_only_a_kind_that_fires_without_an_event_is_a_date_or_moves_with_traits(kind: type[Kind]) -> None:
    if kind.is_date or kind.moves_with_traits:
        assert kind().fires_without_event()


@KINDS
def test_an_act_before_the_cause_ends_nothing(kind: type[Kind]) -> None:
    under_way = enrolment(asked(kind), "Tue 10:00")
    assert not kind().ends(under_way, event("Seen", "Mon 10:00"))
    assert kind().silent_since(under_way) <= under_way.cause_at


def test_each_file_of_the_folder_is_a_kind_or_shared_by_kinds() -> None:
    names = {path.stem for path in FOLDER.glob("*.py")}
    assert {name for name in names if not name.startswith("_")} == {
        kind.__module__.rpartition(".")[2] for kind in kinds().values()
    }
