"""What is known of one customer's past, found by name and time."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Collection, Iterable
from operator import attrgetter

from core.instants import Instant
from core.model.events import Event

_occurred = attrgetter("occurred_at")
_order = attrgetter("occurred_at", "name", "source", "tie", "id")


class EventLog:
    """Events by name, each list in order of occurrence; adding one that is not late costs nothing."""

    __slots__ = ("_by_name",)

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self._by_name: dict[str, list[Event]] = {}
        for event in events:
            self._by_name.setdefault(event.name, []).append(event)
        for known in self._by_name.values():
            if len(known) > 1:
                known.sort(key=_order)

    def add(self, event: Event) -> None:
        """Take in one more event, wherever in time."""
        known = self._by_name.setdefault(event.name, [])
        if not known or _order(known[-1]) <= _order(event):
            known.append(event)
        else:
            insort(known, event, key=_order)

    def has(self, least: int, names: Collection[str]) -> bool:
        """Whether so many events of these names are known."""
        return sum([len(self._by_name[name]) for name in names if name in self._by_name]) >= least

    def of(
        self, names: Collection[str], after: Instant | None = None, until: Instant | None = None
    ) -> list[Event]:
        """The events of these names in (after, until], by when they occurred."""
        found = [_between(self._by_name[name], after, until) for name in names if name in self._by_name]
        return (
            found[0] if len(found) == 1 else sorted((event for part in found for event in part), key=_order)
        )


def _between(known: list[Event], after: Instant | None, until: Instant | None) -> list[Event]:
    first = 0 if after is None else bisect_right(known, after, key=_occurred)
    last = len(known) if until is None else bisect_right(known, until, key=_occurred)
    return known[first:last]
