"""How long what need not stay for ever is kept. Durations are ms."""

from __future__ import annotations

from dataclasses import dataclass

from core.instants import DAY, Millis


@dataclass(frozen=True, slots=True)
class RetentionSettings:
    """`texts`: how long messages can be read as they were sent; 0 keeps none of their texts."""

    texts: Millis = 90 * DAY
