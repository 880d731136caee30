"""The figures of the first screen from the workspace's database."""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Final

from sqlalchemy import ColumnElement, Connection

from console.forecast.preview import preview
from console.forecast.question import Question
from console.health.judgement import health_of, room_of
from console.health.watching import watched
from console.safeguards.clock_guard import SOURCES, confirm, why_distrusted
from console.tui.answers.held_up import held_up
from console.tui.answers.local_workspace import LocalWorkspace
from console.tui.answers.pauses import pause_view
from core.forecast.preview import daily_capacities
from core.instants import DAY, Instant, day_start, local_date
from core.limits.pressure import PressureRule
from core.limits.windows import RollingWindow, Span, WholeDaysWindow, Window
from core.model.fates import Fate
from core.model.outbox import TodayFigure
from core.model.pauses import EVERYTHING
from core.playbook.playbook import Playbook
from screens.ports import Cancelled, CancelledError
from screens.ports.overview import (
    BaseGauge,
    Books,
    ChannelToday,
    DayAhead,
    Engine,
    NextSteps,
    OverviewPage,
    Pulse,
    Undecided,
    Written,
)
from storage import audit_acts, overview, pauses, status
from storage.forecasts import previews
from storage.intake import decisions
from storage.orders import unconverted
from storage.pauses import StoredPause
from storage.status import Figures

FEW: Final = 5_000
"""So many customers are looked ahead at within about a second."""
ACTS: Final = 20
SOON: Final = 20


