"""The `[when]` table: which kind it is of is found here, and the kind reads the rest of it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from console.workspace.conditions import Conditions
from console.workspace.event_names import event_names, usual_spelling
from console.workspace.faults import did_you_mean
from console.workspace.toml_reader import TomlTable, shown
from core.instants import Millis
from core.kinds import kinds
from core.language import ConditionContext
from core.model.predicate import Predicate
from core.model.when import When

_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")


class WhenTable(TomlTable):
    """A `[when]` table as kinds read it: with conditions, names of events and times of day."""

    def __init__(self, table: TomlTable, conditions: Conditions) -> None:
        super().__init__(table.document, table.values, table.path, table.name)
        self.known = table.known
        self._conditions = conditions

    def condition(self, key: str) -> Predicate | None:
        """A condition on the customer and the event at hand."""
        return self._conditions.read(self, key, ConditionContext.WHERE)

    def event_name(self) -> frozenset[str]:
        """The one event that `event` must name."""
        if self.required("event", 'Name the event: event = "Order Completed".') is None:
            return frozenset()
        return self.event_names("event")

    def event_names(self, key: str) -> frozenset[str]:
        """The names of events, one or a list, in today's spelling."""
        return event_names(self, key)

    def usual_spelling(self, key: str, event: str) -> str:
        """The name of an event in today's spelling; one that is nearly a usual name is a warning."""
        return usual_spelling(self, key, event)

    def length(self, key: str) -> Millis | None:
        """Elapsed time in milliseconds; 0 is a fault and is given all the same."""
        length = self.duration(key)
        if length == 0:
            self.fault(key, f"{self.quoted(key)} is 0", 'Write a duration, such as "30d".')
        return length

    def time_of_day(self, key: str) -> tuple[int, int] | None:
        """Hour and minute of the customer's local clock."""
        return self.parsed(key, time_of_day)

    def expects(self, key: str) -> None:
        """Says that the key is known where its value is not asked for."""
        self.known.add(key)

    def fault_of_table(self, message: str, remedy: str) -> None:
        """Notes a fault of the table as a whole."""
        self.document.fault(self.path, message, remedy)

    def refuse(self, key: str, remedy: str) -> None:
        """Notes that a value of the right form cannot be used."""
        self.fault(key, f"{self.quoted(key)} is {shown(self.values[key])}", remedy)

    def no_such(self, key: str, noun: str, known: Collection[str], remedy: str) -> None:
        """Notes that the text names nothing that is known; the nearest known name is the remedy, where one
        is alike.
        """
        name = self.values[key]
        self.fault(key, f"there is no {noun} {shown(name)}", did_you_mean(name, known, remedy))


def read_when(table: TomlTable, conditions: Conditions, elsewhere: Mapping[str, str]) -> When | None:
    """The `[when]` table, or None where its kind is not known; `elsewhere` says of keys of other tables where
    they belong.
    """
    name = table.required("kind", f"Write one of: {', '.join(kinds())}.")
    if name is None:
        table.check_slips()
        return None
    if name not in kinds():
        table.fault("kind", f"there is no kind {shown(name)}", did_you_mean(name, kinds()))
        return None
    when = kinds()[name].read(WhenTable(table, conditions))
    table.done({**elsewhere, **_of_other_kinds(name)})
    return when


def keys_of_kinds() -> frozenset[str]:
    """The keys that any kind reads in `[when]`."""
    return frozenset(key for kind in kinds().values() for key in kind.keys)


def _of_other_kinds(name: str) -> dict[str, str]:
    """What to say of each key that only other kinds read."""
    owners: dict[str, list[str]] = {}
    for other, kind in kinds().items():
        for key in kind.keys:
            owners.setdefault(key, []).append(other)
    return {key: _belongs_to(known, name) for key, known in owners.items() if name not in known}


def _belongs_to(owners: list[str], name: str) -> str:
    named = " or ".join(f'"{owner}"' for owner in owners[:2])
    return f"It belongs to kind = {named}; this one is {name}."


def time_of_day(text: str) -> tuple[int, int]:
    found = _CLOCK.fullmatch(text)
    if found is None:
        raise ValueError(f'{shown(text)} is not a time of day. Write hours and minutes, such as "09:00".')
    return int(found[1]), int(found[2])
