"""Declared profiles of CSV files: which column is what, and how lines become events. One TOML table a
profile.

Three kinds: `orders` (lines with one number are one purchase or return), `customers` (a line is one identify
call with its consents), `events` (a line is one track call). A key that the kind of a profile does not know
is a fault, as it would be ignored.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from difflib import get_close_matches
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from core.errors import ManometerError
from core.instants import find_zone
from core.model.events import ORDER_COMPLETED, ORDER_RETURNED
from core.sources.booleans import CONSENT_WORDS, WordLists

KINDS: Final = ("orders", "customers", "events")
AUTO: Final = "auto"
DATE_WORDS: Final = ("iso", "auto", "day first", "month first", "short years", "serial")
"""What `dates` may hold beside formats of strptime."""
_IDENTITY_KINDS: Final = ("user", "email", "phone", "loyalty", "anonymous", "push")
_TYPES: Final[Mapping[str, type | tuple[type, ...]]] = {
    "title": str, "kind": str, "source": str, "channel": str, "delimiter": str, "encodings": list,
    "decimal": str, "zone": str, "dates": list, "optional": bool, "event": str, "return_event": str,
    "columns": dict, "identities": dict, "traits": dict, "products": dict, "properties": dict,
    "returns": dict, "set_aside": list, "consents": dict, "values": dict, "constants": dict,
    "carry_down": list, "cancelled": list, "refunded": list,
}  # fmt: skip
_EVERYWHERE: Final = (
    "title", "kind", "source", "channel", "delimiter", "encodings", "decimal", "zone", "dates", "optional",
    "columns", "identities", "set_aside", "values", "constants", "carry_down",
)  # fmt: skip
_OF_KIND: Final[Mapping[str, tuple[str, ...]]] = {
    "orders": (
        "event",
        "return_event",
        "traits",
        "products",
        "properties",
        "returns",
        "cancelled",
        "refunded",
    ),
    "customers": ("traits", "consents"),
    "events": ("event", "properties"),
}
_COLUMNS_OF_KIND: Final[Mapping[str, tuple[str, ...]]] = {
    "orders": ("key", "at", "amount", "currency", "name", "channel", "order", "updated", "refunded"),
    "customers": ("at", "channel"),
    "events": ("key", "at", "amount", "currency", "name", "channel"),
}
_TABLES: Final[Mapping[str, tuple[str, ...]]] = {
    "identities": _IDENTITY_KINDS,
    "products": ("sku", "name", "quantity", "price", "category", "brand", "variant", "product_id"),
    "returns": ("column", "starts_with", "equals", "below", "empty", "order"),
}
_CONSENT_KEYS: Final = (
    "column", "always", "at", "purpose", "source", "text", "proof", "yes", "no", "unknown",
)  # fmt: skip
_STATE_KEYS: Final = ("column", "starts_with", "equals", "below", "empty")
_SET_ASIDE_KEYS: Final = ("column", "starts_with", "equals", "below", "empty", "sales_only", "reason")


@dataclass(frozen=True, slots=True)
class CellTest:
    """A question to one column of a line."""

    column: str
    starts_with: str | None = None
    equals: str | None = None
    below: Decimal | None = None
    empty: bool = False


@dataclass(frozen=True, slots=True)
class SetAside:
    """Lines that are no act of a customer, with the reason that goes to the rejects file."""

    test: CellTest
    reason: str
    sales_only: bool = False


@dataclass(frozen=True, slots=True)
class ConsentColumns:
    """Where a line says what the customer consented to on one channel."""

    channel: str
    column: str | None
    always: str | None  # the word of every line, where the file is a list of one state
    at: str | None
    purpose: str
    source: str | None
    text: str | None
    proof: str | None
    words: WordLists


@dataclass(frozen=True, slots=True)
class CsvProfile:
    """How one sort of CSV file is read; the values of the mappings are names of columns."""

    name: str
    kind: str
    source: str
    channel: str | None
    delimiter: str  # one sign, or "auto"
    encodings: tuple[str, ...]  # tried in order, line by line
    decimal: Literal[".", ",", "auto"]
    zone: ZoneInfo | None  # None: the workspace's
    dates: tuple[str, ...]  # words of DATE_WORDS, or strptime formats
    is_optional: bool  # columns that a file lacks are left out
    event: str
    return_event: str
    at: tuple[str, ...]  # columns that together say when
    columns: Mapping[str, str]
    identities: Mapping[str, str]
    traits: Mapping[str, str]
    products: Mapping[str, str]
    properties: Mapping[str, str]
    returns: CellTest | None
    return_order: str | None  # the column of the order that a return belongs to
    set_aside: tuple[SetAside, ...]
    cancelled: tuple[CellTest, ...]  # one that holds: the line's order is cancelled
    refunded: tuple[CellTest, ...]  # one that holds: all of the line's order went back
    consents: tuple[ConsentColumns, ...]
    values: Mapping[str, Mapping[str, str]]  # column -> what stands for what in its cells
    constants: Mapping[str, Mapping[str, Any]]  # "properties" and "traits" that every line has
    carry_down: tuple[str, ...]

    def used_columns(self) -> tuple[str, ...]:
        """Every column the profile names, each once."""
        named = [*self.columns.values(), *self.at, *self.identities.values(), *self.traits.values()]
        named += [*self.products.values(), *self.properties.values(), *self.carry_down, *self.values]
        named += [rule.test.column for rule in self.set_aside]
        named += [test.column for test in (*self.cancelled, *self.refunded)]
        named += [self.returns.column] if self.returns else []
        named += [self.return_order] if self.return_order else []
        for consent in self.consents:
            given = (consent.column, consent.at, consent.source, consent.text, consent.proof)
            named += [column for column in given[:2] if column]
        return tuple(dict.fromkeys(named))

    def needed_columns(self) -> tuple[str, ...]:
        """The columns that a file must have even where the profile lets it lack others."""
        if self.kind == "customers":
            return ()
        return (*self.at, *(column for key, column in self.columns.items() if key in ("key", "amount")))

    def number_columns(self) -> tuple[str, ...]:
        """The columns whose cells are read as numbers, each once."""
        named = [self.columns.get("amount"), self.products.get("price"), self.products.get("quantity")]
        named.append(self.columns.get("refunded"))
        tests = [rule.test for rule in self.set_aside] + ([self.returns] if self.returns else [])
        tests += [*self.cancelled, *self.refunded]
        named += [test.column for test in tests if test.below is not None]
        named += self.properties.values()
        return tuple(dict.fromkeys(column for column in named if column is not None))

    def date_columns(self) -> tuple[str, ...]:
        """The columns whose cells are read as days or instants, each once; of a time the day's column."""
        named = [
            *self.at[:1],
            self.columns.get("updated"),
            self.traits.get("birthday"),
            self.traits.get("createdAt"),
        ]
        named += [consent.at for consent in self.consents]
        return tuple(dict.fromkeys(column for column in named if column is not None))


