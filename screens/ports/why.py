"""Why, and why not: the engine's answer for one customer, trigger by trigger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from screens.ports import Cancelled

if TYPE_CHECKING:
    from core.explain.trigger_explanation import TriggerExplanation


@dataclass(frozen=True, slots=True)
class CustomerExplanations:
    """Every trigger's explanation for one customer, those that were decided lately first."""

    customer_id: int
    customer: str
    name: str | None
    explanations: tuple[TriggerExplanation, ...]


class WhyPort(Protocol):
    """The question of the why screen."""

    def explanations(self, customer: str, cancelled: Cancelled) -> CustomerExplanations:
        """Every trigger's answer for the customer of a key or identity; ManometerError where there is
        none.
        """
        ...
