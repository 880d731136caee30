"""Addresses to which nothing is sent any more, in lists. Instants are ms UTC."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from core.instants import Instant

FIELDS: Final = ("address", "medium", "reason", "source")
"""What a filter may name."""


@dataclass(frozen=True, slots=True)
class SuppressedAddress:
    """One address that is not written to, why, since when that is known, and who reported it."""

    id: int
    address: str
    medium: str
    reason: str
    since: Instant
    source: str
