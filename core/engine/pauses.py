"""What the end of a pause does to a customer under way: the policy that was chosen for what waits.

`overdue`: everything overdue goes out now, under pressure and expiry. `skip`: what fell due while paused is
skipped, the rest goes on. `shift`: all waiting instants move by the length of the pause. `restart`: waiting
delays begin anew. Dates (a birthday) never move.

A pause of a trigger, of a customer and of everything reaches each journey under it; one of a channel or
segment only those whose open step it holds, since nobody can say beforehand over which channel, or in which
segment, a later step will find the customer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from core.engine.branches import due_at_latest, effective_step, following, waits
from core.engine.journey import next_step, note_suppressed, pass_over
from core.engine.state import CustomerState, open_pauses
from core.instants import Instant, Millis, format_instant
from core.model.enrolment import Deferred, Due, Enrolment, Held, Waited
from core.model.pauses import ALL_SENDING, Pause, PausePolicy, PauseTarget, Scope, target_key
from core.model.reasons import Reason
from core.model.triggers import Step, Trigger
from core.playbook.playbook import Playbook, Purpose

NOBODY: Final[Mapping[Scope, str]] = {
    "everything": "Nobody is under way", "trigger": "Nobody is under way in it",
    "channel": "Nobody is under way in a trigger that uses it",
    "segment": "None of its members is under way", "customer": "She is under way in no journey",
}  # fmt: skip
"""What is said of a pause that reaches no journey, by what it is of."""


def reason_of(pause: Pause) -> Reason:
    """The reason of what a pause holds up."""
    return Reason.TRIGGER_PAUSED if pause.scope == "trigger" else Reason.STOPPED


def pause_label(target: PauseTarget) -> str:
    """What is paused, in words: `basket`, `channel sms`, `customer C1`, `all sending`."""
    own = {"everything": "all sending", "trigger": target.name}
    return own.get(target.scope) or f"{target.scope} {target.name}"


def evidence(pause: Pause) -> str:
    """The evidence of what a pause holds up: `paused since ...`, `channel sms paused since ..., by ...`."""
    what = {"everything": "all sending stopped", "trigger": "paused", "customer": "customer paused"}.get(
        pause.scope
    )
    since = f"{what or f'{pause.scope} {pause.name} paused'} since {format_instant(pause.since)}"
    return (
        since
        if pause.author is None or pause.scope in ("everything", "trigger")
        else f"{since}, by {pause.author}"
    )


def stops_purpose(stop: Pause, purpose: Purpose) -> bool:
    """Whether a pause of anything but a trigger holds messages of a purpose: transactional ones only on
    request.
    """
    return stop.transactional or purpose.obeys or purpose.counts


def stop_of(purpose: Purpose, state: CustomerState) -> Pause | None:
    """What holds this customer's messages of a purpose now, over whatever channel: everything, the customer,
    or one of the customer's segments.
    """
    index = state.playbook.index
    if not state.playbook.pauses:
        return None
    own = [*index.stops, *index.pauses.get(target_key("customer", state.dossier.key), ())]
    segments = [
        pause for pause in index.segment_pauses if pause.holds(state.now) and _is_member(pause, state)
    ]
    return open_pauses([pause for pause in (*own, *segments) if stops_purpose(pause, purpose)], state.now)


def channel_pause(channel: str, purpose: Purpose, state: CustomerState) -> Pause | None:
    """The pause that holds messages of a purpose over a channel now."""
    if not state.playbook.pauses:
        return None
    pauses = state.playbook.index.pauses.get(target_key("channel", channel), ())
    return open_pauses([pause for pause in pauses if stops_purpose(pause, purpose)], state.now)


def message_pause(trigger: str, channel: str, purpose: Purpose, state: CustomerState) -> Pause | None:
    """What holds up a planned message of this customer now: a pause of its trigger or channel, of everything,
    the customer or a segment.
    """
    if not state.playbook.pauses:
        return None
    own = open_pauses(state.playbook.index.pauses.get(trigger, ()), state.now)
    return own or stop_of(purpose, state) or channel_pause(channel, purpose, state)


def _is_member(pause: Pause, state: CustomerState) -> bool:
    """Whether the customer is in the paused segment; one that is gone from the files has no members."""
    return _in_segment(pause.name, state)


def _in_segment(name: str, state: CustomerState) -> bool:
    segment = state.playbook.segments.get(name)
    return segment is not None and state.holds(segment)


def is_let_go(enrolment: Enrolment, held: Held, state: CustomerState) -> bool:
    """Whether what a pause holds may have become free before its end: the customer has left the segment, or
    another channel is open again.
    """
    if held.due_at is not None or held.holder is None or held.reason is not Reason.STOPPED:
        return False
    if held.holder.scope == "segment":
        return not _in_segment(held.holder.name, state)
    return held.holder.scope == "channel" and _another_is_open(enrolment, state)


def _another_is_open(enrolment: Enrolment, state: CustomerState) -> bool:
    trigger = state.playbook.index.definition(enrolment.trigger, enrolment.version)
    step = (
        effective_step(enrolment, trigger, state)
        if trigger is not None and enrolment.step <= len(trigger.steps)
        else None
    )
    if trigger is None or step is None or not _falls_back(step):
        return False
    purpose = state.playbook.purposes[trigger.purpose]
    return any(channel_pause(name, purpose, state) is None for name in step.channels)


def _falls_back(step: Step) -> bool:
    return step.mode == "first" and step.on_limit == "fallback"


def goes_over(step: Step, channel: str) -> bool:
    """Whether a pause of the channel holds the step as far as the files can say, addresses and consents left
    aside.
    """
    if step.mode == "all" or (_falls_back(step) and len(step.channels) == 1):
        return channel in step.channels
    return not _falls_back(step) and step.channels[0] == channel


def next_resumption(enrolment: Enrolment, state: CustomerState) -> Instant | None:
    """The end of the next pause that has still to be carried out on this enrolment; None where none ends."""
    ends = [pause.until for pause in _pauses(enrolment, state) if pause.until is not None]
    return min((end for end in ends if end > _handled(enrolment)), default=None)


Shown = Callable[[Enrolment, Trigger, Step, CustomerState], Sequence[str]]
"""The channels over which a step gets a row that is not weighed."""


def resume(enrolment: Enrolment, state: CustomerState, shown: Shown) -> None:
    """Carry out the policies of the pauses that have ended by now; a skipped step gets a row over each
    channel that `shown` gives.
    """
    ended = [
        p
        for p in _pauses(enrolment, state)
        if p.until is not None and _handled(enrolment) < p.until <= state.now
    ]
    for pause in sorted(ended, key=_end):
        _carry_out(pause, enrolment, state, shown)
        enrolment.wake(state.now)  # others may have taken or left room meanwhile
        enrolment.note_resumption(pause.until)
        state.touch(enrolment)


def is_paused(enrolment: Enrolment, state: CustomerState) -> bool:
    """Whether the open step would be held if it came up now. What was deferred beyond the pause is not woken
    in it, or the pause would hold, and skip, what does not fall due in it.
    """
    return bool(state.playbook.pauses) and any(
        pause.holds(state.now) and _would_hold(pause, enrolment, state) for pause in _pauses(enrolment, state)
    )


def _end(pause: Pause) -> tuple[Instant, Instant, str]:
    """In which order pauses are carried out."""
    return pause.until or 0, pause.since, pause.target.key


def _handled(enrolment: Enrolment) -> Instant:
    return (
        enrolment.entered_at
        if enrolment.resumed_at is None
        else max(enrolment.resumed_at, enrolment.entered_at)
    )


def _pauses(enrolment: Enrolment, state: CustomerState) -> list[Pause]:
    index = state.playbook.index
    trigger = index.definition(enrolment.trigger, enrolment.version)
    purpose = state.playbook.purposes.get(trigger.purpose) if trigger is not None else None
    own = index.pauses.get(target_key("customer", state.dossier.key), ())
    stops = (*index.stops, *own, *index.segment_pauses, *index.channel_pauses.get(enrolment.trigger, ()))
    held = [stop for stop in stops if purpose is None or stops_purpose(stop, purpose)]
    return [*index.pauses.get(enrolment.trigger, ()), *held]


def _carry_out(pause: Pause, enrolment: Enrolment, state: CustomerState, shown: Shown) -> None:
    trigger = state.playbook.index.definition(enrolment.trigger, enrolment.version)
    end = pause.until
    if trigger is None or end is None or enrolment.state != "open":
        return
    is_held = _fell_due(pause, enrolment, end, state)
    if is_narrow(pause) and not is_held:
        return
    had_run_out = enrolment.waited is not None or due_at_latest(enrolment, trigger) < pause.since
    policy = policy_for(pause.policy, trigger, had_run_out)
    if policy == "shift":
        _move(enrolment, trigger, _unmoved_by(pause, enrolment, trigger, state))
    elif policy == "restart":
        _begin_anew(enrolment, trigger, pause, end)
    elif is_held:
        if policy == "skip":
            _skip(enrolment, trigger, pause, state, shown)
        else:
            enrolment.fall_due(end)


def _unmoved_by(pause: Pause, enrolment: Enrolment, trigger: Trigger, state: CustomerState) -> Millis:
    """How long a pause lasted for a journey, without the time by which pauses that ended before it have moved
    the journey already: of several at once each moment counts once.
    """
    begin, end = max(pause.since, enrolment.entered_at), pause.until or state.now
    before = [
        (max(other.since if policy == "shift" else begin, begin), other.until or end)
        for other in _pauses(enrolment, state)
        if other.until is not None and begin < other.until and _end(other) < _end(pause)
        for policy in [policy_for(other.policy, trigger, had_run_out=False)]
        if policy in ("shift", "restart") and (not is_narrow(other) or _would_hold(other, enrolment, state))
    ]
    unmoved, reached = 0, begin
    for since, until in sorted(before):
        unmoved += max(0, since - reached)
        reached = max(reached, until)
    return unmoved + max(0, end - reached)


def is_narrow(pause: Pause) -> bool:
    """Whether the end of a pause touches only the journeys whose open step it holds."""
    return pause.scope in ("channel", "segment")


def policy_for(asked: PausePolicy, trigger: Trigger, had_run_out: bool) -> PausePolicy:
    """Dates do not move, and a delay that `had_run_out` before the pause does not begin anew."""
    policy = trigger.when.resume_policy(asked)
    return "overdue" if policy == "restart" and had_run_out else policy


def _fell_due(pause: Pause, enrolment: Enrolment, end: Instant, state: CustomerState) -> bool:
    """Whether the pause holds the open step up, or would have, had anybody looked at it meanwhile."""
    if enrolment.due_at is None:
        return enrolment.waits_for is reason_of(pause) and holds_up(pause, enrolment.waiting.holder)
    return pause.since <= enrolment.due_at < end and _would_hold(pause, enrolment, state)


def holds_up(pause: Pause, holder: PauseTarget | None) -> bool:
    """Whether a step that waits for the pause's reason waits for this pause; a stop's before holders were
    noted has none.
    """
    return pause.scope == "trigger" or (holder or ALL_SENDING) == pause.target.holder


def _would_hold(pause: Pause, enrolment: Enrolment, state: CustomerState) -> bool:
    trigger = state.playbook.index.definition(enrolment.trigger, enrolment.version)
    if pause.scope == "segment":
        return _is_member(pause, state)
    if pause.scope == "channel" and trigger is not None and enrolment.step <= len(trigger.steps):
        return goes_over(effective_step(enrolment, trigger, state), pause.name)
    return True


def _move(enrolment: Enrolment, trigger: Trigger, by: Millis) -> None:
    waiting = enrolment.waiting
    enrolment.plan(enrolment.planned_at + by)
    if isinstance(waiting, Deferred):
        enrolment.fall_due(waiting.until + by)
    else:
        enrolment.fall_due(due_at_latest(enrolment, trigger))


def _begin_anew(enrolment: Enrolment, trigger: Trigger, pause: Pause, at: Instant) -> None:
    """The delay, or where that had run out before the pause the wait for an event."""
    is_wait_alone = waits(enrolment, trigger) is not None and enrolment.planned_at < pause.since
    enrolment.plan(at if is_wait_alone else at + _delay(trigger, enrolment.step, enrolment.variant))
    enrolment.fall_due(due_at_latest(enrolment, trigger))


def _delay(trigger: Trigger, step: int, variant: str | None = None) -> Millis:
    """After its cause, or after the step before it."""
    known = trigger.steps[step - 1 : step]
    return sum(each.after for each in known) + (
        trigger.when.after if step in (1, following(trigger, 0, variant)) else 0
    )


def _has_wait(trigger: Trigger, step: int) -> bool:
    return any(each.wait is not None for each in trigger.steps[step - 1 : step])


def _skip(enrolment: Enrolment, trigger: Trigger, pause: Pause, state: CustomerState, shown: Shown) -> None:
    """Skip every step that fell due in the pause; the first that did not goes on as planned."""
    _skip_step(enrolment, trigger, pause, state, shown)
    while enrolment.state == "open" and due_at_latest(enrolment, trigger) < (pause.until or state.now):
        if pause.scope == "channel" and not goes_over(effective_step(enrolment, trigger, state), pause.name):
            break
        _skip_step(enrolment, trigger, pause, state, shown)


def _skip_step(
    enrolment: Enrolment, trigger: Trigger, pause: Pause, state: CustomerState, shown: Shown
) -> None:
    """Go on past it; only what would have been sent leaves a row, one for each channel of several at once."""
    wait = waits(enrolment, trigger)
    enrolment.plan(due_at_latest(enrolment, trigger))
    enrolment.fall_due(state.now)
    if wait is not None and not wait.sends:
        next_step(enrolment, trigger, state, wait.goes_to)
        return
    step = effective_step(enrolment, trigger, state)
    if pass_over(enrolment, trigger, step, state):
        return
    for channel in shown(enrolment, trigger, step, state):
        note_suppressed(enrolment, state, channel, reason_of(pause))
    next_step(enrolment, trigger, state, step.then)


def steps_due(
    pause: Pause,
    trigger: Trigger,
    step: int,
    planned_at: Instant,
    end: Instant,
    variant: str | None = None,
    waited: Waited | None = None,
) -> int:
    """How many steps of a journey were due before the end of the pause that holds up its open one, that one
    included.

    Later steps that wait for an event count as if none came. A step over another channel than the paused one
    ends the count.
    """
    walk = Enrolment(
        trigger.name,
        "",
        planned_at,
        planned_at,
        step,
        planned_at,
        Due(planned_at),
        variant=variant,
        waited=waited,
    )
    number, is_first = 0, True
    while is_first or (due_at_latest(walk, trigger) < end and _is_under(pause, trigger, walk.step, variant)):
        wait, over_at = waits(walk, trigger), due_at_latest(walk, trigger)
        number += wait is None or wait.sends
        known = trigger.steps[walk.step - 1 : walk.step]
        to = wait.goes_to if wait is not None and not wait.sends else known[0].then if known else None
        later = following(trigger, walk.step, variant, to)
        if later is None:
            break
        walk.open_step(later, over_at + trigger.steps[later - 1].after)
        is_first = False
    return number


def _is_under(pause: Pause, trigger: Trigger, step: int, variant: str | None) -> bool:
    """Whether a pause holds a step that falls due in it, as far as the files can say."""
    own = trigger.steps[step - 1]
    return pause.scope != "channel" or goes_over(dict(own.by_variant).get(variant or "", own), pause.name)


# ---- what a policy would do ----


@dataclass(frozen=True, slots=True)
class JourneyGroup:
    """Open journeys that are alike for the end of a pause: at the same step of the same trigger, of the same
    variant, and in four ways.
    """

    trigger: str
    step: int
    variant: str | None
    is_under: bool
    """It was under way before the end, and not under another pause until then; else this one does nothing to
    it.
    """
    had_run_out: bool
    """The delay of the open step had run out before the pause."""
    is_held: bool
    """The open step fell due in the pause."""
    is_due_moved: bool
    """It would be due at once even if it moved by the length of the pause."""
    journeys: int
    steps_due: int
    """All their steps that fell due in the pause; 0 where none is held."""


@dataclass(frozen=True, slots=True)
class ResumeEffect:
    """What a policy would do: the steps it skips, and the journeys by what becomes of their open step."""

    skipped: int = 0
    decided: int = 0
    """At once, under pressure and expiry."""
    moved: int = 0
    begun_anew: int = 0
    as_planned: int = 0


def affected_triggers(pause: Pause, playbook: Playbook) -> Mapping[str, Trigger]:
    """The triggers whose journeys a pause can hold up, by name."""
    known = playbook.index.by_name
    if pause.scope == "trigger":
        return {name: known[name] for name in [pause.name] if name in known}
    held = {
        name: trigger
        for name, trigger in known.items()
        if stops_purpose(pause, playbook.purposes[trigger.purpose])
    }
    if pause.scope != "channel":
        return held
    return {
        name: trigger
        for name, trigger in held.items()
        if any(pause.name in step.channels for step in trigger.contents())
    }


def holds_since(pause: Pause, at: Instant, not_before: Instant) -> Instant | None:
    """From which due instant on a pause that ends at the instant holds a step up; None: from any, where a
    pass decides none before it.
    """
    return None if pause.since <= not_before < at else pause.since


def effect(
    policy: PausePolicy, standings: Iterable[JourneyGroup], triggers: Mapping[str, Trigger]
) -> ResumeEffect:
    """What the end of a pause does under a policy to the journeys that it holds up."""
    skipped = 0
    journeys: Counter[str] = Counter()
    for each in standings:
        trigger = triggers[each.trigger]
        does = policy_for(policy, trigger, each.had_run_out)
        if not each.is_under:
            journeys["as_planned"] += each.journeys
        elif does == "shift":
            journeys["decided" if each.is_due_moved else "moved"] += each.journeys
        elif does == "restart":
            journeys[
                "begun_anew"
                if _delay(trigger, each.step, each.variant) or _has_wait(trigger, each.step)
                else "decided"
            ] += each.journeys
        elif does == "skip" and each.is_held:
            skipped += each.steps_due
        else:
            journeys["decided" if each.is_held else "as_planned"] += each.journeys
    return ResumeEffect(skipped, **journeys)
