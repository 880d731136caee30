"""What a new version of the playbook does to customers under way: they finish as they began, move, or
leave.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

from core.instants import Instant
from core.model.triggers import OnChange, Trigger

UnderWay: TypeAlias = OnChange | Literal["retire"]
"""`retire` is of a trigger whose file is gone: its journeys end when their next step falls due."""
UNDER_WAY: Final[tuple[OnChange, ...]] = get_args(OnChange)


@dataclass(frozen=True, slots=True)
class VersionChange:
    """A version that was put in force, and what it does to those under way in each trigger that it
    changed.
    """

    version: int
    at: Instant
    under_way: Mapping[str, UnderWay]


@dataclass(frozen=True, slots=True)
class EnrolmentStanding:
    """How an enrolment of an earlier version stands: by which version it goes on, and which one ended it."""

    version: int
    """The last version that held the definition by which it goes on, or went on until its end."""
    left: VersionChange | None = None
    retires: bool = False
    """It ends when its next step falls due."""


@dataclass(frozen=True, slots=True)
class Former:
    """A definition of an earlier version that some are still under way by; `left_at` is the instant at which
    they leave.
    """

    trigger: Trigger | None
    """None where it may not go on: the enrolment ends when its next step falls due."""
    version: int
    left_at: Instant | None = None
    left_by: int | None = None


def standing(trigger: str, entered: int, changes: Iterable[VersionChange]) -> EnrolmentStanding | None:
    """How an enrolment that entered under a version stands after these changes, oldest first; None: by the
    definition in force.
    """
    kept: int | None = None
    for change in changes:
        if change.version <= entered:
            continue
        match change.under_way.get(trigger):
            case "finish":
                kept = change.version - 1 if kept is None else kept
            case "move":
                kept = None
            case "leave" | "retire" as does:
                return EnrolmentStanding(
                    change.version - 1 if kept is None else kept, change, does == "retire"
                )
    return None if kept is None else EnrolmentStanding(kept)


def goes_on(trigger: Trigger, channels: Iterable[str], purposes: Iterable[str]) -> bool:
    """Whether a definition of an earlier version can still be followed: its purpose and every channel are
    there.
    """
    named = {name for step in trigger.contents() for name in step.channels}
    return trigger.purpose in set(purposes) and named <= set(channels)
