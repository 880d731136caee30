"""What becomes known: an event goes into the profile, ends what it ends, journeys and waits, and may make the customer enter."""

from __future__ import annotations

from operator import attrgetter

from core.engine.entry import enter
from core.engine.goals import ends, ends_wait, reached
from core.engine.journey import end_wait, leave
from core.engine.state import Life
from core.model.events import Event


def take_arrival(event: Event, life: Life) -> None:
    """Take in one event at the life's present instant."""
    roster = life.playbook.roster
    entering = roster.entering.get(event.name, ()) if event.kind in ("track", "page") and not event.history else ()
    before = [kind.measure(trigger, event, life) for trigger, kind in entering]
    life.fold(event)
    _reach_goals(event, life)
    _end_by(event, life)
    for (trigger, kind), measured in zip(entering, before):
        cause = kind.on_event(trigger, event, life, measured)
        if cause is not None:
            enter(trigger, cause, life)


def _end_by(event: Event, life: Life) -> None:
    if not life.enrolments or event.kind not in ("track", "page"):
        return
    names = life.playbook.roster.ended_by(event.name, event.is_activity)
    if not names:
        return
    # in an order of its own: a database gives them back in another than that in which they entered
    for enrolment in sorted(life.enrolments, key=attrgetter("entered_at", "trigger", "cause_key")):
        if enrolment.trigger in names:
            trigger = life.playbook.roster.definition(enrolment.trigger, enrolment.version)
            if trigger is None:
                continue
            if ends(event, enrolment, trigger, life):
                leave(enrolment, trigger, life, event)
            elif ends_wait(event, enrolment, trigger, life):
                end_wait(enrolment, event, life)
    life.drop_ended()


def _reach_goals(event: Event, life: Life) -> None:
    """Note it for every journey she entered, under way or over."""
    for trigger in life.playbook.roster.goals.get(event.name, ()):
        found = reached(event, trigger, life) if trigger.name in life.entries else None
        if found is not None:
            life.reached.append(found)
