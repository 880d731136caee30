"""Lines of a CSV file to events, after a declared profile; one pass, few lines in memory."""

from __future__ import annotations

import csv
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from difflib import get_close_matches
from functools import lru_cache
from hashlib import blake2b
from io import BufferedReader
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from console.intake.csv_profiles import ConsentColumns, CsvProfile, Test
from console.intake.physical_lines import PhysicalLine, lines_of
from core.errors import ManometerError
from core.instants import Instant, from_local, parse_instant
from core.people import Identity
from core.sources.identities import USUAL, IdentityReading
from core.sources.segment import (
    ConsentRecord,
    Incoming,
    Rejected,
    addresses_of,
    amount_of,
    decimal_of,
    dedup_key,
    encode,
    encode_traits,
    minor_units,
    normal_channel,
    normalise_traits,
    parse_birthday,
)

REACH: Final = 1_000
"""Lines of one order may stand so many lines apart; what comes later is set aside."""
_MOST_TRAITS: Final = 200_000
_KINDS_BY_STRENGTH: Final = ("user", "email", "phone", "loyalty", "anonymous", "push")


class Reject(NamedTuple):
    """A line that was not taken: its number in the file, the reason, and the line."""

    line: int
    reason: str
    text: str


Item = tuple[int, Incoming | Reject]
"""How many lines of the file it stands for, and what became of them."""


Check = Callable[[Incoming], Incoming]
"""Looks at an event once more before it is taken in, and may raise Rejected."""


class Row(NamedTuple):
    """One record of the file."""

    line: int
    fields: list[str]


class _Order:
    """A purchase or return of which lines may still come."""

    __slots__ = (
        "at",
        "customer",
        "identities",
        "is_return",
        "key",
        "last",
        "lines",
        "products",
        "total",
        "traits",
    )

    def __init__(
        self, key: str, at: Instant, identities: tuple[Identity, ...], traits: dict[str, Any], is_return: bool
    ) -> None:
        self.key = key
        self.at = at
        self.identities = identities
        self.traits = traits
        self.is_return = is_return
        self.lines = 0
        self.last = 0
        self.total = 0
        self.products: list[dict[str, Any]] = []


def csv_items(
    content: BufferedReader,
    profile: CsvProfile,
    *,
    zone: ZoneInfo,
    arrived_at: Instant,
    source: str,
    path: str,
    check: Check | None = None,
    reading: IdentityReading = USUAL,
) -> Iterator[Item]:
    """What the lines of a CSV file come to; ManometerError where the header does not fit the profile. `check`
    may refuse an event; `reading` says how identities are read.
    """
    return _CsvReader(content, profile, profile.zone or zone, arrived_at, source, path, reading).items(check)


