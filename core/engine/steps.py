"""Deciding one step that has fallen due: the guards, then when and over which channels, then the row that says so."""

from __future__ import annotations

from hashlib import blake2b

from core.engine.branches import content, is_hers, is_passed, latest, waits
from core.engine.digest import Joined, join, may_lead
from core.engine.guards import AFTER_CHANNEL, BEFORE_CHANNEL, Candidate, all_objections, allowed_channels, candidate_for, first_objection
from core.engine.journey import end, next_step, no_longer_waits
from core.engine.pauses import HOLDING
from core.engine.placement import Placement, contacts_of, evidence, place
from core.engine.priority_lookahead import Foreseen, stronger
from core.engine.state import Life
from core.instants import Instant, format_instant
from core.model.decisions import Decision, Enrolment, Message, Objection, Outcome, RuleEvidence
from core.model.reasons import Reason
from core.model.triggers import Wait

ENDING = frozenset({Reason.TRIGGER_RETIRED, Reason.CUSTOMER_ERASED, Reason.CUSTOMER_MERGED})


def decide(enrolment: Enrolment, life: Life) -> None:
    """Decide the open step of an enrolment at the life's present instant; its due instant moves on."""
    trigger = life.playbook.roster.definition(enrolment.trigger, enrolment.version)
    life.touch(enrolment)
    if trigger is None or enrolment.step > len(trigger.steps):
        _vanish(enrolment, life)
        return
    step = content(enrolment, trigger, life)
    candidate = candidate_for(life, trigger, step, enrolment, step.channels[0])
    objection = first_objection(BEFORE_CHANNEL, candidate, life)
    if objection is not None:
        _object(candidate, objection, life)
        return
    if not is_hers(enrolment, trigger):
        next_step(enrolment, trigger, life)
        return
    if not is_passed(step, enrolment, life):
        next_step(enrolment, trigger, life, step.else_to)
        return
    joined = join(candidate, life) if step.digest else None
    if joined is not None:
        _go_along(joined, life)
        return
    allowed, refusal = allowed_channels(candidate, life)
    objection = refusal if not allowed else first_objection(AFTER_CHANNEL, allowed[0], life)
    if objection is not None:
        _object(allowed[0] if allowed else candidate, objection, life)
        return
    placement = place(allowed, life)
    winner = _winner(placement, life) if life.playbook.look_ahead else None
    if winner is not None:
        _give_way(placement, winner, life)
    else:
        _settle(placement, life)


def time_out(enrolment: Enrolment, life: Life) -> None:
    """What the open step waits for has not come in time; in a pause the wait is held like a step that is due."""
    trigger = life.playbook.roster.definition(enrolment.trigger, enrolment.version)
    life.touch(enrolment)
    if trigger is None:
        _vanish(enrolment, life)
        return
    wait, over_at = waits(enrolment, trigger), latest(enrolment, trigger)
    if wait is None or life.now < over_at:
        enrolment.due_at = over_at  # the playbook in force lets it wait longer
        return
    step = content(enrolment, trigger, life)
    candidate = candidate_for(life, trigger, step, enrolment, step.channels[0])
    objection = first_objection(BEFORE_CHANNEL, candidate, life)
    if objection is not None and objection.reason in HOLDING:
        _hold_wait(candidate, wait, objection, life)
        return
    enrolment.planned_at = over_at
    if wait.sends:
        no_longer_waits(enrolment)
        enrolment.waited, enrolment.due_at = "timeout", max(over_at, life.now)
    else:
        next_step(enrolment, trigger, life, wait.goes_to)


def _hold_wait(candidate: Candidate, wait: Wait, objection: Objection, life: Life) -> None:
    """Only a step that would be sent now leaves a row."""
    if wait.sends:
        _object(candidate, objection, life)
        return
    enrolment = candidate.enrolment
    enrolment.waits_for, enrolment.waits_until, enrolment.due_at = objection.reason, objection.until, None
    enrolment.held_by = objection.holder


def _vanish(enrolment: Enrolment, life: Life) -> None:
    """The trigger, or this step of it, is no longer in the playbook."""
    gone = Objection(Reason.TRIGGER_RETIRED, "the trigger, or this step of it, is no longer in the playbook")
    _row(enrolment, life, None, "suppress", Reason.TRIGGER_RETIRED, objections=(gone,))
    end(enrolment, life, "exited")


def _object(candidate: Candidate, objection: Objection, life: Life) -> None:
    """A guard said no: hold what waits for an operator, suppress the rest."""
    enrolment = candidate.enrolment
    if objection.reason in HOLDING:
        _wait(candidate, life, "hold", objection.reason, objection.until, objections=all_objections(candidate, life))
        enrolment.due_at = None  # the end of the pause is an instant of its own
        enrolment.held_by = objection.holder
        return
    objections = all_objections(candidate, life)
    _row(enrolment, life, candidate.channel.name, "suppress", objection.reason, objections=objections)
    if objection.reason in ENDING:
        end(enrolment, life, "exited")
    else:
        next_step(enrolment, candidate.trigger, life, candidate.step.then)


