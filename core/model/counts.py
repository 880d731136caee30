"""What is counted and listed of the database for people. Instants are ms UTC."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class JourneyCount:
    """How many customers of one variant, without one, or kept out entered, are under way, and reached the
    goal.
    """

    variant: str | None
    is_holdout: bool
    entered: int
    under_way: int
    reached: int