# ---- reading ----


def read_profile(name: str, given: object) -> CsvProfile:
    """A profile from its table; ManometerError names every fault."""
    faults = profile_faults(given)
    if faults:
        raise ManometerError("\n".join(f"profile {name!r}: {fault}." for fault in faults))
    assert isinstance(given, dict)
    return _build(name, given)


def profile_faults(given: object) -> list[str]:
    """What is wrong with a profile's table, in words without a stop."""
    if not isinstance(given, dict):
        return ["it has to be a table, such as [profiles.till]"]
    kind = given.get("kind")
    if kind not in KINDS:
        return [f"`kind` has to be one of {', '.join(KINDS)}"]
    known = (*_EVERYWHERE, *_OF_KIND[kind])
    faults = [*_unknown_keys(given, known, "", f", which profiles of {kind} do not have")]
    wrong = [f"`{key}` has the wrong type" for key, type_ in _TYPES.items() if not _is_of(given, key, type_)]
    return [*faults, *(wrong or [*_faults_of_values(given), *_faults_of_tables(kind, given)])]


def _is_of(given: Mapping[str, Any], key: str, expected: type | tuple[type, ...]) -> bool:
    return key not in given or isinstance(given[key], expected)


def _unknown_keys(given: Mapping[str, Any], known: Iterable[str], where: str, why: str = "") -> Iterator[str]:
    for key in given:
        if key not in known:
            near = get_close_matches(key, list(known), 1)
            is_elsewhere = bool(why) and key in _TYPES
            hint = why if is_elsewhere else f" (did you mean `{where}{near[0]}`?)" if near else ""
            yield f"unknown key `{where}{key}`{hint}"


def _faults_of_values(given: Mapping[str, Any]) -> Iterator[str]:
    zone, delimiter = given.get("zone"), given.get("delimiter", ",")
    if zone is not None and find_zone(zone) is None:
        yield f"`zone`: there is no time zone {zone!r}"
    if delimiter != AUTO and (len(delimiter) != 1 or delimiter in '"\r\n'):
        yield '`delimiter` has to be one sign, or "auto"'
    if given.get("decimal", ".") not in (".", ",", AUTO):
        yield '`decimal` has to be ".", "," or "auto"'
    for encoding in given.get("encodings", ()):
        try:
            codecs.lookup(encoding)
        except (LookupError, TypeError):
            yield f"`encodings`: there is no encoding {encoding!r}"
    yield from _faults_of_dates(given.get("dates", ()))
    if not given.get("identities"):
        yield "`identities` has to name at least one column, such as user or email"


