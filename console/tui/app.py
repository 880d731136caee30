"""The console: wires the screens to a workspace, keeps the terminal whole, and follows what others write."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from codecs import lookup
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, ClassVar, Final

_OVER_SSH: Final = "SSH_CONNECTION" in os.environ or "SSH_TTY" in os.environ


def _set_up_environment() -> None:
    """Fewer frames and no animation over a line; Textual reads these once, when it is imported."""
    os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    os.environ.setdefault("ESCDELAY", "50")
    if _OVER_SSH:
        os.environ.setdefault("TEXTUAL_FPS", "12")


_set_up_environment()

from textual.app import App, SystemCommand  # noqa: E402 - the environment above must stand before
from textual.binding import BindingType  # noqa: E402
from textual.filter import LineFilter  # noqa: E402
from textual.message import Message  # noqa: E402
from textual.screen import ModalScreen, Screen  # noqa: E402

from console.tui.preferences import Preferences, place, read, unknown_keys  # noqa: E402
from core.errors import ManometerError  # noqa: E402
from core.instants import Instant  # noqa: E402
from screens.cells.safe_text import safe_lines  # noqa: E402
from screens.frame import Frame  # noqa: E402
from screens.help import Help, HelpEntry  # noqa: E402
from screens.ports import Service, WorkspacePlace  # noqa: E402
from screens.widgets.keys import EVERYWHERE, SCREENS  # noqa: E402
from screens.widgets.theme import DARK, LIGHT, Fewer, Scrub  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.command import Provider

POLL_S: Final = 0.5
"""Seconds between two looks whether anybody has written; each costs microseconds and sends nothing."""
SETTLE_S: Final = 2.0
"""Seconds at least between two reloads, however fast others write."""


class WorkspaceOpened(Message):
    """The workspace is open."""

    def __init__(self, service: Service) -> None:
        super().__init__()
        self.service = service


class OpenFailed(Message):
    """The workspace could not be opened."""

    def __init__(self, sentence: str) -> None:
        super().__init__()
        self.sentence = sentence


class DatabaseChanged(Message):
    """Somebody has written to the database."""

    def __init__(self, at: Instant) -> None:
        super().__init__()
        self.at = at


class Timed(Message):
    """As of when everything is."""

    def __init__(self, at: Instant) -> None:
        super().__init__()
        self.at = at


class Acted(Message):
    """What an operator has confirmed was carried out, or could not be: the sentence of either."""

    def __init__(self, sentence: str, done: Callable[[str], None] | None) -> None:
        super().__init__()
        self.sentence = sentence
        self.done = done


class CannotFollow(Message):
    """What others write cannot be seen."""

    def __init__(self, sentence: str) -> None:
        super().__init__()
        self.sentence = sentence


class Console(App[None]):
    """The terminal console on one workspace."""

    TITLE = "Manometer"
    ENABLE_COMMAND_PALETTE = True
    COMMAND_PALETTE_BINDING = "ctrl+p"
    COMMANDS: ClassVar = {*App.COMMANDS, lambda: _provider("Doings"), lambda: _provider("Places")}
    BINDINGS: ClassVar[list[BindingType]] = [*EVERYWHERE]
    CSS = """
    ToastRack { margin-bottom: 0; scrollbar-size: 0 0; }
    Toast { width: 100%; max-width: 100%; margin-top: 0; padding: 0 1; }
    """
    """Notices lie over the line of keys, as wide as the screen, and not over what is being read."""
    DEFAULT_MODE = "overview"

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
        self.opened: Future[Service] = Future()
        self.place: WorkspacePlace | None = None
        self.frozen = False
        self._at: Instant | None = None
        self._before = self.DEFAULT_MODE
        self._leaving = Event()
        self._interrupted = False
        self._scrub = Scrub()
        self._fewer = _for_encoding()
        self._acts = ThreadPoolExecutor(1, "acts")
        self._under_way = 0
        self.failure: str | None = None

    # ---- opening and following ----

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Textual's own filters, then the one that lets no control of a terminal pass."""
        return [*super().get_line_filters(), self._scrub, *self._fewer]

    def on_mount(self) -> None:
        """Choose the theme, take the signals that end a session, and open the workspace beside the first
        picture.
        """
        self._take_keys()
        self._take_signals()
        self.app_resume_signal.subscribe(self, lambda _: self.refresh(layout=True))
        self.call_after_refresh(Thread(target=self._follow, name="follow", daemon=True).start)

    def _first_theme(self) -> str:
        """Sixteen colours are the terminal's own, unless colour is not wanted: then the row cursor needs
        ours.
        """
        if self.preferences.theme in self.available_themes:
            return str(self.preferences.theme)
        few = self.console.color_system == "standard" and "NO_COLOR" not in os.environ
        return "ansi-dark" if few else DARK.name

    def _take_keys(self) -> None:
        """The operator's own keys; what in the file is not understood is said, and the rest holds."""
        faults = list(self.preferences.faults)
        if self.preferences.theme is not None and self.preferences.theme not in self.available_themes:
            faults.append(
                f"There is no theme {self.preferences.theme!r}: {', '.join(sorted(self.available_themes))}."
            )
        if self.preferences.keys:
            from screens.widgets.keys import known_ids

            faults += unknown_keys(self.preferences, known_ids())
            self.set_keymap(dict(self.preferences.keys))
        for fault in faults:
            self.notify(safe_lines(fault), severity="warning", markup=False, timeout=15)

    def _take_signals(self) -> None:
        """A hang-up or a request to end leaves the terminal as it was found."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            with suppress(
                NotImplementedError, RuntimeError, ValueError
            ):  # not in the main thread, as in tests
                loop.add_signal_handler(number, self.exit)

    def _follow(self) -> None:
        """In a thread of its own: open the workspace, then tell whenever somebody has written."""
        try:
            service = self.open_service()
        except ManometerError as error:
            self.post_message(OpenFailed(str(error)))
            return
        except Exception as error:  # the border of the UI: told in words at the end
            self.post_message(OpenFailed(f"{self.folder}: unexpected {type(error).__name__}: {error}"))
            return
        self.opened.set_result(service)
        self.post_message(WorkspaceOpened(service))
        for at in self._changes(service):
            self.post_message(DatabaseChanged(at))

    def _close(self, opened: Future[Service]) -> None:
        """Give back what is open; of a service that is still being opened, as soon as it is."""
        opened.result().close()

    def open_service(self) -> Service:
        """The workspace's own; asked in a worker, for its library takes longer to import than the first
        picture to draw.
        """
        from console.tui.answers import LocalService

        service: Service = LocalService(self.folder, read_only=self.read_only)
        return service

    def _changes(self, service: Service) -> Iterator[Instant]:
        seen: int | None = None
        told = ""
        while not self._leaving.is_set():
            try:
                version = service.version()
                if seen is not None and version != seen:
                    yield service.now()
                    self._leaving.wait(SETTLE_S - POLL_S)
                seen = version
            except (
                Exception
            ) as error:  # a database that cannot be asked just now is asked again; what ails it is said once
                told = self._tell(error, told)
            self._leaving.wait(POLL_S)

    def _tell(self, error: Exception, told: str) -> str:
        sentence = (
            str(error)
            if isinstance(error, ManometerError)
            else f"The database cannot be followed: {type(error).__name__}."
        )
        if sentence != told:
            self.post_message(CannotFollow(sentence))
        return sentence

    def on_cannot_follow(self, message: CannotFollow) -> None:
        """Say why nothing is read anew."""
        self.notify(safe_lines(message.sentence), severity="error", markup=False, timeout=30)

    def on_workspace_opened(self, message: WorkspaceOpened) -> None:
        """Show where the console stands."""
        self.place = message.service.place
        self.screen.refresh(layout=False)
        self._note_time(message.service)

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

    def _frames(self) -> Iterable[Frame]:
        stacks = list(self._screen_stacks.values())
        return [screen for stack in stacks for screen in stack if isinstance(screen, Frame)]

    def _note_time(self, service: Service) -> None:
        """Ask in a worker as of when everything is: a simulated clock stands in the database."""

        def ask() -> None:
            try:
                self.post_message(Timed(service.now()))
            except Exception as error:  # the border of the UI
                self._tell(error, "")

        self.run_worker(ask, group="time", exclusive=True, thread=True, exit_on_error=False)

    def on_timed(self, message: Timed) -> None:
        """Show it."""
        self._at = message.at
        if isinstance(self.screen, Frame):
            self.screen.head.refresh()

    # ---- acting ----

    def act(self, deed: Callable[[Service], str], done: Callable[[str], None]) -> None:
        """Carry out what was confirmed: one after the other, never given up, and its end always told."""
        self._under_way += 1
        self._acts.submit(self._carry_out, deed, done)

    def _carry_out(self, deed: Callable[[Service], str], done: Callable[[str], None]) -> None:
        try:
            sentence = deed(self.opened.result())
        except ManometerError as error:
            self.post_message(Acted(str(error), None))
        except Exception as error:  # the border of the UI: told in words
            self.post_message(Acted(f"Unexpected {type(error).__name__}: {error}", None))
        else:
            self.post_message(Acted(sentence, done))

    def on_acted(self, message: Acted) -> None:
        """Tell how it ended, on whatever screen the operator is by now."""
        self._under_way -= 1
        if message.done is None:
            self.notify(safe_lines(message.sentence), severity="error", markup=False, timeout=10)
        else:
            message.done(message.sentence)

    def as_of(self) -> Instant | None:
        """The instant of what is shown."""
        return self._at

    def notify(self, message: str, **how: Any) -> None:
        """As Textual's, but a sentence that stands there already stands there anew, not twice."""
        for known in [each for each in self._notifications if each.message == message]:
            self._unnotify(known)
        super().notify(message, **how)

    # ---- where to ----

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
        self._before = self.current_mode
        self.switch_mode(mode)
        if (
            mode == SCREENS[0][1] and len(self._screen_stacks[mode]) > 1
        ):  # what the palette opened over the first screen
            self.action_go(mode)

    def action_last(self) -> None:
        """To the screen before this one."""
        self.action_go(self._before)

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

    def action_freeze(self) -> None:
        """Stop following changes, or follow them again."""
        self.frozen = not self.frozen
        for screen in self._frames():
            screen.head.refresh()
        if not self.frozen:
            self.action_reload()

    def action_help(self) -> None:
        """What can be done here; what is chosen there is done."""
        if isinstance(self.screen, Help):
            return
        self.push_screen(Help(self.screen), self._do)

    async def _do(self, entry: HelpEntry | None) -> None:
        if entry is None:
            return
        if entry.why_not is not None:
            self.notify(entry.why_not, markup=False, severity="warning")
            return
        await self.run_action(entry.action, default_namespace=entry.node)

    async def action_quit(self) -> None:
        """Leave; where a change still waits for the database, only when asked twice, since how it ends cannot
        be told then.
        """
        if self._interrupted or not self._under_way:
            self.exit()
        else:
            self._warn_before_leaving(
                "A change is still being made; wait to see how it ends, or press q again."
            )

    def action_interrupt(self) -> None:
        """Ctrl+C leaves when pressed twice within two seconds."""
        if self._interrupted:
            self.exit()
            return
        self._warn_before_leaving("Press Ctrl+C again to leave, or q.")

    def _warn_before_leaving(self, sentence: str) -> None:
        self._interrupted = True
        self.notify(sentence, markup=False, timeout=2)
        self.set_timer(2, self._forget_interrupt)

    def _forget_interrupt(self) -> None:
        self._interrupted = False

    def action_command_palette(self) -> None:
        """Open the palette."""
        from screens.palette import Palette  # when first wanted

        if not isinstance(self.screen, Palette):
            self.push_screen(Palette())  # without an id: one that has not quite gone would be in its way

    def search_themes(self) -> None:
        """Open the palette on the themes alone."""
        from textual.theme import ThemeProvider

        from screens.palette import Palette

        self.push_screen(Palette(providers=[ThemeProvider], placeholder="Search for themes…"))

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

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """What the palette lists beside its search: the screens, help, themes, quit."""
        for _, mode, title in SCREENS:
            yield SystemCommand(title, f"Go to {title}", lambda mode=mode: self.action_go(mode))
        yield SystemCommand("Help", "The keys of this screen", self.action_help)
        yield SystemCommand("Theme", "Change colours", self.action_change_theme)
        yield SystemCommand("Freeze", "Stop or resume following changes", self.action_freeze)
        yield SystemCommand("Quit", "Leave the console", self.action_quit)

    async def on_unmount(self) -> None:
        """Stop following and close the workspace."""
        self._leaving.set()
        await asyncio.to_thread(self._acts.shutdown)  # what was confirmed is finished first
        self.opened.add_done_callback(self._close)


