"""Who wins where a window has not room for all: the candidate at hand competes with those that can be foreseen.

Foreseen are the open steps of the other journeys and the next date of each recurring trigger, as far as every other guard
lets them pass now. They are admitted in order of rank, each at its next legal instant, before the candidate at hand is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from core.branches import content, is_hers, is_passed, is_waiting
from core.decisions import Enrolment
from core.entry import foreseen_entry
from core.guards import BEFORE_CHANNEL, Candidate, allowed_channels, candidate_for, channel_open, first_objection
from core.instants import Instant
from core.life import Life
from core.placement import Placement, contacts_of, opens
from core.pressure import Ledger, Violation, next_legal, violations
from core.roster import reach

Rank = tuple[int, int, Instant, str, Instant, str]


class Foreseen(NamedTuple):
    """The candidate that another gives way to: whose it is, when it will go out, and the rules that leave no room for both."""

    trigger: str
    at: Instant
    broken: tuple[Violation, ...]


def rank(enrolment: Enrolment, life: Life) -> Rank:
    """Who goes first at one instant: priority (higher), points (heavier), planned instant (earlier), trigger name."""
    trigger = life.playbook.roster.definition(enrolment.trigger, enrolment.version)
    if trigger is None or enrolment.step > len(trigger.steps):
        return (0, 0, enrolment.planned_at, enrolment.trigger, enrolment.cause_at, enrolment.cause_key)
    step = content(enrolment, trigger, life)
    weight = life.playbook.channels[step.channels[0]].weight if step.weight is None else step.weight
    return (-trigger.priority, -weight, enrolment.planned_at, enrolment.trigger, enrolment.cause_at, enrolment.cause_key)


def stronger(placement: Placement, life: Life) -> Foreseen | None:
    """The foreseen candidate of higher rank that a candidate which could go now must leave its room to, if any.

    Only those count that go out before the candidate at hand expires, and within the longest window that binds it.
    """
    candidate = placement.candidates[0]
    if not candidate.purpose.obeys or not candidate.purpose.counts:
        return None
    binding = [rule for rule in life.rules() if any(rule.applies_to(contact) for contact in placement.contacts)]
    if not binding:
        return None
    latest = min(life.now + max(reach(rule) for rule in binding), candidate.expires_at)
    rivals = sorted(_rivals(candidate.enrolment, latest, life), key=lambda rival: rank(rival, life))
    if not rivals:
        return None
    ledger = life.ledger.copy()
    admitted = {each.dispatch: each for each in _admit(rivals, ledger, latest, life)}
    broken = tuple(violations(binding, ledger, placement.contacts, life.zone)) if admitted else ()
    filling = {contact.dispatch for violation in broken for contact in violation.counted}
    winner = next((each for dispatch, each in admitted.items() if dispatch in filling), None)
    return None if winner is None else Foreseen(winner.trigger, winner.at, broken)


class _Admitted(NamedTuple):
    trigger: str
    at: Instant
    dispatch: str


def _rivals(own: Enrolment, latest: Instant, life: Life) -> Iterator[Enrolment]:
    """The other journeys that are under way or will have begun by then, of higher rank."""
    least = rank(own, life)
    for enrolment in life.enrolments:
        is_foreseen = enrolment is not own and enrolment.due_at is not None and enrolment.due_at <= latest
        if is_foreseen and not is_waiting(enrolment, life) and rank(enrolment, life) < least:
            yield enrolment
    for trigger, kind in life.playbook.roster.clocked:
        if kind.name != "recurring" or -trigger.priority > least[0]:
            continue
        after = life.now if trigger.activated_at is None else max(life.now, trigger.activated_at - 1)
        cause = kind.upcoming(trigger, life, after)
        begun = foreseen_entry(trigger, cause, life) if cause is not None and cause.at <= latest else None
        if begun is not None and rank(begun, life) < least:
            yield begun


def _admit(rivals: Sequence[Enrolment], ledger: Ledger, latest: Instant, life: Life) -> Iterator[_Admitted]:
    """Those that find room in order of rank, each at its next legal instant; their contacts join the ledger."""
    for rival in rivals:
        candidates = _passing(rival, life)
        at = _legal(candidates, ledger, life) if candidates else None
        if at is not None and at <= min(latest, candidates[0].expires_at):
            contacts = contacts_of(candidates, at)
            for contact in contacts:
                ledger.add(contact)
            yield _Admitted(rival.trigger, at, contacts[0].dispatch)


def _passing(rival: Enrolment, life: Life) -> list[Candidate]:
    """The rival over the channels it would take, where every guard but limits and quiet hours lets it pass now."""
    trigger = life.playbook.roster.definition(rival.trigger, rival.version)
    if trigger is None or rival.step > len(trigger.steps):
        return []
    step = content(rival, trigger, life)
    candidate = candidate_for(life, trigger, rival, step.channels[0])
    if not candidate.purpose.counts or first_objection(BEFORE_CHANNEL, candidate, life) is not None:
        return []
    if not is_hers(rival, trigger) or not is_passed(step, rival, life):
        return []
    allowed, _ = allowed_channels(candidate, life)
    if allowed and channel_open(allowed[0], life) is not None:
        return []
    return allowed if step.mode == "all" else allowed[:1]


def _legal(candidates: Sequence[Candidate], ledger: Ledger, life: Life) -> Instant | None:
    enrolment = candidates[0].enrolment
    return next_legal(
        life.rules() if candidates[0].purpose.obeys else (),
        ledger,
        lambda instant: contacts_of(candidates, instant),
        max(life.now, enrolment.planned_at if enrolment.due_at is None else enrolment.due_at),
        lambda instant: opens(candidates, instant, life),
        life.zone,
        candidates[0].expires_at,
    )