class OverviewAnswers:
    """Answers the questions of `screens.ports.overview`."""

    def __init__(self, local: LocalWorkspace) -> None:
        self._local = local

    def page(self, cancelled: Cancelled) -> OverviewPage:
        """What is quick to say, in one snapshot."""
        local, at = self._local, self._local.now()
        workspace = local.in_force()
        disk = room_of(local.store.path, workspace)
        with local.asking(cancelled) as connection:
            stands_at = at if local.place.simulated else None
            grace = workspace.playbook.grace
            figures = status.figures(
                connection, at, grace, books=False, most=status.MOST, stands_at=stands_at
            )
            is_now = stands_at is None
            seen = tuple(watched(connection, figures, workspace, local.context.folder, at, is_now=is_now))
            clock_fault = why_distrusted(connection, workspace.clock) if is_now else None
            held = pauses.current(connection, at)
            stopped = held.pop(EVERYTHING, None)
            return OverviewPage(
                at=at,
                engine=_engine(connection, figures, at, stopped),
                today=tuple(_today(connection, workspace.playbook, at, held_up(local, connection))),
                paused={name: pause_view(row) for name, row in sorted(held.items())},
                health=health_of(figures, workspace, at, disk, clock_fault, seen),
                soon=tuple(_soon(connection, workspace.playbook, held, at)),
                acts=tuple(audit_acts.last_acts(connection, ACTS)),
                written=_written(connection),
            )

    def pulse(self, cancelled: Cancelled) -> Pulse:
        """Whether the engine still ticks."""
        local = self._local
        with local.asking(cancelled) as connection:
            return Pulse(local.now(), *status.last_passes(connection))

    def confirm_clock(self, reason: str) -> str:
        """Say that this machine's clock is right; ManometerError where the console is for reading only."""
        with self._local.acting() as connection:
            confirm(connection, SOURCES.reading(), self._local.place.author, reason or None)
        self._local.note_command("clock", "confirm", reason=reason)
        return "The clock is trusted. What is due is decided and sent from now on."

    def gauge(self, rule: str | None, cancelled: Cancelled) -> BaseGauge | None:
        """The base against that rule's limit, or against the tightest; calendar windows are those of the
        workspace's zone.
        """
        at, playbook = self._local.now(), self._local.in_force().playbook
        rules = for_everybody(playbook)
        return (
            self._gauge(
                rules, next((each for each in rules if each.name == rule), rules[0]), playbook, at, cancelled
            )
            if rules
            else None
        )

    def _gauge(
        self,
        rules: Sequence[PressureRule],
        rule: PressureRule,
        playbook: Playbook,
        at: Instant,
        cancelled: Cancelled,
    ) -> BaseGauge | None:
        if rule.window is None or rule.limit is None:
            return None
        counted = _counted_by(rule, rule.window, playbook, at)
        with self._local.asking(cancelled) as connection:
            contacts = overview.contacts_of_base(connection, *counted, cancelled)
            people = overview.customers_in_all(connection)
        if cancelled():
            raise CancelledError
        return BaseGauge(
            at, rule.name, rule.limit, rule.window.text, people, contacts, tuple(each.name for each in rules)
        )

    def customers_with(self, rule: str, contacts: range, cancelled: Cancelled) -> array[int]:
        """Who is behind one bar of the gauge; nobody where the rule is not in force any more."""
        at, playbook = self._local.now(), self._local.in_force().playbook
        found = next((each for each in for_everybody(playbook) if each.name == rule), None)
        if found is None or found.window is None:
            return array("q")
        counted = _counted_by(found, found.window, playbook, at)
        with self._local.asking_of_people(cancelled) as connection:
            ids = overview.customers_with(connection, *counted, contacts, cancelled)
        if cancelled():
            raise CancelledError
        return ids

    def messages(self, channel: str, figure: TodayFigure, cancelled: Cancelled) -> array[int]:
        """What is behind one number of today."""
        playbook, at = self._local.in_force().playbook, self._local.now()
        with self._local.asking(cancelled) as connection:
            is_held_up = held_up(self._local, connection)
            return overview.message_ids(connection, channel, figure, _day(at, playbook), is_held_up)

    def ahead(self, cancelled: Cancelled) -> DayAhead:
        """The preview of a day, where few are due in it."""
        local, at = self._local, self._local.now()
        playbook = local.in_force().playbook
        with local.asking(cancelled) as connection:
            people = status.due(connection, at + DAY, playbook.version, status.MOST)
        if people > FEW or not playbook.version:
            return DayAhead(at, people, None, {})
        question = Question(local.context.folder, local.context.database, at, at, at + DAY, with_details=True)
        sends: dict[str, list[Instant]] = defaultdict(list)
        firsts: dict[str, tuple[Instant, int]] = {}
        tomorrow = _tomorrow(at, playbook)
        with closing(preview(question, local.store, playbook, 1)) as parts:
            for part, _, _ in parts:
                if cancelled():
                    raise CancelledError
                for when, trigger, channel in (
                    (row[0], row[4], row[6])
                    for row in part.details
                    if row[7] == "send" and not row[previews.DECIDED_ALREADY]
                ):
                    if when < tomorrow:
                        sends[channel].append(when)
                    first, number = firsts.get(trigger, (when, 0))
                    firsts[trigger] = (min(first, when), number + 1)
        return DayAhead(
            at, people, {channel: tuple(sorted(instants)) for channel, instants in sends.items()}, firsts
        )

    def undecided(self, cancelled: Cancelled) -> Undecided:
        """Who is who, and amounts without a rate."""
        with self._local.asking(cancelled) as connection:
            return Undecided(decisions.conflict_count(connection), unconverted(connection))

    def books(self, cancelled: Cancelled) -> Books:
        """Whether the books balance, by the law that `manometer status` states."""
        at = self._local.now()
        with self._local.asking(cancelled) as connection:
            found, written = status.conservation(connection), _written(connection)
        totals = {part: found[part]["total"] for part in ("events", "decisions", "messages")}
        return Books(at, found["holds"], **totals, written=written)


def _written(connection: Connection) -> Written:
    return Written(*overview.written(connection))


