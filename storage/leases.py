"""Who may do what only one process may do: one row a job, taken for a while, renewed, given up. Instants and
durations are ms UTC.

A holder is known by its term, which grows with each taking over. One that slept through the end of its lease
and wakes up is told from its successor by that number, which `fence` asks for inside every writing
transaction.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Final

from sqlalchemy import Connection

from core.instants import SECOND, Instant, Millis
from storage.schema.workspace import LeaseRow
from storage.session import session
from storage.sqlite import StoreError

SCHEDULER: Final = "scheduler"
TTL: Final[Millis] = 15 * SECOND
"""How long a lease lasts that nobody renews."""


class LeaseLostError(StoreError):
    """Another process holds the lease now; nothing of the transaction was written."""

    may_succeed_later = True


@dataclass(frozen=True, slots=True)
class Lease:
    """Who holds it, or held it last."""

    name: str
    owner: str  # as `console.dispatch.process_name` gives it
    term: int
    since: Instant
    renewed_at: Instant
    expires_at: Instant

    def is_live(self, at: Instant) -> bool:
        """Whether it holds at an instant; one renewed far in the future is left from before the clock was set
        back.
        """
        return self.renewed_at - TTL <= at < self.expires_at

    @property
    def is_resigned(self) -> bool:
        """Whether its holder gave it up."""
        return self.expires_at <= self.renewed_at


def current(connection: Connection, name: str = SCHEDULER) -> Lease | None:
    """The lease as it stands, live or over; None where nobody ever held it."""
    with session(connection) as opened:
        row = opened.get(LeaseRow, name)
    return None if row is None else _lease(row)


def _lease(row: LeaseRow) -> Lease:
    return Lease(row.name, row.owner, row.term, row.since, row.renewed_at, row.expires_at)


def acquire(
    connection: Connection,
    owner: str,
    at: Instant,
    is_gone: Callable[[str], bool] = lambda _: False,
    name: str = SCHEDULER,
) -> Lease | None:
    """Take the lease where nobody lives who holds it, under a term of its own; None where somebody does. In a
    writing transaction.
    """
    held = current(connection, name)
    if held is not None and held.is_live(at) and not is_gone(held.owner):
        return None
    taken = Lease(name, owner, 1 if held is None else held.term + 1, at, at, at + TTL)
    with session(connection) as opened:
        opened.merge(LeaseRow(**asdict(taken)))
    return taken


def renew(connection: Connection, lease: Lease, at: Instant) -> None:
    """Hold it for another while; LeaseLostError where it has gone to somebody else."""
    _update(connection, lease, at, at + TTL)


def resign(connection: Connection, lease: Lease, at: Instant) -> None:
    """Give it up at once; LeaseLostError where it has gone already."""
    _update(connection, lease, at, at)


def fence(connection: Connection, lease: Lease) -> None:
    """LeaseLostError where a later term has begun; to be called first in a transaction that has the write
    lock.
    """
    held = current(connection, lease.name)
    if held is None or (held.owner, held.term) != (lease.owner, lease.term):
        raise _lost(held)


def _update(connection: Connection, lease: Lease, renewed_at: Instant, expires_at: Instant) -> None:
    fence(connection, lease)
    with session(connection) as opened:
        row = opened.get_one(LeaseRow, lease.name)
        row.renewed_at, row.expires_at = renewed_at, expires_at


def _lost(held: Lease | None) -> LeaseLostError:
    whom = "is gone from the database" if held is None else f"went to {held.owner}, term {held.term}"
    return LeaseLostError(f"The lease of this scheduler {whom}. Nothing was written.")
