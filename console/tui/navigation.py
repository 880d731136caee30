"""Where to: the top-level screens with their numbers, and the screens that others open."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import ClassVar, Final

from textual.app import App
from textual.screen import ModalScreen, Screen

from screens.widgets.keys import SCREENS

FIRST: Final = SCREENS[0][1]
"""The screen that the console begins with."""


def make_screen(module: str, name: str) -> Callable[[], Screen[None]]:
    """Makes a top-level screen whose module is imported when it is first shown: the first picture waits for
    nothing it does not need.
    """

    def make() -> Screen[None]:
        made: Screen[None] = getattr(import_module(f"screens.{module}"), name)()
        return made

    return make


class NavigatingApp(App[None]):
    """An app that goes from screen to screen. The screens are imported when they are first shown."""

    DEFAULT_MODE = FIRST
    MODES: ClassVar = {mode: make_screen(mode, f"{title}Screen") for _, mode, title in SCREENS}

    def __init__(self) -> None:
        super().__init__()
        self._mode_before = self.DEFAULT_MODE

    def open_customer(self, customer_id: int) -> None:
        """Show one customer."""
        from screens.customer import CustomerScreen

        self.push_screen(CustomerScreen(customer_id))

    def open_why(self, customer: str, trigger: str | None = None) -> None:
        """Explain why a customer did or did not get something."""
        from screens.why import WhyScreen

        self.push_screen(WhyScreen(customer, trigger))

    def open_trigger(self, name: str) -> None:
        """Show one trigger."""
        from screens.trigger import TriggerScreen

        self.push_screen(TriggerScreen(name))

    def look_ahead_at(self, channel: str) -> None:
        """Point at today's number of a channel on the pressure screen, which is in front."""
        from screens.pressure import PressureScreen

        if isinstance(self.screen, PressureScreen):
            self.screen.point_at(channel)

    def action_go(self, mode: str) -> None:
        """To a top-level screen; from deeper in it, to its top. A screen that is just opening stays, and so
        does a dialog.
        """
        if isinstance(self.screen, ModalScreen) or not self.screen.is_mounted:
            return
        if mode == self.current_mode:
            while len(self.screen_stack) > 1:
                self.pop_screen()
            return
        self._mode_before = self.current_mode
        self.switch_mode(mode)
        if mode == FIRST and len(self._screen_stacks[mode]) > 1:  # what the palette opened over it
            self.action_go(mode)

    def action_last(self) -> None:
        """To the screen before this one."""
        self.action_go(self._mode_before)
