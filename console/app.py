"""The console: wires the screens to a workspace, keeps the terminal whole, and follows what others write."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, ClassVar, Final

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
from textual.screen import Screen  # noqa: E402

from core.errors import ManometerError  # noqa: E402
from core.instants import Instant  # noqa: E402
from screens.frame import Frame  # noqa: E402
from screens.help import Entry, Help  # noqa: E402
from screens.keys import EVERYWHERE, SCREENS  # noqa: E402
from screens.look import CSS, DARK, LIGHT, Scrub  # noqa: E402
from screens.service import Place, Service  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Sequence

POLL_S: Final = 0.5
"""Seconds between two looks whether anybody has written; each costs microseconds and sends nothing."""
SETTLE_S: Final = 2.0
"""Seconds at least between two reloads, however fast others write."""


class Opened(Message):
    """The workspace is open."""

    def __init__(self, service: Service) -> None:
        super().__init__()
        self.service = service


class OpenFailed(Message):
    """The workspace could not be opened."""

    def __init__(self, sentence: str) -> None:
        super().__init__()
        self.sentence = sentence


class Changed(Message):
    """Somebody has written to the database."""

    def __init__(self, at: Instant) -> None:
        super().__init__()
        self.at = at


class Console(App[None]):
    """The terminal console on one workspace."""

    TITLE = "Manometer"
    CSS = CSS
    ENABLE_COMMAND_PALETTE = True
    COMMAND_PALETTE_BINDING = "ctrl+p"
    BINDINGS: ClassVar[list[BindingType]] = [*EVERYWHERE]
    DEFAULT_MODE = "overview"

    def __init__(self, folder: Path, *, read_only: bool = False) -> None:
        super().__init__()
        self.HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide"), (140, "-xwide")]
        self.VERTICAL_BREAKPOINTS = [(0, "-short"), (30, "-tall")]
        self.folder = folder
        self.read_only = read_only
        self.opened: Future[Service] = Future()
        self.place: Place | None = None
        self.frozen = False
        self._at: Instant | None = None
        self._before = self.DEFAULT_MODE
        self._leaving = Event()
        self._interrupted = False
        self._scrub = Scrub()
        self.failure: str | None = None

    # ---- opening and following ----

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Textual's own filters, then the one that lets no control of a terminal pass."""
        return [*super().get_line_filters(), self._scrub]

    def on_mount(self) -> None:
        """Choose the theme, take the signals that end a session, and open the workspace beside the first picture."""
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        self.theme = self._first_theme()
        self._take_signals()
        self.call_after_refresh(Thread(target=self._follow, name="follow", daemon=True).start)

    def _first_theme(self) -> str:
        """Sixteen colours are the terminal's own, unless colour is not wanted: then the row cursor needs ours."""
        few = self.console.color_system == "standard" and "NO_COLOR" not in os.environ
        return "ansi-dark" if few else DARK.name

    def _take_signals(self) -> None:
        """A hang-up or a request to end leaves the terminal as it was found."""
        import asyncio

        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            with suppress(NotImplementedError, RuntimeError, ValueError):  # not in the main thread, as in tests
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
        self.post_message(Opened(service))
        for at in self._changes(service):
            self.post_message(Changed(at))

    def open_service(self) -> Service:
        """The workspace's own; asked in a worker, for its library takes longer to import than the first picture to draw."""
        from console.service import LocalService

        service: Service = LocalService(self.folder, read_only=self.read_only)
        return service

    def _changes(self, service: Service) -> Iterator[Instant]:
        seen = service.version()
        while not self._leaving.wait(POLL_S):
            try:
                version = service.version()
                if version != seen:
                    seen = version
                    yield service.now()
                    self._leaving.wait(SETTLE_S - POLL_S)
            except Exception as error:  # a database that cannot be asked just now is asked again
                self.log.warning(f"cannot follow: {type(error).__name__}")

    def on_opened(self, message: Opened) -> None:
        """Show where the console stands."""
        self.place = message.service.place
        self.screen.refresh(layout=False)
        self._note_time(message.service)

    def on_open_failed(self, message: OpenFailed) -> None:
        """Leave, with the sentence on standard error."""
        self.failure = message.sentence
        self.exit(return_code=1)

    def on_changed(self, message: Changed) -> None:
        """Every screen learns of it; the one in front reads anew."""
        self._at = message.at
        for screen in self._frames():
            screen.data_changed()

    def _frames(self) -> Iterable[Frame]:
        stacks = list(self._screen_stacks.values())
        return [screen for stack in stacks for screen in stack if isinstance(screen, Frame)]

    def _note_time(self, service: Service) -> None:
        def ask() -> None:
            at = service.now()
            self.call_from_thread(self._set_time, at)

        Thread(target=ask, daemon=True).start()

    def _set_time(self, at: Instant) -> None:
        self._at = at
        if isinstance(self.screen, Frame):
            self.screen.head.refresh()

    def as_of(self) -> Instant | None:
        """The instant of what is shown."""
        return self._at

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
        """To a top-level screen; from deeper in it, to its top."""
        if mode == self.current_mode:
            while len(self.screen_stack) > 1:
                self.pop_screen()
            return
        self._before = self.current_mode
        self.switch_mode(mode)

    def action_last(self) -> None:
        """To the screen before this one."""
        self.action_go(self._before)

    # ---- everywhere ----

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

    async def _do(self, entry: Entry | None) -> None:
        if entry is None:
            return
        if entry.why_not is not None:
            self.notify(entry.why_not, markup=False, severity="warning")
            return
        await self.run_action(entry.action, default_namespace=entry.node)

    def action_interrupt(self) -> None:
        """Ctrl+C leaves when pressed twice within two seconds."""
        if self._interrupted:
            self.exit()
            return
        self._interrupted = True
        self.notify("Press Ctrl+C again to leave, or q.", markup=False, timeout=2)
        self.set_timer(2, self._forget_interrupt)

    def _forget_interrupt(self) -> None:
        self._interrupted = False

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """What the palette lists beside its search: the screens, help, themes, quit."""
        for _, mode, title in SCREENS:
            yield SystemCommand(title, f"Go to {title}", lambda mode=mode: self.action_go(mode))
        yield SystemCommand("Help", "The keys of this screen", self.action_help)
        yield SystemCommand("Theme", "Change colours", self.action_change_theme)
        yield SystemCommand("Freeze", "Stop or resume following changes", self.action_freeze)
        yield SystemCommand("Quit", "Leave the console", self.exit)

    async def on_unmount(self) -> None:
        """Stop following and close the workspace."""
        self._leaving.set()
        if self.opened.done():
            self.opened.result().close()


