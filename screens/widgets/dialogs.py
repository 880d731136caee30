"""Questions before something is done that is hard to undo: what it is, in numbers, and the deed by its name.

The focus stands on Cancel. The key that confirms is never the one that opened the dialog.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, Final, cast

from rich.table import Table
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.events import Key, Resize
from textual.screen import ModalScreen, Screen
from textual.widgets import Button, Input, Label, Static

from screens.asking import Asking
from screens.cells.deed import REASON, Deed, DialogAnswer, DialogChoice, DialogField
from screens.cells.line import Line
from screens.cells.safe_text import safe_text
from screens.host import Host
from screens.widgets.input import StillInput
from screens.widgets.keys import key
from screens.widgets.line_widget import TextLines
from screens.widgets.modal import LeavesOnce

NAMES: Final = 16
"""Columns of the names of ways."""
AROUND: Final = 6
"""Rows of a dialog around its words: the frame, the buttons with a gap, and what is wrong."""
LEAST_WORDS: Final = 3
"""Rows: the title, a gap, and a line of what scrolls."""
FRAME: Final = 2
"""Rows of a frame."""
HERE: Final = "Tab leads here"
REASON_HERE: Final = "r leads here"
NUMBER_HERE: Final = "a digit leads here"
"""Show where there is something to write, on terminals without colours too."""


class Dialog(LeavesOnce, Asking, ModalScreen[DialogAnswer | None]):
    """Asks whether to do it; gives what was written, or None where it was cancelled."""

    DEFAULT_CSS = """
    Dialog { align: center middle; }
    Dialog > #box {
        width: 76; max-width: 96%; height: auto; max-height: 96%;
        background: $surface; border: round $primary; padding: 0 1;
    }
    Dialog #words { height: auto; }
    Dialog .title { text-style: bold; margin-bottom: 1; width: 100%; }
    Dialog .line { width: 100%; }
    Dialog .choice.chosen { text-style: bold reverse; }
    Dialog Input, Dialog Input:focus { border: none; height: 1; padding: 0 1; background: $boost; }
    Dialog .label { margin-top: 1; color: $text-muted; width: 100%; }
    Dialog.-short .label { margin-top: 0; }
    Dialog #fault { color: $error; text-style: bold; width: 100%; height: auto; }
    Dialog #buttons { height: 1; margin-top: 1; align-horizontal: right; }
    Dialog.full #buttons { margin-top: 0; }
    Dialog Button { height: 1; min-width: 12; border: none; margin-left: 2; }
    Dialog Button:focus { text-style: bold reverse; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        key("escape", "cancel", "Cancel", "dialog.cancel", "leave without doing it"),
        key("y", "do", "Do it", "dialog.do", "do it"),
        key("r", "reason", "Reason", "dialog.reason", "write the reason"),
        key("pagedown", "words(1)", "More", "dialog.page_down", "what more it says, where it has no room"),
        key("pageup", "words(-1)", "Before", "dialog.page_up", "what it said before"),
        key("down", "choose(1)", "Next way", "dialog.next"),
        key("up", "choose(-1)", "Way before", "dialog.before"),
        key("right,down", "app.focus_next", "Next", "dialog.focus_next"),
        key("left,up", "app.focus_previous", "Before", "dialog.focus_before"),
    ]
    AUTO_FOCUS = "#cancel"

    def __init__(self, deed: Deed) -> None:
        super().__init__()
        self.deed = deed
        self._choice = 0

    def compose(self) -> ComposeResult:
        """Title, what it does, ways, fields, buttons."""
        deed = self.deed
        with Vertical(id="box"):
            with VerticalScroll(id="words", can_focus=False):
                yield Label(Text(safe_text(deed.title)), classes="title")
                for line in deed.lines:
                    yield Static(Text(safe_text(line)), classes="line")
                for number, choice in enumerate(deed.choices):
                    yield Static(
                        self._choice_text(number, choice), classes="choice line", id=f"choice-{number}"
                    )
            yield from self._fields()
            yield Static("", id="fault")
            with Horizontal(id="buttons"):
                yield Button(Text("Cancel (Esc)"), id="cancel", compact=True)
                yield Button(Text(f"{safe_text(deed.verb)} (y)"), id="do", compact=True)

    def _fields(self) -> ComposeResult:
        deed = self.deed
        for each in deed.fields:
            needed = " (needed)" if each.needed else ""
            yield Label(Text(safe_text(each.label) + needed), classes="label")
            here = REASON_HERE if each.name == REASON else HERE
            yield StillInput(value=each.value, placeholder=here, id=f"field-{each.name}")
        if deed.typed is not None:
            yield Label(Text(f"Type {safe_text(deed.typed)} to go on:"), classes="label")
            yield StillInput(placeholder=NUMBER_HERE, id="typed", select_on_focus=False)
        if deed.author:
            yield Label(Text(f"It is recorded under the name {safe_text(deed.author)}."), classes="label")

    def on_resize(self, event: Resize) -> None:
        """In a low terminal the words scroll; what is to be written, what is wrong and the buttons are always
        seen.
        """
        written = len(self.query(Label)) - 1 + len(self.query(Input))
        gaps = 0 if self.has_class("-short") else len(self.query(".label"))
        left = event.size.height - AROUND - written - gaps
        self.query_one("#words").styles.max_height = max(LEAST_WORDS, left)
        self.set_class(left < LEAST_WORDS, "full")

    def on_mount(self) -> None:
        """The first way is chosen; what was said before does not lie over the question."""
        self.app.clear_notifications()
        self._mark_choice()

    def _choice_text(self, number: int, choice: DialogChoice) -> Table:
        """The way's name, and beside it what it would do."""
        sign = "(•)" if number == self._choice else "( )"
        line = Table.grid(expand=True)
        line.add_column(width=NAMES)
        line.add_column(ratio=1)
        line.add_row(Text(f"{sign} {choice.name}"), Text(safe_text(choice.words)))
        return line

    def _mark_choice(self) -> None:
        for number, choice in enumerate(self.deed.choices):
            widget = self.query_one(f"#choice-{number}", Static)
            widget.update(self._choice_text(number, choice))
            widget.set_class(number == self._choice, "chosen")
            if number == self._choice:
                widget.scroll_visible(animate=False)

    def action_choose(self, step: int) -> None:
        """Another way."""
        self._choice = (self._choice + step) % len(self.deed.choices)
        self._mark_choice()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The arrows choose a way where there are several, else move the focus; a reason needs its line."""
        if action == "reason":
            return any(each.name == REASON for each in self.deed.fields)
        return bool(self.deed.choices) if action == "choose" else True

    def action_reason(self) -> None:
        """To the line for the reason, where there is one."""
        for line in self.query(f"#field-{REASON}"):
            line.focus()

    def action_words(self, pages: int) -> None:
        """Scroll what it says, while the buttons stay."""
        words = self.query_one("#words")
        words.scroll_relative(y=pages * max(1, words.size.height - 1), animate=False)

    def on_key(self, event: Key) -> None:
        """A digit begins the number that has to be typed, wherever the focus is but in a line."""
        if self.deed.typed is not None and event.key.isdigit() and not isinstance(self.focused, Input):
            event.stop()
            line = self.query_one("#typed", Input)
            self.set_focus(line)
            line.insert_text_at_cursor(event.key)

    def action_cancel(self) -> None:
        """Nothing is done."""
        self.dismiss(None)

    @on(Button.Pressed, "#cancel")
    def _cancel_pressed(self) -> None:
        self.action_cancel()

    @on(Button.Pressed, "#do")
    def _do_pressed(self) -> None:
        self.action_do()

    @on(Input.Submitted)
    def _next_field(self, event: Input.Submitted) -> None:
        """From line to line, and from the last to the deed: who has written why does not mean Cancel."""
        written = list(self.query(Input))
        after = written[written.index(event.input) + 1 :]
        (after[0] if after else self.query_one("#do")).focus()

    def action_do(self) -> None:
        """Do it, if everything needed is written; else say what is missing."""
        fault = self._fault()
        if fault is not None:
            self.query_one("#fault", Static).update(Text(safe_text(fault)))
            return
        values = {each.name: self._value(each) for each in self.deed.fields}
        chosen = self.deed.choices[self._choice].name if self.deed.choices else None
        self.dismiss(DialogAnswer(chosen, values))

    def _value(self, each: DialogField) -> str:
        return self.query_one(f"#field-{each.name}", Input).value.strip()

    def _fault(self) -> str | None:
        for each in self.deed.fields:
            value = self._value(each)
            if each.needed and not value:
                return f"{each.label}: this is needed."
            fault = each.check(value) if value else None
            if fault is not None:
                return fault
        if self.deed.typed is not None and self.query_one("#typed", Input).value.strip() != self.deed.typed:
            return f"What was typed is not {self.deed.typed}."
        return None


def confirm(screen: Screen[None], deed: Deed, then: Callable[[DialogAnswer], None]) -> None:
    """Ask before a deed, and go on with what was given where the answer is yes."""
    place = cast("Host", screen.app).place
    needs_reasons = place is not None and place.needs_reasons

    def answered(given: DialogAnswer | None) -> None:
        if given is not None:
            then(given)

    screen.app.push_screen(Dialog(deed.with_reason() if needs_reasons else deed), answered)


class Reading(LeavesOnce, Asking, ModalScreen[None]):
    """A text to read in a box over the screen: the details of a row, an explanation."""

    DEFAULT_CSS = """
    Reading { align: center middle; }
    Reading > #box {
        width: 96%; max-width: 120; height: auto;
        background: $surface; border: round $primary; padding: 0 1;
    }
    Reading #text { height: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        key("escape,enter,q", "close", "Close", "reading.close", show=True)
    ]

    def __init__(self, title: str, lines: Sequence[Line] = ()) -> None:
        super().__init__()
        self._title = title
        self._lines = lines

    def compose(self) -> ComposeResult:
        """The text in its box."""
        with Vertical(id="box") as box:
            box.border_title = Text(safe_text(self._title, 100)).markup
            box.border_subtitle = "Esc closes"
            yield TextLines(id="text")

    def on_mount(self) -> None:
        """Show what is known, or ask for it."""
        self.show(self._lines)

    def on_resize(self, event: Resize) -> None:
        """As high as the text, which scrolls where the terminal has less room."""
        self.query_one(TextLines).styles.max_height = max(1, event.size.height * 9 // 10 - FRAME)

    def show(self, lines: Sequence[Line]) -> None:
        """Draw these lines from now on."""
        self.query_one(TextLines).show(lines)

    def action_close(self) -> None:
        """Back to the screen."""
        self.dismiss(None)
