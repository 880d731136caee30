"""The console's service: answers what the screens ask from the workspace's database, and carries out what
operators do.
"""

from __future__ import annotations

from pathlib import Path

from console.tui.answers.audit import AuditAnswers
from console.tui.answers.backtest import BacktestAnswers
from console.tui.answers.customers import CustomersAnswers
from console.tui.answers.decisions import DecisionsAnswers
from console.tui.answers.editing import EditingAnswers
from console.tui.answers.exports import ExportsAnswers
from console.tui.answers.journeys import JourneysAnswers
from console.tui.answers.local_workspace import LocalWorkspace
from console.tui.answers.messages import MessagesAnswers
from console.tui.answers.outbox import OutboxAnswers
from console.tui.answers.overview import OverviewAnswers
from console.tui.answers.people import PeopleAnswers
from console.tui.answers.pressure import PressureAnswers
from console.tui.answers.quarantine import QuarantineAnswers
from console.tui.answers.segments import SegmentsAnswers
from console.tui.answers.suppressions import SuppressionsAnswers
from console.tui.answers.triggers import TriggersAnswers
from console.tui.answers.ways import WaysAnswers
from console.tui.answers.what_if import WhatIfAnswers
from console.tui.answers.why import WhyAnswers


class LocalService(LocalWorkspace):
    """The answers on a workspace of this machine; fills `screens.ports.service.Service`."""

    def __init__(self, folder: Path, *, read_only: bool = False) -> None:
        super().__init__(folder, read_only=read_only)
        self.exports = ExportsAnswers(self)
        self.customers = CustomersAnswers(self)
        self.why = WhyAnswers(self)
        self.overview = OverviewAnswers(self)
        self.pressure = PressureAnswers(self, self.exports)
        self.what_if = WhatIfAnswers(self, self.pressure)
        self.backtests = BacktestAnswers(self, self.pressure)
        self.editing = EditingAnswers(self, self.pressure)
        self.triggers = TriggersAnswers(self)
        self.decisions = DecisionsAnswers(self)
        self.outbox = OutboxAnswers(self)
        self.messages = MessagesAnswers(self, self.exports)
        self.people = PeopleAnswers(self)
        self.suppressions = SuppressionsAnswers(self)
        self.quarantine = QuarantineAnswers(self)
        self.audit = AuditAnswers(self)
        self.ways = WaysAnswers(self)
        self.journeys = JourneysAnswers(self)
        self.segments = SegmentsAnswers(self, self.customers)

    def close(self) -> None:
        """Close the database and forget what was kept of previews."""
        self.pressure.close()
        self.backtests.close()
        self.messages.close()
        super().close()
