"""When and over which channels a candidate may go out: quiet hours and contact pressure, asked together.

The answer is a `Placement`: now, later at the exact earliest legal instant, or never. Semantics:
`docs/decisions.md`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from core.engine.guards import Candidate, passed_over
from core.engine.state import CustomerState
from core.instants import Instant
from core.limits.pressure import Contact, PressureRule, Violation, is_never_legal, next_legal, violations
from core.model.decisions import RuleEvidence
from core.model.reasons import Reason


class Placement(NamedTuple):
    """The channels taken and the instant found; `reason` is None where it is now."""

    candidates: tuple[Candidate, ...]
    contacts: tuple[Contact, ...]
    at: Instant | None  # None: never
    reason: Reason | None
    broken: tuple[Violation, ...] = ()


def place(allowed: Sequence[Candidate], state: CustomerState) -> Placement:
    """Where the step goes, given the candidates over its allowed channels in the order of the step."""
    step = allowed[0].step
    rules = state.rules() if allowed[0].purpose.obeys else ()
    if step.mode == "all":
        return _dispatch(tuple(allowed), rules, state)
    if step.on_limit != "fallback" or len(allowed) == 1:
        return _dispatch((allowed[0],), rules, state)
    return _fall_back(allowed, rules, state)


def _dispatch(
    candidates: tuple[Candidate, ...], rules: Sequence[PressureRule], state: CustomerState
) -> Placement:
    """One dispatch over one channel or over several at once: all or none."""
    at = state.now
    contacts = contacts_of(candidates, at)
    opening = opens(candidates, at, state)
    broken = tuple(violations(rules, state.ledger, contacts, state.zone)) if rules else ()
    if not broken and opening == at:
        return Placement(candidates, contacts, at, None)
    if rules and is_never_legal(rules, lambda instant: contacts_of(candidates, instant), at, state.zone):
        return Placement(candidates, contacts, None, Reason.PRESSURE, broken)
    if opening == at and candidates[0].step.on_limit == "drop":
        return Placement(candidates, contacts, None, Reason.PRESSURE, broken)
    limits = () if candidates[0].step.on_limit == "drop" else rules
    until = next_legal(
        limits,
        state.ledger,
        lambda instant: contacts_of(candidates, instant),
        at,
        lambda instant: opens(candidates, instant, state),
        state.zone,
        candidates[0].expires_at,
    )
    if not broken and rules and (until is None or until > candidates[0].expires_at):
        broken = tuple(violations(limits, state.ledger, contacts_of(candidates, opening), state.zone))
    if until is None:
        return Placement(candidates, contacts, None, Reason.PRESSURE, broken)
    return Placement(
        candidates, contacts, until, Reason.QUIET_HOURS if opening != at else Reason.PRESSURE, broken
    )


def _fall_back(
    allowed: Sequence[Candidate], rules: Sequence[PressureRule], state: CustomerState
) -> Placement:
    """The first channel whose windows have room; where all are full, the one that has room first."""
    tried: list[Placement] = []
    for candidate in allowed:
        taken = passed_over(candidate, [no_room(each) for each in tried]) if tried else candidate
        placement = _dispatch((taken,), rules, state)
        if not placement.broken:
            return placement
        tried.append(placement)
    later = [placement for placement in tried if placement.at is not None]
    return min(later, key=lambda placement: placement.at or 0) if later else tried[0]


def no_room(placement: Placement) -> str:
    """Why a step is not taken over a channel that is allowed and full, as a clause."""
    rules = ", ".join(dict.fromkeys(violation.rule.name for violation in placement.broken))
    return f"{placement.candidates[0].channel.name} is full by {rules}"


def opens(candidates: Sequence[Candidate], at: Instant, state: CustomerState) -> Instant:
    """The first instant from `at` on at which every channel's send window is open."""
    if len(candidates) == 1:
        return candidates[0].channel.send_windows.opens(at, state.zone)
    for _ in range(10_000):
        latest = max(candidate.channel.send_windows.opens(at, state.zone) for candidate in candidates)
        if latest == at:
            return at
        at = latest
    return at


def contacts_of(candidates: Sequence[Candidate], at: Instant) -> tuple[Contact, ...]:
    """The contacts a hand-over at an instant makes: each lands after its channel's lead time."""
    return tuple([_contact(candidate, at) for candidate in candidates])


def _contact(candidate: Candidate, at: Instant) -> Contact:
    trigger, enrolment, channel, purpose = (
        candidate.trigger,
        candidate.enrolment,
        candidate.channel,
        candidate.purpose,
    )
    return Contact(
        at + channel.lead_time,
        channel.name,
        trigger.name,
        purpose.name,
        trigger.tags,
        weight_of(candidate),
        purpose.counts,
        f"{trigger.name}/{enrolment.cause_key}/{enrolment.step}",
    )


def weight_of(candidate: Candidate) -> int:
    """Thousandths of a point of one contact: the step's word, else the channel's."""
    return candidate.channel.weight if candidate.step.weight is None else candidate.step.weight


def evidence(broken: Sequence[Violation]) -> tuple[RuleEvidence, ...]:
    """What the decision keeps of the rules that stood in the way."""
    return tuple(
        RuleEvidence(
            v.rule.name,
            v.rule.unit,
            v.count,
            v.rule.limit if v.gap is None else None,
            v.first,
            v.last,
            v.counted,
            v.retry_at,
        )
        for v in broken
    )
