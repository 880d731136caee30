"""The journey of a trigger as a map, for the screens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.tui.answers.held_up import held_up
from core.errors import ManometerError
from core.instants import DAY
from screens.ports import Cancelled
from screens.ports.journeys import JourneyView
from storage.journeys import journey_map

if TYPE_CHECKING:
    from console.tui.answers.local_workspace import LocalWorkspace


class JourneysAnswers:
    """Answers the questions of `screens.ports.journeys`."""

    def __init__(self, local: LocalWorkspace) -> None:
        self._local = local

    def view(self, trigger: str, days: int, cancelled: Cancelled) -> JourneyView:
        """Of those who entered within so many days."""
        playbook, at = self._local.in_force().playbook, self._local.now()
        known = playbook.index.by_name.get(trigger)
        if known is None:
            raise ManometerError(f"The trigger {trigger} is no longer in the playbook.")
        with self._local.asking(cancelled) as connection:
            is_held_up = held_up(self._local, connection)
            found = journey_map(connection, trigger, at - days * DAY, at, playbook.zone, is_held_up)
        return JourneyView(known, found, known.when.words(playbook.currency))
