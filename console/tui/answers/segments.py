"""Audiences for the screens: counted, compared, and who came and went."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from console.forecast.membership import changes_since
from core.errors import ManometerError
from core.instants import Instant
from core.language import Condition, ConditionContext, parse
from core.model.audiences import AudienceChanges, AudienceLine, AudienceOverlap
from core.model.predicate import Predicate
from core.playbook.playbook import Playbook
from screens.ports import Cancelled, CancelledError
from screens.ports.customers import CustomerLine
from screens.ports.segments import AudiencesPage
from storage import overview, segments

if TYPE_CHECKING:
    from console.tui.answers.customers import CustomersAnswers
    from console.tui.answers.local_workspace import LocalWorkspace


class SegmentsAnswers:
    """Answers the questions of `screens.ports.segments`."""

    def __init__(self, local: LocalWorkspace, customers: CustomersAnswers) -> None:
        self._local = local
        self._customers = customers

    def page(self, cancelled: Cancelled) -> AudiencesPage:
        """Segments in their order, then triggers that have an audience."""
        workspace = self._local.in_force()
        playbook = workspace.playbook
        lines = [
            AudienceLine(name, workspace.segment_titles.get(name, name), each.text)
            for name, each in playbook.segments.items()
        ]
        lines += [
            AudienceLine(trigger.name, trigger.title, trigger.audience.text, is_segment=False)
            for trigger in playbook.triggers
            if trigger.audience is not None and trigger.status != "retired"
        ]
        with self._local.asking(cancelled) as connection:
            return AudiencesPage(self._local.now(), lines, overview.customers_in_all(connection))

    def count(self, line: AudienceLine, cancelled: Cancelled) -> int:
        """How many customers are in one."""
        playbook = self._local.in_force().playbook
        predicate = _predicate(playbook, line)
        with self._local.asking_of_people(cancelled) as connection:
            return segments.count(connection, predicate.condition, _known(playbook), self._local.now())

    def overlap(self, one: AudienceLine, other: AudienceLine, cancelled: Cancelled) -> AudienceOverlap:
        """How many are in each of two, and in both, in one snapshot."""
        playbook = self._local.in_force().playbook
        texts = [_predicate(playbook, line).text for line in (one, other)]
        with self._local.asking_of_people(cancelled) as connection:
            counts = [
                self._counted(connection, playbook, text)
                for text in (*texts, " and ".join(f"({text})" for text in texts))
            ]
        return AudienceOverlap(*counts)

    def _counted(self, connection: Connection, playbook: Playbook, text: str) -> int:
        known = _known(playbook)
        condition = parse(text, ConditionContext.AUDIENCE, known, playbook.zone)
        return segments.count(connection, condition, known, self._local.now())

    def changes(
        self, line: AudienceLine, since: Instant, cancelled: Cancelled, tell: Callable[[int, int], None]
    ) -> AudienceChanges:
        """Who came and went."""
        playbook, at = self._local.in_force().playbook, self._local.now()
        if since >= at:
            raise ManometerError("That is not in the past. Write a day or an instant before now.")

        def told(done: int, whole: int) -> None:
            if cancelled():
                raise CancelledError
            tell(done, whole)

        with self._local.asking_of_people(cancelled) as connection:
            return changes_since(connection, playbook, _predicate(playbook, line), since, at, told)

    def customers(self, ids: Sequence[int], cancelled: Cancelled) -> Mapping[int, CustomerLine]:
        """Customers by their rows."""
        return self._customers.rows(ids, cancelled)


def _known(playbook: Playbook) -> dict[str, Condition]:
    return {name: predicate.condition for name, predicate in playbook.segments.items()}


def _predicate(playbook: Playbook, line: AudienceLine) -> Predicate:
    """The condition as it is in force; ManometerError where it is gone."""
    if line.is_segment:
        found = playbook.segments.get(line.name)
    else:
        trigger = playbook.index.by_name.get(line.name)
        found = None if trigger is None else trigger.audience
    if found is None:
        raise ManometerError(f"{line.key} is no longer in the playbook.")
    return found
