"""Two customers turn out to be one in mid-journey: what the past of each means to the journeys of the
other.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter

from core.engine.goals import active_since, awaited, ends, reached
from core.engine.journey import end_early, end_wait, leave
from core.engine.state import CustomerState
from core.instants import Instant, format_instant
from core.model.decisions import Objection
from core.model.dossier import BEGINNING, Merge, TriggerEntry
from core.model.enrolment import Enrolment
from core.model.events import Event
from core.model.reasons import Reason
from core.model.triggers import ALWAYS, NEVER, Trigger
from core.model.when import ANY_EVENT


def take_merge(merge: Merge, state: CustomerState) -> None:
    """End what has reached its goal by what the other did, or would not have begun had they been one; note
    goals, end waits.
    """
    _reach_goals(state)
    entered = _entries(merge, state)
    for enrolment in sorted(state.enrolments, key=attrgetter("entered_at", "trigger", "cause_key")):
        trigger = state.playbook.index.definition(enrolment.trigger, enrolment.version)
        if trigger is not None and enrolment.step <= len(trigger.steps):
            _look_back(enrolment, trigger, entered, state)
    state.drop_ended()


def _look_back(
    enrolment: Enrolment, trigger: Trigger, entered: set[tuple[str, TriggerEntry]], state: CustomerState
) -> None:
    goal, active = _goal_behind(enrolment, trigger, state), active_since(enrolment, trigger, state)
    if goal is not None:
        leave(enrolment, trigger, state, goal)
    elif active is not None:
        end_early(
            enrolment, trigger, state, Objection(Reason.GOAL_REACHED, f"active on {format_instant(active)}")
        )
    elif (first := _first_entry(enrolment, trigger, entered)) is not None:
        entered.discard((trigger.name, TriggerEntry(enrolment.entered_at, enrolment.cause_key)))
        words = f"entered on {format_instant(first)} already, as a customer with whom she is one now"
        end_early(enrolment, trigger, state, Objection(Reason.CUSTOMER_MERGED, words))
    elif (event := awaited(enrolment, trigger, state)) is not None:
        end_wait(enrolment, event, state.now, state)


def _goal_behind(enrolment: Enrolment, trigger: Trigger, state: CustomerState) -> Event | None:
    """The first event of either since the cause that ends the journey."""
    goals = trigger.goal.events if trigger.goal is not None else frozenset()
    own = trigger.when.ends_on() - {ANY_EVENT}
    known = state.log.of(trigger.when.unless | trigger.exits | goals | own)
    return next((event for event in known if ends(event, enrolment, trigger, state)), None)


def _entries(merge: Merge, state: CustomerState) -> set[tuple[str, TriggerEntry]]:
    """All entries that either is known to have made."""
    open_ones = {(each.trigger, TriggerEntry(each.entered_at, each.cause_key)) for each in state.enrolments}
    return open_ones | {(trigger, entry) for trigger, entry in merge.entries if entry.at > BEGINNING}


def _first_entry(
    enrolment: Enrolment, trigger: Trigger, entered: Iterable[tuple[str, TriggerEntry]]
) -> Instant | None:
    """An earlier entry of which `reentry` would have refused this one; of two at the same instant the one
    with the smaller cause key.
    """
    if trigger.reentry == ALWAYS:
        return None
    mine = TriggerEntry(enrolment.entered_at, enrolment.cause_key)
    return min(
        (
            each.at
            for name, each in entered
            if name == trigger.name and each < mine and _refuses(trigger, each, mine)
        ),
        default=None,
    )


def _refuses(trigger: Trigger, earlier: TriggerEntry, later: TriggerEntry) -> bool:
    return earlier.cause_key != later.cause_key and (
        trigger.reentry == NEVER or later.at - earlier.at < trigger.reentry
    )


def _reach_goals(state: CustomerState) -> None:
    for name in state.entries:
        trigger = state.playbook.index.by_name.get(name)
        known = state.log.of(trigger.goal.events) if trigger is not None and trigger.goal is not None else []
        if trigger is not None:
            state.reached += [
                found for event in known if (found := reached(event, trigger, state)) is not None
            ]