class _CsvReader:
    def __init__(
        self,
        content: BufferedReader,
        profile: CsvProfile,
        zone: ZoneInfo,
        arrived_at: Instant,
        source: str,
        path: str,
        reading: IdentityReading,
    ) -> None:
        self.profile = profile
        self.reading = reading
        self.zone = zone
        self.arrived_at = arrived_at
        self.source = source
        self.broken: list[Reject] = []
        self.raw = lines_of(content)
        header = next(self.raw, None)
        if header is None:
            raise ManometerError(f"{path}: the file is empty; it has to begin with a line of column names.")
        text = self.decode(header)
        if text is None:
            raise ManometerError(
                f"{path}: line {header.number}: the column names cannot be read as "
                f"{' or '.join(profile.encodings)}."
            )
        self.delimiter = _delimiter(text) if profile.delimiter == "auto" else profile.delimiter
        names = [name.strip() for name in next(csv.reader([text], delimiter=self.delimiter), [])]
        self.width = len(names)
        self.index = {name: place for place, name in enumerate(names)}
        self.check_header(path, names)
        self.instant = _instant_reader(profile.dates, zone)
        self.number_of = _number_reader(profile.decimal)
        self.number = header.number

    def check_header(self, path: str, names: Sequence[str]) -> None:
        missing = [column for column in self.profile.used_columns() if column not in self.index]
        if self.profile.is_optional:
            if not any(column in self.index for column in self.profile.identities.values()):
                raise ManometerError(
                    f"{path}: none of the columns that say who it is: "
                    f"{', '.join(self.profile.identities.values())}. "
                    f"The file has {', '.join(names)}. Name its own in a profile."
                )
            return
        if missing:
            near = get_close_matches(missing[0], list(names), 1)
            hint = f"Did you mean {near[0]!r}?" if near else f"The file has {', '.join(names)}."
            raise ManometerError(
                f"{path}: profile {self.profile.name!r} needs the column {missing[0]!r}, which is not "
                f"there. {hint}"
            )

    # ---- lines to rows ----

    def decode(self, line: PhysicalLine) -> str | None:
        for encoding in self.profile.encodings:
            try:
                return line.content.decode(encoding)
            except UnicodeDecodeError:
                continue
        return None

    def texts(self) -> Iterator[str]:
        for line in self.raw:
            if not line.is_whole:
                self.broken.append(
                    Reject(line.number, "longer than 1 MiB", line.content[:4_096].decode("utf-8", "replace"))
                )
                continue
            text = self.decode(line)
            if text is None:
                reason = f"cannot be read as {' or '.join(self.profile.encodings)}"
                self.broken.append(Reject(line.number, reason, line.content.decode("utf-8", "replace")))
                continue
            self.number = line.number
            yield text

    def rows(self) -> Iterator[Row | Reject]:
        reader = csv.reader(self.texts(), delimiter=self.delimiter)
        while True:
            try:
                fields = next(reader, None)
            except csv.Error as error:
                yield Reject(self.number, f"not CSV: {error}", "")
                continue
            if self.broken:
                yield from self.broken
                self.broken.clear()
            if fields is None:
                return
            if len(fields) != self.width:
                yield Reject(
                    self.number, f"{len(fields)} fields instead of {self.width}", self.delimiter.join(fields)
                )
            elif any(fields):
                yield Row(self.number, fields)

    def value(self, row: Row, column: str | None) -> str:
        place = self.index.get(column) if column is not None else None
        return row.fields[place].strip() if place is not None else ""

    # ---- rows to events ----

    def items(self, check: Check | None = None) -> Iterator[Item]:
        if self.profile.kind == "orders":
            yield from _Orders(self).items()
            return
        build = self.customer if self.profile.kind == "customers" else self.event
        for row in self.rows():
            if isinstance(row, Reject):
                yield 1, row
                continue
            try:
                self.refuse_set_aside(row, False)
                incoming = build(row) if check is None else check(build(row))
            except Rejected as reason:
                yield 1, self.reject(row, reason)
            else:
                yield 1, incoming

    def reject(self, row: Row, reason: Rejected) -> Reject:
        return Reject(row.line, str(reason), self.delimiter.join(row.fields))

    def refuse_set_aside(self, row: Row, is_return: bool) -> None:
        for rule in self.profile.set_aside:
            if not (rule.sales_only and is_return) and self.holds(rule.test, row):
                raise Rejected(rule.reason)

    def holds(self, test: Test, row: Row) -> bool:
        value = self.value(row, test.column)
        if test.starts_with is not None:
            return value.startswith(test.starts_with)
        if test.equals is not None:
            return value == test.equals
        if test.below is not None:
            number = self.number_of(value)
            return number is not None and number < test.below
        return not value

    def plain(self, text: str) -> str | int | float:
        """A number where the text is one; what begins with a zero or a plus is a name made of digits."""
        number = (
            None if text.startswith(("0", "+")) and text.isalnum() and text != "0" else self.number_of(text)
        )
        return text if number is None else _number(number)

    def identities(self, row: Row) -> tuple[Identity, ...]:
        found = []
        for kind in _KINDS_BY_STRENGTH:
            value = self.reading.identity(kind, _whole(self.value(row, self.profile.identities.get(kind))))
            if value:
                found.append((kind, value))
        return tuple(found)

    def traits(self, row: Row) -> dict[str, Any]:
        given: dict[str, Any] = {}
        for trait, column in self.profile.traits.items():
            value = self.value(row, column)
            if value:
                given[trait] = self.trait(trait, value)
        return normalise_traits(given, {}, self.zone, self.reading)

    def trait(self, name: str, value: str) -> object:
        if name == "createdAt":
            try:
                return self.instant(value)
            except Rejected:
                return value
        if name == "birthday" and parse_birthday(value) is None:
            return _day(value, self.profile.dates) or value
        return value

    def when(self, row: Row) -> Instant | None:
        text = self.value(row, self.profile.columns.get("at"))
        return self.instant(text) if text else None

    def natural_key(self, row: Row) -> str:
        return (
            self.value(row, self.profile.columns.get("key"))
            or blake2b("\x1f".join(row.fields).encode(), digest_size=16).hexdigest()
        )

    def customer(self, row: Row) -> Incoming:
        """One line of a customer list; its key is the whole line, so that a changed line is news and the same
        one is not.
        """
        identities = self.identities(row)
        if not identities:
            raise Rejected("no identity: none of its columns has a value")
        at = self.when(row)
        at = self.arrived_at if at is None else at
        traits = addresses_of(identities) | self.traits(row)
        key = blake2b("\x1f".join(row.fields).encode(), digest_size=16).hexdigest()
        consents = tuple(
            record for columns in self.profile.consents if (record := self.consent(columns, row)) is not None
        )
        return Incoming(
            dedup_key(self.source, f"customer\0{key}"), self.source, "identify", "identify", at, identities,
            traits, encode_traits(traits),
            self.profile.channel, None, consents,
        )  # fmt: skip

    def consent(self, columns: ConsentColumns, row: Row) -> ConsentRecord | None:
        said = self.value(row, columns.column).lower()
        if not said:
            return None
        if said not in columns.yes and said not in columns.no:
            raise Rejected(f"{columns.column}: {said[:40]!r} is neither a yes nor a no")
        at = self.value(row, columns.at)
        return ConsentRecord(
            columns.channel, columns.purpose, "granted" if said in columns.yes else "withdrawn",
            self.value(row, columns.source) or self.source, None, self.value(row, columns.text) or None,
            self.value(row, columns.proof) or None, self.instant(at) if at else None,
        )  # fmt: skip

    def event(self, row: Row) -> Incoming:
        """One line of an event list."""
        identities = self.identities(row)
        if not identities:
            raise Rejected("no identity: none of its columns has a value")
        at = self.when(row)
        if at is None:
            raise Rejected("no time")
        name = self.value(row, self.profile.columns.get("name")) or self.profile.event
        if not name:
            raise Rejected("no event name")
        properties: dict[str, Any] = {}
        for key, column in self.profile.properties.items():
            value = self.value(row, column)
            if value:
                properties[key] = self.plain(value)
        amount = minor_units(self.number_of(self.value(row, self.profile.columns.get("amount"))))
        channel = self.value(row, self.profile.columns.get("channel"))
        return Incoming(
            dedup_key(self.source, self.natural_key(row)), self.source, "track", name, at, identities,
            properties, encode(properties),
            normal_channel(channel) if channel else self.profile.channel,
            amount if amount is not None else amount_of(name, properties),
            traits=addresses_of(identities),
        )  # fmt: skip


