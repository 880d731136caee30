"""Pauses and the emergency stop as the screens show them. Instants are ms UTC."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.instants import Instant
from core.model.pauses import PausePolicy


@dataclass(frozen=True, slots=True)
class PauseView:
    """A pause, or the emergency stop, that holds: since when and until when, by whom and why."""

    since: Instant
    until: Instant | None
    author: str
    reason: str | None
    transactional: bool = False
    """Whether it holds transactional messages too."""


@dataclass(frozen=True, slots=True)
class PolicyEffect:
    """What a policy of resuming would do with what waits, in numbers."""

    policy: PausePolicy
    words: str


@dataclass(frozen=True, slots=True)
class PauseEffect:
    """What pausing or resuming touches: customers and steps under way, of those the overdue, and messages not
    handed over yet.
    """

    name: str
    title: str
    customers: int
    enrolments: int
    overdue: int
    messages: int
    at: Instant
    pause: PauseView | None
    """The pause that holds now; None where none does."""
    policies: Sequence[PolicyEffect]
    """The ways to resume; empty where nothing is paused."""


@dataclass(frozen=True, slots=True)
class PauseLine:
    """A channel or segment that can be paused, or whatever is; the numbers are of what waits, and 0 where
    nothing is paused.
    """

    target: str
    """As `core.model.triggers.Pause.trigger` has it."""
    pause: PauseView | None
    customers: int = 0
    enrolments: int = 0
    overdue: int = 0
    messages: int = 0
