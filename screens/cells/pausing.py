"""What is asked before a trigger is paused or resumed: in numbers, with the deed by its name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final
from zoneinfo import ZoneInfo

from core.engine.pauses import NOBODY, pause_label
from core.explain.words import counted
from core.instants import Instant
from core.model.pauses import Scope, parse_target
from core.until import parse_until
from screens.cells.deed import Deed, DialogChoice, DialogField
from screens.cells.moments import in_full
from screens.cells.states import paused_words
from screens.ports.pauses import PauseEffect

REASON = DialogField("reason", "Why (for the audit log)")


NOTHING_WAITS: Final = "Nothing waits in the outbox."
MARKETING, ALL = "marketing", "everything"
SPARED: Final = (
    DialogChoice(MARKETING, "all but transactional messages"),
    DialogChoice(ALL, "transactional messages too"),
)
MEANS: Final[Mapping[Scope, str]] = {
    "trigger": "Nobody new enters",
    "channel": "Customers still enter; a step that falls back takes its next channel",
    "segment": "Its members still enter; who leaves it is free",
    "customer": "She still enters",
}
"""What else a pause means, by what it is of."""


def _what(effect: PauseEffect) -> tuple[str, Scope]:
    held = parse_target(effect.name)
    return pause_label(held), held.scope


def until_fault(text: str, now: Instant, zone: ZoneInfo) -> str | None:
    """What is wrong with the end of a pause as it was written; None where nothing is, or where none was
    written.
    """
    if not text.strip():
        return None
    try:
        at = parse_until(text, now, zone)
    except ValueError as error:
        return str(error)
    return None if at > now else f"{in_full(at, zone)} is past. Name a later time."


def pause_deed(effect: PauseEffect, author: str, zone: ZoneInfo) -> Deed:
    """Pausing one trigger, channel, segment or customer."""
    what, scope = _what(effect)
    until = DialogField(
        "until",
        "Until (18:00, tomorrow 9:00, 2025-11-03, 3d; empty: until resumed)",
        check=lambda text: until_fault(text, effect.at, zone),
    )
    return Deed(
        title=f"Pause {what}?",
        lines=[
            _under_way(effect, scope),
            f"Waiting in the outbox: {counted(effect.messages, 'message')}. None goes out while it is paused."
            if effect.messages
            else NOTHING_WAITS,
            f"{MEANS[scope]}; exits still count. What becomes of what waited is asked when it is resumed.",
        ],
        verb=f"Pause {what}",
        choices=() if scope == "trigger" else SPARED,
        fields=[until, REASON],
        author=author,
    )


def resume_deed(effect: PauseEffect, author: str, zone: ZoneInfo) -> Deed:
    """Resuming one of them: a policy for what waited."""
    what, _ = _what(effect)
    return Deed(
        title=f"Resume {what}?",
        lines=list(_resume_lines(effect, zone)),
        verb=f"Resume {what}",
        choices=[DialogChoice(each.policy, each.words) for each in effect.policies],
        fields=[REASON],
        author=author,
    )


def _under_way(effect: PauseEffect, scope: Scope) -> str:
    if not effect.enrolments:
        return f"{NOBODY[scope]}."
    people, journeys = counted(effect.customers, "customer"), counted(effect.enrolments, "journey")
    return f"Under way: {people} in {journeys}, {effect.overdue:,} overdue."


def _resume_lines(effect: PauseEffect, zone: ZoneInfo) -> Iterator[str]:
    if effect.pause is not None:
        yield f"It is {paused_words(effect.pause, False, effect.at, zone)}."
    yield _under_way(effect, _what(effect)[1])
    yield (
        f"In the outbox: {counted(effect.messages, 'message')}, which go out if they still may."
        if effect.messages
        else NOTHING_WAITS
    )
    yield "What becomes of what waited (↑ ↓ chooses):"
