"""Leaving the console: for good, or to the shell for a while."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from typing import Final

from textual.app import App

AGAIN_S: Final = 2
"""Seconds within which a second press leaves."""


class LeavingApp(App[None]):
    """An app that is left by a key, by a signal, or for the shell."""

    def __init__(self) -> None:
        super().__init__()
        self._was_warned = False

    @property
    def is_busy(self) -> bool:
        """Whether a change still waits for the database."""
        return False

    def exit_on_signals(self) -> None:
        """A hang-up or a request to end leaves the terminal as it was found."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            # not in the main thread, as in tests, no signal can be taken
            with suppress(NotImplementedError, RuntimeError, ValueError):
                loop.add_signal_handler(number, self.exit)

    async def action_quit(self) -> None:
        """Leave; where a change still waits for the database, only when asked twice, since how it ends cannot
        be told then.
        """
        if self._was_warned or not self.is_busy:
            self.exit()
        else:
            self._warn("A change is still being made; wait to see how it ends, or press q again.")

    def action_interrupt(self) -> None:
        """Ctrl+C leaves when pressed twice within two seconds."""
        if self._was_warned:
            self.exit()
        else:
            self._warn("Press Ctrl+C again to leave, or q.")

    def _warn(self, sentence: str) -> None:
        self._was_warned = True
        self.notify(sentence, markup=False, timeout=AGAIN_S)
        self.set_timer(AGAIN_S, self._forget_warning)

    def _forget_warning(self) -> None:
        self._was_warned = False

    def action_suspend_process(self) -> None:
        """To the shell, where one with job control can bring the console back; who started the console waits
        with it.
        """
        if os.getsid(0) == os.getpgrp():
            self.notify(
                "No shell waits below the console that could bring it back.", markup=False, severity="warning"
            )
            return
        self.app_suspend_signal.publish(self)
        os.killpg(os.getpgrp(), signal.SIGTSTP)
