"""The commands of what was done in this session: each gives the same when it is run."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence

from textual import on
from textual.app import ComposeResult

from screens.cells.commands import COLUMNS, EXPORTED, cells, detail
from screens.cells.line import Cells
from screens.frame import Frame
from screens.ports import Cancelled
from screens.ports.service import Service
from screens.ports.session import SessionAct
from screens.widgets.table import TableRows, VirtualTable
from screens.widgets.wrapped import Details

NONE: str = "Nothing was done in this session yet. What you do stands here with its command; y copies it."


class CommandsScreen(Frame):
    """The acts of this session, the newest first."""

    mode = "audit"

    def crumbs(self) -> Sequence[str]:
        """Where this is."""
        return ("Commands of this session",)

    def body(self) -> ComposeResult:
        """The table."""
        yield VirtualTable[SessionAct](
            TableRows(COLUMNS, self._fetch, self._cells, EXPORTED), empty=NONE, id="body"
        )

    @property
    def table(self) -> VirtualTable[SessionAct]:
        """The list."""
        return self.query_one(VirtualTable)

    def load(self) -> None:
        """They are known already."""
        self.table.show(array("q", range(len(self.host.session) - 1, -1, -1)))

    def _fetch(self, _: Service, ids: Sequence[int], __: Cancelled) -> Mapping[int, SessionAct]:
        return {place: self.host.session[place] for place in ids}

    def _cells(self, act: SessionAct) -> Sequence[Cells]:
        return cells(act, self.host.as_of() or act.at, self.zone)

    @on(VirtualTable.Opened)
    def _open(self) -> None:
        act = self.table.row
        if act is not None:
            self.app.push_screen(Details("Command", detail(act, self.zone)))
