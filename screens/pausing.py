"""Pausing and resuming from a screen: the numbers first, then the question, then the deed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, cast

from textual.binding import BindingType

from core.model.pauses import PausePolicy
from core.until import parse_until
from screens.action_frame import ActingFrame
from screens.cells.deed import DialogAnswer
from screens.cells.pausing import ALL, pause_deed, resume_deed
from screens.frame import Frame
from screens.ports import WorkspacePlace
from screens.ports.pauses import PauseEffect, PauseView
from screens.ports.triggers import TriggerLine
from screens.widgets.dialogs import confirm
from screens.widgets.keys import key

PAUSING: Final[Sequence[BindingType]] = (
    key("P", "pause", "Pause", "triggers.pause", "pause the trigger; asks first, in numbers", show=True),
    key(
        "U",
        "resume",
        "Resume",
        "triggers.resume",
        "end the pause; asks what becomes of what waited",
        show=True,
    ),
    key("u", "undo", "Undo", "triggers.undo", "take back the pause just made"),
    key(
        "E", "edit", "Edit", "triggers.edit", "change its file in your editor; checked before it is in force"
    ),
    key(
        "b",
        "backtest",
        "Backtest",
        "triggers.backtest",
        "try it on the past: who would have got it, and what it would have pushed aside",
        show=True,
    ),
    key(
        "v",
        "preview",
        "Preview",
        "triggers.preview",
        "what this trigger alone would do in the coming days; of a draft, as if it were active",
        show=True,
    ),
    key(
        "J",
        "journey",
        "Journey",
        "triggers.journey",
        "its journey as a diagram, with the customers at each step and the entries by day",
    ),
    key(
        "d",
        "decisions",
        "Decisions",
        "triggers.decisions",
        "what it has decided, the newest first",
        show=True,
    ),
)
"""The keys of a `PausingFrame`, among its own where they are to stand in its line of keys."""


class PausingFrame(ActingFrame):
    """A frame with a trigger that can be paused, resumed, and asked for its decisions. A subclass says which
    it is.
    """

    deeds = ("pause", "resume", "undo", "edit")

    @property
    def line(self) -> TriggerLine | None:
        """The trigger in numbers; None where there is none, or it is not read yet."""
        raise NotImplementedError

    @property
    def chosen_name(self) -> str | None:
        """The name of the trigger; None where there is none."""
        return None if self.line is None else self.line.name

    def why_not(self, action: str) -> str | None:
        """Why the trigger cannot be paused or resumed, or a pause not be undone; None where it can, and for
        every other action.
        """
        if action not in self.deeds:
            return super().why_not(action)
        if action == "edit":
            return self.read_only() or self.one_at_a_time() or _why_not_edit(self.line)
        return (
            self.read_only()
            or self.one_at_a_time()
            or (_why_not_pause(self.line) if action == "pause" else _why_not_resume(self.line))
        )

    def action_pause(self) -> None:
        """Pause the trigger."""
        if self.chosen_name is not None:
            ask_to_pause(self, self.chosen_name)

    def action_resume(self) -> None:
        """Resume it."""
        if self.chosen_name is not None:
            ask_to_resume(self, self.chosen_name)

    def action_undo(self) -> None:
        """Undo the pause just made."""
        if self.chosen_name is not None:
            undo_pause(self, self.chosen_name)

    def action_edit(self) -> None:
        """Change its file."""
        from screens.editing import EditingScreen  # when first wanted, as below

        if self.chosen_name is not None:
            self.app.push_screen(EditingScreen(f"triggers/{self.chosen_name}.toml"))

    def action_backtest(self) -> None:
        """Try it on the past."""
        from screens.backtest import BacktestScreen  # when first wanted, as below

        if self.chosen_name is not None:
            self.app.push_screen(BacktestScreen(self.chosen_name))

    def action_preview(self) -> None:
        """Look ahead at this trigger alone."""
        from screens.pressure import PressureScreen

        if self.chosen_name is not None:
            self.app.push_screen(PressureScreen(self.chosen_name))

    def action_journey(self) -> None:
        """Its journey as a diagram."""
        from screens.journey import JourneyScreen  # when first wanted, as below

        if self.chosen_name is not None:
            self.app.push_screen(JourneyScreen(self.chosen_name))

    def action_decisions(self) -> None:
        """Its decisions."""
        from screens.decisions import (
            DecisionsOf,  # when first wanted: the first picture waits for nothing it does not need
        )

        if self.chosen_name is not None:
            self.app.push_screen(DecisionsOf(self.chosen_name))


def by_words(pause: PauseView) -> str:
    """Who has paused it, and why where a reason was given."""
    return f" by {pause.author}" + (f": “{pause.reason}”" if pause.reason else "")


def _why_not_pause(line: TriggerLine | None) -> str | None:
    """Why a trigger cannot be paused; None where it can."""
    if line is None:
        return "there is no trigger here"
    if line.state == "paused":
        by = "" if line.pause is None else by_words(line.pause)
        return f"{line.name} is paused already{by}; U resumes it"
    if line.state in ("draft", "retired"):
        what = "a draft and never runs" if line.state == "draft" else "retired"
        return f"{line.name} is {what}; there is nothing to pause"
    return None


def _why_not_edit(line: TriggerLine | None) -> str | None:
    """Why the file of a trigger cannot be changed; None where it can."""
    return "there is no trigger here" if line is None else None


def _why_not_resume(line: TriggerLine | None) -> str | None:
    """Why a trigger cannot be resumed; None where it can."""
    if line is None:
        return "there is no trigger here"
    if line.state == "stopped":
        return f"{line.name} itself is not paused; all sending is stopped, and ! ends that"
    return None if line.state == "paused" else f"{line.name} is not paused"


def _ask_effect(screen: ActingFrame, name: str, then: Callable[[PauseEffect], None]) -> None:
    """The numbers; in a group of their own, so that neither a reload gives them up nor they a reload."""
    screen.ask(
        lambda service, cancelled: service.triggers.pause_effect(name, cancelled), then, group="effect"
    )


def ask_to_pause(screen: ActingFrame, name: str) -> None:
    """Ask in numbers, then pause."""
    _ask_effect(screen, name, lambda effect: _ask_to_pause(screen, effect))


def _ask_to_pause(screen: ActingFrame, effect: PauseEffect) -> None:
    if screen.place is not None:
        deed = pause_deed(effect, screen.place.author, screen.zone)
        confirm(screen, deed, lambda given: _pause(screen, effect, given))


def _pause(screen: ActingFrame, effect: PauseEffect, given: DialogAnswer) -> None:
    written, reason = given.values["until"], given.values["reason"]
    until = parse_until(written, effect.at, screen.zone) if written.strip() else None
    transactional = given.choice == ALL
    screen.act(
        lambda service: service.triggers.pause(effect.name, until, reason, transactional),
        lambda sentence: screen.done(f"{sentence} u undoes it."),
    )


def ask_to_resume(screen: ActingFrame, name: str) -> None:
    """Ask in numbers what becomes of what waited, then resume."""
    _ask_effect(screen, name, lambda effect: _ask_to_resume(screen, effect))


def _ask_to_resume(screen: ActingFrame, effect: PauseEffect) -> None:
    if screen.place is not None and effect.pause is not None:
        deed = resume_deed(effect, screen.place.author, screen.zone)
        confirm(screen, deed, lambda given: _resume(screen, effect.name, given))


def _resume(screen: ActingFrame, name: str, given: DialogAnswer) -> None:
    policy, reason = cast("PausePolicy", given.choice), given.values["reason"]
    screen.act(lambda service: service.triggers.resume(name, policy, reason), screen.done)


def undo_pause(screen: ActingFrame, name: str) -> None:
    """Take back the pause that this console has just made."""
    screen.act(lambda service: service.triggers.undo_pause(name), screen.done)


def ask_to_pause_or_resume(frame: Frame, target: str) -> None:
    """Ask in numbers whether to pause one thing, or to end its pause where one holds; then do it."""
    frame.ask(
        lambda service, cancelled: (service.triggers.pause_effect(target, cancelled), service.place),
        lambda found: _ask_to_turn(frame, *found),
        group="effect",
    )


def _ask_to_turn(frame: Frame, effect: PauseEffect, place: WorkspacePlace) -> None:
    if place.read_only is not None:
        frame.toast(f"Nothing can be paused from here: {place.read_only}.", bad=True)
    elif effect.pause is None:
        confirm(
            frame,
            pause_deed(effect, place.author, place.zone),
            lambda given: _turn_on(frame, effect, place, given),
        )
    else:
        confirm(
            frame,
            resume_deed(effect, place.author, place.zone),
            lambda given: _turn_off(frame, effect, given),
        )


def _turn_on(frame: Frame, effect: PauseEffect, place: WorkspacePlace, given: DialogAnswer) -> None:
    written, reason, transactional = given.values["until"], given.values["reason"], given.choice == ALL
    until = parse_until(written, effect.at, place.zone) if written.strip() else None
    frame.act(
        lambda service: service.triggers.pause(effect.name, until, reason, transactional),
        lambda said: _turned(frame, said),
    )


def _turn_off(frame: Frame, effect: PauseEffect, given: DialogAnswer) -> None:
    policy, reason = cast("PausePolicy", given.choice), given.values["reason"]
    frame.act(
        lambda service: service.triggers.resume(effect.name, policy, reason),
        lambda said: _turned(frame, said),
    )


def _turned(frame: Frame, sentence: str) -> None:
    frame.toast(sentence)
    frame.load()
