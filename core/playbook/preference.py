"""Where a customer's preferred channel is known from."""

from __future__ import annotations

from dataclasses import dataclass

from core.instants import DAY, Millis


@dataclass(frozen=True, slots=True)
class Preference:
    """Where a customer's preferred channel is known from; `trait` None: one of the usual names."""

    trait: str | None = None
    learn: bool = False  # from the links the customer followed, where tracking is allowed
    within: Millis = 180 * DAY  # how far back
    least: int = 3  # fewer clicks say nothing
