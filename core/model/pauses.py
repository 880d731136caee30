"""Pauses: what is held up, from when to when, and what becomes of it at the end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

from core.instants import Instant

PausePolicy = Literal["skip", "overdue", "shift", "restart"]
Scope = Literal["everything", "trigger", "channel", "segment", "customer"]

EVERYTHING: Final = "*"
SCOPED: Final[tuple[Scope, ...]] = ("channel", "segment", "customer")
"""What can be held beside triggers and everything."""


@dataclass(frozen=True, slots=True)
class PauseTarget:
    """What a pause holds: something of a scope, by its name.

    The name is that of the trigger, channel or segment, the customer's key, or `*` for everything.
    """

    scope: Scope
    name: str

    @property
    def key(self) -> str:
        """The target as databases and command lines write it; `parse_target` reads it."""
        return target_key(self.scope, self.name)

    @property
    def holder(self) -> PauseTarget:
        """What an enrolment notes of the pause that holds it: the target, but no key of a customer, which may
        change.
        """
        return _THE_CUSTOMER if self.scope == "customer" else self


ALL_SENDING: Final = PauseTarget("everything", EVERYTHING)
_THE_CUSTOMER: Final = PauseTarget("customer", "")


def target_key(scope: Scope, name: str) -> str:
    """What a pause holds, in one word: a trigger's name, `*`, `channel:NAME`, `segment:NAME`, `customer:KEY`;
    `customer` alone where no key is given.
    """
    if scope in SCOPED:
        return f"{scope}:{name}" if name else scope
    return EVERYTHING if scope == "everything" else name


def parse_target(key: str) -> PauseTarget:
    """The target that a pause's key names; a word that is none of the forms is the name of a trigger."""
    if key == EVERYTHING:
        return ALL_SENDING
    kind, colon, name = key.partition(":")
    scope = next((scope for scope in SCOPED if colon and scope == kind), None)
    return PauseTarget("trigger", key) if scope is None else PauseTarget(scope, name)


def parse_holder(key: str) -> PauseTarget:
    """The holder that an enrolment's column `held_by` names."""
    return _THE_CUSTOMER if key == _THE_CUSTOMER.key else parse_target(key)


@dataclass(frozen=True, slots=True)
class Pause:
    """A span in which something is held; `until` is open while it lasts."""

    target: PauseTarget
    since: Instant
    until: Instant | None = None
    policy: PausePolicy = "skip"
    transactional: bool = False  # holds transactional messages too; that of a trigger always does
    author: str | None = field(default=None, compare=False)

    def holds(self, at: Instant) -> bool:
        """Whether the pause is on at the instant; its end is the first instant that is free again."""
        return self.since <= at and (self.until is None or at < self.until)

    @property
    def scope(self) -> Scope:
        """What sort of thing is held."""
        return self.target.scope

    @property
    def name(self) -> str:
        """Which of its sort."""
        return self.target.name