def _settle(placement: Placement, life: Life) -> None:
    """Write what was found: send now, defer to the instant found, or suppress."""
    candidate = placement.candidates[0]
    enrolment, trigger = candidate.enrolment, candidate.trigger
    rules = evidence(placement.broken)
    if placement.reason is None:
        _send(placement, life)
    elif placement.at is None:
        for each in placement.candidates:
            _row(enrolment, life, each.channel.name, "suppress", Reason.PRESSURE, rules=rules, note=each.note)
        next_step(enrolment, trigger, life, candidate.step.then)
    elif placement.at > candidate.expires_at:
        held = Objection(placement.reason, "held back beyond its expiry", placement.at)
        for each in placement.candidates:
            _row(enrolment, life, each.channel.name, "suppress", Reason.EXPIRED, rules=rules, objections=(held,), note=each.note)
        next_step(enrolment, trigger, life, candidate.step.then)
    else:
        for each in placement.candidates:
            _wait(each, life, "defer", placement.reason, placement.at, rules)
        enrolment.waits_for, enrolment.waits_until = placement.reason, placement.at
        enrolment.due_at = placement.at


def _winner(placement: Placement, life: Life) -> Foreseen | None:
    """Whom the step must leave its room to, if it could go out now.

    Where something wakes it that cannot go out now, while it waits for a stronger one, it goes on waiting if it would do so later too.
    """
    candidate = placement.candidates[0]
    waits_until = candidate.enrolment.waits_until
    if placement.reason is None:
        return stronger(placement.candidates, placement.contacts, life)
    if candidate.enrolment.waits_for is not Reason.LOWER_PRIORITY or waits_until is None or waits_until <= life.now:
        return None
    if placement.at is None or placement.at > candidate.expires_at:
        return None
    winner = stronger(placement.candidates, contacts_of(placement.candidates, placement.at), life)
    return winner if winner is not None and winner.at == waits_until else None


def _give_way(placement: Placement, winner: Foreseen, life: Life) -> None:
    """Wait for a stronger candidate's instant, to be decided anew then."""
    enrolment = placement.candidates[0].enrolment
    why = Objection(Reason.LOWER_PRIORITY, f"gives way to {winner.trigger} on {format_instant(winner.at)}", winner.at, winner.trigger)
    for each in placement.candidates:
        _wait(each, life, "defer", Reason.LOWER_PRIORITY, winner.at, evidence(winner.broken), (why,))
    enrolment.waits_for, enrolment.waits_until = Reason.LOWER_PRIORITY, winner.at
    enrolment.due_at = winner.at


def _send(placement: Placement, life: Life) -> None:
    """Plan the messages, count them at once, and go on in the journey."""
    candidate = placement.candidates[0]
    enrolment = candidate.enrolment
    for each, contact in zip(placement.candidates, placement.contacts):
        held = candidate.step.approval is True or candidate.trigger.approval is True or each.channel.approval is True
        message = Message(
            key=message_key(life.dossier.key, enrolment, each.channel.name),
            channel=each.channel.name,
            template=candidate.step.template,
            address=each.address,
            planned_at=life.now,
            expires_at=candidate.expires_at,
            contact=contact,
            held=held,
            profile=life.lend_profile(),
        )
        if message.key not in life.failed:
            life.ledger.add(contact)
        outcome: Outcome = "hold" if held else "send"
        if may_lead(each):
            life.leading.append(len(life.decisions))
        _row(enrolment, life, each.channel.name, outcome, Reason.APPROVAL if held else None, message=message, note=each.note)
    enrolment.last_message_at, enrolment.shared = life.now, frozenset()
    next_step(enrolment, candidate.trigger, life, candidate.step.then)


def _go_along(joined: Joined, life: Life) -> None:
    """The step goes out in a message that another has planned: no contact of its own, and the journey goes on as after one."""
    candidate = joined.candidate
    enrolment = candidate.enrolment
    _row(enrolment, life, candidate.channel.name, "send", joins=joined.key, note=f"together with {joined.trigger}")
    enrolment.last_message_at = life.now
    next_step(enrolment, candidate.trigger, life, candidate.step.then)


def message_key(customer_key: str, enrolment: Enrolment, channel: str) -> str:
    """The idempotency key of enrolment, step and channel: 32 hexadecimal digits."""
    parts = (customer_key, enrolment.trigger, enrolment.cause_key, str(enrolment.step), channel)
    return blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()


def _wait(
    candidate: Candidate,
    life: Life,
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
    _row(enrolment, life, candidate.channel.name, outcome, reason, until, rules=rules, objections=objections, note=candidate.note)
    if outcome == "hold":
        enrolment.waits_for, enrolment.waits_until = reason, until


def _row(
    enrolment: Enrolment,
    life: Life,
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
    life.decisions.append(
        Decision(
            at=life.now,
            trigger=enrolment.trigger,
            cause_key=enrolment.cause_key,
            step=enrolment.step,
            channel=channel,
            outcome=outcome,
            planned_at=enrolment.planned_at,
            reason=reason,
            until=until,
            late=enrolment.due_at is not None and life.now > enrolment.due_at,
            rules=rules,
            objections=objections,
            message=message,
            version=life.playbook.roster.decides(enrolment.trigger, enrolment.version),
            variant=enrolment.variant,
            joins=joins,
            note=note,
        )
    )
