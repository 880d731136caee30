"""Why, and why not: the engine's answer for one customer, trigger by trigger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from core.instants import Instant
from screens.ports import Cancelled


@dataclass(frozen=True, slots=True)
class CheckLine:
    """One question on the way to a message, in the order in which the engine asks; `holds` means nothing
    stands against it.
    """

    check: str
    holds: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one trigger did for her: `verdict` is the outcome of the last decision, or `none`."""

    trigger: str
    title: str
    status: str
    verdict: str
    reason: str | None
    since: Instant | None
    """When it was last decided."""
    words: str
    trace: tuple[CheckLine, ...]
    step: int | None = None
    """The step that is to come; None where she is not under way."""
    behind: str | None = None
    """What something that expired had waited for."""
    short: str = ""
    """Why, in a few words."""
    foretold: bool = False
    """It is not decided yet: the engine would decide so if nothing else happened."""

    @property
    def stop(self) -> CheckLine | None:
        """The first check that does not hold now."""
        return next((check for check in self.trace if not check.holds), None)


@dataclass(frozen=True, slots=True)
class CustomerVerdicts:
    """All verdicts for one customer, those that were decided lately first."""

    customer_id: int
    customer: str
    name: str | None
    verdicts: tuple[Verdict, ...]


class WhyPort(Protocol):
    """The question of the why screen."""

    def verdicts(self, customer: str, cancelled: Cancelled) -> CustomerVerdicts:
        """Every trigger's answer for the customer of a key or identity; ManometerError where there is
        none.
        """
        ...
