"""A future imagined from the past: what a customer did happens again on the same weekdays, at the same local
times.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from core.instants import Instant, from_local, local
from core.model.events import Event
from core.placeholders import per_value
from core.playbook.playbook import Playbook

_ROUNDS: Final = 1_024
"""Above the number of times that a week fits into the longest preview."""
_IDENTIFYING: Final = frozenset({"order_id", "return_id"})


def identifying(playbook: Playbook) -> frozenset[str]:
    """The properties that say which basket or order an event is about, so that what is imagined must carry
    others than what was.
    """
    return _IDENTIFYING | {trigger.when.per for trigger in playbook.triggers if trigger.when.per is not None}


def replay_acts(
    acts: Iterable[Event],
    zone: ZoneInfo,
    first: Instant,
    last: Instant,
    weeks: int,
    identifying: frozenset[str],
) -> tuple[Event, ...]:
    """The acts of the `weeks` before `first` again in (first, last], as many whole weeks later by the
    customer's local clock, over and over.

    Each is known when it occurs. Ids are negative and unique, the identifying properties get a suffix that
    says how much later. Reports about messages, words of consent and changes of the profile do not happen
    again.
    """
    return tuple(
        again
        for act in acts
        if act.is_activity and act.occurred_at <= first
        for again in _again(act, zone, first, last, weeks, identifying)
    )


def _again(
    act: Event, zone: ZoneInfo, first: Instant, last: Instant, weeks: int, identifying: frozenset[str]
) -> Iterator[Event]:
    shown = local(act.occurred_at, zone).replace(tzinfo=None)
    for turn in range(1, _ROUNDS):
        at = from_local(shown + timedelta(weeks=turn * weeks), zone)
        if at > last or (turn == 1 and at <= first):
            return
        suffix = f"+{turn * weeks}w"
        yield act._replace(
            id=-(act.id * _ROUNDS + turn),
            occurred_at=at,
            arrived_at=at,
            properties=_renamed(act.properties, suffix, identifying),
            history=False,
            order=None if act.order is None else f"{act.order}{suffix}",
        )


def _renamed(properties: Mapping[str, Any], suffix: str, identifying: frozenset[str]) -> Mapping[str, Any]:
    known = ((name, per_value(properties.get(name))) for name in identifying)
    named = {name: f"{value}{suffix}" for name, value in known if value is not None}
    return {**properties, **named} if named else properties
