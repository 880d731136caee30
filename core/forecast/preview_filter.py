"""Which decisions of a preview are asked for."""

from __future__ import annotations

from dataclasses import dataclass

from core.instants import Instant


@dataclass(frozen=True, slots=True)
class PreviewFilter:
    """All conditions hold; None asks for all. `since` is included, `until` is not, both in ms UTC.

    `channels` and `reasons` may hold None: over no channel, without a reason.
    """

    since: Instant | None = None
    until: Instant | None = None
    channels: tuple[str | None, ...] | None = None
    triggers: tuple[str, ...] | None = None
    outcomes: tuple[str, ...] | None = None
    reasons: tuple[str | None, ...] | None = None
    without_reasons: tuple[str, ...] = ()
    rule: str | None = None
    """What this rule held back."""
    imagined: bool | None = None
    """Only what comes of imagined events, or only what does not."""
    customer_id: int | None = None
