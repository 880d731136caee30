"""What operators did, as the screens show it. Instants are ms UTC."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from typing import Protocol

from core.model.audit import AuditLine, OperatorAct
from screens.ports import Cancelled
from screens.ports.terms import LogFilter


class AuditPort(Protocol):
    """What is asked of the audit; terms have the fields `operator kind subject reason`, and a word without a
    field may stand in any of them.
    """

    def acts(self, wanted: LogFilter, cancelled: Cancelled) -> array[int]:
        """The acts that are wanted, by the row each begins with, the newest first."""
        ...

    def rows(self, ids: Sequence[int], cancelled: Cancelled) -> Mapping[int, OperatorAct]:
        """These acts."""
        ...

    def line_ids(self, act: int, cancelled: Cancelled) -> array[int]:
        """The rows of one act, in their order."""
        ...

    def lines(self, ids: Sequence[int], cancelled: Cancelled) -> Mapping[int, AuditLine]:
        """These rows."""
        ...
