"""Entering a trigger: who may, who is kept out as a holdout, and what the journey begins with."""

from __future__ import annotations

from hashlib import blake2b

from core.engine.branches import following, waits
from core.engine.goals import ends, first_due, reached
from core.engine.journey import come_to_step, end, leave, note_suppressed
from core.engine.state import CustomerState, open_pauses
from core.instants import Instant
from core.model.decisions import Objection
from core.model.dossier import BEGINNING, TriggerEntry
from core.model.enrolment import Due, Enrolment
from core.model.events import Event
from core.model.reasons import Reason
from core.model.triggers import ALWAYS, NEVER, Trigger
from core.model.when import Cause
from core.playbook.playbook import Playbook


def enter(trigger: Trigger, cause: Cause, state: CustomerState) -> None:
    """Enrol the customer because of a cause, unless something keeps the customer out.

    The same cause never enrols twice. A duplicate, a refusal by `reentry` and a customer outside the audience
    leave no row; a holdout does, and is taken before entry.
    """
    if entry_refusal(trigger, cause, state) is not None or not state.holds(trigger.audience):
        return
    if in_global_holdout(trigger, state.dossier.key, state.playbook):
        _hold_out(trigger, cause, state, _global_holdout(state.playbook))
        return
    if in_trigger_holdout(trigger, state.dossier.key):
        _hold_out(trigger, cause, state)
        return
    if not may_reenter(trigger, state):
        return
    enrolment = _enrolment(trigger, cause, state)
    state.causes.add((trigger.name, cause.key))
    state.enter(trigger.name, TriggerEntry(state.now, cause.key))
    state.touch(enrolment)
    if following(trigger, 0, enrolment.variant) is None:
        end(enrolment, state, "done")
        return
    goal = _goal_behind(trigger, enrolment, state)
    if goal is not None:
        leave(enrolment, trigger, state, goal)
    else:
        state.enrolments.append(enrolment)


def foreseen_entry(trigger: Trigger, cause: Cause, state: CustomerState) -> Enrolment | None:
    """The enrolment that a cause still to come would begin, as far as can be said now."""
    if entry_refusal(trigger, cause, state) is not None or not state.holds(trigger.audience):
        return None
    key = state.dossier.key
    if (
        in_global_holdout(trigger, key, state.playbook)
        or in_trigger_holdout(trigger, key)
        or not may_reenter(trigger, state, cause.at)
    ):
        return None
    first = following(trigger, 0, variant_of(trigger, key))
    if first is None or trigger.steps[first - 1].wait is not None:
        return None
    return _enrolment(trigger, cause, state)


def entry_refusal(trigger: Trigger, cause: Cause, state: CustomerState) -> str | None:
    """Why a cause enrols nobody at all, in words; None where it may."""
    if trigger.status != "active":
        return f"the trigger is {trigger.status}"
    if open_pauses(state.playbook.index.pauses.get(trigger.name, ()), state.now) is not None:
        return "the trigger is paused; nothing new enters"
    if state.dossier.erased_at is not None:
        return "the customer was erased"
    if trigger.activated_at is not None and cause.at < trigger.activated_at:
        return "it happened before the trigger was activated"
    if cause.event is not None and state.now - cause.event.occurred_at > trigger.max_age:
        return "the event was older than max_age when it arrived"
    last = state.entries.get(trigger.name)
    if (trigger.name, cause.key) in state.causes or (last is not None and last.cause_key == cause.key):
        return "the same cause has entered before"
    return None


def may_reenter(trigger: Trigger, state: CustomerState, at: Instant | None = None) -> bool:
    """Whether `reentry` allows an entry at an instant, now where none is given, counted from the last one."""
    last = state.entries.get(trigger.name)
    if last is None or last.at == BEGINNING or trigger.reentry == ALWAYS:
        return True
    return trigger.reentry != NEVER and (state.now if at is None else at) - last.at >= trigger.reentry


def bucket(salt: str, customer_key: str) -> float:
    """A customer's place in [0, 1) under a salt: sticky, and spread evenly."""
    digest = blake2b(f"{salt}\0{customer_key}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def in_trigger_holdout(trigger: Trigger, customer_key: str) -> bool:
    """Whether the customer belongs to the share kept out; who is out stays out when the share grows."""
    return trigger.holdout > 0 and bucket(trigger.name, customer_key) < trigger.holdout


def in_global_holdout(trigger: Trigger, customer_key: str, playbook: Playbook) -> bool:
    """Whether the customer belongs to the share that no trigger of this purpose reaches."""
    return (
        trigger.purpose in playbook.holdout.purposes
        and place_in_holdout(customer_key, playbook) < playbook.holdout.share
    )


def place_in_holdout(customer_key: str, playbook: Playbook) -> float:
    """The customer's place in [0, 1) for the holdout of all triggers."""
    return bucket(f"holdout:{playbook.holdout.salt}", customer_key)


def _global_holdout(playbook: Playbook) -> Objection:
    return Objection(
        Reason.HOLDOUT, f"belongs to the {playbook.holdout.share * 100:g} % kept out of everything"
    )


def variant_of(trigger: Trigger, customer_key: str) -> str | None:
    """The variant of the trigger's split that is the customer's, the same every time; None where it has no
    split.
    """
    if not trigger.split:
        return None
    place, sum_ = bucket(f"split:{trigger.name}", customer_key), 0.0
    for name, share in trigger.split:
        sum_ += share
        if place < sum_:
            return name
    return trigger.split[-1][0]  # the shares add up to 1 within rounding only


def _hold_out(trigger: Trigger, cause: Cause, state: CustomerState, *objections: Objection) -> None:
    enrolment = _enrolment(trigger, cause, state)
    enrolment.hold_out(state.now)
    state.causes.add((trigger.name, cause.key))
    last = state.entries.get(trigger.name)
    state.enter(trigger.name, TriggerEntry(BEGINNING if last is None else last.at, cause.key))
    state.touch(enrolment)
    note_suppressed(enrolment, state, trigger.steps[0].channels[0], Reason.HOLDOUT, objections)


def _enrolment(trigger: Trigger, cause: Cause, state: CustomerState) -> Enrolment:
    variant = variant_of(trigger, state.dossier.key)
    first = following(trigger, 0, variant) or 1
    planned = first_due(trigger, cause.at, first)
    event = cause.event
    enrolment = Enrolment(
        trigger=trigger.name,
        cause_key=cause.key,
        cause_at=cause.at,
        entered_at=state.now,
        step=first,
        planned_at=planned,
        waiting=Due(planned),
        version=state.playbook.version,
        cause_event=event.id if event is not None else None,
        cause_name=event.name if event is not None else None,
        cause_properties=event.properties if event is not None else {},
        key_value=cause.value,
        variant=variant,
    )
    if waits(enrolment, trigger) is not None:
        come_to_step(enrolment, trigger, first, planned, state.now, state)
    return enrolment


def _goal_behind(trigger: Trigger, enrolment: Enrolment, state: CustomerState) -> Event | None:
    """The exit, unless or goal event that is known already and occurred since, where a cause comes late."""
    goals = trigger.goal.events if trigger.goal is not None else frozenset()
    since = state.log.of(trigger.when.unless | trigger.exits | goals, enrolment.cause_at - 1)
    known = [event for event in since if event.name in goals and event.id != enrolment.cause_event]
    state.reached += [found for event in known if (found := reached(event, trigger, state)) is not None]
    return next((event for event in since if ends(event, enrolment, trigger, state)), None)