class _Orders:
    """Lines with one number to one purchase or return."""

    def __init__(self, reader: _CsvReader) -> None:
        self.reader = reader
        self.profile = reader.profile
        self.open: OrderedDict[str, _Order] = OrderedDict()
        self.closed: set[int] = set()
        self.said: dict[tuple[Identity, ...], str] = {}

    def items(self) -> Iterator[Item]:
        for row in self.reader.rows():
            if isinstance(row, Reject):
                yield 1, row
                continue
            try:
                self.add(row)
            except Rejected as reason:
                yield 1, self.reader.reject(row, reason)
            while self.open and next(iter(self.open.values())).last < row.line - REACH:
                yield from self.close(self.open.popitem(last=False)[1])
        while self.open:
            yield from self.close(self.open.popitem(last=False)[1])

    def add(self, row: Row) -> None:
        reader, columns = self.reader, self.profile.columns
        key = reader.value(row, columns["key"])
        if not key:
            raise Rejected(f"no {columns['key']}")
        is_return = self.profile.returns is not None and reader.holds(self.profile.returns, row)
        reader.refuse_set_aside(row, is_return)
        product, amount = self.product(row, is_return)
        order = self.open.get(key)
        if order is None:
            order = self.begin(row, key, is_return)
        order.products.append(product)
        order.total += amount
        order.lines += 1
        order.last = row.line
        self.open.move_to_end(key)

    def begin(self, row: Row, key: str, is_return: bool) -> _Order:
        if _mark(key) in self.closed:
            raise Rejected(
                f"{self.profile.columns['key']} {key} was already taken, more than {REACH} lines before; "
                "sort the file by it"
            )
        at = self.reader.when(row)
        if at is None:
            raise Rejected("no time")
        order = self.open[key] = _Order(
            key, at, self.reader.identities(row), self.reader.traits(row), is_return
        )
        return order

    def product(self, row: Row, is_return: bool) -> tuple[dict[str, Any], int]:
        """The product of a line and its amount in minor units; pieces that came back are counted as they
        are.
        """
        reader, columns = self.reader, self.profile.products
        quantity = (
            reader.number_of(reader.value(row, columns.get("quantity")))
            if "quantity" in columns
            else Decimal(1)
        )
        price = reader.number_of(reader.value(row, columns.get("price")))
        unit = minor_units(price)
        if quantity is None or abs(quantity) > 10**9:
            raise Rejected(f"impossible quantity {reader.value(row, columns.get('quantity'))[:40]!r}")
        if price is None or unit is None:
            raise Rejected(f"impossible price {reader.value(row, columns.get('price'))[:40]!r}")
        if is_return:
            quantity = -quantity if quantity < 0 else quantity
        product: dict[str, Any] = {
            key: value
            for key, column in columns.items()
            if key not in ("quantity", "price") and (value := reader.value(row, column))
        }
        product["price"], product["quantity"] = _number(price), _number(quantity)
        return product, int((unit * quantity).to_integral_value())

    def close(self, order: _Order) -> Iterator[Item]:
        self.closed.add(_mark(order.key))
        properties: dict[str, Any] = {
            "return_id" if order.is_return else "order_id": order.key,
            "revenue": order.total / 100,
            "products": order.products,
        }
        source = self.reader.source
        if order.identities and order.traits:
            yield from self.identify(order)
        yield order.lines, Incoming(
            dedup_key(source, order.key), source, "track",
            self.profile.return_event if order.is_return else self.profile.event,
            order.at, order.identities, properties, encode(properties), self.profile.channel, order.total,
            traits=addresses_of(order.identities),
        )  # fmt: skip

    def identify(self, order: _Order) -> Iterator[Item]:
        """What the lines say of the customer, where it is news within this file."""
        text = encode_traits(order.traits)
        if self.said.get(order.identities) == text:
            return
        if len(self.said) >= _MOST_TRAITS:
            self.said.clear()
        self.said[order.identities] = text
        source = self.reader.source
        key = "\0".join(("identify", *order.identities[0], text, str(order.at)))
        yield 0, Incoming(
            dedup_key(source, key), source, "identify", "identify", order.at, order.identities, order.traits,
            text, self.profile.channel
        )  # fmt: skip


