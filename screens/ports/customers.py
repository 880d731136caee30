"""Customers as the screens show them: the list, one with all that is known, a customer's timeline and
pressure, and what is planned.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias

from core.instants import Instant
from core.limits.pressure import per_unit
from core.model.customer import Profile
from screens.ports import Cancelled

CustomerSort: TypeAlias = Literal["key", "name", "orders", "revenue", "last_activity", "next_due"]
EntryKind: TypeAlias = Literal["event", "message", "decision", "consent"]
Tell: TypeAlias = Callable[["array[int]"], None]
"""Told of what is there so far, from the worker's thread."""


@dataclass(frozen=True, slots=True)
class CustomerLine:
    """One customer in the list; money in minor units."""

    id: int
    key: str
    name: str | None
    email: str | None
    city: str | None
    country: str | None
    orders: int
    revenue: int
    last_activity: Instant | None
    contacts: int
    """Contacts that count, of the last seven days."""
    next_due: Instant | None


@dataclass(frozen=True, slots=True)
class Hits:
    """Whom a filter found; `fault` says what in the filter cannot be answered, `hint` asks for a near name
    where nobody was found.
    """

    ids: array[int]
    fault: str | None = None
    hint: str = ""
    """A question, such as `Did you mean 'Müller'?`; empty where somebody was found or nobody is alike."""


# ---- one customer ----


@dataclass(frozen=True, slots=True)
class ConsentLine:
    """One entry of the ledger; `is_latest` where it is the word that counts now."""

    at: Instant
    channel: str
    purpose: str
    state: str
    source: str
    wording: str | None
    proof: str | None
    address: str | None
    is_latest: bool
    basis: str | None = None
    """`imported` or `listed`, of a word out of a list."""


@dataclass(frozen=True, slots=True)
class SuppressedLine:
    """An address of the customer that must not be used any more."""

    at: Instant
    medium: str
    address: str
    reason: str
    source: str


@dataclass(frozen=True, slots=True)
class CustomerProfile:
    """All that is known of one customer; money in minor units."""

    id: int
    key: str
    name: str | None
    badges: tuple[str, ...]
    """What an operator should know first, a word or two each."""
    profile: Profile
    """Traits as the sources name them, and sums."""
    zone: str
    """The time zone of the customer's own day."""
    next_due: Instant | None
    identities: tuple[tuple[str, str], ...]
    consents: tuple[ConsentLine, ...]
    suppressed: tuple[SuppressedLine, ...]


@dataclass(frozen=True, slots=True)
class Filling:
    """One contact that fills a window."""

    at: Instant
    trigger: str
    channel: str


@dataclass(frozen=True, slots=True)
class CustomerGauge:
    """One pressure rule for the customer now: `used` of `limit` in its window, in contacts or thousandths of
    a point; or a least gap.
    """

    rule: str
    unit: str
    used: int
    limit: int | None
    window: str
    frees_at: Instant | None
    """When the rule next has more room; None where nothing fills it."""
    filled_by: tuple[Filling, ...]
    filters: str
    """Which contacts it is about, in words; empty for all."""

    @property
    def is_full(self) -> bool:
        """Whether a further contact of one would be too much now."""
        return self.used > 0 if self.limit is None else self.used + per_unit(self.unit) > self.limit


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A journey under way: its next step of how many."""

    trigger: str
    title: str
    step: int
    steps: int | None
    entered_at: Instant
    due_at: Instant | None
    waits_for: str | None


@dataclass(frozen=True, slots=True)
class WaitingMessage:
    """A message in the outbox that has not gone out."""

    id: int
    trigger: str
    step: int
    channel: str
    state: str
    planned_at: Instant
    reason: str | None
    is_paused: bool = False
    """A pause or the emergency stop keeps it from going out."""


@dataclass(frozen=True, slots=True)
class ForeseenDecision:
    """A decision that would be taken if nothing new happened."""

    at: Instant
    trigger: str
    step: int
    channel: str | None
    outcome: str
    reason: str | None
    words: str


@dataclass(frozen=True, slots=True)
class Planned:
    """What is planned for the customer, up to `until`."""

    under_way: tuple[UnderWay, ...]
    waiting: tuple[WaitingMessage, ...]
    foreseen: tuple[ForeseenDecision, ...]
    until: Instant


# ---- the timeline ----


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One line of the timeline: `what` in a word or two, `about` the rest."""

    id: int
    at: Instant
    kind: EntryKind
    channel: str | None
    what: str
    about: str
    state: str
    """Of a message its state, of a decision its outcome, of a consent what was said; empty for events."""
    amount: int | None = None
    """Money of an event, in minor units."""
    reason: str | None = None
    """Of a message or a decision."""
    is_paused: bool = False
    """Of a message: a pause or the emergency stop keeps it from going out."""


@dataclass(frozen=True, slots=True)
class EntryDetails:
    """An entry in full: a title, sentences, and named values, which may be of any kind that JSON has."""

    title: str
    words: tuple[str, ...]
    values: tuple[tuple[str, Any], ...]


class CustomersPort(Protocol):
    """The questions of the customer screens. Unknown ids are left out of answers by ids, a customer who is
    gone is a ManometerError.
    """

    def ids(
        self, text: str, sort: CustomerSort, is_downwards: bool, cancelled: Cancelled, found: Tell
    ) -> Hits:
        """Whom a filter holds for, all where it is empty; `is_downwards` puts the greatest first, without a
        value comes last either way.
        """
        ...

    def rows(self, ids: Sequence[int], cancelled: Cancelled) -> Mapping[int, CustomerLine]:
        """Customers by row id."""
        ...

    def profile(self, customer_id: int, cancelled: Cancelled) -> CustomerProfile:
        """All that is known of one."""
        ...

    def pressure(self, customer_id: int, cancelled: Cancelled) -> tuple[CustomerGauge, ...]:
        """Every rule that holds for the customer, as of now."""
        ...

    def planned(self, customer_id: int, cancelled: Cancelled) -> Planned:
        """What is under way, what waits, and what the next days would bring."""
        ...

    def entries(self, customer_id: int, text: str, cancelled: Cancelled, found: Tell) -> Hits:
        """The entries of the customer's timeline that a filter holds for, newest first."""
        ...

    def entry_rows(self, ids: Sequence[int], cancelled: Cancelled) -> Mapping[int, TimelineEntry]:
        """Entries by id."""
        ...

    def details(self, entry: int, cancelled: Cancelled) -> EntryDetails:
        """One entry in full."""
        ...

    def channels(self, customer_id: int, cancelled: Cancelled) -> tuple[str, ...]:
        """The channels that the customer's timeline speaks of."""
        ...