def _faults_of_dates(dates: list[object]) -> Iterator[str]:
    ordered: dict[str, str] = {}
    for form in dates:
        if not isinstance(form, str) or (form not in DATE_WORDS and "%" not in form):
            yield f"`dates`: {form!r} is neither a format such as %d.%m.%Y nor one of {', '.join(DATE_WORDS)}"
            continue
        unordered = form.replace("%d", "%m")
        if "%" in form and ordered.setdefault(unordered, form) != form:
            yield (
                f"`dates`: {ordered[unordered]!r} and {form!r} read one text as two days; "
                'with "auto" the whole column decides'
            )


def _faults_of_tables(kind: str, given: Mapping[str, Any]) -> Iterator[str]:
    columns = given.get("columns", {})
    why = f", which profiles of {kind} do not have"
    for key in columns:
        if key not in _COLUMNS_OF_KIND[kind]:
            is_elsewhere = any(key in known for known in _COLUMNS_OF_KIND.values())
            near = get_close_matches(key, _COLUMNS_OF_KIND[kind], 1)
            hint = why if is_elsewhere else f" (did you mean `columns.{near[0]}`?)" if near else ""
            yield f"unknown key `columns.{key}`{hint}"
    for table, known in _TABLES.items():
        yield from _unknown_keys(given.get(table, {}), known, f"{table}.")
    for column in {"orders": ("key", "at"), "events": ("at",)}.get(kind, ()):
        if column not in columns:
            yield f"`columns.{column}` is missing"
    if kind == "events" and "event" not in given and "name" not in columns:
        yield "`event` (one name for all lines) or `columns.name` is missing"
    yield from _faults_of_columns(given)
    yield from _faults_of_rules(given)
    yield from _faults_of_maps(given)


def _faults_of_columns(given: Mapping[str, Any]) -> Iterator[str]:
    for table in ("columns", "identities", "traits", "products", "properties"):
        for key, column in given.get(table, {}).items():
            is_list = key == "at" and isinstance(column, list) and 0 < len(column) < 3
            named = column if is_list else [column]
            if not all(isinstance(each, str) for each in named):
                more = ", or a list of two (day and time)" if key == "at" else ""
                yield f"`{table}.{key}` has to be a column's name{more}"
    for column in given.get("carry_down", ()):
        if not isinstance(column, str):
            yield "`carry_down` has to be a list of columns' names"


def _faults_of_rules(given: Mapping[str, Any]) -> Iterator[str]:
    if "returns" in given:
        yield from _faults_of_test(given["returns"], "returns")
        if not isinstance(given["returns"].get("order", ""), str):
            yield "`returns.order` has to be a column's name"
    for rule in given.get("set_aside", ()):
        if not isinstance(rule, dict) or not isinstance(rule.get("reason"), str):
            yield "each `set_aside` is a table with a reason"
            continue
        yield from _unknown_keys(rule, _SET_ASIDE_KEYS, "set_aside.")
        yield from _faults_of_test(rule, "set_aside")
    for state in ("cancelled", "refunded"):
        for rule in given.get(state, ()):
            if not isinstance(rule, dict):
                yield f"each `{state}` is a table with a column"
                continue
            yield from _unknown_keys(rule, _STATE_KEYS, f"{state}.")
            yield from _faults_of_test(rule, state)
    for channel, table in given.get("consents", {}).items():
        yield from _faults_of_consent(channel, table)


def _faults_of_test(given: Mapping[str, Any], where: str) -> Iterator[str]:
    asked = [key for key in ("starts_with", "equals", "below", "empty") if key in given]
    if not isinstance(given.get("column"), str) or len(asked) != 1:
        yield f"`{where}` needs a column and one of starts_with, equals, below, empty"
        return
    wanted: tuple[type, ...] = {"below": (int, float, Decimal), "empty": (bool,)}.get(asked[0], (str,))
    if not isinstance(given[asked[0]], wanted) or (asked[0] == "below" and isinstance(given["below"], bool)):
        yield f"`{where}.{asked[0]}` has the wrong type"


