"""What an explanation needs is read here: the customer as of the instant, the decisions on that customer, and
the events that could enter the trigger.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Connection

from console.forecast.obstacles import Obstacles
from console.playbooks.known_triggers import refuse_never_known
from console.playbooks.migration import trigger_in
from console.runs.tick import decision_row
from core.engine import advance
from core.errors import ManometerError
from core.explain.trigger_explanation import TriggerExplanation
from core.explain.why import Check, Explanation, explain, in_brief
from core.explain.words import in_words, when
from core.instants import Instant
from core.model.customer import full_name
from core.model.decisions import Decision
from core.model.dossier import Dossier, Plan, settled
from core.model.events import Event
from core.model.fates import fate_of
from core.model.triggers import Trigger
from core.playbook.playbook import Playbook
from storage import customers, decisions
from storage.play import dossiers
from storage.play.past import load_past
from storage.quarantine import why_left_out
from storage.store import Store

EVENTS = 50
"""How many of the latest possible causes are looked at."""


@dataclass(frozen=True, slots=True)
class Known:
    """One customer as of `at` for every trigger's explanation: settled up to there, with what is decided by
    then but not written.
    """

    identifier: int
    dossier: Dossier
    plan: Plan
    now: Instant
    at: Instant
    sources: Mapping[str, str]
    obstacles: Obstacles | None = None
    """What stands in the way of messages now; None of a past instant."""


@dataclass(frozen=True, slots=True)
class ExplainedCustomer:
    """Whom it is about."""

    identifier: int
    key: str
    name: str | None


def explain_in(
    store: Store, playbook: Playbook, customer: str, trigger: str, now: Instant, at: Instant
) -> tuple[str, Explanation]:
    """The customer's key and the explanation as of `at`; ManometerError where customer or trigger is not
    known.
    """
    with store.reading() as connection:
        if trigger not in playbook.index.by_name:
            refuse_never_known(connection, trigger, lambda: playbook)
        identifier = customers.resolve(connection, customer)
        known = gather(connection, playbook, identifier, now, at, store.path.parent)
        return known.dossier.key, explain_on(connection, playbook, known, trigger)


def gather(
    connection: Connection,
    playbook: Playbook,
    identifier: int,
    now: Instant,
    at: Instant,
    folder: Path | None = None,
) -> Known:
    """What is known of the customer of a row as of `at`, in ms UTC, and what stands in the way of messages of
    the workspace in a folder; ManometerError where there is no such customer any more, or nothing is decided
    for the customer because that failed.
    """
    left_out = why_left_out(connection, identifier)
    if left_out is not None:
        raise ManometerError(left_out)
    if at < now:
        loaded = load_past(connection, [identifier], playbook, at, with_state=True)
    else:
        loaded = dossiers.load(connection, [identifier], playbook)
    if identifier not in loaded:
        raise ManometerError(f"There is no customer in row {identifier} any more.")
    plan = advance(loaded[identifier], playbook, at, not_before=now - playbook.grace)
    sources = customers.trait_sources(connection, identifier, at)
    obstacles = Obstacles(connection, folder, now) if folder is not None and at >= now else None
    return Known(identifier, settled(loaded[identifier], plan), plan, now, at, sources, obstacles)


def explain_on(connection: Connection, playbook: Playbook, known: Known, trigger: str) -> Explanation:
    """The explanation of one trigger; of one whose file is gone what can still be said."""
    decided = list(decisions.of_trigger(connection, known.identifier, trigger, known.at))
    found = trigger_in(playbook, trigger)
    if found is None:
        return _of_removed(playbook, decided)
    names = found.when.enters_on()
    events = customers.latest_events(connection, known.identifier, names, known.at, EVENTS)
    decided += [
        _row(known.dossier.key, decision) for decision in known.plan.decisions if decision.trigger == trigger
    ]
    explanation = explain(known.dossier, playbook, found, known.at, decided, events, known.sources)
    if known.obstacles is not None:
        last = decided[-1] if decided else None
        explanation = known.obstacles.explained(explanation, found, playbook, last)
    is_open = explanation.verdict == "none" and explanation.bars == 0 and explanation.step is None
    return (
        _at_the_cause(connection, playbook, known, found, events, explanation)
        if is_open and events
        else explanation
    )


def _at_the_cause(
    connection: Connection,
    playbook: Playbook,
    known: Known,
    trigger: Trigger,
    events: Sequence[Event],
    explanation: Explanation,
) -> Explanation:
    """Nothing stands against the trigger now, and yet the customer's last cause did not enter it: the
    explanation with what stood against it then.
    """
    then = max(event.occurred_at for event in events)
    if then >= known.at:
        return explanation
    before = gather(connection, playbook, known.identifier, known.now, then)
    found = explain(before.dossier, playbook, trigger, then, (), events, before.sources)
    if found.bars == 0:
        return explanation
    words = (
        f"{explanation.words} When the last one came, {when(then, playbook.zone)}, "
        f"there stood against it: {found.short}."
    )
    return replace(explanation, words=words, short=f"at her last cause, {found.short}")


# ---- all triggers ----


def explain_all(
    connection: Connection, playbook: Playbook, identifier: int, now: Instant, at: Instant, folder: Path
) -> tuple[ExplainedCustomer, Iterator[TriggerExplanation]]:
    """Who the customer of a row is, and every trigger's explanation for that customer as of `at`, one by one
    as they are found; ManometerError where there is no such customer any more.
    """
    state = customers.state_of(connection, identifier)
    person = ExplainedCustomer(
        identifier, state["key"], full_name(state["first_name"], state["last_name"]) or None
    )
    known = gather(connection, playbook, identifier, now, at, folder)
    return person, _answers(connection, playbook, known)


def _answers(connection: Connection, playbook: Playbook, known: Known) -> Iterator[TriggerExplanation]:
    decided = customers.last_decided(connection, known.identifier, known.at)
    decided |= {decision.trigger: decision.at for decision in known.plan.decisions}
    for name in dict.fromkeys([*decided, *playbook.index.by_name]):
        found = playbook.index.by_name.get(name)
        title, status = (name, "retired") if found is None else (found.title, found.status)
        yield TriggerExplanation(
            name, title, status, explain_on(connection, playbook, known, name), decided.get(name)
        )


def by_relevance(answer: TriggerExplanation) -> tuple[Instant, bool, bool, int, str]:
    """The latest decision first; then where the customer is under way, then what is active before drafts, the
    nearest first, each by name.
    """
    found = answer.explanation
    return -(answer.since or 0), found.step is None, answer.status != "active", found.bars, answer.trigger


def _of_removed(playbook: Playbook, decided: Sequence[Mapping[str, Any]]) -> Explanation:
    gone = Check("trigger active", False, "its file was removed; the trigger is retired")
    last = decided[-1] if decided else None
    words = (
        "Its file was removed, and nothing was ever decided."
        if last is None
        else in_words(last, playbook.zone)
    )
    if last is None:
        return Explanation("none", None, words, (gone,), short=gone.detail)
    outcome, reason, state = last["outcome"], last["reason"], last["message_state"]
    return Explanation(
        outcome, reason, words, (gone,), short=in_brief(reason, None),
        fate=fate_of(outcome, reason, state, last["message_reason"]), message_state=state,
    )  # fmt: skip


def _row(customer: str, decision: Decision) -> dict[str, Any]:
    """A decision that is not written yet, as `decisions.of_trigger` gives the written ones."""
    row = decision_row(customer, decision)
    return {
        **row,
        "version": decision.version,
        "rules": orjson.loads(row["rules"]),
        "note": decision.note,
        "foretold": True,
        "objections": [[each.reason, each.detail, each.until] for each in decision.objections],
    }
