"""What the rows of one CSV file say under its profile: who, when, how much, and what else. Instants are
ms UTC.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final
from zoneinfo import ZoneInfo

from console.intake.csv_cells import CellReader, to_hundredths, to_units
from console.intake.csv_records import Row
from console.intake.csv_table import CsvTable
from core.instants import Instant, local_date
from core.people import Identity
from core.sources.cells import CellError
from core.sources.csv_profile import CellTest
from core.sources.currencies import read_currency
from core.sources.identities import USUAL, IdentityReading
from core.sources.segment import Rejected, normal_channel, normalise_traits

Money = tuple[int, str | None]
"""Minor units, and the currency where the line names one."""

_KINDS_BY_STRENGTH: Final = ("user", "email", "phone", "loyalty", "anonymous", "push")
_TEXTS: Final = frozenset({
    "email", "phone", "firstName", "lastName", "name", "gender", "locale", "timezone", "country", "title",
    "company",
})  # fmt: skip
"""Traits that are never days or truth values."""
_NO_DAY: Final = "0000-00-00"
_NO_DATE: Final = re.compile(r"0000-00-00(?:[ T]00:00(?::00(?:\.0+)?)?)?Z?")


class CsvReading:
    """What the rows of one file say under its profile."""

    def __init__(
        self, table: CsvTable, zone: ZoneInfo, arrived_at: Instant, source: str, currency: str | None
    ) -> None:
        self.table = table
        self.profile = table.profile
        self.zone = zone
        self.arrived_at = arrived_at
        self.source = source
        self.currency = currency
        self.identity_reading: IdentityReading = USUAL
        today = local_date(arrived_at, zone)
        self.cells = CellReader(table.profile, zone, currency, table.decided(), today)
        self._identity_columns = [
            (kind, column)
            for kind in _KINDS_BY_STRENGTH
            if (column := table.profile.identities.get(kind)) is not None and table.has(column)
        ]
        constants = table.profile.constants
        self.constant_traits, self.constant_properties = constants["traits"], constants["properties"]

    def value(self, row: Row, column: str | None) -> str:
        """What a cell says, an empty text where there is none; databases write `0000-00-00` for no day."""
        text = "" if column is None else self.table.value(row, column)
        return "" if text.startswith(_NO_DAY) and _NO_DATE.fullmatch(text) else text

    def refuse_set_aside(self, row: Row, is_return: bool) -> None:
        """Rejected where the profile sets the row aside."""
        for rule in self.profile.set_aside:
            if not (rule.sales_only and is_return) and self.holds(rule.test, row):
                raise Rejected(rule.reason)

    def is_one_of(self, states: Sequence[CellTest], row: Row) -> bool:
        """Whether the row's order is in a state that one of the tests names."""
        return any(self.table.has(test.column) and self.holds(test, row) for test in states)

    def updated(self, row: Row) -> Instant | None:
        """When what the row says came to be so; None where it does not name that."""
        column = self.profile.columns.get("updated")
        text = self.value(row, column)
        return self.cells.instant(column, text) if column is not None and text else None

    def holds(self, test: CellTest, row: Row) -> bool:
        """Whether a cell is as the test says; one that is no number is not below any."""
        value = self.value(row, test.column)
        if test.starts_with is not None:
            return value.startswith(test.starts_with)
        if test.equals is not None:
            return value == test.equals
        if test.below is None:
            return not value
        try:
            return bool(value) and self.cells.amount(test.column, value).number < test.below
        except CellError:
            return False

    def identities(self, row: Row) -> tuple[Identity, ...]:
        """Strongest first."""
        found = []
        for kind, column in self._identity_columns:
            value = self.identity_reading.identity(kind, _whole(self.table.value(row, column)))
            if value:
                found.append((kind, value))
        return tuple(found)

    def traits(self, row: Row) -> dict[str, Any]:
        """What the row says of the customer, with the profile's constants."""
        given: dict[str, Any] = dict(self.constant_traits)
        for trait, column in self.profile.traits.items():
            value = self.value(row, column)
            if value:
                given[trait] = self._trait(trait, column, value)
        for kind in ("email", "phone"):
            said = self.value(row, self.profile.identities.get(kind))
            if said and kind not in given and self.identity_reading.identity(kind, said) is None:
                given[kind] = said  # kept as what cannot be read
        return normalise_traits(given, {}, self.zone, self.identity_reading) if given else given

    def _trait(self, name: str, column: str, value: str) -> object:
        if name == "createdAt":
            try:
                return self.cells.instant(column, value)
            except Rejected:
                return value
        if name == "birthday":
            return self.cells.birthday(column, value)
        is_text = name in _TEXTS or name.startswith("address.") or column in self.profile.identities.values()
        return value if is_text else self.cells.trait(column, value)

    def properties(self, row: Row) -> dict[str, Any]:
        """The row's properties, without the profile's constants."""
        given: dict[str, Any] = {}
        for key, column in self.profile.properties.items():
            value = self.value(row, column)
            if value:
                given[key] = self.cells.plain(column, value)
        return given

    def when(self, row: Row) -> Instant | None:
        """The instant that the row names; None where it names none."""
        columns = self.profile.at
        texts = [self.value(row, column) for column in columns]
        if not texts or not texts[0]:
            return None
        if len(texts) == 1:
            return self.cells.instant(columns[0], texts[0])
        return self.cells.instant_of(columns[0], texts[0], texts[1])

    def channel(self, row: Row) -> str | None:
        """The channel that the row names, else the profile's."""
        named = self.value(row, self.profile.columns.get("channel"))
        return normal_channel(named) if named else self.profile.channel

    def money(self, row: Row, column: str | None) -> Money | None:
        """Minor units and currency of a cell, which stands in it or in the row's own column; None where the
        cell is blank, CellError where it cannot be read.
        """
        cell = self.value(row, column)
        said = self.value(row, self.profile.columns.get("currency"))
        named = read_currency(said, self.currency) if said else None
        if not cell or column is None:
            return None
        amount = self.cells.amount(column, cell)
        if named is not None and amount.currency not in (None, named):
            raise CellError(f"the amount is in {amount.currency}, the line in {named}")
        currency = named or amount.currency
        return to_units(amount.number, currency or self.currency), currency

    def hundredths(self, units: int, currency: str | None) -> int:
        """The amount of an event, which is in hundredths in the workspace's own currency whatever that is;
        one in another currency stays in its own minor units until it is converted.
        """
        home = self.currency
        return to_hundredths(units, home) if currency in (None, home) else units


def _whole(text: str | None) -> str | None:
    """A number as spreadsheets write it where a column has gaps, `17850.0`, without its decimals."""
    return text[:-2] if text is not None and text.endswith(".0") and text[:-2].isdigit() else text
