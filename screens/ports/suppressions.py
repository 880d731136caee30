"""Addresses to which nothing is sent any more, and what operators add to them and lift. Instants are ms
UTC.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from core.model.suppressed import SuppressedAddress
from screens.ports import Cancelled


@dataclass(frozen=True, slots=True)
class ListEffect:
    """What adding the addresses of a file would do."""

    path: str
    read: int
    """Lines that are not blank."""
    addresses: int
    """Each counted once."""
    refused: Sequence[str]
    """Lines of which no address can be read, with their reasons, in words."""
    customers: int
    """Who is known by one of the addresses."""


class SuppressionsPort(Protocol):
    """Who is not written to, by address."""

    def ids(self, text: str, cancelled: Cancelled) -> array[int]:
        """The rows that a filter line leaves, the newest first; ManometerError where it has an unknown
        field.
        """
        ...

    def rows(self, ids: Sequence[int], cancelled: Cancelled) -> Mapping[int, SuppressedAddress]:
        """These rows, by their numbers; those that are gone are missing."""
        ...

    def owner(self, address: str, cancelled: Cancelled) -> int | None:
        """The customer who is known by an address, the first of several; None where nobody is."""
        ...

    def read_file(self, path: str, cancelled: Cancelled) -> ListEffect:
        """What a file of addresses would add; ManometerError where it cannot be read."""
        ...

    def add_file(self, path: str, reason: str) -> str:
        """Suppress the addresses of a file; gives the sentence of what happened. ManometerError where it
        cannot be read or nothing may be changed.
        """
        ...

    def add(self, address: str, reason: str) -> str:
        """Suppress one address as somebody wrote it; ManometerError where it is none, else as above."""
        ...

    def lift(self, ids: Sequence[int], reason: str) -> str:
        """Allow the addresses of these rows again, on every medium; ManometerError as above."""
        ...
