"""The pressure screen: what the coming days would bring, by day and channel, against the limits, and who
would bear most.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical

from core.explain.words import counted
from core.forecast.preview_filter import PreviewFilter
from screens.behind import export_decisions, open_behind
from screens.cells import forecast as forecast_rows
from screens.cells import heat_map
from screens.cells import pressure as rows
from screens.cells.line import Cell, Line
from screens.long_question import LongQuestionFrame
from screens.ports.customers import CustomerLine
from screens.ports.pressure import Forecast, LimitLine, Since, Supposed
from screens.widgets.heatmap import Heatmap
from screens.widgets.histogram import Histogram
from screens.widgets.keys import key
from screens.widgets.line_widget import Note
from screens.widgets.wrapped import Details, WrappedNote


class PressureScreen(LongQuestionFrame):
    """The preview of the playbook in force, of changed rules beside it, or of one trigger alone."""

    mode = "pressure"
    filter_hint = "words of a trigger's name, !word: without"

    DEFAULT_CSS = """
    PressureScreen #panes { height: 1fr; margin-top: 1; }
    PressureScreen #panes Histogram { width: 1fr; margin-right: 1; }
    PressureScreen.-short #panes { margin-top: 0; }
    PressureScreen.-narrow #pressed { display: none; }
    PressureScreen.-narrow.show-pressed #pressed { display: block; }
    PressureScreen.-narrow.show-pressed #limits { display: none; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        key(
            "p", "preview", "Preview", "pressure.preview", "look ahead again, as things stand now", show=True
        ),
        key(
            "i",
            "what_if",
            "What if",
            "pressure.what_if",
            "look ahead under changed rules, or another future; no file is touched",
            show=True,
        ),
        key(
            "x",
            "tables('changes')",
            "Changes",
            "pressure.changes",
            "what changed rules change: who gains and loses, whose decisions",
            show=True,
        ),
        key(
            "t",
            "tables('beats')",
            "Tables",
            "pressure.tables",
            "who beats whom, what is put off or lost, capacity",
            show=True,
        ),
        key(
            "0",
            "present",
            "Present",
            "pressure.present",
            "from what if back to the rules in force",
            show=True,
        ),
        key("d", "days", "Days", "pressure.days", "look 3, 7, 14 or 28 days ahead", show=True),
        key(
            "m",
            "measure",
            "Measure",
            "pressure.measure",
            "sent, held back, contacts per customer, or what changes",
            show=True,
        ),
        key(
            "right_square_bracket",
            "rule(1)",
            "Rule",
            "pressure.next_rule",
            "compare with the next rule's limit",
        ),
        key(
            "left_square_bracket",
            "rule(-1)",
            "Rule before",
            "pressure.last_rule",
            "compare with the rule before",
        ),
        key("e", "take_away", "Export", "pressure.export", "write the decisions to a CSV file", show=True),
        key(
            "s",
            "keep",
            "Keep",
            "pressure.keep",
            "keep it under a name, to be compared later and set against what comes: as `preview --save`",
            show=True,
        ),
        key("w", "why", "Why", "pressure.why", "why the customer of the list gets so much"),
        key(
            "y",
            "command",
            "Command",
            "pressure.command",
            "the command line that gives the same; copied through the terminal",
        ),
    ]

    def __init__(self, trigger: str | None = None) -> None:
        super().__init__()
        self.days = 7
        self.supposed = Supposed(trigger=trigger)
        self._present: Forecast | None = None
        self.measure: heat_map.Measure = "sent"
        self.forecast: Forecast | None = None
        self._rule = 0
        self._since: Since | None = None
        self._table: heat_map.HeatMapTable | None = None
        self._wanted_row: str | None = None
        self._names: Mapping[int, str] = {}

    def body(self) -> ComposeResult:
        """Facts, heat map, the cell in words, and three lists."""
        with Vertical(id="body"):
            yield WrappedNote(id="facts")
            yield Heatmap(id="heat")
            yield Note(id="cell")
            with Horizontal(id="panes"):
                yield Histogram("Limit", can_open=False, id="limits")
                yield Histogram("Held back", id="held")
                yield Histogram("Most pressed", id="pressed")

    def focus_first(self) -> None:
        """The heat map."""
        self.set_focus(self.query_one(Heatmap))

    def crumbs(self) -> Sequence[str]:
        """The one trigger, where it is of one."""
        return () if self.supposed.trigger is None else (f"only {self.supposed.trigger}",)

    # ---- asking ----

    def load(self) -> None:
        """Look ahead."""
        days, supposed = self.days, self.supposed
        self.ask_long(
            lambda service, cancelled, progress: service.pressure.run(days, cancelled, progress, supposed),
            self._show,
        )

    def data_changed(self) -> None:
        """Say what has happened since; looking ahead again is the operator's choice."""
        forecast = self.forecast
        if forecast is not None and not self.is_asking:
            self.ask(
                lambda service, cancelled: service.pressure.since(forecast, cancelled),
                self._note_since,
                group="since",
            )

    def on_screen_resume(self) -> None:
        """The last result stays; what has happened meanwhile is said."""
        self.data_changed()

    def action_preview(self) -> None:
        """Look ahead again."""
        self.load()

    def action_days(self) -> None:
        """Another length of the look ahead."""
        self.days = rows.next_days(self.days)
        self.load()

    def action_back(self) -> None:
        """Stop looking ahead, if that is under way; the last result stays. From what if back to the
        present.
        """
        if self.is_asking:
            self._stop_looking()
        elif self.supposed.is_what_if and not self._has_something_open:
            self.action_present()
        else:
            super().action_back()

    @property
    def _has_something_open(self) -> bool:
        """Whether Esc closes a filter or stops a file first."""
        return bool(self.filter_text) or self.filter_is_open() or self.is_writing

    def _stop_looking(self) -> None:
        self.give_up()
        if self.forecast is not None:
            self.days, self.supposed = self.forecast.days, self.forecast.supposed
        elif self.supposed.is_what_if:
            self.supposed = Supposed(trigger=self.supposed.trigger)
        self._draw_facts()
        self.head.settle()
        self.toast(
            "Stopped looking ahead." + (" The last result stays." if self.forecast else " `p` looks ahead.")
        )

    # ---- what if ----

    def action_what_if(self) -> None:
        """Choose what is to be otherwise."""
        from screens.what_if import (
            WhatIfScreen,  # when first wanted: the first picture waits for nothing it does not need
        )

        self.app.push_screen(WhatIfScreen(self.supposed, self._suppose))

    def _suppose(self, supposed: Supposed) -> None:
        self.supposed = supposed
        self.load()

    def action_present(self) -> None:
        """Back to the rules in force, and to what was seen of them."""
        self.supposed = Supposed(trigger=self.supposed.trigger)
        present = self._present
        if present is None or present.days != self.days:
            self.load()
        else:
            self._show(present)

    def action_tables(self, pane: str) -> None:
        """The tables behind the forecast."""
        from screens.figures import FiguresScreen  # when first wanted

        if self.forecast is not None:
            self.app.push_screen(FiguresScreen(self.forecast, pane))

    def action_keep(self) -> None:
        """Keep what is shown under a name."""
        from screens.save_preview import ask_to_keep  # when first wanted

        if self.forecast is not None:
            ask_to_keep(self, self.forecast)

    def action_command(self) -> None:
        """The command line that gives the same: copied, and shown, since some terminals drop what is
        copied.
        """
        forecast = self.forecast
        if forecast is not None:
            self.ask(
                lambda service, _: service.what_if.command(forecast), self._show_command, group="command"
            )

    def _show_command(self, command: str) -> None:
        self.app.copy_to_clipboard(command)
        words = (
            "The same on the command line, for scripts and for a record. "
            "It was copied through the terminal (OSC 52):"
        )
        self.app.push_screen(Details("Command", [[words], [""], [Cell(command, "strong")]]))

    # ---- showing ----

    @property
    def triggers(self) -> tuple[str, ...] | None:
        """The triggers of the filter; None for all."""
        return (
            None
            if self.forecast is None
            else rows.matching(rows.triggers_of(self.forecast.totals), self.filter_text)
        )

    @property
    def limit(self) -> LimitLine | None:
        """The rule whose limit the histogram shows."""
        limits = () if self.forecast is None else self.forecast.limits
        return limits[self._rule % len(limits)] if limits else None

    def _show(self, forecast: Forecast) -> None:
        self.forecast, self._since = forecast, None
        if not forecast.supposed.is_what_if:
            self._present = forecast
        measures = heat_map.measures_of(forecast)
        self.measure = self.measure if self.measure in measures else measures[0]
        self.head.settle()
        self.draw()
        self._ask_names(forecast)
        self.data_changed()

    def failed(self) -> None:
        """What is supposed is again what the last result supposes."""
        self.supposed = self.supposed if self.forecast is None else self.forecast.supposed
        self.head.settle()

    def _note_since(self, since: Since) -> None:
        if since != self._since:
            self._since = since
            if not self.is_asking:
                self._draw_facts()

    def progress_lines(self, done: int, total: int) -> Sequence[Line]:
        """What is supposed, and how many customers are looked at."""
        lines: list[Line] = [forecast_rows.badge(self.supposed)] if self.supposed.is_what_if else []
        return [*lines, [Cell(f" {rows.progress_words(done, total)}", "accent")]]

    def draw(self) -> None:
        """Everything, from what is there."""
        forecast = self.forecast
        if forecast is None:
            return
        self._table = heat_map.table(forecast, self.measure, self.triggers, self.zone)
        self.query_one(Heatmap).show(self._table.grid)
        self._point()
        self.query_one("#held", Histogram).show(
            self._titled("Held back"), rows.held_back(forecast, self.triggers)
        )
        self._draw_pressed()
        self._draw_facts()
        self._draw_limit()
        self._draw_filter()
        self.refresh_bindings()

    def _draw_pressed(self) -> None:
        if self.forecast is not None:
            title = f"Most contacts in {self.forecast.days} days"
            self.query_one("#pressed", Histogram).show(title, rows.pressed(self.forecast, self._names))

    def _ask_names(self, forecast: Forecast) -> None:
        """The names of the most pressed, beside their keys as soon as they are there."""
        ids = [each.id for each in forecast.totals.most_pressed(rows.MOST_PRESSED)]

        def take(people: Mapping[int, CustomerLine]) -> None:
            self._names = {row: each.name for row, each in people.items() if each.name}
            self._draw_pressed()

        if ids:
            self.ask(lambda service, cancelled: service.customers.rows(ids, cancelled), take, group="names")

    def _titled(self, title: str) -> str:
        return title if self.triggers is None else f"{title}, {counted(len(self.triggers), 'trigger')}"

    def _draw_facts(self) -> None:
        if self.forecast is None:
            self.show_facts([[Cell(" Nothing was looked at yet. `p` looks ahead.", "dim")]])
        else:
            self.show_facts(forecast_rows.facts(self.forecast, self._since, self.zone))

    def _draw_limit(self) -> None:
        histogram, limit = self.query_one("#limits", Histogram), self.limit
        if self.forecast is None or limit is None:
            histogram.show("No rule has a limit", [])
            return
        sentence = rows.limit_sentence(self.forecast, limit, histogram.size.width)
        histogram.show(
            rows.limit_title(self.forecast, limit), rows.limit_bars(self.forecast, limit), sentence
        )

    def _draw_filter(self) -> None:
        if self.forecast is None or self.triggers is None:
            self.say_filter("")
            return
        known = rows.triggers_of(self.forecast.totals)
        self.say_filter(f"/ {self.filter_text}: {len(self.triggers)} of {len(known)} triggers")

    def filtered(self, text: str) -> None:
        """Draw what these triggers decide."""
        self.draw()

    def point_at(self, channel: str) -> None:
        """Bring the cursor to today's number of a channel, now or when the answer is there."""
        self._wanted_row = channel
        self._point()

    def _point(self) -> None:
        heatmap = self.query_one(Heatmap)
        if self._wanted_row in heatmap.grid.rows:
            heatmap.point_at(heatmap.grid.rows.index(self._wanted_row), 0)
            self._wanted_row = None

    # ---- choosing ----

    def action_measure(self) -> None:
        """The next measure of the heat map."""
        measures = heat_map.MEASURES if self.forecast is None else heat_map.measures_of(self.forecast)
        self.measure = measures[(measures.index(self.measure) + 1) % len(measures)]
        self.draw()

    def action_rule(self, places: int) -> None:
        """Another rule's limit."""
        self._rule += places
        self.remove_class("show-pressed")
        self._draw_limit()

    def on_descendant_focus(self) -> None:
        """Where there is room for two lists, that of the pressed takes the place of the limits."""
        focused = self.focused
        if focused is not None and focused.id in ("limits", "held", "pressed"):
            self.set_class(
                focused.id == "pressed" or (focused.id == "held" and self.has_class("show-pressed")),
                "show-pressed",
            )

    @on(Heatmap.Moved)
    def _say_cell(self, message: Heatmap.Moved) -> None:
        message.stop()
        if self._table is not None:
            heatmap = message.heatmap
            self.query_one("#cell", Note).show(
                [[Cell(f" {heat_map.cell_words(self._table, heatmap.row, heatmap.column)}", "strong")]]
            )

    @on(Heatmap.Opened)
    def _open_cell(self, message: Heatmap.Opened) -> None:
        message.stop()
        if self._table is not None and self.forecast is not None:
            row, column = message.heatmap.row, message.heatmap.column
            behind = heat_map.behind_cell(self._table, row, column, self.measure, self.triggers, self.zone)
            crumbs = heat_map.cell_crumbs(self._table, row, column, self.measure)
            open_behind(self, self.forecast, behind, *crumbs)

    @on(Histogram.Opened)
    def _open_bar(self, message: Histogram.Opened) -> None:
        message.stop()
        if isinstance(message.bar.stands_for, rows.Customer):
            self.host.open_customer(message.bar.stands_for.id)
            return
        behind = rows.behind_bar(message.bar.stands_for, self.triggers)
        if behind is not None and self.forecast is not None:
            open_behind(self, self.forecast, behind, "Held back", message.bar.label)

    def action_why(self) -> None:
        """Why the customer under the cursor of the list gets so much."""
        chosen = self.query_one("#pressed", Histogram).bar
        if chosen is not None and isinstance(chosen.stands_for, rows.Customer):
            self.host.open_why(chosen.stands_for.key)

    def why_not(self, action: str) -> str | None:
        """What needs a result, or a customer under the cursor."""
        if action in ("take_away", "measure", "rule", "tables", "command", "keep") and self.forecast is None:
            return "nothing was looked at yet; `p` looks ahead"
        if action == "keep" and self.place is not None and self.place.read_only is not None:
            return self.place.read_only
        if action == "present" and not self.supposed.is_what_if:
            return "this is the present; `i` asks what if"
        if action == "open" and self.focused is not None and self.focused.id == "limits":
            return "a look ahead counts these customers and lists none; Held back and Most contacts open"
        if action == "why" and (self.focused is None or self.focused.id != "pressed"):
            return "choose a customer in the list of the most pressed first (Tab)"
        return None

    def reason_of(self, action: str, parameters: Sequence[object]) -> str | None:
        """Changes are there only of changed rules."""
        if (
            action == "tables"
            and "changes" in parameters
            and self.forecast is not None
            and self.forecast.diff is None
        ):
            return "no rule is changed; `i` asks what if"
        return super().reason_of(action, parameters)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey where nothing is changed."""
        return (
            None
            if self.reason_of(action, parameters) is not None
            else super().check_action(action, parameters)
        )

    def action_take_away(self) -> None:
        """Write the decisions shown to a file."""
        if self.forecast is not None:
            export_decisions(self, self.forecast, PreviewFilter(triggers=self.triggers))
