"""Lines of a CSV file to events, after a declared profile; few lines in memory. Amounts are minor units,
instants ms UTC.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from hashlib import blake2b
from io import BufferedReader
from typing import Any, Final
from zoneinfo import ZoneInfo

from console.intake.csv_cells import plain_number, to_major
from console.intake.csv_reading import CsvReading, Money
from console.intake.csv_records import Reject, Row
from console.intake.csv_table import CsvTable
from core.instants import Instant, format_instant
from core.model.events import ORDER_CANCELLED, ORDER_REFUNDED, ORDER_RETURNED
from core.model.orders import CUMULATIVE
from core.people import Identity
from core.placeholders import identifying_text
from core.sources.cells import CellError, shown
from core.sources.consent_lists import read_state
from core.sources.csv_profile import ConsentColumns, CsvProfile
from core.sources.feedback import Unread, unread_consent
from core.sources.identities import USUAL, IdentityReading
from core.sources.order_fields import order_number
from core.sources.segment import (
    ORDER_NAMES,
    ConsentRecord,
    Incoming,
    Rejected,
    Retold,
    address_in,
    addresses_of,
    amount_of,
    consents_of,
    dedup_key,
    encode,
    encode_traits,
    feedback_of,
    is_answer_by_token,
)

Item = tuple[int, Incoming | Reject]
"""How many lines of the file it stands for, and what became of them."""
Check = Callable[[Incoming], Incoming]
"""Looks at an event once more before it is taken in, and may raise Rejected."""

REACH: Final = 1_000
"""Lines of one order may stand so many lines apart; what comes later is set aside."""
LARGEST_ORDER: Final = 1 << 20
"""Characters of all lines of one order; a larger one is not taken."""
_MOST_OPEN: Final = 8 << 20
"""Characters of all orders of which lines may still come."""
_LARGEST_QUANTITY: Final = 10**9
_MOST_TRAITS: Final = 50_000
"""Customers of whom it is remembered what this file has said."""
_MOST_RECENT: Final = 100_000
_GOING_BACK: Final = frozenset({ORDER_RETURNED, ORDER_REFUNDED})
_UNNUMBERED: Final = "\0"
"""Begins the key of an order without a number of its own."""


def csv_items(  # what surrounds one file; each is given by name
    content: BufferedReader,
    profile: CsvProfile,
    *,
    zone: ZoneInfo,
    arrived_at: Instant,
    source: str,
    path: str,
    currency: str | None = None,
    check: Check | None = None,
    reading: IdentityReading = USUAL,
) -> Iterator[Item]:
    """What the lines of a CSV file come to; ManometerError where the header does not fit the profile, or a
    column is not written in one way. `currency` is the workspace's; `check` may refuse an event;
    `reading` says how identities are read.
    """
    table = CsvTable(content, profile, path)
    rows = CsvReading(table, profile.zone or zone, arrived_at, source, currency)
    rows.identity_reading = reading
    return _Orders(rows, check).items() if profile.kind == "orders" else _Lines(rows).items(check)


class _Lines:
    """Each line one event: of a list of customers, or of events."""

    def __init__(self, reading: CsvReading) -> None:
        self.reading = reading
        self.profile = reading.profile

    def items(self, check: Check | None) -> Iterator[Item]:
        build = self.customer if self.profile.kind == "customers" else self.event
        for row in self.reading.table.rows():
            if isinstance(row, Reject):
                yield 1, row
                continue
            try:
                self.reading.refuse_set_aside(row, False)
                incoming = build(row) if check is None else check(build(row))
            except (Rejected, CellError) as reason:
                yield 1, Reject(row.line, str(reason), row.text)
            else:
                yield 1, incoming

    def customer(self, row: Row) -> Incoming:
        """One line of a customer list; its key is the whole line, so that a changed line is news and the same
        one is not.
        """
        identities = self.reading.identities(row)
        if not identities:
            raise Rejected("no identity: none of its columns has a value")
        at = self.reading.when(row)
        at = self.reading.arrived_at if at is None else at
        traits = addresses_of(identities) | self.reading.traits(row)
        consents, unread = self.consents(row, identities, traits)
        source = self.reading.source
        return Incoming(
            dedup_key(source, f"customer\0{_content_key(row)}"), source, "identify", "identify", at,
            identities, traits, encode_traits(traits),
            self.reading.channel(row), None, consents, unread=unread,
        )  # fmt: skip

    def consents(
        self, row: Row, identities: Sequence[Identity], traits: Mapping[str, Any]
    ) -> tuple[tuple[ConsentRecord, ...], tuple[Unread, ...]]:
        """What a line says of consents for its addresses; a word in no list says nothing, and is told."""
        found: list[ConsentRecord] = []
        unread: list[Unread] = []
        for columns in self.profile.consents:
            said = columns.always or self.reading.value(row, columns.column)
            try:
                record = self.consent(columns, row, said)
            except CellError:
                unread.append(unread_consent(said))
                continue
            if record is not None:
                found.append(record._replace(address=address_in(record.channel, identities, traits)))
        return tuple(found), tuple(unread)

    def consent(self, columns: ConsentColumns, row: Row, said: str) -> ConsentRecord | None:
        """What the row says of one consent; None where it says nothing, CellError for a word in no list."""
        named = read_state(said, columns.words)
        if named is None:
            return None
        state, is_unasked = named
        reading, value = self.reading, self.reading.value
        at = value(row, columns.at)
        return ConsentRecord(
            columns.channel, columns.purpose, state, value(row, columns.source) or reading.source, None,
            value(row, columns.text) or None, value(row, columns.proof) or None,
            reading.cells.instant(columns.at or "", at) if at else None,
            is_listed=True, is_unasked=is_unasked,
        )  # fmt: skip

    def amount(self, name: str, money: Money, properties: dict[str, Any]) -> int:
        """The amount of the line; of an order with a currency the properties say it too, as it is converted
        by them.
        """
        units, written = money
        if written is not None:
            properties.setdefault("currency", written)
            if name in ORDER_NAMES:
                properties["revenue"] = to_major(units, written)
        return self.reading.hundredths(units, written)

    def event(self, row: Row) -> Incoming:
        """One line of an event list."""
        name = self.reading.value(row, self.profile.columns.get("name")) or self.profile.event
        properties = {**self.reading.constant_properties, **self.reading.properties(row)}
        identities = self.reading.identities(row)
        if not identities and not is_answer_by_token(name or "", properties):
            raise Rejected("no identity: none of its columns has a value")
        at = self.reading.when(row)
        if at is None:
            raise Rejected("no time")
        if not name:
            raise Rejected("no event name")
        money = self.reading.money(row, self.profile.columns.get("amount"))
        amount = amount_of(name, properties)
        if money is not None:
            amount = self.amount(name, money, properties)
        source = self.reading.source
        feedback, unread = feedback_of(name, properties, {"traits": dict(identities)})
        key = self.reading.value(row, self.profile.columns.get("key")) or _content_key(row)
        return Incoming(
            dedup_key(source, key), source, "track", name, at, identities, properties, encode(properties),
            self.reading.channel(row), amount, consents_of(name, properties, source), feedback,
            order=order_number(properties) if name in ORDER_NAMES else None,
            unread=unread, traits=addresses_of(identities),
        )  # fmt: skip


class _Order:
    """A purchase or return of which lines may still come."""

    __slots__ = (
        "amount", "at", "channel", "currency", "customer", "event", "identities", "is_cancelled",
        "is_refunded", "is_return", "key", "last", "number", "original", "products", "properties", "refunded",
        "rows", "size", "total", "traits", "updated",
    )  # fmt: skip

    def __init__(self, key: str, at: Instant, event: str, is_return: bool) -> None:
        self.key = key
        self.at = at
        self.event = event
        self.is_return = is_return
        self.identities: tuple[Identity, ...] = ()
        self.traits: dict[str, Any] = {}
        self.channel: str | None = None
        self.rows: list[tuple[int, str]] = []
        self.size = 0
        self.last = 0
        self.total = 0  # of the products
        self.amount: int | None = None  # as the order's own column says it
        self.currency: str | None = None
        self.is_cancelled = self.is_refunded = False
        self.refunded: int | None = None  # minor units that went back so far
        self.updated: Instant | None = None  # when it came to be so, as its lines say
        self.number = ""  # by which others know it, where that is not the key
        self.original = ""  # the order that a return belongs to
        self.properties: dict[str, Any] = {}
        self.products: list[dict[str, Any]] = []


class _OrderRefused(Exception):  # noqa: N818 - an outcome of reading a line
    """The lines of an order contradict each other."""


class _Orders:
    """Lines with one number to one purchase or return."""

    def __init__(self, reading: CsvReading, check: Check | None) -> None:
        self.reading = reading
        self.profile = reading.profile
        self.check = check
        self.open: OrderedDict[str, _Order] = OrderedDict()
        self.size = 0  # characters of what is open
        self.named = [
            (key, column) for key, column in self.profile.products.items() if key not in ("quantity", "price")
        ]
        self.closed = _Marks()
        self.refused = _Marks()
        self.said: dict[int, int] = {}  # marks: of whom, and what was said last

    def items(self) -> Iterator[Item]:
        for row in self.reading.table.rows():
            if isinstance(row, Reject):
                yield 1, row
                continue
            try:
                self.add(row)
            except (Rejected, CellError) as reason:
                yield 1, Reject(row.line, str(reason), row.text)
            except _OrderRefused as reason:
                yield from self.refuse(row, str(reason))
            while self.open and self.is_past(next(iter(self.open.values())), row.line):
                yield from self.close(self.open.popitem(last=False)[1])
        for order in self.open.values():
            yield from self.close(order)

    def is_past(self, oldest: _Order, line: int) -> bool:
        """Whether no more lines are awaited of the order that was added to longest ago."""
        return oldest.last + REACH < line or (self.size > _MOST_OPEN and len(self.open) > 1)

    def add(self, row: Row) -> None:
        """A line to its order; Rejected or CellError refuse the line, _OrderRefused all of its order."""
        reading, columns = self.reading, self.profile.columns
        key = reading.value(row, columns["key"])
        if not key:
            raise Rejected(f"no {columns['key']}")
        if identifying_text(key, reading.identity_reading.ignored) is None:
            key = self.own_key(row)
        if self.refused.has(key):
            raise Rejected(f"another line of {columns['key']} {key[:40]} contradicts the others")
        event, is_return = self.sort_of(row)
        is_cancelled = reading.is_one_of(self.profile.cancelled, row)
        is_refunded = reading.is_one_of(self.profile.refunded, row)
        if not is_cancelled and not is_refunded:
            reading.refuse_set_aside(row, is_return)
        product, amount = self.product(row, is_return)
        total = reading.money(row, columns.get("amount"))
        refunded, updated = reading.money(row, columns.get("refunded")), reading.updated(row)
        order = self.open.get(key)
        if order is None:
            order = self.begin(row, key, event, is_return)
        self.agree(order, row, total, amount)
        order.is_cancelled |= is_cancelled
        order.is_refunded |= is_refunded
        if refunded is not None and order.refunded is None:
            order.refunded = abs(refunded[0])
        order.updated = updated if order.updated is None else max(order.updated, updated or 0)
        if product:
            order.products.append(product)
        order.total += amount[0] if amount is not None else 0
        order.rows.append((row.line, row.text))
        order.size += len(row.text)
        self.size += len(row.text)
        order.last = row.line
        self.open.move_to_end(key)
        if order.size > LARGEST_ORDER:
            raise _OrderRefused(f"{columns['key']} {key[:40]} has more than 1 MiB of lines")

    def own_key(self, row: Row) -> str:
        """The key of a line whose number is a placeholder such as `0`: lines are one order where they name
        the same time, the same customer, and the same amount of the order.
        """
        columns = self.profile.columns
        told = (*self.profile.at, *self.profile.identities.values(), columns.get("amount"))
        text = "\x1f".join(self.reading.value(row, column) for column in told)
        return f"{_UNNUMBERED}{blake2b(text.encode(), digest_size=16).hexdigest()}"

    def sort_of(self, row: Row) -> tuple[str, bool]:
        """The event of a line, and whether goods or money go back."""
        profile, reading = self.profile, self.reading
        named = reading.value(row, profile.columns.get("name"))
        if named in _GOING_BACK:
            return named, True
        if profile.returns is not None and reading.holds(profile.returns, row):
            return profile.return_event, True
        return named or profile.event, False

    def begin(self, row: Row, key: str, event: str, is_return: bool) -> _Order:
        reading = self.reading
        if self.closed.has(key):
            raise Rejected(
                f"{self.profile.columns['key']} {key} was already taken, more than {REACH} lines before; "
                "sort the file by it"
            )
        at = reading.when(row)
        if at is None:
            raise Rejected("no time")
        order = self.open[key] = _Order(key, at, event, is_return)
        order.identities, order.traits = reading.identities(row), reading.traits(row)
        order.channel = reading.channel(row)
        return order

    def agree(self, order: _Order, row: Row, total: Money | None, amount: Money | None) -> None:
        """Take over what the line says of the whole order, the first filled cell of each column."""
        if total is not None:
            if order.amount is not None and total[0] != order.amount:
                column = self.profile.columns["amount"]
                raise _OrderRefused(
                    f"{order.key[:40]} has two amounts: {column} is "
                    f"{to_major(order.amount, order.currency)} and {to_major(total[0], order.currency)}"
                )
            order.amount = total[0]
        for currency in (one[1] for one in (total, amount) if one is not None and one[1] is not None):
            if order.currency not in (None, currency):
                raise _OrderRefused(f"{order.key[:40]} is in {order.currency} and in {currency}")
            order.currency = currency
        if not order.number:
            order.number = self.number(row)
        if not order.original:
            order.original = self.reading.value(row, self.profile.return_order)
        for name, value in self.reading.properties(row).items():
            order.properties.setdefault(name, value)

    def number(self, row: Row) -> str:
        """The number that calls have of the order, where a column of its own says it."""
        number = self.reading.value(row, self.profile.columns.get("order"))
        return number if identifying_text(number, self.reading.identity_reading.ignored) else ""

    def product(self, row: Row, is_return: bool) -> tuple[dict[str, Any], Money | None]:
        """The product of a line, and its amount and currency, None where the order's own column says it;
        pieces that came back are counted as they are.
        """
        reading, columns = self.reading, self.profile.products
        quantity = self.quantity(row)
        price_column = columns.get("price")
        has_total = "amount" in self.profile.columns
        cell = reading.value(row, price_column)
        if not cell and not has_total:
            raise Rejected(f"impossible price {cell!r}")
        product: dict[str, Any] = {
            key: value for key, column in self.named if (value := reading.value(row, column))
        }
        if is_return:
            quantity = abs(quantity)
        if not cell:
            if product:
                product["quantity"] = plain_number(quantity)
            return product, None
        unit = reading.money(row, price_column)
        assert unit is not None
        assert price_column is not None
        price = reading.cells.amount(price_column, cell).number
        product["price"], product["quantity"] = plain_number(price), plain_number(quantity)
        return product, (int((unit[0] * quantity).to_integral_value(ROUND_HALF_UP)), unit[1])

    def quantity(self, row: Row) -> Decimal:
        column = self.profile.products.get("quantity")
        cell = self.reading.value(row, column)
        if column is None or (not cell and "amount" in self.profile.columns):
            return Decimal(1)
        try:
            quantity = self.reading.cells.number(column, cell)
        except CellError as error:
            raise Rejected(f"impossible quantity {shown(cell)}: {error}") from None
        if abs(quantity) > _LARGEST_QUANTITY:
            raise Rejected(f"impossible quantity {shown(cell)}")
        return quantity

    # ---- what becomes of an order ----

    def refuse(self, row: Row, reason: str) -> Iterator[Item]:
        """All lines of an order that contradicts itself, and those still to come."""
        key = self.reading.value(row, self.profile.columns["key"])
        order = self.open.pop(key)
        self.refused.add(key)
        self.size -= order.size
        if not order.rows or order.rows[-1][0] != row.line:
            order.rows.append((row.line, row.text))
        for line, text in order.rows:
            yield 1, Reject(line, reason, text)

    def close(self, order: _Order) -> Iterator[Item]:
        self.closed.add(order.key)
        self.size -= order.size
        amount = order.total if order.amount is None else order.amount
        if order.amount is None and not order.products and "price" not in self.profile.products:
            reason = f"no {self.profile.columns.get('amount', 'amount')}"
        elif amount < 0 and not order.is_return:
            reason = "the amount is negative; say in [returns] what makes a line a return"
        else:
            yield from self.taken(order, abs(amount) if order.is_return else amount)
            return
        for line, text in order.rows:
            yield 1, Reject(line, reason, text)

    def taken(self, order: _Order, amount: int) -> Iterator[Item]:
        """The order as one event, after what its lines say of the customer."""
        told = [self.cancelled(order)] if order.is_cancelled else [self.incoming(order, amount)]
        if not order.is_cancelled and not order.is_return and (order.is_refunded or order.refunded):
            told.append(self.refunded_so_far(order))
        try:
            told = told if self.check is None else [self.check(each) for each in told]
        except (Rejected, CellError) as reason:
            for line, text in order.rows:
                yield 1, Reject(line, str(reason), text)
            return
        if order.identities and order.traits:
            yield from self.identify(order)
        yield from ((0, each) for each in told[1:])
        yield len(order.rows), told[0]

    def retold(self, order: _Order) -> Retold | None:
        """What the order's lines count as where it is known already; nothing new without a number."""
        if order.key.startswith(_UNNUMBERED):
            return None
        updated, first = order.updated, self.dedup_of(order)
        return Retold(self.reading.arrived_at if updated is None else updated, updated is not None, first)

    def dedup_of(self, order: _Order) -> bytes:
        """The key of the order's own telling."""
        usual = self.profile.return_event if order.is_return else self.profile.event
        key = order.key if order.event == usual else f"{order.key}\0{order.event}"
        return dedup_key(self.reading.source, key)

    def cancelled(self, order: _Order) -> Incoming:
        """That the order was cancelled, of which nothing else counts."""
        return self.state_told(order, ORDER_CANCELLED, {}, None, "")

    def refunded_so_far(self, order: _Order) -> Incoming:
        """What went back of the order until now, all of it where its lines name no amount."""
        amount = None if order.is_refunded and not order.refunded else order.refunded
        properties: dict[str, Any] = {CUMULATIVE: True}
        if amount is not None:
            properties["revenue"] = to_major(amount, order.currency or self.reading.currency)
        hundredths = None if amount is None else self.reading.hundredths(amount, order.currency)
        return self.state_told(order, ORDER_REFUNDED, properties, hundredths, f"\0{amount}")

    def state_told(
        self, order: _Order, name: str, properties: dict[str, Any], amount: int | None, key: str
    ) -> Incoming:
        source = self.reading.source
        if not order.key.startswith(_UNNUMBERED):
            properties = {"order_id": order.number or order.key, **properties}
        if order.currency is not None:
            properties["currency"] = order.currency
        return Incoming(
            dedup_key(source, f"{order.key}\0{name}{key}"), source, "track", name, order.at,
            order.identities, properties, encode(properties), order.channel, amount,
            order=order_number(properties), traits=addresses_of(order.identities), retold=self.retold(order),
        )  # fmt: skip

    def incoming(self, order: _Order, amount: int) -> Incoming:
        source, currency = self.reading.source, order.currency or self.reading.currency
        properties: dict[str, Any] = {}
        if not order.key.startswith(_UNNUMBERED):
            number = order.key if order.is_return else order.number or order.key
            properties["return_id" if order.is_return else "order_id"] = number
        if order.is_return and order.original:
            properties["order_id"] = order.original
        properties["revenue"] = to_major(amount, currency)
        if order.currency is not None:
            properties["currency"] = order.currency
        if order.products:
            properties["products"] = order.products
        for name, value in {**self.reading.constant_properties, **order.properties}.items():
            properties.setdefault(name, value)
        if order.updated is not None:
            properties["updated_at"] = format_instant(order.updated)
        return Incoming(
            self.dedup_of(order), source, "track", order.event, order.at, order.identities, properties,
            encode(properties), order.channel, self.reading.hundredths(amount, order.currency),
            order=order_number(properties) if order.event in ORDER_NAMES else None,
            traits=addresses_of(order.identities), retold=self.retold(order),
        )  # fmt: skip

    def identify(self, order: _Order) -> Iterator[Item]:
        """What the lines say of the customer, where it is news within this file."""
        text = encode_traits(order.traits)
        who, said = _mark(repr(order.identities)), _mark(text)
        if self.said.get(who) == said:
            return
        if len(self.said) >= _MOST_TRAITS:
            self.said.clear()
        self.said[who] = said
        source = self.reading.source
        key = "\0".join(("identify", *order.identities[0], text, str(order.at)))
        yield 0, Incoming(
            dedup_key(source, key), source, "identify", "identify", order.at, order.identities, order.traits,
            text, order.channel
        )  # fmt: skip


class _Marks:
    """Which numbers of orders were seen, eight bytes each, however many there are."""

    def __init__(self) -> None:
        self._recent: set[int] = set()
        self._older: list[array[int]] = []

    def add(self, key: str) -> None:
        self._recent.add(_mark(key))
        if len(self._recent) >= _MOST_RECENT:
            self._older.append(array("Q", sorted(self._recent)))
            self._recent = set()

    def has(self, key: str) -> bool:
        if not self._recent and not self._older:
            return False
        mark = _mark(key)
        return mark in self._recent or any(_holds(older, mark) for older in self._older)


def _holds(marks: array[int], mark: int) -> bool:
    place = bisect_left(marks, mark)
    return place < len(marks) and marks[place] == mark


def _mark(key: str) -> int:
    return int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), "big")


def _content_key(row: Row) -> str:
    return blake2b("\x1f".join(row.fields).encode(), digest_size=16).hexdigest()
