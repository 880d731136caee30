"""How the workspace is doing: one word for the numbers of a moment, and the reasons for it. Instants and
durations are ms UTC.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from core.explain.words import counted
from core.instants import MINUTE, Instant, Millis
from core.model.quarantine import KINDS, SetAside

State: TypeAlias = Literal["healthy", "idle", "degraded", "down"]
Sort: TypeAlias = Literal[
    "books",
    "overdue",
    "failed",
    "uncertain",
    "stopped",
    "halted",
    "trouble",
    "disk",
    "clock",
    "leader",
    "late",
    "claimed",
    "silent",
    "inbox",
    "quarantine",
    "surge",
]

BRAKED: Final = "braked: "
"""How the reason of a channel begins that is left alone since it refuses too much."""
LEAST_SILENCE: Final[Millis] = 15 * MINUTE
TICKS_MISSED: Final = 10
MOST_NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that is wrong at the moment, and since when."""

    reason: str
    since: Instant


@dataclass(frozen=True, slots=True)
class HealthFinding:
    """One thing that is wrong: what, why where that was noted, and since when."""

    sort: Sort
    words: str
    why: str = ""
    since: Instant | None = None


@dataclass(frozen=True, slots=True)
class Numbers:
    """What is known of one moment."""

    at: Instant
    silence: Millis
    """As `silence` gives it."""
    last_tick: Instant | None
    ended_at: Instant | None
    """When the scheduler that led last ended; None where one leads, or none ever did."""
    overdue: int
    failed_lately: int
    """Messages, within a day."""
    uncertain: int
    is_stopped: bool
    halted: Mapping[str, Trouble]
    """By channel."""
    troubles: Mapping[str, Trouble]
    """By job of the scheduler, or `disk`."""
    surges: Mapping[str, Trouble] = field(default_factory=dict)
    """By trigger that is held."""
    books_balance: bool = True
    shortage: str | None = None
    """Of room on the disk, in words."""
    clock: str | None = None
    """Why the clock is not to be trusted."""
    seen: tuple[HealthFinding, ...] = ()
    """What was found wrong although nobody has noted it."""
    was_stopped: bool = False
    """Whether the scheduler that led last gave up its lease, rather than ending without a word."""
    set_aside: Sequence[SetAside] = ()
    """What waits because working on it failed."""
    failed_of: Sequence[str] = ()
    """Triggers of the newest messages that failed lately."""


@dataclass(frozen=True, slots=True)
class Health:
    """The word, whether anybody ticks, and what is wrong, the worst first."""

    state: State
    is_ticking: bool
    findings: tuple[HealthFinding, ...]
    why: str = ""
    """Why it is idle; empty where it is not."""


def silence(tick: Millis) -> Millis:
    """Without a tick for so long nobody is ticking; a cron job that ticks each minute stays far below. `tick`
    is the scheduler's rhythm.
    """
    return max(LEAST_SILENCE, TICKS_MISSED * tick)


def judge(numbers: Numbers) -> Health:
    """The one judgement that commands, scheduler and screens share."""
    is_recent = numbers.last_tick is not None and numbers.at - numbers.last_tick <= numbers.silence
    is_ticking = is_recent and not (_is_abandoned(numbers) and _has_ended(numbers))
    found = tuple(_findings(numbers, is_ticking))
    is_down = not numbers.books_balance or (
        numbers.overdue > 0 and (not is_ticking or _is_abandoned(numbers))
    )
    if found:
        return Health("down" if is_down else "degraded", is_ticking, found)
    return Health("healthy", True, ()) if is_ticking else Health("idle", False, (), _why_idle(numbers))


def _is_abandoned(numbers: Numbers) -> bool:
    """Whether a scheduler has led here and ended, and nothing has ticked since."""
    ended = numbers.ended_at
    return ended is not None and (numbers.last_tick is None or numbers.last_tick <= ended)


