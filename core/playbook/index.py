"""A playbook looked up the other way round: which triggers an event can concern, and how much history they
need.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Final, Protocol

from core.instants import DAY, Instant, Millis
from core.limits.pressure import PressureRule
from core.limits.windows import CalendarWindow, ExtendedWindow, RollingWindow, WholeDaysWindow, Window
from core.model.pauses import EVERYTHING, Pause
from core.model.predicate import Predicate
from core.model.triggers import Trigger
from core.model.when import ANY_EVENT, UNBOUNDED
from core.playbook.preference import Preference
from core.playbook.versions import Former

REACTIONS: Final[Mapping[str, frozenset[str]]] = {
    "opened": frozenset({"Email Opened", "Message Opened"}),
    "clicked": frozenset({"Email Link Clicked", "Message Clicked"}),
    "delivered": frozenset({"Email Delivered", "Message Delivered"}),
    "bounced": frozenset({"Email Bounced", "Message Bounced"}),
}
REACTION_LOOKBACK: Final[Millis] = 90 * DAY
LONGEST_PERIOD: Final[Mapping[str, int]] = {"day": 2, "week": 8, "month": 32, "quarter": 93, "year": 367}


class Indexed(Protocol):
    """What of a playbook is looked up the other way round."""

    @property
    def version(self) -> int:
        """The version that is in force."""

    @property
    def triggers(self) -> tuple[Trigger, ...]:
        """The triggers, of whatever status."""

    @property
    def former(self) -> Mapping[tuple[str, int], Former]:
        """Definitions of earlier versions that some are still under way by."""

    @property
    def pauses(self) -> tuple[Pause, ...]:
        """The pauses, also those that are over."""

    @property
    def rules(self) -> tuple[PressureRule, ...]:
        """The limits of contacts."""

    @property
    def segments(self) -> Mapping[str, Predicate]:
        """The segments by name."""

    @property
    def preference(self) -> Preference:
        """Where a customer's preferred channel is known from."""


