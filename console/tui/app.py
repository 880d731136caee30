"""The console: wires the screens to a workspace, keeps the terminal whole, and follows what others write."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import console.tui.environment  # noqa: F401 - Textual reads the environment when it is imported

# isort: split
from textual.binding import BindingType
from textual.events import Event, InputEvent, Key
from textual.filter import LineFilter
from textual.message import Message
from textual.screen import ModalScreen

from console.tui.acting import Acted, DeedQueue
from console.tui.finding import FindingApp
from console.tui.following import (
    CannotFollow,
    DatabaseChanged,
    Follower,
    FollowsAgain,
    OpenFailed,
    WorkspaceOpened,
    why_not_followed,
)
from console.tui.leaving import LeavingApp
from console.tui.navigation import NavigatingApp
from console.tui.preferences import Preferences, faults_of, place, read
from console.tui.terminal import encoding_filters, usual_theme, why_unfit
from core.errors import ManometerError
from core.instants import Instant
from screens.cells.commands import notice
from screens.cells.safe_text import safe_lines
from screens.frame import Frame
from screens.ports import WorkspacePlace
from screens.ports.service import Service
from screens.ports.session import SessionAct
from screens.widgets.keys import EVERYWHERE
from screens.widgets.theme import DARK, LIGHT, Scrub
from screens.widgets.too_small import is_too_small


class Timed(Message):
    """As of when everything is; ms UTC."""

    def __init__(self, at: Instant) -> None:
        super().__init__()
        self.at = at


class Console(NavigatingApp, FindingApp, LeavingApp):
    """The terminal console on one workspace."""

    TITLE = "Manometer"
    BINDINGS: ClassVar[list[BindingType]] = [*EVERYWHERE]
    CSS = """
    ToastRack { margin-bottom: 0; scrollbar-size: 0 0; }
    Toast { width: 100%; max-width: 100%; margin-top: 0; padding: 0 1; }
    """
    """Notices lie over the line of keys, as wide as the screen, and not over what is being read."""

    def __init__(
        self, folder: Path, *, read_only: bool = False, preferences: Preferences | None = None
    ) -> None:
        super().__init__()
        self.HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide"), (140, "-xwide")]
        self.VERTICAL_BREAKPOINTS = [(0, "-short"), (30, "-tall")]
        self.folder = folder
        self.read_only = read_only
        self.preferences = preferences or Preferences()
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = self._first_theme()  # before the first style sheet is read, or all of it is read twice
        self._follower = Follower(folder, lambda: self.open_service(), self.post_message)
        self.opened = self._follower.opened
        self._deeds = DeedQueue(self.opened, self.post_message)
        self.place: WorkspacePlace | None = None
        self.frozen = False
        self.failure: str | None = None
        """Why the workspace could not be opened."""
        self._at: Instant | None = None
        self.session: list[SessionAct] = []
        """What was done here, with its commands, the oldest first."""
        self._line_filters = [Scrub(), *encoding_filters()]

    # ---- the terminal ----

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Textual's own filters, then the one that lets no control of a terminal pass."""
        return [*super().get_line_filters(), *self._line_filters]

    def on_mount(self) -> None:
        """Choose the theme, take the signals that end a session, and open the workspace beside the first
        picture.
        """
        self._take_preferences()
        self.exit_on_signals()
        self.app_resume_signal.subscribe(self, lambda _: self.refresh(layout=True))
        self.call_after_refresh(self._follower.start)

    def _first_theme(self) -> str:
        preferred = self.preferences.theme
        if preferred is not None and preferred in self.available_themes:
            return preferred
        return usual_theme(self.console.color_system)

    def _take_preferences(self) -> None:
        """The operator's own keys; what in the file is not understood is said, and the rest holds."""
        for fault in faults_of(self.preferences, self.available_themes):
            self.notify(safe_lines(fault), severity="warning", markup=False, timeout=15)
        if self.preferences.keys:
            self.set_keymap(dict(self.preferences.keys))

    def notify(self, message: str, **how: Any) -> None:
        """As Textual's, but a sentence that stands there already stands there anew, not twice."""
        for known in [each for each in self._notifications if each.message == message]:
            self._unnotify(known)
        super().notify(message, **how)

    async def on_event(self, event: Event) -> None:
        """In a terminal that is too small for what is shown nothing is done but leaving: who presses a key
        would not see what it does.
        """
        if isinstance(event, InputEvent) and is_too_small(self.size) and not _leaves(event):
            return
        await super().on_event(event)

    # ---- the workspace ----

    def open_service(self) -> Service:
        """The workspace's own; asked in a worker, for its library takes longer to import than the first
        picture to draw.
        """
        from console.tui.answers.local_service import LocalService

        service: Service = LocalService(self.folder, read_only=self.read_only)
        return service

    def on_workspace_opened(self, message: WorkspaceOpened) -> None:
        """Show where the console stands."""
        self.place = message.service.place
        self.screen.refresh(layout=False)
        self._note_time(message.service)
        for sentence in message.service.place.news:
            self.notify(safe_lines(sentence), markup=False, timeout=60)

    def on_open_failed(self, message: OpenFailed) -> None:
        """Leave, with the sentence on standard error."""
        self.failure = message.sentence
        self.exit(return_code=1)

    def on_database_changed(self, message: DatabaseChanged) -> None:
        """Every screen learns of it; the one in front reads anew."""
        self._at = message.at
        self.place = self.opened.result().place
        for screen in self._frames():
            screen.data_changed()

    def on_cannot_follow(self, message: CannotFollow) -> None:
        """Mark what is shown as old, and say why nothing is read anew."""
        if self.place is not None:
            self.place = replace(self.place, is_lost=True)
        for screen in self._frames():
            screen.head.refresh()
        self.notify(safe_lines(message.sentence), severity="error", markup=False, timeout=30)

    def on_follows_again(self, message: FollowsAgain) -> None:
        """Read everything anew, and take the mark away."""
        self.clear_notifications()
        self.on_database_changed(DatabaseChanged(message.at))
        for screen in self._frames():
            screen.head.refresh()
        self.notify("The database can be read again; everything is as of now.", markup=False)

    def _frames(self) -> Iterator[Frame]:
        for stack in list(self._screen_stacks.values()):
            yield from [screen for screen in stack if isinstance(screen, Frame)]

    def as_of(self) -> Instant | None:
        """The instant of what is shown."""
        return self._at

    def _note_time(self, service: Service) -> None:
        """Ask in a worker as of when everything is: a simulated clock stands in the database."""

        def ask() -> None:
            try:
                self.post_message(Timed(service.now()))
            except Exception as error:  # the border of the UI
                self.post_message(CannotFollow(why_not_followed(error)))

        self.run_worker(ask, group="time", exclusive=True, thread=True, exit_on_error=False)

    def on_timed(self, message: Timed) -> None:
        """Show it."""
        self._at = message.at
        if isinstance(self.screen, Frame):
            self.screen.head.refresh()

    # ---- acting ----

    def act(
        self,
        deed: Callable[[Service], str],
        done: Callable[[str], None],
        failed: Callable[[], None] | None = None,
    ) -> None:
        """Carry out what was confirmed: one after the other, never given up, and its end always told."""
        self._deeds.add(deed, done, failed)

    def on_acted(self, message: Acted) -> None:
        """Tell how it ended, on whatever screen the operator is by now."""
        self._deeds.told()
        if message.done is None:
            self.notify(safe_lines(message.sentence), severity="error", markup=False, timeout=10)
            if message.failed is not None:
                message.failed()
            return
        message.done(message.sentence)
        for command in message.commands:
            self.session.append(SessionAct(self._at or 0, message.sentence, command))
            self.notify(safe_lines(notice(command, self.size.width)), markup=False)

    @property
    def is_busy(self) -> bool:
        """Whether a change still waits for the database."""
        return self._deeds.is_busy

    def edit_file(self, path: Path) -> str | None:
        """Hand the terminal to the operator's editor until it ends; what went wrong, as a sentence."""
        from console.tui.editor import edit_in  # when first wanted

        return edit_in(self.suspend, path)

    # ---- everywhere ----

    def action_stop(self) -> None:
        """Ask to stop all sending, or to end the stop."""
        from screens.emergency import ask_to_stop_or_go

        if isinstance(self.screen, Frame):
            ask_to_stop_or_go(self.screen)

    def action_reload(self) -> None:
        """Read the screen in front anew."""
        if isinstance(self.screen, Frame):
            self.screen.action_reload()
        if self.opened.done():
            self._note_time(self.opened.result())

    def action_commands(self) -> None:
        """What was done in this session, as commands."""
        from screens.commands import CommandsScreen  # when first wanted, as all but the first screen

        if not isinstance(self.screen, ModalScreen | CommandsScreen):
            self.action_go("audit")
            self.push_screen(CommandsScreen())

    def action_freeze(self) -> None:
        """Stop following changes, or follow them again."""
        self.frozen = not self.frozen
        for screen in self._frames():
            screen.head.refresh()
        if not self.frozen:
            self.action_reload()

    async def on_unmount(self) -> None:
        """Finish what was confirmed, stop following, and close the workspace."""
        self._follower.stop()
        await asyncio.to_thread(self._deeds.finish)
        self._follower.close()


def _leaves(event: InputEvent) -> bool:
    """Whether it is a key that leaves the console, for good or for a while."""
    return isinstance(event, Key) and event.key in ("ctrl+c", "ctrl+q", "ctrl+z")


def open_console(folder: Path, *, read_only: bool = False, mouse: bool | None = None) -> int:
    """Run the console on a workspace until the operator leaves; the exit code.

    Raises ManometerError where the terminal cannot show it or the workspace cannot be opened.
    """
    unfit = why_unfit()
    if unfit is not None:
        raise ManometerError(unfit)
    preferences = read(place())
    app = Console(folder, read_only=read_only, preferences=preferences)
    app.run(mouse=preferences.mouse if mouse is None else mouse)
    if app.failure is not None:
        raise ManometerError(app.failure)
    return app.return_code or 0
