"""Batches of messages that wait for an approval, and what deciding about them brings about; for the command
line and the console alike.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from heapq import nlargest
from typing import Final

from sqlalchemy import Connection

from core.engine.pauses import pause_label
from core.explain.words import counted, in_full
from core.forecast.approval import Filled, HeldMessage, approved
from core.instants import Instant, local_date
from core.limits.pressure import per_unit
from core.model.outbox import SENDING, Act
from core.playbook.playbook import Playbook
from storage import pauses
from storage.outbox import acts as outbox_acts
from storage.outbox.acts import HeldRow
from storage.pauses import StoredPause
from storage.play import dossiers
from storage.play.dossiers import CHUNK

MOST: Final = 10_000
"""Of so many customers the pressure is worked out at most: some seconds."""
NAMED: Final = 5
"""So many of the most pressed customers are named."""


@dataclass(slots=True)
class Load:
    """How full one rule's windows would be: customers by what is used of the limit, in contacts or points."""

    limit: float
    customers: Counter[float] = field(default_factory=Counter)

    @property
    def full(self) -> int:
        """Customers who would be exactly at the limit."""
        return self.customers[self.limit]

    @property
    def over(self) -> int:
        """Customers who would be over it."""
        return sum(number for used, number in self.customers.items() if used > self.limit)


@dataclass(frozen=True, slots=True)
class FullestCustomer:
    """A customer whose window would be among the fullest."""

    customer: str
    rule: str
    used: float
    limit: float


@dataclass(slots=True)
class Outlook:
    """The pressure that approving messages causes; `looked_at` of the `people` were worked out."""

    people: int = 0
    looked_at: int = 0
    late: int = 0
    """Messages whose planned instant is past by more than the grace: they count when they are handed over."""
    loads: dict[str, Load] = field(default_factory=dict)
    pressed: list[FullestCustomer] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        """The same in words."""
        if self.late:
            yield (
                f"{counted(self.late, 'message')} would go out later than planned and count then; "
                "the limits are not asked again."
            )
        some = (
            ""
            if self.looked_at == self.people
            else f" (of the first {self.looked_at:,} of {self.people:,} customers)"
        )
        for name, load in sorted(self.loads.items()):
            first, *more = sorted(load.customers.items())
            bars = ", ".join(
                [
                    f"{counted(first[1], 'customer')} with {first[0]:g}",
                    *(f"{number:,} with {used:g}" for used, number in more),
                ]
            )
            over = f"; {load.over:,} OVER the limit" if load.over else ""
            yield f"{name}, limit {load.limit:g}: {bars}{over}{some}."
        if self.pressed:
            yield (
                "Most pressed: "
                + ", ".join(f"{p.customer} {p.used:g} of {p.limit:g} ({p.rule})" for p in self.pressed)
                + "."
            )


def outlook(
    connection: Connection,
    playbook: Playbook,
    rows: Sequence[HeldRow],
    at: Instant,
    cancelled: Callable[[], bool] = lambda: False,
) -> Outlook:
    """What approving these messages at the instant does to the pressure of their customers."""
    by_customer: dict[int, list[HeldRow]] = defaultdict(list)
    for row in rows:
        by_customer[row.customer_id].append(row)
    looked_at = sorted(by_customer)[:MOST]
    found = Outlook(
        len(by_customer), len(looked_at), sum(at - row.planned_at > playbook.grace for row in rows)
    )
    units = {rule.name: per_unit(rule.unit) for rule in playbook.rules}
    worst: list[tuple[float, FullestCustomer]] = []
    for start in range(0, len(looked_at), CHUNK):
        if cancelled():
            break
        for number, dossier in dossiers.load(connection, looked_at[start : start + CHUNK], playbook).items():
            held = list(map(_message, by_customer[number]))
            noted = [_note(each, dossier.key, units, found) for each in approved(held, dossier, playbook, at)]
            worst += nlargest(1, noted, key=lambda each: each[0])  # nobody is named twice
        worst = sorted(worst, key=lambda each: (-each[0], each[1].customer, each[1].rule))[:NAMED]
    found.pressed = [each for _, each in worst]
    return found


def _message(row: HeldRow) -> HeldMessage:
    return HeldMessage(f"{row.enrolment_id}/{row.step}", row.channel, row.planned_at, row.expires_at)


def _note(
    filled: Filled, customer: str, units: Mapping[str, int], found: Outlook
) -> tuple[float, FullestCustomer]:
    unit = units.get(filled.rule, 1)
    used, limit = filled.used / unit, filled.limit / unit
    found.loads.setdefault(filled.rule, Load(limit)).customers[used] += 1
    return filled.share, FullestCustomer(customer, filled.rule, used, limit)