def _engine(connection: Connection, figures: Figures, at: Instant, stopped: StoredPause | None) -> Engine:
    leader = figures.leader(at)
    return Engine(
        version=figures.version,
        leader=None if leader is None else leader.owner,
        leader_since=None if leader is None else leader.since,
        last_tick=figures.last_tick,
        last_dispatch=figures.last_dispatch,
        due=figures.due,
        to_plan_anew=status.to_plan_anew(connection, figures.version, status.MOST),
        events_waiting=overview.events_waiting(connection),
        stopped=None if stopped is None else pause_view(stopped),
    )


def _tomorrow(at: Instant, playbook: Playbook) -> Instant:
    today = local_date(at, playbook.zone)
    return day_start(today.fromordinal(today.toordinal() + 1), playbook.zone)


def _day(at: Instant, playbook: Playbook) -> Span:
    """Today, in the workspace's zone."""
    return Span(day_start(local_date(at, playbook.zone), playbook.zone), _tomorrow(at, playbook) - 1)


def _counted_by(
    rule: PressureRule, window: Window, playbook: Playbook, at: Instant
) -> tuple[Span, Collection[str] | None, Collection[str]]:
    """What a rule for everybody counts now: its span, its channels, and the triggers whose messages over
    several channels are one contact.
    """
    several = {
        trigger.name
        for trigger in playbook.triggers
        if any(step.mode == "all" for step in trigger.contents())
    }
    channels = None if _takes_all(rule, playbook) else rule.channels
    return window.span(at, playbook.zone), channels, several


def _today(
    connection: Connection, playbook: Playbook, at: Instant, is_held_up: ColumnElement[bool]
) -> Iterator[ChannelToday]:
    """The channels of the playbook in its order, then others that still have messages today."""
    day = _day(at, playbook)
    sent, today = overview.sent(connection, day), overview.waiting(connection, day.last, is_held_up)
    always = overview.waiting(connection, None, is_held_up)
    capacities = daily_capacities(playbook)
    for name in dict.fromkeys((*playbook.channels, *sorted({*sent, *always}))):
        now, ever = today.get(name, Counter()), always.get(name, Counter())
        yield ChannelToday(
            name, sent[name], now[Fate.DUE] + now[Fate.ON_ITS_WAY], ever[Fate.HELD], capacities.get(name),
            ever[Fate.WAITS_FOR_APPROVAL],
        )  # fmt: skip


def _soon(
    connection: Connection, playbook: Playbook, held: Mapping[str, StoredPause], at: Instant
) -> Iterator[NextSteps]:
    names = [
        trigger.name
        for trigger in playbook.triggers
        if trigger.status == "active" and trigger.name not in held
    ]
    for _, each in zip(range(SOON), overview.soon(connection, names, at + DAY)):
        yield NextSteps(each.trigger, each.at, each.step, each.until_then)


# ---- which rule the gauge shows ----


def for_everybody(playbook: Playbook) -> list[PressureRule]:
    """The rules that limit the contacts of everybody, the tightest first.

    One over all channels comes before one over some, one whose window goes with now before one that begins
    anew with each period, and then that which allows the fewest a day.
    """
    general = [
        rule
        for rule in playbook.rules
        if rule.limit and rule.unit == "contacts" and rule.window is not None
        and rule.audience is None and rule.purposes is None and rule.triggers is None and rule.tags is None
    ]  # fmt: skip
    return sorted(
        general,
        key=lambda rule: (not _takes_all(rule, playbook), not _goes_with_now(rule), _rate(rule, playbook)),
    )


def _goes_with_now(rule: PressureRule) -> bool:
    return isinstance(rule.window, RollingWindow | WholeDaysWindow)


def _takes_all(rule: PressureRule, playbook: Playbook) -> bool:
    return rule.channels is None or rule.channels >= playbook.channels.keys()


def _rate(rule: PressureRule, playbook: Playbook) -> float:
    """Contacts a day that the rule allows, by the length of its window at the beginning of the epoch."""
    span = rule.window.span(0, playbook.zone) if rule.window is not None else Span(0, 0)
    return (rule.limit or 0) / max(1, span.last - span.first + 1)