def _has_ended(numbers: Numbers) -> bool:
    """Whether it ended before the moment itself, which may be a past one."""
    return numbers.ended_at is not None and numbers.ended_at <= numbers.at


def _why_idle(numbers: Numbers) -> str:
    if _is_abandoned(numbers) and _has_ended(numbers):
        return f"{_end(numbers)}, and nothing has ticked since"
    return "nothing has ticked yet" if numbers.last_tick is None else "nothing has ticked lately"


def _end(numbers: Numbers) -> str:
    return "the scheduler was stopped" if numbers.was_stopped else "the scheduler ended without a word"


def _findings(numbers: Numbers, is_ticking: bool) -> Iterator[HealthFinding]:
    if not numbers.books_balance:
        yield HealthFinding("books", "the books do not balance")
    if numbers.clock is not None and "clock" not in numbers.troubles:
        yield HealthFinding("clock", "clock distrusted", numbers.clock)
    if _is_abandoned(numbers) and _has_ended(numbers) and not numbers.was_stopped:
        yield HealthFinding(
            "leader", "the scheduler ended without a word", "it renews its lease no more", numbers.ended_at
        )
    if numbers.overdue:
        yield HealthFinding(
            "overdue", f"{counted(numbers.overdue, 'customer')} overdue", _why_overdue(numbers, is_ticking)
        )
    yield from _noted(numbers)
    yield from numbers.seen
    yield from _set_aside(numbers)
    if numbers.failed_lately:
        yield HealthFinding(
            "failed",
            f"{counted(numbers.failed_lately, 'message')} failed within a day",
            _of(numbers.failed_of),
        )
    if numbers.uncertain:
        yield HealthFinding(
            "uncertain", f"{counted(numbers.uncertain, 'message')} uncertain", "nobody knows if it went"
        )
    if numbers.is_stopped:
        yield HealthFinding("stopped", "all sending is stopped")


def _why_overdue(numbers: Numbers, is_ticking: bool) -> str:
    if _is_abandoned(numbers):
        return _end(numbers)
    return "the ticks do not keep up" if is_ticking else "nobody has ticked in time"


def _of(triggers: Sequence[str]) -> str:
    """The first few by name."""
    more = f" and {len(triggers) - MOST_NAMED:,} more" if len(triggers) > MOST_NAMED else ""
    return f"of {', '.join(triggers[:MOST_NAMED])}{more}" if triggers else ""


def _set_aside(numbers: Numbers) -> Iterator[HealthFinding]:
    """One finding a kind, naming the first few."""
    for kind in KINDS:
        found = [each for each in numbers.set_aside if each.kind == kind]
        if found:
            named = ", ".join(each.what for each in found[:MOST_NAMED])
            more = f" and {len(found) - MOST_NAMED:,} more" if len(found) > MOST_NAMED else ""
            yield HealthFinding(
                "quarantine",
                f"{counted(len(found), kind)} set aside ({named}{more})",
                found[0].reason,
                found[0].since,
            )


def _noted(numbers: Numbers) -> Iterator[HealthFinding]:
    """What scheduler and dispatcher have noted; a disk that is short of room is said once."""
    for name, trouble in numbers.troubles.items():
        sort: Sort = "disk" if name == "disk" else "clock" if name == "clock" else "trouble"
        yield HealthFinding(sort, name, trouble.reason, trouble.since)
    if numbers.shortage is not None and "disk" not in numbers.troubles:
        yield HealthFinding("disk", "disk", numbers.shortage)
    for name, trouble in numbers.halted.items():
        is_braked = trouble.reason.startswith(BRAKED)
        words = f"{name} {'braked' if is_braked else 'halted'}"
        yield HealthFinding("halted", words, trouble.reason.removeprefix(BRAKED), trouble.since)
    for name, trouble in numbers.surges.items():
        yield HealthFinding("surge", f"trigger {name} held", trouble.reason, trouble.since)