def _mode(module: str, screen: str) -> object:
    """A top-level screen that is imported when it is first shown: the first picture waits for nothing it does not need."""

    def make() -> Screen[None]:
        from importlib import import_module

        made: Screen[None] = getattr(import_module(f"screens.{module}"), screen)()
        return made

    return make


Console.MODES = {mode: _mode(mode, f"{title}Screen") for _, mode, title in SCREENS}  # type: ignore[misc]


def open_console(folder: Path, *, read_only: bool = False, mouse: bool = False) -> int:
    """Run the console on a workspace until the operator leaves; the exit code."""
    unfit = _unfit()
    if unfit is not None:
        raise ManometerError(unfit)
    app = Console(folder, read_only=read_only)
    app.run(mouse=mouse)
    if app.failure is not None:
        raise ManometerError(app.failure)
    return app.return_code or 0


def _unfit() -> str | None:
    """Why there can be no console here, and what to do; None where there can."""
    if not (sys.stdin.isatty() and sys.__stderr__ is not None and sys.__stderr__.isatty()):
        return "the console needs a terminal on standard input and standard error. Without one use the commands: `manometer --help`."
    if os.environ.get("TERM", "dumb") == "dumb":
        return "this terminal (TERM=dumb) cannot draw the console. Use the commands, `manometer --help`, or another terminal."
    return None
