"""What operators did last, as a list; Enter opens the rows of an act."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar
from zoneinfo import ZoneInfo

from textual.binding import BindingType
from textual.message import Message

from core.instants import Instant
from core.model.audit import OperatorAct
from screens.cells.audit import act_lines
from screens.cells.line import Line
from screens.widgets.keys import key, moving
from screens.widgets.picked_lines import PickedLines


class ActsList(PickedLines[OperatorAct]):
    """The last acts of operators, the newest first."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *moving("acts"),
        key("enter", "open", "Open", "acts.open", "the rows of the act, and its reason", show=True),
    ]

    class Opened(Message):
        """Enter was pressed on an act."""

        def __init__(self, act: OperatorAct) -> None:
            super().__init__()
            self.act = act

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__("Last acts of operators", empty="None yet.", id=id)
        self._drawn: dict[int, Line] = {}

    def show_acts(self, acts: Sequence[OperatorAct], now: Instant, zone: ZoneInfo) -> None:
        """Draw these from now on, their times as of now in a zone."""
        drawn = {act.id: line for act, line in zip(acts, act_lines(acts, now, zone), strict=True)}
        if drawn != self._drawn:
            self._drawn = drawn
            self.refresh()
        self.show(acts)

    def line_of(self, item: OperatorAct, width: int) -> Line:
        """When, who, what, why."""
        return self._drawn[item.id]

    def action_open(self) -> None:
        """Its rows."""
        if self.item is not None:
            self.post_message(self.Opened(self.item))
