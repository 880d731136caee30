"""What the operators have decided: triggers, limits, channels, purposes. One value, handed to every
decision.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from zoneinfo import ZoneInfo

from core.instants import Instant, Millis
from core.limits.brake import USUAL_BRAKE, BrakeLimits
from core.limits.capacity import Capacity
from core.limits.pressure import POINT, PressureRule
from core.limits.quiet_hours import SendWindows
from core.limits.surge import USUAL_SURGE, SurgeLimits
from core.model.bounces import USUAL_LIMIT, BounceLimit
from core.model.pauses import Pause
from core.model.predicate import Predicate
from core.model.triggers import Approval, Trigger
from core.playbook.index import PlaybookIndex
from core.playbook.preference import Preference
from core.playbook.versions import Former

ConsentPolicy = Literal["strict", "recorded", "assumed"]


@dataclass(frozen=True, slots=True)
class Channel:
    """A way to reach a customer under a name of the workspace; `medium` fixes address and template file."""

    name: str
    kind: str
    medium: str
    send_windows: SendWindows
    lead_time: Millis = 0
    capacity: Capacity | None = None  # the dispatcher keeps it
    approval: Approval | None = None
    brake: BrakeLimits = USUAL_BRAKE  # the dispatcher keeps it
    weight: int = POINT  # thousandths of a point
    settings: Mapping[str, object] = field(default_factory=dict)  # what only the adapter reads


@dataclass(frozen=True, slots=True)
class Purpose:
    """Two bits, not one: does it obey the limits, does it count towards them; and does it need a consent."""

    name: str
    obeys: bool
    counts: bool
    consent: bool = True


@dataclass(frozen=True, slots=True)
class Holdout:
    """The share of all customers that no trigger of these purposes reaches; another `salt` draws them
    anew.
    """

    share: float = 0.0
    purposes: frozenset[str] = frozenset()
    salt: str = ""


@dataclass(frozen=True, slots=True)
class Playbook:
    """All rules a decision is taken under. Two equal playbooks decide alike."""

    zone: ZoneInfo
    currency: str = "CHF"
    links: Mapping[str, str] = field(default_factory=dict)  # addresses of pages by name, for templates
    week_starts: str = "monday"
    grace: Millis = 300_000
    look_ahead: bool = True  # whether a candidate gives way to stronger ones that can be foreseen
    consent_policy: ConsentPolicy = "strict"
    channels: Mapping[str, Channel] = field(default_factory=dict)
    purposes: Mapping[str, Purpose] = field(default_factory=dict)
    rules: tuple[PressureRule, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    preference: Preference = field(default_factory=Preference)
    bounces: BounceLimit = USUAL_LIMIT
    surge: SurgeLimits = USUAL_SURGE  # the dispatcher keeps it
    segments: Mapping[str, Predicate] = field(default_factory=dict)
    pauses: tuple[Pause, ...] = ()
    version: int = 0
    applied_at: Instant | None = None
    holdout: Holdout = Holdout()
    former: Mapping[tuple[str, int], Former] = field(
        default_factory=dict
    )  # by trigger and the version under which one entered
    index: PlaybookIndex = field(init=False, compare=False, repr=False)
    """The playbook looked up the other way round."""

    def __post_init__(self) -> None:
        # a cached property would need a dictionary in each instance: reading any field would take longer
        object.__setattr__(self, "index", PlaybookIndex(self))

    def trigger(self, name: str) -> Trigger | None:
        """The trigger of that name, of whatever status."""
        return self.index.by_name.get(name)
