"""Pauses and the emergency stop as the screens show them. Instants are ms UTC."""

from __future__ import annotations

from dataclasses import dataclass

from core.instants import Instant


@dataclass(frozen=True, slots=True)
class PauseView:
    """A pause, or the emergency stop, that holds: since when and until when, by whom and why."""

    since: Instant
    until: Instant | None
    author: str
    reason: str | None
    transactional: bool = False
    """Whether it holds transactional messages too."""
