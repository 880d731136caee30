"""Deciding one step that has fallen due: the guards, then when and over which channels, then the row that says so."""

from __future__ import annotations

from hashlib import blake2b

from core.decisions import Decision, Enrolment, Message, Objection, Outcome, RuleEvidence
from core.guards import AFTER_CHANNEL, BEFORE_CHANNEL, OF_CHANNEL, Candidate, all_objections, candidate_for, first_objection
from core.instants import Instant
from core.journey import end, next_step
from core.life import Life
from core.pauses import HOLDING
from core.placement import Placement, contacts_of, evidence, place
from core.reasons import Reason

ENDING = frozenset({Reason.TRIGGER_RETIRED, Reason.CUSTOMER_ERASED, Reason.CUSTOMER_MERGED})


def rank(enrolment: Enrolment, life: Life) -> tuple[int, int, Instant, str, str]:
    """Who goes first at one instant: priority (higher), points (heavier), planned instant (earlier), trigger name."""
    trigger = life.playbook.roster.by_name.get(enrolment.trigger)
    if trigger is None or enrolment.step > len(trigger.steps):
        return (0, 0, enrolment.planned_at, enrolment.trigger, enrolment.cause_key)
    step = trigger.steps[enrolment.step - 1]
    weight = life.playbook.channels[step.channels[0]].weight if step.weight is None else step.weight
    return (-trigger.priority, -weight, enrolment.planned_at, enrolment.trigger, enrolment.cause_key)


def decide(enrolment: Enrolment, life: Life) -> None:
    """Decide the open step of an enrolment at the life's present instant; its due instant moves on."""
    trigger = life.playbook.roster.by_name.get(enrolment.trigger)
    life.touch(enrolment)
    if trigger is None or enrolment.step > len(trigger.steps):
        _vanish(enrolment, life)
        return
    step = trigger.steps[enrolment.step - 1]
    candidate = candidate_for(life, trigger, enrolment, step.channels[0])
    objection = first_objection(BEFORE_CHANNEL, candidate, life)
    if objection is not None:
        _object(candidate, objection, life)
        return
    if step.only_if is not None and not step.only_if.holds(life.facts(enrolment=enrolment)):
        next_step(enrolment, trigger, life)
        return
    allowed, refusal = _allowed(candidate, life)
    objection = refusal if not allowed else first_objection(AFTER_CHANNEL, allowed[0], life)
    if objection is not None:
        _object(allowed[0] if allowed else candidate, objection, life)
        return
    _settle(place(allowed, life), life)


def _allowed(first: Candidate, life: Life) -> tuple[list[Candidate], Objection | None]:
    """The candidates over the step's channels that address, suppressions and consent allow; else what the first lacks."""
    refusal: Objection | None = None
    allowed: list[Candidate] = []
    step = first.step
    for name in step.channels:
        candidate = first if name == first.channel.name else candidate_for(life, first.trigger, first.enrolment, name)
        objection = first_objection(OF_CHANNEL, candidate, life)
        if objection is None:
            allowed.append(candidate)
            if step.mode == "first" and step.on_limit != "fallback":
                break
        elif refusal is None:
            refusal = objection
    return allowed, refusal


def _vanish(enrolment: Enrolment, life: Life) -> None:
    """The trigger, or this step of it, is no longer in the playbook."""
    _row(enrolment, life, None, "suppress", Reason.TRIGGER_RETIRED)
    end(enrolment, life, "exited")


def _object(candidate: Candidate, objection: Objection, life: Life) -> None:
    """A guard said no: hold what waits for an operator, suppress the rest."""
    enrolment = candidate.enrolment
    if objection.reason in HOLDING:
        _wait(candidate, life, "hold", objection.reason, objection.until)
        enrolment.due_at = None  # the end of the pause is an instant of its own
        return
    objections = all_objections(candidate, life)
    _row(enrolment, life, candidate.channel.name, "suppress", objection.reason, objections=objections)
    if objection.reason in ENDING:
        end(enrolment, life, "exited")
    else:
        next_step(enrolment, candidate.trigger, life)


def _settle(placement: Placement, life: Life) -> None:
    """Write what was found: send now, defer to the instant found, or suppress."""
    candidate = placement.candidates[0]
    enrolment, trigger = candidate.enrolment, candidate.trigger
    rules = evidence(placement.broken)
    if placement.reason is None:
        _send(placement, life)
    elif placement.at is None:
        for each in placement.candidates:
            _row(enrolment, life, each.channel.name, "suppress", Reason.PRESSURE, rules=rules)
        next_step(enrolment, trigger, life)
    elif placement.at > candidate.expires_at:
        held = Objection(placement.reason, "held back beyond its expiry", placement.at)
        for each in placement.candidates:
            _row(enrolment, life, each.channel.name, "suppress", Reason.EXPIRED, rules=rules, objections=(held,))
        next_step(enrolment, trigger, life)
    else:
        for number, each in enumerate(placement.candidates):
            _wait(each, life, "defer", placement.reason, placement.at, rules, is_first=number == 0)
        enrolment.waits_for, enrolment.waits_until = placement.reason, placement.at
        enrolment.due_at = placement.at


def _send(placement: Placement, life: Life) -> None:
    """Plan the messages, count them at once, and go on in the journey."""
    candidate = placement.candidates[0]
    enrolment = candidate.enrolment
    for each, contact in zip(placement.candidates, contacts_of(placement.candidates, life.now)):
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
        _row(enrolment, life, each.channel.name, outcome, Reason.APPROVAL if held else None, message=message)
    enrolment.last_message_at = life.now
    next_step(enrolment, candidate.trigger, life)


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
    *,
    is_first: bool = True,
) -> None:
    """A row for a step that waits, written only when the reason or the instant has changed."""
    enrolment = candidate.enrolment
    if enrolment.waits_for is reason and enrolment.waits_until == until:
        return
    objections = all_objections(candidate, life) if outcome == "hold" and is_first else ()
    _row(enrolment, life, candidate.channel.name, outcome, reason, until, rules=rules, objections=objections)
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
            version=life.playbook.version,
        )
    )