def _mark(key: str) -> int:
    """Eight bytes that stand for an order's number."""
    return int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), "big")


def _number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


def _delimiter(header: str) -> str:
    return max(";,\t|", key=header.count)


def _instant_reader(dates: Sequence[str], zone: ZoneInfo) -> Callable[[str], Instant]:
    @lru_cache(maxsize=4_096)
    def instant(text: str) -> Instant:
        """The instant of a text in one of the profile's date formats; Rejected where none fits."""
        for form in dates:
            try:
                if form == "iso":
                    return parse_instant(text, zone)
                return from_local(datetime.strptime(text, form), zone)  # noqa: DTZ007 - local time of the profile's zone
            except ValueError:
                continue
        raise Rejected(f"impossible time {text[:40]!r}")

    return instant


def _number_reader(decimal: str) -> Callable[[str], Decimal | None]:
    @lru_cache(maxsize=16_384)
    def number_of(text: str) -> Decimal | None:
        """The number of a text with the profile's decimal sign, thousands parted or not; None where it is
        none.
        """
        if decimal == ",":
            text = text.replace(".", "").replace(",", ".")
        elif "," in text:
            text = text.replace(",", "")
        return decimal_of(text.replace("'", "").replace("\u00a0", "")) if text else None

    return number_of


def _day(text: str, dates: Sequence[str]) -> str | None:
    for form in dates:
        try:
            return datetime.strptime(text, form).date().isoformat()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
    return None


def _whole(text: str | None) -> str | None:
    """A number as spreadsheets write it where a column has gaps, `17850.0`, without its decimals."""
    return text[:-2] if text is not None and text.endswith(".0") and text[:-2].isdigit() else text
