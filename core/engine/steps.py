"""Deciding one step that has fallen due: the guards, then when and over which channels, then the row that
says so.
"""

from __future__ import annotations

from hashlib import blake2b

from core.engine.branches import condition_holds, due_at_latest, effective_step, in_variant, waits
from core.engine.digest import Joined, join, may_lead
from core.engine.guards import (
    AFTER_CHANNEL,
    BEFORE_CHANNEL,
    Candidate,
    all_objections,
    allowed_channels,
    candidate_for,
    first_objection,
)
from core.engine.journey import end, next_step
from core.engine.placement import Placement, contacts_of, evidence, place
from core.engine.priority_lookahead import ForeseenWinner, stronger
from core.engine.state import CustomerState
from core.instants import Instant, format_instant
from core.model.decisions import Decision, Message, Objection, Outcome, RuleEvidence
from core.model.enrolment import Enrolment
from core.model.reasons import HOLDING, Reason
from core.model.triggers import Wait

ENDING = frozenset({Reason.TRIGGER_RETIRED, Reason.CUSTOMER_ERASED, Reason.CUSTOMER_MERGED})


def decide(enrolment: Enrolment, state: CustomerState) -> None:
    """Decide the open step of an enrolment at the instant that is being played; its due instant moves on."""
    trigger = state.playbook.index.definition(enrolment.trigger, enrolment.version)
    state.touch(enrolment)
    if trigger is None or enrolment.step > len(trigger.steps):
        _vanish(enrolment, state)
        return
    step = effective_step(enrolment, trigger, state)
    candidate = candidate_for(state, trigger, step, enrolment, step.channels[0])
    objection = first_objection(BEFORE_CHANNEL, candidate, state)
    if objection is not None:
        _object(candidate, objection, state)
        return
    if not in_variant(enrolment, trigger):
        next_step(enrolment, trigger, state)
        return
    if not condition_holds(step, enrolment, state):
        next_step(enrolment, trigger, state, step.else_to)
        return
    joined = join(candidate, state) if step.digest else None
    if joined is not None:
        _go_along(joined, state)
        return
    allowed, refusal = allowed_channels(candidate, state)
    objection = refusal if not allowed else first_objection(AFTER_CHANNEL, allowed[0], state)
    if objection is not None:
        _object(allowed[0] if allowed else candidate, objection, state)
        return
    placement = place(allowed, state)
    winner = _winner(placement, state) if state.playbook.look_ahead else None
    if winner is not None:
        _give_way(placement, winner, state)
    else:
        _settle(placement, state)


def time_out(enrolment: Enrolment, state: CustomerState) -> None:
    """What the open step waits for has not come in time; in a pause the wait is held like a step that is
    due.
    """
    trigger = state.playbook.index.definition(enrolment.trigger, enrolment.version)
    state.touch(enrolment)
    if trigger is None:
        _vanish(enrolment, state)
        return
    wait, over_at = waits(enrolment, trigger), due_at_latest(enrolment, trigger)
    if wait is None or state.now < over_at:
        enrolment.come_up(over_at)  # the playbook in force lets it wait longer
        return
    step = effective_step(enrolment, trigger, state)
    candidate = candidate_for(state, trigger, step, enrolment, step.channels[0])
    objection = first_objection(BEFORE_CHANNEL, candidate, state)
    if objection is not None and objection.reason in HOLDING:
        _hold_wait(candidate, wait, objection, state)
        return
    if wait.sends:
        enrolment.end_wait("timeout", over_at, max(over_at, state.now))
    else:
        enrolment.plan(over_at)
        next_step(enrolment, trigger, state, wait.goes_to)


def _hold_wait(candidate: Candidate, wait: Wait, objection: Objection, state: CustomerState) -> None:
    """Only a step that would be sent now leaves a row."""
    if wait.sends:
        _object(candidate, objection, state)
        return
    candidate.enrolment.hold(objection.reason, objection.until, objection.holder)


def _vanish(enrolment: Enrolment, state: CustomerState) -> None:
    """The trigger, or this step of it, is no longer in the playbook."""
    gone = Objection(Reason.TRIGGER_RETIRED, "the trigger, or this step of it, is no longer in the playbook")
    _row(enrolment, state, None, "suppress", Reason.TRIGGER_RETIRED, objections=(gone,))
    end(enrolment, state, "exited")


def _object(candidate: Candidate, objection: Objection, state: CustomerState) -> None:
    """A guard said no: hold what waits for an operator, suppress the rest."""
    enrolment = candidate.enrolment
    if objection.reason in HOLDING:
        _wait(
            candidate,
            state,
            "hold",
            objection.reason,
            objection.until,
            objections=all_objections(candidate, state),
        )
        enrolment.hold(objection.reason, objection.until, objection.holder)
        return
    objections = all_objections(candidate, state)
    _row(enrolment, state, candidate.channel.name, "suppress", objection.reason, objections=objections)
    if objection.reason in ENDING:
        end(enrolment, state, "exited")
    else:
        next_step(enrolment, candidate.trigger, state, candidate.step.then)