class PlaybookIndex:
    """Indexes of one playbook, made once; nothing here says more than the playbook does."""

    __slots__ = (
        "by_name", "channel_pauses", "contact_lookback", "ending", "ending_any", "entering",
        "firing_without_event", "former", "goals", "history_needed", "history_needed_of_merged", "moving",
        "pauses", "reads_cause", "rules_with_audience", "segment_pauses", "stops", "traits_matter", "version",
    )  # fmt: skip

    def __init__(self, playbook: Indexed) -> None:
        active = [trigger for trigger in playbook.triggers if trigger.status == "active"]
        kept = _distinct(playbook.former.values())
        followed = [*active, *(trigger for trigger in kept if trigger.status == "active")]
        self.former, self.version = playbook.former, playbook.version
        self.by_name: Mapping[str, Trigger] = {trigger.name: trigger for trigger in playbook.triggers}
        known = (*playbook.triggers, *(each for each in kept if each.name not in self.by_name))
        self.goals = _by_event(known, _goal_events)
        self.entering = _by_event(active, lambda trigger: trigger.when.enters_on())
        self.ending = _names_by_ending_event((*playbook.triggers, *kept))
        self.ending_any = self.ending.pop(ANY_EVENT, frozenset())
        self._index_instants(active)
        self._index_history(playbook, followed)
        self._index_pauses(playbook, kept)

    def _index_instants(self, active: Iterable[Trigger]) -> None:
        self.firing_without_event = tuple(each for each in active if each.when.fires_without_event())
        self.traits_matter = any(each.when.moves_with_traits for each in self.firing_without_event)
        self.moving = frozenset[str]().union(*(each.when.moved_by() for each in self.firing_without_event))

    def _index_history(self, playbook: Indexed, followed: Iterable[Trigger]) -> None:
        self.history_needed = _history_needed(playbook, followed)
        self.history_needed_of_merged = _history_needed_of_merged(self.history_needed, followed)
        self.contact_lookback = max((lookback(rule) for rule in playbook.rules), default=0)
        self.rules_with_audience = any(rule.audience is not None for rule in playbook.rules)
        contents = (step for trigger in followed for step in trigger.contents())
        self.reads_cause = any(
            step.only_if is not None and step.only_if.condition.needs.reads_event for step in contents
        )

    def _index_pauses(self, playbook: Indexed, kept: Iterable[Trigger]) -> None:
        self.pauses: dict[str, list[Pause]] = {}
        for pause in playbook.pauses:
            self.pauses.setdefault(pause.target.key, []).append(pause)
        self.stops = tuple(self.pauses.get(EVERYTHING, ()))
        self.segment_pauses = tuple(pause for pause in playbook.pauses if pause.scope == "segment")
        self.channel_pauses = dict(_channel_pauses(playbook, kept))

    def definition(self, name: str, version: int) -> Trigger | None:
        """By what an enrolment goes on that entered a trigger under a version; None where that is no longer
        in the playbook.
        """
        former = self.former.get((name, version)) if self.former else None
        return self.by_name.get(name) if former is None else former.trigger

    def decides(self, name: str, version: int) -> int:
        """The version whose definition decides on such an enrolment."""
        former = self.former.get((name, version)) if self.former else None
        return self.version if former is None else former.version

    def concerns(self, kind: str, name: str) -> bool:
        """Whether an event of that kind and name can change what is due: it then makes its customer due at
        once.
        """
        if kind == "identify" or kind == "alias":
            return self.traits_matter
        return name in self.entering or name in self.ending or name in self.moving or bool(self.ending_any)

    def concerns_at(self, at: Instant) -> Callable[[str, str], bool]:
        """The same as of an instant: while a segment is paused, any event may take its customer out of it."""
        is_open = any(pause.until is None or pause.until > at for pause in self.segment_pauses)
        return (lambda kind, name: True) if is_open else self.concerns  # noqa: ARG005 - the form is that of `concerns`

    def ended_by(self, name: str, is_activity: bool) -> frozenset[str]:
        """Names of the triggers whose enrolments, or what they wait for, an event of that name may end."""
        named = self.ending.get(name)
        if is_activity and self.ending_any:
            return self.ending_any | named if named else self.ending_any
        return named or frozenset()


def _channel_pauses(playbook: Indexed, kept: Iterable[Trigger]) -> Iterable[tuple[str, tuple[Pause, ...]]]:
    """Trigger -> the pauses of channels that its steps can take, those of definitions that some still go by
    included.
    """
    paused = [pause for pause in playbook.pauses if pause.scope == "channel"]
    used: dict[str, set[str]] = {}
    for trigger in (*playbook.triggers, *kept) if paused else ():
        used.setdefault(trigger.name, set()).update(
            name for step in trigger.contents() for name in step.channels
        )
    for trigger_name, names in used.items():
        yield trigger_name, tuple(pause for pause in paused if pause.name in names)


def _distinct(former: Iterable[Former]) -> list[Trigger]:
    """The definitions, each once."""
    return list({id(each.trigger): each.trigger for each in former if each.trigger is not None}.values())


def _history_needed(playbook: Indexed, followed: Iterable[Trigger]) -> Mapping[str, Millis]:
    """Event names and how far back, in milliseconds, decisions under this playbook look at them."""
    needed: dict[str, Millis] = {}
    for name, back in (
        *_of_triggers(followed),
        *_of_clicks(playbook, followed),
        *_of_counts(playbook, followed),
    ):
        needed[name] = max(back, needed.get(name, 0))
    return needed


def _of_triggers(followed: Iterable[Trigger]) -> Iterable[tuple[str, Millis]]:
    for trigger in followed:
        for name, back in trigger.when.history_needed().items():
            yield name, back + trigger.max_age if back < UNBOUNDED else back
        for name in trigger.when.unless:
            yield name, trigger.max_age
        for name in _ending_events(trigger) - {ANY_EVENT}:
            yield name, max(trigger.max_age, _journey(trigger))
        if any(step.only_if is not None for step in trigger.contents()):
            yield from ((name, REACTION_LOOKBACK) for names in REACTIONS.values() for name in names)


