"""The one road: `advance(dossier, playbook, until) -> Plan`.

A customer's state is played instant by instant. At each instant come first the contacts that give their room
back and the pauses that end, then merges and arrivals (events that became known), then dates and crossings
that need no event, then the steps that have fallen due, the highest rank first. Every accepted contact counts
at once against the next candidate; what waits is then decided anew, and leaves a row where its wait changes.
Nothing depends on `until`, so playing to u1 and then to u2 gives the same rows as playing to u2: tick,
preview, replay and why are this function.
"""

from __future__ import annotations

from operator import itemgetter

from core.engine.arrivals import take_arrival
from core.engine.branches import is_waiting
from core.engine.entry import enter
from core.engine.journey import retire
from core.engine.merges import take_merge
from core.engine.pauses import is_let_go, is_paused, next_resumption, resume
from core.engine.priority_lookahead import rank
from core.engine.state import CustomerState, Upcoming
from core.engine.steps import channels_shown, decide, time_out
from core.instants import Instant
from core.model.dossier import BEGINNING, Dossier, Plan
from core.model.enrolment import Enrolment
from core.model.reasons import Reason
from core.model.triggers import Trigger
from core.playbook.playbook import Playbook


def advance(
    dossier: Dossier,
    playbook: Playbook,
    until: Instant,
    *,
    not_before: Instant = BEGINNING,
    failed: frozenset[str] = frozenset(),
) -> Plan:
    """Play one customer up to and including `until`.

    A step that was due before `not_before` (live: now less the grace) is decided as of then, and marked late.
    Messages whose key is in `failed` fail before hand-over at their own instant and give their room back at
    once.
    """
    play = _Play(dossier, playbook, not_before, failed)
    while (at := play.next_instant()) is not None and at <= until:
        play.instant(at)
    return play.plan(until, at)


