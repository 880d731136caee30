"""The emergency stop of all sending, from every screen, and its end."""

from __future__ import annotations

from typing import cast

from core.model.pauses import EVERYTHING, PausePolicy
from screens.cells.deed import Deed, DialogAnswer, DialogChoice, DialogField
from screens.frame import Frame
from screens.ports.pauses import PauseEffect
from screens.widgets.dialogs import confirm

WHY = DialogField("reason", "Why (for the audit log)")
MARKETING, ALL = "marketing", "everything"


def ask_to_stop_or_go(frame: Frame) -> None:
    """Ask, in numbers, whether to stop all sending, or to end the stop where one holds; then do it."""
    frame.ask(
        lambda service, cancelled: (
            service.triggers.pause_effect(EVERYTHING, cancelled),
            service.place.author,
        ),
        lambda found: _ask(frame, *found),
        group="emergency",
    )


def _ask(frame: Frame, effect: PauseEffect, author: str) -> None:
    read_only = frame.host.place.read_only if frame.host.place is not None else None
    if read_only is not None:
        frame.toast(f"Nothing can be stopped from here: {read_only}.", bad=True)
    elif effect.pause is None:
        confirm(frame, stop_deed(effect, author), lambda given: _stop(frame, given))
    else:
        confirm(frame, go_deed(effect, author), lambda given: _go(frame, given))


def stop_deed(effect: PauseEffect, author: str) -> Deed:
    """What stopping everything would hold up."""
    return Deed(
        "Stop all sending?",
        [
            f"{effect.customers:,} customers are under way; {effect.messages:,} messages wait in the outbox.",
            "Nothing is lost: what falls due waits until somebody ends the stop. It takes effect within a "
            "second.",
        ],
        "Stop all sending",
        choices=(
            DialogChoice(
                MARKETING, "everything but transactional mail (order and shipping confirmations go on)"
            ),
            DialogChoice(ALL, "everything, transactional mail too"),
        ),
        fields=(WHY,),
        author=author,
        is_urgent=True,
    )


def go_deed(effect: PauseEffect, author: str) -> Deed:
    """What ending the stop would set free."""
    since = f"{effect.pause.author} stopped all sending" if effect.pause is not None else ""
    reason = f": {effect.pause.reason}" if effect.pause is not None and effect.pause.reason else ""
    return Deed(
        "End the emergency stop?",
        [
            f"{since}{reason}.",
            f"{effect.customers:,} customers wait, {effect.overdue:,} steps have fallen due meanwhile.",
        ],
        "Send again",
        choices=[DialogChoice(policy.policy, policy.words) for policy in effect.policies],
        fields=(WHY,),
        author=author,
    )


def _stop(frame: Frame, given: DialogAnswer) -> None:
    transactional, reason = given.choice == ALL, given.values["reason"]
    frame.act(lambda service: service.triggers.stop(transactional, reason), frame.toast)


def _go(frame: Frame, given: DialogAnswer) -> None:
    policy, reason = cast("PausePolicy", given.choice), given.values["reason"]
    frame.act(lambda service: service.triggers.go(policy, reason), frame.toast)
