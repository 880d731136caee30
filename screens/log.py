"""What the logs of decisions and messages have in common: a table behind a filter line of terms, and ways to
the customer.
"""

from __future__ import annotations

import shlex
from array import array
from collections.abc import Sequence
from typing import ClassVar, Generic, Protocol, TypeVar

from textual.binding import BindingType

from core.filters import value_of, with_field
from screens.action_frame import ActingFrame
from screens.filtering import FilterInput
from screens.widgets.keys import key
from screens.widgets.table import VirtualTable


class OfCustomer(Protocol):
    """A row about one customer and one trigger."""

    @property
    def customer_id(self) -> int:
        """The customer's row."""
        ...

    @property
    def customer(self) -> str:
        """The customer's key."""
        ...

    @property
    def trigger(self) -> str:
        """The trigger's name."""
        ...


R = TypeVar("R", bound=OfCustomer)


class LogScreen(ActingFrame, Generic[R]):
    """A log. A subclass composes one table, and says which term `o` turns through."""

    turned: ClassVar[str] = ""
    """The field whose values `o` turns through."""
    BINDINGS: ClassVar[list[BindingType]] = [
        key("o", "turn", "State", "log.turn", "only one state or outcome, the next at each press", show=True),
        key("w", "why", "Why", "log.why", "why the customer got it or did not, check by check", show=True),
        key(
            "t",
            "timeline",
            "Customer",
            "log.timeline",
            "the customer with her timeline over all channels",
            show=True,
        ),
        key("d", "trigger", "Trigger", "log.trigger", "the trigger"),
    ]

    def __init__(self, only: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__()
        self.only = tuple(only)
        """Terms that always hold, as fields and values."""

    @property
    def table(self) -> VirtualTable[R]:
        """The list."""
        return self.query_one(VirtualTable)

    @property
    def row(self) -> R | None:
        """The row under the cursor; None while it is not read."""
        return self.table.row

    @property
    def terms_text(self) -> str:
        """The filter line with the terms that always hold."""
        return " ".join(
            [*(f"{name}:{shlex.quote(value)}" for name, value in self.only), self.filter_text]
        ).strip()

    def crumbs(self) -> Sequence[str]:
        """What always holds."""
        return [value for _, value in self.only]

    def filtered(self, text: str) -> None:
        """The line says something else: the list begins anew."""
        self.table.await_list()
        self.load()

    def turn_to(self, value: str | None) -> None:
        """Put another value for the turned field into the filter line."""
        text = with_field(self.filter_text, self.turned, value)
        for line in self.query(FilterInput):
            line.value = text
        self.filter_text = text
        self.filtered(text)

    def turned_value(self) -> str | None:
        """The value of the turned field in the filter line."""
        return value_of(self.filter_text, self.turned)

    def show_ids(self, ids: array[int], *, fresh: bool) -> None:
        """Show these."""
        self.table.show(ids, fresh=fresh)
        self.chosen_changed()

    def why_not(self, action: str) -> str | None:
        """Why there is no way to the customer or the trigger."""
        if action in ("why", "timeline", "trigger") and self.row is None:
            return "there is no row under the cursor"
        return None

    def action_why(self) -> None:
        """Why, for customer and trigger of the row."""
        if self.row is not None:
            self.host.open_why(self.row.customer, self.row.trigger)

    def action_timeline(self) -> None:
        """The customer."""
        if self.row is not None:
            self.host.open_customer(self.row.customer_id)

    def action_trigger(self) -> None:
        """The trigger."""
        if self.row is not None:
            self.host.open_trigger(self.row.trigger)
