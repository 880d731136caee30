"""Declared profiles of CSV files: which column is what, and how lines become events. One TOML table a
profile.

Three kinds: `orders` (lines with one number are one purchase or return), `customers` (a line is one identify
call with its consents), `events` (a line is one track call).
"""

from __future__ import annotations

import codecs
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final
from zoneinfo import ZoneInfo

from core.errors import ManometerError
from core.instants import find_zone
from core.model.events import ORDER_COMPLETED, ORDER_RETURNED
from core.sources.booleans import CONSENT_WORDS, WordLists

KINDS: Final = ("orders", "customers", "events")
_IDENTITY_KINDS: Final = ("user", "email", "phone", "loyalty", "anonymous", "push")
_KEYS: Final[Mapping[str, type | tuple[type, ...]]] = {
    "title": str, "kind": str, "source": str, "channel": str, "delimiter": str, "encodings": list,
    "decimal": str, "zone": str,
    "dates": list, "optional": bool, "event": str, "return_event": str, "columns": dict, "identities": dict,
    "traits": dict,
    "products": dict, "properties": dict, "returns": dict, "set_aside": list, "consents": dict,
}  # fmt: skip
_TABLES: Final[Mapping[str, tuple[str, ...]]] = {
    "columns": ("key", "at", "name", "channel", "amount"),
    "identities": _IDENTITY_KINDS,
    "products": ("sku", "name", "quantity", "price", "category", "brand", "variant", "product_id"),
    "returns": ("column", "starts_with", "equals", "below", "empty"),
}
_CONSENT_KEYS: Final = ("column", "at", "purpose", "source", "text", "proof", "yes", "no", "unknown")
_SET_ASIDE_KEYS: Final = ("column", "starts_with", "equals", "below", "empty", "sales_only", "reason")


@dataclass(frozen=True, slots=True)
class Test:
    """A question to one column of a line."""

    column: str
    starts_with: str | None = None
    equals: str | None = None
    below: float | None = None
    empty: bool = False


@dataclass(frozen=True, slots=True)
class SetAside:
    """Lines that are no act of a customer, with the reason that goes to the rejects file."""

    test: Test
    reason: str
    sales_only: bool = False


@dataclass(frozen=True, slots=True)
class ConsentColumns:
    """Where a line says what the customer consented to on one channel."""

    channel: str
    column: str
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
    decimal: str
    zone: ZoneInfo | None  # None: the workspace's
    dates: tuple[str, ...]  # strptime formats, or "iso"
    is_optional: bool  # columns that a file lacks are left out
    event: str
    return_event: str
    columns: Mapping[str, str]
    identities: Mapping[str, str]
    traits: Mapping[str, str]
    products: Mapping[str, str]
    properties: Mapping[str, str]
    returns: Test | None
    set_aside: tuple[SetAside, ...]
    consents: tuple[ConsentColumns, ...]

    def used_columns(self) -> tuple[str, ...]:
        """Every column the profile names, each once."""
        named = [
            *self.columns.values(),
            *self.identities.values(),
            *self.traits.values(),
            *self.products.values(),
        ]
        named += [*self.properties.values(), *(rule.test.column for rule in self.set_aside)]
        named += [self.returns.column] if self.returns else []
        for consent in self.consents:
            named += [consent.column, *(column for column in (consent.at,) if column)]
        return tuple(dict.fromkeys(named))


def find_profile(name: str, own: Mapping[str, Any]) -> CsvProfile:
    """The profile of that name, the workspace's own before the shipped; ManometerError with a suggestion, or
    with every fault it has.
    """
    if name in own:
        return read_profile(name, own[name])
    shipped = shipped_profiles()
    if name in shipped:
        return read_profile(name, tomllib.loads(shipped[name]))
    known = sorted({*own, *shipped})
    near = get_close_matches(name, known, 1)
    hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(known)}."
    raise ManometerError(f"no profile {name!r}. {hint}")


@lru_cache(maxsize=1)
def shipped_profiles() -> Mapping[str, str]:
    """The profiles that come with the product: name to the text of its file."""
    folder = files("console.intake").joinpath("profiles")
    return {
        entry.name[:-5]: entry.read_text("utf-8")
        for entry in folder.iterdir()
        if entry.name.endswith(".toml")
    }


def read_profile(name: str, given: object) -> CsvProfile:
    """A profile from its table; ManometerError names every fault."""
    if not isinstance(given, dict):
        raise ManometerError(f"profile {name!r}: it has to be a table, [profiles.{name}].")
    faults: list[str] = []
    _check_keys(given, _KEYS, "", faults)
    for key, expected in _KEYS.items():
        if key in given and not isinstance(given[key], expected):
            faults.append(f"`{key}` has the wrong type")
    if not faults:
        for table, known in _TABLES.items():
            _check_keys(given.get(table, {}), known, f"{table}.", faults)
        _check_values(given, faults)
    profile = None if faults else _build(name, given, faults)
    if profile is None or faults:
        raise ManometerError("\n".join(f"profile {name!r}: {fault}." for fault in faults))
    return profile


