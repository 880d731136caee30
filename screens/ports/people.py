"""Customers that may be one person: what waits for the operator's word, and that word. Instants are ms
UTC.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from core.instants import Instant
from screens.ports import Cancelled


@dataclass(frozen=True, slots=True)
class ConflictLine:
    """Customers of whom nobody knows whether they are one person."""

    kind: str
    """`namespace`, `shared`, `order`, `birthday` or `kept`."""
    identity: str | None
    """What they share as KIND:VALUE, an order as `order:NUMBER`; None where nothing is disputed."""
    customers: Sequence[str]
    """The first of them: keys, or the user ids of one customer."""
    people: int
    since: Instant

    @property
    def keys(self) -> str:
        """The customers in one text."""
        return ", ".join(self.customers)


class PeoplePort(Protocol):
    """Who is who."""

    def conflicts(self, cancelled: Cancelled) -> Sequence[ConflictLine]:
        """What waits for a decision."""
        ...

    def join(self, one: str, other: str, reason: str) -> str:
        """Let the two be one customer under the key of the first; gives the sentence of what happened.
        ManometerError where one is not known or nothing may be changed.
        """
        ...

    def part(self, one: str, other: str, reason: str) -> str:
        """Let the two be two customers; gives the sentence of what happened. ManometerError as above."""
        ...