def _provider(name: str) -> type[Provider]:
    """A part of the palette, imported when it is first opened."""
    from screens import palette

    found: type[Provider] = getattr(palette, name)
    return found


def _mode(module: str, screen: str) -> object:
    """A top-level screen that is imported when it is first shown: the first picture waits for nothing it does
    not need.
    """

    def make() -> Screen[None]:
        from importlib import import_module

        made: Screen[None] = getattr(import_module(f"screens.{module}"), screen)()
        return made

    return make


Console.MODES = {mode: _mode(mode, f"{title}Screen") for _, mode, title in SCREENS}  # type: ignore[misc]


def open_console(folder: Path, *, read_only: bool = False, mouse: bool | None = None) -> int:
    """Run the console on a workspace until the operator leaves; the exit code."""
    unfit = _unfit()
    if unfit is not None:
        raise ManometerError(unfit)
    preferences = read(place())
    app = Console(folder, read_only=read_only, preferences=preferences)
    app.run(mouse=preferences.mouse if mouse is None else mouse)
    if app.failure is not None:
        raise ManometerError(app.failure)
    return app.return_code or 0


def _for_encoding() -> list[LineFilter]:
    """What a terminal needs that was not said to speak UTF-8; the locale `C` says nothing, and terminals
    speak UTF-8 nowadays.
    """
    terminal = sys.__stderr__
    known = "utf-8" if terminal is None else lookup(terminal.encoding).name
    if known == "ascii" and isinstance(terminal, TextIOWrapper):
        terminal.reconfigure(encoding="utf-8")
        known = "utf-8"
    return [] if known == "utf-8" else [Fewer(known)]


def _unfit() -> str | None:
    """Why there can be no console here, and what to do; None where there can."""
    if not (sys.stdin.isatty() and sys.__stderr__ is not None and sys.__stderr__.isatty()):
        return "the console needs a terminal on standard input and standard error. Without one use the commands: `manometer --help`."
    if os.environ.get("TERM", "dumb") == "dumb":
        return "this terminal (TERM=dumb) cannot draw the console. Use the commands, `manometer --help`, or another terminal."
    return None
