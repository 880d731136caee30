"""Pausing and resuming a trigger from a screen: the numbers first, then the question, then the deed."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from core.triggers import PausePolicy
from screens.acting import ActingFrame
from screens.dialogs import Given
from screens.rows.moments import parse_until
from screens.rows.pausing import pause_deed, resume_deed
from screens.service.triggers import PauseEffect, TriggerLine


def why_not(screen: ActingFrame, action: str, line: TriggerLine | None) -> str | None:
    """Why a trigger cannot be paused or resumed, or a pause not be undone; None where it can, and for every other action."""
    if action not in ("pause", "resume", "undo"):
        return None
    return screen.read_only() or (_why_not_pause(line) if action == "pause" else _why_not_resume(line))


def _why_not_pause(line: TriggerLine | None) -> str | None:
    """Why a trigger cannot be paused; None where it can."""
    if line is None:
        return "there is no trigger here"
    if line.state == "paused":
        return f"{line.name} is paused already; U resumes it"
    if line.state in ("draft", "retired"):
        return f"{line.name} is {'a draft and never runs' if line.state == 'draft' else 'retired'}; there is nothing to pause"
    return None


def _why_not_resume(line: TriggerLine | None) -> str | None:
    """Why a trigger cannot be resumed; None where it can."""
    if line is None:
        return "there is no trigger here"
    if line.state == "stopped":
        return f"{line.name} itself is not paused; all sending is stopped, and ! ends that"
    return None if line.state == "paused" else f"{line.name} is not paused"


def _ask_effect(screen: ActingFrame, name: str, then: Callable[[PauseEffect], None]) -> None:
    """The numbers; in a group of their own, so that neither a reload gives them up nor they a reload."""
    screen.ask(lambda service, cancelled: service.triggers.pause_effect(name, cancelled), then, group="effect")


def ask_to_pause(screen: ActingFrame, name: str) -> None:
    """Ask in numbers, then pause."""
    _ask_effect(screen, name, lambda effect: _ask_to_pause(screen, effect))


def _ask_to_pause(screen: ActingFrame, effect: PauseEffect) -> None:
    if screen.place is not None:
        deed = pause_deed(effect, screen.place.author, screen.zone)
        screen.confirm(deed, lambda given: _pause(screen, effect, given))


def _pause(screen: ActingFrame, effect: PauseEffect, given: Given) -> None:
    written, reason = given.values["until"], given.values["reason"]
    until = parse_until(written, effect.at, screen.zone) if written.strip() else None
    screen.act(
        lambda service: service.triggers.pause(effect.name, until, reason),
        lambda sentence: screen.done(f"{sentence} u undoes it."),
    )


def ask_to_resume(screen: ActingFrame, name: str) -> None:
    """Ask in numbers what becomes of what waited, then resume."""
    _ask_effect(screen, name, lambda effect: _ask_to_resume(screen, effect))


def _ask_to_resume(screen: ActingFrame, effect: PauseEffect) -> None:
    if screen.place is not None and effect.pause is not None:
        deed = resume_deed(effect, screen.place.author, screen.zone)
        screen.confirm(deed, lambda given: _resume(screen, effect.name, given))


def _resume(screen: ActingFrame, name: str, given: Given) -> None:
    policy, reason = cast(PausePolicy, given.choice), given.values["reason"]
    screen.act(lambda service: service.triggers.resume(name, policy, reason), screen.done)


def undo_pause(screen: ActingFrame, name: str) -> None:
    """Take back the pause that this console has just made."""
    screen.act(lambda service: service.triggers.undo_pause(name), screen.done)