def _check_keys(
    given: Mapping[str, Any], known: Mapping[str, Any] | tuple[str, ...], where: str, faults: list[str]
) -> None:
    for key in given:
        if key not in known:
            near = get_close_matches(key, list(known), 1)
            faults.append(
                f"unknown key `{where}{key}`" + (f" (did you mean `{where}{near[0]}`?)" if near else "")
            )


def _check_values(given: Mapping[str, Any], faults: list[str]) -> None:
    kind, zone, delimiter = given.get("kind"), given.get("zone"), given.get("delimiter", ",")
    if kind not in KINDS:
        faults.append(f"`kind` has to be one of {', '.join(KINDS)}")
    if zone is not None and find_zone(zone) is None:
        faults.append(f"`zone`: there is no time zone {zone!r}")
    if delimiter != "auto" and len(delimiter) != 1:
        faults.append('`delimiter` has to be one sign, or "auto"')
    if given.get("decimal", ".") not in (".", ",", "auto"):
        faults.append('`decimal` has to be "." or ","')
    for encoding in given.get("encodings", ()):
        try:
            codecs.lookup(encoding)
        except (LookupError, TypeError):
            faults.append(f"`encodings`: there is no encoding {encoding!r}")
    if not given.get("identities"):
        faults.append("`identities` has to name at least one column, such as user or email")
    required = {"orders": ("key", "at"), "events": ("at",)}.get(str(kind), ())
    faults += [
        f"`columns.{column}` is missing" for column in required if column not in given.get("columns", {})
    ]
    if kind == "events" and "event" not in given and "name" not in given.get("columns", {}):
        faults.append("`event` (one name for all lines) or `columns.name` is missing")
    for table in ("columns", "identities", "traits", "products", "properties"):
        wrong = [key for key, column in given.get(table, {}).items() if not isinstance(column, str)]
        faults += [f"`{table}.{key}` has to be a column's name" for key in wrong]


def _build(name: str, given: Mapping[str, Any], faults: list[str]) -> CsvProfile:
    zone = given.get("zone")
    return CsvProfile(
        name=name,
        kind=given["kind"],
        source=given.get("source", name),
        channel=given.get("channel"),
        delimiter=given.get("delimiter", ","),
        encodings=tuple(given.get("encodings", ("utf-8", "cp1252"))),
        decimal=given.get("decimal", "."),
        zone=None if zone is None else find_zone(zone),
        dates=tuple(given.get("dates", ("iso",))),
        is_optional=given.get("optional", False),
        event=given.get("event", ORDER_COMPLETED if given["kind"] == "orders" else ""),
        return_event=given.get("return_event", ORDER_RETURNED),
        columns=given.get("columns", {}),
        identities=given["identities"],
        traits=given.get("traits", {}),
        products=given.get("products", {}),
        properties=given.get("properties", {}),
        returns=_test(given["returns"], "returns", faults) if "returns" in given else None,
        set_aside=tuple(_set_aside(rule, faults) for rule in given.get("set_aside", ())),
        consents=tuple(
            _consent(channel, table, faults) for channel, table in given.get("consents", {}).items()
        ),
    )


def _test(given: Mapping[str, Any], where: str, faults: list[str]) -> Test:
    asked = [key for key in ("starts_with", "equals", "below", "empty") if key in given]
    if not isinstance(given.get("column"), str) or len(asked) != 1:
        faults.append(f"`{where}` needs a column and one of starts_with, equals, below, empty")
        return Test("")
    return Test(
        given["column"],
        given.get("starts_with"),
        given.get("equals"),
        given.get("below"),
        bool(given.get("empty", False)),
    )


def _set_aside(given: object, faults: list[str]) -> SetAside:
    if not isinstance(given, dict) or not isinstance(given.get("reason"), str):
        faults.append("each `set_aside` is a table with a reason")
        return SetAside(Test(""), "")
    _check_keys(given, _SET_ASIDE_KEYS, "set_aside.", faults)
    return SetAside(_test(given, "set_aside", faults), given["reason"], bool(given.get("sales_only", False)))


def _consent(channel: str, given: object, faults: list[str]) -> ConsentColumns:
    table = given if isinstance(given, dict) else {}
    _check_keys(table, _CONSENT_KEYS, f"consents.{channel}.", faults)
    if not isinstance(table.get("column"), str):
        faults.append(f"`consents.{channel}` needs a column")
    try:
        words = CONSENT_WORDS.with_words(*(_words(table.get(name, ())) for name in ("yes", "no", "unknown")))
    except ManometerError as error:
        faults.append(f"`consents.{channel}`: {error}")
        words = CONSENT_WORDS
    return ConsentColumns(
        channel, str(table.get("column")), table.get("at"), table.get("purpose", "*"), table.get("source"),
        table.get("text"),
        table.get("proof"), words,
    )  # fmt: skip


def _words(words: Any) -> frozenset[str]:
    return frozenset(str(word).strip().lower() for word in words)
