"""What operators did, for the screens."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from core.model.audit import AuditLine, OperatorAct
from screens.ports import Cancelled
from screens.ports.terms import LogFilter
from storage import audit_acts
from storage.audit_acts import AuditColumn, AuditQuery, AuditTerm

if TYPE_CHECKING:
    from console.tui.answers.local_workspace import LocalWorkspace

COLUMNS: Final[Mapping[str, tuple[AuditColumn, ...]]] = {
    "operator": ("author",),
    "kind": ("action",),
    "subject": ("subject",),
    "reason": ("reason",),
    "word": ("author", "action", "subject", "reason"),
}
"""Where the value of a field is looked for."""


class AuditAnswers:
    """Answers the questions of `screens.ports.audit`."""

    def __init__(self, local: LocalWorkspace) -> None:
        self._local = local

    def acts(self, wanted: LogFilter, cancelled: Cancelled) -> array[int]:
        """The acts that are wanted."""
        query = AuditQuery(tuple(_terms(wanted)), wanted.since, wanted.until)
        with self._local.asking(cancelled) as connection:
            return audit_acts.act_ids(connection, query)

    def rows(self, ids: Sequence[int], cancelled: Cancelled) -> Mapping[int, OperatorAct]:
        """These acts."""
        with self._local.asking(cancelled) as connection:
            return {act.id: act for act in audit_acts.acts(connection, ids)}

    def line_ids(self, act: int, cancelled: Cancelled) -> array[int]:
        """The rows of one act."""
        with self._local.asking(cancelled) as connection:
            return audit_acts.act_line_ids(connection, act)

    def lines(self, ids: Sequence[int], cancelled: Cancelled) -> Mapping[int, AuditLine]:
        """These rows."""
        with self._local.asking(cancelled) as connection:
            return {line.id: line for line in audit_acts.act_lines(connection, ids)}


def _terms(wanted: LogFilter) -> Iterator[AuditTerm]:
    """Of one field any value suffices; each word and each field must hold."""
    if wanted.customer is not None:
        yield AuditTerm(COLUMNS["subject"], (wanted.customer,))
    for field in dict.fromkeys(field for field, _ in wanted.only if field != "word"):
        yield AuditTerm(COLUMNS[field], tuple(value for name, value in wanted.only if name == field))
    yield from (AuditTerm(COLUMNS["word"], (value,)) for field, value in wanted.only if field == "word")
    yield from (AuditTerm(COLUMNS[field], (value,), is_negated=True) for field, value in wanted.without)
