"""A playbook looked up the other way round: which triggers an event can concern, and how much history they
need.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from core.instants import DAY, Instant, Millis
from core.kinds import ANY_EVENT, UNBOUNDED, Kind, kinds
from core.limits.pressure import PressureRule
from core.limits.windows import CalendarWindow, ExtendedWindow, RollingWindow, WholeDaysWindow, Window
from core.model.events import ORDER_COMPLETED
from core.model.predicate import Predicate
from core.model.triggers import EVERYTHING, Pause, Trigger

if TYPE_CHECKING:
    from core.playbook.playbook import Playbook
    from core.playbook.versions import Former

REACTIONS: Final[Mapping[str, frozenset[str]]] = {
    "opened": frozenset({"Email Opened", "Message Opened"}),
    "clicked": frozenset({"Email Link Clicked", "Message Clicked"}),
    "delivered": frozenset({"Email Delivered", "Message Delivered"}),
    "bounced": frozenset({"Email Bounced", "Message Bounced"}),
}
ORDER_DATES: Final = frozenset({"first_order", "last_order"})
REACTION_LOOKBACK: Final[Millis] = 90 * DAY
LONGEST_PERIOD: Final[Mapping[str, int]] = {"day": 2, "week": 8, "month": 32, "quarter": 93, "year": 367}


class PlaybookIndex:
    """Indexes of one playbook, made once; nothing here says more than the playbook does."""

    __slots__ = (
        "by_name", "channel_pauses", "clocked", "contact_lookback", "ending", "ending_any", "entering",
        "former", "goals", "heaviest",
        "kinds", "moving", "needs", "needs_of_two", "pauses", "reads_cause", "rules_with_audience",
        "segment_pauses", "stops", "strengths",
        "traits_matter", "version",
    )  # fmt: skip

    def __init__(self, playbook: Playbook) -> None:
        active = [trigger for trigger in playbook.triggers if trigger.status == "active"]
        self.former, self.version = playbook.former, playbook.version
        kept = _distinct(playbook.former.values())
        followed = [*active, *(trigger for trigger in kept if trigger.status == "active")]
        self.kinds: Mapping[str, Kind] = kinds()
        self.by_name: Mapping[str, Trigger] = {trigger.name: trigger for trigger in playbook.triggers}
        self.clocked = tuple(
            (t, self.kinds[t.when.kind]) for t in active if self.kinds[t.when.kind].is_clocked(t.when)
        )
        self.entering: dict[str, list[tuple[Trigger, Kind]]] = {}
        self.ending: dict[str, frozenset[str]] = {}
        for trigger in active:
            kind = self.kinds[trigger.when.kind]
            for name in sorted(kind.enters_on(trigger.when)):
                self.entering.setdefault(name, []).append((trigger, kind))
        self.goals: dict[str, list[Trigger]] = {}
        for trigger in (*playbook.triggers, *kept):
            self._note_endings(trigger)
        for trigger in (*playbook.triggers, *(each for each in kept if each.name not in self.by_name)):
            for name in trigger.goal.events if trigger.goal is not None else ():
                self.goals.setdefault(name, []).append(trigger)
        self.ending_any = self.ending.pop(ANY_EVENT, frozenset())
        self.needs = _needs(playbook, followed, self.kinds)
        self.needs_of_two = _needs_of_two(self.needs, followed)
        self.pauses: dict[str, list[Pause]] = {}
        for pause in playbook.pauses:
            self.pauses.setdefault(pause.target.key, []).append(pause)
        self.stops = tuple(self.pauses.get(EVERYTHING, ()))
        self.segment_pauses = tuple(pause for pause in playbook.pauses if pause.scope == "segment")
        self.channel_pauses = dict(_channel_pauses(playbook, kept))
        self.rules_with_audience = any(rule.audience is not None for rule in playbook.rules)
        # what all ranks of a step share, by the identities of trigger and step; filled by the contest
        self.strengths: dict[tuple[int, int], tuple[int, int]] = {}
        # the most that a step can weigh, by its identity and the channels asked about; filled by the contest
        self.heaviest: dict[tuple[int, frozenset[str] | None], int] = {}
        self.contact_lookback = max((lookback(rule) for rule in playbook.rules), default=0)
        self.reads_cause = any(
            step.only_if is not None and step.only_if.condition.needs.reads_event
            for trigger in followed
            for step in trigger.contents()
        )
        self.traits_matter = any(kind.name == "recurring" for _, kind in self.clocked)
        self.moving = (
            frozenset({ORDER_COMPLETED})
            if any(t.when.date in ORDER_DATES for t, _ in self.clocked)
            else frozenset()
        )

    def _note_endings(self, trigger: Trigger) -> None:
        own = self.kinds[trigger.when.kind].ends_on(trigger.when)
        for name in trigger.exits | trigger.when.unless | own | _awaited(trigger) | _goal_events(trigger):
            self.ending[name] = self.ending.get(name, frozenset()) | {trigger.name}

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


def _channel_pauses(playbook: Playbook, kept: Iterable[Trigger]) -> Iterable[tuple[str, tuple[Pause, ...]]]:
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


def _needs(playbook: Playbook, active: Iterable[Trigger], kinds: Mapping[str, Kind]) -> Mapping[str, Millis]:
    """Event names and how far back decisions under this playbook look at them."""
    needs: dict[str, Millis] = {}

    def note(name: str, lookback: Millis) -> None:
        needs[name] = max(lookback, needs.get(name, 0))

    for trigger in active:
        for name, lookback in kinds[trigger.when.kind].needs(trigger.when).items():
            note(name, lookback + trigger.max_age if lookback < UNBOUNDED else lookback)
        for name in trigger.when.unless:
            note(name, trigger.max_age)
        ending = (
            trigger.exits
            | kinds[trigger.when.kind].ends_on(trigger.when)
            | _awaited(trigger)
            | _goal_events(trigger)
        )
        for name in ending - {ANY_EVENT}:
            note(name, max(trigger.max_age, _journey(trigger)))
        if any(step.only_if is not None for step in trigger.contents()):
            for name in frozenset().union(*REACTIONS.values()):
                note(name, REACTION_LOOKBACK)
    if playbook.preference.learn and any(step.prefer for trigger in active for step in trigger.steps):
        for name in REACTIONS["clicked"]:
            note(name, playbook.preference.within)
    for predicate in _predicates(playbook, active):
        for name, last in predicate.condition.needs.counts:
            note(name, UNBOUNDED if last is None else last + DAY)
    return needs


def _needs_of_two(needs: Mapping[str, Millis], active: Iterable[Trigger]) -> Mapping[str, Millis]:
    """The same for customers who turned out to be one: what `unless` names may have happened at any time
    since a cause.
    """
    deeper = dict(needs)
    for trigger in active:
        for name in trigger.when.unless:
            deeper[name] = max(deeper[name], trigger.max_age + _journey(trigger))
    return deeper


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


def _predicates(playbook: Playbook, active: Iterable[Trigger]) -> Iterable[Predicate]:
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
