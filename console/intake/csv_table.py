"""One CSV file after its profile: the header, and its rows with what their cells mean."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from io import BufferedReader
from typing import Final, NamedTuple, Protocol

from console.intake.csv_records import CsvRecords, Reject, Row, scan
from console.intake.physical_lines import text_lines_of
from core.errors import ManometerError
from core.sources.amounts import DecimalSign, decimal_column
from core.sources.cells import ColumnChoice, ColumnError, bare
from core.sources.csv_profile import AUTO, CsvProfile
from core.sources.dates import DayOrder, day_order_column

_DELIMITERS: Final = ";,\t|"
SEPARATOR_LINE: Final = re.compile(r'"?sep=(.)"?', re.IGNORECASE)
"""Made for Excel by many exports, as the first line."""
_LONGEST: Final = 80
"""Characters of a cell that can show how a column is written."""
_KEPT_AS_TEXT: Final = ("'", "=")
_KEPT: Final = re.compile(r"'[+0-9]|=\"")
"""How spreadsheets keep a number a text; the apostrophe of a name such as 't Hooft is its own."""
_FEW_COLUMNS: Final = 8
"""With more columns, a line of as many fields is hardly the text of another one's cell."""


class _Seeing(Protocol):
    def see(self, line: int, cell: str) -> None: ...


class ColumnDecisions(NamedTuple):
    """By column: its decimal sign, and whether its days or its months come first."""

    decimals: Mapping[str, DecimalSign]
    day_orders: Mapping[str, DayOrder]


class CsvTable:
    """A file whose header is read at once; ManometerError where it does not fit the profile. `path` is for
    messages.
    """

    def __init__(self, content: BufferedReader, profile: CsvProfile, path: str) -> None:
        self.profile = profile
        self.path = path
        self._content = content
        self._records = self._begun()

    def _begun(self) -> CsvRecords:
        """Reading begins at the header, which says what the columns are."""
        records = CsvRecords(text_lines_of(self._content), self.profile.encodings)
        records.delimiter = self._delimiter(records)
        header = records.header()
        if header is None:
            raise ManometerError(
                f"{self.path}: the file is empty; it has to begin with a line of column names."
            )
        if isinstance(header, Reject):
            raise ManometerError(
                f"{self.path}: line {header.line}: the column names cannot be read: {header.reason}."
            )
        names = [_name(field) for field in header.fields]
        self._index = self._indexed(names)
        self._check_header(names)
        records.width = len(names)
        records.is_plausible = self._is_plausible
        return records

    def _delimiter(self, records: CsvRecords) -> str:
        line = records.first_line()
        if line is None or isinstance(line, Reject):
            return ","
        separator = SEPARATOR_LINE.fullmatch(line.text.strip("\r\n\ufeff "))
        if separator is not None:
            records.drop_line()
            return separator[1]
        if self.profile.delimiter != AUTO:
            return self.profile.delimiter
        used = set(self.profile.used_columns())
        return max(_DELIMITERS, key=lambda sign: _fit(line.text.rstrip("\r\n"), sign, used))

    def _indexed(self, names: Sequence[str]) -> Mapping[str, int]:
        """Where each column of the profile stands: by its name, else by the same name in other letters."""
        index = {name: place for place, name in enumerate(names)}
        alike: dict[str, list[int]] = {}
        for place, name in enumerate(names):
            alike.setdefault(name.casefold(), []).append(place)
        for column in self.profile.used_columns():
            places = alike.get(column.casefold(), [])
            if names.count(column) > 1 or (column not in index and len(places) > 1):
                raise ManometerError(
                    f"{self.path}: there are two columns {column!r}. Rename one of them in the file."
                )
            if column not in index and places:
                index[column] = places[0]
        return index

    def _check_header(self, names: Sequence[str]) -> None:
        profile = self.profile
        if profile.is_optional:
            if not any(column in self._index for column in profile.identities.values()):
                raise ManometerError(
                    f"{self.path}: none of the columns that say who it is: "
                    f"{', '.join(profile.identities.values())}. "
                    f"The file has {', '.join(names)}. Name its own in a profile."
                )
            required = list(profile.needed_columns())
        else:
            required = list(profile.used_columns())
        missing = [column for column in required if column not in self._index]
        if missing:
            near = get_close_matches(missing[0], list(names), 1)
            hint = f"Did you mean {near[0]!r}?" if near else f"The file has {', '.join(names)}."
            raise ManometerError(
                f"{self.path}: profile {profile.name!r} needs the column {missing[0]!r}, which is not "
                f"there. {hint}"
            )

    def has(self, column: str | None) -> bool:
        """Whether the file has a column."""
        return column in self._index

    # ---- rows ----

    def rows(self) -> Iterator[Row | Reject]:
        """The rows that are not blank, with blank cells carried down where the profile says so."""
        carry = _CarryDown(self) if self.profile.carry_down else None
        for row in self._records:
            if isinstance(row, Reject):
                if carry is not None:
                    carry.forget()
                yield row
            elif any(row.fields) and any(field.strip() for field in row.fields):
                yield row if carry is None else carry.filled(row)

    def value(self, row: Row, column: str | None) -> str:
        """What a cell means, without blanks around it; an empty text where there is no such column."""
        place = self._index.get(column) if column is not None else None
        if place is None:
            return ""
        cell = row.fields[place].strip()
        if cell[:1] in _KEPT_AS_TEXT and _KEPT.match(cell):
            cell = bare(cell)
        meanings = self.profile.values.get(column or "") if self.profile.values else None
        return cell if meanings is None else meanings.get(cell, cell)

    def place(self, column: str) -> int:
        """Where a column stands that is there."""
        return self._index[column]

    def _is_plausible(self, fields: list[str]) -> bool:
        """Whether the fields of one line look like a whole record."""
        if len(fields) > _FEW_COLUMNS:
            return True
        profile = self.profile
        needed = [*profile.at[:1], *(column for key, column in profile.columns.items() if key == "key")]
        if any(not self._cell(fields, column) for column in needed):
            return False
        cells = {kind: self._cell(fields, column) for kind, column in profile.identities.items()}
        if "email" in cells and cells["email"] and "@" not in cells["email"]:
            return False
        return profile.kind == "orders" or any(cells.values())

    def _cell(self, fields: list[str], column: str) -> str:
        place = self._index.get(column)
        return "" if place is None else fields[place].strip()

    # ---- what only whole columns can say ----

    def decided(self) -> ColumnDecisions:
        """What the profile leaves to the file, found by reading all of it once. ColumnError where a column is
        written in two ways, or nothing decides.
        """
        profile, has_days = self.profile, AUTO in self.profile.dates
        number_columns = self._there(profile.number_columns()) if profile.decimal == AUTO else ()
        numbers = {column: decimal_column(column) for column in number_columns}
        date_columns = self._there(profile.date_columns()) if has_days else ()
        days = {column: day_order_column(column) for column in date_columns}
        others = {
            column: day_order_column(column)
            for column in (self._there(profile.traits.values()) if has_days else ())
            if column not in days
        }
        if numbers or days or others:
            self._see_all([*numbers.items(), *days.items(), *others.items()])
        try:
            signs = {column: choice.decide() for column, choice in numbers.items()}
            orders = {column: choice.decide() for column, choice in days.items()}
        except ColumnError as error:
            raise ColumnError(f"{self.path}: {error}") from None
        return ColumnDecisions(signs, orders | dict(_decided_without_fault(others)))

    def _there(self, columns: Iterable[str]) -> tuple[str, ...]:
        return tuple(column for column in dict.fromkeys(columns) if column in self._index)

    def _see_all(self, choices: Sequence[tuple[str, _Seeing]]) -> None:
        if not self._content.seekable():
            raise ManometerError(
                f"{self.path}: the file has to be read twice, as its profile leaves the decimal sign or the "
                "order of day and month to it. Copy it to a file, or set `decimal` and `dates`."
            )
        for row in self.rows():
            if isinstance(row, Row):
                for column, choice in choices:
                    cell = self.value(row, column)
                    if cell and len(cell) <= _LONGEST:
                        choice.see(row.line, cell)
        self._content.seek(0)
        self._records = self._begun()


