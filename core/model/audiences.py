"""Named audiences, and those of triggers, as people look at them. Instants are ms UTC."""

from __future__ import annotations

from array import array
from dataclasses import dataclass

from core.instants import Instant


@dataclass(frozen=True, slots=True)
class AudienceLine:
    """One condition on customers that has a name: a segment, or the audience of a trigger."""

    name: str
    title: str
    text: str
    """The condition as it was written."""
    is_segment: bool = True

    @property
    def key(self) -> str:
        """Both by one name: `segment:NAME`, `trigger:NAME`."""
        return f"{'segment' if self.is_segment else 'trigger'}:{self.name}"


@dataclass(frozen=True, slots=True)
class AudienceOverlap:
    """How many customers are in one, in the other, and in both."""

    one: int
    other: int
    both: int


@dataclass(frozen=True, slots=True)
class AudienceChanges:
    """Who is in an audience now and was not at an instant, and the other way round; rows of customers."""

    since: Instant
    at: Instant
    came: array[int]
    went: array[int]
    then: int
    """How many were in it."""
    now: int
