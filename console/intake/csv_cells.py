"""What single cells mean under a profile: amounts, instants, days, plain values. Instants are ms UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from console.intake.csv_table import ColumnDecisions
from core.instants import Instant, format_instant, from_local, local_date, parse_instant
from core.sources.amounts import Amount, DecimalSign, read_amount, read_number
from core.sources.cells import CellError, shown
from core.sources.csv_profile import AUTO, CsvProfile
from core.sources.currencies import DECIMALS
from core.sources.dates import DateStyle, read_birthday, read_clock, read_day, read_instant, read_instant_of
from core.sources.order_fields import HUNDREDTHS
from core.sources.segment import Rejected, parse_birthday
from core.text_folding import spellings

_USUAL_DECIMALS: Final = 2
_LONGEST: Final = 64
"""Characters of a number or day; longer cells are texts."""
_LARGEST_AMOUNT: Final = 10**12
_MOST_REMEMBERED: Final = 8_192
_FREE_FORMS: Final = frozenset({AUTO, "day first", "month first"})
_TRUTH: Final[Mapping[str, bool]] = {
    **dict.fromkeys(("true", "wahr", "vrai", "vero", "verdadero", "waar"), True),
    **dict.fromkeys(("false", "falsch", "faux", "falso", "onwaar"), False),
}
"""How spreadsheets write a truth value; other words of yes and no may be names, such as the land NO."""


class CellReader:
    """Reads the cells of one file; `home` is the workspace's currency."""

    def __init__(
        self, profile: CsvProfile, zone: ZoneInfo, home: str | None, decided: ColumnDecisions, today: date
    ) -> None:
        self._zone = zone
        self._home = home
        self._usual = None if profile.decimal == AUTO else profile.decimal
        self._decimals = decided.decimals
        self._forms = profile.dates
        self._today = today
        self._styles = {column: self._style(order) for column, order in decided.day_orders.items()}
        fixed = next((form for form in ("day first", "month first") if form in profile.dates), None)
        self._usual_style = self._style(fixed)
        self._has_serial_days = "serial" in profile.dates
        self._is_free = not _FREE_FORMS.isdisjoint(profile.dates)
        self._instants: dict[tuple[str, str], Instant] = {}

    def _style(self, order: Any) -> DateStyle:
        style = DateStyle(self._zone, order)
        if "short years" in self._forms:
            style = replace(style, latest_short_year=self._today)
        return replace(style, has_serial_days=True) if "serial" in self._forms else style

    # ---- numbers and money ----

    def _sign(self, column: str) -> DecimalSign:
        return self._usual or self._decimals.get(column, ".")

    def number(self, column: str, cell: str) -> Decimal:
        """The number of a cell; CellError where it is none under the decimal sign of its column."""
        return read_number(cell, self._sign(column))

    def amount(self, column: str, cell: str) -> Amount:
        """The amount of a cell in major units, with the currency beside it; CellError where it is none."""
        return read_amount(cell, self._sign(column), self._home)

    def plain(self, column: str, cell: str) -> str | int | float | bool:
        """A number or truth value where the cell is one; what begins with a zero or a plus is a name made of
        digits.
        """
        if len(cell) > _LONGEST or (cell.startswith(("0", "+")) and cell.isalnum() and cell != "0"):
            return cell
        truth = _TRUTH.get(spellings(cell)[0]) if cell[:1].isalpha() else None
        if truth is not None:
            return truth
        try:
            return plain_number(self.number(column, cell))
        except CellError:
            return cell

    # ---- days and instants ----

    def instant(self, column: str, cell: str) -> Instant:
        """The instant of a cell in one of the profile's forms; Rejected where none fits."""
        known = self._instants.get((column, cell))
        if known is not None:
            return known
        reason = ""
        for form in self._forms:
            try:
                at = self._instant_in(form, column, cell)
            except ValueError as error:
                reason = reason or (f": {error}" if isinstance(error, CellError) else "")
            else:
                if len(self._instants) >= _MOST_REMEMBERED:
                    self._instants.clear()
                self._instants[column, cell] = at
                return at
        raise Rejected(f"impossible time {shown(cell)}{reason}")

    def _instant_in(self, form: str, column: str, cell: str) -> Instant:
        if form == "iso":
            return parse_instant(cell, self._zone)
        if "%" in form:
            return self._instant_of(self._parsed(form, cell))
        if not self._is_free and not cell.replace(".", "").replace(",", "").isdigit():
            raise ValueError
        return read_instant(cell, self._styles.get(column, self._usual_style))

    def instant_of(self, column: str, day: str, clock: str) -> Instant:
        """The instant of a day and a time in two cells; Rejected where they are none."""
        for form in self._forms:
            try:
                if "%" in form:
                    return self._instant_of(self._parsed(form, f"{day} {clock}"))
            except ValueError:
                continue
        try:
            if self._is_free:
                return read_instant_of(day, clock, self._styles.get(column, self._usual_style))
            time = read_clock(clock, has_serial_days=self._has_serial_days)
            local_day = local_date(self.instant(column, day), self._zone)
            return from_local(datetime.combine(local_day, time), self._zone)
        except CellError as error:
            raise Rejected(f"impossible time {shown(f'{day} {clock}')}: {error}") from None

    def _parsed(self, form: str, cell: str) -> datetime:
        moment = datetime.strptime(cell, form)  # noqa: DTZ007 - local time of the profile's zone
        if "%y" in form and moment.date() > self._today + timedelta(days=1):
            return moment.replace(year=moment.year - 100)
        return moment

    def _instant_of(self, moment: datetime) -> Instant:
        if moment.tzinfo is None:
            return from_local(moment, self._zone)
        return parse_instant(moment.isoformat())

    def birthday(self, column: str, cell: str) -> str:
        """The birthday of a cell as a trait holds it; the cell itself where it is none."""
        if parse_birthday(cell, self._zone) is not None:
            return cell
        for form in self._forms:
            try:
                if "%" in form:
                    return self._parsed(form, cell).date().isoformat()
                if form in _FREE_FORMS:
                    return read_birthday(cell, self._styles.get(column, self._usual_style), self._today)
            except ValueError:
                continue
        return cell

    def trait(self, column: str, cell: str) -> str | bool:
        """Any other trait: a day or instant in one of the profile's forms as ISO 8601, a truth value of a
        spreadsheet, else its text.
        """
        if cell[:1].isalpha() and len(cell) < 10 and (truth := _TRUTH.get(spellings(cell)[0])) is not None:
            return truth
        if len(cell) > _LONGEST or not any(sign.isdigit() for sign in cell) or cell.isdigit():
            return cell
        for form in self._forms:
            try:
                if "%" in form or (form in _FREE_FORMS and not _is_iso(cell)):
                    return self._as_iso(form, column, cell)
            except ValueError:
                continue
        return cell

    def _as_iso(self, form: str, column: str, cell: str) -> str:
        if "%H" in form or "%I" in form or ("%" not in form and ":" in cell):
            return format_instant(self._instant_in(form, column, cell))
        if "%" in form:
            return self._parsed(form, cell).date().isoformat()
        return read_day(cell, self._styles.get(column, self._usual_style)).isoformat()