def held_up(
    connection: Connection, playbook: Playbook, ids: Sequence[int], at: Instant
) -> tuple[int, list[str]]:
    """How many of these messages do not go out when they are let go, because something is paused or stopped,
    and by what, a sentence each.
    """
    number, said = 0, []
    for row in pauses.current(connection, at).values():
        held = pauses.held_up_by(connection, row.pause, playbook, ids, at)
        if held:
            number = max(number, held)
            said.append(_held_words(row, held, len(ids), playbook))
    return number, said


def _held_words(row: StoredPause, held: int, number: int, playbook: Playbook) -> str:
    who = f"{held:,} of them" if held < number else "All of them" if number > 1 else "It"
    are = "is" if held == 1 else "are"
    is_stop = row.pause.scope == "everything"
    what = f"{pause_label(row.pause.target)} {'was stopped' if is_stop else 'is paused'}"
    until = "" if row.pause.until is None else f" until {in_full(row.pause.until, playbook.zone)}"
    why = f": {row.reason}" if row.reason else ""
    since = f"since {in_full(row.pause.since, playbook.zone)}{until} by {row.author}{why}"
    return f"{who} {are} then held and not sent: {what} {since}."


def notes(
    connection: Connection,
    playbook: Playbook,
    action: Act,
    ids: Sequence[int],
    at: Instant,
    cancelled: Callable[[], bool] = lambda: False,
    *,
    names_one: bool = True,
) -> Iterator[str]:
    """What is said before messages that wait are approved or rejected: what they fill, who gets room, which
    they are; else nothing. Without `names_one` a single batch is not named, where that is said already.
    """
    if action in SENDING and ids:
        yield from held_up(connection, playbook, ids, at)[1]
    if action not in ("approve", "reject") or not ids:
        return
    rows = outbox_acts.held(connection, ids)
    if action == "approve":
        yield from outlook(connection, playbook, rows, at, cancelled).lines()
    else:
        room = outbox_acts.waiting_for_room(connection, {row.customer_id for row in rows})
        have = "has" if room == 1 else "have"
        yield (
            f"{counted(room, 'customer')} of these {have} a step that waits for room and is looked at again."
        )
    chosen = batches(connection, playbook, only=ids)
    if names_one or len(chosen) > 1:
        yield from batch_lines(chosen, at, playbook)


# ---- batches ----


@dataclass(frozen=True, slots=True)
class WaitingBatch:
    """Messages of one trigger over one channel for one local day that wait for an approval."""

    trigger: str
    channel: str
    day: date
    rows: tuple[HeldRow, ...]

    @property
    def customers(self) -> int:
        """How many they are for."""
        return len({row.customer_id for row in self.rows})

    @property
    def first_planned(self) -> Instant:
        """The earliest of their planned instants."""
        return min(row.planned_at for row in self.rows)

    @property
    def first_expiry(self) -> Instant:
        """When the first of them expires."""
        return min(row.expires_at for row in self.rows)

    def expired(self, at: Instant) -> int:
        """How many are over already."""
        return sum(row.expires_at < at for row in self.rows)


def batches(
    connection: Connection,
    playbook: Playbook,
    trigger: str | None = None,
    channel: str | None = None,
    day: date | None = None,
    only: Collection[int] | None = None,
) -> list[WaitingBatch]:
    """What waits for an approval, or of that `only` these messages, by trigger, channel and day of the
    workspace.
    """
    found: dict[tuple[str, str, date], list[HeldRow]] = defaultdict(list)
    for row in outbox_acts.held(connection, None if only is None else sorted(only)):
        found[row.trigger, row.channel, local_date(row.planned_at, playbook.zone)].append(row)
    return [
        WaitingBatch(*key, tuple(rows))
        for key, rows in sorted(found.items())
        if trigger in (None, key[0]) and channel in (None, key[1]) and day in (None, key[2])
    ]


def batch_lines(chosen: Sequence[WaitingBatch], at: Instant, playbook: Playbook) -> Iterator[str]:
    """How many messages of which trigger, channel and day, and what is over or will be."""
    for batch in chosen:
        over = batch.expired(at)
        late = f", {over:,} expired" if over else ""
        expiry = f"the first expires {in_full(batch.first_expiry, playbook.zone)}"
        numbers = f"{counted(len(batch.rows), 'message')} to {counted(batch.customers, 'customer')}"
        yield f"{batch.trigger} over {batch.channel}, {batch.day:%a %d %b %Y}: {numbers}{late}; {expiry}."
