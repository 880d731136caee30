"""How an enrolment goes on: to its next step, or to its end."""

from __future__ import annotations

from core.decisions import Decision, Enrolment, Objection
from core.events import Event
from core.instants import format_instant
from core.life import Life
from core.reasons import Reason
from core.triggers import Trigger


def no_longer_waits(enrolment: Enrolment) -> None:
    """Forget why and until when the open step waited."""
    enrolment.waits_for = None
    enrolment.waits_until = None


def next_step(enrolment: Enrolment, trigger: Trigger, life: Life) -> None:
    """Go on: the next step is planned at this one's planned instant plus its `after`; after the last the journey is done."""
    life.touch(enrolment)
    no_longer_waits(enrolment)
    if enrolment.step >= len(trigger.steps):
        end(enrolment, life, "done")
        return
    enrolment.step += 1
    enrolment.planned_at += trigger.steps[enrolment.step - 1].after
    enrolment.due_at = max(enrolment.planned_at, life.now)


def end(enrolment: Enrolment, life: Life, state: str) -> None:
    """Nothing more comes of this enrolment."""
    life.touch(enrolment)
    enrolment.state = "done" if state == "done" else "exited"
    enrolment.due_at = None
    enrolment.ended_at = life.now


def leave(enrolment: Enrolment, trigger: Trigger, life: Life, goal: Event) -> None:
    """End it before its end because of an event, with one row for the open step that names it."""
    over = f" over {goal.channel}" if goal.channel is not None else ""
    late = f" on {format_instant(goal.occurred_at)}" if goal.occurred_at < life.now else ""
    reached = Objection(Reason.GOAL_REACHED, f"{goal.name}{over}{late}")
    step = trigger.steps[enrolment.step - 1]
    life.decisions.append(
        Decision(
            at=life.now,
            trigger=trigger.name,
            cause_key=enrolment.cause_key,
            step=enrolment.step,
            channel=step.channels[0],
            outcome="suppress",
            planned_at=enrolment.planned_at,
            reason=Reason.GOAL_REACHED,
            objections=(reached,),
            version=life.playbook.version,
        )
    )
    no_longer_waits(enrolment)
    end(enrolment, life, "exited")
