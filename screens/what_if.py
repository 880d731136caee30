"""What if: the values of the rules in a list, each of which can be changed for a look ahead; no file is
touched.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widgets import Input

from screens.cells import what_if as rows
from screens.cells.what_if import OptionChoice
from screens.frame import Frame
from screens.ports import Cancelled
from screens.ports.pressure import Supposed
from screens.ports.service import Service
from screens.ports.what_if import Option
from screens.widgets.input import StillInput
from screens.widgets.keys import key
from screens.widgets.line_widget import Note
from screens.widgets.table import TableRows, VirtualTable

HELP = "space changes, + and - count, u takes back, Enter looks ahead"


class OptionsTable(VirtualTable[OptionChoice]):
    """The list of what can be changed, in which Enter looks ahead."""

    BINDINGS: ClassVar[list[BindingType]] = [
        key(
            "enter", "screen.run", "Look ahead", "what_if.run", "look ahead under what is changed", show=True
        ),
    ]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The order says what belongs together, and space changes a value."""
        return action not in ("mark", "mark_all", "sort", "turn_order")


class WhatIfScreen(Frame):
    """Choose what is to be otherwise; `then` is told when it is to be looked at."""

    mode = "pressure"
    filter_hint = "words of a rule, trigger, channel or value; changed: only what is changed"
    DEFAULT_CSS = """
    WhatIfScreen #value, WhatIfScreen #value:focus {
        height: 1; border: none; padding: 0 1; background: $panel; display: none;
    }
    WhatIfScreen #said { margin-top: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        key(
            "space",
            "edit",
            "Change",
            "what_if.edit",
            "another value: the next choice, or write it",
            show=True,
        ),
        key("plus", "step(1)", "More", "what_if.more", "a number one step higher", show=True),
        key("minus", "step(-1)", "Less", "what_if.less", "a number one step lower", show=True),
        key("u,delete,backspace", "reset", "Take back", "what_if.reset", "the value as it is now", show=True),
        key("0", "reset_all", "Take all back", "what_if.reset_all", "every value as it is now"),
    ]

    def __init__(self, before: Supposed, then: Callable[[Supposed], None]) -> None:
        super().__init__()
        self._before = before
        self._then = then
        self.choices: list[OptionChoice] = []
        self._good: list[OptionChoice] = []
        self._fault: str | None = None
        self._edited: int | None = None

    def crumbs(self) -> Sequence[str]:
        """What is being done."""
        return ("What if",)

    def body(self) -> ComposeResult:
        """The values, a line to write in, and what it comes to."""
        with Vertical(id="body"):
            yield OptionsTable(
                TableRows(rows.COLUMNS, self._fetch, rows.cells), empty="No such value.", id="values"
            )
            yield StillInput(id="value")
            yield Note(id="said")

    @property
    def table(self) -> VirtualTable[OptionChoice]:
        """The list."""
        return self.query_one("#values", VirtualTable)

    def focus_first(self) -> None:
        """The list."""
        self.set_focus(self.table)

    # ---- data ----

    def load(self) -> None:
        """Ask what there is; what was changed already stays."""
        self.ask(lambda service, cancelled: service.what_if.options(cancelled), self._take)

    def _take(self, options: Sequence[Option]) -> None:
        before = rows.supposed(self.choices, self._before.trigger) if self.choices else self._before
        self.choices = self._good = rows.chosen(options, before)
        self._show()

    def data_changed(self) -> None:
        """What is being chosen stays."""

    def filtered(self, text: str) -> None:
        """Only those that match."""
        self._show()

    def _show(self) -> None:
        shown = [
            number for number, choice in enumerate(self.choices) if rows.matches(choice, self.filter_text)
        ]
        self.table.show(array("q", shown))
        self.say_filter(
            f"/ {self.filter_text}: {len(shown)} of {len(self.choices)}" if self.filter_text else ""
        )
        self._say()

    def _say(self) -> None:
        lines = rows.sentence(self.choices, self._fault)
        self.query_one("#said", Note).show([*lines, [f" {HELP}"]])
        self.refresh_bindings()

    def _fetch(self, _: Service, ids: Sequence[int], __: Cancelled) -> Mapping[int, OptionChoice]:
        return {number: self.choices[number] for number in ids if number < len(self.choices)}

    @property
    def chosen(self) -> OptionChoice | None:
        """The value under the cursor."""
        number = self.table.row_id
        return self.choices[number] if number is not None and number < len(self.choices) else None

    # ---- changing ----

    def why_not(self, action: str) -> str | None:
        """What needs a value under the cursor, or a number."""
        choice = self.chosen if self.is_mounted else None
        if action in ("edit", "step", "reset") and choice is None:
            return "there is no value here"
        if action == "step" and choice is not None and rows.stepped(choice, 0) is None:
            return "this is no number; space changes it"
        if action == "reset" and choice is not None and choice.new is None:
            return "this is as it is now"
        if action == "run" and all(each.new is None for each in self.choices):
            return "nothing is changed yet; space changes the value under the cursor"
        return None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While a value is written no key of the filter works."""
        return (
            False
            if action == "filter" and self._edited is not None
            else super().check_action(action, parameters)
        )

    @on(VirtualTable.Highlighted)
    def _another(self, message: VirtualTable.Highlighted) -> None:
        message.stop()
        self.refresh_bindings()

    def action_edit(self) -> None:
        """The next choice, or a line to write the value in."""
        choice, number = self.chosen, self.table.row_id
        if choice is None or number is None:
            return
        if rows.is_toggled(choice.option):
            self._change(number, rows.next_choice(choice))
            return
        self._edited = number
        line = self.query_one("#value", StillInput)
        line.value, line.placeholder, line.display = choice.value, rows.hint(choice.option), True
        self.set_focus(line)

    @on(Input.Submitted, "#value")
    def _written(self, message: Input.Submitted) -> None:
        message.stop()
        if self._edited is not None:
            self._change(self._edited, message.value)

    def action_step(self, steps: int) -> None:
        """A number higher or lower."""
        choice, number = self.chosen, self.table.row_id
        value = None if choice is None else rows.stepped(choice, steps)
        if value is not None and number is not None:
            self._change(number, value)

    def action_reset(self) -> None:
        """As it is now."""
        choice, number = self.chosen, self.table.row_id
        if choice is not None and number is not None:
            self._change(number, choice.option.value)

    def action_reset_all(self) -> None:
        """All as they are now."""
        self.choices = self._good = [OptionChoice(choice.option) for choice in self.choices]
        self._fault = None
        self._show()

    def _change(self, number: int, value: str) -> None:
        """Take the value; where the rules cannot be changed so, it is said why not and all is as it was."""
        tried = list(self.choices)
        tried[number] = rows.to(tried[number], value)
        changes = rows.supposed(tried, None).changes
        self.choices = tried
        self._show()
        self.ask(
            lambda service, cancelled: service.what_if.fault(changes, cancelled),
            lambda fault: self._judge(tried, fault),
            group="fault",
        )

    def _judge(self, tried: list[OptionChoice], fault: str | None) -> None:
        self._fault = fault
        if fault is None:
            self._good = tried
            self._close_line()
        self.choices = self._good
        self._show()

    def _close_line(self) -> None:
        self._edited = None
        self.query_one("#value", StillInput).display = False
        self.set_focus(self.table)

    def action_back(self) -> None:
        """Leave the value as it is, else leave the list."""
        if self._edited is not None:
            self._fault = None
            self._close_line()
            self._say()
        else:
            super().action_back()

    # ---- looking ----

    @on(VirtualTable.Opened)
    def _opened(self, message: VirtualTable.Opened) -> None:
        message.stop()
        self.action_run()

    def action_run(self) -> None:
        """Look ahead under what is changed."""
        supposed = rows.supposed(self.choices, self._before.trigger)
        if not supposed.is_what_if:
            self.toast("Nothing is changed yet; space changes the value under the cursor.", bad=True)
            return
        if self.is_mounted and self.is_active:
            self.app.pop_screen()
            self._then(supposed)