def _of_clicks(playbook: Indexed, followed: Iterable[Trigger]) -> Iterable[tuple[str, Millis]]:
    if playbook.preference.learn and any(step.prefer for trigger in followed for step in trigger.steps):
        yield from ((name, playbook.preference.within) for name in REACTIONS["clicked"])


def _of_counts(playbook: Indexed, followed: Iterable[Trigger]) -> Iterable[tuple[str, Millis]]:
    for predicate in _predicates(playbook, followed):
        for name, last in predicate.condition.needs.counts:
            yield name, UNBOUNDED if last is None else last + DAY


def _history_needed_of_merged(
    needed: Mapping[str, Millis], followed: Iterable[Trigger]
) -> Mapping[str, Millis]:
    """The same for customers who turned out to be one: what `unless` names may have happened at any time
    since a cause.
    """
    deeper = dict(needed)
    for trigger in followed:
        for name in trigger.when.unless:
            deeper[name] = max(deeper[name], trigger.max_age + _journey(trigger))
    return deeper


def _by_event(
    triggers: Iterable[Trigger], events: Callable[[Trigger], Iterable[str]]
) -> dict[str, list[Trigger]]:
    """The triggers by the names of events that concern them."""
    found: dict[str, list[Trigger]] = {}
    for trigger in triggers:
        for name in events(trigger):
            found.setdefault(name, []).append(trigger)
    return found


def _names_by_ending_event(triggers: Iterable[Trigger]) -> dict[str, frozenset[str]]:
    """The names of triggers by the events that may end their journeys, or what those wait for."""
    found: dict[str, frozenset[str]] = {}
    for trigger in triggers:
        for name in _ending_events(trigger) | trigger.when.unless:
            found[name] = found.get(name, frozenset()) | {trigger.name}
    return found


def _ending_events(trigger: Trigger) -> frozenset[str]:
    """The events that may end a journey or what it waits for, `unless` left aside."""
    return trigger.exits | trigger.when.ends_on() | _awaited(trigger) | _goal_events(trigger)


def _journey(trigger: Trigger) -> Millis:
    """How long after its cause the last message of a journey can be handed over: so long an exit cancels
    it.
    """
    waits = sum(step.wait.timeout for step in trigger.steps if step.wait is not None)
    return (
        trigger.when.after
        + sum(step.after for step in trigger.steps)
        + waits
        + max(step.expires for step in trigger.contents())
    )


def _awaited(trigger: Trigger) -> frozenset[str]:
    return frozenset[str]().union(*(step.wait.events for step in trigger.steps if step.wait is not None))


def _goal_events(trigger: Trigger) -> frozenset[str]:
    return trigger.goal.events if trigger.goal is not None else frozenset()


def _predicates(playbook: Indexed, active: Iterable[Trigger]) -> Iterable[Predicate]:
    for trigger in active:
        yield from (p for p in (trigger.audience, trigger.when.where) if p is not None)
        yield from (step.only_if for step in trigger.contents() if step.only_if is not None)
        yield from (
            step.wait.where for step in trigger.steps if step.wait is not None and step.wait.where is not None
        )
        if trigger.goal is not None and trigger.goal.where is not None:
            yield trigger.goal.where
    yield from playbook.segments.values()
    yield from (rule.audience for rule in playbook.rules if isinstance(rule.audience, Predicate))


def lookback(rule: PressureRule) -> Millis:
    """How far before a contact another one can lie that its rule still counts."""
    return max(rule.gap or 0, _window_reach(rule.window) if rule.window is not None else 0)


@lru_cache(maxsize=1_024)
def _window_reach(window: Window) -> Millis:
    if isinstance(window, ExtendedWindow):
        return _window_reach(window.base) + LONGEST_PERIOD[window.period.unit] * DAY
    if isinstance(window, RollingWindow):
        return window.length
    if isinstance(window, WholeDaysWindow):
        return (window.days + 1) * DAY
    return LONGEST_PERIOD[window.unit] * DAY if isinstance(window, CalendarWindow) else UNBOUNDED