def _settle(placement: Placement, state: CustomerState) -> None:
    """Write what was found: send now, defer to the instant found, or suppress."""
    candidate = placement.candidates[0]
    enrolment, trigger = candidate.enrolment, candidate.trigger
    rules = evidence(placement.broken)
    if placement.reason is None:
        _send(placement, state)
    elif placement.at is None:
        for each in placement.candidates:
            _row(
                enrolment, state, each.channel.name, "suppress", Reason.PRESSURE, rules=rules, note=each.note
            )
        next_step(enrolment, trigger, state, candidate.step.then)
    elif placement.at > candidate.expires_at:
        held = Objection(placement.reason, "held back beyond its expiry", placement.at)
        for each in placement.candidates:
            _row(
                enrolment,
                state,
                each.channel.name,
                "suppress",
                Reason.EXPIRED,
                rules=rules,
                objections=(held,),
                note=each.note,
            )
        next_step(enrolment, trigger, state, candidate.step.then)
    else:
        for each in placement.candidates:
            _wait(each, state, "defer", placement.reason, placement.at, rules)
        enrolment.defer(placement.reason, placement.at)


def _winner(placement: Placement, state: CustomerState) -> ForeseenWinner | None:
    """Whom the step must leave its room to, if it could go out now.

    Where something wakes it that cannot go out now, while it waits for a stronger one, it goes on waiting if
    it would do so later too.
    """
    candidate = placement.candidates[0]
    waits_until = candidate.enrolment.waits_until
    if placement.reason is None:
        return stronger(placement.candidates, placement.contacts, state)
    if (
        candidate.enrolment.waits_for is not Reason.LOWER_PRIORITY
        or waits_until is None
        or waits_until <= state.now
    ):
        return None
    if placement.at is None or placement.at > candidate.expires_at:
        return None
    winner = stronger(placement.candidates, contacts_of(placement.candidates, placement.at), state)
    return winner if winner is not None and winner.at == waits_until else None


def _give_way(placement: Placement, winner: ForeseenWinner, state: CustomerState) -> None:
    """Wait for a stronger candidate's instant, to be decided anew then."""
    enrolment = placement.candidates[0].enrolment
    why = Objection(
        Reason.LOWER_PRIORITY,
        f"gives way to {winner.trigger} on {format_instant(winner.at)}",
        winner.at,
        winner.trigger,
    )
    for each in placement.candidates:
        _wait(each, state, "defer", Reason.LOWER_PRIORITY, winner.at, evidence(winner.broken), (why,))
    enrolment.defer(Reason.LOWER_PRIORITY, winner.at)


def _send(placement: Placement, state: CustomerState) -> None:
    """Plan the messages, count them at once, and go on in the journey."""
    candidate = placement.candidates[0]
    enrolment = candidate.enrolment
    for each, contact in zip(placement.candidates, placement.contacts):
        approvals = each.approvals
        held = bool(approvals) and any(approval.batches_over is None for approval in approvals)
        message = Message(
            key=message_key(state.dossier.key, enrolment, each.channel.name),
            channel=each.channel.name,
            template=candidate.step.template,
            address=each.address,
            planned_at=state.now,
            expires_at=candidate.expires_at,
            contact=contact,
            held=held,
            profile=state.lend_profile(),
        )
        if message.key not in state.failed:
            state.ledger.add(contact)
        outcome: Outcome = "hold" if held else "send"
        if may_lead(each):
            state.digest_leaders.append(len(state.decisions))
        _row(
            enrolment,
            state,
            each.channel.name,
            outcome,
            Reason.APPROVAL if held else None,
            message=message,
            note=each.note,
        )
    enrolment.note_message(state.now)
    next_step(enrolment, candidate.trigger, state, candidate.step.then)


def _go_along(joined: Joined, state: CustomerState) -> None:
    """The step goes out in a message that another has planned: no contact of its own, and the journey goes on
    as after one.
    """
    candidate = joined.candidate
    enrolment = candidate.enrolment
    _row(
        enrolment,
        state,
        candidate.channel.name,
        "send",
        joins=joined.key,
        note=f"together with {joined.trigger}",
    )
    enrolment.note_message(state.now, enrolment.shared)
    next_step(enrolment, candidate.trigger, state, candidate.step.then)


def message_key(customer_key: str, enrolment: Enrolment, channel: str) -> str:
    """The idempotency key of enrolment, step and channel: 32 hexadecimal digits."""
    parts = (customer_key, enrolment.trigger, enrolment.cause_key, str(enrolment.step), channel)
    return blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()


def _wait(
    candidate: Candidate,
    state: CustomerState,
    outcome: Outcome,
    reason: Reason,
    until: Instant | None,
    rules: tuple[RuleEvidence, ...] = (),
    objections: tuple[Objection, ...] = (),
) -> None:
    """A row for a step that waits, written only when the reason or the instant has changed."""
    enrolment = candidate.enrolment
    if enrolment.waits_for is reason and enrolment.waits_until == until:
        return
    _row(
        enrolment,
        state,
        candidate.channel.name,
        outcome,
        reason,
        until,
        rules=rules,
        objections=objections,
        note=candidate.note,
    )


def _row(
    enrolment: Enrolment,
    state: CustomerState,
    channel: str | None,
    outcome: Outcome,
    reason: Reason | None = None,
    until: Instant | None = None,
    *,
    rules: tuple[RuleEvidence, ...] = (),
    objections: tuple[Objection, ...] = (),
    message: Message | None = None,
    joins: str | None = None,
    note: str | None = None,
) -> None:
    state.decisions.append(
        Decision(
            at=state.now,
            trigger=enrolment.trigger,
            cause_key=enrolment.cause_key,
            step=enrolment.step,
            channel=channel,
            outcome=outcome,
            planned_at=enrolment.planned_at,
            reason=reason,
            until=until,
            late=enrolment.due_at is not None and state.now > enrolment.due_at,
            rules=rules,
            objections=objections,
            message=message,
            version=state.playbook.index.decides(enrolment.trigger, enrolment.version),
            variant=enrolment.variant,
            joins=joins,
            note=note,
        )
    )