class _Play:
    """The walk through one customer's instants."""

    __slots__ = ("arrivals", "is_begun", "merges", "not_before", "state", "taken")

    def __init__(
        self, dossier: Dossier, playbook: Playbook, not_before: Instant, failed: frozenset[str]
    ) -> None:
        self.state = CustomerState(dossier, playbook, failed)
        self.arrivals = dossier.arrivals
        self.merges = list(dossier.merges)
        self.taken = 0
        self.not_before = not_before
        self.is_begun = False

    def next_instant(self) -> Instant | None:
        """The next instant at which anything happens, never before the one at hand."""
        state = self.state
        instants: list[Instant] = []
        for enrolment in state.enrolments:
            waiting = enrolment.waiting
            if waiting.due_at is not None:
                instants.append(waiting.due_at if waiting.due_at > self.not_before else self.not_before)
            if waiting.reason is Reason.LOWER_PRIORITY:
                instants.extend(state.upcoming_changes()[:1])
        if self.taken < len(self.arrivals):
            instants.append(self.arrivals[self.taken].arrived_at)
        if self.merges:
            instants.append(self.merges[0].at)
        if state.playbook.index.firing_without_event and (
            upcoming := self._upcoming() if state.upcoming_causes is None else state.upcoming_causes
        ):
            instants.append(upcoming[0][0])
        release = state.next_release()
        if release is not None:
            instants.append(release)
        if state.superseded:
            instants.append(state.superseded[0][0])
        if state.playbook.pauses:
            instants.extend(
                at
                for at in (next_resumption(enrolment, state) for enrolment in state.enrolments)
                if at is not None
            )
        return max(min(instants), state.now) if instants else None

    def instant(self, at: Instant) -> None:
        """Everything that happens at one instant."""
        state = self.state
        state.now = at
        state.pass_changes(at)
        self._take_arrivals(at)
        self._take_clock(at)
        self._take_steps(at)

    def _take_arrivals(self, at: Instant) -> None:
        state = self.state
        if (release := state.next_release()) is not None and release <= at:
            state.release(at)
            self._wake(at)
        if state.playbook.pauses:
            self._resume(at)
        if state.superseded and state.superseded[0][0] <= at:
            self._take_leave(at)
        while self.merges and self.merges[0].at <= at:
            take_merge(self.merges.pop(0), state)
            self._wake(at)
        while self.taken < len(self.arrivals) and self.arrivals[self.taken].arrived_at <= at:
            take_arrival(self.arrivals[self.taken], state)
            self.taken += 1
            state.upcoming_causes = None
            state.upcoming_after = max(state.upcoming_after, at - 1)

    def _resume(self, at: Instant) -> None:
        """Pauses that end do what their policies say, to the journeys of the highest rank first."""
        state = self.state
        held = [e for e in state.enrolments if (end := next_resumption(e, state)) is not None and end <= at]
        for enrolment in sorted(held, key=lambda e: rank(e, state)) if len(held) > 1 else held:
            resume(enrolment, state, channels_shown)
        state.drop_ended()

    def _take_leave(self, at: Instant) -> None:
        """A newer version ends journeys of an older one."""
        state = self.state
        for _, enrolment, former in (entry for entry in state.superseded if entry[0] <= at):
            if enrolment.state == "open":
                retire(enrolment, former, state)
        state.superseded = [entry for entry in state.superseded if entry[0] > at and entry[1].state == "open"]
        state.drop_ended()

    def _wake(self, at: Instant) -> None:
        """What was deferred is decided anew."""
        for enrolment in self.state.enrolments:
            if not is_paused(enrolment, self.state):
                enrolment.wake(at)

    def _upcoming(self) -> list[Upcoming]:
        """The next cause without an event of each trigger that has one, soonest first."""
        state = self.state
        if state.upcoming_causes is None:
            state.upcoming_causes = []
            for trigger in state.playbook.index.firing_without_event:
                self._look_ahead(state.upcoming_causes, trigger)
            state.upcoming_causes.sort(key=itemgetter(0, 1))
        return state.upcoming_causes

    def _look_ahead(self, clock: list[Upcoming], trigger: Trigger) -> None:
        cause = trigger.when.upcoming(trigger, self.state, self._clock_after(trigger))
        if cause is not None:
            clock.append((cause.at, trigger.name, cause, trigger))

    def _clock_after(self, trigger: Trigger) -> Instant:
        """After which instant a trigger's causes count: from its activation on, also where that is the
        settled instant itself.
        """
        after, activated = self.state.upcoming_after, trigger.activated_at
        if activated is None or after > activated:
            return after
        is_new = not self.is_begun and after == activated
        return activated - 1 if is_new else max(after, activated - 1)

    def _take_clock(self, at: Instant) -> None:
        if not self.state.playbook.index.firing_without_event:
            return
        upcoming = self._upcoming()
        due = [entry for entry in upcoming if entry[0] <= at] if upcoming and upcoming[0][0] <= at else []
        self.state.upcoming_after = max(self.state.upcoming_after, at)
        self.is_begun = True
        if due:
            for _, _, cause, trigger in due:
                enter(trigger, cause, self.state)
            self.state.upcoming_causes = upcoming[
                len(due) :
            ]  # entering one trigger moves no other's next cause
            for _, _, _, trigger in due:
                self._look_ahead(self.state.upcoming_causes, trigger)
            self.state.upcoming_causes.sort(key=itemgetter(0, 1))

    def _take_steps(self, at: Instant) -> None:
        if at < self.not_before:
            return
        for enrolment in self.state.enrolments:
            waiting = enrolment.waiting
            if waiting.reason is Reason.LOWER_PRIORITY and not is_paused(enrolment, self.state):
                enrolment.wake(at)  # the stronger one may have fallen away
            elif waiting.holder is not None and is_let_go(enrolment, waiting, self.state):
                enrolment.come_up(at)
        while due := self._due(at) or self._scheduled_anew(at):
            unanswered = [e for e in due if is_waiting(e, self.state)]
            first = unanswered or due
            enrolment = first[0] if len(first) == 1 else min(first, key=lambda e: rank(e, self.state))
            (time_out if unanswered else decide)(enrolment, self.state)
            if enrolment.state != "open":
                self.state.drop_ended()

    def _scheduled_anew(self, at: Instant) -> list[Enrolment]:
        """The journeys whose open step is decided anew, since others have taken room at this instant."""
        if not self.state.is_ledger_changed:
            return []
        self.state.is_ledger_changed = False
        self._wake(at)
        return self._due(at)

    def _due(self, at: Instant) -> list[Enrolment]:
        """The open journeys whose step has come up by an instant."""
        return [e for e in self.state.enrolments if e.due_at is not None and e.due_at <= at]

    def plan(self, until: Instant, following: Instant | None) -> Plan:
        """What was found, and when this customer needs attention next, `following` being the next instant
        under the grace.
        """
        state = self.state
        if self.not_before > until:
            self.not_before = BEGINNING
            following = self.next_instant()
        return Plan(
            decisions=state.decisions,
            enrolments=list(state.touched.values()),
            entries=state.entries,
            profile=state.profile,
            settled_until=max(until, state.now),
            next_due=following,
            reached=state.reached,
        )