def _faults_of_consent(channel: str, given: object) -> Iterator[str]:
    if not isinstance(given, dict):
        yield f"`consents.{channel}` has to be a table"
        return
    yield from _unknown_keys(given, _CONSENT_KEYS, f"consents.{channel}.")
    if not isinstance(given.get("column"), str) and given.get("always") not in ("yes", "no"):
        yield f'`consents.{channel}` needs a column, or always = "yes" or "no"'
    for key in ("yes", "no", "unknown"):
        if not isinstance(given.get(key, []), list):
            yield f"`consents.{channel}.{key}` has to be a list of words"
            return
    try:
        _words(given)
    except ManometerError as error:
        yield f"`consents.{channel}`: {str(error).rstrip('.')}"


def _faults_of_maps(given: Mapping[str, Any]) -> Iterator[str]:
    for column, table in given.get("values", {}).items():
        if not isinstance(table, dict) or not all(isinstance(value, str) for value in table.values()):
            yield f'`values.{column}` has to be a table of texts, such as {{ Frau = "female" }}'
    for name, value in given.get("constants", {}).items():
        if isinstance(value, (list, date)):
            yield f"`constants.{name}` has to be a text, a number or a boolean"


# ---- building ----


def _build(name: str, given: Mapping[str, Any]) -> CsvProfile:
    zone, columns = given.get("zone"), dict(given.get("columns", {}))
    at = columns.pop("at", ())
    returns = given.get("returns")
    return CsvProfile(
        name=name,
        kind=given["kind"],
        source=given.get("source", name),
        channel=given.get("channel"),
        delimiter=given.get("delimiter", ","),
        encodings=tuple(given.get("encodings", ("utf-8", "cp1252"))),
        decimal=given.get("decimal", "."),
        zone=None if zone is None else find_zone(zone),
        dates=tuple(given.get("dates", ("iso", AUTO))),
        is_optional=given.get("optional", False),
        event=given.get("event", ORDER_COMPLETED if given["kind"] == "orders" else ""),
        return_event=given.get("return_event", ORDER_RETURNED),
        at=(at,) if isinstance(at, str) else tuple(at),
        columns=columns,
        identities=given["identities"],
        traits=given.get("traits", {}),
        products=given.get("products", {}),
        properties=given.get("properties", {}),
        returns=None if returns is None else _test(returns),
        return_order=None if returns is None else returns.get("order"),
        set_aside=tuple(_set_aside(rule) for rule in given.get("set_aside", ())),
        cancelled=tuple(map(_test, given.get("cancelled", ()))),
        refunded=tuple(map(_test, given.get("refunded", ()))),
        consents=tuple(_consent(channel, table) for channel, table in given.get("consents", {}).items()),
        values={column: _cell_map(table) for column, table in given.get("values", {}).items()},
        constants=_constants(given["kind"], given.get("constants", {})),
        carry_down=tuple(given.get("carry_down", ())),
    )


def _test(given: Mapping[str, Any]) -> CellTest:
    below = given.get("below")
    return CellTest(
        given["column"],
        given.get("starts_with"),
        given.get("equals"),
        None if below is None else Decimal(str(below)),
        bool(given.get("empty", False)),
    )


def _set_aside(given: Mapping[str, Any]) -> SetAside:
    return SetAside(_test(given), given["reason"], bool(given.get("sales_only", False)))


def _consent(channel: str, given: Mapping[str, Any]) -> ConsentColumns:
    return ConsentColumns(
        channel, given.get("column"), given.get("always"), given.get("at"), given.get("purpose", "*"),
        given.get("source"), given.get("text"), given.get("proof"), _words(given),
    )  # fmt: skip


def _words(given: Mapping[str, Any]) -> WordLists:
    """The words of the settings beside those of the trade; each stands in the list it is given in."""
    lists = [[str(word) for word in given.get(key, ())] for key in ("yes", "no", "unknown")]
    return CONSENT_WORDS.with_words(*lists) if any(lists) else CONSENT_WORDS


def _cell_map(given: Mapping[str, str]) -> Mapping[str, str]:
    return {cell.strip(): value for cell, value in given.items()}


def _constants(kind: str, given: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    """Constants of `[constants.traits]` and `[constants.properties]`; what stands straight in `[constants]`
    is a trait in a list of customers, else a property.
    """
    usual = "traits" if kind == "customers" else "properties"
    found: dict[str, dict[str, Any]] = {"traits": {}, "properties": {}}
    for name, value in given.items():
        if name in found and isinstance(value, dict):
            found[name].update(_flat(value, ""))
        else:
            found[usual].update(_flat({name: value}, ""))
    return found


def _flat(given: Mapping[str, Any], before: str) -> Iterator[tuple[str, Any]]:
    for name, value in given.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", _plain(value)


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value
