"""Triggers as the screens show them, and pausing. Instants are ms UTC; `LATELY` and `MONTH` name the spans of
what is counted.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol, TypeAlias

from core.instants import DAY, Instant, Millis
from core.model.counts import JourneyCount, OutcomeCount
from core.model.fates import Fate
from core.model.pauses import PausePolicy
from core.model.triggers import Trigger
from screens.ports import Cancelled
from screens.ports.pauses import PauseEffect, PauseLine, PauseView

LATELY: Final[Millis] = 7 * DAY
MONTH: Final[Millis] = 30 * DAY
MOST_WAITING: Final = 1_000_000
"""So many of those who wait are listed."""

State: TypeAlias = Literal["active", "paused", "stopped", "draft", "retired"]


@dataclass(frozen=True, slots=True)
class TriggerLine:
    """One trigger in numbers: customers under way, messages handed over in all and lately, and what has
    become of what was decided lately.
    """

    name: str
    title: str
    kind: str
    state: State
    pause: PauseView | None
    waiting: int
    sent: int
    sent_lately: int
    lately: Mapping[Fate, int]
    last_fired: Instant | None
    next_due: Instant | None
    goal_reached_lately: int = 0
    """Of what was decided lately, for how many the goal came first."""
    later_lately: int = 0
    """How often something was put off lately."""
    never_lately: int = 0
    """Of what was decided lately, what will not go out; reached goals are not among it."""


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """What was done to a trigger, by whom and why."""

    at: Instant
    author: str
    action: str
    reason: str | None
    detail: str


@dataclass(frozen=True, slots=True)
class TriggerView:
    """One trigger with all that is known of it; `trigger` is None where its file is gone."""

    line: TriggerLine
    trigger: Trigger | None
    activated_at: Instant | None
    waiting_by_step: Mapping[int, int]
    entered: int
    """How many entered in the last month."""
    outcomes: Sequence[OutcomeCount]
    """What was decided in the last month, the most frequent first."""
    history: Sequence[HistoryLine]
    """The newest first."""
    definition: str
    """The text of its file as it is in force; empty where the file is gone."""
    journeys: Sequence[JourneyCount] = ()
    """All there ever were, by variant; those kept out last."""
    version: int = 0
    """The playbook in force."""
    by_version: Mapping[int, int] = field(default_factory=dict)
    """How many are under way by the version whose definition they go by."""
    sent: int = 0
    """How many messages went out in the last month: of what was decided some may be held, fail or fall away.
    """
    outcomes_since: Instant = 0
    """Since when `outcomes` counts."""


@dataclass(frozen=True, slots=True)
class WaitingView:
    """One customer under way; `due_at` is None while the journey waits for an operator."""

    id: int
    customer_id: int
    customer: str
    name: str
    step: int
    due_at: Instant | None
    waits_for: str | None


class TriggersPort(Protocol):
    """What is asked of triggers, and what can be done to them. Each act says in a sentence what happened."""

    def lines(self, cancelled: Cancelled) -> Sequence[TriggerLine]:
        """All triggers, by name; retired ones last."""
        ...

    def view(self, name: str, cancelled: Cancelled) -> TriggerView:
        """One trigger; ManometerError where there is none of that name."""
        ...

    def decision_ids(
        self, name: str, since: Instant, counted: Collection[OutcomeCount], cancelled: Cancelled
    ) -> array[int]:
        """The decisions since the instant that these numbers of `TriggerView.outcomes` count, the newest
        first.
        """
        ...

    def waiting_ids(self, name: str, cancelled: Cancelled) -> array[int]:
        """Who is under way: those that wait for an operator first, then by due instant."""
        ...

    def waiting_rows(self, ids: Sequence[int], cancelled: Cancelled) -> Mapping[int, WaitingView]:
        """These of them."""
        ...

    def pause_effect(self, name: str, cancelled: Cancelled) -> PauseEffect:
        """The numbers for pausing or resuming a trigger, `channel:NAME`, `segment:NAME`, `customer:KEY`, or
        everything under `*`.
        """
        ...

    def pauses(self, cancelled: Cancelled) -> Sequence[PauseLine]:
        """What is paused, and then the channels and segments that are not."""
        ...

    def pause(self, name: str, until: Instant | None, reason: str, transactional: bool = False) -> str:
        """Pause one of these; ManometerError where it is paused already or `until` is past."""
        ...

    def undo_pause(self, name: str) -> str:
        """Take back the pause this console has just made, as if it had not been; ManometerError where there
        is none.
        """
        ...

    def resume(self, name: str, policy: PausePolicy, reason: str) -> str:
        """End a pause; ManometerError where there is none."""
        ...

    def stop(self, transactional: bool, reason: str) -> str:
        """Stop all sending; ManometerError where it is stopped already."""
        ...

    def go(self, policy: PausePolicy, reason: str) -> str:
        """End the emergency stop; ManometerError where there is none."""
        ...
