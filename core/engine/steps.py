"""Deciding one step that has fallen due: the guards, then when and over which channels, then the row that
says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from math import inf
from operator import attrgetter
from typing import NamedTuple

from core.engine.branches import due_at_latest, effective_step, waits
from core.engine.digest import Joined, join, may_lead
from core.engine.guards import (
    AFTER_CHANNEL,
    BEFORE_CHANNEL,
    OF_CHANNEL,
    Candidate,
    all_objections,
    allowed_channels,
    candidate_for,
    first_objection,
    passed_over,
)
from core.engine.journey import end, next_step, pass_over
from core.engine.placement import Placement, contacts_of, evidence, no_room, place
from core.engine.priority_lookahead import ForeseenWinner, stronger
from core.engine.state import CustomerState
from core.instants import Instant, format_instant, rounded_up
from core.limits.windows import Span
from core.model.decisions import Decision, Message, Objection, Outcome, RuleEvidence
from core.model.enrolment import Enrolment
from core.model.reasons import HOLDING, Reason
from core.model.triggers import Step, Trigger, Wait

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
    if objection is not None and objection.reason in HOLDING | ENDING:
        _object(objection, _one_a_channel(candidate, state), state)
        return
    if pass_over(enrolment, trigger, step, state):
        return
    if objection is not None:
        _object(objection, _one_a_channel(candidate, state), state)
        return
    joined = join(candidate, state) if step.digest else None
    if joined is not None:
        _go_along(joined, state)
        return
    allowed, refusal = allowed_channels(candidate, state)
    if refusal is not None and not allowed:
        _refuse(refusal, candidate, state)
        return
    objection = first_objection(AFTER_CHANNEL, allowed[0], state)
    if objection is not None:
        _object(objection, allowed if step.mode == "all" else allowed[:1], state)
        return
    placement, winner = _weighed(allowed, state)
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
        due_at = state.now if enrolment.due_at is None else enrolment.due_at
        enrolment.end_wait("timeout", over_at, max(over_at, due_at))
    else:
        enrolment.plan(over_at)
        next_step(enrolment, trigger, state, wait.goes_to)


def _hold_wait(candidate: Candidate, wait: Wait, objection: Objection, state: CustomerState) -> None:
    """Only a step that would be sent now leaves a row."""
    if wait.sends:
        _object(objection, _one_a_channel(candidate, state), state)
        return
    candidate.enrolment.hold(objection.reason, objection.until, objection.holder)


def _vanish(enrolment: Enrolment, state: CustomerState) -> None:
    """The trigger, or this step of it, is no longer in the playbook."""
    gone = Objection(Reason.TRIGGER_RETIRED, "the trigger, or this step of it, is no longer in the playbook")
    _row(enrolment, state, None, "suppress", Reason.TRIGGER_RETIRED, objections=(gone,))
    end(enrolment, state, "exited")


def channels_shown(enrolment: Enrolment, trigger: Trigger, step: Step, state: CustomerState) -> list[str]:
    """The channels over which a step gets a row that is held or skipped."""
    candidate = candidate_for(state, trigger, step, enrolment, step.channels[0])
    return [each.channel.name for each in _one_a_channel(candidate, state)]


def _one_a_channel(candidate: Candidate, state: CustomerState) -> list[Candidate]:
    """The step over each channel that gets a row: with `mode = "all"` each that is allowed, or all of them
    where none is.
    """
    if candidate.step.mode != "all":
        return [candidate]
    allowed, _ = allowed_channels(candidate, state)
    return allowed or _over_every_channel(candidate, state)


def _over_every_channel(candidate: Candidate, state: CustomerState) -> list[Candidate]:
    step = candidate.step
    return [
        candidate_for(state, candidate.trigger, step, candidate.enrolment, name) for name in step.channels
    ]


def _object(objection: Objection, candidates: Sequence[Candidate], state: CustomerState) -> None:
    """A guard said no: hold what waits for an operator, suppress the rest."""
    enrolment, trigger, step = candidates[0].enrolment, candidates[0].trigger, candidates[0].step
    if objection.reason in HOLDING:
        for each in candidates:
            _wait(
                each,
                state,
                "hold",
                objection.reason,
                objection.until,
                objections=all_objections(each, state),
            )
        enrolment.hold(objection.reason, objection.until, objection.holder)
        return
    for each in candidates:
        _suppress(each, objection, state)
    if objection.reason in ENDING:
        end(enrolment, state, "exited")
    else:
        next_step(enrolment, trigger, state, step.then)


def _refuse(refusal: Objection, first: Candidate, state: CustomerState) -> None:
    """No channel of the step is allowed: with `mode = "all"` each says what it lacks."""
    if first.step.mode != "all":
        _object(refusal, [first], state)
        return
    for each in _over_every_channel(first, state):
        _suppress(each, first_objection(OF_CHANNEL, each, state) or refusal, state)
    next_step(first.enrolment, first.trigger, state, first.step.then)


def _suppress(candidate: Candidate, objection: Objection, state: CustomerState) -> None:
    _row(
        candidate.enrolment,
        state,
        candidate.channel.name,
        "suppress",
        objection.reason,
        objections=all_objections(candidate, state),
    )


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
        objections = (
            Objection(placement.reason, "held back beyond its expiry", placement.at),
            *_former_winner(placement, state),
        )
        for each in placement.candidates:
            _row(
                enrolment,
                state,
                each.channel.name,
                "suppress",
                Reason.EXPIRED,
                rules=rules,
                objections=objections,
                note=each.note,
            )
        next_step(enrolment, trigger, state, candidate.step.then)
    else:
        for each in placement.candidates:
            _wait(each, state, "defer", placement.reason, placement.at, rules)
        enrolment.defer(placement.reason, placement.at)


class _Weighed(NamedTuple):
    """Where the step goes, and to whom it must leave its room there, if to anybody."""

    placement: Placement
    winner: ForeseenWinner | None = None

    @property
    def at(self) -> float:
        """The instant that it waits for, or goes out at."""
        at = self.placement.at if self.winner is None else self.winner.at
        return inf if at is None else at


def _weighed(allowed: Sequence[Candidate], state: CustomerState) -> _Weighed:
    """Where the step goes; one that loses over a channel tries the next as if that were full, where it falls
    back.
    """
    step = allowed[0].step
    if not state.playbook.look_ahead:
        return _Weighed(place(allowed, state))
    if step.mode == "all" or step.on_limit != "fallback":
        placement = place(allowed, state)
        return _Weighed(placement, _winner(placement, state))
    tried: list[_Weighed] = []
    full: list[str] = []
    for candidate in allowed:
        placement = place((passed_over(candidate, full) if full else candidate,), state)
        tried.append(_Weighed(placement, _winner(placement, state)))
        if not placement.broken and tried[-1].winner is None:
            return tried[-1]
        full.append(_no_room(tried[-1]))
    return min(tried, key=attrgetter("at"))


def _no_room(weighed: _Weighed) -> str:
    """Why a step is not taken over a channel that is allowed, as a clause."""
    placement, winner = weighed
    if winner is None:
        return no_room(placement)
    return f"{placement.candidates[0].channel.name} is left to {winner.trigger}"


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


def _former_winner(placement: Placement, state: CustomerState) -> Iterator[Objection]:
    """Who took the room that the step has left to somebody, and waited for in vain."""
    candidate = placement.candidates[0]
    waiting = candidate.enrolment.waiting
    if waiting.reason is not Reason.LOWER_PRIORITY or waiting.until is None or waiting.until > state.now:
        return
    lead_times = {name: channel.lead_time for name, channel in state.playbook.channels.items()}
    winners = {
        contact.trigger
        for contact in state.ledger.within(Span(waiting.until, waiting.until + max(lead_times.values())))
        if contact.at - lead_times.get(contact.channel, 0) == waiting.until
    }
    for name in sorted(winners):
        words = f"gave way to {name} on {format_instant(waiting.until)}"
        yield Objection(Reason.LOWER_PRIORITY, words, None, name)


def _give_way(placement: Placement, winner: ForeseenWinner, state: CustomerState) -> None:
    """Wait for a stronger candidate's instant, to be decided anew then."""
    enrolment = placement.candidates[0].enrolment
    why = Objection(
        Reason.LOWER_PRIORITY,
        f"gives way to {winner.trigger} on {format_instant(rounded_up(winner.at))}",
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
            state.count(contact)
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


def _row(  # the fields of a decision, most of them given by name where they are not usual
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
