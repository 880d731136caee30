"""Several steps of one customer in one message: the first that is sent at an instant leads, others of that instant may join it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from core.engine.guards import AFTER_CHANNEL, OF_CHANNEL, Candidate, candidate_for, first_objection
from core.engine.placement import contacts_of
from core.engine.state import Life
from core.limits.pressure import Contact, Ledger, violations
from core.model.decisions import Decision, Message, Part

DIGEST_MEDIA: Final = frozenset({"email", "webhook"})
"""The media whose messages have room for several texts."""


class Joined(NamedTuple):
    """A step that another's message carries now: over that message's channel, with its key and the trigger that leads it."""

    candidate: Candidate
    key: str
    trigger: str


def may_lead(candidate: Candidate) -> bool:
    """Whether a step's message may carry others: its step says so, and nobody has to approve it."""
    step = candidate.step
    approval = step.approval or candidate.trigger.approval or candidate.channel.approval
    return step.digest and step.mode == "first" and candidate.channel.medium in DIGEST_MEDIA and not approval


def join(candidate: Candidate, life: Life) -> Joined | None:
    """Add the step to a message planned at this instant, where one may carry it; None, and nothing changed, where none may.

    A message stays one contact. It becomes as heavy as its heaviest step and bears the tags of all, if the limits have room for that.
    """
    for number in reversed(range(len(life.leading))):
        leader = life.decisions[life.leading[number]]
        if leader.at != life.now:
            break
        message = leader.message
        if message is None or message.contact.purpose != candidate.purpose.name or message.channel not in candidate.step.channels:
            continue
        own = candidate_for(life, candidate.trigger, candidate.step, candidate.enrolment, message.channel)
        if may_lead(own) and first_objection(OF_CHANNEL + AFTER_CHANNEL, own, life) is None and _carry(life.leading[number], own, life):
            return Joined(own, message.key, leader.trigger)
    return None


def _carry(leading: int, own: Candidate, life: Life) -> bool:
    """Put the step into the message of a decision, if there is room for it."""
    leader = life.decisions[leading]
    message = leader.message
    if message is None:
        return False
    (alone,) = contacts_of((own,), life.now)
    heavier = message.contact._replace(weight=max(message.contact.weight, alone.weight), tags=message.contact.tags | alone.tags)
    others = Ledger(contact for contact in life.ledger if not _is_same(contact, message.contact))
    if any(violations(life.rules() if own.purpose.obeys else (), others, (contact,), life.zone) for contact in (heavier, alone)):
        return False
    if message.key not in life.failed:
        others.add(heavier)
        life.ledger = others
    parts = message.digest or (Part(leader.trigger, leader.step, message.template, leader.cause_key, message.expires_at),)
    part = Part(own.trigger.name, own.enrolment.step, own.step.template, own.enrolment.cause_key, own.expires_at)
    life.decisions[leading] = leader._replace(message=_carrying(message, heavier, (*parts, part)), note=_noted(leader, part))
    _share((*parts, part), life)
    return True


def _share(parts: Sequence[Part], life: Life) -> None:
    """What she does with the message she does in the journey of each of its steps."""
    steps, triggers = {(part.trigger, part.cause_key) for part in parts}, frozenset(part.trigger for part in parts)
    for enrolment in life.enrolments:
        if (enrolment.trigger, enrolment.cause_key) in steps:
            enrolment.shared = triggers
            life.touch(enrolment)


def _is_same(contact: Contact, planned: Contact) -> bool:
    return contact.dispatch == planned.dispatch and contact.channel == planned.channel


def _carrying(message: Message, contact: Contact, parts: Sequence[Part]) -> Message:
    """The message lives as long as any of its steps."""
    return message._replace(contact=contact, digest=tuple(parts), expires_at=max(part.expires_at for part in parts))


def _noted(leader: Decision, part: Part) -> str:
    if leader.message is not None and leader.message.digest:
        return f"{leader.note}, {part.trigger}"
    return "; ".join(word for word in (leader.note, f"together with {part.trigger}") if word)
