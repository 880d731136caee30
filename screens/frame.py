"""What every screen of the console has: two lines above, one below, a filter, and questions asked off the UI
thread.

A screen asks with `ask`: the question runs in a worker with the service, the answer comes back as a message
and is shown only if nobody has asked anew meanwhile. A worker never touches a widget.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYetError
from typing import TYPE_CHECKING, ClassVar, Final, Generic, Protocol, TypeVar, cast, runtime_checkable
from zoneinfo import ZoneInfo

from textual import on
from textual.actions import parse
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.events import Key, Resize
from textual.message import Message
from textual.message_pump import MessagePump
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Input
from textual.worker import Worker, get_current_worker

from core.errors import ManometerError
from core.instants import Instant, local
from screens.cells import exports
from screens.cells.line import Cell, Cells, fit
from screens.cells.safe_text import display_width, safe_lines, safe_text
from screens.ports import Cancelled, CancelledError, Service, WorkspacePlace
from screens.widgets.input import StillInput
from screens.widgets.keys import SCREENS, key
from screens.widgets.line_widget import Lines

if TYPE_CHECKING:
    from textual.app import App

T = TypeVar("T")
Question = Callable[[Service, Cancelled], T]
"""What is asked of the service, in a worker."""

LEAST: Final = (60, 16)
"""Columns and rows below which the console only says what it needs."""
LONG: Final = 5_000
"""From so many rows on it is said that a file is being written, and after each so many how far it is."""
UTC: Final = ZoneInfo("UTC")
AS_OF: Final = "as of"
TYPING_PAUSE: Final = 0.12
"""Seconds without another key after which a filter asks."""
PATIENCE: Final = 0.05
"""Seconds between two looks whether the service is open, while it is not."""


class Host(Protocol):
    """What a screen needs of the app it runs in."""

    opened: Future[Service]
    place: WorkspacePlace | None
    frozen: bool

    def as_of(self) -> Instant | None:
        """The instant of what is shown; None before the first answer."""
        ...

    def open_customer(self, customer_id: int) -> None:
        """Show one customer."""
        ...

    def open_why(self, customer: str, trigger: str | None = None) -> None:
        """Explain why a customer (by key) did or did not get something, by one trigger or by all."""
        ...

    def open_trigger(self, name: str) -> None:
        """Show one trigger."""
        ...

    def act(self, deed: Callable[[Service], str], done: Callable[[str], None]) -> None:
        """Carry out what was confirmed, and tell how it ended."""
        ...


class Asker(Protocol):
    """A screen that can ask the service."""

    def ask(
        self,
        question: Question[T],
        show: Callable[[T], None],
        *,
        group: str = "data",
        failed: Callable[[str], None] | None = None,
    ) -> None:
        """Ask off the UI thread and show the answer."""
        ...


def asking_frame(widget: Widget) -> Asker:
    """The screen that a widget stands on, to ask the service."""
    return cast(Asker, widget.screen)


@runtime_checkable
class Exportable(Protocol):
    """A list that can be written into a file."""

    ids: Sequence[int]
    fields: exports.Fields
    """What of a row is written; a list without any is not."""

    def values(self, service: Service, cancelled: Cancelled) -> Iterator[list[object]]:
        """The fields of all rows; asked in a worker."""
        ...


class Answered(Message, Generic[T]):
    """An answer has come back."""

    def __init__(self, worker: Worker[None], show: Callable[[T], None], answer: T) -> None:
        super().__init__()
        self.worker = worker
        self.show = show
        self.answer = answer


class Writing(Message):
    """So many rows of a file are written."""

    def __init__(self, done: int, number: int) -> None:
        super().__init__()
        self.done = done
        self.number = number


class Failed(Message):
    """A question could not be answered."""

    def __init__(self, worker: Worker[None], failed: Callable[[str], None] | None, sentence: str) -> None:
        super().__init__()
        self.worker = worker
        self.failed = failed
        self.sentence = sentence


class Asking(MessagePump):
    """The part of a screen that asks; also for dialogs, which have no frame."""

    def ask(
        self,
        question: Question[T],
        show: Callable[[T], None],
        *,
        group: str = "data",
        failed: Callable[[str], None] | None = None,
    ) -> None:
        """Ask in a worker and show the answer; a new question of the same group replaces one still under way.

        `failed` is told the sentence of an error, which is shown in any case.
        """
        screen = cast("Screen[object]", self)

        def work() -> None:
            worker: Worker[None] = get_current_worker()
            try:
                answer = question(
                    _service(screen.app, lambda: worker.is_cancelled), lambda: worker.is_cancelled
                )
            except CancelledError:
                return
            except ManometerError as error:
                screen.post_message(Failed(worker, failed, str(error)))
            except (
                Exception
            ) as error:  # the border of the UI: what a question raises must not end the console
                if not worker.is_cancelled:
                    screen.post_message(Failed(worker, failed, f"Unexpected {type(error).__name__}: {error}"))
            else:
                screen.post_message(Answered(worker, show, answer))

        screen.run_worker(work, group=group, exclusive=True, thread=True, exit_on_error=False)

    def act(self, deed: Callable[[Service], str], done: Callable[[str], None]) -> None:
        """Carry out what an operator has confirmed; unlike a question it is never given up, whatever is shown
        by then.

        `done` is told the sentence of what happened if this screen is still there, else the sentence is shown
        on the one that is.
        """
        screen = cast("Screen[object]", self)
        app = screen.app

        def tell(sentence: str) -> None:
            if screen.is_running:
                done(sentence)
            else:
                app.notify(safe_lines(sentence), markup=False)

        cast(Host, app).act(deed, tell)

    @on(Answered)
    def _show_answer(self, message: Answered[object]) -> None:
        message.stop()
        if not message.worker.is_cancelled:
            message.show(message.answer)

    @on(Failed)
    def _show_failure(self, message: Failed) -> None:
        message.stop()
        if message.worker.is_cancelled:
            return
        if message.failed is not None:
            message.failed(message.sentence)
        cast("Screen[object]", self).notify(
            safe_lines(message.sentence), severity="error", markup=False, timeout=10
        )


def _service(app: App[object], cancelled: Cancelled) -> Service:
    opened = cast(Host, app).opened
    while True:
        try:
            return opened.result(PATIENCE)
        except NotYetError:
            if cancelled():
                raise CancelledError from None


class Frame(Asking, Screen[None]):
    """A screen under the console's two head lines. A subclass names its `mode`, composes its `body` and loads
    in `load`.
    """

    mode: ClassVar[str] = ""
    """The top-level screen it belongs to."""
    filter_hint: ClassVar[str | None] = None
    """What can be written into the filter line; None where there is none."""

    AUTO_FOCUS = None
    """Not the filter line, which comes first."""

    DEFAULT_CSS = """
    Frame { layout: vertical; }
    Frame #body { height: 1fr; }
    Frame #filter, Frame #filter:focus { height: 1; border: none; padding: 0 1; background: $panel; display: none; }
    Frame.too-small > * { display: none; }
    Frame.too-small > TooSmall { display: block; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        key(
            "slash",
            "filter",
            "Filter",
            "filter",
            "narrow what is listed; Enter keeps it, Esc clears it",
            show=True,
            priority=True,
        ),
        key("e", "export", "Export", "export", "write all that is listed into a CSV file"),
        key("escape", "back", "Back", "back", "clear the filter, else back; Esc never leaves the console"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self.stale = True
        self.filter_text = ""
        self.chip = ""
        self.is_writing = False
        """A file is being written."""
        self.writing = ""

    # ---- for the subclasses ----

    def body(self) -> ComposeResult:
        """The widgets between the lines above and below."""
        yield from ()

    def load(self) -> None:
        """Ask for everything shown; called at first, when the data changed, and on `r`."""

    def crumbs(self) -> Sequence[str]:
        """The path to what is shown, below its top-level screen; data, made safe where it is drawn."""
        return ()

    def filtered(self, text: str) -> None:
        """The filter line says this now; called after a pause in typing."""

    def say_filter(self, chip: str) -> None:
        """What the second line says of the filter and its hits."""
        self.chip = chip
        self.head.settle()

    @property
    def is_filtered(self) -> bool:
        """Whether anything is left out of what is listed."""
        return bool(self.filter_text)

    def why_not(self, action: str) -> str | None:
        """Why an action of this screen cannot be done now, as a sentence; None where it can."""
        return None

    @property
    def place(self) -> WorkspacePlace | None:
        """Where the console stands; None while the workspace is being opened."""
        return self.host.place

    @property
    def zone(self) -> ZoneInfo:
        """The time zone that times are shown in."""
        return UTC if self.place is None else self.place.zone

    @property
    def host(self) -> Host:
        """The app, as far as screens know it."""
        return cast(Host, self.app)

    def toast(self, sentence: str, *, bad: bool = False) -> None:
        """A short notice; data in it is made safe."""
        self.notify(safe_lines(sentence), severity="error" if bad else "information", markup=False)

    # ---- the frame ----

    @property
    def head(self) -> Head:
        """The two lines above."""
        return self.query_one(Head)

    def compose(self) -> ComposeResult:
        """Head, filter, body, keys."""
        yield Head()
        if self.filter_hint is not None:
            yield FilterInput(placeholder=self.filter_hint, id="filter")
        yield from self.body()
        yield KeyLine()
        yield TooSmall()

    def on_mount(self) -> None:
        """Load at once; where the service is not open yet the answers come when it is."""
        self.stale = False
        self.focus_first()
        self.load()

    def on_resize(self, event: Resize) -> None:
        """Below the least size nothing is drawn but what it needs."""
        self.set_class(event.size.width < LEAST[0] or event.size.height < LEAST[1], "too-small")

    def on_screen_resume(self) -> None:
        """Back on this screen: what changed meanwhile is loaded now."""
        if self.stale and self.is_mounted:
            self.stale = False
            self.load()

    def data_changed(self) -> None:
        """Somebody has written to the database."""
        if self.is_current and not self.host.frozen:
            self.load()
            self.head.refresh()
        else:
            self.stale = True

    def action_reload(self) -> None:
        """Read everything anew."""
        self.load()
        self.head.refresh()

    def action_back(self) -> None:
        """Stop writing a file, else close the filter, else leave the screen for the one below; a top-level
        screen stays.
        """
        if self.is_writing:
            self._stop_writing()
        elif self.filter_text or self._filter_is_open():
            self.clear_filter()
        elif self.is_mounted and self.is_active and len(self.app.screen_stack) > 1:
            self.app.pop_screen()

    def on_key(self, event: Key) -> None:
        """The key of something that cannot be done now says why."""
        active = self.active_bindings.get(event.key)
        if active is None or active.enabled or isinstance(self.focused, Input):
            return
        action, parameters = parse(active.binding.action)[1:]
        reason = self.reason_of(action, parameters)
        if reason is not None:
            event.stop()
            self.toast(f"{active.binding.description}: {reason.removesuffix('.')}.", bad=True)

    def reason_of(self, action: str, parameters: Sequence[object]) -> str | None:
        """Why the action of a key cannot be done."""
        return self.why_not(action)

    # ---- taking away ----

    def exported(self) -> Exportable | None:
        """The list that `e` writes: the focused one, else the first."""
        lists = [widget for widget in self.query(Lines) if isinstance(widget, Exportable) and widget.fields]
        return next((each for each in lists if each is self.focused), lists[0] if lists else None)

    def action_export(self) -> None:
        """Write the list with its filter into a file."""
        listed = self.exported()
        if listed is None or not listed.ids:
            self.toast(
                "There is no list here to export."
                if listed is None
                else "Nothing is listed that could be exported.",
                bad=True,
            )
            return
        name, number = "-".join((self.mode, *self.crumbs())), len(listed.ids)

        def write(service: Service, cancelled: Cancelled) -> tuple[str, int]:
            heads = exports.heads(listed.fields, service.place.currency)
            return service.exports.table(name, heads, self._told(listed.values(service, cancelled), number))

        self.take_away(write, "row", number)

    def _told(self, rows: Iterator[list[object]], number: int) -> Iterator[list[object]]:
        """The rows, and now and then how far they are; asked in a worker."""
        for done, row in enumerate(rows):
            if done and done % LONG == 0:
                self.post_message(Writing(done, number))
            yield row

    @on(Writing)
    def _show_writing(self, message: Writing) -> None:
        message.stop()
        if self.is_writing:
            self._say_writing(f"writing {message.done:,} of {message.number:,} rows")

    def _say_writing(self, words: str) -> None:
        self.writing = words
        self.head.settle()

    def take_away(
        self, write: Question[tuple[str, int]], noun: str, number: int | None = None, said: str = ""
    ) -> None:
        """Have a file written, and say which and how much of what is in it, or what is `said`; of a long one
        also that it begins.

        A file of which something is `said` has all there is, whatever the filter.
        """
        if self.is_writing:
            self.toast("A file is being written already. Esc stops it.", bad=True)
            return
        self.is_writing = True
        of = " of the filter" if self.is_filtered and not said else ""
        if number is None or number > LONG:
            self.toast(f"Writing {f'{number:,} ' if number else ''}{noun}s{of}. Esc stops it.")

        def written(answer: tuple[str, int]) -> None:
            self._end_writing()
            self.toast(
                said or f"{answer[1]:,} {noun}{'' if answer[1] == 1 else 's'}{of} written to {answer[0]}"
            )

        self.ask(write, written, group="export", failed=self._end_writing)

    def _end_writing(self, _: str = "") -> None:
        self.is_writing = False
        self._say_writing("")

    def _stop_writing(self) -> None:
        self.workers.cancel_group(self, "export")
        self._end_writing()
        self.toast("Stopped: no file was written.")

    # ---- the filter ----

    def _filter_is_open(self) -> bool:
        return any(line.display for line in self.query(FilterInput))

    def action_filter(self) -> None:
        """Open the filter line at once: keys that come in the same burst, as over a slow line or pasted, are
        already its own.
        """
        for line in self.query(FilterInput):
            line.display = True
            self.set_focus(line)

    def clear_filter(self) -> None:
        """Remove the filter and its line."""
        for line in self.query(FilterInput):
            line.clear()
            self._close_filter(line)
        self._take_filter("")

    def _close_filter(self, line: FilterInput) -> None:
        line.display = False
        if line.has_focus:
            self.set_focus(None)
            self.focus_first()

    def focus_first(self) -> None:
        """Give the focus to the first widget below the filter."""
        for widget in self.focus_chain:
            if not isinstance(widget, FilterInput):
                self.set_focus(widget)
                return

    @on(Input.Changed, "#filter")
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        text = event.value
        self.set_timer(TYPING_PAUSE, lambda: self._after_pause(text))

    def _after_pause(self, text: str) -> None:
        line = next(iter(self.query(FilterInput)), None)
        if line is not None and line.value == text:
            self._take_filter(text)

    @on(Input.Submitted, "#filter")
    def _entered(self, event: Input.Submitted) -> None:
        event.stop()
        self._take_filter(event.value)
        self._close_filter(cast(FilterInput, event.input))

    def _take_filter(self, text: str) -> None:
        if text != self.filter_text:
            self.filter_text = text
            self.filtered(text)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """No filter key where there is no filter; what cannot be done now is shown greyed."""
        if action == "filter" and (self.filter_hint is None or isinstance(self.focused, FilterInput)):
            return False
        if action == "export" and self.exported() is None:
            return False
        return None if self.why_not(action) is not None else True


class FilterInput(StillInput):
    """The filter line; the arrows leave it for the list, Esc clears it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        key("enter", "submit", "Keep", "filter.keep", "keep the filter and go to the list", show=True),
        key("escape", "screen.back", "Clear", "filter.clear", "clear the filter", show=True),
        key(
            "down,tab", "leave", "To the list", "filter.leave", "go to the list, the filter stays", show=True
        ),
    ]

    def action_leave(self) -> None:
        """Go to the list, the filter stays."""
        cast(Frame, self.screen)._entered(Input.Submitted(self, self.value))


class Head(Lines):
    """Two or three lines: where the console stands, and the screens with their numbers and the path to what
    is shown.
    """

    DEFAULT_CSS = "Head { height: 2; dock: top; }"

    def render_line(self, y: int) -> Strip:
        """One of the lines."""
        return (self._first, self._second, self._third)[y]()

    def _third(self) -> Strip:
        return self.strip([f" {self._path()}"], self.size.width)

    def _first(self) -> Strip:
        app = cast(Host, self.app)
        width = self.size.width
        place = app.place
        left: list[Cells] = [Cell(" Manometer", "strong")]
        if place is None:
            return self.strip([*left, Cell("  opening …", "dim")], width)
        left.append(Cell(f" {place.workspace} "))
        whole, short = ([*left, *badges(place, app.frozen, short=short)] for short in (False, True))
        at = app.as_of()
        if at is None:
            return self._both(whole, "", width)
        clock = _clock(at, place, width - _wide(whole) - 2)
        if clock.startswith(AS_OF):
            return self._both(whole, clock, width)
        return self._both(short, _clock(at, place, width - _wide(short) - 2), width)

    def _second(self) -> Strip:
        return self._both(self._tabs(), "" if self._is_tall else self._path(), self.size.width)

    def _tabs(self) -> list[Cell]:
        """The screens with their numbers; where not all titles have room, only the title of the one in
        front.
        """
        here = cast(Frame, self.screen).mode
        whole = [f" {number} {title} " for number, _, title in SCREENS]
        short = [
            text if mode == here else f" {number} "
            for (number, mode, _), text in zip(SCREENS, whole, strict=True)
        ]
        texts = whole if len("".join(whole)) <= self.app.size.width else short
        return [
            Cell(text, "cursor" if mode == here else "dim")
            for (_, mode, _), text in zip(SCREENS, texts, strict=True)
        ]

    def _path(self) -> str:
        frame = cast(Frame, self.screen)
        return "  ".join(part for part in (" > ".join(frame.crumbs()), frame.writing or frame.chip) if part)

    @property
    def _is_tall(self) -> bool:
        return self.size.height > 2

    def settle(self) -> None:
        """A third line where the second has no room for path and filter."""
        room = self.app.size.width - sum(len(tab.text) for tab in self._tabs()) - 2
        self.styles.height = 3 if display_width(safe_text(self._path())) > room else 2
        self.refresh()

    def on_resize(self) -> None:
        """Another width has room for another path."""
        self.settle()

    def _both(self, left: Sequence[Cells], right: str, width: int) -> Strip:
        room = width - _wide(left) - 2
        return self.strip([*left, fit(right, max(0, room), right=True), " "], width)


def _wide(line: Sequence[Cells]) -> int:
    return sum(display_width(part if isinstance(part, str) else part.text) for part in line)


def badges(place: WorkspacePlace, frozen: bool, *, short: bool = False) -> Iterable[Cells]:
    """What an operator must know before any key: whether this is live, stopped, read-only, frozen, or without
    recorded consent.
    """
    yield Cell("[SIMULATED]" if place.simulated else "[LIVE]", "accent" if place.simulated else "ok")
    if place.stopped:
        yield Cell(" [STOPPED]", "bad")
    if place.read_only is not None:
        yield Cell(" [READ-ONLY]", "warn")
    if frozen:
        yield Cell(" [FROZEN]", "warn")
    if place.consent_assumed:
        yield Cell(f" [CONSENT ASSUMED{'' if short else ': test data only'}]", "bad")


def _clock(at: Instant, place: WorkspacePlace, room: int) -> str:
    """The instant of what is shown, as fully as there is room for."""
    there = local(at, place.zone)
    forms = (
        f"{AS_OF} {there:%a %d %b %Y %H:%M} {place.zone.key}",
        f"{AS_OF} {there:%a %d %b %Y %H:%M}",
        f"{there:%a %d %b %Y %H:%M}",
        f"{there:%a %d %b %H:%M}",
        f"{there:%d %b %H:%M}",
        f"{there:%H:%M}",
    )
    return next((form for form in forms if len(form) <= room), "")


class KeyLine(Lines):
    """The line below: the keys that do something here, those that cannot now in grey."""

    DEFAULT_CSS = "KeyLine { height: 1; dock: bottom; }"

    _drawn: Sequence[object] = ()

    def on_mount(self) -> None:
        """Follow what can be done."""
        self.screen.bindings_updated_signal.subscribe(self, lambda _: self._follow())

    def _follow(self) -> None:
        """Draw anew only where something else can be done than before: each move of a cursor asks."""
        shown = self._shown()
        if shown != self._drawn:
            self._drawn = shown
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """The keys with their words, those of the focused part first; where there is no room for all, help
        stays.
        """
        width = self.size.width
        shown = self._shown()
        last = [part for part in shown if part[0] == "help"]
        room = width - 1 - sum(part[1] for part in last)
        line: list[Cells] = [" "]
        for name, size, parts in [*(part for part in shown if part[0] != "help"), *last]:
            room -= size if name != "help" else 0
            if room >= 0 or name == "help":
                line.extend(parts)
        return self.strip(line, width)

    def _shown(self) -> list[tuple[str | None, int, list[Cells]]]:
        """What has a place in the line: its id, its width, its parts."""
        shown: dict[str | None, tuple[str | None, int, list[Cells]]] = {}
        for active in self.screen.active_bindings.values():
            binding = active.binding
            if binding.show and binding.id not in shown:
                key, words = self.app.get_key_display(binding), f" {binding.description}  "
                parts: list[Cells] = [
                    Cell(key, "accent" if active.enabled else "dim"),
                    Cell(words, "" if active.enabled else "dim"),
                ]
                shown[binding.id] = (binding.id, display_width(key + words), parts)
        return list(shown.values())


class TooSmall(Lines):
    """What stands there instead when the terminal has not enough room."""

    DEFAULT_CSS = "TooSmall { display: none; height: 1fr; }"

    def render_line(self, y: int) -> Strip:
        """The sentence, in two lines so that it fits a narrow terminal too."""
        width, height = self.app.size
        lines = (f"The console needs {LEAST[0]}x{LEAST[1]},", f"this terminal has {width}x{height}.")
        return self.strip([lines[y] if y < len(lines) else ""], self.size.width)
