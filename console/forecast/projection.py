"""The customers that a question concerns, each played by the engine to the end of its span, on one snapshot.

What a preview does once, a comparison and a backtest do under two playbooks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from console.forecast.asked_playbook import as_previewed
from console.forecast.question import WEEK, Question
from core.engine import advance
from core.engine.arrival_order import in_order
from core.engine.state import CustomerState
from core.errors import ManometerError
from core.forecast.diff import only_in
from core.forecast.preview import Fullness, contacts_until, fullness
from core.forecast.replayed_future import identifying, replay_acts
from core.forecast.what_if import Reach, reach
from core.instants import DAY
from core.limits.pressure import PressureRule
from core.limits.windows import Span
from core.model.decisions import Decision
from core.model.dossier import BEGINNING, Dossier, Plan, settled
from core.model.events import Event
from core.playbook.playbook import Playbook
from storage.customers import key_of
from storage.forecasts import previews
from storage.play.dossiers import load
from storage.play.past import load_past
from storage.sqlite import StoreError

# ---- whom it concerns ----


def ids_of(
    connection: Connection, question: Question, playbook: Playbook, planned_under: Playbook
) -> list[int]:
    """Whom a question under a playbook concerns, where the customers' next instants were planned under
    another.
    """
    if question.is_past:
        return previews.known_by(
            connection, question.last if question.future == "as-it-was" else question.first
        )
    touched: Reach = reach(as_previewed(replace(question, trigger=None), planned_under), playbook)
    if touched == "all":
        return previews.everyone(connection)
    due = previews.due_by(connection, question.last, planned_under.version, with_waiting=touched == "waiting")
    if question.future != "replay":
        return due
    return sorted(
        {
            *due,
            *previews.active_since(connection, question.first - question.weeks * WEEK - DAY, question.first),
        }
    )


# ---- one customer ahead ----


def dossiers_of(
    connection: Connection, question: Question, playbook: Playbook, ids: Sequence[int]
) -> dict[int, Dossier]:
    """The dossiers as of the question's begin, with what will have arrived by its end where that is known."""
    if not question.is_past:
        return _loaded(connection, playbook, ids)
    feed_until = question.last if question.future == "as-it-was" else None
    return load_past(connection, ids, playbook, question.first, feed_until, with_state=True)


def _loaded(connection: Connection, playbook: Playbook, ids: Sequence[int]) -> dict[int, Dossier]:
    """ManometerError, naming whom, where one of them cannot be read."""
    try:
        return load(connection, ids, playbook)
    except StoreError:
        raise
    except Exception:  # the border of a customer: whoever it is shows alone
        for identifier in ids:
            _refuse_unreadable(connection, playbook, identifier)
        raise


def _refuse_unreadable(connection: Connection, playbook: Playbook, identifier: int) -> None:
    try:
        load(connection, [identifier], playbook)
    except StoreError:
        raise
    except Exception as error:  # the border of a customer, as above
        raise ManometerError(
            f"The customer {key_of(connection, identifier)} cannot be read, so that nothing can be foretold. "
            "The next tick sets the customer aside, and then everybody else is foretold."
        ) from error


def imagined(
    connection: Connection, question: Question, playbook: Playbook, dossiers: Mapping[int, Dossier]
) -> Mapping[int, tuple[Event, ...]]:
    """What these customers are imagined to do in the span; nothing unless the question asks for it."""
    if question.future != "replay":
        return {}
    known = previews.acts(
        connection, list(dossiers), question.first - question.weeks * WEEK - DAY, question.first
    )
    names = identifying(playbook)
    return {
        identifier: replay_acts(
            acts,
            dossiers[identifier].profile.zone(playbook.zone),
            question.first,
            question.last,
            question.weeks,
            names,
        )
        for identifier, acts in known.items()
    }


def with_events(dossier: Dossier, events: Sequence[Event]) -> Dossier:
    """The dossier with further arrivals."""
    if not events:
        return dossier
    profile = dossier.profile.copy()
    for event in events:
        if event.order is not None and event.order not in profile.told:
            profile.know(event.order, ())  # an imagined order is nobody's before
    return replace(dossier, profile=profile, arrivals=in_order((*dossier.arrivals, *events)))


def played(dossier: Dossier, playbook: Playbook, question: Question) -> Plan:
    """What the engine plans for the customer up to the end of the span."""
    not_before = BEGINNING if question.is_past else question.now - playbook.grace
    return advance(dossier, playbook, question.last, not_before=not_before)


def decisions_of(plan: Plan, question: Question) -> list[Decision]:
    """The decisions that are asked for."""
    return [
        decision
        for decision in plan.decisions
        if _is_in_span(decision, question)
        and (question.trigger is None or decision.trigger == question.trigger)
    ]


def only_imagined(
    dossier: Dossier, decisions: Sequence[Decision], playbook: Playbook, question: Question
) -> frozenset[int]:
    """The places of the decisions that would not be taken, or not so, if nothing new happened."""
    known = decisions_of(played(dossier, playbook, question), question)
    new = {id(decision) for decision in only_in(decisions, known)}
    return frozenset(rank for rank, decision in enumerate(decisions) if id(decision) in new)


def fullness_of(dossier: Dossier, plan: Plan, question: Question, playbook: Playbook) -> tuple[Fullness, ...]:
    """How full the windows of the rules that hold for the customer get in the span; nothing where there is no
    contact.
    """
    ledger = contacts_until(dossier.contacts, plan.decisions, question.first)
    if not len(ledger):
        return ()
    return fullness(
        _rules(dossier, plan, playbook),
        ledger,
        Span(question.first, question.last),
        plan.profile.zone(playbook.zone),
    )


def _rules(dossier: Dossier, plan: Plan, playbook: Playbook) -> Sequence[PressureRule]:
    return (
        CustomerState(settled(dossier, plan), playbook).rules()
        if playbook.index.rules_with_audience
        else playbook.rules
    )


def _is_in_span(decision: Decision, question: Question) -> bool:
    """Whether it lies within the span; what a changed playbook lets go or ends, it does at once, which is at
    the begin.
    """
    at_once = question.is_changed and decision.at == question.first and decision.outcome != "defer"
    return question.first < decision.at or at_once
