"""What a kind brings beside the answers of `When`: the keys of its `[when]` table, and their reader."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, Protocol, Self

from core.instants import Millis
from core.model.predicate import Predicate
from core.model.when import When


class WhenReader(Protocol):
    """A `[when]` table that is read by asking for keys.

    Each reading method gives None, or its default, where the key is missing, and after it has noted a fault
    with the key's line. Keys that nobody asks for are reported as unknown.
    """

    def __contains__(self, key: str) -> bool:
        """Whether the table has the key."""

    def raw(self, key: str) -> Any:
        """The value as TOML has it."""

    def text(self, key: str, default: str | None = None) -> str | None:
        """A text that is not empty."""

    def required(self, key: str, remedy: str) -> str | None:
        """A text that must be there; the remedy says what to write."""

    def switch(self, key: str, default: bool) -> bool:
        """true or false."""

    def choice(self, key: str, choices: Collection[str], default: str) -> str:
        """One of a few words."""

    def whole(self, key: str, default: int, least: int, most: int) -> int:
        """A whole number within its range."""

    def number(self, key: str) -> Decimal | None:
        """A finite number, exactly as written."""

    def duration(self, key: str, *, signed: bool = False) -> Millis | None:
        """Elapsed time in milliseconds."""

    def length(self, key: str) -> Millis | None:
        """Elapsed time in milliseconds, which should be above 0."""

    def time_of_day(self, key: str) -> tuple[int, int] | None:
        """Hour and minute of the customer's local clock."""

    def event_name(self) -> frozenset[str]:
        """The one event that `event` must name."""

    def event_names(self, key: str) -> frozenset[str]:
        """The names of events, one or a list."""

    def usual_spelling(self, key: str, event: str) -> str:
        """The name of an event in today's spelling; one that is nearly a usual name is a warning."""

    def condition(self, key: str) -> Predicate | None:
        """A condition on the customer and the event at hand."""

    def expects(self, key: str) -> None:
        """Says that the key is known where its value is not asked for."""

    def quoted(self, key: str) -> str:
        """The key as messages name it."""

    def fault(self, key: str, message: str, remedy: str = "") -> None:
        """Notes a fault at a key."""

    def warn(self, key: str, message: str, remedy: str = "") -> None:
        """Notes a warning at a key: the table can be used, but somebody should look."""

    def fault_of_table(self, message: str, remedy: str) -> None:
        """Notes a fault of the table as a whole."""

    def missing(self, key: str, remedy: str) -> None:
        """Notes that a required key is not there."""

    def wrong(self, key: str, wanted: str) -> None:
        """Notes that a value is not of the form that is wanted."""

    def refuse(self, key: str, remedy: str) -> None:
        """Notes that a value of the right form cannot be used."""

    def no_such(self, key: str, noun: str, known: Collection[str], remedy: str) -> None:
        """Notes that the text names nothing that is known; the nearest known name is the remedy, where one
        is alike.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind(When):
    """One kind of trigger; its class attributes say how it is called and which keys it reads."""

    keys: ClassVar[tuple[str, ...]] = ()
    """The keys of its `[when]` table, `kind` left aside."""
    place: ClassVar[int] = 99
    """Where it stands when kinds are listed; kinds of the same place stand by name."""

    @classmethod
    def read(cls, table: WhenReader) -> Self:
        """The kind as a table has it; where a fault was noted, the value is a stand-in."""
        raise NotImplementedError