def _is_iso(cell: str) -> bool:
    return len(cell) >= 10 and cell[4] == "-" and cell[7] == "-"


def to_units(number: Decimal, currency: str | None) -> int:
    """An amount in major units as whole minor units, half up; Rejected where it is beyond all reason."""
    decimals = DECIMALS.get(currency or "", _USUAL_DECIMALS)
    units = int(number.scaleb(decimals).quantize(Decimal(1), ROUND_HALF_UP))
    if abs(units) > _LARGEST_AMOUNT:
        raise Rejected(f"impossible amount {number}")
    return units


def to_major(units: int, currency: str | None) -> int | float:
    """Whole minor units as a number in major ones."""
    decimals = DECIMALS.get(currency or "", _USUAL_DECIMALS)
    return units / 10**decimals if decimals else units


def to_hundredths(units: int, currency: str | None) -> int:
    """Whole minor units as hundredths, in which sums are kept whatever the currency."""
    decimals = DECIMALS.get(currency or "", _USUAL_DECIMALS)
    if decimals == HUNDREDTHS:
        return units
    return int(Decimal(units).scaleb(HUNDREDTHS - decimals).quantize(Decimal(1), ROUND_HALF_UP))


def plain_number(value: Decimal) -> int | float:
    """A number as JSON holds it."""
    return int(value) if value == value.to_integral_value() else float(value)
