"""How far a customer is from what would make her enter a trigger, in words: what is short, since when, and
when it comes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from core.engine.state import CustomerState
from core.explain.words import counted, when
from core.instants import DAY, Instant, format_duration
from core.kinds.behavioural import LEAST_INTERVALS, rhythm
from core.kinds.recurring import date_of
from core.kinds.threshold import MONEY, last_activity, metric
from core.language import ConditionClause
from core.language.shortfalls import money
from core.model.dossier import BEGINNING
from core.model.events import Event
from core.model.predicate import Predicate
from core.model.triggers import Trigger

Explain = Callable[[Predicate, Event | None], Sequence[ConditionClause]]
"""The clauses of a condition, asked of the customer beside an event."""
ORDINALS: Final[Mapping[int, str]] = {1: "1st", 2: "2nd", 3: "3rd"}


class Nearness(NamedTuple):
    """Whether her cause is there, the words for it, and when it comes by itself (None: it needs an act, or
    never comes).
    """

    holds: bool
    detail: str
    comes: Instant | None = None
    short: str = ""
    """The same in a few words, where the detail is long."""

    @property
    def brief(self) -> str:
        """A few words."""
        return self.short or self.detail


def nearness(trigger: Trigger, state: CustomerState, events: Sequence[Event], explain: Explain) -> Nearness:
    """How far she is; `events` are her latest of the names the trigger enters on, oldest first."""
    asked = trigger.when
    if asked.kind == "threshold":
        return _crossing(trigger, state) if asked.inactive_for is None else _silence(trigger, state)
    if asked.change is not None:
        return _overdue(trigger, state) if asked.change >= 1 else _early(trigger, state, events, explain)
    if state.playbook.index.kinds[asked.kind].is_clocked(asked):
        return _date(trigger, state)
    return _events(trigger, state, events, explain)


def _when(at: Instant, state: CustomerState) -> str:
    return when(at, state.playbook.zone)


def has_entered(trigger: Trigger, state: CustomerState) -> bool:
    """Whether she has ever entered; being kept out as a holdout is no entry."""
    last = state.entries.get(trigger.name)
    return last is not None and last.at > BEGINNING


def _last_entry(trigger: Trigger, state: CustomerState) -> str:
    return (
        f"; last time {_when(state.entries[trigger.name].at, state)}" if has_entered(trigger, state) else ""
    )


# ---- events ----


def _events(trigger: Trigger, state: CustomerState, events: Sequence[Event], explain: Explain) -> Nearness:
    names = " or ".join(sorted(trigger.when.events))
    if not events:
        return Nearness(False, f"no {names} is known")
    where = trigger.when.where
    matching = [event for event in events if where is None or where.holds(state.facts(event))]
    found = _of_event(trigger, state, matching[-1]) if matching else None
    if where is not None and (found is None or not (found.holds or matching[-1] is events[-1])):
        return _misfit(where, events[-1], state, explain)
    if trigger.when.at_least > 1:
        short = _too_few(trigger, state, matching)
        if short is not None:
            return short
    return found or Nearness(False, f"no {names} is known")


def _misfit(where: Predicate, last: Event, state: CustomerState, explain: Explain) -> Nearness:
    """Why an event does not make her enter."""
    failing = [clause for clause in explain(where, last) if not clause.holds]
    said = "; ".join(clause.detail for clause in failing)
    return Nearness(
        False,
        f"{last.name} {_when(last.occurred_at, state)} does not fulfil `where`: {said}",
        short=failing[0].brief,
    )


def _of_event(trigger: Trigger, state: CustomerState, last: Event) -> Nearness:
    """Whether the last event that fits could make her enter."""
    said = f"{last.name} {_when(last.occurred_at, state)}"
    if trigger.activated_at is not None and last.occurred_at < trigger.activated_at:
        return Nearness(
            False,
            f"{said} was before the trigger was in force",
            short="the last cause was before it was in force",
        )
    if last.history:
        return Nearness(False, f"{said} came with a history import, which enrols nobody")
    if last.arrived_at - last.occurred_at > trigger.max_age:
        return Nearness(False, f"{said} was older than {format_duration(trigger.max_age)} when it arrived")
    return Nearness(True, said)


def _too_few(trigger: Trigger, state: CustomerState, matching: Sequence[Event]) -> Nearness | None:
    """How many of the events asked for there are in the window that ends now, of one value of `per`; None
    where there are enough.
    """
    asked = trigger.when
    since = BEGINNING if asked.within is None else state.now - asked.within
    recent = [event for event in matching if event.occurred_at > since]
    best = max((_alike(event, recent, asked.per) for event in recent), key=len, default=[])
    if len(best) >= asked.at_least:
        return None
    window = "" if asked.within is None else f" within {format_duration(asked.within)}"
    number = f"{len(best)} of {asked.at_least} {' or '.join(sorted(asked.events))}{window}, {asked.at_least - len(best)} short"
    return Nearness(False, f"{number}; the last {_when(matching[-1].occurred_at, state)}", short=number)


def _alike(event: Event, recent: Sequence[Event], per: str | None) -> list[Event]:
    value = event.properties.get(per) if per else None
    return [each for each in recent if value is None or per is None or each.properties.get(per) == value]


# ---- rhythm ----


def _mean(trigger: Trigger, times: Sequence[Instant]) -> tuple[int, str] | None:
    """The mean interval and its words; None where too few are known."""
    known = len(times) - 1
    if known < max(LEAST_INTERVALS, trigger.when.at_least):
        return None
    mean = (times[-1] - times[0]) // known
    return mean, f"every {_days(mean)} on average"


def _unknown_rhythm(trigger: Trigger, times: Sequence[Instant]) -> Nearness:
    needed, names = max(LEAST_INTERVALS, trigger.when.at_least) + 1, " or ".join(sorted(trigger.when.events))
    return Nearness(
        False, f"{len(times)} of {needed} {names} that a rhythm needs, {needed - len(times)} short"
    )


def _overdue(trigger: Trigger, state: CustomerState) -> Nearness:
    times = rhythm(trigger, state)
    found = _mean(trigger, times)
    if found is None:
        return _unknown_rhythm(trigger, times)
    at = times[-1] + int((times[-1] - times[0]) / (len(times) - 1) * (trigger.when.change or 1.0))
    return _comes(trigger, state, at, f"{found[1]}, the last {_when(times[-1], state)}; overdue")


def _early(trigger: Trigger, state: CustomerState, events: Sequence[Event], explain: Explain) -> Nearness:
    times = rhythm(trigger, state)
    found = _mean(trigger, times[:-1])
    if found is None:
        return _unknown_rhythm(trigger, times)
    newest, limit = times[-1] - times[-2], int(found[0] * (trigger.when.change or 1.0))
    said = f"{found[1]}, the newest interval {_days(newest)}; early is at most {_days(limit)}"
    is_there = _events(trigger, state, events, explain)
    return is_there if newest <= limit else Nearness(False, said)


def _days(length: int) -> str:
    return f"{length / DAY:.1f} days".replace(".0 ", " ")


# ---- instants ----


def _comes(trigger: Trigger, state: CustomerState, at: Instant, said: str) -> Nearness:
    """A cause that time brings: to come, or over, by which she entered or not."""
    since = trigger.activated_at
    if at > state.now:
        detail = f"{said} from {_when(at, state)} on if nothing comes{_last_entry(trigger, state)}"
        return Nearness(has_entered(trigger, state), detail, at, f"comes {_when(at, state)}")
    if since is not None and at < since and trigger.when.on_activation != "enrol":
        return Nearness(
            has_entered(trigger, state), f"{said} since {_when(at, state)}, before the trigger was in force"
        )
    return Nearness(
        has_entered(trigger, state), f"{said} since {_when(at, state)}{_last_entry(trigger, state)}"
    )


def _silence(trigger: Trigger, state: CustomerState) -> Nearness:
    last = last_activity(trigger.when, state)
    length = format_duration(trigger.when.inactive_for or 0)
    if last is None:
        names = " or ".join(sorted(trigger.when.activity)) or "activity"
        return Nearness(False, f"no {names} is known, so no silence of {length} can end")
    ago = counted((state.now - last) // DAY, "day")
    said = f"last active {ago} ago ({_act(last, state)}); silent for {length}"
    return _comes(trigger, state, last + (trigger.when.inactive_for or 0), said)


def _act(at: Instant, state: CustomerState) -> str:
    """What she did then, over which channel, and when."""
    profile = state.profile
    name = next((name for name, instant in profile.activity.items() if instant == at), "")
    channel = next((channel for channel, instant in profile.channels.items() if instant == at), "")
    return " ".join(part for part in (name, f"over {channel}" if channel else "", _when(at, state)) if part)


def _date(trigger: Trigger, state: CustomerState) -> Nearness:
    cause = state.playbook.index.kinds[trigger.when.kind].upcoming(trigger, state, state.now)
    if cause is not None:
        return Nearness(
            has_entered(trigger, state),
            f"comes up {_when(cause.at, state)}{_last_entry(trigger, state)}",
            cause.at,
        )
    if trigger.when.date is not None and date_of(trigger.when, state) is None:
        return Nearness(False, f"{trigger.when.date} is missing or no date")
    years = " and ".join(ORDINALS.get(number, f"{number}th") for number in sorted(trigger.when.years))
    said = (
        f"the {years} anniversary of {trigger.when.date} is not to come any more"
        if years
        else "nothing is coming up"
    )
    return Nearness(has_entered(trigger, state), f"{said}{_last_entry(trigger, state)}")


def _crossing(trigger: Trigger, state: CustomerState) -> Nearness:
    asked = trigger.when
    value, reaches = metric(asked, state, state.now), asked.reaches or 0
    window = "" if asked.within is None else f" within {format_duration(asked.within)}"
    name = asked.metric or " ".join(
        part for part in (asked.metric_property, "of", asked.metric_event) if part
    )
    said, mark = _amount(value, trigger, state), _amount(reaches, trigger, state)
    if value < reaches:
        missing = _amount(reaches - value, trigger, state)
        return Nearness(
            False,
            f"{name}{window} is {said}, {missing} short of {mark}{_last_order(state)}",
            short=f"{name}: {missing} short",
        )
    if has_entered(trigger, state):
        return Nearness(True, f"{name}{window} is {said}, the mark is {mark}")
    past = f"{name}{window} is {said}, past the mark of {mark} already, and only the event that crosses it enters"
    return Nearness(False, past, short=f"{name} was past the mark before")


def _amount(value: Any, trigger: Trigger, state: CustomerState) -> str:
    return money(value, state.playbook.currency) if trigger.when.metric in MONEY else f"{value:g}"


def _last_order(state: CustomerState) -> str:
    last = state.profile.last_order
    return "" if last is None else f"; the last order {_when(last, state)}"
