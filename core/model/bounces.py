"""How many soft bounces an address may have before it is suppressed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from core.instants import DAY, Millis


@dataclass(frozen=True, slots=True)
class BounceLimit:
    """An address that bounced softly `soft_limit` times within so many milliseconds is suppressed."""

    soft_limit: int = 5
    within: Millis = 30 * DAY


USUAL_LIMIT: Final = BounceLimit()
