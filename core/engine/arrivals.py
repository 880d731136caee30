"""What becomes known: an event goes into the profile, ends what it ends, journeys and waits, and may make the
customer enter.
"""

from __future__ import annotations

from operator import attrgetter

from core.engine.entry import enter
from core.engine.goals import ends, ends_wait, reached, restarts
from core.engine.journey import begin_anew, end_wait, leave
from core.engine.state import CustomerState
from core.model.events import FIRST, Event


def take_arrival(event: Event, state: CustomerState) -> None:
    """Take in one event at the instant that is being played."""
    index = state.playbook.index
    entering = (
        index.entering.get(event.name, ()) if event.kind in ("track", "page") and not event.history else ()
    )
    before = [trigger.when.before_event(event, state) for trigger in entering]
    state.fold(event)
    _reach_goals(event, state)
    _end_by(event, state)
    for trigger, known in zip(entering, before):
        if _begins_anew(event, trigger.name, state):
            continue
        cause = trigger.when.on_event(event, state, known)
        if cause is not None:
            enter(trigger, cause, state)


def _begins_anew(event: Event, name: str, state: CustomerState) -> bool:
    """Let the event begin the clock of journeys in the trigger of a name anew; whether there were any."""
    restarted = False
    for enrolment in state.enrolments:
        if enrolment.trigger != name:
            continue
        trigger = state.playbook.index.definition(name, enrolment.version)
        if trigger is not None and restarts(event, enrolment, trigger, state):
            begin_anew(enrolment, trigger, event, state)
            restarted = True
    return restarted


def _end_by(event: Event, state: CustomerState) -> None:
    if not state.enrolments or event.kind not in ("track", "page"):
        return
    names = state.playbook.index.ended_by(event.name, event.is_activity)
    if not names:
        return
    # in an order of its own: a database gives them back in another than that in which they entered
    for enrolment in sorted(state.enrolments, key=attrgetter("entered_at", "trigger", "cause_key")):
        if enrolment.trigger in names:
            trigger = state.playbook.index.definition(enrolment.trigger, enrolment.version)
            if trigger is None:
                continue
            if ends(event, enrolment, trigger, state):
                leave(enrolment, trigger, state, event)
            elif ends_wait(event, enrolment, trigger, state):
                end_wait(enrolment, event, state.now, state)
    state.drop_ended()


def _reach_goals(event: Event, state: CustomerState) -> None:
    """Note it for every journey that was entered, under way or over."""
    if event.standing != FIRST:
        return  # what is told again was reached then, or never
    for trigger in state.playbook.index.goals.get(event.name, ()):
        found = reached(event, trigger, state) if trigger.name in state.entries else None
        if found is not None:
            state.reached.append(found)