def _decided_without_fault(
    choices: Mapping[str, ColumnChoice[DayOrder]],
) -> Iterator[tuple[str, DayOrder]]:
    """Columns that need not hold days: where one does not show how they are written, its cells stay texts."""
    for column, choice in choices.items():
        try:
            yield column, choice.decide()
        except ColumnError:
            continue


class _CarryDown:
    """Fills blank cells of continuation lines with what stands above, never across the number of an order."""

    def __init__(self, table: CsvTable) -> None:
        self._table = table
        columns = [column for column in table.profile.carry_down if table.has(column)]
        self._places = [table.place(column) for column in columns]
        self._key = table.profile.columns.get("key")
        self.forget()

    def forget(self) -> None:
        """What stands above cannot be known any more."""
        self._above: dict[int, str] = {}
        self._key_above = ""

    def filled(self, row: Row) -> Row:
        """The row with its blank cells filled."""
        table = self._table
        key = table.value(row, self._key)
        if key and key != self._key_above:
            self.forget()
            self._key_above = key
        for place in self._places:
            if row.fields[place].strip():
                self._above[place] = row.fields[place]
            elif place in self._above:
                row.fields[place] = self._above[place]
        return row


def _name(field: str) -> str:
    return field.strip().strip("\ufeff\u200b\u00a0").strip()


def _fit(header: str, delimiter: str, used: set[str]) -> tuple[int, int]:
    fields: list[str] = []
    scan(header, delimiter, fields)
    return sum(_name(field) in used for field in fields), len(fields)
