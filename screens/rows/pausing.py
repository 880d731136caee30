"""What is asked before a trigger is paused or resumed: in numbers, with the deed by its name."""

from __future__ import annotations

from collections.abc import Iterator
from zoneinfo import ZoneInfo

from core.instants import Instant
from core.words import counted
from screens.dialogs import Choice, Deed, Field
from screens.rows.moments import in_full, parse_until
from screens.rows.states import paused_words
from screens.service.triggers import PauseEffect

REASON = Field("reason", "Why (for the audit log; may be empty)")


def until_fault(text: str, now: Instant, zone: ZoneInfo) -> str | None:
    """What is wrong with the end of a pause as it was written; None where nothing is, or where none was written."""
    if not text.strip():
        return None
    try:
        at = parse_until(text, now, zone)
    except ValueError as error:
        return str(error)
    return None if at > now else f"{in_full(at, zone)} is past. Name a later time."


def pause_deed(effect: PauseEffect, author: str, zone: ZoneInfo) -> Deed:
    """Pausing one trigger."""
    until = Field(
        "until", "Until (18:00, tomorrow 9:00, 2025-11-03, 3d; empty: until resumed)", check=lambda text: until_fault(text, effect.at, zone)
    )
    return Deed(
        title=f"Pause {effect.name}?",
        lines=[
            f"Under way: {counted(effect.customers, 'customer')} in {counted(effect.enrolments, 'journey')}, {effect.overdue:,} overdue.",
            f"Waiting in the outbox: {counted(effect.messages, 'message')}. None goes out while it is paused.",
            "Nobody new enters; exits still count. What becomes of what waited is asked when it is resumed.",
        ],
        verb=f"Pause {effect.name}",
        fields=[until, REASON],
        author=author,
    )


def resume_deed(effect: PauseEffect, author: str, zone: ZoneInfo) -> Deed:
    """Resuming one trigger: a policy for what waited."""
    return Deed(
        title=f"Resume {effect.name}?",
        lines=list(_resume_lines(effect, zone)),
        verb=f"Resume {effect.name}",
        choices=[Choice(each.policy, each.words) for each in effect.policies],
        fields=[REASON],
        author=author,
    )


def _resume_lines(effect: PauseEffect, zone: ZoneInfo) -> Iterator[str]:
    if effect.pause is not None:
        yield f"It is {paused_words(effect.pause, False, effect.at, zone)}."
    yield f"Under way: {counted(effect.customers, 'customer')}; overdue: {counted(effect.overdue, 'step')}."
    yield f"In the outbox: {counted(effect.messages, 'message')}, which go out if they still may."
    yield "What becomes of what waited (↑ ↓ chooses):"
