"""Who wins where a window has not room for all: the candidate at hand competes with those that can be
foreseen.

Foreseen are the open steps of the other journeys and the next date of each recurring trigger, as far as every
other guard lets them pass now. They are admitted in order of rank, each at its next legal instant, before the
candidate at hand is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import itemgetter
from typing import NamedTuple

from core.engine.branches import condition_holds, effective_step, in_variant, waits
from core.engine.entry import foreseen_entry
from core.engine.guards import (
    BEFORE_CHANNEL,
    Candidate,
    allowed_channels,
    candidate_for,
    channel_open,
    first_objection,
)
from core.engine.placement import contacts_of, opens, place
from core.engine.state import CustomerState
from core.instants import Instant
from core.limits.pressure import Contact, Ledger, PressureRule, Violation, violations
from core.model.enrolment import Enrolment
from core.model.triggers import Step, Trigger
from core.playbook.index import lookback
from core.playbook.playbook import Playbook

Rank = tuple[int, int, Instant, str, Instant, str]


class ForeseenWinner(NamedTuple):
    """The candidate that another gives way to: whose it is, when it will go out, and the rules that leave no
    room for both.
    """

    trigger: str
    at: Instant
    broken: tuple[Violation, ...]


def rank(enrolment: Enrolment, state: CustomerState) -> Rank:
    """Who goes first: priority (higher), points (heavier), planned instant (earlier), trigger name."""
    trigger = state.playbook.index.definition(enrolment.trigger, enrolment.version)
    if trigger is None or enrolment.step > len(trigger.steps):
        return (0, 0, enrolment.planned_at, enrolment.trigger, enrolment.cause_at, enrolment.cause_key)
    return _rank(enrolment, trigger, effective_step(enrolment, trigger, state), state.playbook)


def _rank(enrolment: Enrolment, trigger: Trigger, step: Step, playbook: Playbook) -> Rank:
    priority, points = _strength(trigger, step, playbook)
    return (
        priority,
        points,
        enrolment.planned_at,
        enrolment.trigger,
        enrolment.cause_at,
        enrolment.cause_key,
    )


def _strength(trigger: Trigger, step: Step, playbook: Playbook) -> tuple[int, int]:
    """What of the rank is the same for everybody: priority and points, negative."""
    if step.mode == "all":
        points = _points(step, step.channels, playbook)
    else:
        points = playbook.channels[step.channels[0]].weight if step.weight is None else step.weight
    return -trigger.priority, -points


def _points(step: Step, channels: Sequence[str], playbook: Playbook) -> int:
    """The most points, in thousandths, that a step can take over these of its channels."""
    if step.weight is not None:
        return step.weight * len(channels) if step.mode == "all" else step.weight if channels else 0
    weights = [playbook.channels[name].weight for name in channels]
    return sum(weights) if step.mode == "all" else max(weights, default=0)


# ---- the candidate at hand ----


def stronger(
    candidates: Sequence[Candidate], contacts: Sequence[Contact], state: CustomerState
) -> ForeseenWinner | None:
    """The foreseen candidate of higher rank to which a candidate that could go out with these contacts must
    leave its room, if any.

    Only those count that go out within the longest window that binds it, and only those can win that do so
    before it expires.
    """
    first = candidates[0]
    if not first.purpose.obeys or not first.purpose.counts or not _may_have_rivals(first, contacts, state):
        return None
    binding = [rule for rule in state.rules() if any(rule.applies_to(contact) for contact in contacts)]
    if not binding:
        return None
    latest = max([contact.at for contact in contacts]) + max([lookback(rule) for rule in binding])
    rivals = _rivals(rank(first.enrolment, state), latest, state)
    if not rivals:
        return None
    tight = [
        rule
        for rule in binding
        if not _has_room(rule, contacts, _sharing(rule, contacts, rivals, state), state)
    ]
    return _winner(rivals, _Weaker(contacts, first.expires_at, latest, tight), state) if tight else None


def _may_have_rivals(first: Candidate, contacts: Sequence[Contact], state: CustomerState) -> bool:
    """Whether, within reach of any rule, there is another journey's step, or a date whose trigger is not
    weaker by priority alone.
    """
    latest = max([contact.at for contact in contacts]) + state.playbook.index.contact_lookback
    least = first.trigger.priority
    if any(
        at <= latest and trigger.priority >= least and trigger.when.is_date
        for at, _, _, trigger in state.upcoming_causes or ()
    ):
        return True
    others = (each.waiting.due_at for each in state.enrolments if each is not first.enrolment)
    return any(due_at is not None and due_at <= latest for due_at in others)


class _Rival(NamedTuple):
    """A foreseen candidate: the open step of a journey as it applies now."""

    enrolment: Enrolment
    trigger: Trigger
    step: Step


class _Weaker(NamedTuple):
    """The contacts that would go out, until when they could, how far rivals are foreseen, and the rules
    without room for all.
    """

    contacts: Sequence[Contact]
    expires_at: Instant
    latest: Instant
    rules: Sequence[PressureRule]


def _winner(rivals: Sequence[_Rival], weaker: _Weaker, state: CustomerState) -> ForeseenWinner | None:
    """Admit the rivals one by one, until the weaker one has no room left: the strongest without whom it had
    room has won.
    """
    now, ledger = state.now, state.ledger.copy()
    is_crowded = not all(_has_room(rule, (), rivals, state) for rule in state.rules())
    admitted: list[_Admitted] = []
    with state.looking_ahead():
        if is_crowded:
            state.ledger = state.ledger.copy()
        for rival in rivals:
            state.now = now
            contacts = _place(rival, weaker.latest, state, is_crowded=is_crowded)
            for contact in contacts if is_crowded else ():
                state.ledger.add(contact)
            if not contacts or state.now > weaker.expires_at:
                continue
            for contact in contacts:
                ledger.add(contact)
            admitted.append(_Admitted(rival.trigger.name, state.now, contacts[0].dispatch))
            broken = violations(weaker.rules, ledger, weaker.contacts, state.zone)
            if broken:
                strongest = _strongest(admitted, ledger, weaker, state)
                return ForeseenWinner(strongest.trigger, strongest.at, tuple(broken))
    return None


class _Admitted(NamedTuple):
    """A rival that goes out before the weaker one, with the dispatch of its contacts."""

    trigger: str
    at: Instant
    dispatch: str


def _strongest(
    admitted: Sequence[_Admitted], ledger: Ledger, weaker: _Weaker, state: CustomerState
) -> _Admitted:
    """The strongest of those admitted without whom the weaker one would have room; else the last one."""
    for each in admitted[:-1]:
        if _frees(each.dispatch, ledger, weaker, state):
            return each
    return admitted[-1]


def _frees(dispatch: str, ledger: Ledger, weaker: _Weaker, state: CustomerState) -> bool:
    """Whether the weaker one has room in the ledger without a dispatch."""
    without = Ledger(contact for contact in ledger if contact.dispatch != dispatch)
    return not violations(weaker.rules, without, weaker.contacts, state.zone)


def _has_room(
    rule: PressureRule, contacts: Sequence[Contact], rivals: Sequence[_Rival], state: CustomerState
) -> bool:
    """Whether a rule has room for contacts and rivals together, wherever they land from now on."""
    near = [rival for rival in rivals if _may_count(rule, rival)]
    if not near:
        return True
    first = state.now - lookback(rule)
    counted = [contact for contact in state.ledger.counted_by(rule) if contact.at > first]
    own = [contact for contact in contacts if rule.applies_to(contact)]
    if rule.gap is not None:
        return not counted and not own and len(near) == 1
    if rule.limit is None:
        return True
    if rule.unit == "contacts":
        return len(counted) + len(near) + min(len(own), 1) <= rule.limit
    weights = [_points(rival.step, _counted(rival.step, rule), state.playbook) for rival in near]
    return sum(weights) + sum([contact.weight for contact in (*counted, *own)]) <= rule.limit


def _counted(step: Step, rule: PressureRule) -> Sequence[str]:
    """The channels of a step that a rule counts."""
    allowed = rule.channels
    return step.channels if allowed is None else [name for name in step.channels if name in allowed]


def _sharing(
    rule: PressureRule, contacts: Sequence[Contact], rivals: Sequence[_Rival], state: CustomerState
) -> list[_Rival]:
    """The rivals that, landing at their due instant or later, the rule may count together with one of the
    contacts.
    """
    last = max([_shares_until(rule, contact.at, state) for contact in contacts])
    return [
        rival for rival in rivals if rival.enrolment.due_at is not None and rival.enrolment.due_at <= last
    ]


def _shares_until(rule: PressureRule, at: Instant, state: CustomerState) -> Instant:
    """The last landing that a rule may count together with one at an instant."""
    last = at + rule.gap - 1 if rule.gap is not None else at
    if rule.window is None:
        return last
    return max(last, rule.window.span(at, state.zone).last, rule.window.frees(at, state.zone) - 1)


def _may_count(rule: PressureRule, rival: _Rival) -> bool:
    return (
        (rule.channels is None or not rule.channels.isdisjoint(rival.step.channels))
        and (rule.purposes is None or rival.trigger.purpose in rule.purposes)
        and (rule.triggers is None or rival.trigger.name in rule.triggers)
        and (rule.tags is None or not rule.tags.isdisjoint(rival.trigger.tags))
    )


# ---- the foreseen ----


def _rivals(least: Rank, latest: Instant, state: CustomerState) -> list[_Rival]:
    """The open steps by then, of journeys that are under way or will have begun, that count and rank higher;
    the strongest first.
    """
    foreseen = [
        each for each in state.enrolments if each.waiting.due_at is not None and each.waiting.due_at <= latest
    ]
    foreseen += _dates(least, latest, state)
    ahead: list[tuple[Rank, _Rival]] = []
    for each in foreseen:
        trigger = _counting(each, state)
        if trigger is not None:
            step = effective_step(each, trigger, state)
            own = _rank(each, trigger, step, state.playbook)
            if own < least:
                ahead.append((own, _Rival(each, trigger, step)))
    return [rival for _, rival in sorted(ahead, key=itemgetter(0))]


def _counting(rival: Enrolment, state: CustomerState) -> Trigger | None:
    """By what a journey goes on whose open step counts towards the limits; one that waits for an event comes
    up nobody knows when.
    """
    trigger = state.playbook.index.definition(rival.trigger, rival.version)
    if trigger is None or rival.step > len(trigger.steps) or waits(rival, trigger) is not None:
        return None
    return trigger if state.playbook.purposes[trigger.purpose].counts else None


def _dates(least: Rank, latest: Instant, state: CustomerState) -> Iterator[Enrolment]:
    """What the next date of each recurring trigger begins, as far as it is not weaker by priority alone."""
    for at, _, cause, trigger in state.upcoming_causes or ():
        if at <= latest and trigger.when.is_date and -trigger.priority <= least[0]:
            begun = foreseen_entry(trigger, cause, state)
            if begun is not None:
                yield begun


def _place(rival: _Rival, latest: Instant, state: CustomerState, *, is_crowded: bool) -> Sequence[Contact]:
    """The contacts of a rival where it goes out once it is due, which is then `state.now`; none where it does
    not by `latest`.

    Where it is not crowded, all rivals have room together, and each goes when its channel opens.
    """
    allowed = _passing(rival, state)
    if not allowed:
        return ()
    latest = min(latest, allowed[0].expires_at)
    begin = max(
        state.now, rival.enrolment.planned_at if rival.enrolment.due_at is None else rival.enrolment.due_at
    )
    taken = allowed if rival.step.mode == "all" else allowed[:1]
    has_one_way = len(taken) == len(allowed) or not is_crowded
    at: Instant | None = (
        opens(taken, begin, state) if has_one_way else begin
    )  # what is shut with one way waits for the opening
    while at is not None and at <= latest:
        state.now = at
        if not is_crowded:
            return contacts_of(taken, at)
        placement = place(allowed, state)
        if placement.reason is None:
            return placement.contacts
        at = placement.at
    return ()


def _passing(rival: _Rival, state: CustomerState) -> list[Candidate]:
    """The rival over the channels that are allowed, where every guard but limits and quiet hours lets it pass
    now.
    """
    candidate = candidate_for(state, rival.trigger, rival.step, rival.enrolment, rival.step.channels[0])
    if first_objection(BEFORE_CHANNEL, candidate, state) is not None:
        return []
    if not in_variant(rival.enrolment, rival.trigger) or not condition_holds(
        rival.step, rival.enrolment, state
    ):
        return []
    allowed, _ = allowed_channels(candidate, state)
    return [] if allowed and channel_open(allowed[0], state) is not None else allowed
