"""A condition ready to be asked: its text, its tree and the closure made from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from core.language import Condition, Facts


@dataclass(frozen=True, slots=True)
class Predicate:
    """A condition with the function that answers it; equal when the texts are."""

    condition: Condition = field(compare=False)
    holds: Callable[[Facts], bool] = field(compare=False, repr=False)
    text: str = ""
